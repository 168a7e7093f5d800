"""S3, DynamoDB and EFS."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call, made_or_adopted, refuse_unknown, tags
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import (
    Created,
    Creation,
    Existing,
    ResourceError,
    ResourceType,
    changed,
    recorded,
)
from embedded_aws.resources.updating import put_again, retag, with_properties


def _versioning(bucket: str, value: Any) -> None:
    call("s3", "PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": value["Status"]})


def _encryption(bucket: str, value: Any) -> None:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": str(rule.get("BucketKeyEnabled", False)).lower() == "true",
        }
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    call("s3", "PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _public_access(bucket: str, value: Any) -> None:
    told = {"Bucket": bucket, "PublicAccessBlockConfiguration": value}
    call("s3", "PutPublicAccessBlock", **arguments("s3", "PutPublicAccessBlock", told, resource_type="AWS::S3::Bucket"))


def _ownership(bucket: str, value: Any) -> None:
    call("s3", "PutBucketOwnershipControls", Bucket=bucket, OwnershipControls=value)


def _logging(bucket: str, value: Any) -> None:
    target = {
        "TargetBucket": value.get("DestinationBucketName", bucket),
        "TargetPrefix": value.get("LogFilePrefix", ""),
    }
    call("s3", "PutBucketLogging", Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})


def _tagging(bucket: str, value: Any) -> None:
    call("s3", "PutBucketTagging", Bucket=bucket, Tagging={"TagSet": tags({"Tags": value})})


def _notifications(bucket: str, value: Any) -> None:
    notify(bucket, value)


def notify(bucket: str, configuration: Mapping[str, Any]) -> None:
    """Set what a bucket announces. `configuration` may be a template's or already the API's."""
    configuration = dict(configuration)
    bridge = configuration.pop("EventBridgeConfiguration", None)
    renamed = {"QueueConfigurations": ("Queue", "QueueArn"), "TopicConfigurations": ("Topic", "TopicArn")}
    renamed["LambdaConfigurations"] = renamed["LambdaFunctionConfigurations"] = ("Function", "LambdaFunctionArn")
    told: dict[str, Any] = {}
    for name, entries in configuration.items():
        short, full = renamed[name]
        converted = [
            {full if key == short else {"Event": "Events"}.get(key, key): v for key, v in entry.items()}
            for entry in entries
        ]
        told[name.replace("LambdaConfigurations", "LambdaFunctionConfigurations")] = converted
    if bridge is not None and str(bridge.get("EventBridgeEnabled", True)).lower() == "true":
        told["EventBridgeConfiguration"] = {}
    call("s3", "PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=told)


def _lifecycle(bucket: str, value: Any) -> None:
    rules = [_lifecycle_rule(rule) for rule in value["Rules"]]
    call("s3", "PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        told["ID"] = rule["Id"]
    expiration: dict[str, Any] = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = int(rule["ExpirationInDays"])
    if str(rule.get("ExpiredObjectDeleteMarker", False)).lower() == "true":
        expiration["ExpiredObjectDeleteMarker"] = True
    if expiration:
        told["Expiration"] = expiration
    if transitions := rule.get("Transitions"):
        told["Transitions"] = [
            {"StorageClass": transition["StorageClass"], "Days": int(transition["TransitionInDays"])}
            for transition in transitions
        ]
    if noncurrent := rule.get("NoncurrentVersionExpiration"):
        told["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(noncurrent["NoncurrentDays"])}
    if unfinished := rule.get("AbortIncompleteMultipartUpload"):
        told["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(unfinished["DaysAfterInitiation"])}
    return told


# In this order: announcing and logging check what was set before.
_BUCKET_PROPERTIES: Mapping[str, Callable[[str, Any], None]] = {
    "VersioningConfiguration": _versioning,
    "BucketEncryption": _encryption,
    "PublicAccessBlockConfiguration": _public_access,
    "OwnershipControls": _ownership,
    "LifecycleConfiguration": _lifecycle,
    "LoggingConfiguration": _logging,
    "NotificationConfiguration": _notifications,
    "Tags": _tagging,
}
# Of these nothing depends on one machine: they report on, or price, what is stored.
_BUCKET_RECORDED = ("AnalyticsConfigurations", "IntelligentTieringConfigurations", "InventoryConfigurations")


_KNOWN_BUCKET_PROPERTIES = ("BucketName", "AccessControl", *_BUCKET_PROPERTIES, *_BUCKET_RECORDED)


def _create_bucket(creation: Creation) -> Created:
    refuse_unknown(creation, _KNOWN_BUCKET_PROPERTIES)
    name = creation.properties.get("BucketName") or creation.name(longest=63, lower=True)
    made_or_adopted(creation, lambda: _make_bucket(name))
    for property_name, put in _BUCKET_PROPERTIES.items():
        if property_name in creation.properties:
            put(name, creation.properties[property_name])
    domain = f"{name}.s3.amazonaws.com"
    attributes = {
        "Arn": creation.arn("s3", name, regional=False, account=False),
        "DomainName": domain,
        "RegionalDomainName": f"{name}.s3.{creation.context.region}.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{creation.context.region}.amazonaws.com",
    }
    return Created(name, attributes)


def _make_bucket(name: str) -> None:
    """S3 lets an owner create a bucket again in us-east-1, CloudFormation does not."""
    try:
        call("s3", "HeadBucket", Bucket=name)
    except ResourceError as error:
        if error.code != "NotFound":
            raise
        call("s3", "CreateBucket", Bucket=name)
        return
    raise ResourceError(f"{name} already exists (Service: S3, Status Code: 409)", code="AlreadyExists")


# What is left when a property is taken out of the template, or what removes it.
_WITHOUT: Mapping[str, Callable[[str], Any]] = {
    "VersioningConfiguration": lambda bucket: _versioning(bucket, {"Status": "Suspended"}),
    "BucketEncryption": lambda bucket: call("s3", "DeleteBucketEncryption", Bucket=bucket),
    "PublicAccessBlockConfiguration": lambda bucket: call("s3", "DeletePublicAccessBlock", Bucket=bucket),
    "OwnershipControls": lambda bucket: call("s3", "DeleteBucketOwnershipControls", Bucket=bucket),
    "LifecycleConfiguration": lambda bucket: call("s3", "DeleteBucketLifecycle", Bucket=bucket),
    "LoggingConfiguration": lambda bucket: call("s3", "PutBucketLogging", Bucket=bucket, BucketLoggingStatus={}),
    "NotificationConfiguration": lambda bucket: notify(bucket, {}),
    "Tags": lambda bucket: call("s3", "DeleteBucketTagging", Bucket=bucket),
}


def _update_bucket(existing: Existing, creation: Creation) -> Created:
    refuse_unknown(creation, _KNOWN_BUCKET_PROPERTIES)
    name, before, after = existing.created.physical_id, existing.properties, creation.properties
    for property_name, put in _BUCKET_PROPERTIES.items():
        if property_name in after and before.get(property_name) != after[property_name]:
            put(name, after[property_name])
        elif property_name in before and property_name not in after:
            _WITHOUT[property_name](name)
    return existing.created


def _create_bucket_policy(creation: Creation) -> Created:
    bucket = creation.properties["Bucket"]
    told = {"Bucket": bucket, "Policy": creation.properties["PolicyDocument"]}
    call("s3", "PutBucketPolicy", **arguments("s3", "PutBucketPolicy", told, resource_type=creation.type))
    return Created(bucket)


_TABLE_AFTERWARDS = ("PointInTimeRecoverySpecification", "TimeToLiveSpecification", "ContributorInsightsSpecification")


def _create_table(creation: Creation) -> Created:
    properties = {"TableName": creation.name(longest=255), "BillingMode": "PROVISIONED", **creation.properties}
    afterwards = {name: properties.pop(name) for name in _TABLE_AFTERWARDS if name in properties}
    if encryption := properties.pop("SSESpecification", None):
        properties["SSESpecification"] = {
            {"SSEEnabled": "Enabled"}.get(name, name): value for name, value in encryption.items()
        }
    if stream := properties.pop("StreamSpecification", None):
        properties["StreamSpecification"] = {"StreamEnabled": True, **stream}
    told = arguments("dynamodb", "CreateTable", properties, resource_type=creation.type)
    name = told["TableName"]
    made_or_adopted(creation, lambda: call("dynamodb", "CreateTable", **told))
    _set_table_afterwards(name, afterwards, creation.type)
    return _described_table(name)


def _described_table(name: str) -> Created:
    table = call("dynamodb", "DescribeTable", TableName=name)["Table"]
    attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId", "")}
    if stream_arn := table.get("LatestStreamArn"):
        attributes["StreamArn"] = stream_arn
    return Created(name, attributes)


def _set_table_afterwards(name: str, afterwards: Mapping[str, Any], kind: str) -> None:
    if recovery := afterwards.get("PointInTimeRecoverySpecification"):
        enabled = str(recovery["PointInTimeRecoveryEnabled"]).lower() == "true"
        specification = {"PointInTimeRecoveryEnabled": enabled}
        call("dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=specification)
    if ttl := afterwards.get("TimeToLiveSpecification"):
        told = {"TableName": name, "TimeToLiveSpecification": ttl}
        told = arguments("dynamodb", "UpdateTimeToLive", told, resource_type=kind)
        call("dynamodb", "UpdateTimeToLive", **told)


_OFF: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "PointInTimeRecoverySpecification": lambda before: {"PointInTimeRecoveryEnabled": False},
    "TimeToLiveSpecification": lambda before: {**before, "Enabled": False},
}


def _update_table(existing: Existing, creation: Creation) -> Created:
    name, before, after = existing.created.physical_id, existing.properties, creation.properties
    direct = ("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled")
    told = {key: after[key] for key in direct if key in after and before.get(key) != after[key]}
    if before.get("StreamSpecification") != after.get("StreamSpecification"):
        stream = after.get("StreamSpecification")
        told["StreamSpecification"] = {"StreamEnabled": True, **stream} if stream else {"StreamEnabled": False}
    indexes, definitions = _index_changes(before, after), {"AttributeDefinitions": after["AttributeDefinitions"]}
    for step in (told, *({**definitions, "GlobalSecondaryIndexUpdates": [change]} for change in indexes)):
        if step:
            parameters = arguments("dynamodb", "UpdateTable", step, resource_type=creation.type)
            call("dynamodb", "UpdateTable", TableName=name, **parameters)
    changed_afterwards = {
        key: after.get(key) or off(before[key]) for key, off in _OFF.items() if before.get(key) != after.get(key)
    }
    _set_table_afterwards(name, changed_afterwards, creation.type)
    retag(existing, creation, "dynamodb", resource="ResourceArn", value=existing.created.attributes["Arn"])
    return _described_table(name)


def _index_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One index at a time, as UpdateTable has it. An index whose keys differ is made anew."""
    old = {index["IndexName"]: index for index in before.get("GlobalSecondaryIndexes", ())}
    new = {index["IndexName"]: index for index in after.get("GlobalSecondaryIndexes", ())}
    remade = [name for name in new if name in old and old[name] != new[name]]
    gone = [name for name in old if name not in new]
    deleted = [{"Delete": {"IndexName": name}} for name in (*gone, *remade)]
    return deleted + [{"Create": index} for name, index in new.items() if name not in old or name in remade]


