"""Tables of what is known about variants and genes: ClinVar's two, and any other as its schema declares it.

A partition is a release, named by its date. The view `<table>_current` shows the newest release that is loaded.
`chromosome` is `chrom` by one name for all files, so that `1` joins `chr1`.
"""

import re
from dataclasses import dataclass

from genomics.contracts.tables import VARIANTS, Column, Table

# What an annotation table's types may be; of each scalar also the array.
SCALARS = ("string", "boolean", "int", "bigint", "double", "date")
TABLE_PREFIX = "annotation_"
OTHER_COLUMNS = "other_columns"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RELEASE = Column("release", "string", "Date of the release, e.g. 2026-02-26")
_ASSEMBLY = Column("assembly", "string", "Genome assembly, e.g. GRCh38")
_CHROM = Column("chrom", "string", "Contig, as the file names it")
_CHROMOSOME = Column("chromosome", "string", "chrom without `chr`, the mitochondrion as MT: what joins go by")
_PROVENANCE_NAMES = ("source_uri", "source_sha256", "run_id")
_PROVENANCE = tuple(column for column in VARIANTS.columns if column.name in _PROVENANCE_NAMES)
_OTHER_COLUMNS = Column(
    OTHER_COLUMNS, "map<string,string>", "Columns that are not declared, and values that are not of their type"
)
_RESERVED = {column.name for column in (_RELEASE, _CHROMOSOME, _OTHER_COLUMNS, *_PROVENANCE)}

CLINVAR = Table(
    name="clinvar",
    description="ClinVar's VCF: one row per alternate allele of each record, with the columns that variants has",
    columns=(
        _CHROM,
        _CHROMOSOME,
        *(column for column in VARIANTS.columns if column.name not in _PROVENANCE_NAMES),
        Column("variation_id", "bigint", "ClinVar's Variation ID, the record's ID"),
        Column("allele_id", "bigint", "ALLELEID"),
        Column("rsids", "array<string>", "RS: dbSNP identifiers, with `rs`"),
        Column("gene_symbols", "array<string>", "GENEINFO: symbols"),
        Column("gene_ids", "array<bigint>", "GENEINFO: NCBI Gene IDs, in the order of the symbols"),
        Column("clinical_significances", "array<string>", "CLNSIG, e.g. [Pathogenic/Likely_pathogenic, risk_factor]"),
        Column("review_status", "string", "CLNREVSTAT"),
        Column("conflicting_significances", "map<string,int>", "CLNSIGCONF: submissions by significance"),
        Column("is_conflicting", "boolean", "Submitters disagree; null where nothing is said of significance"),
        Column("diseases", "array<string>", "CLNDN"),
        Column("disease_ids", "array<array<string>>", "CLNDISDB: each disease's identifiers, in the order of diseases"),
        Column("hgvs", "string", "CLNHGVS"),
        Column("variant_type", "string", "CLNVC"),
        Column("variant_type_term", "string", "CLNVCSO: Sequence Ontology identifier of the type"),
        Column("consequence_terms", "array<string>", "MC: Sequence Ontology identifiers"),
        Column("consequences", "array<string>", "MC: names, in the order of the identifiers"),
        Column("origins", "array<string>", "ORIGIN: names of the origins that it adds up"),
        Column("af_esp", "double", "AF_ESP: allele frequency in GO-ESP; null where unknown"),
        Column("af_exac", "double", "AF_EXAC: in ExAC, likewise"),
        Column("af_tgp", "double", "AF_TGP: in the 1000 Genomes Project, likewise"),
        *_PROVENANCE,
    ),
    partitions=(_RELEASE, _ASSEMBLY),
)


@dataclass(frozen=True)
class DeclaredColumn:
    """A column of a TSV. `source` is its name in the file's header, by default `name`.

    `type` is Hive's: one of SCALARS, or an array of one. An array's values are divided by `separator`. A date is read
    by `format` (as strptime has it), by default ISO's. `nulls` are words that mean null here, beside the schema's.
    """

    name: str
    type: str
    source: str = ""
    nulls: tuple[str, ...] = ()
    separator: str = ""
    format: str = "%Y-%m-%d"
    optional: bool = False
    comment: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _RESERVED:
            reserved = ", ".join(sorted(_RESERVED))
            raise ValueError(f"column {self.name!r} must be small letters, digits and _, and none of {reserved}")
        if self.element not in SCALARS:
            known = ", ".join(SCALARS)
            raise ValueError(f"column {self.name}: type is {self.type!r}; expected one of {known}, or array<> of one")
        if self.is_array != bool(self.separator):
            raise ValueError(f"column {self.name}: an array, and nothing else, has a separator")

    @property
    def is_array(self) -> bool:
        """Several values stand in one field."""
        return self.type.startswith("array<")

    @property
    def element(self) -> str:
        """Type of one value."""
        return self.type.removeprefix("array<").removesuffix(">") if self.is_array else self.type

    @property
    def header(self) -> str:
        """Its name in the file."""
        return self.source or self.name


@dataclass(frozen=True)
class Location:
    """Which columns say where a row lies. With `base` 0 it is as in BED: `start` counts from 0, `end` is not included.

    The table has them 1-based and closed.
    """

    chrom: str
    start: str
    end: str = ""
    base: int = 1

    def __post_init__(self) -> None:
        if self.base not in (0, 1):
            raise ValueError(f"location: base is {self.base}; expected 0 or 1")


