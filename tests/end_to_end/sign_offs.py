"""Runs that a person has to approve of, and one that nobody decides about in time."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run

Document = dict[str, Any]
# Hears of what needs a person.
APPROVER = "approver@lab.example"


@dataclass(frozen=True)
class Held:
    """A run whose sign-off timed out, `before`, and that was redriven and approved of, `after`.

    Of each: the execution, what `genomics status` says, and the ids of the run's jobs.
    """

    outcome: Any
    before: tuple[Document, Document, set[str]]
    after: tuple[Document, Document, set[str]]

    @property
    def run_id(self) -> str:
        return str(self.outcome.summary["run_id"])


def one_sample(directory: Path) -> SequencingRun:
    made = make_sequencing_run(directory, seed=23, contigs={"chrA": 12_000})
    header, *rows = made.sheet.read_text().splitlines(keepends=True)
    made.sheet.write_text(header + "".join(row for row in rows if "DEMO-2" in row))
    return made


def hold_then_approve(genomics: Any, reads: SequencingRun, output: Path) -> Held:
    topic = genomics.deployment.alarm_topic_arn
    genomics.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=APPROVER)
    with _sign_off_within(genomics, "1"):
        outcome = genomics.analyse(reads.sheet, reads.reference, output, "--study", "signed", "--sign-off")
    run_id = outcome.summary["run_id"]
    before = execution(genomics, run_id), status(genomics, run_id), set(genomics.batch_jobs(run_id))
    redriven = genomics("redrive", run_id)
    assert redriven.status == 0, redriven.errors
    sign(genomics, awaited(genomics), "--approve", "seen now")
    deadline = time.monotonic() + 120
    while (ended := execution(genomics, run_id))["status"] == "RUNNING" or status(genomics, run_id)["load"] is None:
        assert time.monotonic() < deadline, "it does not end, or VariantsCalled was not raised"
        time.sleep(0.5)
    return Held(outcome, before, (ended, status(genomics, run_id), set(genomics.batch_jobs(run_id))))


def awaited(genomics: Any) -> str:
    """The one run that awaits a decision."""
    ledger, deadline = genomics.client("dynamodb"), time.monotonic() + 90
    asked = {
        "TableName": genomics.deployment.ledger_table,
        "FilterExpression": "#item = :item AND #state = :state",
        "ExpressionAttributeNames": {"#item": "item", "#state": "state"},
        "ExpressionAttributeValues": {":item": {"S": "sign_off"}, ":state": {"S": "RUNNING"}},
    }
    while not ledger.scan(**asked)["Count"]:
        assert time.monotonic() < deadline, "no run awaits a sign-off"
        time.sleep(0.2)
    (run,) = json.loads(genomics("sign-off", "--json").output)["awaited"]
    assert run["results"].endswith(f"/runs/{run['run_id']}/results.json")
    return str(run["run_id"])


def execution(genomics: Any, run_id: str) -> Document:
    machine = genomics.deployment.run_state_machine_arn.replace(":stateMachine:", ":execution:")
    return dict(genomics.client("stepfunctions").describe_execution(executionArn=f"{machine}:{run_id}"))


def status(genomics: Any, run_id: str) -> Document:
    """What is known of a run; `load` only once its VariantsCalled has been heard."""
    return dict(json.loads(genomics("status", run_id, "--json").output))


def sign(genomics: Any, run_id: str, decision: str, reason: str) -> None:
    outcome = genomics("sign-off", run_id, decision, "--by", "Ada Lovelace", "--reason", reason)
    assert outcome.status == 0, outcome.errors


@contextmanager
def _sign_off_within(genomics: Any, seconds: str) -> Iterator[None]:
    """Inside, the deployment waits so long for a sign-off."""
    functions = genomics.client("lambda")
    pages = functions.get_paginator("list_functions").paginate()
    (ask,) = [f for page in pages for f in page["Functions"] if f["Handler"].endswith("ask_sign_off.handler")]
    variables = ask["Environment"]["Variables"]

    def set_to(limit: str) -> None:
        functions.update_function_configuration(
            FunctionName=ask["FunctionName"], Environment={"Variables": variables | {"SIGN_OFF_SECONDS": limit}}
        )

    set_to(seconds)
    yield
    set_to(variables["SIGN_OFF_SECONDS"])
