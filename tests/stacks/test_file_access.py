"""Stage file_access: absent by default; read-only ways to the run folders when it is there."""

from typing import Any

from tests.conftest import late
from tests.stacks.conftest import Assembly, flat

app_settings = late("settings")


def the_only(assembly: Assembly, kind: str) -> dict[str, Any]:
    (found,) = assembly.resources("file-access", kind).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_it_is_off_by_default(default: Assembly) -> None:
    assert default.resources("file-access") == {}


def test_each_way_is_turned_on_alone() -> None:
    gateway = {"file_gateway_arn": "arn:aws:storagegateway:us-east-1:123456789012:gateway/sgw-12A3456B"}
    assert (
        app_settings.Settings.read({f"genomics:{name}": value for name, value in gateway.items()}).file_access() is None
    )
    for given in (
        {**gateway, "file_gateway_smb": "true"},
        {**gateway, "file_gateway_nfs_clients": "10.1.0.0/16"},
        {"lustre_gib": "1200"},
        {"windows_gib": "32", "windows_directory_id": "d-0123456789"},
        {"analysis_instance_type": "m7i.large"},
    ):
        assert app_settings.Settings.read({f"genomics:{name}": value for name, value in given.items()}).file_access()


def test_shares_of_the_gateway_are_read_only_and_of_the_run_folders(other: Assembly) -> None:
    for kind in ("NFSFileShare", "SMBFileShare"):
        share = the_only(other, f"AWS::StorageGateway::{kind}")
        assert share["ReadOnly"] is True
        assert flat(share["LocationARN"]).endswith("/run_folders/")
    nfs = the_only(other, "AWS::StorageGateway::NFSFileShare")
    assert (nfs["ClientList"], nfs["Squash"]) == (["10.1.0.0/16"], "RootSquash")
    writes = [
        action
        for found in other.resources("file-access", "AWS::IAM::Policy").values()
        for statement in found["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith(("s3:Put", "s3:Delete"))
    ]
    assert writes == []


def test_lustre_imports_from_the_bucket_and_exports_nothing(other: Assembly) -> None:
    associations = [
        found["Properties"] for found in other.resources(kind="AWS::FSx::DataRepositoryAssociation").values()
    ]
    assert {a["FileSystemPath"] for a in associations} == {"/run_folders", "/steps"}
    for association in associations:
        assert set(association["S3"]) == {"AutoImportPolicy"}


def test_windows_shares_are_in_two_zones_and_audited(other: Assembly) -> None:
    systems = [found["Properties"] for found in other.resources(kind="AWS::FSx::FileSystem").values()]
    [windows] = [system for system in systems if system["FileSystemType"] == "WINDOWS"]
    assert len(windows["SubnetIds"]) == 2
    assert windows["WindowsConfiguration"]["DeploymentType"] == "MULTI_AZ_1"
    assert windows["WindowsConfiguration"]["AuditLogConfiguration"]["FileAccessAuditLogLevel"] == "SUCCESS_AND_FAILURE"


def test_the_analysis_instance_opens_no_port_to_anyone(other: Assembly) -> None:
    groups = other.resources("file-access", "AWS::EC2::SecurityGroup")
    for group in groups.values():
        assert "SecurityGroupIngress" not in group["Properties"]
    instance = the_only(other, "AWS::EC2::Instance")
    assert "KeyName" not in instance
    start = flat(instance["UserData"]["Fn::Base64"])
    assert "mount -t lustre" in start
    assert "/windows cifs" in start


def test_lustre_may_use_the_key_of_the_bucket_that_it_is_linked_to(default: Assembly, other: Assembly) -> None:
    def statements(assembly: Assembly) -> list[dict[str, Any]]:
        return [
            statement
            for found in assembly.resources("storage", "AWS::KMS::Key").values()
            for statement in found["Properties"]["KeyPolicy"]["Statement"]
            if statement.get("Sid") == "FsxReadsObjects"
        ]

    assert statements(default) == []
    [statement] = statements(other)
    conditions = statement["Condition"]
    # FSx for Lustre User Guide, "Working with server-side encrypted Amazon S3 buckets".
    assert set(statement["Action"]) == {
        "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey",
    }  # fmt: skip
    assert flat(conditions["ArnLike"]["aws:PrincipalArn"]).endswith(
        "iam::210987654321:role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/AWSServiceRoleForFSxS3Access_*"
    )
    assert conditions["StringEquals"]["kms:ViaService"] == "s3.eu-central-1.amazonaws.com"
    # With a bucket key, the encryption context is the bucket's ARN.
    context = flat(conditions["StringLike"]["kms:EncryptionContext:aws:s3:arn"])
    assert context.endswith(":s3:::trial-2-storage*")
