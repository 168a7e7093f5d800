"""The lab's configuration file: TOML, checked whole; what is wrong with it is one line that names the setting."""

import dataclasses
import difflib
import re
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genomics.contracts.transfers import DEFAULT_EXCLUDES
from run_tracker.assessment import Rules
from run_tracker.errors import TrackerError
from run_tracker.filters import PathFilter, check_pattern
from run_tracker.platforms import PLATFORMS, BaseCallFormat, PlatformPolicy
from run_tracker.quality import QualityPolicy, interop_is_installed

_TASK_ARN = re.compile(r"arn:(aws[a-z-]*):datasync:(?P<region>[a-z0-9-]+):\d{12}:task/task-[0-9a-f]{17}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:.+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PLATFORM_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_KINDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class DataSyncSettings:
    """The task that brings runs to S3. `source_path` is the landing folder's path below the task's source location.

    `bucket` gets each run's manifest, for reconciliation. A start that was not confirmed is not repeated before
    `confirm_minutes` have passed: until then its execution may still turn up. `archive_days` after a run was sent its
    objects may be placeholders of what went to the archive, and nothing of it is sent again.
    """

    task_arn: str
    bucket: str | None = None
    source_path: str = "/"
    max_attempts: int = 5
    retry_minutes: float = 10
    longest_retry_minutes: float = 360
    confirm_minutes: float = 5
    late_days: float = 7
    archive_days: float = 90

    @property
    def region(self) -> str:
        """Where the task is."""
        match = _TASK_ARN.fullmatch(self.task_arn)
        return match["region"] if match else ""


@dataclass(frozen=True)
class FileSettings:
    """Which files are sent, in DataSync's patterns; includes are relative to the run folder."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDES


@dataclass(frozen=True)
class AlarmSettings:
    """When somebody must be told: a complete run is unsent for longer than the RPO, or the landing folder fills up."""

    rpo_hours: float = 48
    days_until_full: float = 3
    sns_topic_arn: str | None = None


@dataclass(frozen=True)
class Configuration:
    """Everything in the file."""

    landing_folder: Path
    state_folder: Path
    datasync: DataSyncSettings
    interval_minutes: float = 5
    id_must_match: bool = True
    files: FileSettings = field(default_factory=FileSettings)
    qc: QualityPolicy = field(default_factory=QualityPolicy)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    platforms: tuple[PlatformPolicy, ...] = PLATFORMS

    @property
    def rules(self) -> Rules:
        """By what run folders are judged."""
        return Rules(self.platforms, self.qc, self.id_must_match)

    def filters(self, run: str) -> PathFilter:
        """What is sent of a run."""
        return PathFilter(f"{self.datasync.source_path.rstrip('/')}/{run}", self.files.include, self.files.exclude)


class ConfigurationError(TrackerError):
    """The configuration cannot be used; the message names file and setting and says what is allowed."""


def read_configuration(path: Path) -> Configuration:
    """Read and check a configuration file. Relative folders are relative to it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such file; name one with --config") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error})") from error
    platforms = document.pop("platforms", {})
    reader = _Reader(path)
    configuration: Configuration = reader.build(Configuration, {**document, "platforms": ()}, "")
    configuration = dataclasses.replace(configuration, platforms=_platforms(reader, platforms))
    _check(reader, configuration)
    folders = {name: path.parent / getattr(configuration, name) for name in ("landing_folder", "state_folder")}
    return dataclasses.replace(configuration, **folders)


class _Reader:
    """Turns TOML tables into dataclasses."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def error(self, name: str, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}: {name} {problem}")

    def build(self, kind: type[Any], table: Any, where: str) -> Any:
        if not isinstance(table, dict):
            raise self.error(where.rstrip("."), "must be a table")
        hints = typing.get_type_hints(kind)
        fields = {item.name: item for item in dataclasses.fields(kind)}
        for name in table:
            if name not in fields:
                near = difflib.get_close_matches(name, fields, 1)
                raise self.error(where + name, "is not known" + (f"; did you mean {near[0]!r}?" if near else ""))
        for name, item in fields.items():
            needed = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            if needed and name not in table:
                raise self.error(where + name, "is missing; add it")
        return kind(**{name: self._value(hints[name], value, where + name) for name, value in table.items()})

    def _value(self, kind: Any, value: Any, where: str) -> Any:
        if isinstance(kind, types.UnionType):
            kind = next(choice for choice in typing.get_args(kind) if choice is not type(None))
        if dataclasses.is_dataclass(kind):
            return self.build(typing.cast("type[Any]", kind), value, f"{where}.")
        if typing.get_origin(kind) is tuple:
            if value != () and (not isinstance(value, list) or not all(isinstance(item, str) for item in value)):
                raise self.error(where, f"must be a list of texts, not {value!r}")
            return tuple(value)
        if kind is Path:
            return Path(self._value(str, value, where)).expanduser()
        if kind is BaseCallFormat:
            if value not in list(BaseCallFormat):
                raise self.error(where, f"must be one of {', '.join(BaseCallFormat)}, not {value!r}")
            return BaseCallFormat(value)
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise self.error(where, f"must be {_KINDS[kind]}, not {value!r}")
        return value


def _platforms(reader: _Reader, tables: Any) -> tuple[PlatformPolicy, ...]:
    """The policy table with the lab's changes and additions; what the lab adds is looked at first."""
    if not isinstance(tables, dict):
        raise reader.error("platforms", "must hold a table per platform")
    policies = {policy.name: policy for policy in PLATFORMS}
    added: dict[str, PlatformPolicy] = {}
    for name, table in tables.items():
        where = f"platforms.{name}"
        if not isinstance(table, dict):
            raise reader.error(where, "must be a table")
        changes = dict(table)
        based_on = changes.pop("based_on", None)
        if based_on is None and name not in policies:
            near = difflib.get_close_matches(name, policies, 1)
            raise reader.error(
                where,
                f"is not known{f' (did you mean {near[0]}?)' if near else ''}; for a platform of your own"
                f" add based_on = one of {', '.join(policies)}",
            )
        if not _PLATFORM_NAME.fullmatch(name):
            raise reader.error(where, "may hold small letters, digits and '_' only")
        base = policies.get(based_on or name)
        if base is None:
            raise reader.error(f"{where}.based_on", f"must be one of {', '.join(policies)}, not {based_on!r}")
        own = base if based_on is None else dataclasses.replace(base, name=name, instruments="", applications="")
        given = {item.name: getattr(own, item.name) for item in dataclasses.fields(own)}
        as_lists = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
        policy: PlatformPolicy = reader.build(PlatformPolicy, {**as_lists, **changes, "name": name}, f"{where}.")
        _check_platform(reader, policy, where)
        (policies if based_on is None else added)[name] = policy
    return (*added.values(), *(policies[policy.name] for policy in PLATFORMS))


