"""Lake Formation's API: moto's settings and grants, and credentials for the files of one table."""

import json
import time
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.models import glue_backends
from moto.lakeformation import urls
from moto.lakeformation.models import Permission
from moto.lakeformation.responses import LakeFormationResponse

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.lake_formation import permissions
from embedded_aws.requests import Access

# Which changes grants where they lie in a set, so that a set no longer finds them.
_REVOKE = Patch("moto.lakeformation.models:PermissionCatalog.remove_permission", "c07485601af8e53a")
PATCHES = (_REVOKE,)
# DurationSeconds, where the request has none.
_SECONDS = 3600
_context: list[Context] = []


def install(context: Context) -> None:
    """Add what moto lacks."""
    _context[:] = [context]
    _REVOKE.apply(_revoke)
    urls.url_paths["{0}/GetTemporaryGlueTableCredentials$"] = urls.response.dispatch
    responses: Any = LakeFormationResponse
    responses.get_temporary_glue_table_credentials = _get_table_credentials


def _revoke(catalog: Any, revoked: Permission) -> None:
    """Take permissions away from a grant; one that has none left is gone."""
    kept = list(catalog.permissions)
    for grant in kept:
        if revoked.equal_principal_and_resouce(grant):
            grant.diff(revoked)
    catalog.permissions = {grant for grant in kept if not grant.is_empty()}


def _get_table_credentials(response: Any) -> str:
    """GetTemporaryGlueTableCredentials: a session of the role with which the table's location was registered."""
    request: authorization.Request = response.normalized_request.environ[authorization.ENVIRON_KEY]
    told = json.loads(response.body)
    return json.dumps(_table_credentials(_context[0], request.principal, told))


def _table_credentials(
    context: Context, principal: identity.Principal, told: Mapping[str, Any]
) -> dict[str, str | float]:
    name = told["TableArn"].partition(":table/")[2]
    for permission in told.get("Permissions") or ("SELECT",):
        if not permissions.holds(context, principal, name, permission):
            raise JsonRESTError("AccessDeniedException", permissions.insufficient(name, permission))
    location = _location(context, name)
    registered = permissions.registration(context, location)
    if registered is None:
        raise JsonRESTError("InvalidInputException", f"{location} is not registered with Lake Formation")
    assuming = [Access("sts:AssumeRole", registered.role_arn)]
    authorization.require(identity.service("lakeformation"), assuming, by="lakeformation")
    session = f"AWSLF-00-AT-{context.account}-{principal.name}"
    given = identity.credentials(registered.role_arn, session, policy=_within(context, location))
    return {
        "AccessKeyId": given["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": given["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": given["AWS_SESSION_TOKEN"],
        "Expiration": time.time() + _SECONDS,
    }


def _location(context: Context, name: str) -> str:
    database, _, table = name.partition("/")
    known = glue_backends[context.account][context.region].databases.get(database)
    if known is None or table not in known.tables:
        raise JsonRESTError("EntityNotFoundException", f"Table {table} not found.")
    location: str = known.tables[table].as_dict()["StorageDescriptor"]["Location"]
    return location


def _within(context: Context, location: str) -> str:
    """A session policy for what lies below the location."""
    bucket, _, prefix = location.partition("://")[2].rstrip("/").partition("/")
    arn = f"arn:{context.partition}:s3:::{bucket}"
    below = {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}}
    statements = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/{prefix}/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn, "Condition": below},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
