"""How releases come through their checks, and who is told."""

import json
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.load_checks import CheckReport, CheckState, LoadLimits
from glue_jobs.annotation_checks.options import ChecksOptions, arguments, parse
from glue_jobs.annotation_checks.transform import check
from tests.glue_jobs.annotations.conftest import NEWER, OLDER, Releases, clinvar

SUBJECT = f"annotations/clinvar/{NEWER}/GRCh38"
# Of six records the fifth is rejected: more than the limit that holds by default.
LIMITS = LoadLimits(most_rejects=0.5)


class Bus:
    """EventBridge, as far as the job talks to it."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.refuses = False

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 the API's own name
        self.entries += Entries
        error = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
        return {"FailedEntryCount": int(self.refuses), "Entries": [error if self.refuses else {"EventId": "1"}]}

    @property
    def told(self) -> list[tuple[str, str]]:
        details = [json.loads(entry["Detail"]) for entry in self.entries]
        return [(detail["subject"], detail["checks"]) for detail in details]


@pytest.fixture
def releases(lake: Any) -> Releases:
    return Releases(lake)


@pytest.fixture
def bus() -> Bus:
    return Bus()


def checked(releases: Releases, bus: Bus, limits: LoadLimits = LIMITS) -> list[str]:
    return list(check(ChecksOptions(releases.lake.database, releases.lake.bucket, dumps(limits)), bus))


def report(releases: Releases, subject: str = SUBJECT) -> CheckReport:
    found = releases.lake.s3.get_object(Bucket=releases.lake.bucket, Key=object_keys.check_report(subject))
    return loads(CheckReport, found["Body"].read())


def test_a_release_is_checked_once_told_of_and_checked_again_when_it_is_replaced(releases: Releases, bus: Bus) -> None:
    releases.load(clinvar())
    assert checked(releases, bus) == [f"{SUBJECT}: PASSED"]
    assert checked(releases, bus) == []
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("genomics", "AnnotationChecked")
    assert json.loads(entry["Detail"]) == {
        "subject": SUBJECT,
        "report": f"s3://{releases.lake.bucket}/{object_keys.check_report(SUBJECT)}",
        "checks": "PASSED",
        "reason": "",
    }
    found = {each.name: (each.state, each.found) for each in report(releases).checks}
    assert found["rows"] == (CheckState.PASSED, "5")
    assert found["rejects"] == (CheckState.PASSED, "16.667% (1)")
    assert found["rows beside the release before"][0] is CheckState.NOT_JUDGED
    releases.load(clinvar(significance="Benign"))
    assert checked(releases, bus) == [f"{SUBJECT}: PASSED"]


def test_a_release_with_far_fewer_rows_than_the_one_before_fails_and_stays(releases: Releases, bus: Bus) -> None:
    releases.load(clinvar(12), release=OLDER)
    releases.load(clinvar(6), release=NEWER)
    lines = checked(releases, bus)
    assert lines[-1] == (
        f"{SUBJECT}: FAILED ({SUBJECT}: rows beside the release before 50.0% of {OLDER}, expected 90.0% at least)"
    )
    assert bus.told == [(f"annotations/clinvar/{OLDER}/GRCh38", "PASSED"), (SUBJECT, "FAILED")]
    assert releases.current() == {(NEWER, "GRCh38")}


def test_too_many_rejects_fail(releases: Releases, bus: Bus) -> None:
    releases.load(clinvar())
    (line,) = checked(releases, bus, LoadLimits())
    assert "rejects 16.667% (1), expected 1.000% at most" in line


def test_a_release_that_the_catalog_has_not_fails(releases: Releases, bus: Bus) -> None:
    releases.load(clinvar())
    releases.lake.glue.delete_partition(
        DatabaseName=releases.lake.database, TableName="clinvar", PartitionValues=[NEWER, "GRCh38"]
    )
    (line,) = checked(releases, bus)
    assert f"partitions clinvar {NEWER} GRCh38, expected all in the catalog" in line


def test_what_nobody_could_be_told_is_checked_again(releases: Releases, bus: Bus) -> None:
    releases.load(clinvar())
    bus.refuses = True
    with pytest.raises(RuntimeError, match="the event was refused: try again"):
        checked(releases, bus)
    bus.refuses = False
    assert checked(releases, bus) == [f"{SUBJECT}: PASSED"]


def test_arguments_read_back() -> None:
    options = ChecksOptions("lake", "bucket", dumps(LoadLimits()))
    assert parse([word for pair in arguments(options).items() for word in pair]) == options
