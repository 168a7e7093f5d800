"""The job that makes training sets: its name, its arguments, and what it may touch."""

from typing import Any

from glue_jobs.create_training_set.options import CreateTrainingSetOptions, arguments, parse


def _job(assembly: Any) -> dict[str, Any]:
    (job,) = assembly.resources("machine-learning", "AWS::Glue::Job").values()
    return dict(job["Properties"])


def test_the_job_is_started_by_a_name_that_ends_in_create_training_set(assembly: Any) -> None:
    assert _job(assembly)["Name"].endswith("-create-training-set")


def test_the_job_understands_the_arguments_that_the_stack_gives(default: Any) -> None:
    given = _job(default)["DefaultArguments"]
    told = {name: "given" if isinstance(value, dict) else value for name, value in given.items()}
    assert all(told[name] for name in arguments(CreateTrainingSetOptions("b"))), "Glue passes no empty argument on"
    options = parse([word for pair in told.items() for word in pair])
    assert options == CreateTrainingSetOptions(data_lake_bucket="given")


def test_the_job_writes_training_sets_and_nothing_else_and_deletes_nothing(default: Any) -> None:
    written, actions = set(), set()
    for policy in default.resources("machine-learning", "AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            named = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            actions |= set(named)
            if any(action.startswith("s3:PutObject") for action in named):
                resources = (
                    statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
                )
                written |= {resource["Fn::Join"][1][-1] for resource in resources}
    assert written == {"/training_sets/*"}
    assert not any(action.startswith("s3:Delete") for action in actions)
