"""Where instances run: private subnets that reach AWS through endpoints."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.log_group import log_group

_NFS = 2049
_INTERFACES = {
    "Images": ec2.InterfaceVpcEndpointAwsService.ECR,
    "ImageLayers": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "EcsAgent": ec2.InterfaceVpcEndpointAwsService.ECS_AGENT,
    "EcsTelemetry": ec2.InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
    "JobLogs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
}


@dataclass(frozen=True)
class NetworkConfig:
    """`cidr` of the VPC. Without NAT gateways nothing in it reaches the internet, and nothing has to."""

    cidr: str
    availability_zones: int
    nat_gateways: int
    log_retention_days: int


class Network(cdk.Stack):
    """`vpc`, with security groups for the tools' instances (`tools`) and for file systems (`file_systems`)."""

    def __init__(self, scope: Construct, construct_id: str, *, config: NetworkConfig, **stack: Any) -> None:
        self._zones = config.availability_zones
        super().__init__(scope, construct_id, **stack)
        self.vpc = self._vpc(config)
        self.tools = ec2.SecurityGroup(
            self, "Tools", vpc=self.vpc, description="Instances that run tools", allow_all_outbound=False
        )
        self.file_systems = ec2.SecurityGroup(
            self, "FileSystems", vpc=self.vpc, description="File systems", allow_all_outbound=False
        )
        endpoints = ec2.SecurityGroup(
            self, "Endpoints", vpc=self.vpc, description="Interface endpoints", allow_all_outbound=False
        )
        # S3 and DynamoDB answer on public addresses, which their gateway endpoints route.
        self.tools.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS services")
        self.tools.add_egress_rule(self.file_systems, ec2.Port.tcp(_NFS), "File systems")
        self.file_systems.add_ingress_rule(self.tools, ec2.Port.tcp(_NFS), "Tools")
        endpoints.add_ingress_rule(self.tools, ec2.Port.tcp(443), "Tools")
        self._endpoints(endpoints)
        self._flow_logs(config.log_retention_days)

    @property
    def availability_zones(self) -> list[str]:
        """The region's first zones, found when the stack is deployed: synth has no account to ask."""
        return [cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(self._zones)]

    def _vpc(self, config: NetworkConfig) -> ec2.Vpc:
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS if config.nat_gateways else ec2.SubnetType.PRIVATE_ISOLATED
        subnets = [ec2.SubnetConfiguration(name="Private", subnet_type=private, cidr_mask=20)]
        if config.nat_gateways:
            subnets.append(
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                )
            )
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(config.cidr),
            max_azs=config.availability_zones,
            nat_gateways=config.nat_gateways,
            subnet_configuration=subnets,
        )

    def _endpoints(self, security_group: ec2.SecurityGroup) -> None:
        self.vpc.add_gateway_endpoint("Objects", service=ec2.GatewayVpcEndpointAwsService.S3)
        self.vpc.add_gateway_endpoint("Ledger", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        for construct_id, service in _INTERFACES.items():
            self.vpc.add_interface_endpoint(
                construct_id, service=service, security_groups=[security_group], open=False, private_dns_enabled=True
            )

    def _flow_logs(self, retention_days: int) -> None:
        destination = log_group(self, "Flows", retention_days=retention_days)
        role = iam.Role(self, "FlowsRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(destination, role))
