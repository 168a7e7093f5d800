"""The on-premises file servers: each export is a directory of this machine, below `on-premises` in the data directory.

A lab's own folder takes an export's place by a symbolic link: `on-premises/<server>/<export>`.
"""

import contextlib
from pathlib import Path

from embedded_aws.context import Context

# The landing folder of a deployment into the embedded AWS, and the agent that its transfer names.
LANDING_SERVER = "sequencers.embedded"
LANDING_PATH = "/landing"
AGENT_ARN = f"arn:{Context.partition}:datasync:{Context.region}:{Context.account}:agent/agent-0e3bedded00000000"


def export(context: Context, server: str, path: str) -> Path:
    """The directory that plays the folder `path` that `server` exports; made if absent."""
    directory = _below(context.data, server, path)
    if not directory.is_symlink():
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def mount(data: Path, server: str, path: str, folder: Path) -> Path:
    """Let `folder` play what `server` exports as `path`, in the instance on `data`; returns where it is mounted.

    OSError if files lie there already.
    """
    place = _below(data, server, path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        place.unlink()
    else:
        with contextlib.suppress(FileNotFoundError):
            place.rmdir()
    place.symlink_to(folder.resolve(), target_is_directory=True)
    return place


def _below(data: Path, server: str, path: str) -> Path:
    parts = [part for part in path.split("/") if part]
    if not server or "/" in server or {server, *parts} & {".", ".."}:
        raise ValueError(f"{server}:{path} names no folder of a file server")
    return data.joinpath("on-premises", server, *parts)
