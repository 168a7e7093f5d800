"""Reads go in, SQL answers: with the command line, on the deployed definitions."""

import csv
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pysam
import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.load_checks import CheckReport, CheckState
from genomics.contracts.loads import LoadRequest
from genomics_cli.demo.sequencing_run import SequencingRun
from tests.machine_events import EVENTS_PER_RUN, OF_ITSELF, events, events_of_sample
from tests.machine_events import states as machine_states

SAMPLES = ("DEMO-1", "DEMO-2")


def _records(path: str) -> list[tuple[str, int, str, str]]:
    with pysam.VariantFile(path) as file:
        return [(r.chrom, r.pos, str(r.ref), alt) for r in file for alt in r.alts or ()]


def test_a_run_ends_well_and_says_what_it_did(analysed: Any) -> None:
    assert analysed.status == 0, analysed.errors
    assert analysed.summary["state"] == "SUCCEEDED"
    assert [sample["state"] for sample in analysed.summary["samples"]] == ["SUCCEEDED", "SUCCEEDED"]
    steps = analysed.steps("DEMO-1")
    assert {step for step, _ in steps} == {
        "fastp", "align", "coverage", "call_variants", "gather_variants", "annotate", "quality",
    }  # fmt: skip
    assert {part for step, part in steps if step == "fastp"} == {"L001", "L002"}
    # 36 kb and 24 kb cut into pieces of at most 20 kb
    assert {part for step, part in steps if step == "call_variants"} == {
        "chrA:1-18000", "chrA:18001-36000", "chrB:1-12000", "chrB:12001-24000",
    }  # fmt: skip
    for sample in SAMPLES:
        assert (Path(analysed.sample(sample)["vcf"]).parent / f"{sample}.multiqc.html").stat().st_size > 100_000
    for step in steps.values():
        assert step["state"] == "SUCCEEDED"
        assert step["reason"] == "no earlier result"
        assert step["seconds"] > 0
    assert analysed.summary["durations"]["stages"]["load"] > 0


def test_the_vcf_says_what_each_variant_does_and_the_report_counts_it(genomics: Any, analysed: Any) -> None:
    for sample in SAMPLES:
        path = Path(analysed.sample(sample)["vcf"])
        with pysam.VariantFile(str(path)) as file:
            annotated = [record for record in file if "ANN" in record.info]
            by_csq = [record for record in annotated if "BCSQ" in record.info]
        step = next(step for step in analysed.sample(sample)["steps"] if step["step"] == "annotate")
        counts = {name: count for name, count in step["metrics"].items() if name.startswith("consequence_")}
        assert len(annotated) == sum(counts.values()) == step["metrics"]["records"]
        # Genes lie on about half of the genome
        assert len(annotated) / 5 < len(by_csq) < len(annotated)
        assert counts["consequence_missense_variant"] > 0
        sql = f"select count(element_at(info_strings, 'BCSQ')) n from variants where dataset = 'first/{sample}'"
        assert genomics("query", sql, "--format", "csv").output.split()[1].strip('"') == str(len(by_csq))
        assert "What the variants do" in (path.parent / "report.html").read_text()


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_lake_holds_what_the_vcf_holds(genomics: Any, analysed: Any, sample: str) -> None:
    sql = (
        "select v.chrom, v.original_pos, v.original_ref, v.original_alts[v.alt_index] alt from variants v "
        f"where v.dataset = 'first/{sample}' order by v.chrom, v.original_pos, alt"
    )
    answer = genomics("query", sql, "--format", "csv")
    assert answer.status == 0, answer.errors
    rows = [tuple(line.replace('"', "").split(",")) for line in answer.output.splitlines()[1:]]
    called = _records(analysed.sample(sample)["vcf"])
    assert len(called) > 40
    assert [(c, int(p), r, a) for c, p, r, a in rows] == sorted(called)


def test_genotypes_are_those_of_the_vcf(genomics: Any, analysed: Any) -> None:
    sql = "select sample, count(*), sum(dosage) from genotypes where dataset like 'first/%' group by sample order by 1"
    answer = genomics("query", sql, "--format", "csv")
    expected = []
    for sample in SAMPLES:
        dosages = []
        with pysam.VariantFile(analysed.sample(sample)["vcf"]) as file:
            for record in file:
                alleles = record.samples[sample]["GT"]
                dosages += [alleles.count(alt) for alt in range(1, len(record.alleles or ())) if alt in alleles]
        expected.append((sample, str(len(dosages)), str(sum(dosages))))
    rows = [tuple(line.replace('"', "").split(",")) for line in answer.output.splitlines()[1:]]
    assert rows == expected


