"""Glue and Athena."""

from collections.abc import Mapping
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call, made_or_adopted
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType


def _create_database(creation: Creation) -> Created:
    properties = dict(creation.properties)
    given = dict(properties["DatabaseInput"])
    given.setdefault("Name", creation.name(longest=255, lower=True))
    told = {**properties, "DatabaseInput": given}
    parameters = arguments("glue", "CreateDatabase", told, resource_type=creation.type)
    made_or_adopted(creation, lambda: call("glue", "CreateDatabase", **parameters))
    return Created(given["Name"])


def _delete_database(existing: Existing) -> None:
    call("glue", "DeleteDatabase", Name=existing.created.physical_id)


def _create_table(creation: Creation) -> Created:
    told = arguments("glue", "CreateTable", creation.properties, resource_type=creation.type)
    made_or_adopted(creation, lambda: call("glue", "CreateTable", **told))
    return Created(told["TableInput"]["Name"])


def _delete_table(existing: Existing) -> None:
    call("glue", "DeleteTable", DatabaseName=existing.properties["DatabaseName"], Name=existing.created.physical_id)


def _create_workgroup(creation: Creation) -> Created:
    properties: dict[str, Any] = {"Name": creation.name(longest=128), **creation.properties}
    # The first says what deleting does, the second is given by default.
    properties.pop("RecursiveDeleteOption", None)
    state = properties.pop("State", "ENABLED")
    properties["Configuration"] = properties.pop("WorkGroupConfiguration", {})
    told = arguments("athena", "CreateWorkGroup", properties, resource_type=creation.type)
    call("athena", "CreateWorkGroup", **told)
    if state != "ENABLED":
        call("athena", "UpdateWorkGroup", WorkGroup=told["Name"], State=state)
    return Created(told["Name"], {"CreationTime": "0"})


def _delete_workgroup(existing: Existing) -> None:
    call("athena", "DeleteWorkGroup", WorkGroup=existing.created.physical_id, RecursiveDeleteOption=True)


TYPES: Mapping[str, ResourceType] = {
    "AWS::Glue::Database": ResourceType(_create_database, "glue:CreateDatabase", delete=_delete_database),
    "AWS::Glue::Table": ResourceType(_create_table, "glue:CreateTable", delete=_delete_table),
    "AWS::Glue::Job": made_by_call(
        "glue", "CreateJob", name="Name", longest_name=255, ref="Name", delete=("DeleteJob", "JobName")
    ),
    "AWS::Glue::SecurityConfiguration": made_by_call(
        "glue",
        "CreateSecurityConfiguration",
        name="Name",
        longest_name=255,
        ref="Name",
        delete=("DeleteSecurityConfiguration", "Name"),
        inert="what jobs write is encrypted by nothing but the disk's own encryption",
    ),
    "AWS::Glue::Crawler": made_by_call(
        "glue", "CreateCrawler", name="Name", longest_name=255, ref="=Name", delete=("DeleteCrawler", "Name")
    ),
    "AWS::Athena::WorkGroup": ResourceType(_create_workgroup, "athena:CreateWorkGroup", delete=_delete_workgroup),
    "AWS::Athena::NamedQuery": made_by_call(
        "athena",
        "CreateNamedQuery",
        name="Name",
        ref="NamedQueryId",
        attributes={"NamedQueryId": "NamedQueryId"},
        delete=("DeleteNamedQuery", "NamedQueryId"),
    ),
}
