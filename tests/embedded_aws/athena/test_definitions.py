"""Statements that change the catalog or write data; https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html."""

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients


def keys(prefix: str) -> list[str]:
    found = clients.client("s3").list_objects_v2(Bucket="athena-lake", Prefix=prefix).get("Contents", [])
    return [item["Key"] for item in found]


def read(key: str) -> bytes:
    content: bytes = clients.client("s3").get_object(Bucket="athena-lake", Key=key)["Body"].read()
    return content


def test_show_lists_what_is_there(lake: Any) -> None:
    assert ["variants"] in lake.answer("SHOW TABLES")
    assert lake.answer("show tables in lake_tests '*geno*'") == [["genotypes"]]
    assert ["lake_tests"] in lake.answer("SHOW DATABASES")
    assert lake.answer("SHOW PARTITIONS variants") == [
        ["dataset=study/cohort a/chrom=chr20"], ["dataset=study/cohort a/chrom=chr21"]]  # fmt: skip
    assert [row[0].strip() for row in lake.answer("SHOW COLUMNS IN numbers") if row[0]] == [
        "n", "f", "name", "day", "at"]  # fmt: skip


def test_describe_pads_its_columns_as_hive_does(lake: Any) -> None:
    # describe-table: col_name, data_type, comment
    assert lake.answer("DESCRIBE numbers")[0] == [f"{'n':<20}\t{'bigint':<20}\t{'':<20}"]
    rows = [row[0] for row in lake.answer("describe lake_tests.variants")]
    assert "# Partition Information\t \t " in rows
    assert rows[-1] == f"{'chrom':<20}\t{'string':<20}\t{'':<20}"


def test_a_view_answers_in_the_place_of_its_query(lake: Any) -> None:
    lake.answer(
        "create or replace view passing as\nselect chrom, pos, info_integers['DP'][1] depth "
        "from variants where contains(filters, 'PASS')"
    )
    assert lake.answer("select * from passing where chrom = 'chr20'") == [["chr20", "100", "30"]]
    table = clients.client("glue").get_table(DatabaseName="lake_tests", Name="passing")["Table"]
    # create-view: the catalog keeps a view as a VIRTUAL_VIEW
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ["chrom", "pos", "depth"]
    assert lake.answer("SHOW VIEWS") == [["passing"]]
    assert "passing" in lake.answer("SHOW CREATE VIEW passing")[0][0]
    assert "View already exists" in lake.refusal("create view passing as select 1 x")
    lake.answer("create view twice as select v.pos from passing v cross join passing w where v.chrom = 'chr20' "
                "and w.chrom = 'chr20'")  # fmt: skip
    assert lake.answer("select count(*) from twice") == [["1"]]
    lake.answer("drop view twice")
    lake.answer("drop view if exists twice")
    assert "TABLE_NOT_FOUND" in lake.refusal("select * from twice")


def test_a_table_is_made_of_a_query_and_partitioned(lake: Any) -> None:
    execution = lake.run(
        "create table lake_tests.by_chrom with (format = 'PARQUET', partitioned_by = array['chrom'], "
        "external_location = 's3://athena-lake/made/by_chrom/') as "
        "select pos, sum(depth) depth, array_agg(alt) alts, chrom from variants group by pos, chrom"
    )
    assert execution["Status"]["State"] == "SUCCEEDED"
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    table = clients.client("glue").get_table(DatabaseName="lake_tests", Name="by_chrom")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("pos", "bigint"), ("depth", "bigint"), ("alts", "array<string>")]  # fmt: skip
    assert table["PartitionKeys"] == [{"Name": "chrom", "Type": "string"}]
    assert lake.answer("select chrom, count(*), sum(depth) from by_chrom group by 1 order by 1") == [
        ["chr20", "3", "38"], ["chr21", "2", "52"]]  # fmt: skip
    # querying-finding-output-files: a manifest lists the files that a query wrote
    manifest = execution["Statistics"]["DataManifestLocation"].removeprefix("s3://athena-lake/")
    assert len(read(manifest).decode().splitlines()) == len(keys("made/by_chrom/")) == 2

    lake.answer("insert into by_chrom select 7, 1, array['T'], 'chrX'")
    assert lake.answer("select pos, alts from by_chrom where chrom = 'chrX'") == [["7", "[T]"]]
    lake.answer("insert into by_chrom (chrom, pos) values ('chrX', 8)")
    assert lake.answer("select pos, depth from by_chrom where chrom = 'chrX' order by pos") == [
        ["7", "1"], ["8", None]]  # fmt: skip
    assert "mismatched column types" in lake.refusal("insert into by_chrom select 'x', 1, array['T'], 'chrX'")
    lake.answer("drop table by_chrom")
    # drop-table: "the underlying data remains"
    assert len(keys("made/by_chrom/")) == 4


