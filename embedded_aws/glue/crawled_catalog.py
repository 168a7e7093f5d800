"""What a crawler writes to the catalog of the tables that it found, as its policy says."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.glue.crawled_tables import Found, Partition, parameters, table_name, values

_BATCH = 100
_TABLE_INPUT = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType")
Tell = Callable[[str, str], None]


def write(glue: Any, crawler: Any, found: Sequence[tuple[str, Found]], tell: Tell) -> Mapping[str, int]:
    """Create and update tables and partitions, and treat what has gone; counts by what was done.

    ClientError when the crawler's role may not, or the database is not there.
    """
    database, policy = crawler.database_name, crawler.schema_change_policy or {}
    glue.get_database(Name=database)
    done = {"TablesAdded": 0, "TablesUpdated": 0, "TablesDeleted": 0, "PartitionsAdded": 0, "PartitionsDeleted": 0}
    names: set[str] = set()
    for path, table in found:
        location = _folder(path, table)
        name = _free_name(crawler, table, location, names)
        names.add(name)
        known = _existing(glue, database, name)
        told = _input(crawler, name, location, table)
        if known is None:
            glue.create_table(DatabaseName=database, TableInput=told)
            done["TablesAdded"] += 1
            tell("INFO", f"Created table {name} in database {database}")
        elif _may_change(crawler, policy):
            merged = _merged(crawler, known, told)
            if _differs(known, merged):
                glue.update_table(DatabaseName=database, TableInput=merged)
                done["TablesUpdated"] += 1
                tell("INFO", f"Updated table {name} in database {database}")
        elif _differs(known, told):
            tell("INFO", f"Table {name} has changed; the crawler's policy is to log it")
        if table.keys():
            _write_partitions(glue, crawler, table, told, done)
    _treat_gone(glue, crawler, names, done, tell)
    return done


def _folder(path: str, table: Found) -> str:
    if table.file is not None and path.rstrip("/").endswith(f"/{table.file}"):
        return path
    location = "/".join([path.rstrip("/"), *table.folders])
    return f"{location}/{table.file or ''}"


def _free_name(crawler: Any, table: Found, location: str, taken: set[str]) -> str:
    folder = table.file or location.rstrip("/").rpartition("/")[2]
    name = table_name(crawler.table_prefix or "", folder)
    # Two folders of one name: Glue adds a hash too.
    return f"{name}_{hashlib.sha256(location.encode()).hexdigest()[:32]}" if name in taken else name


def _existing(glue: Any, database: str, name: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise
    return table


def _input(crawler: Any, name: str, location: str, table: Found) -> dict[str, Any]:
    keys = table.keys()
    taken = {key for key, _ in keys}
    columns = [{"Name": n, "Type": kind} for n, kind in table.schema.columns.items() if n not in taken]
    told = dict(parameters(crawler.name, table.schema, table.objects, table.size))
    return {
        "Name": name,
        "Owner": "owner",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys],
        "Parameters": told,
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            **table.schema.descriptor(),
            "Compressed": table.schema.compression != "none",
            "NumberOfBuckets": -1,
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": told,
            "StoredAsSubDirectories": False,
        },
    }


def _may_change(crawler: Any, policy: Mapping[str, str]) -> bool:
    return policy.get("UpdateBehavior", "UPDATE_IN_DATABASE") == "UPDATE_IN_DATABASE" and not _new_folders_only(crawler)


def _new_folders_only(crawler: Any) -> bool:
    return (crawler.recrawl_policy or {}).get("RecrawlBehavior") == "CRAWL_NEW_FOLDERS_ONLY"


def _output(crawler: Any, of: str) -> str | None:
    """The configuration's AddOrUpdateBehavior of `Tables` or `Partitions`."""
    told = json.loads(crawler.configuration or "{}").get("CrawlerOutput") or {}
    behaviour: str | None = (told.get(of) or {}).get("AddOrUpdateBehavior")
    return behaviour


