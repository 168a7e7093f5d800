"""What S3 charges, for estimates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SOURCE = "https://aws.amazon.com/s3/pricing/, us-east-1, first 50 TB, list prices of 2026-01"


@dataclass(frozen=True)
class StoragePrices:
    """US dollars: `storage` per GB and month by class, `retrieval` per GB by tier of a restore from Deep Archive.

    `read_infrequent` per GB read from STANDARD_IA.
    """

    storage: Mapping[str, float] = field(
        default_factory=lambda: {
            "STANDARD": 0.023,
            "STANDARD_IA": 0.0125,
            "GLACIER": 0.0036,
            "DEEP_ARCHIVE": 0.00099,
        }
    )
    retrieval: Mapping[str, float] = field(default_factory=lambda: {"Bulk": 0.0025, "Standard": 0.02})
    read_infrequent: float = 0.01
