"""The benchmark of models says which mean is below its limit, and nothing of what compares with training rows only."""

import pytest

from benchmarks.ml.__main__ import STRICT, TABLE, Result, misses
from genomics.contracts.features import Tier
from genomics.ml.splits import SplitKind


@pytest.mark.parametrize(("scope", "missed"), [(TABLE, 1), (STRICT, 0)])
def test_a_mean_below_its_limit_is_named(scope: str, missed: int) -> None:
    low = Result(Tier.A, SplitKind.RANDOM, scope, ({"roc_auc": 0.80}, {"roc_auc": 0.81}), 1.0)
    high = Result(Tier.B, SplitKind.GENE, scope, ({"roc_auc": 0.845}, {"roc_auc": 0.85}), 1.0)
    assert misses([low, high]) == ["tier A, random: ROC AUC 0.8050 is below 0.81"][:missed]
    assert low.summary("roc_auc") == "0.8050 ± 0.0071"
