"""Stage storage: the buckets, and the ledger of runs."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.steps import Step
from stacks.constructs.data_bucket import DataBucket
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.run_ledger import RunLedger


@dataclass(frozen=True)
class StorageConfig:
    """`disposable` data goes with the stack. Days count from an object's creation, or from its replacement."""

    disposable: bool
    partial_upload_days: int
    noncurrent_days: int
    trimmed_reads_days: int
    access_log_days: int
    query_result_days: int
    vcf_copy_days: int


class Storage(cdk.Stack):
    """Sequencing (deliveries, results), DataLake (tables), Resources (what is installed from), Logs, and the ledger."""

    def __init__(self, scope: Construct, construct_id: str, *, config: StorageConfig, **stack: Any) -> None:
        super().__init__(scope, construct_id, **stack)
        self._config = config
        self._logs = self._access_logs()
        self.sequencing = self._bucket(
            "Sequencing",
            versioned=True,
            announces_objects=True,
            rules=(
                self._expire("unfinished-outputs", object_keys.PARTIAL, config.partial_upload_days),
                # Trimmed reads are made again from the originals, should alignment ever have to be repeated.
                self._expire("trimmed-reads", f"{object_keys.STEPS}{Step.FASTP}/", config.trimmed_reads_days),
                # What goes to the archive is moved by its job alone: a rule for originals would race it.
                self._expire("vcf-copies", object_keys.VCF_COPIES, config.vcf_copy_days),
                self._expire_replaced(),
            ),
            analysis=self._analysis(),
        )
        self._allow_analysis_reports()
        self.data_lake = self._bucket(
            "DataLake",
            versioned=False,
            rules=(
                s3.LifecycleRule(
                    id="intelligent-tiering",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=cdk.Duration.days(0)
                        )
                    ],
                ),
                self._expire("query-results", object_keys.QUERY_RESULTS, config.query_result_days),
            ),
        )
        self.resources = self._bucket("Resources", versioned=True, rules=(self._expire_replaced(),))
        self.ledger = RunLedger(self, "Ledger", disposable=config.disposable)
        offer(
            self,
            sequencing_bucket=self.sequencing.bucket_name,
            data_lake_bucket=self.data_lake.bucket_name,
            resources_bucket=self.resources.bucket_name,
            logs_bucket=self._logs.bucket_name,
            ledger_table=self.ledger.table.table_name,
        )

    def _access_logs(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Logs",
            # The log delivery service cannot write into a bucket that is encrypted with a key of our own.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                self._abort_uploads(),
                s3.LifecycleRule(id="old-logs", expiration=cdk.Duration.days(self._config.access_log_days)),
            ],
            removal_policy=cdk.RemovalPolicy.DESTROY if self._config.disposable else cdk.RemovalPolicy.RETAIN,
            auto_delete_objects=self._config.disposable,
        )

    def _bucket(
        self,
        construct_id: str,
        *,
        versioned: bool,
        rules: tuple[s3.LifecycleRule, ...],
        announces_objects: bool = False,
        analysis: s3.CfnBucket.AnalyticsConfigurationProperty | None = None,
    ) -> s3.IBucket:
        return DataBucket(
            self,
            construct_id,
            access_logs=self._logs,
            disposable=self._config.disposable,
            versioned=versioned,
            lifecycle_rules=(self._abort_uploads(), *rules),
            announces_objects=announces_objects,
            analysis=analysis,
        ).bucket

    def _analysis(self) -> s3.CfnBucket.AnalyticsConfigurationProperty:
        """Storage class analysis of the whole bucket, exported every day."""
        report = s3.CfnBucket.DestinationProperty(
            bucket_arn=self._logs.bucket_arn, format="CSV", prefix=f"{object_keys.STORAGE_ANALYSIS}sequencing"
        )
        return s3.CfnBucket.AnalyticsConfigurationProperty(
            id="whole-bucket",
            storage_class_analysis=s3.CfnBucket.StorageClassAnalysisProperty(
                data_export=s3.CfnBucket.DataExportProperty(destination=report, output_schema_version="V_1")
            ),
        )

    def _allow_analysis_reports(self) -> None:
        self._logs.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self._logs.arn_for_objects(f"{object_keys.STORAGE_ANALYSIS}*")],
                conditions={
                    "ArnLike": {"aws:SourceArn": self.sequencing.bucket_arn},
                    "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
                },
            )
        )

    def _abort_uploads(self) -> s3.LifecycleRule:
        return s3.LifecycleRule(
            id="unfinished-uploads",
            abort_incomplete_multipart_upload_after=cdk.Duration.days(self._config.partial_upload_days),
        )

    def _expire_replaced(self) -> s3.LifecycleRule:
        return s3.LifecycleRule(
            id="replaced-versions",
            noncurrent_version_expiration=cdk.Duration.days(self._config.noncurrent_days),
            expired_object_delete_marker=True,
        )

    @staticmethod
    def _expire(rule_id: str, prefix: str, days: int) -> s3.LifecycleRule:
        return s3.LifecycleRule(id=rule_id, prefix=prefix, expiration=cdk.Duration.days(days))
