"""Endpoints by which what has no way to the internet reaches AWS."""

from collections.abc import Mapping

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


def add_interfaces(
    scope: Construct, vpc: ec2.IVpc, services: Mapping[str, ec2.IInterfaceVpcEndpointService], group: ec2.ISecurityGroup
) -> None:
    """An endpoint of each service, by its construct's ID, in the isolated subnets; `group` says who reaches it."""
    for construct_id, service in services.items():
        ec2.InterfaceVpcEndpoint(
            scope,
            construct_id,
            vpc=vpc,
            service=service,
            subnets=ec2.SubnetSelection(subnets=vpc.isolated_subnets),
            security_groups=[group],
            open=False,
            private_dns_enabled=True,
        )
