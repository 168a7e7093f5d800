"""The lake's tables in Redshift Serverless, as an external schema: for who joins them with tables of a warehouse."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_redshiftserverless as redshift
from constructs import Construct

_SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
_LOGS = ("connectionlog", "useractivitylog", "userlog")


class Warehouse(Construct):
    """A namespace and a workgroup in private subnets, of `rpus` Redshift processing units to begin with.

    It reads tables as `role`, once that may select from them. `statement` makes the schema: SQL that its database's
    administrator runs once. No custom resource does, because it would be that administrator as long as the stack lives.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        database: glue.Database,
        vpc: ec2.IVpc,
        rpus: int,
        disposable: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            description="Selects from the lake for Redshift",
            assumed_by=iam.CompositePrincipal(*(iam.ServicePrincipal(service) for service in _SERVICES)),
        )
        removal = cdk.RemovalPolicy.DESTROY if disposable else cdk.RemovalPolicy.RETAIN
        key = kms.Key(
            self,
            "Key",
            description="Tables and the administrator's password of the warehouse",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        namespace = redshift.CfnNamespace(
            self,
            "Namespace",
            namespace_name=name,
            db_name=name.replace("-", "_"),
            iam_roles=[self.role.role_arn],
            kms_key_id=key.key_arn,
            log_exports=list(_LOGS),
            # In Secrets Manager, which changes it; nobody types one.
            manage_admin_password=True,
            admin_password_secret_kms_key_id=key.key_id,
        )
        # Beside the external schema it holds what the lab makes there.
        namespace.apply_removal_policy(removal)
        group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="The warehouse: lets nobody in", allow_all_outbound=False
        )
        workgroup = redshift.CfnWorkgroup(
            self,
            "Workgroup",
            workgroup_name=name,
            namespace_name=name,
            base_capacity=rpus,
            subnet_ids=[subnet.subnet_id for subnet in vpc.private_subnets or vpc.isolated_subnets],
            security_group_ids=[group.security_group_id],
            publicly_accessible=False,
            # With it the catalog would have to be reached from the subnets, which have no endpoint for it.
            enhanced_vpc_routing=False,
            config_parameters=[
                redshift.CfnWorkgroup.ConfigParameterProperty(parameter_key="require_ssl", parameter_value="true")
            ],
        )
        workgroup.node.add_dependency(namespace)
        self.statement = (
            f"CREATE EXTERNAL SCHEMA IF NOT EXISTS lake FROM DATA CATALOG DATABASE '{database.database_name}' "
            f"REGION '{cdk.Stack.of(self).region}' IAM_ROLE '{self.role.role_arn}'"
        )