def test_each_transcript_has_its_consequences_in_a_row(genomics: Any, analysed: Any) -> None:
    sql = (
        "select field, chrom, original_pos, count(*) from consequences where dataset = 'first/DEMO-1' "
        "group by field, chrom, original_pos order by field, chrom, original_pos"
    )
    answer = genomics("query", sql, "--format", "csv")
    with pysam.VariantFile(analysed.sample("DEMO-1")["vcf"]) as file:
        told = {
            (field, record.chrom, str(record.pos), str(len(record.info[field])))
            for record in file
            for field in ("ANN", "BCSQ")
            if field in record.info
        }
    assert {tuple(line.replace('"', "").split(",")) for line in answer.output.splitlines()[1:]} == told


def test_what_was_loaded_has_passed_its_checks(genomics: Any, analysed: Any) -> None:
    for sample in SAMPLES:
        key = object_keys.check_report(f"first/{sample}")
        body = genomics.client("s3").get_object(Bucket=genomics.deployment.data_lake_bucket, Key=key)["Body"].read()
        report = codec.loads(CheckReport, body)
        assert (report.state, report.run_id) == (CheckState.PASSED, analysed.summary["run_id"]), report.line
        assert {check.name for check in report.checks} >= {"rows", "partitions", "duplicates", "Ti/Tv", "het/hom"}


def test_a_release_answers_as_the_tables_did_when_it_was_made(genomics: Any, analysed: Any) -> None:
    made = genomics("release", "freeze-1", "first/DEMO-1")
    assert made.status == 0, made.errors
    assert made.output == "first/DEMO-1: is part of freeze-1\n"
    sql = "select chrom, pos, ref, alt, qual from {} where dataset = 'first/DEMO-1' {} order by chrom, pos, alt"
    pinned = genomics("query", sql.format("variants_releases", "and release = 'freeze-1'"), "--format", "csv")
    assert len(pinned.output.splitlines()) > 40, pinned.errors
    assert pinned.output == genomics("query", sql.format("variants", ""), "--format", "csv").output


def test_the_lake_gives_the_vcf_back(genomics: Any, analysed: Any, tmp_path: Path) -> None:
    answer = genomics("export", "first/DEMO-1", "--vcf", str(tmp_path / "again.vcf.gz"))
    assert answer.status == 0, answer.errors

    def said(path: str) -> list[Any]:
        with pysam.VariantFile(path) as file:
            return [
                (r.chrom, r.pos, r.id, r.alleles, r.qual, [*r.filter], dict(r.info), dict(r.samples["DEMO-1"]))
                for r in file
            ]

    assert said(str(tmp_path / "again.vcf.gz")) == said(analysed.sample("DEMO-1")["vcf"])
    run = analysed.summary["run_id"]
    answer = genomics("export", "--run", run, "--output", str(tmp_path / "run"), "--json")
    assert answer.status == 0, answer.errors
    found = [Path(each["vcf"]).name for each in json.loads(answer.output)["exports"]]
    assert found == [f"{sample}.vcf.gz" for sample in SAMPLES]
    assert said(str(tmp_path / "run/DEMO-1.vcf.gz")) == said(analysed.sample("DEMO-1")["vcf"])


