"""What PlanSamples refuses, and what it leaves in S3 so that no payload has to carry it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from genomics.contracts import object_keys
from lambdas.secondary import room
from lambdas.secondary.room import RunTooLargeError

if TYPE_CHECKING:
    from conftest import Platform


def test_the_samples_of_a_run_are_listed_in_s3(platform: Platform) -> None:
    request = platform.request("listed", {f"S{n}": {"L001": f"reads{n % 3}"} for n in range(12)})
    assert list(platform.plan(request, complete=False).samples) == [f"S{n}" for n in range(12)]
    listed = platform.s3.get_object(Bucket="sequencing", Key=object_keys.run_samples("listed"))["Body"].read()
    assert json.loads(listed) == [{"sample": f"S{n}"} for n in range(12)]


def test_more_samples_than_one_map_takes_are_refused_in_one_line(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAXIMUM_SAMPLES", 1)
    with pytest.raises(RunTooLargeError, match="2 samples are more than 1: start several runs of them"):
        platform.plan(platform.request("many", {"S1": {"L001": "a"}, "S2": {"L001": "b"}}))


def test_a_sample_of_too_many_lanes_is_refused_before_any_sample_is_planned(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = platform.request("large", {"S1": {"L001": "a"}, "S2": {"L001": "b", "L002": "c"}})
    monkeypatch.setattr(room, "MAXIMUM_LANES", 1)
    with pytest.raises(RunTooLargeError) as refused:
        platform.plan(request)
    assert str(refused.value) == (
        "sample S2 has 2 lanes, 1 are possible beside 400 jobs of calling: join the FASTQ of lanes that belong together"
    )
    assert list(platform.ledger.find("large", "sample#")) == []
