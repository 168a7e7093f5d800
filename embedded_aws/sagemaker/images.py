"""The algorithms' images: names for what runs as a process here.

On AWS each would be an image in a registry of SageMaker's. Only models and training jobs of these can be run.
"""

from embedded_aws.context import Context
from embedded_aws.sagemaker.operations import invalid

_REPOSITORY = "sagemaker-autopilot-"
# Modes of AutoML jobs and the algorithms that each tries; Developer Guide, "Autopilot algorithm support". Of those
# named there CatBoost and the neural networks of torch and fastai are not here.
ALGORITHMS = {
    "HYPERPARAMETER_TUNING": ("xgboost", "linear-learner", "mlp"),
    "ENSEMBLING": ("lightgbm", "xgboost", "randomforest", "extra-trees", "linear-learner"),
}
ENSEMBLE = "ensemble"
_KNOWN = {name for names in ALGORITHMS.values() for name in names} | {ENSEMBLE}


def uri(context: Context, algorithm: str) -> str:
    """The image of an algorithm, for training and for inference."""
    return f"{context.account}.dkr.ecr.{context.region}.amazonaws.com/{_REPOSITORY}{algorithm}:1"


def algorithm_of(image: str) -> str:
    """The algorithm that an image is of; refused where nothing here plays it."""
    name = image.rpartition("/")[2].partition(":")[0].removeprefix(_REPOSITORY)
    if _REPOSITORY not in image or name not in _KNOWN:
        raise invalid(
            f"No process here plays the image {image}; those of CreateAutoMLJobV2's candidates are played: "
            f"{_REPOSITORY}{{{', '.join(sorted(_KNOWN))}}}"
        )
    return name
