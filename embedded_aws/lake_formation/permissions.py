"""Who may do what with a database and its tables, beside what IAM says.

Lake Formation Developer Guide, "Lake Formation permissions reference" and "Changing the default settings for your data
lake". A database or table on which IAM_ALLOWED_PRINCIPALS has ALL is left to IAM alone. What differs from AWS: whether
it has is looked up when it is needed, not noted when the table is made; who makes a table has no permission by that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from moto.glue.models import glue_backends
from moto.lakeformation.models import lakeformation_backends

from embedded_aws.context import Context
from embedded_aws.iam.identity import Kind, Principal
from embedded_aws.requests import Access

_IAM_ALLOWED = "IAM_ALLOWED_PRINCIPALS"
# Any permission on a table or database lets its holder see what it is.
_DESCRIBE = "DESCRIBE"
# What Glue's actions need; the first that matches counts, and what matches nothing needs nothing.
_ON_TABLE = (
    ("glue:CreateTable", None),
    ("glue:Get*", _DESCRIBE),
    ("glue:BatchGet*", _DESCRIBE),
    ("glue:DeleteTable", "DROP"),
    ("glue:BatchDeleteTable", "DROP"),
    ("glue:*", "ALTER"),
)
_ON_DATABASE = (
    ("glue:GetDatabase", _DESCRIBE),
    ("glue:CreateTable", "CREATE_TABLE"),
    ("glue:UpdateDatabase", "ALTER"),
    ("glue:DeleteDatabase", "DROP"),
)


@dataclass(frozen=True)
class Insufficient:
    """A permission that a request needs and its principal has not; `sentence` is Lake Formation's."""

    access: Access
    sentence: str


def missing(context: Context, principal: Principal, asked: Iterable[Access]) -> Insufficient | None:
    """The first permission that the principal has not, of those that calls of Glue's catalog need."""
    if principal.kind is Kind.OPERATOR:
        return None
    for access in asked:
        if access.action.startswith("glue:"):
            kind, _, name = access.resource.rpartition(":")[2].partition("/")
            table = _ON_TABLE if kind == "table" else _ON_DATABASE if kind == "database" else ()
            needed = next((need for pattern, need in table if fnmatchcase(access.action, pattern)), None)
            if needed and not holds(context, principal, name, needed):
                return Insufficient(access, insufficient(name, needed))
    return None


def insufficient(name: str, permission: str) -> str:
    """How a permission is refused on `database` or `database/table`."""
    return f"Insufficient Lake Formation permission(s): Required {permission.title()} on {name.rpartition('/')[2]}"


def holds(context: Context, principal: Principal, name: str, permission: str) -> bool:
    """Whether the principal has a permission on `database` or `database/table`, or IAM alone decides about it."""
    if principal.kind is Kind.OPERATOR or _left_to_iam(context, name):
        return True
    own = set(_granted(context, name, {principal.arn, f"{context.account}:IAMPrincipals"}))
    if permission == _DESCRIBE:
        return bool(own) or principal.arn in administrators(settings(context))
    return bool(own & {permission, "ALL"})


def administrators(of: Mapping[str, Any]) -> list[str]:
    """ARNs of the data lake's administrators."""
    return [admin["DataLakePrincipalIdentifier"] for admin in of.get("DataLakeAdmins") or ()]


def settings(context: Context) -> Mapping[str, Any]:
    """DataLakeSettings of the account."""
    found: Mapping[str, Any] = lakeformation_backends[context.account][context.region].settings[context.account]
    return found


def registration(context: Context, location: str) -> Any | None:
    """The registered location that a path in S3 (s3://…) lies in, if any: the most particular one."""
    arn = f"arn:{context.partition}:s3:::{location.partition('://')[2]}/"
    registered = lakeformation_backends[context.account][context.region].resources.values()
    within = [each for each in registered if arn.startswith(f"{each.arn.rstrip('/')}/")]
    return max(within, key=lambda each: len(each.arn), default=None)


def _left_to_iam(context: Context, name: str) -> bool:
    database, _, table = name.partition("/")
    known = glue_backends[context.account][context.region].databases.get(database)
    default: Sequence[Any] | None
    if table:
        default = known.input.get("CreateTableDefaultPermissions") if known else None
        default = settings(context).get("CreateTableDefaultPermissions") if default is None else default
    else:
        default = settings(context).get("CreateDatabaseDefaultPermissions")
    by_default = any(each["Principal"]["DataLakePrincipalIdentifier"] == _IAM_ALLOWED for each in default or ())
    return by_default or "ALL" in _granted(context, name, {_IAM_ALLOWED})


def _granted(context: Context, name: str, principals: set[str]) -> Iterator[str]:
    """Permissions that any of the principals was granted on it."""
    catalog = lakeformation_backends[context.account][context.region].grants.get(context.account)
    for grant in list(catalog.permissions) if catalog else ():
        if grant.principal["DataLakePrincipalIdentifier"] in principals and _covers(grant.resource, name):
            yield from grant.permissions


def _covers(resource: Mapping[str, Any], name: str) -> bool:
    database, _, table = name.partition("/")
    if not table:
        return bool(resource.get("Database", {}).get("Name") == database)
    told = resource.get("Table") or resource.get("TableWithColumns") or {}
    return told.get("DatabaseName") == database and ("TableWildcard" in told or told.get("Name") == table)
