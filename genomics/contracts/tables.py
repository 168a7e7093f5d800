"""Every table of the lake: names, columns and Hive types. The catalog, the jobs and the documents all read it here.

Coordinates are 1-based and closed. A missing value is null: `.` in the VCF, an array that is all missing. Elements that
are missing inside an array are null elements. FILTER null means that no filter was applied, which is not PASS.

A partition belongs to one dataset, and its location to one load of it: what a load writes can be seen when the
catalog's partition is pointed at it, and no sooner. docs/data-model.md says how a record becomes rows.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column: `type` as Hive writes it, `comment` what it says, with its unit."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """A table of Parquet files. `partitions` are columns that stand in the path, not in the files."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partitions: tuple[Column, ...]


_DATASET = Column("dataset", "string", "What the source is a version of; loading it again replaces its rows")

_PROVENANCE = (
    Column("source_uri", "string", "The file the row was read from"),
    Column("source_sha256", "string", "SHA-256 of that file, hex"),
    Column("run_id", "string", "The run that loaded it"),
)

# The record's place after splitting to one ALT per row and trimming shared bases, and as it stood in the file.
_PLACE = (
    Column("pos", "bigint", "First base of ref, 1-based"),
    Column("ref", "string", "Reference allele, upper case"),
    Column("alt", "string", "This row's alternate allele, bases in upper case; null where the record has none"),
    Column("alt_index", "int", "Which ALT of the original record, counted from 1; null where it has none"),
    Column("original_pos", "bigint", "POS as the file has it"),
    Column("original_ref", "string", "REF as the file has it"),
    Column("original_alts", "array<string>", "ALT as the file has it; null for `.`"),
)

VARIANTS = Table(
    name="variants",
    description="One row per alternate allele of each record, with typed INFO",
    columns=(
        *_PLACE,
        Column("end", "bigint", "Last base, 1-based and included: INFO END, else from the length of ref"),
        Column("ids", "array<string>", "ID, split on `;`"),
        Column("qual", "double", "QUAL, Phred-scaled"),
        Column("filters", "array<string>", "FILTER; [PASS] where it passed, null where none was applied"),
        Column("depth", "int", "INFO DP, reads"),
        Column("allele_count", "int", "INFO AC of this ALT"),
        Column("allele_number", "int", "INFO AN, called alleles"),
        Column("allele_frequency", "double", "INFO AF of this ALT"),
        Column("info_flags", "array<string>", "Flags present; null where there is none"),
        Column(
            "info_integers",
            "map<string,array<bigint>>",
            "Other Integer fields and END, by name; of Number A and R this ALT's values",
        ),
        Column("info_floats", "map<string,array<double>>", "Other Float fields, likewise"),
        Column("info_strings", "map<string,array<string>>", "String, Character and undeclared fields, likewise"),
        *_PROVENANCE,
    ),
    partitions=(_DATASET, Column("chrom", "string", "Contig, as the file names it")),
)

GENOTYPES = Table(
    name="genotypes",
    description=(
        "One row per sample and alternate allele that the sample carries, or may carry because its call is missing. "
        "Homozygous reference calls have no row"
    ),
    columns=(
        Column("chrom", "string", "Contig, as the file names it"),
        *_PLACE,
        Column("genotype", "string", "GT as the file has it; indexes refer to original_alts"),
        Column("alleles", "array<int>", "GT's allele indexes into the original record; null elements are missing"),
        Column("phased", "boolean", "Every separator is `|`; null where the sample has one allele or none"),
        Column("phase_set", "int", "FORMAT PS"),
        Column("dosage", "int", "Copies of this row's ALT; null if any allele is missing"),
        Column("depth", "int", "FORMAT DP, reads"),
        Column("genotype_quality", "int", "FORMAT GQ, Phred-scaled"),
        Column("allele_depths", "array<int>", "FORMAT AD of ref and this ALT, reads"),
        Column("genotype_likelihoods", "array<int>", "FORMAT PL as the file has it, all alleles, Phred-scaled"),
        Column("sample_filters", "array<string>", "FORMAT FT"),
        Column(
            "format_integers",
            "map<string,array<bigint>>",
            "Other Integer fields by name; of Number A and R this ALT's values",
        ),
        Column("format_floats", "map<string,array<double>>", "Other Float fields, likewise"),
        Column(
            "format_strings", "map<string,array<string>>", "Other String, Character and undeclared fields, likewise"
        ),
        *_PROVENANCE,
    ),
    partitions=(_DATASET, Column("sample", "string", "The sample's name in the VCF header")),
)

