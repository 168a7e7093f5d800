"""A whole analysis as the user sees it: check, submit, follow, fetch, score, summarize."""

import datetime
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from genomics.contracts.runs import RunRequest
from genomics_cli import athena
from genomics_cli.accuracy import Score, score
from genomics_cli.cloud import Platform
from genomics_cli.errors import StoppedWaitingError, UserError
from genomics_cli.estimates.forecast import Forecast, forecast, read_sized_history, size_of
from genomics_cli.estimates.prices import read_prices
from genomics_cli.following import Ending, Follower
from genomics_cli.inputs.known_files import KnownFiles
from genomics_cli.inputs.run_inputs import RunInputs, RunOptions, check_inputs, is_remote
from genomics_cli.progress import Progress
from genomics_cli.report.page import write_report
from genomics_cli.results import download_calls, read_records, read_results, read_rows
from genomics_cli.submission import download_reference, new_run_id, submit
from genomics_cli.summary import Products, QuestionSummary, Summary, summarize

SUMMARY, REPORT = "summary.json", "report.html"
_ANSWER_ROWS = 100


@dataclass
class Analysis:
    """One run from the user's files to the user's files.

    `data` is the command line's own directory. `connect` is called when the input has been found good. `output` gives
    the directory for a run's results. `question` is SQL to be asked when the lake is loaded, or nothing.
    """

    options: RunOptions
    data: Path
    connect: Callable[[], Platform]
    output: Callable[[str], Path]
    progress: Progress
    question: str | None = None
    _stages: dict[str, float] = field(default_factory=dict)

    def carry_out(self) -> Summary:
        """Do it all; returns the summary, which lies in the output directory with the report and the VCFs.

        A run that fails is in the summary. Raised is only what keeps it from being carried out, as UserError or as the
        contracts' own errors, each with a message that stands alone.
        """
        with tempfile.TemporaryDirectory(prefix="genomics-") as workspace:
            platform, inputs = self._prepare(Path(workspace))
            run_id = new_run_id()
            summary = self._run(platform, inputs, run_id)
        output = self.output(run_id)
        output.mkdir(parents=True, exist_ok=True)
        summary.write(output / SUMMARY)
        write_report(summary, output / REPORT)
        return summary

    def _prepare(self, workspace: Path) -> tuple[Platform, RunInputs]:
        """Check the input, then connect; the other way round where the reference has to be fetched to be checked."""
        name = self.options.reference
        platform = self._connect() if is_remote(name) else None
        with self._stage("check"):
            reference = download_reference(platform.cloud.s3, name, workspace / "brought") if platform else Path(name)
            known = KnownFiles(self.data / "known_files.json")
            inputs = check_inputs(self.options, reference_file=reference, known=known, workspace=workspace)
        return platform or self._connect(), inputs

    def _connect(self) -> Platform:
        with self._stage("connect"):
            return self.connect()

    def _run(self, platform: Platform, inputs: RunInputs, run_id: str) -> Summary:
        samples = dict.fromkeys(row.sample for row in inputs.rows)
        self.progress.say(f"run {run_id}: {', '.join(samples)} (study {inputs.study})")
        submitted_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        with self._stage("upload"):
            bucket = platform.deployment.sequencing_bucket
            request = submit(platform.cloud.s3, bucket, run_id, inputs, uploading=self._say_upload)
        ending = self._follow(platform, run_id)
        output = self.output(run_id)
        with self._stage("download"):
            results = read_results(platform, run_id)
            calls = download_calls(platform, results, output) if results else {}
            records = read_records(platform, ending.view.steps)
            expected = _forecast(platform, request, inputs)
        with self._stage("score"):
            scores = _score(inputs, calls)
        with self._stage("query"):
            rows = read_rows(platform, request.study, calls)
            question = _ask(platform, self.question) if self.question and calls and not ending.error else None
        return summarize(
            request=request,
            submitted_at=submitted_at,
            view=ending.view,
            products=Products(results, records, calls, scores, rows, question, expected),
            stages=self._stages,
            error=ending.error,
        )

    def _follow(self, platform: Platform, run_id: str) -> Ending:
        try:
            ending = Follower(platform, run_id, self.progress.show).follow()
        except KeyboardInterrupt as error:
            raise StoppedWaitingError(f"run {run_id} goes on; `genomics status {run_id}` says how it stands") from error
        self._stages["secondary"] = ending.analysed_after
        if ending.loaded_after is not None:
            self._stages["load"] = ending.loaded_after - ending.analysed_after
        return ending

    def _say_upload(self, path: str, size: int) -> None:
        self.progress.say(f"uploading {path} ({size / 1e6:.1f} MB)")

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._stages[name] = time.monotonic() - began


def _forecast(platform: Platform, request: RunRequest, inputs: RunInputs) -> Forecast:
    """What was to be expected of the run, from what other runs took; without dollars where there are no prices."""
    try:
        prices = read_prices(platform.cloud.region)
    except UserError:
        prices = None
    history = read_sized_history(platform, without=request.run_id)
    return forecast(size_of(request, inputs.reference.contigs), history, prices)


def _score(inputs: RunInputs, calls: dict[str, Path]) -> dict[str, Score]:
    return {
        sample: score(
            calls=calls[sample],
            truth=truth,
            sample=sample,
            reference=inputs.reference.fasta,
            regions=inputs.scored_regions,
            confident=inputs.confident,
        )
        for sample, truth in inputs.truths.items()
        if sample in calls
    }


def _ask(platform: Platform, sql: str) -> QuestionSummary:
    answer = athena.ask(platform, sql)
    rows = tuple(islice(athena.rows(platform, answer), _ANSWER_ROWS))
    return QuestionSummary(sql, answer.columns, rows, answer.seconds, answer.scanned_bytes)
