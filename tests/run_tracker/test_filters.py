"""The manifest's filters mean what DataSync's mean.

Expected values: DataSync User Guide, "Specifying what DataSync transfers by using filters".
"""

import pytest
from run_tracker.filters import PathFilter, check_pattern


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.tmp", "a/b.tmp", True),
        ("*.tmp", "a/b.tmp2", False),
        ("*/Logs", "Logs", True),
        ("*/Logs", "Logs/deep/file.txt", True),
        ("*/Logs", "a/Logs/file.txt", True),
        ("*/Logs", "MyLogs", False),
        ("*/Logs", "logs", False),  # filters are case-sensitive
        ("/run/a", "a/b", True),
        ("/run/a/", "a/b", True),  # /dir and /dir/ are the same
        ("/run/a", "ab", False),
        ("*/temporary-folder-*", "x/temporary-folder-1/y", True),
        (r"*/a\*b", "a*b", True),
        (r"*/a\*b", "axb", False),
        ("*.b+c", "a.b+c", True),  # no other character is special
        ("*.b+c", "a.bbc", False),
    ],
)
def test_an_exclude_pattern_matches(pattern: str, path: str, matches: bool) -> None:
    assert PathFilter("/run", excludes=(pattern,)).excluded(path) is matches


def test_includes_are_given_to_datasync_below_the_run() -> None:
    filters = PathFilter("/landing/run", includes=("Data*", "/RunInfo.xml"), excludes=())
    assert filters.datasync_includes == "/landing/run/Data*|/landing/run/RunInfo.xml"
    assert (filters.included("Data/x"), filters.included("InterOp/x")) == (True, False)
    assert filters.datasync_excludes == ""


def test_patterns_that_datasync_refuses_are_told() -> None:
    assert check_pattern("a|b", is_include=False)
    assert check_pattern("a*b", is_include=True)
    assert check_pattern("a*b", is_include=False) is None
