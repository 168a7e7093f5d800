from pathlib import Path

import pytest

from genomics_cli.errors import UserError
from genomics_cli.estimates.intervals import Interval
from genomics_cli.estimates.prices import BUILT_IN, read_prices

OWN = """
date = "2026-02"
source = "our contract"
spot_share_of_on_demand = 0.5

[gib_per_vcpu]
small = 2
large = 8

[regions.here]
small = { on_demand = 0.04 }
large = { on_demand = 0.06, spot = 0.01 }
"""
HOUR = Interval(3600, 3600)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(OWN)
    return path


def test_the_table_of_the_release_says_of_when_and_where_from_it_is() -> None:
    prices = read_prices("us-east-1")
    assert prices.date.startswith("20")
    assert "https://aws.amazon.com/ec2/pricing/on-demand/" in prices.source
    by_family = {family.family: family for family in prices.families}
    # EC2 Auto Scaling User Guide, "Spot price per unit hour example": c5.2xlarge, 8 vCPUs, costs 0.34 On-Demand.
    assert by_family["c5"].on_demand * 8 == pytest.approx(0.34)


def test_a_job_costs_what_it_keeps_from_others(own: Path) -> None:
    prices = read_prices("here", own)
    # 4 vCPUs with 8 GiB: small for On-Demand, large for Spot.
    assert prices.dollars(HOUR, vcpus=4, memory_mib=8192) == Interval(4 * 0.01, 4 * 0.04)
    # 1 vCPU with 8 GiB keeps 4 vCPUs of a small instance.
    assert prices.dollars(HOUR, vcpus=1, memory_mib=8192) == Interval(0.01, 0.06)
    assert prices.dollars(Interval(0, 1800), vcpus=1, memory_mib=1024) == Interval(0, 0.02)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("0.04", "-1", "regions.here.small.on_demand is -1"),
        ("on_demand = 0.04", "", "regions.here.small.on_demand is not given"),
        ("small = 2", "", "gib_per_vcpu.small is not given"),
        ("spot_share_of_on_demand = 0.5", "", "spot_share_of_on_demand is not given"),
        ('date = "2026-02"', "", "date is not given"),
        ("[regions.here]", "[region.here]", r"has no \[regions.NAME\]"),
        ("small = {", "small = 1 #", "regions.here.small must be a table"),
        ("[gib", "gib", "is not TOML"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_by_file_and_field(own: Path, old: str, new: str, told: str) -> None:
    own.write_text(OWN.replace(old, new, 1))
    with pytest.raises(UserError, match=f"{own}: {told}"):
        read_prices("here", own)


def test_a_region_without_prices_is_told_with_those_that_have_some() -> None:
    with pytest.raises(UserError, match=r"no prices of mars-1; it has us-east-1, .*--prices"):
        read_prices("mars-1")
    assert BUILT_IN.is_file()
