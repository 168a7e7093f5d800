"""Where file systems lie on this machine."""

from pathlib import Path

from embedded_aws.context import Context


def path(context: Context, file_system_id: str) -> Path:
    """The directory that plays the EFS file system `file_system_id`; it outlives the instance."""
    return context.directory("file-systems", file_system_id)
