"""Trino's functions: which there are, and DuckDB macros for those that DuckDB lacks or means otherwise."""

import re
from collections.abc import Collection

# https://trino.io/docs/current/functions/list.html, and what Athena adds:
# https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
_TRINO = """
abs acos all_match any_match any_value approx_distinct approx_most_frequent approx_percentile approx_set arbitrary
array_agg array_distinct array_except array_intersect array_join array_max array_min array_position array_remove
array_sort array_union arrays_overlap asin at_timezone atan atan2 avg bit_count bitwise_and bitwise_and_agg
bitwise_left_shift bitwise_not bitwise_or bitwise_or_agg bitwise_right_shift bitwise_right_shift_arithmetic
bitwise_xor bool_and bool_or cardinality cast cbrt ceil ceiling checksum chr coalesce codepoint combinations concat
concat_ws contains contains_sequence corr cos cosh cosine_similarity count count_if covar_pop covar_samp crc32
cume_dist current_date current_time current_timestamp current_timezone date date_add date_diff date_format
date_parse date_trunc day day_of_month day_of_week day_of_year degrees dense_rank dow doy e element_at
empty_approx_set ends_with every exp extract filter first_value flatten floor format format_datetime format_number
from_base from_base32 from_base64 from_base64url from_big_endian_32 from_big_endian_64 from_hex from_ieee754_32
from_ieee754_64 from_iso8601_date from_iso8601_timestamp from_unixtime from_unixtime_nanos from_utf8 geometric_mean
greatest grouping hamming_distance histogram hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 hour human_readable_seconds
if index infinity intersection_cardinality inverse_normal_cdf is_finite is_infinite is_json_scalar is_nan
jaccard_index json_array json_array_contains json_array_get json_array_length json_exists json_extract
json_extract_scalar json_format json_object json_parse json_query json_size json_value kurtosis lag
last_day_of_month last_value lead least length levenshtein_distance listagg ln localtime localtimestamp log log10
log2 lower lpad ltrim luhn_check map map_agg map_concat map_entries map_filter map_from_entries map_keys map_union
map_values map_zip_with max max_by md5 merge millisecond min min_by minute mod month multimap_agg
multimap_from_entries murmur3 nan ngrams none_match normal_cdf normalize now nth_value ntile nullif
numeric_histogram parse_datetime parse_duration percent_rank pi position pow power qdigest_agg quarter radians rand
random rank reduce reduce_agg regexp_count regexp_extract regexp_extract_all regexp_like regexp_position
regexp_replace regexp_split regr_intercept regr_slope repeat replace reverse round row row_number rpad rtrim second
sequence sha1 sha256 sha512 shuffle sign sin sinh skewness slice soundex split split_part split_to_map
split_to_multimap spooky_hash_v2_32 spooky_hash_v2_64 sqrt starts_with stddev stddev_pop stddev_samp strpos substr
substring sum tan tanh tdigest_agg timezone_hour timezone_minute to_base to_base32 to_base64 to_base64url
to_big_endian_32 to_big_endian_64 to_char to_date to_hex to_ieee754_32 to_ieee754_64 to_iso8601 to_milliseconds
to_timestamp to_unixtime to_utf8 transform transform_keys transform_values translate trim trim_array truncate try
try_cast typeof unnest upper url_decode url_encode url_extract_fragment url_extract_host url_extract_parameter
url_extract_path url_extract_port url_extract_protocol url_extract_query uuid value_at_quantile values_at_quantiles
var_pop var_samp variance version week week_of_year width_bucket wilson_interval_lower wilson_interval_upper
with_timezone word_stem xxhash64 year year_of_week yow zip zip_with
"""
TRINO = frozenset(_TRINO.split())

# Words that may stand before a parenthesis without being a function.
_NOT_FUNCTIONS = """
all and any array as between bigint by case char char cross cube date decimal distinct double else end except exists
fetch filter for from full group grouping having in inner integer intersect interval is join json lateral left like
limit map natural not offset on or order outer over partition precision real recursive right rollup row rows select
set sets smallint some tablesample bernoulli system then time timestamp tinyint union unnest using values varbinary
varchar when where window with within into table
"""
NOT_FUNCTIONS = frozenset(_NOT_FUNCTIONS.split())

