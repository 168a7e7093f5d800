"""Buckets and ledger: encrypted, reached over TLS only, kept unless they are disposable."""

from collections.abc import Mapping
from typing import Any

from genomics.contracts.ledger import PARTITION_KEY, SORT_KEY


def buckets(assembly: Any) -> dict[str, Mapping[str, Any]]:
    """Buckets by the name of their construct."""
    found = assembly.resources("storage", "AWS::S3::Bucket").values()
    return {resource["Metadata"]["aws:cdk:path"].split("/")[1]: resource for resource in found}


def rules(bucket: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Lifecycle rules by their identifier."""
    return {rule["Id"]: rule for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]}


def test_there_are_the_stage_s_buckets(assembly: Any) -> None:
    assert set(buckets(assembly)) == {"Sequencing", "DataLake", "Resources", "Logs"}


def test_buckets_are_never_public(assembly: Any) -> None:
    for bucket in buckets(assembly).values():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["Properties"]["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_data_buckets_have_a_rotating_key_of_their_own(assembly: Any) -> None:
    used = []
    keys = assembly.resources("storage", "AWS::KMS::Key")
    for name, bucket in buckets(assembly).items():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        how = rule["ServerSideEncryptionByDefault"]
        if name == "Logs":
            assert how == {"SSEAlgorithm": "AES256"}
            continue
        assert how["SSEAlgorithm"] == "aws:kms"
        assert rule["BucketKeyEnabled"] is True
        used.append(how["KMSMasterKeyID"]["Fn::GetAtt"][0])
    assert len(set(used)) == 3
    for key in used:
        assert keys[f"storage/{key}"]["Properties"]["EnableKeyRotation"] is True


def test_bucket_policies_deny_what_comes_without_tls(assembly: Any) -> None:
    policies = assembly.resources("storage", "AWS::S3::BucketPolicy").values()
    guarded = set()
    for policy in policies:
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        denied = [s for s in statements if s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}]
        if [(s["Effect"], s["Action"], s["Principal"]) for s in denied] == [("Deny", "s3:*", {"AWS": "*"})]:
            guarded.add(policy["Properties"]["Bucket"]["Ref"])
    assert guarded == {name.split("/")[1] for name in assembly.resources("storage", "AWS::S3::Bucket")}


def test_access_to_data_is_logged(assembly: Any) -> None:
    found = buckets(assembly)
    logs = {name for name in assembly.resources("storage") if name.startswith("storage/Logs")}
    prefixes = set()
    for name, bucket in found.items():
        if name != "Logs":
            logging = bucket["Properties"]["LoggingConfiguration"]
            assert f"storage/{logging['DestinationBucketName']['Ref']}" in logs
            prefixes.add(logging["LogFilePrefix"])
    assert len(prefixes) == 3


def test_what_is_irreplaceable_is_versioned(assembly: Any) -> None:
    found = buckets(assembly)
    versioned = {name for name, bucket in found.items() if "VersioningConfiguration" in bucket["Properties"]}
    assert versioned == {"Sequencing", "Resources"}
    for name in versioned:
        assert found[name]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
        assert rules(found[name])["replaced-versions"]["NoncurrentVersionExpiration"]["NoncurrentDays"] > 0


def test_unfinished_uploads_are_swept_in_every_bucket(default: Any, other: Any) -> None:
    for assembly, days in ((default, 3), (other, 1)):
        for bucket in buckets(assembly).values():
            rule = rules(bucket)["unfinished-uploads"]
            assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": days}


def test_only_what_can_be_made_again_expires(default: Any, other: Any) -> None:
    for assembly, partial, trimmed, copies in ((default, 3, 14, 365), (other, 1, 2, 100)):
        found = rules(buckets(assembly)["Sequencing"])
        expiring = {(r["Prefix"], r["ExpirationInDays"]) for r in found.values() if "ExpirationInDays" in r}
        assert expiring == {("partial/", partial), ("steps/fastp/", trimmed), ("vcf_copies/", copies)}


def test_the_lake_is_tiered_at_once_and_forgets_query_results(default: Any, other: Any) -> None:
    for assembly, days in ((default, 30), (other, 5)):
        found = rules(buckets(assembly)["DataLake"])
        assert found["intelligent-tiering"]["Transitions"] == [
            {"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 0}
        ]
        assert found["query-results"]["Prefix"] == "query-results/"
        assert found["query-results"]["ExpirationInDays"] == days


def test_sequencing_announces_its_objects_and_no_other_bucket_does(assembly: Any) -> None:
    announcing = {
        name: bucket["Properties"]["NotificationConfiguration"]
        for name, bucket in buckets(assembly).items()
        if "NotificationConfiguration" in bucket["Properties"]
    }
    assert announcing == {"Sequencing": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}}


def test_data_stays_when_its_stack_goes_unless_it_is_disposable(default: Any, other: Any) -> None:
    kinds = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key")
    for assembly, policy in ((default, "Retain"), (other, "Delete")):
        for kind in kinds:
            for resource in assembly.resources("storage", kind).values():
                assert resource["DeletionPolicy"] == policy
                assert resource["UpdateReplacePolicy"] == policy


def test_the_ledger_can_be_restored_and_has_the_contracts_keys(default: Any, other: Any) -> None:
    for assembly, is_protected in ((default, True), (other, False)):
        (table,) = assembly.resources("storage", "AWS::DynamoDB::Table").values()
        properties = table["Properties"]
        assert properties["KeySchema"] == [
            {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
        ]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["SSESpecification"]["SSEType"] == "KMS"
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["DeletionProtectionEnabled"] is is_protected


def test_access_logs_are_kept_as_long_as_the_setting_says(default: Any, other: Any) -> None:
    for assembly, days in ((default, 365), (other, 30)):
        assert rules(buckets(assembly)["Logs"])["old-logs"]["ExpirationInDays"] == days
