"""DataSync, IAM Roles Anywhere, Secrets Manager, and the shared file systems and gateways that are not here."""

import hashlib
import json
import secrets
import string
from collections.abc import Callable, Mapping

from embedded_aws.resources.api_call import call, made_by_call, made_or_adopted, refuse_unknown
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType, recorded

_PASSWORD_LENGTH = 32


def _location(operation: str) -> ResourceType:
    return made_by_call(
        "datasync",
        operation,
        ref="LocationArn",
        attributes={"LocationArn": "LocationArn"},
        delete=("DeleteLocation", "LocationArn"),
    )


def _create_secret(creation: Creation) -> Created:
    refuse_unknown(creation, ("Name", "Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"))
    properties = {"Name": creation.name(longest=512), **creation.properties}
    if generated := properties.pop("GenerateSecretString", None):
        properties["SecretString"] = _generated(generated)
    told = arguments("secretsmanager", "CreateSecret", properties, resource_type=creation.type)
    made_or_adopted(creation, lambda: call("secretsmanager", "CreateSecret", **told))
    arn = call("secretsmanager", "DescribeSecret", SecretId=told["Name"])["ARN"]
    return Created(arn, {"Id": arn})


def _generated(wanted: Mapping[str, object]) -> str:
    characters = string.ascii_letters + string.digits
    length = int(str(wanted.get("PasswordLength", _PASSWORD_LENGTH)))
    password = "".join(secrets.choice(characters) for _ in range(length))
    if key := wanted.get("GenerateStringKey"):
        return json.dumps({**json.loads(str(wanted["SecretStringTemplate"])), str(key): password})
    return password


def _delete_secret(existing: Existing) -> None:
    call("secretsmanager", "DeleteSecret", SecretId=existing.created.physical_id, ForceDeleteWithoutRecovery=True)


def _update_task(existing: Existing, creation: Creation) -> Created:
    fixed = ("SourceLocationArn", "DestinationLocationArn", "Tags")
    told = {name: value for name, value in creation.properties.items() if name not in fixed}
    told["TaskArn"] = existing.created.physical_id
    call("datasync", "UpdateTask", **arguments("datasync", "UpdateTask", told, resource_type=creation.type))
    return existing.created


_NO_CERTIFICATES = "no certificate is exchanged for credentials here; the operator's may do what the tracker's may"
_NO_GATEWAY = "a gateway is an appliance in the lab, which is not here"
_NO_INSTANCE = "no instance is started; whoever works on this machine is beside the data already"
_NO_FSX = "no file system is served over a network; what machines mount is on the disk of the one that is here"


def _identifier(prefix: str) -> Callable[[Creation], str]:
    return lambda creation: f"{prefix}-{_digits(creation, 17)}"


def _digits(creation: Creation, number: int) -> str:
    return hashlib.sha256(creation.identity.encode()).hexdigest()[:number]


def _share(creation: Creation) -> str:
    return creation.arn("storagegateway", f"share/share-{_digits(creation, 8).upper()}")


def _rolesanywhere(kind: str, attribute: str) -> ResourceType:
    def ref(creation: Creation) -> str:
        return creation.arn("rolesanywhere", f"{kind}/{creation.name()}")

    return recorded(_NO_CERTIFICATES, ref=ref, attributes={attribute: "{id}"})


TYPES: Mapping[str, ResourceType] = {
    "AWS::DataSync::LocationNFS": _location("CreateLocationNfs"),
    "AWS::DataSync::LocationSMB": _location("CreateLocationSmb"),
    "AWS::DataSync::LocationS3": _location("CreateLocationS3"),
    "AWS::DataSync::Task": made_by_call(
        "datasync",
        "CreateTask",
        ref="TaskArn",
        attributes={"TaskArn": "TaskArn"},
        delete=("DeleteTask", "TaskArn"),
        update=_update_task,
    ),
    "AWS::SecretsManager::Secret": ResourceType(_create_secret, "secretsmanager:CreateSecret", delete=_delete_secret),
    "AWS::RolesAnywhere::TrustAnchor": _rolesanywhere("trust-anchor", "TrustAnchorArn"),
    "AWS::RolesAnywhere::Profile": _rolesanywhere("profile", "ProfileArn"),
    "AWS::StorageGateway::NFSFileShare": recorded(_NO_GATEWAY, ref=_share, attributes={"Arn": "{id}"}),
    "AWS::StorageGateway::SMBFileShare": recorded(_NO_GATEWAY, ref=_share, attributes={"Arn": "{id}"}),
    "AWS::EC2::Instance": recorded(_NO_INSTANCE, ref=_identifier("i"), attributes={"InstanceId": "{id}"}),
    "AWS::FSx::FileSystem": recorded(
        _NO_FSX, ref=_identifier("fs"), attributes={"DNSName": "{id}.fsx", "LustreMountName": "fsx"}
    ),
    "AWS::FSx::DataRepositoryAssociation": recorded(
        _NO_FSX, ref=_identifier("dra"), attributes={"AssociationId": "{id}"}
    ),
}
