"""The benchmark of the scan says itself whether the scan keeps to its limits."""

import pytest

from benchmarks.run_scan.__main__ import Measurement, misses


@pytest.mark.parametrize(
    ("wall", "mb", "said"),
    [
        (14.9, 249.0, []),
        (15.1, 100.0, ["scan + manifest: takes 1.51 times as long as find, more than 1.5"]),
        (10.0, 251.0, ["scan + manifest: takes 251 MB, more than 250"]),
    ],
)
def test_a_scan_that_is_too_slow_or_too_large_is_named(wall: float, mb: float, said: list[str]) -> None:
    def run(seconds: float, memory: float) -> list[Measurement]:
        return [Measurement(seconds, seconds, memory, "")] * 3

    # What is not the tracker's may take what it takes.
    assert misses({"find -printf": run(10, 3), "scan + manifest": run(wall, mb), "os.walk": run(90, 900)}) == said
