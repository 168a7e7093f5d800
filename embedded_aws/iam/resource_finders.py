"""How the parameters of an operation name a resource: by its name, its ARN, or what the account knows of it."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from moto.athena.models import athena_backends
from moto.iam.models import iam_backends
from moto.kms.utils import _deserialize_ciphertext_blob
from moto.secretsmanager.models import secretsmanager_backends

from embedded_aws.context import Context
from embedded_aws.iam.resource_policies import key_of

Parameters = Mapping[str, Any]
Resources = Callable[[Parameters, Context], list[str]]


def by_name(service: str, prefix: str, *names: str) -> Resources:
    """The resource whose name, or ARN, stands in the first of the parameters `names` that is given."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        value = next((parameters[name] for name in names if parameters.get(name)), None)
        if not isinstance(value, str):
            return ["*"]
        return [value if value.startswith("arn:") else scope.arn(service, prefix + value)]

    return find


def by_names(service: str, prefix: str, name: str) -> Resources:
    """Each of the resources whose names stand in the list `name`."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        values = parameters.get(name)
        found = values if isinstance(values, list) else [values] if values else []
        return [arn for value in found for arn in by_name(service, prefix, "one")({"one": value}, scope)] or ["*"]

    return find


def all_of(*parts: Resources) -> Resources:
    """What each of the parts finds."""
    return lambda parameters, scope: [arn for part in parts for arn in part(parameters, scope) if arn != "*"] or ["*"]


def message_queue(parameters: Parameters, scope: Context) -> list[str]:
    """The queue of a URL or a name, or the one that messages are moved from."""
    if source := parameters.get("SourceArn"):
        return [str(source)]
    name = str(parameters.get("QueueUrl") or "").rsplit("/", 1)[-1] or parameters.get("QueueName")
    return [scope.arn("sqs", str(name))] if name else ["*"]


def dynamodb_items(parameters: Parameters, scope: Context) -> list[str]:
    """The tables of a batch or a transaction."""
    named = dict.fromkeys(parameters.get("RequestItems") or ())
    named |= {
        part["TableName"]: None
        for item in parameters.get("TransactItems", ())
        for part in item.values()
        if isinstance(part, dict)
    }
    return [arn for name in named for arn in dynamodb_table({"TableName": name}, scope)] or ["*"]


def dynamodb_table(parameters: Parameters, scope: Context) -> list[str]:
    """The table, or the index of it that is asked."""
    (arn,) = by_name("dynamodb", "table/", "TableName", "ResourceArn", "TableArn")(parameters, scope)
    return [f"{arn}/index/{parameters['IndexName']}" if parameters.get("IndexName") else arn]


def glue_catalog(parameters: Parameters, scope: Context) -> list[str]:
    """Glue asks for the catalog, the database and the table, all three."""
    arns = [scope.arn("glue", "catalog")]
    name = parameters.get("Name")
    database = parameters.get("DatabaseName") or (parameters.get("DatabaseInput") or {}).get("Name") or name
    table = parameters.get("TableName") or (parameters.get("TableInput") or {}).get("Name")
    if not table and parameters.get("DatabaseName"):
        table = name
    if database:
        arns.append(scope.arn("glue", f"database/{database}"))
    if database and table:
        arns.append(scope.arn("glue", f"table/{database}/{table}"))
    return arns


def glue_tables(parameters: Parameters, scope: Context) -> list[str]:
    """BatchDeleteTable: each table that it lists."""
    database = parameters.get("DatabaseName")
    tables = parameters.get("TablesToDelete") or ()
    return glue_catalog({"DatabaseName": database}, scope) + [
        scope.arn("glue", f"table/{database}/{table}") for table in tables
    ]


def log_group(parameters: Parameters, scope: Context) -> list[str]:
    """As in the denials of CloudWatch Logs, a group's ARN ends with `:log-stream:` and the stream, if one is named."""
    listed = parameters.get("logGroupNames") or parameters.get("logGroupIdentifiers") or []
    name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    names = [str(each) for each in (listed if isinstance(listed, list) else [listed])] or ([str(name)] if name else [])
    stream = parameters.get("logStreamName") or ""
    groups = [each if each.startswith("arn:") else scope.arn("logs", f"log-group:{each}") for each in names]
    return [f"{group.removesuffix(':*')}:log-stream:{stream}" for group in groups] or ["*"]


