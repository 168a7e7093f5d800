import base64
from typing import Any

import pytest

from embedded_aws.cloudformation.template import Resolver, TemplateError, in_order


def resolver(template: dict[str, Any] | None = None, **parameters: str) -> Resolver:
    return Resolver(
        template or {},
        reference=lambda name: f"ref-of-{name}",
        attribute=lambda name, attribute: f"{attribute}-of-{name}",
        exported={"other-stack:Bucket": "a-bucket"}.__getitem__,
        parameter={"/cdk/version": "30"}.__getitem__,
        parameters=parameters,
        pseudo_parameters={"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws"},
    )


# Values from the examples in the CloudFormation User Guide's "Intrinsic function reference", or of that shape.
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Queue"}, "ref-of-Queue"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Arn-of-Queue"),
        ({"Fn::GetAtt": "Nested.Outputs.Name"}, "Outputs.Name-of-Nested"),
        ({"Fn::Join": [":", ["a", {"Ref": "b"}, 3]]}, "a:ref-of-b:3"),
        ({"Fn::Join": ["", ["x", True]]}, "xtrue"),
        ({"Fn::Split": ["|", "a|b|c"]}, ["a", "b", "c"]),
        ({"Fn::Select": ["1", {"Fn::Split": ["|", "a|b|c"]}]}, "b"),
        ({"Fn::Select": [1, {"Fn::GetAZs": ""}]}, "us-east-1b"),
        ({"Fn::Sub": "arn:${AWS::Partition}:x:${Queue}:${Queue.Arn}"}, "arn:aws:x:ref-of-Queue:Arn-of-Queue"),
        ({"Fn::Sub": ["${Name}-${!Literal}", {"Name": {"Ref": "N"}}]}, "ref-of-N-${Literal}"),
        ({"Fn::ImportValue": "other-stack:Bucket"}, "a-bucket"),
        ({"Fn::Base64": "AWS CloudFormation"}, base64.b64encode(b"AWS CloudFormation").decode()),
        ({"Fn::Cidr": ["192.168.0.0/24", 6, 5]}, [f"192.168.0.{n}/27" for n in range(0, 192, 32)]),
        ({"Fn::ToJsonString": {"a": {"Ref": "b"}}}, '{"a":"ref-of-b"}'),
        ({"Fn::Length": ["a", "b"]}, 2),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ("{{resolve:ssm:/cdk/version}}-x", "30-x"),
    ],
)
def test_functions_give_what_the_user_guide_says(expression: Any, value: Any) -> None:
    assert resolver().resolve(expression) == value


def test_maps_conditions_and_parameters_are_looked_up_when_they_are_needed() -> None:
    template = {
        "Parameters": {
            "Size": {"Type": "String", "Default": "small"},
            "Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"},
        },
        "Mappings": {"Regions": {"us-east-1": {"small": "t3"}}},
        "Conditions": {
            "IsSmall": {"Fn::Equals": [{"Ref": "Size"}, "small"]},
            "IsLarge": {"Fn::Not": [{"Condition": "IsSmall"}]},
            "Either": {"Fn::Or": [{"Condition": "IsSmall"}, {"Condition": "IsLarge"}]},
            "Both": {"Fn::And": [{"Condition": "IsSmall"}, {"Condition": "IsLarge"}]},
        },
    }
    small, large = resolver(template), resolver(template, Size="large")
    assert small.resolve({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, {"Ref": "Size"}]}) == "t3"
    assert small.resolve({"Fn::If": ["IsLarge", {"Fn::FindInMap": ["Missing", "x", "y"]}, "kept"]}) == "kept"
    assert [small.holds(name) for name in ("IsSmall", "IsLarge", "Either", "Both")] == [True, False, True, False]
    assert [large.holds(name) for name in ("IsSmall", "IsLarge", "Either", "Both")] == [False, True, True, False]
    assert small.parameters == {"Size": "small", "Version": "30"}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "Fn::Transform is not supported"),
        ({"Fn::Select": [3, ["a"]]}, "nonexistent value at index 3"),
        ({"Fn::FindInMap": ["Regions", "eu", "x"]}, "Unable to get mapping for Regions::eu::x"),
        ("{{resolve:secretsmanager:x}}", "dynamic reference to secretsmanager"),
    ],
)
def test_what_cannot_be_resolved_is_named(expression: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        resolver().resolve(expression)


def test_resources_stand_after_all_that_they_name() -> None:
    template = {
        "Resources": {
            "Function": {"Properties": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}, "DependsOn": ["Policy"]},
            "Policy": {"Properties": {"Text": {"Fn::Sub": ["${Queue.Arn} ${X}", {"X": {"Ref": "Table"}}]}}},
            "Role": {},
            "Queue": {},
            "Table": {"Properties": {"Name": {"Ref": "AWS::StackName"}}},
        }
    }
    order = in_order(template)
    assert sorted(order) == sorted(template["Resources"])
    assert order.index("Queue") < order.index("Policy") < order.index("Function")
    assert order.index("Table") < order.index("Policy")
    assert order.index("Role") < order.index("Function")


def test_a_circle_of_resources_is_refused_by_name() -> None:
    template = {"Resources": {"A": {"Properties": {"x": {"Ref": "B"}}}, "B": {"DependsOn": "A"}}}
    with pytest.raises(TemplateError, match=r"Circular dependency between resources: \[A, B\]"):
        in_order(template)