def test_a_table_of_a_query_does_not_overwrite(lake: Any) -> None:
    clients.client("s3").put_object(Bucket="athena-lake", Key="made/taken/x", Body=b"x")
    assert lake.refusal(
        "create table taken with (external_location = 's3://athena-lake/made/taken/') as select 1 x"
    ).startswith("HIVE_PATH_ALREADY_EXISTS: ")
    assert lake.refusal("create table variants as select 1 x") == (
        "TABLE_ALREADY_EXISTS: line 1:1: Destination table 'awsdatacatalog.lake_tests.variants' already exists"
    )
    lake.answer("create table if not exists variants as select 1 x")
    # ctas: "the partition columns must be listed last"
    assert lake.refusal(
        "create table misplaced with (partitioned_by = array['a']) as select 1 a, 2 b"
    ).startswith("HIVE_COLUMN_ORDER_MISMATCH: ")  # fmt: skip
    # ctas-insert-into: at most 100 partitions
    assert lake.refusal(
        "create table many with (partitioned_by = array['p']) as select 1 a, p from unnest(sequence(1, 101)) as t(p)"
    ) == "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"  # fmt: skip


def test_unload_writes_files_alone(lake: Any) -> None:
    execution = lake.run(
        "UNLOAD (select pos, ref from variants where chrom = 'chr20') TO 's3://athena-lake/unloaded/json/' "
        "WITH (format = 'JSON')"
    )
    assert execution["Status"]["State"] == "SUCCEEDED"
    [key] = keys("unloaded/json/")
    lines = gzip.decompress(read(key)).splitlines()
    assert json.loads(lines[0]) == {"pos": 100, "ref": "A"}
    lake.answer(
        "unload (select pos, ref from variants where chrom = 'chr20' order by 1) to 's3://athena-lake/unloaded/text/' "
        "with (format = 'TEXTFILE', field_delimiter = ',')"
    )
    assert gzip.decompress(read(keys("unloaded/text/")[0])) == b"100,A\n200,C\n300,AT\n"


def test_partitions_come_and_go_with_alter_table(lake: Any) -> None:
    lake.answer("create external table added (n bigint) partitioned by (day string) stored as parquet "
                "location 's3://athena-lake/tables/added/' tblproperties ('classification' = 'parquet')")  # fmt: skip
    lake.answer(
        "create table source with (external_location = 's3://athena-lake/elsewhere/') as select 5 * bigint '1' n"
    )
    assert lake.answer("select * from added") == []
    lake.answer("ALTER TABLE added ADD PARTITION (day = '2024-01-01') LOCATION 's3://athena-lake/elsewhere/'")
    assert lake.answer("select day, n from added") == [["2024-01-01", "5"]]
    assert "Partition already exists" in lake.refusal("ALTER TABLE added ADD PARTITION (day = '2024-01-01')")
    lake.answer("ALTER TABLE added ADD IF NOT EXISTS PARTITION (day = '2024-01-01') PARTITION (day = '2024-01-02')")
    assert lake.answer("show partitions added") == [["day=2024-01-01"], ["day=2024-01-02"]]
    lake.answer("alter table added drop partition (day = '2024-01-01')")
    assert lake.answer("select * from added") == []
    # msck-repair-table: "scans ... for Hive compatible partitions that were added to the file system"
    clients.client("s3").copy_object(
        Bucket="athena-lake", Key="tables/added/day=2024-02-01/part", CopySource=f"athena-lake/{keys('elsewhere/')[0]}"
    )
    lake.answer("MSCK REPAIR TABLE added")
    assert lake.answer("select day, n from added") == [["2024-02-01", "5"]]
    described = clients.client("glue").get_table(DatabaseName="lake_tests", Name="added")["Table"]
    assert described["Parameters"]["classification"] == "parquet"