def _check_platform(reader: _Reader, policy: PlatformPolicy, where: str) -> None:
    for name in ("instruments", "applications"):
        try:
            re.compile(getattr(policy, name))
        except re.error as error:
            raise reader.error(f"{where}.{name}", f"is no regular expression ({error})") from error
    if not policy.markers:
        raise reader.error(f"{where}.markers", "must name at least one file; without one no run is ever over")
    _between(reader, f"{where}.settle_minutes", policy.settle_minutes, 0, 7 * 24 * 60, "minutes")


def _check(reader: _Reader, configuration: Configuration) -> None:
    datasync, qc, alarms = configuration.datasync, configuration.qc, configuration.alarms
    if not _TASK_ARN.fullmatch(datasync.task_arn):
        raise reader.error("datasync.task_arn", f"must be the ARN of a DataSync task, not {datasync.task_arn!r}")
    if datasync.bucket is not None and not _BUCKET.fullmatch(datasync.bucket):
        raise reader.error("datasync.bucket", f"must be a bucket's name, not {datasync.bucket!r}")
    if not datasync.source_path.startswith("/"):
        raise reader.error("datasync.source_path", "must begin with '/'")
    if alarms.sns_topic_arn is not None and not _TOPIC_ARN.fullmatch(alarms.sns_topic_arn):
        raise reader.error("alarms.sns_topic_arn", f"must be the ARN of an SNS topic, not {alarms.sns_topic_arn!r}")
    if not qc.flag or "/" in qc.flag:
        raise reader.error("qc.flag", "must be a file's name")
    _check_files(reader, configuration.files)
    for name, number, least, most, unit in (
        ("interval_minutes", configuration.interval_minutes, 0.01, 24 * 60, "minutes"),
        ("datasync.max_attempts", datasync.max_attempts, 1, 100, "attempts"),
        ("datasync.retry_minutes", datasync.retry_minutes, 0, 7 * 24 * 60, "minutes"),
        ("datasync.longest_retry_minutes", datasync.longest_retry_minutes, 0, 7 * 24 * 60, "minutes"),
        ("datasync.confirm_minutes", datasync.confirm_minutes, 0, 24 * 60, "minutes"),
        ("datasync.archive_days", datasync.archive_days, 1, 3650, "days"),
        ("qc.min_cycles", qc.min_cycles, 0, 100_000, "cycles"),
        ("qc.min_percent_q30", qc.min_percent_q30, 0, 100, "percent"),
        ("qc.min_percent_pf", qc.min_percent_pf, 0, 100, "percent"),
        ("qc.min_yield_gigabases", qc.min_yield_gigabases, 0, 1_000_000, "gigabases"),
        ("alarms.rpo_hours", alarms.rpo_hours, 0, 24 * 365, "hours"),
        ("alarms.days_until_full", alarms.days_until_full, 0, 365, "days"),
    ):
        _between(reader, name, number, least, most, unit)
    if not 0 <= datasync.late_days < datasync.archive_days:
        problem = f"must be days, 0 or more and fewer than datasync.archive_days ({datasync.archive_days:g})"
        raise reader.error("datasync.late_days", f"{problem}, not {datasync.late_days:g}")
    if qc.needs_interop and not interop_is_installed():
        raise reader.error("qc", "has thresholds that need InterOp files; pip install 'run-tracker[qc]'")


def _check_files(reader: _Reader, files: FileSettings) -> None:
    if not files.exclude:
        empty = "is empty: DataSync would leave out what its task excludes by itself"
        raise reader.error("files.exclude", f"{empty}; to send everything, give ['/none'], which matches nothing")
    for kind, patterns in (("include", files.include), ("exclude", files.exclude)):
        for pattern in patterns:
            if problem := check_pattern(pattern, is_include=kind == "include"):
                raise reader.error(f"files.{kind}", f"pattern {pattern!r} {problem}")


def _between(reader: _Reader, name: str, number: float | None, least: float, most: float, unit: str) -> None:
    if number is not None and not least <= number <= most:
        raise reader.error(name, f"must be {unit}, {least:g} to {most:g}, not {number:g}")
