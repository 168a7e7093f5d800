"""An Athena workgroup whose limits its users cannot lift, and queries to begin with."""

from collections.abc import Mapping

from aws_cdk import aws_athena as athena
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts.named_queries import NamedQuery

_GIB = 1024**3


class QueryWorkgroup(Construct):
    """`name` of the workgroup; results land encrypted below `prefix`, and a query that would scan more is stopped."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        database: str,
        bucket: s3.IBucket,
        prefix: str,
        key: kms.IKey,
        scan_limit_gib: int,
        queries: Mapping[str, NamedQuery],
        recursive_delete: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            # The name is what a user types; Athena makes none up.
            name=name,
            description="Variants, by SQL",
            recursive_delete_option=recursive_delete,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=scan_limit_gib * _GIB,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{prefix}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )
        self.name = workgroup.ref
        for title, query in queries.items():
            athena.CfnNamedQuery(
                self,
                f"Query{title.title().replace(' ', '')}",
                name=title,
                description=query.description or None,
                database=database,
                query_string=query.text(),
                work_group=workgroup.ref,
            )