def test_databases_are_made_and_dropped(lake: Any) -> None:
    lake.answer("create database if not exists other_tests comment 'of others'")
    lake.answer("create database if not exists other_tests")
    assert lake.client.get_database(CatalogName="AwsDataCatalog", DatabaseName="other_tests")["Database"]["Name"]
    lake.answer("create table other_tests.t with (external_location = 's3://athena-lake/other/') as select 1 x")
    assert "is not empty" in lake.refusal("drop database other_tests")
    lake.answer("drop database other_tests cascade")
    with pytest.raises(ClientError, match="MetadataException"):
        lake.client.get_database(CatalogName="AwsDataCatalog", DatabaseName="other_tests")


def test_a_query_can_be_explained(lake: Any) -> None:
    plan = "\n".join(row[0] or "" for row in lake.answer("explain select count(*) from variants"))
    assert "variants" in plan


def test_a_view_whose_tables_have_gone_is_invalid(lake: Any) -> None:
    lake.answer("create view inner_one as select chrom, pos from variants")
    lake.answer("create view outer_one as select chrom, count(*) n from inner_one group by chrom")
    assert lake.answer("select * from outer_one order by chrom") == [["chr20", "3"], ["chr21", "2"]]
    assert lake.answer("show views like 'o*_one'") == [["outer_one"]]
    lake.answer("drop view inner_one")
    # Trino, StatementAnalyzer: INVALID_VIEW, "Failed analyzing stored view '%s': %s"
    assert lake.refusal("select * from outer_one").startswith(
        "INVALID_VIEW: Failed analyzing stored view 'awsdatacatalog.lake_tests.outer_one': line 1:"
    )
    lake.answer("drop view outer_one")


def test_information_schema_shows_the_catalog(lake: Any) -> None:
    # ug, "Query the AWS Glue Data Catalog"
    assert lake.answer(
        "select table_name, table_type from information_schema.tables where table_schema = 'lake_tests' "
        "and table_name in ('variants', 'genotypes') order by table_name"
    ) == [["genotypes", "BASE TABLE"], ["variants", "BASE TABLE"]]
    assert lake.answer(
        "select column_name, data_type, is_nullable, extra_info from information_schema.columns "
        "where table_schema = 'lake_tests' and table_name = 'variants' and ordinal_position in (1, 22, 23, 24) "
        "order by ordinal_position"
    ) == [
        ["pos", "bigint", "YES", None],
        ["run_id", "varchar", "YES", None],
        ["dataset", "varchar", "YES", "partition key"],
        ["chrom", "varchar", "YES", "partition key"],
    ]
    assert "lake_tests" in [name for [name] in lake.answer("select schema_name from information_schema.schemata")]


def test_a_table_is_altered_as_a_whole(lake: Any, lake_tables: Any) -> None:
    # ug, "ALTER TABLE ADD COLUMNS", "ALTER TABLE SET TBLPROPERTIES", "ALTER TABLE SET LOCATION", "SHOW TBLPROPERTIES"
    lake_tables.put("altered/one/a.csv", b"1,x\n")
    lake_tables.put("altered/two/a.csv", b"2,y\n")
    lake.answer(
        "create external table altered (n int) row format delimited fields terminated by ',' "
        "location 's3://athena-lake/altered/one/'"
    )
    lake.answer("alter table altered add columns (t string)")
    assert lake.answer("select * from altered") == [["1", "x"]]
    lake.answer("alter table altered set location 's3://athena-lake/altered/two/'")
    lake.answer("alter table altered set tblproperties ('owner' = 'lab')")
    assert lake.answer("select * from altered") == [["2", "y"]]
    assert ["owner\tlab"] in lake.answer("show tblproperties altered")
    lake.answer("alter table altered replace columns (t string)")
    assert lake.answer("select * from altered") == [["2"]]
    assert [row[0].strip() for row in lake.answer("show columns in altered in lake_tests")] == ["t"]
