"""What requests for training and tuning jobs say, as the program that trains is told it."""

from collections.abc import Mapping
from typing import Any

from embedded_aws.context import Context
from embedded_aws.sagemaker import images
from embedded_aws.sagemaker.operations import Parameters, invalid, only, s3_uri
from embedded_aws.sagemaker.running import Event

# The hyperparameter that says which column is to be told.
TARGET = "target_attribute_name"
TRAINING = (
    "TrainingJobName",
    "AlgorithmSpecification",
    "HyperParameters",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "RoleArn",
    "StoppingCondition",
    "Tags",
    "VpcConfig",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
)
_DEFINITION = (
    *(name for name in TRAINING if name not in ("TrainingJobName", "HyperParameters", "Tags")),
    "DefinitionName",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
)
_CONFIGURATION = ("Strategy", "HyperParameterTuningJobObjective", "ResourceLimits", "ParameterRanges", "RandomSeed")
_RANGES = {"IntegerParameterRanges": True, "ContinuousParameterRanges": False}
# Every strategy is played by drawing at random; what differs is said in the table of what is faithful.
_STRATEGIES = ("Random", "Bayesian")


def given_by_automl(context: Context, request: Mapping[str, Any], event: Event) -> Parameters:
    """What CreateTrainingJob would have been told of a candidate."""
    return {
        "TrainingJobName": event["name"],
        "AlgorithmSpecification": {
            "TrainingImage": images.uri(context, event["algorithm"]),
            "TrainingInputMode": "File",
        },
        "HyperParameters": {**event["hyperparameters"], TARGET: request["target"]},
        "OutputDataConfig": {"S3OutputPath": f"{request['output']}/tuning/{event['algorithm']}"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "RoleArn": request["role_arn"],
        "StoppingCondition": {"MaxRuntimeInSeconds": int(request["per_training"] or 86_400)},
    }


def told_of_training(given: Parameters, fixed: Mapping[str, str], ranges: dict[str, Any]) -> dict[str, Any]:
    """What the program is told of a training job's definition."""
    image = (given.get("AlgorithmSpecification") or {}).get("TrainingImage")
    if not image:
        raise invalid("AlgorithmSpecification has no TrainingImage; the embedded SageMaker knows no other algorithms")
    channels = {each["ChannelName"]: each for each in given.get("InputDataConfig") or ()}
    uris = {name: _uri(channels, name) for name in ("train", "validation")}
    if TARGET not in fixed:
        raise invalid(f"the hyperparameters have no {TARGET}, which names the column to be told")
    return {
        "algorithm": images.algorithm_of(image),
        "training": uris["train"],
        "validation": uris["validation"],
        "content_type": channels["train"].get("ContentType"),
        "target": fixed[TARGET],
        "fixed": {name: value for name, value in fixed.items() if name != TARGET},
        "ranges": ranges,
        "output": s3_uri((given.get("OutputDataConfig") or {}).get("S3OutputPath"), "OutputDataConfig.S3OutputPath"),
    }


def _uri(channels: Mapping[str, Any], name: str) -> str:
    if name not in channels:
        raise invalid(f"InputDataConfig has no channel {name}; train and validation are needed")
    source = (channels[name].get("DataSource") or {}).get("S3DataSource") or {}
    if source.get("S3DataType") != "S3Prefix":
        raise invalid(f"S3DataType {source.get('S3DataType')} is not read here; S3Prefix is")
    return str(source["S3Uri"])


def told_of_tuning(
    parameters: Parameters,
) -> tuple[Parameters, dict[str, str], list[tuple[Parameters, dict[str, Any]]]]:
    """The configuration, the objective, and each definition with its ranges."""
    told = parameters.get("HyperParameterTuningJobConfig") or {}
    only("CreateHyperParameterTuningJob's configuration", told, _CONFIGURATION)
    if told.get("Strategy") not in _STRATEGIES:
        raise invalid(f"Strategy {told.get('Strategy')} is none of {', '.join(_STRATEGIES)}")
    single = parameters.get("TrainingJobDefinition")
    definitions = [single] if single else list(parameters.get("TrainingJobDefinitions") or ())
    if not definitions:
        raise invalid("A tuning job needs TrainingJobDefinition or TrainingJobDefinitions")
    objective = told.get("HyperParameterTuningJobObjective") or definitions[0].get("TuningObjective")
    if not objective:
        raise invalid("A tuning job needs an objective")
    found = []
    for definition in definitions:
        only("a training job's definition", definition, _DEFINITION)
        ranges = definition.get("HyperParameterRanges") or told.get("ParameterRanges") or {}
        found.append((definition, _ranges(ranges)))
    return told, dict(objective), found


def _ranges(given: Parameters) -> dict[str, Any]:
    if given.get("CategoricalParameterRanges"):
        raise invalid("CategoricalParameterRanges: the algorithms have no hyperparameter of words")
    return {
        range_["Name"]: {
            "low": _number(range_, "MinValue"),
            "high": _number(range_, "MaxValue"),
            "is_integer": is_integer,
            "is_logarithmic": range_.get("ScalingType") == "Logarithmic",
        }
        for kind, is_integer in _RANGES.items()
        for range_ in given.get(kind) or ()
    }


def _number(range_: Parameters, name: str) -> float:
    try:
        return float(range_[name])
    except (KeyError, ValueError):
        raise invalid(f"the range of {range_.get('Name')} has no number as its {name}") from None