# Trino's, which this Athena does not have: DuckDB lacks them, or means something else by the name.
_MISSING = """
approx_set approx_most_frequent bitwise_right_shift_arithmetic cbrt checksum combinations contains_sequence
cosine_similarity crc32 current_timezone empty_approx_set format_number from_base from_base32 from_base64url
from_big_endian_32 from_big_endian_64 from_ieee754_32 from_ieee754_64 from_unixtime_nanos hmac_md5 hmac_sha1
hmac_sha256 hmac_sha512 human_readable_seconds index intersection_cardinality inverse_normal_cdf is_json_scalar
jaccard_index json_array json_array_contains json_array_get json_exists json_object json_query json_size json_value
kurtosis localtime localtimestamp luhn_check map_union map_zip_with merge multimap_from_entries murmur3 ngrams
normal_cdf normalize numeric_histogram parse_duration qdigest_agg reduce_agg sha1 sha512 shuffle skewness soundex
split_to_multimap spooky_hash_v2_32 spooky_hash_v2_64 tdigest_agg to_base32 to_base64url to_big_endian_32
to_big_endian_64 to_char to_date to_ieee754_32 to_ieee754_64 to_timestamp url_extract_fragment url_extract_host
url_extract_parameter url_extract_path url_extract_port url_extract_protocol url_extract_query value_at_quantile
values_at_quantiles version with_timezone word_stem xxhash64
"""
MISSING = frozenset(_MISSING.split())

