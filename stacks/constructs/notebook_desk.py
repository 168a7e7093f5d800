"""The notebook instance: in a private subnet, without root, its disk under its own key, stopped when it is idle."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.interface_endpoints import add_interfaces
from stacks.constructs.runbook import Places, Runbook
from stacks.constructs.source import ROOT, only

_PLATFORM = "notebook-al2023-v1"
_DISK_GIB = 20
_INTERFACES = {
    "Learning": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API,
    "Inference": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME,
    "Jobs": ec2.InterfaceVpcEndpointAwsService.GLUE,
}
_ON_START = """#!/bin/bash
set -euo pipefail
home=/home/ec2-user/SageMaker
aws s3 cp --only-show-errors {code} /tmp/code.zip
aws s3 sync --only-show-errors --delete {wheels} /tmp/wheels
sudo -u ec2-user unzip -qo /tmp/code.zip -d $home/platform
sudo -u ec2-user cp -n $home/platform/notebooks/*.ipynb $home/
cat > $home/workspace.json <<'END'
{workspace}
END
sudo -u ec2-user -i bash -c 'source activate python3 && pip install -q --no-index --find-links /tmp/wheels \
    -r '$home'/platform/notebooks/requirements.txt && echo '$home'/platform > \
    $(python -c "import site; print(site.getsitepackages()[0])")/platform.pth'
echo '*/5 * * * * root /usr/bin/python3 '$home'/platform/notebooks/idle_stop.py {minutes}' > /etc/cron.d/idle-stop
systemctl start crond
"""


@dataclass(frozen=True)
class DeskConfig:
    """A type of notebook instance, and after how many minutes without work it is stopped."""

    instance_type: str
    idle_minutes: int


class NotebookDesk(Construct):
    """What it starts with comes from our buckets alone: the code that was deployed, and wheels from Resources."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        places: Places,
        runbook: Runbook,
        workspace: dict[str, str],
        config: DeskConfig,
    ) -> None:
        super().__init__(scope, construct_id)
        code = s3_assets.Asset(
            self,
            "Code",
            path=str(ROOT),
            exclude=only("genomics", "notebooks"),
            ignore_mode=cdk.IgnoreMode.GIT,
        )
        code.grant_read(runbook.role)
        acknowledge(
            runbook.role,
            "AwsSolutions-IAM5",
            "CDK's grant on the assets of this deployment.",
            resource_finding(code.bucket.arn_for_objects("*"), seen_from=runbook.role),
        )
        key = kms.Key(
            self,
            "Key",
            description="Disk of the notebook instance",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        key.grant_encrypt_decrypt(runbook.role)
        script = _ON_START.format(
            code=code.s3_object_url,
            wheels=f"s3://{places.resources.bucket_name}/{object_keys.NOTEBOOK_RESOURCES}wheels/",
            workspace=cdk.Stack.of(self).to_json_string(workspace),
            minutes=config.idle_minutes,
        )
        lifecycle = sagemaker.CfnNotebookInstanceLifecycleConfig(
            self,
            "Lifecycle",
            on_start=[
                sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty(
                    content=cdk.Fn.base64(script)
                )
            ],
        )
        instance = sagemaker.CfnNotebookInstance(
            self,
            "Instance",
            instance_type=config.instance_type,
            role_arn=runbook.role.role_arn,
            platform_identifier=_PLATFORM,
            root_access="Disabled",
            direct_internet_access="Disabled",
            subnet_id=(vpc.private_subnets or vpc.isolated_subnets)[0].subnet_id,
            security_group_ids=[self._group(vpc).security_group_id],
            kms_key_id=key.key_id,
            volume_size_in_gb=_DISK_GIB,
            lifecycle_config_name=lifecycle.attr_notebook_instance_lifecycle_config_name,
            instance_metadata_service_configuration=(
                sagemaker.CfnNotebookInstance.InstanceMetadataServiceConfigurationProperty(
                    minimum_instance_metadata_service_version="2"
                )
            ),
        )
        instance.node.add_dependency(runbook.role)
        self._let_stop(runbook.role)

    def _group(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Notebook instance", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS services")
        if not vpc.private_subnets:
            endpoints = ec2.SecurityGroup(
                self, "Endpoints", vpc=vpc, description="Endpoints of SageMaker and Glue", allow_all_outbound=False
            )
            endpoints.add_ingress_rule(group, ec2.Port.tcp(443), "Notebook instance")
            add_interfaces(self, vpc, _INTERFACES, endpoints)
        return group

    def _let_stop(self, role: iam.Role) -> None:
        """Idle, it stops itself; its name is CloudFormation's, of this stack."""
        stack = cdk.Stack.of(self)
        # CloudFormation makes the name up of the logical id.
        arn = stack.format_arn(service="sagemaker", resource="notebook-instance", resource_name="*")
        statement = iam.PolicyStatement(
            actions=["sagemaker:StopNotebookInstance"],
            resources=[arn],
            conditions={"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": stack.stack_name}},
        )
        role.add_to_policy(statement)
        acknowledge(
            role,
            "AwsSolutions-IAM5",
            "The instance's own name is not known to its role before it is made; the condition leaves this stack's.",
            resource_finding(arn, seen_from=role),
        )
