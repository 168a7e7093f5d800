"""Which tables and partitions lie in a folder.

"When the majority of schemas at a folder level are similar, the crawler creates partitions of a table instead of
separate tables": https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.glue.crawled_schemas import Schema, UnclassifiedError


@dataclass(frozen=True)
class CrawledObject:
    """An object below a crawler's path. `path` are the names of the folders below it, and the object's own."""

    key: str
    path: tuple[str, ...]
    size: int


@dataclass
class Partition:
    """A folder with files of a table: the names of the folders between the table's and the files."""

    folders: tuple[str, ...]
    schema: Schema
    objects: int
    size: int


@dataclass
class Found:
    """A table. `folders` is where it lies, below the crawler's path; `file` is set where it is one file of many."""

    folders: tuple[str, ...]
    partitions: list[Partition]
    file: str | None = None

    @property
    def schema(self) -> Schema:
        """That holds the rows of all partitions."""
        merged = self.partitions[0].schema
        for partition in self.partitions[1:]:
            merged = merged.merged(partition.schema)
        return merged

    def keys(self) -> list[tuple[str, str]]:
        """Names and types of the partition keys: Hive's `name=value`, else `partition_0`, `partition_1`, ..."""
        levels = zip(*(partition.folders for partition in self.partitions), strict=True)
        keys = []
        for number, names in enumerate(levels):
            found = {name.partition("=")[0].lower() for name in names if "=" in name}
            is_hive = len(found) == 1 and all("=" in name for name in names)
            keys.append((found.pop() if is_hive else f"partition_{number}", "string"))
        return keys

    @property
    def objects(self) -> int:
        """How many objects the table has."""
        return sum(partition.objects for partition in self.partitions)

    @property
    def size(self) -> int:
        """Bytes of the table's objects."""
        return sum(partition.size for partition in self.partitions)


def values(partition: Partition) -> list[str]:
    """A partition's values: what stands after Hive's `name=`, else the folders' names."""
    return [name.partition("=")[2] if "=" in name else name for name in partition.folders]


def table_name(prefix: str, folder: str) -> str:
    """A table's name of its folder's: in lower case, with `_` for what a name cannot have."""
    return prefix + re.sub(r"[^a-z0-9_]", "_", folder.lower())


@dataclass
class _Folder:
    name: str
    files: list[CrawledObject] = field(default_factory=list)
    folders: dict[str, "_Folder"] = field(default_factory=dict)


def tables(
    objects: Sequence[CrawledObject],
    classify: Callable[[CrawledObject], Schema],
    report: Callable[[str], None],
    *,
    level: int = 0,
) -> list[Found]:
    """The tables in a path's objects. `level` is how many folders below the path no table starts; `report` is told of
    files that no classifier knows.
    """
    root = _tree(objects)
    starting: list[tuple[tuple[str, ...], _Folder]] = [((), root)]
    for _ in range(level):
        starting = [((*at, name), inner) for at, one in starting for name, inner in one.folders.items()]
    return [table for at, folder in starting for table in _found(folder, at, classify, report)]


def _tree(objects: Sequence[CrawledObject]) -> _Folder:
    root = _Folder("")
    for one in objects:
        folder = root
        for name in one.path[:-1]:
            folder = folder.folders.setdefault(name, _Folder(name))
        folder.files.append(one)
    return root


def _found(
    folder: _Folder, at: tuple[str, ...], classify: Callable[[CrawledObject], Schema], report: Callable[[str], None]
) -> list[Found]:
    own = _of_files(folder, at, classify, report)
    below = [_found(inner, (*at, inner.name), classify, report) for inner in folder.folders.values()]
    each = [own] * bool(own) + below
    # A folder alone in a folder is a partition only where its name says so.
    are_partitions = len(each) > 1 or any("=" in name for name in folder.folders) or bool(own)
    if each and are_partitions and all(len(one) == 1 and one[0].file is None for one in each):
        singles = [one[0] for one in each]
        depths = {len(part.folders) + len(one.folders) for one in singles for part in one.partitions}
        if len(depths) == 1 and all(one.schema.resembles(singles[0].schema) for one in singles):
            return [Found(at, [_lifted(part, one.folders[len(at) :]) for one in singles for part in one.partitions])]
    return [table for one in each for table in one]


def _lifted(partition: Partition, folders: tuple[str, ...]) -> Partition:
    return Partition((*folders, *partition.folders), partition.schema, partition.objects, partition.size)


def _of_files(
    folder: _Folder, at: tuple[str, ...], classify: Callable[[CrawledObject], Schema], report: Callable[[str], None]
) -> list[Found]:
    """One table of all files in a folder, or one for each when their schemas differ."""
    known: list[tuple[CrawledObject, Schema]] = []
    for one in folder.files:
        try:
            known.append((one, classify(one)))
        except UnclassifiedError as error:
            report(f"{one.key}: {error}")
    if not known:
        return []
    if all(schema.resembles(known[0][1]) for _, schema in known):
        merged = known[0][1]
        for _, schema in known[1:]:
            merged = merged.merged(schema)
        return [Found(at, [Partition((), merged, len(known), sum(one.size for one, _ in known))])]
    return [Found(at, [Partition((), schema, 1, one.size)], file=one.path[-1]) for one, schema in known]


def parameters(crawler: str, schema: Schema, objects: int, size: int) -> Mapping[str, Any]:
    """What a crawler writes into the parameters of a table and of its partitions."""
    return {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": crawler,
        "averageRecordSize": str(size // schema.records if schema.records else 0),
        "classification": schema.classification,
        "compressionType": schema.compression,
        "objectCount": str(objects),
        "recordCount": str(schema.records),
        "sizeKey": str(size),
        "typeOfData": "file",
        **schema.settings,
    }