def test_a_load_that_spark_spreads_makes_the_same_rows(genomics: Any, analysed: Any) -> None:
    """Started as an operator does: what is small enough for the driver alone is, for once, nothing."""
    bucket = genomics.deployment.sequencing_bucket
    s3, glue = genomics.client("s3"), genomics.client("glue")
    written = s3.get_object(Bucket=bucket, Key=object_keys.run_document(analysed.summary["run_id"], "load.json"))
    request = codec.loads(LoadRequest, written["Body"].read())
    sources = tuple(replace(source, dataset=f"spread/{source.dataset}") for source in request.sources)
    key = object_keys.run_document("spread", "load.json")
    asked = LoadRequest("spread", sources, tuple(source.dataset for source in sources))
    s3.put_object(Bucket=bucket, Key=key, Body=codec.dumps(asked).encode())
    given = {"--request": object_keys.uri(bucket, key), "--alone_kib": "0"}
    run = glue.start_job_run(JobName=genomics.deployment.variants_job, Arguments=given)["JobRunId"]
    deadline = time.monotonic() + 120
    while (found := glue.get_job_run(JobName=genomics.deployment.variants_job, RunId=run)["JobRun"])["JobRunState"] in (
        "STARTING",
        "WAITING",
        "RUNNING",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")
    first, spread = (
        genomics("query", f"select * from variants where dataset like '{name}%' order by dataset, chrom, pos, alt",
                 "--format", "csv").output.replace(f"{name}/", "").replace("spread/", "")
        for name in ("first", "spread/first")
    )  # fmt: skip
    assert len(first.splitlines()) > 80
    assert _without(first, "run_id") == _without(spread, "run_id")


def _without(table: str, column: str) -> list[dict[str, str]]:
    return [
        {name: value for name, value in row.items() if name != column} for row in csv.DictReader(table.splitlines())
    ]


def test_calls_are_those_that_were_planted(reads: SequencingRun, analysed: Any) -> None:
    for sample in SAMPLES:
        truth = set(_records(str(reads.truths[sample])))
        with pysam.VariantFile(analysed.sample(sample)["vcf"]) as file:
            passed = {(r.chrom, r.pos, str(r.ref), alt) for r in file if "PASS" in r.filter for alt in r.alts or ()}
        assert len(truth & passed) / len(truth) > 0.98
        assert len(truth & passed) / len(passed) > 0.98


def test_status_says_the_same(genomics: Any, analysed: Any) -> None:
    run = analysed.summary["run_id"]
    answer = genomics("status", run)
    assert answer.status == 0, answer.errors
    for word in (run, *SAMPLES, "align", "gather_variants", "SUCCEEDED"):
        assert word in answer.output
    assert run in genomics("status").output


def test_every_request_is_logged_under_the_role_that_made_it(genomics: Any, analysed: Any) -> None:
    lines = (genomics.instance.data / "requests.jsonl").read_text().splitlines()
    seen: dict[str, set[str]] = {}
    for line in map(json.loads, lines):
        for access in line["accesses"]:
            seen.setdefault(access["action"], set()).add(line["role"])
            assert access["resource"] == "*" or access["resource"].startswith("arn:aws:")
    for action, word in {
        "s3:PutObject": "Align",
        "dynamodb:UpdateItem": "GatherVariants",
        "batch:SubmitJob": "Runs",
        "lambda:InvokeFunction": "Runs",
        "states:StartExecution": "StartRun",
        "glue:StartJobRun": "Loads",
        "events:PutEvents": "Runs",
        "glue:BatchCreatePartition": "Variants",
    }.items():
        assert any(word in role for role in seen.get(action, ())), f"{action} by {seen.get(action)}"
    assert "operator" not in seen["batch:SubmitJob"] | seen["states:StartExecution"]


def _literal(value: Any) -> Any:
    """A template's value without what CloudFormation fills in: those are None."""
    return None if isinstance(value, Mapping) else value


def test_each_job_is_the_templates(genomics: Any, analysed: Any, cloud_assembly: Path) -> None:
    template = json.loads((cloud_assembly / "genomics-secondary.template.json").read_text())
    cloud = genomics.client("cloudformation")
    physical = {
        r["LogicalResourceId"]: r["PhysicalResourceId"]
        for page in cloud.get_paginator("list_stack_resources").paginate(StackName="genomics-secondary")
        for r in page["StackResourceSummaries"]
    }
    definitions = {
        physical[name].split("/")[-1]: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Batch::JobDefinition"
    }
    jobs = genomics.batch_jobs()
    assert len(jobs) >= 2 + 3 + 2 + 2 + 8 + 2 + 2 + 2
    used = set()
    for job in jobs.values():
        name = job["jobDefinition"].split("/")[-1]
        used.add(name)
        declared = definitions[name]["ContainerProperties"]
        task = job["parameters"]["task"]
        assert [word.replace("Ref::task", task) for word in declared["Command"]] == [
            word.replace("Ref::task", task) for word in job["container"]["command"]
        ]
        environment = {e["name"]: e["value"] for e in job["container"]["environment"]}
        for variable in declared["Environment"]:
            if (literal := _literal(variable["Value"])) is not None:
                assert environment[variable["Name"]] == str(literal)
        assert set(environment) >= {variable["Name"] for variable in declared["Environment"]}
        role = declared["JobRoleArn"]["Fn::GetAtt"][0]
        assert job["container"]["jobRoleArn"].endswith(f"/{physical[role]}")
    # These reads were FASTQ already; another test's run folder was not.
    assert {name for name in definitions if "Demultiplex" not in name} <= used


def _histories(states: Any, execution: str) -> list[list[dict[str, Any]]]:
    """The run's history, then that of each sample, which is an execution of its own."""
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert {child["status"] for child in children} == {"SUCCEEDED"}
    paginate = states.get_paginator("get_execution_history").paginate
    return [
        [event for page in paginate(executionArn=arn) for event in page["events"]]
        for arn in (execution, *(child["executionArn"] for child in children))
    ]


def test_what_ran_is_the_definition_of_the_template(genomics: Any, analysed: Any, cloud_assembly: Path) -> None:
    template = json.loads((cloud_assembly / "genomics-secondary.template.json").read_text())
    machines = {n: r for n, r in template["Resources"].items() if r["Type"] == "AWS::StepFunctions::StateMachine"}
    (machine,) = (resource for name, resource in machines.items() if name.startswith("Runs"))
    states = genomics.client("stepfunctions")
    execution = genomics.deployment.run_state_machine_arn.replace(":stateMachine:", ":execution:")
    execution = f"{execution}:{analysed.summary['run_id']}"
    ran = states.describe_state_machine_for_execution(executionArn=execution)["definition"]

    separator, parts = machine["Properties"]["DefinitionString"]["Fn::Join"]
    assert separator == ""
    rest = ran
    for part in parts:
        if isinstance(part, str):
            # What lies between two literal parts is a name or an ARN that CloudFormation filled in.
            filled_in, found, rest = rest.partition(part)
            assert found, f"the execution's definition lacks {part[:200]}"
            assert len(filled_in) < 200
    assert rest == ""

    histories = _histories(states, execution)
    definition = json.loads(ran)
    costs = {name: events(state) for name, state in machine_states(definition)}
    for history in histories:
        # Each state writes as many events as docs/architecture.md counts.
        iterations = sum(e["type"] == "MapIterationStarted" for e in history)
        passed = sum(costs[e["stateEnteredEventDetails"]["name"]] for e in history if "stateEnteredEventDetails" in e)
        assert len(history) == OF_ITSELF * (1 + iterations) + passed
    assert len(histories[0]) <= EVENTS_PER_RUN
    for history in histories[1:]:
        assert len(history) <= events_of_sample(lanes=2, calling_jobs=4)

    happened = [event for history in histories for event in history]
    entered = {e["stateEnteredEventDetails"]["name"] for e in happened if "stateEnteredEventDetails" in e}
    assert entered <= set(costs)
    assert {"PlanReference", "PlanSamples", "Samples", "CollectResults", "EmitVariantsCalled"} <= entered
    submitted = [
        json.loads(e["taskScheduledEventDetails"]["parameters"])
        for e in happened
        if e.get("taskScheduledEventDetails", {}).get("resourceType") == "batch"
    ]
    assert len(submitted) == 2 + 3 + 2 + 2 + 8 + 2 + 2 + 2
    # The queue is chosen when the run is planned: this one is not urgent.
    queues = [each["jobQueueArn"] for each in genomics.client("batch").describe_job_queues()["jobQueues"]]
    (queue,) = [each for each in queues if "UrgentQueue" not in each]
    for parameters in submitted:
        # Step Functions adds this variable to what the definition says; the definition itself overrides nothing.
        added = [{"name": "MANAGED_BY_AWS", "value": "STARTED_BY_STEP_FUNCTIONS"}]
        assert parameters.pop("ContainerOverrides") == {"Environment": added}
        assert set(parameters) == {"JobName", "JobDefinition", "JobQueue", "Parameters", "Tags"}
        assert parameters["JobDefinition"] in ran
        assert parameters["JobQueue"] == queue