def _create_global_table(creation: Creation) -> Created:
    """A table with one replica, here; settings of the replica are those of the table."""
    return _create_table(with_properties(creation, _of_replica(creation, creation.properties)))


def _of_replica(resource: Creation | Existing, properties: Mapping[str, Any]) -> dict[str, Any]:
    merged = {name: value for name, value in properties.items() if name != "Replicas"}
    for replica in properties["Replicas"]:
        if replica["Region"] == resource.context.region:
            merged |= {name: value for name, value in replica.items() if name not in ("Region", "SSESpecification")}
    return merged


def _create_file_system(creation: Creation) -> Created:
    afterwards = ("LifecyclePolicies", "FileSystemPolicy", "BackupPolicy", "FileSystemProtection")
    direct = ("Encrypted", "KmsKeyId", "PerformanceMode", "ThroughputMode", "AvailabilityZoneName")
    refuse_unknown(creation, (*direct, *afterwards, "FileSystemTags"))
    properties = creation.properties
    told = {name: properties[name] for name in direct if name in properties}
    told |= {"CreationToken": creation.name(), "Tags": properties.get("FileSystemTags", [])}
    told = arguments("efs", "CreateFileSystem", told, resource_type=creation.type)
    made = call("efs", "CreateFileSystem", **told)
    file_system = made["FileSystemId"]
    _set_file_system(file_system, {}, properties, creation.type)
    arn = creation.arn("elasticfilesystem", f"file-system/{file_system}")
    return Created(file_system, {"Arn": arn, "FileSystemId": file_system})


