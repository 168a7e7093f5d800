"""Says whether a run folder is ready to be sent, and if not, why."""

import enum
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from genomics.contracts.runs import RUN_ID_RULE, is_run_id
from run_tracker.expected_files import missing_base_calls
from run_tracker.filters import PathFilter
from run_tracker.listing import Listing
from run_tracker.platforms import PlatformPolicy, identify
from run_tracker.quality import (
    MetricsError,
    QualityPolicy,
    cycles_problem,
    flag_problem,
    metrics_problem,
    read_metrics,
)
from run_tracker.run_documents import (
    CompletionStatus,
    DocumentError,
    RunInfo,
    RunParameters,
    missing_markers,
    names_without_case,
    read_completion_status,
    read_run_info,
    read_run_parameters,
)
from run_tracker.scan import Scan, scan_run


class Verdict(enum.StrEnum):
    """What a run folder's files say of it."""

    RUNNING = "RUNNING"
    SETTLING = "SETTLING"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    UNREADABLE = "UNREADABLE"
    INCOMPLETE = "INCOMPLETE"
    AWAITING_QC = "AWAITING_QC"
    QC_FAILED = "QC_FAILED"
    TEST_RUN = "TEST_RUN"
    READY = "READY"


@dataclass(frozen=True)
class Assessment:
    """A verdict and its reason.

    `completed_at` (seconds since the epoch) is when the last marker was written; `scan` is None where the files were
    not looked at. `complete` identifies the listing in which all base calls were found.
    """

    verdict: Verdict
    reason: str
    platform: str = ""
    completed_at: float | None = None
    scan: Scan | None = None
    complete: str = ""


@dataclass(frozen=True)
class Rules:
    """By what run folders are judged."""

    platforms: tuple[PlatformPolicy, ...]
    quality: QualityPolicy
    id_must_match: bool = True


class _Judged(Exception):  # noqa: N818 not an error: the verdict is known
    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


@dataclass
class _Case:
    """What is known of a run folder so far."""

    folder: Path
    rules: Rules
    names: dict[str, str]
    policy: PlatformPolicy | None = None
    completed_at: float | None = None
    scan: Scan | None = None
    complete: str = ""


def assess(
    folder: Path, rules: Rules, filters: PathFilter, listing: Listing, *, whole: bool, complete: str = ""
) -> Assessment:
    """Judge a run folder. A `whole` scan reads every directory again; else those unchanged are taken as known.

    Base calls are not looked for again in the listing that `complete` identifies.
    """
    case = _Case(folder, rules, {}, complete="" if whole else complete)
    try:
        reason = _judge(case, filters, listing, whole=whole)
        verdict = Verdict.READY
    except _Judged as judged:
        verdict, reason = judged.verdict, judged.reason
    except DocumentError as error:
        verdict, reason = Verdict.UNREADABLE, str(error)
    platform = case.policy.name if case.policy else ""
    return Assessment(verdict, reason, platform, case.completed_at, case.scan, case.complete)


def _judge(case: _Case, filters: PathFilter, listing: Listing, *, whole: bool) -> str:
    _look(case)
    run_info, parameters, policy = _identify(case)
    status = _completion(case, policy)
    _markers(case, policy)
    flag = case.names.get(case.rules.quality.flag.casefold())
    case.scan = scan = scan_run(
        case.folder,
        listing,
        filters,
        whole=whole,
        changed_within_seconds=policy.settle_minutes * 60,
        ignored_changes=frozenset([flag] if flag else []),
    )
    _settled(scan, policy)
    listed = hashlib.sha256(f"{policy} {run_info} {scan.totals.digest}".encode()).hexdigest()
    if case.complete != listed:
        case.complete = ""
        if problems := missing_base_calls(case.folder, run_info, policy, listing):
            more = "; ..." if len(problems) > 1 else ""
            raise _Judged(Verdict.INCOMPLETE, f"{problems[0]}{more}")
        case.complete = listed
    _quality(case, run_info, parameters, status, flag)
    return f"{scan.totals.files} files, {scan.totals.bytes} bytes to send, {scan.totals.excluded} left out"


def _look(case: _Case) -> None:
    if case.folder.is_symlink():
        raise _Judged(Verdict.UNREADABLE, "is a symbolic link, which DataSync does not follow; move the folder here")
    if not is_run_id(case.folder.name):
        raise _Judged(Verdict.UNREADABLE, f"the folder's name {RUN_ID_RULE}; rename it")
    try:
        case.names = names_without_case(os.listdir(case.folder))  # noqa: PTH208 names, not paths
    except OSError as error:
        raise _Judged(Verdict.UNREADABLE, f"cannot be read ({error.strerror}); correct its permissions") from error


