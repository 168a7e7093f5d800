import json
from pathlib import Path
from typing import Any

import click
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from click.testing import CliRunner

from genomics.contracts.regions import RegionError
from genomics_cli import answer_formats, athena, embedded
from genomics_cli.athena import Answer
from genomics_cli.errors import StoppedWaitingError, UserError
from genomics_cli.main import COMMANDS, cli, explain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENOMICS_DEBUG", raising=False)
    return CliRunner()


def _commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_is_there() -> None:
    assert (
        set(_commands())
        == set(COMMANDS)
        == {
            "up",
            "down",
            "run",
            "query",
            "load",
            "export",
            "annotations",
            "compact",
            "release",
            "status",
            "restore",
            "storage-report",
            "why",
            "redrive",
            "sign-off",
            "images",
            "rightsize",
            "estimate",
            "demo",
        }
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"genomics {name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    command = _commands()[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]}"
            assert parameter.help[0].isupper()
            assert parameter.help.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_json(name: str) -> None:
    assert "--json" in [spelling for parameter in _commands()[name].params for spelling in parameter.opts]


def test_help_lists_the_commands(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output


def test_an_error_is_one_line_and_no_traceback(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["run", "none.csv", "--reference", "none.fa"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.strip() == (
        "error: none.csv: cannot be read ([Errno 2] No such file or directory: 'none.csv')"
    )


def test_debug_shows_where_an_error_arose(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--debug", "run", "none.csv", "--reference", "none.fa"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("error: none.csv: cannot be read")


def test_a_wrong_option_is_a_usage_error(runner: CliRunner) -> None:
    assert runner.invoke(cli, ["query", "select 1", "--format", "parquet"]).exit_code == 2
    assert runner.invoke(cli, ["query", "select 1", "--json", "--format", "csv"]).exit_code == 2
    assert runner.invoke(cli, ["fly"]).exit_code == 2


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("a\n  b"), "a b"),
        (RegionError("chrZ: no"), "chrZ: no"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "GetObject"),
            "AWS refused GetObject: not you",
        ),
        (
            EndpointConnectionError(endpoint_url="http://x"),
            'AWS cannot be used: Could not connect to the endpoint URL: "http://x"',
        ),
        (FileNotFoundError(2, "No such file", "f.txt"), "f.txt: No such file"),
        (KeyError("k"), "unexpected KeyError: 'k' (`genomics --debug ...` shows where)"),
    ],
)
def test_errors_are_explained(error: Exception, line: str) -> None:
    assert explain(error) == line


def _fail(error: Exception) -> Any:
    def connect(*_: object, **__: object) -> None:
        raise error

    return connect


def test_a_user_who_stops_waiting_is_told_how_to_follow(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "connect", _fail(StoppedWaitingError("run r goes on")))
    result = runner.invoke(cli, ["status"])
    assert result.exit_code == 130
    assert result.stderr.strip() == "error: run r goes on"


def test_down_says_that_nothing_runs(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(cli, ["down", "--data", str(tmp_path / "data")])
    assert result.exit_code == 0
    assert result.output.strip() == f"no embedded AWS runs on {tmp_path / 'data'}"


def test_query_answers_in_json(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, platform: Any) -> None:
    answer = Answer("id", ("n",), ("integer",), "s3://lake/k", 12, 0.5, has_header_row=True)
    monkeypatch.setattr(embedded, "connect", lambda *_, **__: platform)
    monkeypatch.setattr(athena, "ask", lambda *_: answer)
    monkeypatch.setattr(answer_formats, "rows", lambda *_: [("1",)])
    printed = [runner.invoke(cli, ["query", "select 1 n", *form]).stdout for form in (["--json"], ["--format", "json"])]
    assert printed[0] == printed[1]
    assert json.loads(printed[0])["rows"] == [[1]]


def test_status_lists_runs_as_json(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, platform: Any) -> None:
    monkeypatch.setattr(embedded, "connect", lambda *_, **__: platform)
    result = runner.invoke(cli, ["status", "--json"])
    assert json.loads(result.stdout) == {"runs": []}
    assert runner.invoke(cli, ["status"]).stdout.strip() == "no run yet"
