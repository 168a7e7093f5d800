"""How a query reads what is registered with Lake Formation: not as its caller, but with credentials for the table."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws import clients
from embedded_aws.athena.caller import Caller
from embedded_aws.athena.catalog import Table, refused
from embedded_aws.context import Context
from embedded_aws.lake_formation import permissions


@dataclass(frozen=True)
class LakeReader:
    """Asks Lake Formation for one caller, who needs SELECT on the table and IAM's lakeformation:GetDataAccess."""

    context: Context
    caller: Caller

    def client(self, table: Table) -> Any | None:
        """A client of S3 for the table's files; None where the caller reads them himself. QueryError: he may not."""
        if self.caller.is_operator or permissions.registration(self.context, table.location) is None:
            return None
        try:
            given = self.caller.client("lakeformation").get_temporary_glue_table_credentials(
                TableArn=self.context.arn("glue", f"table/{table.database}/{table.name}"),
                Permissions=["SELECT"],
                SupportedPermissionTypes=["COLUMN_PERMISSION"],
            )
        except ClientError as error:
            raise refused(error, "LakeFormation") from error
        return clients.on_behalf_of("s3", given["AccessKeyId"], given["SessionToken"])
