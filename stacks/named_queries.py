"""Queries to begin with. They stand in the workgroup, where a user of the Athena console finds them."""

QUERIES = {
    "Variants of a region": """
select chrom, pos, ref, alt, qual, filters, allele_frequency
from variants
where chrom = 'chr20' and pos between 10000000 and 10050000
order by pos, alt
""".strip(),
    "Where an rsid is": """
select dataset, chrom, pos, ref, alt
from variant_ids
where id = 'rs7412'
order by dataset, chrom, pos, alt
""".strip(),
    "Variants with an rsid": """
select v.dataset, v.chrom, v.pos, v.ref, v.alt, v.qual, v.filters, v.allele_frequency
from variant_ids i
join variants v
  on v.dataset = i.dataset and v.chrom = i.chrom and v.pos = i.pos and v.ref = i.ref
  and v.alt is not distinct from i.alt
where i.id = 'rs7412'
order by v.dataset, v.pos, v.alt
""".strip(),
    "Calls of a region": """
select chrom, pos, ref, alt, sample, genotype, dosage, depth, genotype_quality
from genotypes_by_location
where chrom = 'chr20' and pos between 10000000 and 10050000
order by pos, ref, alt, sample
""".strip(),
    "Carriers of a variant": """
select sample, genotype, dosage, depth, genotype_quality
from genotypes_by_location
where chrom = 'chr20' and pos = 10000107 and ref = 'A' and alt = 'G'
order by sample
""".strip(),
    "Variants that some samples carry": """
select chrom, pos, ref, alt, count(distinct sample) as carriers, sum(dosage) as copies
from genotypes
where sample in ('NA12878', 'NA12891') and dosage > 0
group by chrom, pos, ref, alt
order by chrom, pos, ref, alt
""".strip(),
    "Allele counts of the cohort": """
select chrom, pos, ref, alt, count(*) as carriers, sum(dosage) as copies
from genotypes
where dosage > 0
group by chrom, pos, ref, alt
order by carriers desc
limit 100
""".strip(),
    "Calls of each sample": """
select sample, count(*) as variants, count_if(dosage = 2) as homozygous, count_if(dosage is null) as missing
from genotypes
group by sample
order by sample
""".strip(),
    "Variants of a gene that ClinVar knows": """
select v.dataset, v.chrom, v.pos, v.ref, v.alt, c.clinical_significances, c.review_status, c.diseases, c.variation_id
from variants v
join clinvar_current c
  on c.chromosome = if(v.chrom in ('chrM', 'M'), 'MT', regexp_replace(v.chrom, '^chr', ''))
  and c.pos = v.pos and c.ref = v.ref and c.alt = v.alt
where c.assembly = 'GRCh38' and contains(c.gene_symbols, 'BRCA1')
order by v.dataset, v.pos, v.alt
""".strip(),
    "What a gene's variants do to its transcripts": """
select distinct chrom, pos, ref, alt, feature, array_join(terms, '&') as consequence, impact, hgvs_c, hgvs_p
from consequences
where gene_symbol = 'BRCA1' and impact in ('HIGH', 'MODERATE')
order by chrom, pos, alt, feature
""".strip(),
    "Rows of each run": """
select run_id, dataset, count(*) as rows
from variants
group by run_id, dataset
order by run_id, dataset
""".strip(),
}
