"""The `run-tracker` command: options only; errors are one line."""

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from run_tracker.assessment import Rules, Verdict, assess
from run_tracker.configuration import Configuration, read_configuration
from run_tracker.errors import TrackerError, explain
from run_tracker.filters import PathFilter
from run_tracker.listing import Listing
from run_tracker.lock import AlreadyAtWork
from run_tracker.platforms import PLATFORMS
from run_tracker.quality import QualityPolicy
from run_tracker.report import Report, as_json, as_text, check_as_json, status_report
from run_tracker.state import opened
from run_tracker.watch import database_path, watch_once

# What `check` ends with if a run is not ready, and `status` if an alarm stands.
NOT_READY = ALARM = 3

_config = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="RUN_TRACKER_CONFIG",
    default=Path("/etc/run-tracker/config.toml"),
    show_default=True,
    help="The lab's configuration file (RUN_TRACKER_CONFIG).",
)
_json = click.option("--json", "in_json", is_flag=True, help="Answer in JSON.")


class _OneLineErrors(click.Group):
    """What goes wrong is one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            click.echo(f"error: {explain(error)}", err=True)
            sys.exit(1)


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="run-tracker", prog_name="run-tracker")
def cli() -> None:
    """Sends sequencing runs to S3 once they are complete and passed QC."""


@cli.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="Judge by the lab's configuration file.")
@_json
def check(run_folder: Path, config: Path | None, in_json: bool) -> None:
    """Say whether RUN_FOLDER is ready to be sent, and why not. Nothing is sent. Exit code 3: not ready."""
    folder = run_folder.absolute()
    if not folder.is_dir():
        raise TrackerError(f"{run_folder}: is no folder; name a run folder")
    configuration = read_configuration(config) if config else None
    rules = configuration.rules if configuration else Rules(PLATFORMS, QualityPolicy())
    filters = configuration.filters(folder.name) if configuration else PathFilter(f"/{folder.name}")
    with closing(Listing(None, "")) as listing:
        assessment = assess(folder, rules, filters, listing, whole=True)
    if in_json:
        click.echo(json.dumps(check_as_json(folder, assessment), indent=2))
    else:
        platform = f" ({assessment.platform})" if assessment.platform else ""
        click.echo(f"{folder.name}{platform}: {assessment.verdict}: {assessment.reason}")
        for line in assessment.scan.not_sent if assessment.scan else ():
            click.echo(f"  {line}")
    sys.exit(0 if assessment.verdict is Verdict.READY else NOT_READY)


@cli.command()
@_config
@click.option("--once", is_flag=True, help="One pass, as cron and systemd timers want it.")
def watch(config: Path, once: bool) -> None:
    """Send every run that is ready, and follow those under way. Several at once do no harm."""
    while True:
        configuration = read_configuration(config)
        try:
            watch_once(configuration)
        except AlreadyAtWork as other:
            click.echo(str(other))
        except (TrackerError, OSError) as error:
            if once:
                raise
            click.echo(f"error: {explain(error)}", err=True)
        if once:
            return
        time.sleep(configuration.interval_minutes * 60)


@cli.command()
@_config
@_json
def status(config: Path, in_json: bool) -> None:
    """Show every run with its reason, the space that is left, and alarms. Exit code 3: an alarm stands."""
    configuration = read_configuration(config)
    report = _report(configuration)
    click.echo(json.dumps(as_json(report), indent=2) if in_json else as_text(report, configuration))
    sys.exit(ALARM if report.alarms else 0)


def _report(configuration: Configuration) -> Report:
    with opened(database_path(configuration)) as state:
        return status_report(configuration, state)
