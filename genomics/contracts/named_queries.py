"""Questions that the lake is asked again and again, in Athena's SQL. They stand in the workgroup, with values to begin
with, for users of the Athena console to change; notebooks put in values of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int | tuple[str, ...]


@dataclass(frozen=True)
class NamedQuery:
    """`template` has each of `parameters` in braces; their values here are examples."""

    template: str
    description: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def text(self, **given: Value) -> str:
        """The query with these values, the examples' where none is given; TypeError names what does not fit."""
        if unknown := sorted(given.keys() - self.parameters.keys()):
            known = ", ".join(self.parameters) or "none"
            raise TypeError(f"the query has no parameter {unknown[0]}; it has {known}")
        for name, value in given.items():
            wanted = type(self.parameters[name])
            fits = type(value) is wanted and value != ()
            if not fits or (isinstance(value, tuple) and any(type(each) is not str for each in value)):
                raise TypeError(f"{name} must be {_SPELLED[wanted]}, not {value!r}")
        values = {**self.parameters, **given}
        return self.template.strip().format_map({name: _literal(value) for name, value in values.items()})


_SPELLED = {str: "a text", int: "a whole number", tuple: "a tuple of texts, one at least"}


def _literal(value: Value) -> str:
    match value:
        case int():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return ", ".join(_literal(each) for each in value)


_REGION: Mapping[str, Value] = {"chrom": "chr20", "start": 10_000_000, "end": 10_050_000}
_VARIANT: Mapping[str, Value] = {"chrom": "chr20", "pos": 10_000_107, "ref": "A", "alt": "G"}

