from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.parameters import RunParameters
from genomics.contracts.regions import Region, RegionError
from genomics.contracts.runs import State
from genomics.contracts.steps import LatestRecipes, Step, Task

if TYPE_CHECKING:
    from conftest import Planned, Platform

ONE_SAMPLE = {"S1": {"L001": "a", "L002": "b"}}
REFERENCE = "step##prepare_reference#"
FASTP = {"step#S1#fastp#L001", "step#S1#fastp#L002"}
ALIGN = "step#S1#align#"
COVERAGE = "step#S1#coverage#"
CALLS = {"step#S1#call_variants#chr1:1-5000", "step#S1#call_variants#chr2:1-3000"}
GATHER = "step#S1#gather_variants#"
QUALITY = "step#S1#quality#"
EVERYTHING = {REFERENCE, *FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}


def test_tasks_tell_tools_inputs_outputs_and_regions(platform: Platform) -> None:
    planned = platform.plan(platform.request("first", ONE_SAMPLE))
    state = planned.samples["S1"]
    reference = platform.task(planned.reference["task"])
    lanes = [platform.task(job["task"]) for job in state["lanes"]]
    align = platform.task(state["align"]["task"])
    coverage = platform.task(state["coverage"]["task"])
    calls = [platform.task(job["task"]) for job in state["regions"]]
    gather = platform.task(state["gather"]["task"])

    assert reference.reference == reference.fingerprint
    assert [task.part for task in lanes] == ["L001", "L002"]
    assert lanes[0].inputs["reads_1"][0].sha256 is not None
    assert align.lanes == ("L001", "L002")
    assert [i.uri for i in align.inputs["reads_2"]] == [task.outputs["reads_2"] for task in lanes]
    assert coverage.inputs["alignments"][0].uri == align.outputs["alignments"]
    assert coverage.regions == (Region("chr1", 1, 5000), Region("chr2", 1, 3000))
    assert {task.reference for task in (align, gather, *calls)} == {reference.fingerprint}
    assert [task.regions for task in calls] == [(Region("chr1", 1, 5000),), (Region("chr2", 1, 3000),)]
    assert [i.uri for i in gather.inputs["calls"]] == [task.outputs["calls"] for task in calls]
    quality = platform.task(state["quality"]["task"])
    assert [i.uri for i in quality.inputs["report"]] == [task.outputs["report"] for task in lanes]
    assert quality.lanes == ("L001", "L002")
    assert quality.inputs["stats"][0].uri == gather.outputs["stats"]
    assert gather.regions == tuple(task.regions[0] for task in calls)
    assert gather.outputs["vcf"].endswith(f"steps/gather_variants/{gather.fingerprint}/S1.vcf.gz")


def test_an_annotated_run_is_told_what_was_prepared_for_it(platform: Platform) -> None:
    request = platform.request("first", ONE_SAMPLE)
    genes = platform.put("references/genes.gff3", b"genes")
    reference = replace(request.reference, genes=genes, clinvar=platform.put("references/clinvar.vcf.gz", b"clinvar"))
    planned = platform.plan(replace(request, reference=reference))
    prepare = platform.task(platform.job_of(planned, "prepare_annotation"))
    annotate = platform.task(planned.samples["S1"]["annotate"]["task"])
    gather = platform.task(planned.samples["S1"]["gather"]["task"])
    assert prepare.inputs["genes"][0].sha256 == genes.sha256
    assert prepare.parameters == {"predictor": "both"}
    assert set(prepare.outputs) == {"csq_genes", "snpeff_database", "clinvar", "clinvar_index"}
    assert {name: inputs[0].uri for name, inputs in annotate.inputs.items()} == {
        "vcf": gather.outputs["vcf"],
        "index": gather.outputs["index"],
        **prepare.outputs,
    }
    assert prepare.reference == annotate.reference == gather.reference
    again = platform.plan(replace(request, reference=reference, run_id="second"))
    assert again.ran == set()


@pytest.mark.parametrize(
    ("predictor", "brought", "outputs"),
    [
        ("csq", ("genes",), {"csq_genes"}),
        ("snpeff", ("genes", "clinvar"), {"snpeff_database", "clinvar", "clinvar_index"}),
        ("csq", ("clinvar",), {"clinvar", "clinvar_index"}),
    ],
)
def test_only_what_is_brought_and_asked_for_is_prepared(
    platform: Platform, predictor: str, brought: tuple[str, ...], outputs: set[str]
) -> None:
    parameters = RunParameters().changed([f"annotate.predictor={predictor}"])
    request = platform.request("first", ONE_SAMPLE, parameters=parameters)
    files = {name: platform.put(f"references/{name}", name.encode()) for name in brought}
    planned = platform.plan(replace(request, reference=replace(request.reference, **files)))
    prepare = platform.task(platform.job_of(planned, "prepare_annotation"))
    assert set(prepare.outputs) == outputs


