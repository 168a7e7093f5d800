"""Which samples and variants of a cohort are to be trusted: Hail's `sample_qc` and `variant_qc`, and limits."""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Limits:
    """What a sample, or a variant, must have to be kept.

    `sample_call_rate` and `variant_call_rate` are least fractions of calls that are not missing. `deviations` is how
    many of the cohort's standard deviations a sample's het/hom and Ti/Tv ratios may lie from the median.
    `hardy_weinberg` is the least p-value of the exact test.
    """

    sample_call_rate: float = 0.97
    variant_call_rate: float = 0.95
    deviations: float = 4.0
    hardy_weinberg: float = 1e-6


def sample_quality(cohort: Any, limits: Limits) -> pd.DataFrame:
    """A row for each sample: `sample`, its name.

    `call_rate`; `het_hom`, heterozygous calls to homozygous ones of ALT; `ti_tv`, transitions to transversions, of the
    sample's ALTs; `singletons`, ALTs that no other sample has; `is_kept`, by the limits.
    """
    import hail as hl  # noqa: PLC0415  (of the extra `hail`, which not everyone has)

    columns = hl.sample_qc(cohort).cols().key_by()
    found = columns.select(
        sample=columns.s,
        call_rate=columns.sample_qc.call_rate,
        het_hom=columns.sample_qc.r_het_hom_var,
        ti_tv=columns.sample_qc.r_ti_tv,
        singletons=columns.sample_qc.n_singleton,
    )
    frame: pd.DataFrame = found.to_pandas()
    is_kept = frame["call_rate"] >= limits.sample_call_rate
    for ratio in ("het_hom", "ti_tv"):
        values = frame[ratio].astype(float)
        # Those with too few calls have ratios of any size.
        called = values[is_kept]
        is_kept &= ~((values - called.median()).abs() > limits.deviations * called.std())
    return frame.assign(is_kept=is_kept)


def variant_quality(cohort: Any, limits: Limits) -> pd.DataFrame:
    """A row for each variant: `contig`, `position`, `ref` and `alt`.

    `call_rate`; `frequency` of ALT; `hardy_weinberg`, the exact test's p-value for calls being as frequent as random
    mating makes them; `is_transition`; `is_kept`, by the limits.
    """
    import hail as hl  # noqa: PLC0415

    rows = hl.variant_qc(cohort).rows().key_by()
    found = rows.select(
        contig=rows.locus.contig,
        position=rows.locus.position,
        ref=rows.alleles[0],
        alt=rows.alleles[1],
        call_rate=rows.variant_qc.call_rate,
        frequency=rows.variant_qc.AF[1],
        hardy_weinberg=rows.variant_qc.p_value_hwe,
        is_transition=hl.is_transition(rows.alleles[0], rows.alleles[1]),
    )
    frame: pd.DataFrame = found.to_pandas()
    is_called = frame["call_rate"] >= limits.variant_call_rate
    return frame.assign(is_kept=is_called & (frame["hardy_weinberg"] >= limits.hardy_weinberg))


def passing(cohort: Any, samples: pd.DataFrame, limits: Limits) -> tuple[Any, pd.DataFrame]:
    """The cohort of the kept samples and, among these, the kept variants; and `variant_quality` of the kept samples."""
    import hail as hl  # noqa: PLC0415

    kept = hl.literal(set(samples.loc[samples["is_kept"], "sample"]), hl.tset(hl.tstr))
    cohort = cohort.filter_cols(kept.contains(cohort.s)).persist()
    cohort = hl.variant_qc(cohort)
    variants = variant_quality(cohort.drop("variant_qc"), limits)
    measured = cohort.variant_qc
    is_kept = (measured.call_rate >= limits.variant_call_rate) & (measured.p_value_hwe >= limits.hardy_weinberg)
    return cohort.filter_rows(is_kept).drop("variant_qc"), variants
