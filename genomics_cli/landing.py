"""The landing folder of the embedded AWS: where sequencers, or whoever plays them, put run folders."""

from pathlib import Path

from embedded_aws import file_servers
from genomics_cli.errors import UserError


def mount_landing(data: Path, folder: Path) -> None:
    """Let `folder` be what the transfer of the embedded AWS on `data` reads. Raises UserError."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; make it, or name another with --landing")
    try:
        file_servers.mount(data, file_servers.LANDING_SERVER, file_servers.LANDING_PATH, folder)
    except OSError as error:
        raise UserError(f"{error.filename} holds files already; move them to {folder} first") from error
