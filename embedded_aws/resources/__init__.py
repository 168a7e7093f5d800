"""The table of CloudFormation types: each that a template may hold, how it is made, and whether it does anything."""

from collections.abc import Mapping

from embedded_aws.resources import (
    access,
    compute,
    lake,
    lake_formation,
    learning,
    messaging,
    network,
    operations,
    storage,
    transfer,
)
from embedded_aws.resources.resource_type import ResourceType

TABLE: Mapping[str, ResourceType] = {
    **storage.TYPES,
    **access.TYPES,
    **network.TYPES,
    **compute.TYPES,
    **messaging.TYPES,
    **lake.TYPES,
    **lake_formation.TYPES,
    **learning.TYPES,
    **operations.TYPES,
    **transfer.TYPES,
}
