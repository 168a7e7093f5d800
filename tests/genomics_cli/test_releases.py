"""What `genomics release` asks of the job."""

from typing import Any

import pytest

from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.releases import Release, drop_from_release, make_release
from tests.genomics_cli.test_compaction import Job, put


@pytest.fixture
def job(platform: Platform) -> Job:
    platform.cloud.__dict__["glue"] = found = Job(platform)
    return found


def asked(job: Job) -> tuple[Any, ...]:
    (request,) = job.asked
    return request.release, request.pin, request.unpin


def test_a_release_is_made_of_the_named_datasets_or_of_all(platform: Platform, job: Job) -> None:
    for dataset in ("study/B", "study/A"):
        put(platform, dataset, files=1)
    assert make_release(platform, "freeze-1", ("study/B",)) == Release("freeze-1", ("study/B",))
    assert asked(job) == ("freeze-1", ("study/B",), ())
    assert make_release(platform, "freeze-2", ()).datasets == ("study/A", "study/B")


def test_datasets_leave_a_release(platform: Platform, job: Job) -> None:
    assert drop_from_release(platform, "freeze-1", ("study/B",)).datasets == ("study/B",)
    assert asked(job) == ("freeze-1", (), ("study/B",))


def test_what_cannot_be_is_said_in_a_line_and_nothing_is_asked(platform: Platform, job: Job) -> None:
    with pytest.raises(UserError, match="nothing is loaded that a release could be made of"):
        make_release(platform, "freeze-1", ())
    put(platform, "study/A", files=1)
    with pytest.raises(UserError, match="study/X: nothing is loaded under this name"):
        make_release(platform, "freeze-1", ("study/X",))
    with pytest.raises(UserError, match="'a/b' is not a name such as freeze-1"):
        make_release(platform, "a/b", ())
    with pytest.raises(UserError, match="name the datasets that are to leave"):
        drop_from_release(platform, "freeze-1", ())
    assert job.asked == []