def _identify(case: _Case) -> tuple[RunInfo, RunParameters, PlatformPolicy]:
    over = [p for p in case.rules.platforms if p.markers and not list(missing_markers(p.markers, case.names))]
    name = case.names.get("runinfo.xml")
    if name is None and not over:
        raise _Judged(Verdict.RUNNING, "RunInfo.xml is not there yet")
    if name is None:
        raise _Judged(Verdict.UNREADABLE, "is marked complete but has no RunInfo.xml; copy it from the instrument")
    run_info = read_run_info(case.folder / name)
    parameters = RunParameters()
    if name := case.names.get("runparameters.xml"):
        parameters = read_run_parameters(case.folder / name)
    case.policy = identify(case.rules.platforms, instrument=run_info.instrument, application=parameters.application)
    if case.rules.id_must_match and run_info.run_id != case.folder.name:
        reason = f"RunInfo.xml is of run {run_info.run_id!r}; rename the folder or set id_must_match = false"
        raise _Judged(Verdict.UNREADABLE, reason)
    return run_info, parameters, case.policy


def _completion(case: _Case, policy: PlatformPolicy) -> CompletionStatus | None:
    name = case.names.get("runcompletionstatus.xml")
    if name is None:
        return None
    status = read_completion_status(case.folder / name)
    said = f"RunCompletionStatus.xml says {status.status}" + (f": {status.error}" if status.error else "")
    kind = status.status.casefold()
    if kind in {text.casefold() for text in policy.aborted_statuses}:
        raise _Judged(Verdict.ABORTED, said)
    if kind in {text.casefold() for text in policy.failed_statuses}:
        raise _Judged(Verdict.FAILED, said)
    if kind not in {text.casefold() for text in policy.completed_statuses}:
        reason = f"{said}, which is not known; add it to platforms.{policy.name}.completed_statuses or failed_statuses"
        raise _Judged(Verdict.UNREADABLE, reason)
    return status


def _markers(case: _Case, policy: PlatformPolicy) -> None:
    if missing := next(missing_markers(policy.markers, case.names), None):
        raise _Judged(Verdict.RUNNING, f"{missing} is not there yet")
    times = [
        (case.folder / case.names[choice.casefold()]).stat().st_mtime
        for marker in policy.markers
        for choice in marker.split("|")
        if choice.casefold() in case.names
    ]
    case.completed_at = max(times, default=None)


def _settled(scan: Scan, policy: PlatformPolicy) -> None:
    if scan.unreadable:
        more = f" (and {len(scan.unreadable) - 1} more)" if len(scan.unreadable) > 1 else ""
        raise _Judged(Verdict.UNREADABLE, scan.unreadable[0] + more)
    if scan.moving:
        raise _Judged(Verdict.SETTLING, scan.moving[0])
    now = time.time()
    # A time in the future is a clock's fault, and says nothing of when writing ended.
    if scan.newest is not None and now - policy.settle_minutes * 60 < scan.newest.at:
        age = (
            "in the future by this machine's clock" if scan.newest.at > now + 1 else f"{_age(now - scan.newest.at)} ago"
        )
        reason = f"{scan.newest.path} changed {age}; {policy.settle_minutes:g} minutes without change are asked for"
        raise _Judged(Verdict.SETTLING, reason)


def _quality(
    case: _Case, run_info: RunInfo, parameters: RunParameters, status: CompletionStatus | None, flag: str | None
) -> None:
    policy = case.rules.quality
    if problem := cycles_problem(run_info, status.cycles if status else None, policy.min_cycles):
        raise _Judged(Verdict.QC_FAILED, problem)
    problem = flag_problem(case.folder, flag, policy.flag)
    test = policy.looks_like_a_test(case.folder.name, parameters.experiment)
    if problem and test is not None:
        raise _Judged(Verdict.TEST_RUN, f"is named like a test run ({test}) and {problem}")
    if problem and policy.flag_required:
        raise _Judged(Verdict.AWAITING_QC, problem)
    if policy.needs_interop:
        try:
            missed = metrics_problem(read_metrics(case.folder), policy)
        except MetricsError as error:
            raise _Judged(Verdict.UNREADABLE, str(error)) from error
        if missed:
            raise _Judged(Verdict.QC_FAILED, missed)


def _age(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{max(seconds, 0):.0f} seconds"
