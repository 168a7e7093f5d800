"""Every contract that crosses a boundary reads back as it was written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genomics.contracts import codec, ledger
from genomics.contracts.codec import ContractError
from genomics.contracts.events import AnnotationChecked, VariantsCalled, VariantsLoaded
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.load_checks import CheckReport, LoadLimits, LoadMeasures
from genomics.contracts.loads import LoadManifest, LoadRequest
from genomics.contracts.parameters import (
    ALIGNERS,
    ALIGNMENT_FORMATS,
    CALLERS,
    PREDICTORS,
    AlignParameters,
    AnnotateParameters,
    CallVariantsParameters,
    CoverageParameters,
    FastpParameters,
    GatherVariantsParameters,
    RunParameters,
    ScatterParameters,
)
from genomics.contracts.regions import Region
from genomics.contracts.runs import LaneReads, RunPlan, RunRequest, RunResults, SampleReads
from genomics.contracts.steps import LatestRecipes, Recipe, StepRecord, Task

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
counts = st.integers(0, 10_000)
finite = st.floats(0, 1e6, allow_nan=False)

st.register_type_strategy(
    Region,
    st.builds(lambda chrom, start, length: Region(chrom, start, start + length), names, st.integers(1, 1000), counts),
)
st.register_type_strategy(FastpParameters, st.builds(FastpParameters, st.integers(1, 200), counts))
st.register_type_strategy(
    AlignParameters, st.builds(AlignParameters, counts, st.sampled_from(ALIGNERS), st.sampled_from(ALIGNMENT_FORMATS))
)
st.register_type_strategy(CoverageParameters, st.builds(CoverageParameters, counts))
st.register_type_strategy(
    CallVariantsParameters,
    st.builds(
        CallVariantsParameters,
        counts,
        counts,
        st.integers(1, 9),
        st.integers(1, 2),
        st.sampled_from(CALLERS),
        st.booleans(),
    ),
)
st.register_type_strategy(AnnotateParameters, st.builds(AnnotateParameters, st.sampled_from(PREDICTORS)))
st.register_type_strategy(GatherVariantsParameters, st.builds(GatherVariantsParameters, finite, counts))
st.register_type_strategy(ScatterParameters, st.builds(ScatterParameters, st.integers(1000, 10**9)))
st.register_type_strategy(float, finite)
st.register_type_strategy(
    SampleReads,
    st.builds(
        SampleReads,
        sample=names,
        patient=names,
        lanes=st.lists(st.builds(LaneReads, lane=names), min_size=1, max_size=2, unique_by=lambda lane: lane.lane).map(
            tuple
        ),
    ),
)
st.register_type_strategy(
    RunRequest,
    st.builds(
        RunRequest,
        run_id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,12}", fullmatch=True),
        study=names,
        samples=st.lists(st.from_type(SampleReads), min_size=1, max_size=2, unique_by=lambda s: s.sample).map(tuple),
    ),
)

st.register_type_strategy(
    LoadRequest, st.builds(LoadRequest, names, release=st.just("freeze-1"), pin=st.lists(names, max_size=2).map(tuple))
)

CONTRACTS: list[type[Any]] = [
    AnnotationChecked,
    CheckReport,
    LatestRecipes,
    LoadLimits,
    LoadManifest,
    LoadMeasures,
    LoadRequest,
    Recipe,
    RunParameters,
    RunPlan,
    RunRequest,
    RunResults,
    StepRecord,
    Task,
    VariantsCalled,
    VariantsLoaded,
]


@pytest.mark.parametrize("contract", CONTRACTS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_is_written_reads_back(contract: type[Any], data: st.DataObject) -> None:
    value = data.draw(st.from_type(contract))
    text = codec.dumps(value)
    assert codec.loads(contract, text) == value
    assert codec.dumps(codec.loads(contract, text)) == text


@settings(max_examples=50, deadline=None)
@given(entry=st.builds(LedgerEntry, run_id=names, item=names))
def test_a_ledger_entry_reads_back_from_dynamodbs_form(entry: LedgerEntry) -> None:
    assert ledger.from_item(ledger.to_item(entry)) == entry


def request(**changes: Any) -> dict[str, Any]:
    artifact = {"uri": "s3://b/k", "sha256": "00", "size": 1}
    lane = {"lane": "L1", "fastq_1": artifact, "fastq_2": artifact}
    return {
        "run_id": "run-1",
        "study": "study",
        "reference": {"name": "ref", "fasta": artifact},
        "samples": [{"sample": "S1", "patient": "P1", "lanes": [lane]}],
    } | changes


def test_absent_optional_fields_take_their_defaults() -> None:
    assert codec.from_dict(RunRequest, request()).parameters == RunParameters()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "blue"}, "RunRequest: unknown field 'colour'"),
        ({"samples": [{"sample": "S1", "lanes": []}]}, "RunRequest.samples[0]: missing field 'patient'"),
        ({"samples": {}}, "RunRequest.samples: expected a list, found {}"),
        ({"study": 7}, "RunRequest.study: expected str, found 7"),
        ({"reference": "ref"}, "RunRequest.reference: expected an object, found 'ref'"),
        ({"run_id": "run 1"}, "RunRequest: run_id 'run 1' may hold letters, digits, '_' and '-' only (80 at most)"),
        ({"run_id": "r" * 81}, "RunRequest: run_id 'rrr"),
        ({"run_id": "run-1\n"}, "RunRequest: run_id 'run-1\\n' may hold"),
        ({"study": "a/b"}, "RunRequest: study 'a/b' may hold"),
        ({"samples": []}, "RunRequest: a run needs at least one sample"),
        ({"samples": request()["samples"] * 2}, "RunRequest: sample S1 is listed twice"),
        (
            {"samples": [{**request()["samples"][0], "sample": "../S1"}]},
            "RunRequest.samples[0]: sample '../S1' may hold",
        ),
        ({"samples": [{**request()["samples"][0], "lanes": []}]}, "RunRequest.samples[0]: sample S1 has no lane"),
        (
            {"samples": [{**request()["samples"][0], "lanes": request()["samples"][0]["lanes"] * 2}]},
            "RunRequest.samples[0]: sample S1 has lane L1 twice",
        ),
        ({"regions": [{"chrom": "chr1", "start": 0, "end": 5}]}, "RunRequest.regions[0]: chr1:0-5: a region needs"),
        (
            {"parameters": {"fastp": {"minimum_length": True}}},
            "RunRequest.parameters.fastp.minimum_length: expected int, found True",
        ),
        (
            {"parameters": {"gather_variants": {"minimum_quality": "10"}}},
            "RunRequest.parameters.gather_variants.minimum_quality: expected a number, found '10'",
        ),
    ],
)
def test_a_document_of_another_shape_is_refused_by_the_fields_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError) as error:
        codec.loads(RunRequest, json.dumps(request(**changes)))
    assert str(error.value).startswith(message)


def test_an_unknown_state_names_those_there_are() -> None:
    with pytest.raises(ContractError, match=r"LedgerEntry.state: expected one of PLANNED, SKIPPED, .* found 'LOST'"):
        codec.from_dict(LedgerEntry, {"run_id": "r", "item": "run", "state": "LOST"})


def test_text_that_is_not_json_is_refused_by_its_place() -> None:
    with pytest.raises(ContractError, match="s3://b/k: not JSON"):
        codec.loads(RunRequest, b"{", where="s3://b/k")


def test_equal_values_have_equal_text() -> None:
    assert codec.dumps({"b": 1, "a": (1, 2)}) == codec.dumps({"a": [1, 2], "b": 1}) == '{"a":[1,2],"b":1}'


def test_a_whole_number_reads_as_a_float_where_a_float_is_wanted() -> None:
    document = {"minimum_quality": 20}
    assert codec.dumps(codec.from_dict(GatherVariantsParameters, document)) == codec.dumps(
        GatherVariantsParameters(minimum_quality=20.0)
    )
