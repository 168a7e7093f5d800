"""`genomics up --landing DIR`: whose folder the embedded transfer reads."""

from pathlib import Path

import pytest

from embedded_aws import file_servers
from embedded_aws.context import Context
from genomics_cli.errors import UserError
from genomics_cli.landing import mount_landing


def landing(data: Path) -> Path:
    """What an execution of the landing task reads."""
    return file_servers.export(Context(0, data), file_servers.LANDING_SERVER, file_servers.LANDING_PATH)


def test_a_folder_takes_the_landing_folders_place_and_another_may_follow(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        mount_landing(tmp_path / "data", tmp_path / name)
        assert landing(tmp_path / "data").resolve() == tmp_path / name


def test_an_empty_landing_folder_gives_way_and_a_full_one_is_not_hidden(tmp_path: Path) -> None:
    folder = landing(tmp_path / "data")
    mount_landing(tmp_path / "data", tmp_path)
    folder.unlink()
    folder.mkdir()
    (folder / "run").mkdir()
    with pytest.raises(UserError, match="holds files already; move them to"):
        mount_landing(tmp_path / "data", tmp_path)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder; make it"):
        mount_landing(tmp_path, tmp_path / "absent")