def _set_file_system(file_system: str, before: Mapping[str, Any], after: Mapping[str, Any], kind: str) -> None:
    policies = after.get("LifecyclePolicies", [])
    if before.get("LifecyclePolicies", []) != policies:
        call("efs", "PutLifecycleConfiguration", FileSystemId=file_system, LifecyclePolicies=policies)
    if (policy := after.get("FileSystemPolicy")) and before.get("FileSystemPolicy") != policy:
        told = {"FileSystemId": file_system, "Policy": policy}
        call("efs", "PutFileSystemPolicy", **arguments("efs", "PutFileSystemPolicy", told, resource_type=kind))
    if "FileSystemPolicy" in before and not policy:
        call("efs", "DeleteFileSystemPolicy", FileSystemId=file_system)


def _update_file_system(existing: Existing, creation: Creation) -> Created:
    """Throughput and backups have no effect here, so that nobody has to be told of them."""
    _set_file_system(existing.created.physical_id, existing.properties, creation.properties, creation.type)
    retag(existing, creation, "efs", resource="ResourceId", name="FileSystemTags")
    return existing.created


def _retag_access_point(existing: Existing, creation: Creation) -> Created:
    retag(existing, creation, "efs", resource="ResourceId", name="AccessPointTags")
    return existing.created


