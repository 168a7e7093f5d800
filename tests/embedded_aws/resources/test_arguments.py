import pytest

from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import ResourceError


def test_properties_become_arguments_in_the_apis_own_case_and_types() -> None:
    told = arguments(
        "batch",
        "RegisterJobDefinition",
        {
            "JobDefinitionName": "align",
            "Type": "container",
            "RetryStrategy": {"Attempts": "3", "EvaluateOnExit": [{"Action": "RETRY", "OnStatusReason": "Host EC2*"}]},
            "ContainerProperties": {"Image": "x", "Privileged": "false", "LinuxParameters": {"MaxSwap": "0"}},
            "Parameters": {"task": "none"},
        },
        resource_type="AWS::Batch::JobDefinition",
    )
    assert told == {
        "jobDefinitionName": "align",
        "type": "container",
        "retryStrategy": {"attempts": 3, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": "Host EC2*"}]},
        "containerProperties": {"image": "x", "privileged": False, "linuxParameters": {"maxSwap": 0}},
        "parameters": {"task": "none"},
    }


def test_documents_become_text_and_tags_become_what_the_api_takes() -> None:
    document: dict[str, list[str]] = {"Statement": []}
    role = arguments("iam", "CreateRole", {"AssumeRolePolicyDocument": document}, resource_type="AWS::IAM::Role")
    assert role == {"AssumeRolePolicyDocument": '{"Statement":[]}'}
    job = arguments("glue", "CreateJob", {"Tags": [{"Key": "a", "Value": "b"}]}, resource_type="AWS::Glue::Job")
    assert job == {"Tags": {"a": "b"}}
    table = arguments("dynamodb", "CreateTable", {"Tags": {"a": "b"}}, resource_type="AWS::DynamoDB::Table")
    assert table == {"Tags": [{"Key": "a", "Value": "b"}]}


def test_a_property_without_a_place_is_named_with_its_type() -> None:
    with pytest.raises(ResourceError, match=r"AWS::Glue::Job: no place for Command\.Colour in glue:CreateJob"):
        arguments("glue", "CreateJob", {"Command": {"Colour": "red"}}, resource_type="AWS::Glue::Job")
