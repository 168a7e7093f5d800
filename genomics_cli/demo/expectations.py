"""What the demonstration asks the lake, and how accurate it has to be."""

from genomics_cli.errors import UserError
from genomics_cli.report.accuracy import lowest_f1
from genomics_cli.summary import Summary

STUDY = "demo"
EXPECTED_F1 = {"SNP": 0.998, "indel": 0.99}
QUESTION = """\
with carried as (
  select chrom, pos, ref, alt, count(distinct sample) as carriers
  from genotypes
  where dosage > 0 and dataset like 'demo/%'
  group by chrom, pos, ref, alt
)
select chrom,
       case when length(ref) = length(alt) then 'SNP' else 'indel' end as kind,
       count(*) as sites,
       count_if(carriers = 2) as in_both_samples
from carried
group by 1, 2
order by 1, 2"""


def require_expected(summary: Summary) -> None:
    """Raise UserError where the demonstration's calls are less accurate than the platform promises."""
    found = lowest_f1(summary)
    for kind, expected in EXPECTED_F1.items():
        if found.get(kind, 0.0) < expected:
            raise UserError(f"demo: {kind} F1 is {found.get(kind, 0.0):.4f}, expected at least {expected}")
