"""What the lake holds."""

from genomics.contracts import object_keys
from genomics.contracts.codec import loads
from genomics.contracts.loads import LoadManifest
from genomics_cli.cloud import Platform


def loaded_datasets(platform: Platform) -> dict[str, LoadManifest]:
    """The latest load of each dataset."""
    s3, bucket = platform.cloud.s3, platform.deployment.data_lake_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=object_keys.load_manifests(), Delimiter="/"
    )
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    read = (loads(LoadManifest, s3.get_object(Bucket=bucket, Key=key)["Body"].read(), where=key) for key in keys)
    return {manifest.dataset: manifest for manifest in read}
