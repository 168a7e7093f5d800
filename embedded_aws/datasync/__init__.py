"""DataSync that copies: from folders of this machine, which play on-premises file servers, into S3.

An execution writes as the location's bucket access role. Files are compared, filtered, copied, verified and reported
as the DataSync User Guide says. What differs from AWS: there are no agents; only transfers from NFS and SMB into S3 are
carried out; nothing is deleted at the destination; schedules do not start anything; and an instance that is started
anew knows no executions of its earlier life.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.datasync.responses import DataSyncResponse

from embedded_aws.context import Context
from embedded_aws.datasync.service import DataSync
from embedded_aws.guard import Patch

# The API's operations; each is a method of the same name. `_ADDED` are those that moto does not have.
_REPLACED = {
    "list_locations": "ccc2cb60b6854113",
    "create_location_s3": "d60c2748217e454e",
    "describe_location_s3": "6ba293ba6c5c7728",
    "create_location_smb": "bab7932a2c0c9cf8",
    "describe_location_smb": "86e956d9b80fc9d8",
    "delete_location": "6e1af6d6d2c1c4f3",
    "create_task": "8cb57813d4d7bc3c",
    "update_task": "7a4f8c7861be2b90",
    "list_tasks": "f44631a5fc5f648a",
    "delete_task": "2482eac9968ec1c8",
    "describe_task": "ddaa75045d1c4ade",
    "start_task_execution": "526b9562520ceb76",
    "cancel_task_execution": "76cb8e55871a4c26",
    "describe_task_execution": "fc4d6e96163070d8",
}
_ADDED = (
    "create_location_nfs",
    "describe_location_nfs",
    "list_task_executions",
    "list_tags_for_resource",
    "tag_resource",
    "untag_resource",
)
PATCHES = tuple(Patch(f"moto.datasync.responses:DataSyncResponse.{name}", sha) for name, sha in _REPLACED.items())


def install(context: Context) -> None:
    """Put this service in the place of moto's."""
    service = DataSync(context)
    for patch, name in zip(PATCHES, _REPLACED, strict=True):
        patch.apply(_handler(getattr(service, name)))
    responses: Any = DataSyncResponse
    for name in _ADDED:
        setattr(responses, name, _handler(getattr(service, name)))


def _handler(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], str]:
    return lambda response: json.dumps(operation(json.loads(response.body or "{}")))
