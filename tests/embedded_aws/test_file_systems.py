import re
from typing import TYPE_CHECKING

from embedded_aws import file_systems

if TYPE_CHECKING:
    from tests.embedded_aws.conftest import Services


def test_a_file_system_has_the_same_id_whenever_it_is_made(services: "Services") -> None:
    efs = services.client("efs")
    made = efs.create_file_system(CreationToken="stack-References", Tags=[{"Key": "Name", "Value": "references"}])
    identifier = made["FileSystemId"]
    assert re.fullmatch("fs-[0-9a-f]{17}", identifier)
    assert identifier == file_systems.stable_id(services.context, "stack-References")
    assert made["FileSystemArn"].endswith(f":file-system/{identifier}")
    (described,) = efs.describe_file_systems(FileSystemId=identifier)["FileSystems"]
    assert described["Name"] == "references"
    assert efs.create_file_system(CreationToken="another")["FileSystemId"] != identifier


def test_a_deleted_file_system_leaves_no_files(services: "Services") -> None:
    efs = services.client("efs")
    identifier = efs.create_file_system(CreationToken="short-lived")["FileSystemId"]
    place = file_systems.path(services.context, identifier)
    (place / "file").write_text("x")
    efs.delete_file_system(FileSystemId=identifier)
    assert not place.exists()
