"""From a run folder that has arrived to variants of each sample, with nothing done by hand in between."""

from pathlib import Path

import pysam

from genomics.contracts import object_keys
from genomics.contracts.demultiplexing import UNDETERMINED, demultiplexing_id, lane_name, pairs_metric, study_run_id
from genomics.contracts.ledger import LOAD, step_item
from genomics.contracts.regions import Region
from genomics.contracts.runs import RunRequest, RunResults, State
from genomics.contracts.steps import Step, StepRecord
from genomics_cli.accuracy import score
from genomics_cli.demo import run_folder as demo
from tests.end_to_end.run_folders import CONTIGS, SECONDS, Sequencing
from tests.waiting import until


def test_each_study_of_a_run_folder_is_analysed_once(sequencing: Sequencing) -> None:
    own = demultiplexing_id(sequencing.run_id, 1)
    demultiplexed = sequencing.ended(own)
    assert demultiplexed.state is State.SUCCEEDED, demultiplexed.reason
    runs = {study: study_run_id(own, study) for study in ("heart", "lung")}
    for study, run_id in runs.items():
        ended = sequencing.ended(run_id)
        assert (ended.state, ended.study) == (State.SUCCEEDED, study), ended.reason
        # The lake has heard VariantsCalled.
        until(lambda run_id=run_id: sequencing.entry(run_id, LOAD), seconds=SECONDS)
        request = sequencing.read(RunRequest, sequencing.uri(object_keys.run_request(run_id)))
        assert {sample.sample: [lane.lane for lane in sample.lanes] for sample in request.samples} == {
            sample.name: ["L001", "L002"] for sample in demo.SAMPLES if sample.study == study
        }
    requests = [object_keys.demultiplex_request(own), *(f"runs/{run_id}/request.json" for run_id in runs.values())]
    assert sorted(sequencing.executions()) == sorted(map(sequencing.uri, requests))


def test_the_records_count_what_the_sequencer_has_read(sequencing: Sequencing) -> None:
    own = demultiplexing_id(sequencing.run_id, 1)
    assert sequencing.ended(own).state is State.SUCCEEDED
    for lane in (1, 2):
        entry = sequencing.entry(own, step_item("", Step.DEMULTIPLEX, lane_name(lane)))
        assert entry is not None
        assert entry.fingerprint is not None
        key = object_keys.step_record(Step.DEMULTIPLEX, entry.fingerprint)
        record = sequencing.read(StepRecord, sequencing.uri(key))
        owners = [*(sample.name for sample in demo.SAMPLES), UNDETERMINED]
        assert {owner: record.metrics[pairs_metric(owner)] for owner in owners} == {
            owner: sequencing.made.reads[lane, owner] for owner in owners
        }
        assert record.tool_versions["PicardCommandLine"] == "2.27.5"


def test_every_sample_has_its_own_variants(sequencing: Sequencing, tmp_path: Path) -> None:
    pysam.faidx(str(sequencing.made.reference))
    regions = [Region(name, 1, length) for name, length in CONTIGS.items()]
    for sample in demo.SAMPLES:
        run_id = study_run_id(demultiplexing_id(sequencing.run_id, 1), sample.study)
        assert sequencing.ended(run_id).state is State.SUCCEEDED
        results = sequencing.read(RunResults, sequencing.uri(object_keys.run_results(run_id)))
        [result] = [each for each in results.samples if each.sample == sample.name]
        assert result.vcf is not None
        assert result.vcf_index is not None
        for artifact in (result.vcf, result.vcf_index):
            (tmp_path / artifact.name).write_bytes(sequencing.fetch(artifact.uri))
        found = score(
            calls=tmp_path / result.vcf.name,
            truth=sequencing.made.truths[sample.name],
            sample=sample.name,
            reference=sequencing.made.reference,
            regions=regions,
        ).fair
        assert (found.snps.f1 or 0) >= 0.999, found.snps
        assert (found.indels.f1 or 0) >= 0.995, found.indels