QUERIES: Mapping[str, NamedQuery] = {
    "Variants of a region": NamedQuery(
        """
select dataset, chrom, pos, ref, alt, qual, filters, allele_frequency
from variants
where chrom = {chrom} and pos between {start} and {end}
order by pos, ref, alt, dataset
""",
        parameters=_REGION,
    ),
    "A variant": NamedQuery(
        """
select dataset, qual, filters, depth, allele_count, allele_number, allele_frequency, ids
from variants
where chrom = {chrom} and pos = {pos} and ref = {ref} and alt = {alt}
order by dataset
""",
        "The alleles in their shortest form, as the lake has them: docs/data-model.md",
        _VARIANT,
    ),
    "Where an rsid is": NamedQuery(
        """
select dataset, chrom, pos, ref, alt
from variant_ids
where id = {id}
order by dataset, chrom, pos, alt
""",
        parameters={"id": "rs7412"},
    ),
    "Variants with an rsid": NamedQuery(
        """
select v.dataset, v.chrom, v.pos, v.ref, v.alt, v.qual, v.filters, v.allele_frequency
from variant_ids i
join variants v
  on v.dataset = i.dataset and v.chrom = i.chrom and v.pos = i.pos and v.ref = i.ref
  and v.alt is not distinct from i.alt
where i.id = {id}
order by v.dataset, v.pos, v.alt
""",
        parameters={"id": "rs7412"},
    ),
    "Calls of a region": NamedQuery(
        """
select chrom, pos, ref, alt, sample, genotype, dosage, depth, genotype_quality
from genotypes_by_location
where chrom = {chrom} and pos between {start} and {end}
order by pos, ref, alt, sample
""",
        parameters=_REGION,
    ),
    "Carriers of a variant": NamedQuery(
        """
select dataset, sample, genotype, dosage, depth, genotype_quality
from genotypes_by_location
where chrom = {chrom} and pos = {pos} and ref = {ref} and alt = {alt}
order by dataset, sample
""",
        "Calls with a missing allele are among them, with dosage null",
        _VARIANT,
    ),
    "Variants that some samples carry": NamedQuery(
        """
select chrom, pos, ref, alt, count(distinct sample) as carriers, sum(dosage) as copies
from genotypes
where sample in ({samples}) and dosage > 0
group by chrom, pos, ref, alt
order by chrom, pos, ref, alt
""",
        "Reads the partitions of these samples alone",
        {"samples": ("NA12878", "NA12891")},
    ),
    "De novo candidates of a trio": NamedQuery(
        """
select c.dataset, c.chrom, c.pos, c.ref, c.alt, c.genotype, c.depth, c.genotype_quality, c.allele_depths
from genotypes c
join variants v
  on v.dataset = c.dataset and v.chrom = c.chrom and v.pos = c.pos and v.ref = c.ref and v.alt = c.alt
left join genotypes p
  on p.sample in ({mother}, {father}) and split_part(p.dataset, '/', 1) = {study}
  and p.chrom = c.chrom and p.pos = c.pos and p.ref = c.ref and p.alt = c.alt
where c.sample = {child} and split_part(c.dataset, '/', 1) = {study} and c.dosage > 0 and p.sample is null
  and (c.depth is null or c.depth >= {minimum_depth})
  and (c.genotype_quality is null or c.genotype_quality >= {minimum_quality})
  and (v.filters is null or contains(v.filters, 'PASS'))
order by c.chrom, c.pos, c.ref, c.alt
""",
        "What a child carries and no parent has a row of: a parent's missing call is one. A parent without a row is"
        " taken for homozygous reference, as it is where the three were called together; else look at its coverage",
        {
            "study": "trios",
            "child": "NA12878",
            "mother": "NA12892",
            "father": "NA12891",
            "minimum_depth": 10,
            "minimum_quality": 20,
        },
    ),
    "Allele frequencies by cohort": NamedQuery(
        """
with cohorts as (
  select split_part(dataset, '/', 1) as cohort, count(distinct sample) as samples
  from genotypes
  group by 1
), calls as (
  select split_part(dataset, '/', 1) as cohort, chrom, pos, ref, alt, count(distinct sample) as told,
    sum(coalesce(cardinality(filter(alleles, a -> a = alt_index)), 0)) as copies,
    sum(coalesce(cardinality(filter(alleles, a -> a is not null)), 0)) as alleles
  from genotypes_by_location
  where chrom = {chrom} and pos between {start} and {end}
  group by 1, 2, 3, 4, 5
)
select cohort, chrom, pos, ref, alt, copies, 2 * (samples - told) + alleles as allele_number,
  cast(copies as double) / (2 * (samples - told) + alleles) as allele_frequency
from calls
join cohorts using (cohort)
where copies > 0
order by pos, ref, alt, cohort
""",
        "A cohort is a study. Samples without a row count as two reference alleles: right on autosomes, where a study's"
        " samples were called together; missing alleles are left out",
        _REGION,
    ),
    "Allele counts of the lake": NamedQuery(
        """
select chrom, pos, ref, alt, count(*) as carriers, sum(dosage) as copies
from genotypes
where dosage > 0
group by chrom, pos, ref, alt
order by carriers desc, chrom, pos, ref, alt
limit 100
""",
    ),
    "Calls of each sample": NamedQuery(
        """
select sample, count(*) as variants, count_if(dosage = 2) as homozygous, count_if(dosage is null) as missing
from genotypes
group by sample
order by sample
""",
    ),
    "Variants of a gene that ClinVar knows": NamedQuery(
        """
select v.dataset, v.chrom, v.pos, v.ref, v.alt, c.clinical_significances, c.review_status, c.diseases, c.variation_id
from variants v
join clinvar_current c
  on c.chromosome = if(v.chrom in ('chrM', 'M'), 'MT', regexp_replace(v.chrom, '^chr', ''))
  and c.pos = v.pos and c.ref = v.ref and c.alt = v.alt
where c.assembly = {assembly} and contains(c.gene_symbols, {gene})
order by v.dataset, v.pos, v.alt
""",
        "After a release of ClinVar has been loaded: genomics annotations",
        {"assembly": "GRCh38", "gene": "BRCA1"},
    ),
    "What a gene's variants do to its transcripts": NamedQuery(
        """
select distinct chrom, pos, ref, alt, feature, array_join(terms, '&') as consequence, impact, hgvs_c, hgvs_p
from consequences
where gene_symbol = {gene} and impact in ('HIGH', 'MODERATE')
order by chrom, pos, alt, feature
""",
        parameters={"gene": "BRCA1"},
    ),
    "Rows of each run": NamedQuery(
        """
select run_id, dataset, count(*) as rows
from variants
group by run_id, dataset
order by run_id, dataset
""",
    ),
}
