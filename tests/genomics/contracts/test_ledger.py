from __future__ import annotations

from genomics.contracts import ledger
from genomics.contracts.ledger import LedgerEntry, sample_item, step_item
from genomics.contracts.runs import State
from genomics.contracts.steps import Step


def test_items_say_what_they_speak_of() -> None:
    entry = LedgerEntry("r", step_item("S1", Step.CALL_VARIANTS, "chr1#alt:1-5"), State.RUNNING)
    assert entry.parts == ("step", "S1", "call_variants", "chr1#alt:1-5")
    assert LedgerEntry("r", step_item("S1", Step.ALIGN, ""), State.RUNNING).parts == ("step", "S1", "align", "")
    assert LedgerEntry("r", sample_item("S1"), State.RUNNING).parts == ("sample", "S1")


def test_an_update_sets_the_entrys_fields_and_no_others() -> None:
    arguments = ledger.update(LedgerEntry("r", "run", State.FAILED, reason="because", rows={"variants": 3}))
    assert arguments["Key"] == {"run_id": {"S": "r"}, "item": {"S": "run"}}
    assert arguments["UpdateExpression"] == "SET #state = :state, #reason = :reason, #rows = :rows"
    assert arguments["ExpressionAttributeNames"] == {"#state": "state", "#reason": "reason", "#rows": "rows"}
    assert arguments["ExpressionAttributeValues"] == {
        ":state": {"S": "FAILED"},
        ":reason": {"S": "because"},
        ":rows": {"M": {"variants": {"N": "3"}}},
    }


def test_numbers_keep_their_kind() -> None:
    entry = LedgerEntry("r", "run", State.SUCCEEDED, seconds=2.0, attempt=2)
    read = ledger.from_item(ledger.to_item(entry))
    assert read == entry
    # DynamoDB drops a zero fraction.
    assert ledger.from_item(ledger.to_item(entry) | {"seconds": {"N": "2"}}) == entry


def test_states_that_are_final() -> None:
    assert {state for state in State if state.is_final} == {State.SKIPPED, State.SUCCEEDED, State.FAILED}
