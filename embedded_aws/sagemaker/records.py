"""What SageMaker knows of, on disk: named documents of several kinds."""

import copy
import threading
from collections.abc import Mapping
from typing import Any

from embedded_aws.durable import units
from embedded_aws.durable.database import Database

_KIND = "sagemaker"
Document = dict[str, Any]


class Records:
    """All documents, by kind and name, in the order in which they came."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, Document]] = {}
        self._lock = threading.RLock()

    def restore(self, kept_in: Database) -> None:
        """Take in what an earlier life left."""
        for kind, name, document in kept_in.documents(_KIND):
            self._documents.setdefault(kind, {})[name] = document

    def find(self, kind: str, name: str) -> Document | None:
        """A copy of a document, if there is one."""
        with self._lock:
            return copy.deepcopy(self._documents.get(kind, {}).get(name))

    def all(self, kind: str) -> dict[str, Document]:
        """Copies of all documents of a kind, by name."""
        with self._lock:
            return copy.deepcopy(self._documents.get(kind, {}))

    def add(self, kind: str, name: str, document: Mapping[str, Any]) -> bool:
        """Keep a new document; False, and nothing changed, where the name is taken."""
        with self._lock:
            known = self._documents.setdefault(kind, {})
            if name in known:
                return False
            known[name] = dict(document)
            self._changed(kind, name)
            return True

    def change(self, kind: str, name: str, **values: Any) -> None:
        """Set some of a document's values; nothing happens where it is gone meanwhile."""
        with self._lock:
            if name in self._documents.get(kind, {}):
                self._documents[kind][name] |= values
                self._changed(kind, name)

    def remove(self, kind: str, name: str) -> None:
        """Forget a document."""
        with self._lock:
            self._documents.get(kind, {}).pop(name, None)
            self._changed(kind, name)

    def _changed(self, kind: str, name: str) -> None:
        units.document_changed(_KIND, kind, name, lambda: self.find(kind, name))
