"""Glue and Athena."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.athena.models import athena_backends
from moto.glue.models import glue_backends

from embedded_aws.resources.api_call import call, made_by_call, made_or_adopted
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType, recorded
from embedded_aws.resources.updating import remade


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


def _workgroups(creation: Creation) -> Any:
    return athena_backends[creation.context.account][creation.context.region].work_groups


def _update_table(existing: Existing, creation: Creation) -> Created:
    told = arguments("glue", "UpdateTable", creation.properties, resource_type=creation.type)
    call("glue", "UpdateTable", **told)
    return existing.created


def _update_database(existing: Existing, creation: Creation) -> Created:
    name = existing.created.physical_id
    told = {
        "Name": name,
        **creation.properties,
        "DatabaseInput": {"Name": name, **creation.properties["DatabaseInput"]},
    }
    told.pop("DatabaseName", None)
    call("glue", "UpdateDatabase", **arguments("glue", "UpdateDatabase", told, resource_type=creation.type))
    return existing.created


def _glue(creation: Creation) -> Any:
    return glue_backends[creation.context.account][creation.context.region]


_JOB = made_by_call("glue", "CreateJob", name="Name", longest_name=255, ref="Name", delete=("DeleteJob", "JobName"))
_CRAWLER = made_by_call(
    "glue",
    "CreateCrawler",
    name="Name",
    longest_name=255,
    ref="=Name",
    delete=("DeleteCrawler", "Name"),
)


def _create_crawler(creation: Creation) -> Created:
    """The API takes a schedule's expression where the template has an object."""
    properties = dict(creation.properties)
    if schedule := properties.pop("Schedule", None):
        properties["Schedule"] = schedule["ScheduleExpression"]
    return _CRAWLER.create(replace(creation, properties=properties))


_TRIGGER = made_by_call(
    "glue", "CreateTrigger", name="Name", longest_name=255, ref="Name", delete=("DeleteTrigger", "Name")
)
_WORKFLOW = made_by_call(
    "glue", "CreateWorkflow", name="Name", longest_name=255, ref="Name", delete=("DeleteWorkflow", "Name")
)


def _update_trigger(existing: Existing, creation: Creation) -> Created:
    kept = ("Description", "Schedule", "Actions", "Predicate", "EventBatchingCondition")
    update = {name: value for name, value in creation.properties.items() if name in kept}
    told = {"Name": existing.created.physical_id, "TriggerUpdate": update}
    call("glue", "UpdateTrigger", **arguments("glue", "UpdateTrigger", told, resource_type=creation.type))
    return existing.created


def _update_workflow(existing: Existing, creation: Creation) -> Created:
    told = {**creation.properties, "Name": existing.created.physical_id}
    told.pop("Tags", None)
    call("glue", "UpdateWorkflow", **arguments("glue", "UpdateWorkflow", told, resource_type=creation.type))
    return existing.created


def _create_partition(creation: Creation) -> Created:
    told = arguments("glue", "CreatePartition", creation.properties, resource_type=creation.type)
    made_or_adopted(creation, lambda: call("glue", "CreatePartition", **told))
    return Created(f"{told['DatabaseName']}|{told['TableName']}|{'|'.join(told['PartitionInput']['Values'])}")


def _delete_partition(existing: Existing) -> None:
    names = {name: existing.properties[name] for name in ("DatabaseName", "TableName")}
    call("glue", "DeletePartition", **names, PartitionValues=existing.properties["PartitionInput"]["Values"])


def _delete_workgroup(existing: Existing) -> None:
    call("athena", "DeleteWorkGroup", WorkGroup=existing.created.physical_id, RecursiveDeleteOption=True)


_NO_REDSHIFT = "there is no Redshift on this machine; Athena reads the tables that its external schema would show"


TYPES: Mapping[str, ResourceType] = {
    "AWS::Glue::Database": ResourceType(
        _create_database,
        "glue:CreateDatabase",
        delete=_delete_database,
        update=_update_database,
        # Its page has "DatabaseInput.Name" with "Update requires: Replacement".
        replaces=lambda before, after: before["DatabaseInput"].get("Name") != after["DatabaseInput"].get("Name"),
    ),
    "AWS::Glue::Table": ResourceType(_create_table, "glue:CreateTable", delete=_delete_table, update=_update_table),
    "AWS::Glue::Job": replace(
        _JOB, update=remade(_JOB.create, lambda creation: _glue(creation).jobs, keeping=("job_runs", "created_on"))
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
    "AWS::Glue::Crawler": replace(
        _CRAWLER,
        create=_create_crawler,
        update=remade(_create_crawler, lambda creation: _glue(creation).crawlers, keeping=("crawls", "creation_time")),
    ),
    "AWS::Glue::Trigger": replace(_TRIGGER, update=_update_trigger),
    "AWS::Glue::Workflow": replace(_WORKFLOW, update=_update_workflow),
    "AWS::Glue::Partition": ResourceType(_create_partition, "glue:CreatePartition", delete=_delete_partition),
    "AWS::Glue::Connection": made_by_call(
        "glue",
        "CreateConnection",
        ref="=ConnectionInput.Name",
        delete=("DeleteConnection", "ConnectionName"),
        inert="nothing connects through it",
    ),
    "AWS::Athena::WorkGroup": ResourceType(
        _create_workgroup,
        "athena:CreateWorkGroup",
        delete=_delete_workgroup,
        update=remade(_create_workgroup, _workgroups),
    ),
    "AWS::RedshiftServerless::Namespace": recorded(_NO_REDSHIFT, ref=lambda new: str(new.properties["NamespaceName"])),
    "AWS::RedshiftServerless::Workgroup": recorded(_NO_REDSHIFT, ref=lambda new: str(new.properties["WorkgroupName"])),
    "AWS::Athena::NamedQuery": made_by_call(
        "athena",
        "CreateNamedQuery",
        name="Name",
        ref="NamedQueryId",
        attributes={"NamedQueryId": "NamedQueryId"},
        delete=("DeleteNamedQuery", "NamedQueryId"),
    ),
}
