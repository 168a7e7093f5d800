"""Two sorted listings, side by side."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lambdas.transfer.comparison import Fault, Finding, Listed, differences


def listing(files: dict[str, int]) -> list[Listed]:
    return [Listed(key, files[key]) for key in sorted(files, key=str.encode)]


def test_each_difference_is_named() -> None:
    totals: Counter[str] = Counter()
    expected = {"a": 1, "b": 2, "c": 3, "d": 4}
    found = {"0": 9, "b": 2, "c": 30, "e": 5}
    assert list(differences(listing(expected), listing(found), totals)) == [
        Finding(Fault.NOT_LISTED, "0", found=9),
        Finding(Fault.MISSING, "a", expected=1),
        Finding(Fault.WRONG_SIZE, "c", expected=3, found=30),
        Finding(Fault.MISSING, "d", expected=4),
        Finding(Fault.NOT_LISTED, "e", found=5),
    ]
    assert totals == {"files": 4, "bytes": 10}


FILES = st.dictionaries(st.text(max_size=3), st.integers(0, 2), max_size=8)


@given(expected=FILES, found=FILES)
def test_nothing_that_differs_escapes(expected: dict[str, int], found: dict[str, int]) -> None:
    told = {(finding.fault, finding.key) for finding in differences(listing(expected), listing(found), Counter())}
    missing = {(Fault.MISSING, key) for key in expected.keys() - found.keys()}
    extra = {(Fault.NOT_LISTED, key) for key in found.keys() - expected.keys()}
    sizes = {(Fault.WRONG_SIZE, key) for key in expected.keys() & found.keys() if expected[key] != found[key]}
    assert told == missing | extra | sizes
