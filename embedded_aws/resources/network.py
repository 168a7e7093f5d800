"""EC2: the network and the instances, which are described in the templates but are not here."""

import hashlib
from collections.abc import Callable, Mapping

from embedded_aws.resources.resource_type import Creation, ResourceType, recorded

_NO_NETWORK = "every process runs on this machine; there is no network between them"
_NO_INSTANCES = "jobs run as processes of this machine; no instance is started"


def _identifier(prefix: str) -> Callable[[Creation], str]:
    return lambda creation: f"{prefix}-{hashlib.sha256(creation.name().encode()).hexdigest()[:17]}"


def _network(prefix: str, attributes: Mapping[str, str] | None = None) -> ResourceType:
    return recorded(_NO_NETWORK, ref=_identifier(prefix), attributes={"Id": "{id}", **(attributes or {})})


TYPES: Mapping[str, ResourceType] = {
    "AWS::EC2::EIP": _network("eipalloc", {"AllocationId": "{id}", "PublicIp": "192.0.2.1"}),
    "AWS::EC2::InternetGateway": _network("igw", {"InternetGatewayId": "{id}"}),
    "AWS::EC2::NatGateway": _network("nat", {"NatGatewayId": "{id}"}),
    "AWS::EC2::Route": _network("r"),
    "AWS::EC2::RouteTable": _network("rtb", {"RouteTableId": "{id}"}),
    "AWS::EC2::SecurityGroup": _network("sg", {"GroupId": "{id}", "VpcId": "{VpcId}"}),
    "AWS::EC2::SecurityGroupEgress": _network("sgr"),
    "AWS::EC2::SecurityGroupIngress": _network("sgr"),
    "AWS::EC2::Subnet": _network(
        "subnet", {"SubnetId": "{id}", "VpcId": "{VpcId}", "AvailabilityZone": "{AvailabilityZone}"}
    ),
    "AWS::EC2::SubnetRouteTableAssociation": _network("rtbassoc"),
    "AWS::EC2::VPC": _network(
        "vpc",
        {"VpcId": "{id}", "CidrBlock": "{CidrBlock}", "DefaultSecurityGroup": "{id}-default-security-group"},
    ),
    "AWS::EC2::VPCEndpoint": _network("vpce"),
    "AWS::EC2::VPCGatewayAttachment": _network("attachment"),
    "AWS::EC2::FlowLog": recorded(
        "there is no network whose traffic could be logged", ref=_identifier("fl"), attributes={"Id": "{id}"}
    ),
    "AWS::EC2::LaunchTemplate": recorded(
        _NO_INSTANCES,
        ref=_identifier("lt"),
        attributes={"LaunchTemplateId": "{id}", "LatestVersionNumber": "1", "DefaultVersionNumber": "1"},
    ),
}