@pytest.mark.parametrize("brought", [(), ("genes",), ("genes", "clinvar")])
def test_vep_annotates_with_genes_of_its_own_and_with_clinvar(platform: Platform, brought: tuple[str, ...]) -> None:
    parameters = RunParameters().changed(["annotate.predictor=vep", "annotate.vep_cache=vep/114"])
    request = platform.request("first", ONE_SAMPLE, parameters=parameters)
    files = {name: platform.put(f"references/{name}", name.encode()) for name in brought}
    planned = platform.plan(replace(request, reference=replace(request.reference, **files)))
    annotate = platform.task(planned.samples["S1"]["annotate"]["task"])
    assert annotate.parameters == {
        "predictor": "vep", "vep_cache": "vep/114", "vep_species": "homo_sapiens", "vep_assembly": "GRCh38",
    }  # fmt: skip
    assert set(annotate.inputs) == {"vcf", "index"} | ({"clinvar", "clinvar_index"} if "clinvar" in brought else set())
    if "clinvar" in brought:
        assert set(platform.task(platform.job_of(planned, "prepare_annotation")).inputs) == {"clinvar"}


def test_a_gvcf_is_made_of_every_regions_blocks(platform: Platform) -> None:
    parameters = RunParameters().changed(["call_variants.gvcf=true"])
    state = platform.plan(platform.request("first", ONE_SAMPLE, parameters=parameters)).samples["S1"]
    calls = [platform.task(job["task"]) for job in state["regions"]]
    gather = platform.task(state["gather"]["task"])
    assert [each.uri for each in gather.inputs["blocks"]] == [task.outputs["blocks"] for task in calls]
    assert gather.outputs["gvcf"].endswith("/S1.g.vcf.gz")


def test_cram_is_named_so_and_read_with_the_reference(platform: Platform) -> None:
    def tasks(run_id: str, parameters: RunParameters) -> list[Task]:
        state = platform.plan(platform.request(run_id, ONE_SAMPLE, parameters=parameters)).samples["S1"]
        jobs = (state["align"], state["coverage"], *state["regions"], state["quality"])
        return [platform.task(job["task"]) for job in jobs]

    of_bam = tasks("first", RunParameters())
    of_cram = tasks("second", RunParameters().changed(["align.format=cram", "align.aligner=minimap2"]))
    assert not {task.fingerprint for task in of_bam} & {task.fingerprint for task in of_cram}
    align = of_cram[0]
    assert (align.parameters["format"], align.parameters["aligner"]) == ("cram", "minimap2")
    assert align.outputs["alignments"].endswith(f"/{align.fingerprint}/S1.cram")
    assert align.outputs["index"].endswith(f"/{align.fingerprint}/S1.cram.crai")
    for task in of_cram[1:]:
        assert task.reference == align.reference != ""
        assert task.inputs["alignments"][0].uri == align.outputs["alignments"]
    # What reads BAM without the reference is not made again for another one.
    assert {task.step for task in of_bam if not task.reference} == {Step.COVERAGE, Step.QUALITY}


def test_the_ledger_lists_steps_in_the_order_of_the_data(platform: Platform) -> None:
    platform.plan(platform.request("first", {"S2": {"L1": "a"}, "S1": {"L1": "b"}}))
    items = [entry.item for entry in platform.ledger.find("first", "s")]
    steps = [
        "fastp#L1",
        "align#",
        "coverage#",
        "call_variants#chr1:1-5000",
        "call_variants#chr2:1-3000",
        "gather_variants#",
        "quality#",
    ]
    assert items == [
        REFERENCE,
        "sample#S2",
        *(f"step#S2#{step}" for step in steps),
        "sample#S1",
        *(f"step#S1#{step}" for step in steps),
    ]


def outputs(planned: Planned, item: str) -> dict[str, str]:
    entry = planned.entries[item]
    keys = object_keys.step_outputs(Step(item.split("#")[2]), entry.fingerprint or "", "S1")
    return {**keys, "record": object_keys.step_record(Step(item.split("#")[2]), entry.fingerprint or "")}


@pytest.mark.parametrize("output", ["alignments", "flagstat"])
def test_a_deleted_output_is_made_again_from_what_is_left(platform: Platform, output: str) -> None:
    request = platform.request("first", ONE_SAMPLE)
    key = outputs(platform.plan(request), ALIGN)[output]
    platform.s3.delete_object(Bucket="sequencing", Key=key)
    planned = platform.plan(replace(request, run_id="second"))
    assert planned.ran == {ALIGN}
    assert planned.reason(ALIGN) == f"the earlier output s3://sequencing/{key} is missing or altered"