def _merged(crawler: Any, known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The table as it is to be; with MergeNewColumns, what it has stays as it is."""
    result = {**{name: known[name] for name in _TABLE_INPUT if name in known}, **told}
    result["Parameters"] = {**(known.get("Parameters") or {}), **told["Parameters"]}
    result["Parameters"].pop("DEPRECATED_BY_CRAWLER", None)
    if _output(crawler, "Tables") == "MergeNewColumns":
        there = known["StorageDescriptor"]["Columns"]
        names = {column["Name"] for column in there}
        added = [column for column in told["StorageDescriptor"]["Columns"] if column["Name"] not in names]
        result["StorageDescriptor"] = {**told["StorageDescriptor"], "Columns": [*there, *added]}
    return result


def _differs(known: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    return any(known.get(name) != told.get(name) for name in ("StorageDescriptor", "PartitionKeys", "Parameters"))


def _write_partitions(glue: Any, crawler: Any, table: Found, told: Mapping[str, Any], done: dict[str, int]) -> None:
    name = told["Name"]
    of_table = {"DatabaseName": crawler.database_name, "TableName": name}
    pages = glue.get_paginator("get_partitions").paginate(**of_table)
    known = {tuple(partition["Values"]) for page in pages for partition in page["Partitions"]}
    found = {tuple(values(partition)): partition for partition in table.partitions}
    fresh = [_partition_input(crawler, told, partition) for key, partition in found.items() if key not in known]
    for start in range(0, len(fresh), _BATCH):
        glue.batch_create_partition(**of_table, PartitionInputList=fresh[start : start + _BATCH])
    done["PartitionsAdded"] += len(fresh)
    gone = sorted(known - set(found))
    deletes = (crawler.schema_change_policy or {}).get("DeleteBehavior") == "DELETE_FROM_DATABASE"
    if gone and deletes and not _new_folders_only(crawler):
        for start in range(0, len(gone), 25):
            doomed = [{"Values": list(key)} for key in gone[start : start + 25]]
            glue.batch_delete_partition(**of_table, PartitionsToDelete=doomed)
        done["PartitionsDeleted"] += len(gone)


def _partition_input(crawler: Any, told: Mapping[str, Any], partition: Partition) -> dict[str, Any]:
    descriptor = told["StorageDescriptor"]
    own = dict(parameters(crawler.name, partition.schema, partition.objects, partition.size))
    location = descriptor["Location"].rstrip("/") + "/" + "/".join(partition.folders) + "/"
    columns = descriptor["Columns"]
    if _output(crawler, "Partitions") != "InheritFromTable":
        columns = [{"Name": name, "Type": kind} for name, kind in partition.schema.columns.items()]
    return {
        "Values": values(partition),
        "Parameters": own,
        "StorageDescriptor": {**descriptor, "Columns": columns, "Location": location, "Parameters": own},
    }


def _treat_gone(glue: Any, crawler: Any, names: set[str], done: dict[str, int], tell: Tell) -> None:
    """Tables of this crawler of which nothing is left: deleted, deprecated or only logged."""
    behaviour = (crawler.schema_change_policy or {}).get("DeleteBehavior", "DEPRECATE_IN_DATABASE")
    database = crawler.database_name
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    for table in [table for page in pages for table in page["TableList"]]:
        own = (table.get("Parameters") or {}).get("UPDATED_BY_CRAWLER") == crawler.name
        if not own or table["Name"] in names or "DEPRECATED_BY_CRAWLER" in table["Parameters"]:
            continue
        if behaviour == "DELETE_FROM_DATABASE":
            glue.delete_table(DatabaseName=database, Name=table["Name"])
            done["TablesDeleted"] += 1
            tell("INFO", f"Deleted table {table['Name']} in database {database}")
        elif behaviour == "DEPRECATE_IN_DATABASE":
            stamp = str(int(datetime.now(UTC).timestamp() * 1000))
            changed = {name: table[name] for name in (*_TABLE_INPUT, "Parameters") if name in table}
            changed["Parameters"] = {**table["Parameters"], "DEPRECATED_BY_CRAWLER": stamp}
            glue.update_table(DatabaseName=database, TableInput=changed)
            tell("INFO", f"Deprecated table {table['Name']} in database {database}")
        else:
            tell("INFO", f"Table {table['Name']} has gone; the crawler's policy is to log it")
