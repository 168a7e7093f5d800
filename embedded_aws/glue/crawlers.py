"""Glue's crawlers: what lies below their paths is listed and read under their own role, and written to the catalog.

What differs from AWS: paths in S3 are the only targets; Parquet, CSV and JSON lines, plain or of gzip, are what is
known; folders are one table where seven of ten columns are the same. Anything else is refused when it is asked for.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.glue.exceptions import CrawlerNotRunningException, CrawlerRunningException, InvalidInputException
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse

from embedded_aws import clients
from embedded_aws.context import Context
from embedded_aws.glue.crawled_catalog import write
from embedded_aws.glue.crawled_schemas import Schema, classify
from embedded_aws.glue.crawled_tables import CrawledObject, tables
from embedded_aws.glue.runs import role_arn
from embedded_aws.glue.triggers import cron
from embedded_aws.guard import Patch
from embedded_aws.iam import identity
from embedded_aws.logs.streams import LogStream

_CREATE = Patch("moto.glue.responses:GlueResponse.create_crawler", "e407f71335d960d8")
_START = Patch("moto.glue.models:FakeCrawler.start_crawler", "7841a96646dd441e")
_STOP = Patch("moto.glue.models:FakeCrawler.stop_crawler", "c03f9a33b08f6607")
_DESCRIBE = Patch("moto.glue.models:FakeCrawler.as_dict", "98bfd83d13d8490b")
PATCHES = (_CREATE, _START, _STOP, _DESCRIBE)
LOG_GROUP = "/aws-glue/crawlers"
_SESSION = "AWSGlueCrawler"
_CONFIGURED = {"Version", "Grouping", "CrawlerOutput"}
_UPDATED = {
    "Role": "role",
    "DatabaseName": "database_name",
    "Description": "description",
    "Targets": "targets",
    "Schedule": "schedule",
    "Classifiers": "classifiers",
    "TablePrefix": "table_prefix",
    "SchemaChangePolicy": "schema_change_policy",
    "RecrawlPolicy": "recrawl_policy",
    "Configuration": "configuration",
}

Ended = Callable[[str, str], None]


class _StoppedError(Exception):
    """The crawl is to stop."""


@dataclass
class Crawl:
    """One run of a crawler, with the members that moto's ListCrawls looks at."""

    crawler: Any
    crawl_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "RUNNING"
    error: str | None = None
    start_time: datetime = field(default_factory=utcnow)
    end_time: datetime | None = None
    summary: Mapping[str, int] = field(default_factory=dict)
    dpu_hour: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def advance(self) -> None:
        """It goes on by itself, not when somebody looks."""

    def as_dict(self) -> dict[str, Any]:
        """CrawlerHistory, as ListCrawls answers."""
        told = {
            "CrawlId": self.crawl_id,
            "State": "RUNNING" if self.status == "STOPPING" else self.status,
            "StartTime": self.start_time,
            "EndTime": self.end_time,
            "Summary": json.dumps(self.summary),
            "ErrorMessage": self.error,
            "DPUHour": self.dpu_hour,
            "LogGroup": LOG_GROUP,
            "LogStream": self.crawler.name,
            "MessagePrefix": self.crawl_id,
        }
        return {name: value for name, value in told.items() if value is not None}

    def last(self) -> dict[str, Any]:
        """LastCrawl of GetCrawler."""
        status = {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED"}.get(self.status, self.status)
        told = {"Status": status, "ErrorMessage": self.error, "LogGroup": LOG_GROUP, "LogStream": self.crawler.name}
        told |= {"MessagePrefix": self.crawl_id, "StartTime": self.start_time}
        return {name: value for name, value in told.items() if value is not None}


def install(context: Context, ended: Ended, scheduled: Callable[[], None]) -> None:
    """Put this service in the place of moto's crawls.

    `ended` is told a crawler's name and how its crawl ended; `scheduled` is called when a schedule may have changed.
    """

    def started(crawler: Any) -> None:
        if crawler.crawls and crawler.crawls[-1].status in ("RUNNING", "STOPPING"):
            raise CrawlerRunningException(f"Crawler with name {crawler.name} has already started")
        crawl = Crawl(crawler)
        crawler.crawls.append(crawl)
        threading.Thread(target=_run, args=(context, crawl, ended), daemon=True, name="crawler").start()

    def stopped(crawler: Any) -> None:
        if not crawler.crawls or crawler.crawls[-1].status != "RUNNING":
            raise CrawlerNotRunningException(f"Crawler with name {crawler.name} isn't running")
        crawler.crawls[-1].status = "STOPPING"
        crawler.crawls[-1].stopped.set()

    def created(response: Any) -> Any:
        _require_known(json.loads(response.body), "CreateCrawler")
        answer = create(response)
        scheduled()
        return answer

    def described(crawler: Any) -> dict[str, Any]:
        document: dict[str, Any] = describe(_Quiet(crawler))
        over = [crawl for crawl in crawler.crawls if crawl.end_time]
        if over:
            document["LastCrawl"] = over[-1].last()
            seconds = (over[-1].end_time - over[-1].start_time).total_seconds()
            document["CrawlElapsedTime"] = int(seconds * 1000)
        return document

    _START.apply(started)
    _STOP.apply(stopped)
    create: Any = _CREATE.apply(created)
    describe: Any = _DESCRIBE.apply(described)
    operations: Any = GlueResponse  # moto does not have it
    operations.update_crawler = lambda response: _update(context, json.loads(response.body), scheduled)


class _Quiet:
    """A crawler without its crawls, as moto describes one: it would look for members that ours do not have."""

    def __init__(self, crawler: Any) -> None:
        self._crawler = crawler
        self.crawls: list[Crawl] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crawler, name)