def event_buses(parameters: Parameters, scope: Context) -> list[str]:
    """The buses that events are put on."""
    buses = {str(entry.get("EventBusName") or "default"): None for entry in parameters.get("Entries", ())}
    return [arn for bus in buses for arn in by_name("events", "event-bus/", "bus")({"bus": bus}, scope)] or ["*"]


def event_rule(*names: str) -> Resources:
    """A rule's ARN has the name of its bus, unless that is the default one."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        bus = str(parameters.get("EventBusName") or "default").rpartition("/")[2]
        return by_name("events", "rule/" if bus == "default" else f"rule/{bus}/", *names)(parameters, scope)

    return find


def identity(kind: str, name: str) -> Resources:
    """A role, user, group, policy or profile of IAM, whose path belongs to its ARN."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        value = parameters.get(name)
        if not value or str(value).startswith("arn:"):
            return [str(value or "*")]
        own = scope
        backend = iam_backends[own.account][own.partition]
        known: Any = {"role": backend.roles, "user": backend.users, "group": backend.groups}.get(kind, {})
        existing: Any = next((each for each in list(known.values()) if each.name == value), None)
        path = existing.path if existing else parameters.get("Path") or "/"
        return [f"arn:{own.partition}:iam::{own.account}:{kind}{path}{value}"]

    return find


def kms_key(parameters: Parameters, scope: Context) -> list[str]:
    """A key's ARN, also where its alias is named."""
    named = parameters.get("KeyId") or parameters.get("TargetKeyId") or parameters.get("DestinationKeyId")
    if not named and (blob := parameters.get("CiphertextBlob")):
        named = _deserialize_ciphertext_blob(base64.b64decode(blob)).key_id
    if not named:
        return ["*"]
    key = key_of(scope, str(named))
    return [key.arn] if key else by_name("kms", "key/", "KeyId")({"KeyId": named}, scope)


def ssm_parameter(*names: str) -> Resources:
    """A parameter's name may begin with a slash, which its ARN has but once."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        value = next((parameters[name] for name in names if parameters.get(name)), None)
        listed = value if isinstance(value, list) else [value] if value else []
        return [
            name if name.startswith("arn:") else scope.arn("ssm", f"parameter/{name.removeprefix('/')}")
            for name in map(str, listed)
        ] or ["*"]

    return find


def work_group(parameters: Parameters, scope: Context) -> list[str]:
    """Athena asks for the workgroup, also where an execution or a saved query of it is named."""
    # Athena's engine takes half a second to load; whoever names an execution has started one.
    from embedded_aws import athena  # noqa: PLC0415

    own = scope
    group = parameters.get("WorkGroup") or parameters.get("Name")
    if identifier := parameters.get("QueryExecutionId"):
        group = athena.installed().work_group_of(str(identifier))
        if group is None:
            return ["*"]
    elif identifier := parameters.get("NamedQueryId"):
        saved = athena_backends[own.account][own.region].named_queries.get(str(identifier))
        group = saved.workgroup.name if saved else None
    return [scope.arn("athena", f"workgroup/{group or 'primary'}")]


def data_catalog(parameters: Parameters, scope: Context) -> list[str]:
    """Athena's catalog, by default that of Glue."""
    name = parameters.get("CatalogName") or parameters.get("Name") or "AwsDataCatalog"
    return [scope.arn("athena", f"datacatalog/{name}")]


def stored_secret(parameters: Parameters, scope: Context) -> list[str]:
    """Of a secret that is there its ARN, which ends with six characters that nobody chooses, however it is named."""
    (named,) = by_name("secretsmanager", "secret:", "SecretId", "Name")(parameters, scope)
    secret = secretsmanager_backends[scope.account][scope.region].secrets.get(str(parameters.get("SecretId") or ""))
    return [secret.arn if secret else named]


def model_package(parameters: Parameters, scope: Context) -> list[str]:
    """A package has its group's name and its version in its ARN; one yet to be made, the group's alone."""
    named = parameters.get("ModelPackageName") or parameters.get("ModelPackageArn")
    if not named and (group := str(parameters.get("ModelPackageGroupName") or "").rpartition("/")[2]):
        named = f"{group}/*"
    return by_name("sagemaker", "model-package/", "name")({"name": named}, scope)