@dataclass(frozen=True)
class AnnotationSchema:
    """A TSV's columns. Without `has_header` they stand in the file in this order."""

    name: str
    columns: tuple[DeclaredColumn, ...]
    nulls: tuple[str, ...] = ("",)
    location: Location | None = None
    has_header: bool = True
    description: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name {self.name!r} must be small letters, digits and _, beginning with a letter")
        for names in ([c.name for c in self.columns], [c.header for c in self.columns]):
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"column {twice[0]!r} is declared twice")
        types = {column.name: column.type for column in self.columns}
        place = self.location
        if place:
            for name in (place.chrom, place.start, *([place.end] if place.end else [])):
                wanted = "string" if name == place.chrom else "bigint"
                if types.get(name) != wanted:
                    raise ValueError(f"location: {name!r} must be a declared column of type {wanted}")


def declared_table(schema: AnnotationSchema) -> Table:
    """The table that a TSV of this schema makes, `annotation_<name>`."""
    return _declared(schema, f"{TABLE_PREFIX}{schema.name}")


def _declared(schema: AnnotationSchema, name: str) -> Table:
    return Table(
        name=name,
        description=schema.description or f"Annotation {schema.name}",
        columns=(
            *((_CHROMOSOME,) if schema.location else ()),
            *(Column(column.name, column.type, column.comment or column.header) for column in schema.columns),
            _OTHER_COLUMNS,
            *_PROVENANCE,
        ),
        partitions=(_RELEASE,),
    )


def chromosome(chrom: str) -> str:
    """The name that joins go by. Names other than those of chromosomes stay as they are."""
    name = chrom.removeprefix("chr")
    return "MT" if name == "M" else name


def current_view(table: str) -> str:
    """Name of the view of a table's newest release."""
    return f"{table}_current"


def _text(name: str, source: str, *, optional: bool = False) -> DeclaredColumn:
    return DeclaredColumn(name, "string", source, optional=optional)


def _texts(name: str, source: str, separator: str, *, optional: bool = False) -> DeclaredColumn:
    return DeclaredColumn(name, "array<string>", source, separator=separator, optional=optional)


def _number(name: str, source: str, *, optional: bool = False) -> DeclaredColumn:
    return DeclaredColumn(name, "bigint", source, nulls=("-1",), optional=optional)


def _date(name: str, source: str, *, optional: bool = False) -> DeclaredColumn:
    return DeclaredColumn(name, "date", source, format="%b %d, %Y", optional=optional)


# https://ftp.ncbi.nlm.nih.gov/pub/clinvar/README.txt, section variant_summary.txt. `-`, `na` and -1 stand for what is
# not known. The columns that older releases have not are optional.
CLINVAR_SUMMARY_SCHEMA = AnnotationSchema(
    name="clinvar_summary",
    description="ClinVar's variant_summary.txt: one row per allele and assembly",
    nulls=("", "-", "na"),
    location=Location("chrom", "start", "stop"),
    columns=(
        _number("allele_id", "AlleleID"),
        _text("variant_type", "Type"),
        _text("name", "Name"),
        _number("gene_id", "GeneID"),
        _texts("gene_symbols", "GeneSymbol", ";"),
        _text("hgnc_id", "HGNC_ID"),
        _texts("clinical_significances", "ClinicalSignificance", ";"),
        DeclaredColumn(
            "is_pathogenic",
            "boolean",
            "ClinSigSimple",
            nulls=("-1",),
            comment="ClinSigSimple: some submission says pathogenic or likely pathogenic",
        ),
        _date("last_evaluated", "LastEvaluated"),
        _number("rs_number", "RS# (dbSNP)"),
        _text("dbvar_id", "nsv/esv (dbVar)"),
        _texts("rcv_accessions", "RCVaccession", "|"),
        _texts("disease_ids", "PhenotypeIDS", "|"),
        _texts("diseases", "PhenotypeList", "|"),
        _texts("origins", "Origin", ";"),
        _text("origin_simple", "OriginSimple"),
        _text("assembly", "Assembly"),
        _text("chromosome_accession", "ChromosomeAccession"),
        _text("chrom", "Chromosome"),
        _number("start", "Start"),
        _number("stop", "Stop"),
        _text("reference_allele", "ReferenceAllele"),
        _text("alternate_allele", "AlternateAllele"),
        _text("cytogenetic", "Cytogenetic"),
        _text("review_status", "ReviewStatus"),
        _number("submitters", "NumberSubmitters"),
        _texts("guidelines", "Guidelines", ","),
        DeclaredColumn("is_tested_in_gtr", "boolean", "TestedInGTR"),
        _texts("other_ids", "OtherIDs", ","),
        _number("submitter_categories", "SubmitterCategories"),
        _number("variation_id", "VariationID", optional=True),
        _number("pos", "PositionVCF", optional=True),
        _text("ref", "ReferenceAlleleVCF", optional=True),
        _text("alt", "AlternateAlleleVCF", optional=True),
        _text("somatic_clinical_impact", "SomaticClinicalImpact", optional=True),
        _date("somatic_clinical_impact_last_evaluated", "SomaticClinicalImpactLastEvaluated", optional=True),
        _text("review_status_clinical_impact", "ReviewStatusClinicalImpact", optional=True),
        _text("oncogenicity", "Oncogenicity", optional=True),
        _date("oncogenicity_last_evaluated", "OncogenicityLastEvaluated", optional=True),
        _text("review_status_oncogenicity", "ReviewStatusOncogenicity", optional=True),
        _texts("scvs_germline", "SCVsForAggregateGermlineClassification", "|", optional=True),
        _texts("scvs_somatic_clinical_impact", "SCVsForAggregateSomaticClinicalImpact", "|", optional=True),
        _texts("scvs_oncogenicity", "SCVsForAggregateOncogenicityClassification", "|", optional=True),
    ),
)

CLINVAR_SUMMARY = _declared(CLINVAR_SUMMARY_SCHEMA, CLINVAR_SUMMARY_SCHEMA.name)

ANNOTATION_TABLES = (CLINVAR, CLINVAR_SUMMARY)