def _delete_bucket(existing: Existing) -> None:
    call("s3", "DeleteBucket", Bucket=existing.created.physical_id)


def _delete_bucket_policy(existing: Existing) -> None:
    call("s3", "DeleteBucketPolicy", Bucket=existing.created.physical_id)


def _delete_table(existing: Existing) -> None:
    call("dynamodb", "DeleteTable", TableName=existing.created.physical_id)


def _delete_file_system(existing: Existing) -> None:
    call("efs", "DeleteFileSystem", FileSystemId=existing.created.physical_id)


TYPES: Mapping[str, ResourceType] = {
    "AWS::S3::Bucket": ResourceType(_create_bucket, "s3:CreateBucket", delete=_delete_bucket, update=_update_bucket),
    "AWS::S3::BucketPolicy": ResourceType(
        _create_bucket_policy,
        "s3:PutBucketPolicy",
        delete=_delete_bucket_policy,
        update=put_again(_create_bucket_policy),
    ),
    # "KeySchema" and "LocalSecondaryIndexes": "Update requires: Replacement".
    "AWS::DynamoDB::Table": ResourceType(
        _create_table,
        "dynamodb:CreateTable",
        delete=_delete_table,
        update=_update_table,
        replaces=changed("KeySchema", "LocalSecondaryIndexes"),
    ),
    "AWS::DynamoDB::GlobalTable": ResourceType(
        _create_global_table,
        "dynamodb:CreateTable",
        delete=_delete_table,
        update=lambda existing, creation: _update_table(
            replace(existing, properties=_of_replica(existing, existing.properties)),
            with_properties(creation, _of_replica(creation, creation.properties)),
        ),
        replaces=changed("KeySchema", "LocalSecondaryIndexes"),
    ),
    "AWS::EFS::FileSystem": ResourceType(
        _create_file_system, "efs:CreateFileSystem", delete=_delete_file_system, update=_update_file_system
    ),
    "AWS::EFS::MountTarget": recorded(
        "a job reads the file system's directory; nothing is mounted over a network",
        ref=lambda creation: f"fsmt-{creation.name()}",
        attributes={"Id": "{id}", "IpAddress": "127.0.0.1"},
    ),
    "AWS::EFS::AccessPoint": made_by_call(
        "efs",
        "CreateAccessPoint",
        ref="AccessPointId",
        attributes={"Arn": "AccessPointArn", "AccessPointId": "AccessPointId"},
        renamed={"AccessPointTags": "Tags"},
        delete=("DeleteAccessPoint", "AccessPointId"),
        update=_retag_access_point,
    ),
}
