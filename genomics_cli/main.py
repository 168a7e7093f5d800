"""The `genomics` command: finds the commands and turns errors into one line."""

import importlib
import sys
import traceback
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts.annotations import AnnotationError
from genomics.contracts.codec import ContractError
from genomics.contracts.regions import RegionError
from genomics.contracts.samples import SampleSheetError
from genomics_cli.errors import UserError

# In the order in which they are met. Each is `genomics_cli.commands.<name>:<name>`, imported when it is needed.
COMMANDS = (
    "demo",
    "up",
    "estimate",
    "run",
    "status",
    "why",
    "sign-off",
    "redrive",
    "query",
    "load",
    "export",
    "annotations",
    "compact",
    "release",
    "restore",
    "rightsize",
    "storage-report",
    "images",
    "down",
)
_MESSAGE_STANDS_ALONE = (UserError, SampleSheetError, RegionError, ContractError, AnnotationError)


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"genomics_cli.commands.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Carry a command out; what goes wrong is one line on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _end("stopped", 130)
        except Exception as error:
            if ctx.params["debug"]:
                traceback.print_exc()
            _end(explain(error), getattr(error, "exit_code", 1))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, envvar="GENOMICS_DEBUG", help="Show where in the code an error arose.")
@click.version_option(package_name="genomics-platform", prog_name="genomics")
def cli(debug: bool) -> None:
    """From sequencing reads to variants that answer SQL.

    Commands talk to the AWS that the environment points at (AWS_ENDPOINT_URL, AWS_PROFILE, AWS_ACCESS_KEY_ID, ...).
    With nothing configured they use an embedded AWS on this machine, started when it is needed and left running.
    """


def explain(error: Exception) -> str:
    """One line that says what went wrong."""
    if isinstance(error, _MESSAGE_STANDS_ALONE):
        text = str(error)
    elif isinstance(error, ClientError):
        text = f"AWS refused {error.operation_name}: {error.response.get('Error', {}).get('Message', error)}"
    elif isinstance(error, BotoCoreError):
        text = f"AWS cannot be used: {error}"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = f"unexpected {type(error).__name__}: {error} (`genomics --debug ...` shows where)"
    return " ".join(text.split())


def _end(line: str, exit_code: int) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {line}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    cli()