CONSEQUENCES = Table(
    name="consequences",
    description=(
        "One row per entry of an INFO field of VEP (CSQ, vep), bcftools csq (BCSQ) or snpEff (ANN): what an alternate "
        "allele does to a transcript, or to another feature"
    ),
    columns=(
        *(column for column in _PLACE if column.name not in ("original_ref", "original_alts")),
        Column("field", "string", "The INFO field"),
        Column("entry", "int", "Which entry of the field, counted from 1"),
        Column("allele", "string", "The allele as the entry writes it"),
        Column("terms", "array<string>", "Consequences, split on `&`, without bcftools' `*`"),
        Column("impact", "string", "VEP IMPACT, snpEff Annotation_Impact"),
        Column("gene_symbol", "string", "VEP SYMBOL, snpEff Gene_Name, bcftools gene"),
        Column("gene_id", "string", "VEP Gene, snpEff Gene_ID"),
        Column("feature_type", "string", "Feature_Type"),
        Column("feature", "string", "The transcript or its like: VEP Feature, snpEff Feature_ID, bcftools transcript"),
        Column("biotype", "string", "VEP and bcftools BIOTYPE, snpEff Transcript_BioType"),
        Column("exon", "string", "VEP EXON, such as 3/20"),
        Column("intron", "string", "VEP INTRON, such as 3/20"),
        Column("hgvs_c", "string", "HGVS of the coding or non-coding sequence"),
        Column("hgvs_p", "string", "HGVS of the protein"),
        Column("cdna_position", "string", "Place in the cDNA as given, 1-based: 105, 105-107, 105/6279"),
        Column("cds_position", "string", "Place in the coding sequence, likewise"),
        Column("protein_position", "string", "Place in the protein, likewise, in amino acids"),
        Column("is_after_stop", "boolean", "bcftools' `*`: lies behind a stop; null for other programs"),
        Column("told_at_pos", "bigint", "bcftools' `@`: POS of the record that tells this consequence, 1-based"),
        Column("other_subfields", "map<string,string>", "All other subfields that are not empty, by name"),
        *_PROVENANCE,
    ),
    partitions=VARIANTS.partitions,
)

REJECTS = Table(
    name="rejects",
    description=(
        "Records that could not be loaded, fields that were kept as text because they are not as declared, and entries "
        "of annotations that cannot be told apart"
    ),
    columns=(
        Column("line", "bigint", "Line of the uncompressed file, counted from 1; null in BCF, which has none"),
        Column(
            "field",
            "string",
            "INFO/X or FORMAT/X that was kept as text; `INFO/X entry N` that has no row in consequences; null where "
            "the whole record was rejected",
        ),
        Column("reason", "string", "What is wrong with it"),
        Column("text", "string", "The line, or the field's value, as it stands; its first 65,536 characters"),
        *_PROVENANCE,
    ),
    partitions=(_DATASET,),
)

# FORMAT's maps and PL, and the record as the file has it, are half of the bytes: these stay in `genotypes` alone.
_BY_LOCATION_TOO = (
    "pos",
    "ref",
    "alt",
    "alt_index",
    "genotype",
    "alleles",
    "phased",
    "phase_set",
    "dosage",
    "depth",
    "genotype_quality",
    "allele_depths",
    "sample_filters",
    *(column.name for column in _PROVENANCE),
)

GENOTYPES_BY_LOCATION = Table(
    name="genotypes_by_location",
    description=(
        "The rows of genotypes, with most of their columns, by location: for regions and variants over all samples"
    ),
    columns=(
        GENOTYPES.partitions[1],
        *(column for column in GENOTYPES.columns if column.name in _BY_LOCATION_TOO),
    ),
    partitions=VARIANTS.partitions,
)

VARIANT_IDS = Table(
    name="variant_ids",
    description="Where each ID of a record (an rsid, say) is to be found in variants, sorted by ID",
    columns=(
        Column("id", "string", "One ID of the record, as the file has it"),
        VARIANTS.partitions[1],
        *(column for column in _PLACE if column.name in ("pos", "ref", "alt")),
        *_PROVENANCE,
    ),
    partitions=(_DATASET,),
)

TABLES = (VARIANTS, GENOTYPES, CONSEQUENCES, REJECTS)

# What the rows above say, written again where another question finds it. A load writes and replaces them together.
LOOKUPS = (GENOTYPES_BY_LOCATION, VARIANT_IDS)

_RELEASE = Column("release", "string", "Name of the release that has pinned the rows")


def pinned(table: Table) -> Table:
    """The table of a table's rows as releases have pinned them: the same files, under the release's name."""
    description = f"Rows of {table.name} as they were when a release was made of their dataset"
    return Table(f"{table.name}_releases", description, table.columns, (_RELEASE, *table.partitions))


RELEASES = tuple(pinned(table) for table in (*TABLES, *LOOKUPS))
