"""Who may do what in the lake: jobs write, analysts select, and nobody else reads. Lake Formation keeps to it.

Its tables are not left to IAM alone, so that IAM's permissions are not enough: each principal needs a grant as well.
Grants are added to those that the account has, and administrators to those that it has.
"""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lakeformation as lakeformation
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge, objects_finding, resource_finding
from stacks.constructs.lake_table import catalog_arns
from stacks.constructs.object_access import grant_read

_SELECT = ("DESCRIBE", "SELECT")
# IAM says which of the tables each job writes.
_WRITE = ("ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT")
# What a query takes in the one workgroup, and what clients look up in the catalog for it.
_ASK = (
    "athena:BatchGetNamedQuery",
    "athena:BatchGetQueryExecution",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetQueryResultsStream",
    "athena:GetQueryRuntimeStatistics",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)
_LOOK_UP = ("athena:GetDatabase", "athena:GetTableMetadata", "athena:ListDatabases", "athena:ListTableMetadata")
_DESCRIBE = (
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
)


class LakeAccess(Construct):
    """Grants on one database. `analysts` is the role that selects; `writers` and `readers` are jobs' roles, by name.

    Principals with the ARNs `analysts` may take that role, or, where there are none, those of this account whose own
    policies let them. `administrators` join those of the account's data lake.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: glue.Database,
        data_lake: s3.IBucket,
        project: str,
        workgroup: str,
        writers: Mapping[str, iam.IRole],
        readers: Mapping[str, iam.IRole],
        analysts: Sequence[str],
        administrators: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._database = database
        self._leave_no_table_to_iam_alone()
        self._settings = self._append(administrators)
        tables = data_lake.arn_for_objects(object_keys.TABLES.rstrip("/"))
        registered = self._register(data_lake, tables)
        self.analysts = self._analysts_role(analysts)
        self._let_ask(self.analysts, data_lake, project, workgroup)
        self.let_select("Analysts", self.analysts)
        for name, role in readers.items():
            self._grant_select(name, role)
        for name, role in writers.items():
            self._grant(name, role, "Database", ("CREATE_TABLE", "DESCRIBE"), self._whole_database())
            self._grant(name, role, "Tables", _WRITE, self._every_table())
            # Partitions that lie in a registered location are pointed there by those alone who may.
            location = self._grant(name, role, "Location", ("DATA_LOCATION_ACCESS",), _location(tables))
            location.node.add_dependency(registered)

    def let_select(self, name: str, role: iam.Role) -> None:
        """Let a role see and select from every table, whose files Lake Formation hands it; `name` is who it is for."""
        tables = catalog_arns(self._database, ["*"])
        role.add_to_policy(iam.PolicyStatement(actions=list(_DESCRIBE), resources=tables))
        reason = "Tables of declared annotations come later; Lake Formation says which tables may be read."
        acknowledge(role, "AwsSolutions-IAM5", reason, resource_finding(tables[-1], seen_from=role))
        # It has no resources; Lake Formation's grants say for which tables.
        role.add_to_policy(iam.PolicyStatement(actions=["lakeformation:GetDataAccess"], resources=["*"]))
        reason = "Credentials for a table have no resources that a policy could name; grants say for which tables."
        acknowledge(role, "AwsSolutions-IAM5", reason, "Resource::*")
        self._grant_select(name, role)

    def _leave_no_table_to_iam_alone(self) -> None:
        """What the account's settings give IAM_ALLOWED_PRINCIPALS on new tables does not hold in this database."""
        made = self._database.node.default_child
        assert isinstance(made, glue.CfnDatabase)  # noqa: S101 what the construct makes
        made.add_property_override("DatabaseInput.CreateTableDefaultPermissions", [])

    def _append(self, administrators: Sequence[str]) -> lakeformation.CfnDataLakeSettings:
        """The role that deploys grants, so it is an administrator too."""
        synthesizer = cdk.Stack.of(self).synthesizer
        assert isinstance(synthesizer, cdk.DefaultStackSynthesizer)  # noqa: S101 the app chooses no other
        deployer = cdk.Fn.sub(synthesizer.cloud_formation_execution_role_arn)
        settings = lakeformation.CfnDataLakeSettings(
            self,
            "Settings",
            admins=[
                lakeformation.CfnDataLakeSettings.DataLakePrincipalProperty(data_lake_principal_identifier=arn)
                for arn in (deployer, *administrators)
            ],
            mutation_type="APPEND",
        )
        # They are the account's, not this stack's.
        settings.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return settings

    def _register(self, data_lake: s3.IBucket, tables: str) -> lakeformation.CfnResource:
        """Have Lake Formation hand out credentials for the tables' files, those of a role that reads them."""
        role = iam.Role(
            self,
            "LocationRole",
            description="Reads the files of a table for whom Lake Formation lets select from it",
            assumed_by=iam.ServicePrincipal("lakeformation.amazonaws.com"),
        )
        grant_read(data_lake, role, object_keys.TABLES)
        return lakeformation.CfnResource(
            self, "Location", resource_arn=tables, role_arn=role.role_arn, use_service_linked_role=False
        )

    def _analysts_role(self, analysts: Sequence[str]) -> iam.Role:
        trusted = [iam.ArnPrincipal(arn) for arn in analysts] or [iam.AccountRootPrincipal()]
        return iam.Role(
            self,
            "Analysts",
            description="Selects from the lake, by Athena",
            assumed_by=iam.CompositePrincipal(*trusted),
        )

    def _let_ask(self, role: iam.Role, data_lake: s3.IBucket, project: str, workgroup: str) -> None:
        """What IAM allows: queries in the workgroup, their results, and to look up what there is."""
        stack = cdk.Stack.of(self)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=list(_ASK),
                resources=[stack.format_arn(service="athena", resource="workgroup", resource_name=workgroup)],
            )
        )
        catalog = stack.format_arn(service="athena", resource="datacatalog", resource_name="AwsDataCatalog")
        role.add_to_policy(iam.PolicyStatement(actions=list(_LOOK_UP), resources=[catalog]))
        # `genomics query` looks up the names of what it talks to in the stacks' outputs.
        stacks = stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{project}-*")
        role.add_to_policy(iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[stacks]))
        reason = "This deployment's stacks, by the beginning of their names; ids follow the names, which AWS makes up."
        acknowledge(role, "AwsSolutions-IAM5", reason, resource_finding(stacks, seen_from=role))
        self._let_keep_results(role, data_lake)

    def _let_keep_results(self, role: iam.Role, data_lake: s3.IBucket) -> None:
        """Results are written and read in the name of who asks. The bucket's own grants would also list the tables."""
        results = data_lake.arn_for_objects(f"{object_keys.QUERY_RESULTS}*")
        objects = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject")
        role.add_to_policy(iam.PolicyStatement(actions=list(objects), resources=[results]))
        role.add_to_policy(iam.PolicyStatement(actions=["s3:GetBucketLocation"], resources=[data_lake.bucket_arn]))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[data_lake.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{object_keys.QUERY_RESULTS}*"}},
            )
        )
        key = data_lake.encryption_key
        assert key is not None  # noqa: S101 - every DataBucket has one
        key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
        reason = "Results cannot be listed one by one in a policy; they lie below this prefix."
        pattern = objects_finding(data_lake, f"{object_keys.QUERY_RESULTS}*", seen_from=role)
        acknowledge(role, "AwsSolutions-IAM5", reason, pattern)

    def _grant_select(self, name: str, role: iam.IRole) -> None:
        self._grant(name, role, "Database", ("DESCRIBE",), self._whole_database())
        self._grant(name, role, "Tables", _SELECT, self._every_table())

    def _grant(
        self,
        who: str,
        role: iam.IRole,
        what: str,
        permissions: Sequence[str],
        resource: lakeformation.CfnPrincipalPermissions.ResourceProperty,
    ) -> lakeformation.CfnPrincipalPermissions:
        grant = lakeformation.CfnPrincipalPermissions(
            self,
            f"{who}{what}",
            principal=lakeformation.CfnPrincipalPermissions.DataLakePrincipalProperty(
                data_lake_principal_identifier=role.role_arn
            ),
            resource=resource,
            permissions=list(permissions),
            permissions_with_grant_option=[],
        )
        grant.node.add_dependency(self._settings)
        return grant

    def _whole_database(self) -> lakeformation.CfnPrincipalPermissions.ResourceProperty:
        return lakeformation.CfnPrincipalPermissions.ResourceProperty(
            database=lakeformation.CfnPrincipalPermissions.DatabaseResourceProperty(
                catalog_id=cdk.Aws.ACCOUNT_ID, name=self._database.database_name
            )
        )

    def _every_table(self) -> lakeformation.CfnPrincipalPermissions.ResourceProperty:
        """Views are tables, and those that come later count too."""
        return lakeformation.CfnPrincipalPermissions.ResourceProperty(
            table=lakeformation.CfnPrincipalPermissions.TableResourceProperty(
                catalog_id=cdk.Aws.ACCOUNT_ID, database_name=self._database.database_name, table_wildcard={}
            )
        )


def _location(arn: str) -> lakeformation.CfnPrincipalPermissions.ResourceProperty:
    return lakeformation.CfnPrincipalPermissions.ResourceProperty(
        data_location=lakeformation.CfnPrincipalPermissions.DataLocationResourceProperty(
            catalog_id=cdk.Aws.ACCOUNT_ID, resource_arn=arn
        )
    )