@pytest.mark.parametrize("altered", [b"longer than it was, so that the size differs " * 9, None])
def test_an_altered_output_is_made_again(platform: Platform, altered: bytes | None) -> None:
    request = platform.request("first", ONE_SAMPLE)
    key = outputs(platform.plan(request), GATHER)["vcf"]
    size = platform.s3.head_object(Bucket="sequencing", Key=key)["ContentLength"]
    platform.s3.put_object(Bucket="sequencing", Key=key, Body=altered or b"x" * size)
    planned = platform.plan(replace(request, run_id="second"))
    assert planned.ran == {GATHER}
    assert "is missing or altered" in planned.reason(GATHER)


def test_a_record_that_cannot_be_read_is_not_trusted(platform: Platform) -> None:
    request = platform.request("first", ONE_SAMPLE)
    key = outputs(platform.plan(request), ALIGN)["record"]
    platform.put(key, b"{}")
    planned = platform.plan(replace(request, run_id="second"))
    assert planned.reason(ALIGN) == f"the earlier record s3://sequencing/{key} cannot be read"


def test_an_unfinished_run_is_taken_up_where_it_stopped(platform: Platform) -> None:
    request = platform.request("first", ONE_SAMPLE)
    first = platform.plan(request, complete=False)
    platform.complete(first.samples["S1"]["lanes"][0]["task"])
    planned = platform.plan(replace(request, run_id="second"))
    assert planned.ran == EVERYTHING - {REFERENCE, "step#S1#fastp#L001"}
    assert planned.reason(ALIGN) == "the earlier run left no result"


def test_recipes_of_an_older_layout_do_not_stop_a_run(platform: Platform) -> None:
    platform.put(object_keys.latest_recipes("study", "S1"), b'{"layout": 0}')
    planned = platform.plan(platform.request("first", ONE_SAMPLE))
    assert planned.reason(ALIGN) == "no earlier result"


def test_the_latest_recipes_are_kept_by_study_and_sample(platform: Platform) -> None:
    planned = platform.plan(platform.request("first", ONE_SAMPLE))
    body = platform.s3.get_object(Bucket="sequencing", Key="steps/latest/study/samples/S1.json")["Body"].read()
    recipes = codec.loads(LatestRecipes, body).recipes
    assert recipes["align#"].fingerprint == planned.entries[ALIGN].fingerprint
    assert set(recipes) == {item.removeprefix("step#S1#") for item in EVERYTHING - {REFERENCE}}


def test_two_samples_of_the_same_reads_share_trimming_but_not_alignments(platform: Platform) -> None:
    planned = platform.plan(platform.request("first", {"S1": {"L1": "a"}, "S2": {"L1": "a"}}))
    assert "step#S2#fastp#L1" not in planned.ran
    assert "step#S2#align#" in planned.ran


def test_the_same_again_passes_nothing_to_run(platform: Platform) -> None:
    platform.plan(platform.request("first", ONE_SAMPLE))
    planned = platform.plan(platform.request("second", ONE_SAMPLE))
    assert planned.ran == set()
    nothing = {"run": False, "task": "", "name": "", "part": ""}
    assert planned.reference == nothing
    assert planned.samples["S1"] == {
        "run_id": "second",
        "study": "study",
        "sample": "S1",
        "lanes": [],
        "align": nothing,
        "coverage": nothing,
        "regions": [],
        "gather": nothing,
        "annotate": nothing,
        "quality": nothing,
    }
    sample = platform.ledger.get("second", "sample#S1")
    assert sample is not None
    assert (sample.state, sample.reason) == (State.RUNNING, "nothing to run: all outputs exist")


def test_a_region_that_is_not_on_the_reference_stops_the_plan(platform: Platform) -> None:
    with pytest.raises(RegionError, match="chr9:1-10: the reference has no contig 'chr9'"):
        platform.plan(platform.request("first", ONE_SAMPLE, regions=(Region("chr9", 1, 10),)))


def test_a_reference_on_another_file_system_is_prepared_again_and_nothing_else(platform: Platform) -> None:
    platform.plan(platform.request("run-1", ONE_SAMPLE))
    moved = platform.plan(platform.request("run-2", ONE_SAMPLE), reference_store="fs-2")
    assert moved.reference["run"]
    entry = moved.entries[REFERENCE]
    assert entry.reason == "the reference was prepared on another file system than fs-2"
    assert {e.state for item, e in moved.entries.items() if item != REFERENCE} == {State.SKIPPED}
    assert not platform.plan(platform.request("run-3", ONE_SAMPLE), reference_store="fs-2").reference["run"]
