"""The rows of real files say what `bcftools norm -m-` and `bcftools query` say, over all columns and declared fields.

The comparison is that of benchmarks/parity, which goes through every file; what differs for a reason stands there.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.parity.verdicts import MISFITS, REJECTED, UNREADABLE, Outcome, judge

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed"),
    # One process compiles what reads columns, not each.
    pytest.mark.xdist_group("compiled columns"),
]

_DATA = Path(os.environ.get("GENOMICS_SHARED_DATA", Path(__file__).parents[4] / "shared/data")) / "vcf"
# 24 million calls: more than a test should compare.
_TOO_LARGE = {"10k.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz"}
_LARGE = 20_000


def _files() -> list[Any]:
    names = sorted(path for path in _DATA.rglob("*") if re.search(r"\.(vcf|vcf\.gz|bcf)$", path.name))
    chosen = [path for path in names if path.name not in {*REJECTED, *UNREADABLE, *_TOO_LARGE}]
    return [
        pytest.param(path, id=path.name, marks=[pytest.mark.slow] if path.stat().st_size > _LARGE or i % 3 else [])
        for i, path in enumerate(chosen)
    ]


@pytest.mark.parametrize("path", _files())
def test_rows_say_what_bcftools_says(path: Path, tmp_path: Path) -> None:
    verdict = judge(path, tmp_path)
    assert verdict.outcome is (Outcome.DIFFERS if path.name in MISFITS else Outcome.EQUAL), verdict.reason


@pytest.mark.parametrize("name", [name for name in REJECTED if not name.startswith("passed")])
def test_records_that_contradict_their_header_are_rejected(
    name: str, shared_data: Path, read: Callable[..., Any]
) -> None:
    path = next((shared_data / "vcf").rglob(name))
    reasons = [reject["reason"] for reject in read(path.read_bytes()).rejects if reject["field"] is None]
    assert reasons
    assert all(reason.endswith(REJECTED[name]) for reason in reasons)