def _update(context: Context, parameters: Mapping[str, Any], scheduled: Callable[[], None]) -> ActionResult:
    """UpdateCrawler: what is not given stays as it is."""
    _require_known(parameters, "UpdateCrawler")
    crawler = glue_backends[context.account][context.region].get_crawler(parameters["Name"])
    if crawler.status != "READY":
        raise CrawlerRunningException(f"Crawler with name {crawler.name} is running")
    for name, attribute in _UPDATED.items():
        if name in parameters:
            setattr(crawler, attribute, parameters[name])
    crawler.version += 1
    crawler.last_updated = utcnow()
    scheduled()
    return EmptyResult()


def _require_known(parameters: Mapping[str, Any], operation: str) -> None:
    """InvalidInputException for what this crawler would pass over."""
    targets = parameters.get("Targets") or {}
    if others := sorted(name for name, value in targets.items() if value and name != "S3Targets"):
        raise InvalidInputException(operation, f"the embedded Glue does not crawl {others[0]}")
    if operation == "CreateCrawler" and not targets.get("S3Targets"):
        raise InvalidInputException(operation, "Crawler must have at least one target")
    if parameters.get("Schedule"):
        cron(parameters["Schedule"])
    if parameters.get("Classifiers"):
        raise InvalidInputException(operation, "the embedded Glue does not have custom classifiers")
    if (parameters.get("RecrawlPolicy") or {}).get("RecrawlBehavior") == "CRAWL_EVENT_MODE":
        raise InvalidInputException(operation, "the embedded Glue does not have CRAWL_EVENT_MODE")
    try:
        configuration = json.loads(parameters.get("Configuration") or "{}")
    except ValueError as error:
        raise InvalidInputException(operation, f"Configuration is not valid JSON: {error}") from error
    if unknown := sorted(set(configuration) - _CONFIGURED):
        raise InvalidInputException(operation, f"the embedded Glue does not have the configuration {unknown[0]}")


def _run(context: Context, crawl: Crawl, ended: Ended) -> None:
    crawler = crawl.crawler
    writer = identity.role(role_arn(context, crawler.role), _SESSION)
    log = LogStream(context, LOG_GROUP, crawler.name, writer=writer, by="glue")

    def tell(level: str, text: str) -> None:
        log.write([f"[{crawl.crawl_id}] {level} : {text}"])

    tell("BENCHMARK", f"Running Start Crawl for Crawler {crawler.name}")
    try:
        crawl.summary = _crawl(context, crawl, tell)
        status = "COMPLETED"
    except _StoppedError:
        status = "STOPPED"
    except ClientError as error:
        crawl.error, status = error.response["Error"].get("Message") or str(error), "FAILED"
    except Exception as error:
        crawl.error, status = f"Internal Service Exception: {type(error).__name__}: {error}", "FAILED"
    if crawl.error:
        tell("ERROR", crawl.error)
    tell("BENCHMARK", "Crawler has finished running and is in state READY")
    crawl.end_time = utcnow()
    crawl.status = status
    ended(crawler.name, crawl.last()["Status"])


