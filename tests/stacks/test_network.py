"""The network: nothing in it reaches the internet unless a NAT gateway is asked for."""

from typing import Any


def test_subnets_are_private_and_one_per_zone(default: Any, other: Any) -> None:
    subnets = default.resources("network", "AWS::EC2::Subnet").values()
    assert len(subnets) == 3
    assert not any(subnet["Properties"]["MapPublicIpOnLaunch"] for subnet in subnets)
    assert len(other.resources("network", "AWS::EC2::Subnet")) == 8


def test_without_nat_gateways_there_is_no_way_out(default: Any, other: Any) -> None:
    for kind in ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::Route"):
        assert default.resources("network", kind) == {}
    assert len(other.resources("network", "AWS::EC2::NatGateway")) == 1


def test_the_address_block_is_the_settings(default: Any, other: Any) -> None:
    for assembly, block in ((default, "10.40.0.0/16"), (other, "10.99.0.0/16")):
        (vpc,) = assembly.resources("network", "AWS::EC2::VPC").values()
        assert vpc["Properties"]["CidrBlock"] == block


def test_everything_that_jobs_need_has_an_endpoint(assembly: Any) -> None:
    endpoints = [e["Properties"] for e in assembly.resources("network", "AWS::EC2::VPCEndpoint").values()]
    names = {}
    for endpoint in endpoints:
        name = endpoint["ServiceName"]
        text = name if isinstance(name, str) else "".join(p for p in name["Fn::Join"][1] if isinstance(p, str))
        names[text.replace("eu-central-1", "").strip(".").removeprefix("com.amazonaws.").strip(".")] = endpoint
    assert set(names) == {"s3", "dynamodb", "ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"}
    for name in set(names) - {"s3", "dynamodb"}:
        assert names[name]["PrivateDnsEnabled"] is True


def test_traffic_is_logged(assembly: Any) -> None:
    (flow_log,) = assembly.resources("network", "AWS::EC2::FlowLog").values()
    assert flow_log["Properties"]["TrafficType"] == "ALL"


def test_only_tools_reach_file_systems_and_endpoints(assembly: Any) -> None:
    groups = {
        name: resource["Properties"]["GroupDescription"]
        for name, resource in assembly.resources("network", "AWS::EC2::SecurityGroup").items()
    }
    tools = next(name.split("/")[1] for name, text in groups.items() if text == "Instances that run tools")
    opened = set()
    for rule in assembly.resources("network", "AWS::EC2::SecurityGroupIngress").values():
        assert rule["Properties"]["SourceSecurityGroupId"]["Fn::GetAtt"][0] == tools
        opened.add((rule["Properties"]["FromPort"], rule["Properties"]["ToPort"]))
    assert opened == {(443, 443), (2049, 2049)}
    for resource in assembly.resources("network", "AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in resource["Properties"]


def test_all_logs_are_kept_as_long_as_the_setting_says(default: Any, other: Any) -> None:
    for assembly, days in ((default, 365), (other, 14)):
        for name, group in assembly.resources(kind="AWS::Logs::LogGroup").items():
            assert group["Properties"]["RetentionInDays"] == days, name
