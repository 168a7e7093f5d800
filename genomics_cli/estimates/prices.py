"""What computing costs: a dated table of instance families, which a file of the user's may replace."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomics_cli.errors import UserError
from genomics_cli.estimates.intervals import Interval

BUILT_IN = Path(__file__).with_name("prices.toml")
_MIB_PER_GIB = 1024


@dataclass(frozen=True)
class FamilyPrice:
    """US dollars per vCPU-hour of one instance family, whose instances have `gib_per_vcpu` of memory."""

    family: str
    gib_per_vcpu: float
    on_demand: float
    spot: float

    def share(self, vcpus: float, memory_mib: float) -> float:
        """The vCPUs of an instance that a job keeps from others: its own, or those that go with its memory."""
        return max(vcpus, memory_mib / _MIB_PER_GIB / self.gib_per_vcpu)


@dataclass(frozen=True)
class ComputePrices:
    """The families of one region; `date` and `source` say what the prices are."""

    region: str
    date: str
    source: str
    families: tuple[FamilyPrice, ...]

    def dollars(self, seconds: Interval, *, vcpus: float, memory_mib: float) -> Interval:
        """What a job costs, on the family that suits it best: from Spot at its shortest to On-Demand at its longest."""
        spot = min(family.share(vcpus, memory_mib) * family.spot for family in self.families)
        on_demand = min(family.share(vcpus, memory_mib) * family.on_demand for family in self.families)
        return Interval(seconds.low * spot / 3600, seconds.high * on_demand / 3600)


def read_prices(region: str, path: Path = BUILT_IN) -> ComputePrices:
    """The prices of a region. UserError names the file and what is wrong with it, or the regions that it has."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: is not TOML ({error})") from error
    regions = document.get("regions")
    if not isinstance(regions, dict) or not regions:
        raise UserError(f"{path}: has no [regions.NAME]; {BUILT_IN.name} in the repository shows the shape")
    if region not in regions:
        raise UserError(f"{path}: has no prices of {region}; it has {', '.join(regions)}: give others with --prices")
    if not (isinstance(regions[region], dict) and regions[region]):
        raise UserError(f"{path}: regions.{region} lists no instance family")
    families = tuple(_family(path, region, name, given, document) for name, given in regions[region].items())
    return ComputePrices(region, _text(path, document, "date"), _text(path, document, "source"), families)


def _family(path: Path, region: str, name: str, given: Any, document: Mapping[str, Any]) -> FamilyPrice:
    where = f"regions.{region}.{name}"
    if not isinstance(given, dict):
        raise UserError(f"{path}: {where} must be a table with on_demand, and spot where it is known")
    ratios = document.get("gib_per_vcpu")
    ratio = ratios.get(name) if isinstance(ratios, dict) else None
    on_demand = _number(path, f"{where}.on_demand", given.get("on_demand"))
    spot = given.get("spot")
    if spot is None:
        share = _number(path, "spot_share_of_on_demand", document.get("spot_share_of_on_demand"))
        spot = on_demand * share
    return FamilyPrice(
        family=name,
        gib_per_vcpu=_number(path, f"gib_per_vcpu.{name}", ratio),
        on_demand=on_demand,
        spot=_number(path, f"{where}.spot", spot),
    )


def _number(path: Path, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UserError(f"{path}: {name} is {'not given' if value is None else repr(value)}; it must be more than 0")
    return float(value)


def _text(path: Path, document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise UserError(f"{path}: {name} is not given; say of when and where from the prices are")
    return value