def _crawl(context: Context, crawl: Crawl, tell: Callable[[str, str], None]) -> Mapping[str, int]:
    crawler = crawl.crawler
    role = role_arn(context, crawler.role)
    s3 = clients.client("s3", role_arn=role, session=_SESSION)
    glue = clients.client("glue", role_arn=role, session=_SESSION)
    found = []
    for target in crawler.targets["S3Targets"]:
        bucket, _, prefix = target["Path"].removeprefix("s3://").partition("/")
        objects = _listed(s3, crawl, bucket, prefix, target)

        def schema(one: CrawledObject, bucket: str = bucket) -> Schema:
            if crawl.stopped.is_set():
                raise _StoppedError
            return classify(s3.get_object(Bucket=bucket, Key=one.key)["Body"].read())

        level = _level(crawler, bucket, prefix)
        there = tables(objects, schema, lambda text: tell("WARN", f"Not classified: {text}"), level=level)
        found += [(f"s3://{bucket}/{prefix}", table) for table in there]
    tell("BENCHMARK", f"Classification complete, writing results to database {crawler.database_name}")
    if crawl.stopped.is_set():
        raise _StoppedError
    summary = write(glue, crawler, found, tell)
    tell("BENCHMARK", "Finished writing to Catalog")
    return summary


def _listed(s3: Any, crawl: Crawl, bucket: str, prefix: str, target: Mapping[str, Any]) -> list[CrawledObject]:
    excluded = [_glob(pattern) for pattern in target.get("Exclusions") or ()]
    base = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    found: list[CrawledObject] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        if crawl.stopped.is_set():
            raise _StoppedError
        for item in page.get("Contents") or ():
            key = item["Key"]
            if key != prefix and not key.startswith(base):
                continue
            below = key[len(base) :] if key.startswith(base) else key.rpartition("/")[2]
            names = tuple(below.split("/"))
            is_hidden = any(name.startswith(("_", ".")) for name in names) or not names[-1]
            if item["Size"] and not is_hidden and not any(one.fullmatch(below) for one in excluded):
                found.append(CrawledObject(key, names, item["Size"]))
    return _sampled(found, target.get("SampleSize"))


def _sampled(objects: list[CrawledObject], size: int | None) -> list[CrawledObject]:
    """SampleSize: "the number of files in each leaf folder to be crawled"."""
    if not size:
        return objects
    taken: dict[tuple[str, ...], int] = {}
    kept = []
    for one in objects:
        taken[one.path[:-1]] = taken.get(one.path[:-1], 0) + 1
        if taken[one.path[:-1]] <= size:
            kept.append(one)
    return kept


def _glob(pattern: str) -> re.Pattern[str]:
    """Exclude patterns: `*` within a folder, `**` across them, `{a,b}` one of both.

    https://docs.aws.amazon.com/glue/latest/dg/define-crawler-choose-data-sources.html
    """
    text = ""
    for part in re.findall(r"\*\*|\*|\?|\{[^}]*\}|\[[^\]]*\]|[^*?{\[]+|.", pattern):
        if part.startswith("{") and part.endswith("}"):
            text += "(?:" + "|".join(re.escape(one) for one in part[1:-1].split(",")) + ")"
        elif part.startswith("[") and part.endswith("]"):
            text += part.replace("[!", "[^")
        else:
            text += {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part)
    return re.compile(text)


def _level(crawler: Any, bucket: str, prefix: str) -> int:
    """TableLevelConfiguration counts from the bucket, which is 1; here from the crawler's path, which is 0."""
    grouping = json.loads(crawler.configuration or "{}").get("Grouping") or {}
    absolute = int(grouping.get("TableLevelConfiguration") or 0)
    here = 1 + len([name for name in prefix.split("/") if name])
    return max(0, absolute - here)
