"""What all of the API's operations share: how they refuse, name, and list."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moto.core.exceptions import JsonRESTError

from embedded_aws.context import Context
from embedded_aws.sagemaker.records import Document, Records

Parameters = Mapping[str, Any]
Answer = dict[str, Any]
Operation = Callable[[Parameters], Answer]

# Developer Guide: the same pattern for the names of all resources.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_PAGE = 10
# Kinds of records and what stands before a name in their ARNs.
ARN_PREFIXES: Mapping[str, str] = {
    "AutoMLJob": "automl-job",
    "TrainingJob": "training-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "TransformJob": "transform-job",
    "Model": "model",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
    "ModelPackageGroup": "model-package-group",
    "ModelPackage": "model-package",
    "NotebookInstance": "notebook-instance",
    "NotebookInstanceLifecycleConfig": "notebook-instance-lifecycle-config",
}


def invalid(message: str) -> JsonRESTError:
    """What an operation is told cannot be; to be raised."""
    return JsonRESTError("ValidationException", message)


def in_use(message: str) -> JsonRESTError:
    """A name is taken; to be raised."""
    return JsonRESTError("ResourceInUse", message)


def arn(context: Context, kind: str, name: str) -> str:
    """The ARN of a record."""
    return context.arn("sagemaker", f"{ARN_PREFIXES[kind]}/{name}")


def only(operation: str, parameters: Parameters, carried_out: Iterable[str]) -> None:
    """Refuse a parameter that would be accepted and then have no effect."""
    known = set(carried_out)
    for name, value in parameters.items():
        if name not in known and value not in (None, [], {}, False):
            raise invalid(f"The embedded SageMaker does not carry out {operation}'s {name}; leave it out.")


def named(value: Any, *, longest: int = 63) -> str:
    """A resource's name, where it may be one."""
    name = str(value or "")
    if not _NAME.fullmatch(name) or len(name) > longest:
        raise invalid(
            f"Value '{name}' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            f"^{_NAME.pattern}, and have a length of at most {longest}"
        )
    return name


class Shelf:
    """The records of one kind."""

    def __init__(self, context: Context, records: Records, kind: str, *, absent: str = "ValidationException") -> None:
        self._context, self._records, self.kind, self._absent = context, records, kind, absent

    def arn(self, name: str) -> str:
        """Of the record called so."""
        return arn(self._context, self.kind, name)

    def add(self, name: str, parameters: Parameters, **state: Any) -> Document:
        """A new record of what was asked for; refused where the name is taken."""
        now = time.time()
        document = {"given": dict(parameters), "created": now, "modified": now, **state}
        if not self._records.add(self.kind, name, document):
            code = "ResourceInUse" if self.kind.endswith("Job") else "ValidationException"
            raise JsonRESTError(code, f'Cannot create already existing {_words(self.kind)} "{self.arn(name)}".')
        return document

    def get(self, name: Any) -> Document:
        """The record called so, or with that ARN."""
        found = self._records.find(
            self.kind, str(name).rpartition("/")[2] if str(name).startswith("arn:") else str(name)
        )
        if found is None:
            raise JsonRESTError(self._absent, f'Could not find {_words(self.kind)} "{self.arn(str(name))}".')
        return found

    def find(self, name: str) -> Document | None:
        """The record called so, if there is one."""
        return self._records.find(self.kind, name)

    def all(self) -> dict[str, Document]:
        """All records by name."""
        return self._records.all(self.kind)

    def change(self, name: str, **values: Any) -> None:
        """Set some values of a record."""
        self._records.change(self.kind, name, modified=time.time(), **values)

    def remove(self, name: str) -> None:
        """Forget a record."""
        self._records.remove(self.kind, name)

    def list(
        self,
        parameters: Parameters,
        under: str,
        summary: Callable[[str, Document], Answer],
        is_meant: Callable[[str, Document], bool] = lambda name, document: True,
    ) -> Answer:
        """The page of summaries that a List operation asks for, the latest first unless told otherwise."""
        found = [
            (name, document)
            for name, document in self.all().items()
            if is_meant(name, document)
            and str(parameters.get("NameContains") or "").lower() in name.lower()
            and parameters.get("StatusEquals") in (None, document.get("status"))
            and document["created"] >= _seconds(parameters.get("CreationTimeAfter"), 0.0)
            and document["created"] <= _seconds(parameters.get("CreationTimeBefore"), float("inf"))
        ]
        key = {"Name": lambda item: item[0], "Status": lambda item: str(item[1].get("status"))}.get(
            str(parameters.get("SortBy")), lambda item: item[1]["created"]
        )
        found.sort(key=key, reverse=parameters.get("SortOrder", "Descending") == "Descending")
        return page([summary(name, document) for name, document in found], parameters, under)


def page(found: Sequence[Answer], parameters: Parameters, under: str) -> Answer:
    """The page of a list that a request asks for."""
    start = int(parameters.get("NextToken") or 0)
    end = start + int(parameters.get("MaxResults") or _PAGE)
    answer: Answer = {under: list(found[start:end])}
    return {**answer, "NextToken": str(end)} if end < len(found) else answer


def times(document: Document) -> Answer:
    """CreationTime, LastModifiedTime and, where it has ended, EndTime."""
    told = {"CreationTime": document["created"], "LastModifiedTime": document["modified"]}
    return {**told, "EndTime": document["ended"]} if document.get("ended") else told


def some(given: Mapping[str, Any], *names: str) -> Answer:
    """Those of the parameters that were given."""
    return {name: given[name] for name in names if given.get(name) is not None}


def s3_uri(value: Any, what: str) -> str:
    """An s3:// URI without a slash at its end."""
    uri = str(value or "")
    if not uri.startswith("s3://") or not uri.removeprefix("s3://").strip("/"):
        raise invalid(f"{what} is {uri!r}; expected s3://bucket/prefix")
    return uri.rstrip("/")


def _words(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def _seconds(value: Any, default: float) -> float:
    return default if value is None else float(value)
