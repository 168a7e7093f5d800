"""A bucket for data: encrypted with its own key, reached over TLS only, logged, never public."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class DataBucket(Construct):
    """`bucket` and its `key`. What is irreplaceable is `versioned`; a `disposable` bucket goes with its stack."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_logs: s3.IBucket,
        disposable: bool,
        versioned: bool,
        lifecycle_rules: Sequence[s3.LifecycleRule],
        announces_objects: bool = False,
        analysis: s3.CfnBucket.AnalyticsConfigurationProperty | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        removal_policy = cdk.RemovalPolicy.DESTROY if disposable else cdk.RemovalPolicy.RETAIN
        self.key = kms.Key(
            self,
            "Key",
            description=f"Objects of {self.node.path}",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=versioned,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=list(lifecycle_rules),
            removal_policy=removal_policy,
            auto_delete_objects=disposable,
        )
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows a type
        if analysis:
            resource.analytics_configurations = [analysis]
        if announces_objects:
            # CloudFormation can do this by itself; the L2's property brings a function that may change any bucket.
            resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
                event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
            )
