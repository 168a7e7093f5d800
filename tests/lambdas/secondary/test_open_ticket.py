"""A ticket for each time that a run fails, and never one failure hidden by another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from genomics.contracts import codec
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.services import Ticket
from lambdas.secondary import open_ticket, rest
from lambdas.secondary.open_ticket import console_url
from tests.lab_service import LabService, lab_service

if TYPE_CHECKING:
    from conftest import Platform

EXECUTION = {"Id": "arn:aws:states:eu-west-1:123456789012:execution:Runs:run-1"}
LINE = "S2: align failed with exit code 2: out of reads"


@pytest.fixture
def tickets(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabService]:
    platform.start("run-1")
    boto3.client("secretsmanager").create_secret(Name="tickets", SecretString="t0ken")
    monkeypatch.setattr(rest, "WAITS", (0.0,))
    with lab_service() as service:
        monkeypatch.setenv("URL", service.url)
        monkeypatch.setenv("SECRET", "tickets")
        yield service


def open_one(step: str = "", redrives: int = 0) -> None:
    execution = EXECUTION | ({"RedriveCount": redrives} if redrives else {})
    open_ticket.handler({"run_id": "run-1", "line": LINE, "step": step, "execution": execution}, None)


def recorded(platform: Platform, redrives: int = 0) -> LedgerEntry:
    found = platform.ledger.get("run-1", f"ticket#{redrives:05}")
    assert found is not None
    return found


def test_a_ticket_names_run_study_step_reason_and_console(platform: Platform, tickets: LabService) -> None:
    for item, state, reason in (
        ("sample#S1", State.SUCCEEDED, None),
        ("sample#S2", State.FAILED, LINE),
        ("step#S2#coverage#", State.FAILED, "stopped: align failed"),
        ("step#S2#align#", State.FAILED, "out of reads"),
    ):
        platform.ledger.update(LedgerEntry("run-1", item, state, reason=reason))
    open_one()
    (document,) = tickets.accepted()
    ticket = codec.from_dict(Ticket, document)
    assert (ticket.version, ticket.run_id, ticket.study, ticket.redrives) == (1, "run-1", "study", 0)
    assert (ticket.sample, ticket.step, ticket.reason) == ("S2", "align", LINE)
    assert ticket.execution == EXECUTION["Id"]
    assert ticket.console == (
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/"
        + EXECUTION["Id"]
    )
    assert (recorded(platform).state, recorded(platform).reason) == (State.SUCCEEDED, "opened with status 201")


def test_the_state_s_own_step_needs_no_looking_up(tickets: LabService) -> None:
    open_one("sign_off")
    (document,) = tickets.accepted()
    assert (document["step"], document["sample"]) == ("sign_off", "")


def test_a_failure_has_one_ticket_and_the_next_its_own(platform: Platform, tickets: LabService) -> None:
    open_one()
    open_one()
    assert len(tickets.told) == 1
    open_one(redrives=1)
    assert len({told.key for told in tickets.told}) == 2
    platform.ledger.update(LedgerEntry("run-1", "ticket#00000", State.FAILED))
    open_one()  # the ledger did not hear of it: the key says that it is the same
    assert len({told.key for told in tickets.told}) == 2


@pytest.mark.parametrize("answers", [[403], [500, 500]])
def test_a_ticket_that_cannot_be_opened_is_recorded_and_hides_nothing(
    platform: Platform, tickets: LabService, answers: list[int]
) -> None:
    tickets.answers = list[Any](answers)
    open_one()
    assert recorded(platform).state is State.FAILED
    assert (recorded(platform).reason or "").startswith(
        f"no ticket was opened: the ticket system answered {answers[0]}"
    )


def test_a_secret_that_may_not_be_read_hides_nothing(
    platform: Platform, tickets: LabService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "absent")
    open_one()
    assert "ResourceNotFoundException" in (recorded(platform).reason or "")


def test_the_console_is_that_of_the_partition() -> None:
    assert console_url("arn:aws-cn:states:cn-north-1:1:execution:m:r").startswith(
        "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#"
    )
