"""The structure of a cohort: principal components of its genotypes."""

from typing import Any

import pandas as pd

from genomics.cohorts.session import CohortError


def principal_components(cohort: Any, *, count: int, least_frequency: float) -> tuple[pd.DataFrame, list[float]]:
    """Each sample's place on the first `count` components, and what fraction of these components' variance each has.

    Columns are `sample`, `PC1`, ... Genotypes are normalised as Hardy and Weinberg expect them (Hail's
    `hwe_normalized_pca`). Variants of which either allele is rarer than `least_frequency` are left out. CohortError
    where fewer variants, or samples, than components are left.
    """
    import hail as hl  # noqa: PLC0415  (of the extra `hail`, which not everyone has)

    cohort = hl.variant_qc(cohort)
    common = cohort.filter_rows(hl.min(cohort.variant_qc.AF) >= least_frequency).persist()
    variants, samples = common.count()
    if min(variants, samples) < count:
        raise CohortError(f"{variants} common variants of {samples} samples are too few for {count} components")
    eigenvalues, scores, _ = hl.hwe_normalized_pca(common.GT, k=count)
    scores = scores.key_by()
    places = {f"PC{number}": scores.scores[number - 1] for number in range(1, count + 1)}
    frame: pd.DataFrame = scores.select(sample=scores.s, **places).to_pandas()
    return frame, [value / sum(eigenvalues) for value in eigenvalues]
