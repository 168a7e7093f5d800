"""States OpenTicket...: a run has failed; tell the ticket system, once for each time that it does.

In `{"run_id", "line", "step", "execution": <$$.Execution>}`, `step` empty where the ledger knows it; out nothing. A
ticket that cannot be opened is recorded, and hides no failure: the function ends well.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts.codec import dumps
from genomics.contracts.environment import ServiceEnvironment
from genomics.contracts.ledger import RUN, LedgerEntry, ticket_item
from genomics.contracts.runs import State
from genomics.contracts.services import TICKET_VERSION, Ticket
from lambdas.failures import one_line
from lambdas.ledger_table import Ledger, open_ledger, utc_now
from lambdas.secondary.record_hold import redrives_of
from lambdas.secondary.rest import RestError, Service, read_token

NAME = "ticket system"
# Where AWS shows an account of each of its partitions.
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def handler(event: dict[str, Any], context: object) -> None:
    """Entry point of the Lambda."""
    environment = ServiceEnvironment.read()
    ledger = open_ledger(environment.ledger_table)
    item = ticket_item(redrives_of(event["execution"]))
    known = ledger.get(event["run_id"], item)
    if known and known.state is State.SUCCEEDED:
        return
    ticket = describe(
        run_id=event["run_id"], line=event["line"], step=event["step"], execution=event["execution"], ledger=ledger
    )
    entry = LedgerEntry(event["run_id"], item, State.FAILED, document=environment.url)
    try:
        service = Service(NAME, environment.url, read_token(boto3.client("secretsmanager"), environment.secret))
        status = service.post(dumps(ticket), key=ticket_key(ticket))
        entry = replace(entry, state=State.SUCCEEDED, reason=f"opened with status {status}")
    except (RestError, ClientError, BotoCoreError) as error:
        entry = replace(entry, reason=f"no ticket was opened: {one_line(str(error))}")
    ledger.update(replace(entry, finished_at=utc_now()))


def describe(*, run_id: str, line: str, step: str, execution: dict[str, Any], ledger: Ledger) -> Ticket:
    """What the ticket says. The step that failed is one of the run, or of the first sample that has failed."""
    run = ledger.get(run_id, RUN)
    sample = ""
    if not step:
        sample, step = _failed_step(run_id, ledger)
    return Ticket(
        version=TICKET_VERSION,
        run_id=run_id,
        study=(run and run.study) or "",
        step=step,
        sample=sample,
        reason=line,
        redrives=redrives_of(execution),
        execution=execution["Id"],
        console=console_url(execution["Id"]),
    )


def ticket_key(ticket: Ticket) -> str:
    """The same for whatever is said of one failure."""
    return hashlib.sha256(f"{ticket.run_id} {ticket.redrives}".encode()).hexdigest()


def console_url(execution: str) -> str:
    """Where AWS shows an execution."""
    _, partition, _, region, _ = execution.split(":", 4)
    console = _CONSOLES.get(partition, _CONSOLES["aws"])
    return f"https://{region}.{console}/states/home?region={region}#/v2/executions/details/{execution}"


def _failed_step(run_id: str, ledger: Ledger) -> tuple[str, str]:
    """Sample and step, both empty where no step has failed."""
    failed = [entry.parts[1] for entry in ledger.find(run_id, "sample#") if entry.state is State.FAILED]
    for sample in ("", *failed[:1]):
        for entry in ledger.find(run_id, f"step#{sample}#"):
            # Those that were stopped with it are said to be.
            if entry.state is State.FAILED and not (entry.reason or "").startswith("stopped: "):
                return sample, entry.parts[2]
    return "", ""
