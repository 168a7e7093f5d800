"""What templates have of SageMaker is made, found again in the next life, and deleted."""

from typing import Any

import pytest

from embedded_aws.resources.learning import TYPES
from embedded_aws.resources.resource_type import Creation, Existing, ResourceError


def creation(services: Any, kind: str, *, adopting: bool = False, **properties: Any) -> Creation:
    return Creation(kind, "Thing", "lab-learning", "stack-1", properties, services.context, adopting=adopting)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_resource_is_made_adopted_and_deleted(services: Any, kind: str) -> None:
    properties: dict[str, Any] = {}
    if kind.endswith("NotebookInstance"):
        properties = {"InstanceType": "ml.t3.medium", "RoleArn": services.role("adopted")}
    made = TYPES[kind].create(creation(services, kind, **properties))
    with pytest.raises(ResourceError, match="already existing"):
        TYPES[kind].create(creation(services, kind, **properties))
    assert TYPES[kind].create(creation(services, kind, adopting=True, **properties)) == made
    TYPES[kind].delete(Existing(kind, "Thing", made, properties, services.context))
    assert TYPES[kind].create(creation(services, kind, **properties)) == made
