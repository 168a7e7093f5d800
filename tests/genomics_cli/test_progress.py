import io

from rich.console import Console

from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics_cli.progress import LineProgress, open_progress, run_table
from genomics_cli.run_ledger import RunView
from genomics_cli.status_tables import run_document
from genomics_cli.status_tables import run_table as status_table
from tests.genomics_cli.sample_runs import FAILURE, view


def _shown(renderable: object, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


def test_without_a_terminal_each_change_is_a_line_and_told_once() -> None:
    out = io.StringIO()
    with open_progress(Console(file=out)) as progress:
        assert isinstance(progress, LineProgress)
        progress.show(RunView.of("r", [LedgerEntry("r", "step#A#align#", State.RUNNING, reason="no earlier result")]))
        progress.show(view())
        progress.show(view())
    lines = out.getvalue().splitlines()
    assert lines[0] == "A: align running (no earlier result)"
    assert "prepare_reference skipped (outputs exist)" in lines
    assert "A: fastp L1 succeeded after 4.0 s (no earlier result)" in lines
    assert f"B: align failed after 3.0 s ({FAILURE})" in lines
    assert "lake: load succeeded after 12.0 s (study/A is new)" in lines
    assert not any("gather_variants planned" in line for line in lines)
    assert len(lines) == len(set(lines)) == 12


def test_the_live_table_fits_a_terminal_and_has_a_row_for_each_sample() -> None:
    lines = [" ".join(line.split()) for line in _shown(run_table(view()), width=80).splitlines()]
    # A cell that is too wide goes on below.
    assert "A ✓ 4.0 s ✓ 15.0 s ✓ 2.0 s ✓ 8.0 s ✓ 1.0 s ✓ 1.0 s" in lines
    assert "2/2" in lines
    assert "B ↷ skipped ✗ failed · planned" in lines
    assert "reference ↷ skipped" in lines
    assert "lake load ✓ 12.0 s" in lines


def test_a_sign_off_says_what_to_type_and_then_who_decided() -> None:
    waiting = LedgerEntry("r", "sign_off", State.RUNNING, reason="awaits a decision until noon", task_token="secret")
    assert "awaits a decision until noon: genomics sign-off r" in _shown(run_table(RunView.of("r", [waiting])))
    out = io.StringIO()
    with open_progress(Console(file=out)) as progress:
        progress.show(RunView.of("r", [waiting]))
    assert out.getvalue() == "sign-off (genomics sign-off r) running (awaits a decision until noon)\n"
    signed = LedgerEntry("r", "sign_off", State.SUCCEEDED, reason="fine", signed_by="Ada")
    assert "sign-off ✓ succeeded" in " ".join(_shown(run_table(RunView.of("r", [signed]))).split())
    assert "Ada: fine" in _shown(status_table(RunView.of("r", [signed])))
    # Whoever has the token can decide.
    assert "task_token" not in run_document(RunView.of("r", [waiting]))["sign_off"]


def test_another_attempt_is_told() -> None:
    entry = LedgerEntry("r", "step#A#align#", State.RUNNING, attempt=2, started_at="2026-01-01T00:00:00+00:00")
    assert "attempt 2" in _shown(run_table(RunView.of("r", [LedgerEntry("r", "sample#A", State.RUNNING), entry])))


def test_status_says_of_each_step_how_it_stands_and_why() -> None:
    text = _shown(status_table(view()), width=200)
    for words in ("FAILED", "call_variants c:1-9", "outputs exist", FAILURE, "study/A is new", "15.0 s"):
        assert words in text


def test_status_as_a_document_nests_steps_in_samples() -> None:
    document = run_document(view())
    assert [sample["sample"] for sample in document["samples"]] == ["A", "B"]
    align = next(step for step in document["samples"][1]["steps"] if step["step"] == "align")
    assert (align["state"], align["exit_code"], align["reason"]) == ("FAILED", 1, FAILURE)
    assert document["load"]["reason"] == "study/A is new"
    assert document["steps"][0]["step"] == "prepare_reference"
