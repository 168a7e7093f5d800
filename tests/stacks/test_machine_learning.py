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
    for name, policy in default.resources("machine-learning", "AWS::IAM::Policy").items():
        if not name.startswith("machine-learning/TrainingSets"):
            continue
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


def _allowed(assembly: Any, construct: str) -> dict[str, list[Any]]:
    """Actions of the policies of a construct, each with its resources."""
    found: dict[str, list[Any]] = {}
    for name, policy in assembly.resources("machine-learning", "AWS::IAM::Policy").items():
        if name.startswith(f"machine-learning/{construct}"):
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                for action in statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]:
                    found.setdefault(action, []).append(statement["Resource"])
    return found


def test_the_notebooks_start_our_job_and_no_other(default: Any) -> None:
    started = _allowed(default, "RunbookRole")["glue:StartJobRun"]
    assert [resource["Fn::Join"][1][-1] for resource in started] == [":job/genomics-create-training-set"]


def test_the_notebooks_may_not_approve_what_they_register(default: Any) -> None:
    allowed = _allowed(default, "RunbookRole")
    assert "sagemaker:CreateModelPackage" in allowed
    assert "sagemaker:UpdateModelPackage" not in allowed


def test_a_notebook_instance_is_there_only_where_it_is_asked_for(default: Any, other: Any) -> None:
    assert default.resources("machine-learning", "AWS::SageMaker::NotebookInstance") == {}
    (instance,) = other.resources("machine-learning", "AWS::SageMaker::NotebookInstance").values()
    told = instance["Properties"]
    assert (told["RootAccess"], told["DirectInternetAccess"]) == ("Disabled", "Disabled")
    assert told["PlatformIdentifier"] == "notebook-al2023-v1"
    assert told["KmsKeyId"] == {"Ref": next(name for name in _names(other, "AWS::KMS::Key") if "Desk" in name)}


def test_the_notebook_instance_installs_from_our_buckets_alone_and_stops_when_idle(other: Any) -> None:
    (lifecycle,) = other.resources("machine-learning", "AWS::SageMaker::NotebookInstanceLifecycleConfig").values()
    text = str(lifecycle["Properties"]["OnStart"])
    assert "--no-index --find-links" in text
    assert "idle_stop.py 30" in text
    assert "http" not in text


def _names(assembly: Any, kind: str) -> list[str]:
    return [name.partition("/")[2] for name in assembly.resources("machine-learning", kind)]