# DuckDB macros; a name that starts with `trino_` is put in by the translation.
_MACROS = (
    "trino_in_map(m, k) AS CASE WHEN m IS NULL OR k IS NULL OR map_contains(m, k) THEN m[k] "
    "ELSE error('Key not present in map: ' || CAST(k AS VARCHAR)) END",
    "trino_in_array(l, i) AS CASE WHEN l IS NULL OR i IS NULL OR (i BETWEEN 1 AND len(l)) THEN l[i] "
    "WHEN i = 0 THEN error('SQL array indices start at 1') "
    "WHEN i < 0 THEN error('Array subscript is negative: ' || i) "
    "ELSE error('Array subscript must be less than or equal to array length: ' || i || ' > ' || len(l)) END",
    "any_match(l, f) AS CASE WHEN l IS NULL THEN NULL ELSE coalesce(list_bool_or(list_transform(l, f)), false) END",
    "all_match(l, f) AS CASE WHEN l IS NULL THEN NULL ELSE coalesce(list_bool_and(list_transform(l, f)), true) END",
    "none_match(l, f) AS CASE WHEN l IS NULL THEN NULL "
    "ELSE NOT coalesce(list_bool_or(list_transform(l, f)), false) END",
    "trino_regexp_extract(s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END",
    "trino_split_part(s, d, i) AS CASE WHEN i > 0 THEN string_split(s, d)[i] "
    "ELSE error('Index must be greater than zero') END",
    "trino_split(s, d, n) AS CASE WHEN len(string_split(s, d)) <= n THEN string_split(s, d) ELSE "
    "list_concat(string_split(s, d)[1:n - 1], [array_to_string(string_split(s, d)[n:], d)]) END",
    "trino_substr(s, i) AS CASE WHEN i = 0 OR i < -length(s) THEN '' ELSE substr(s, i) END",
    "trino_substr_of(s, i, n) AS CASE WHEN i = 0 OR i < -length(s) THEN '' ELSE substr(s, i, n) END",
    "trino_array_position(l, x) AS CASE WHEN l IS NULL OR x IS NULL THEN NULL "
    "ELSE coalesce(CAST(list_position(l, x) AS BIGINT), 0) END",
    "trino_array_distinct(l) AS list_transform(list_filter(list_zip(l, range(1, len(l) + 1)), "
    "lambda e: list_position(l, e[1]) = e[2] OR (e[1] IS NULL AND "
    "len(list_filter(l[1:e[2]], lambda y: y IS NULL)) = 1)), lambda e: e[1])",
    "trino_array_max(l) AS CASE WHEN len(list_filter(l, lambda x: x IS NULL)) > 0 THEN NULL ELSE list_max(l) END",
    "trino_array_min(l) AS CASE WHEN len(list_filter(l, lambda x: x IS NULL)) > 0 THEN NULL ELSE list_min(l) END",
    "trino_array_except(a, b) AS CASE WHEN b IS NOT NULL THEN list_filter(trino_array_distinct(a), "
    "lambda e: len(list_filter(b, lambda y: y IS NOT DISTINCT FROM e)) = 0) END",
    "trino_contains(l, x) AS CASE WHEN list_contains(l, x) THEN true "
    "WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL ELSE list_contains(l, x) END",
    "trino_slice(l, i, n) AS CASE WHEN i = 0 THEN error('SQL array indices start at 1') "
    "WHEN n < 0 THEN error('length must be greater than or equal to 0') WHEN i > 0 THEN l[i:i + n - 1] "
    "WHEN -i > len(l) THEN l[1:0] ELSE l[len(l) + i + 1:len(l) + i + n] END",
    "trino_named_entries(m) AS map_entries(m)",
    "trino_entries(m) AS list_transform(map_entries(m), lambda e: struct_pack(_0 := e.key, _1 := e.value))",
    "array_union(a, b) AS trino_array_distinct(list_concat(a, b))",
    "trino_arrays_overlap(a, b) AS CASE WHEN list_has_any(a, b) THEN true WHEN len(list_filter(list_concat(a, b), "
    "lambda x: x IS NULL)) > 0 THEN NULL ELSE list_has_any(a, b) END",
    "trino_json_extract(j, p) AS CASE WHEN json_valid(CAST(j AS VARCHAR)) THEN json_extract(j, p) END",
    "trino_json_extract_scalar(j, p) AS CASE WHEN json_valid(CAST(j AS VARCHAR)) AND json_type(j, p) NOT IN "
    "('OBJECT', 'ARRAY') THEN json_extract_string(j, p) END",
    "trino_to_base(x, n) AS lower(to_base(x, n))",
    "trino_url_encode(x) AS replace(replace(replace(url_encode(x), '%20', '+'), '~', '%7E'), '%2A', '*')",
    "trino_url_decode(x) AS url_decode(replace(x, '+', ' '))",
    "trino_to_milliseconds(x) AS CAST(round(epoch(x) * 1000) AS BIGINT)",
    "trino_whole_number(x) AS translate(x, '.eExX_bB', '\u2024\uff45\uff25\uff58\uff38\uff3f\uff42\uff22')",
    "trino_at_timezone(x, z) AS {'$at': x AT TIME ZONE z, '$zone': z}",
    "trino_millisecond(x) AS millisecond(x) % 1000",
    "map_agg(k, v) AS map(list(k), list(v))",
    "multimap_agg(k, v) AS map_from_entries(list_transform(list_distinct(list(k)), lambda one: "
    "(one, list_transform(list_filter(list_zip(list(k), list(v)), lambda e: e[1] = one), lambda e: e[2]))))",
    "every(x) AS bool_and(x)",
    "codepoint(s) AS CAST(unicode(s) AS INTEGER)",
    "e() AS exp(1.0::DOUBLE)",
    "nan() AS 'nan'::DOUBLE",
    "infinity() AS 'infinity'::DOUBLE",
    "is_finite(x) AS isfinite(x)",
    "is_infinite(x) AS isinf(x)",
    "bitwise_left_shift(a, n) AS a << n",
    "bitwise_right_shift(a, n) AS a >> n",
    "trino_bit_count(x, n) AS CAST(bit_count(CAST(x AS BIGINT)) - CASE WHEN x < 0 THEN 64 - n ELSE 0 END AS BIGINT)",
    "hamming_distance(a, b) AS CAST(hamming(a, b) AS BIGINT)",
    "regexp_position(s, p) AS CASE WHEN regexp_matches(s, p) THEN strpos(s, regexp_extract(s, p)) ELSE -1 END",
    "trino_repeat(x, n) AS list_transform(range(n), lambda _: x)",
    "trim_array(l, n) AS l[1:len(l) - n]",
    "trino_zip(a, b) AS list_zip(a, b)",
    "yow(x) AS isoyear(x)",
    "trino_to_iso8601(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g')",
    "split_to_map(s, a, b) AS map_from_entries(list_transform(string_split(s, a), "
    "lambda p: (string_split(p, b)[1], string_split(p, b)[2])))",
    "width_bucket(x, low, high, n) AS CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1 "
    "ELSE CAST(floor((x - low) / ((high - low) / CAST(n AS DOUBLE))) AS BIGINT) + 1 END",
    "wilson_interval_lower(s, n, z) AS (s + z * z / 2.0 - z * sqrt(s * (1 - s / CAST(n AS DOUBLE)) + z * z / 4.0)) "
    "/ (n + z * z)",
    "wilson_interval_upper(s, n, z) AS (s + z * z / 2.0 + z * sqrt(s * (1 - s / CAST(n AS DOUBLE)) + z * z / 4.0)) "
    "/ (n + z * z)",
)

MACROS = {macro.partition("(")[0]: macro for macro in _MACROS}
_WORD = re.compile(r"\w+")


def used(sql: str, known: Collection[str] = ()) -> list[str]:
    """The macros that a statement for DuckDB needs beyond those known, each after what it needs itself."""
    found: dict[str, None] = {}
    for word in dict.fromkeys(_WORD.findall(sql.lower())):
        if word in MACROS and word not in known:
            inner = MACROS[word].partition("(")[2]
            found.update(dict.fromkeys(used(inner, {*known, *found, word})))
            found[word] = None
    return list(found)
