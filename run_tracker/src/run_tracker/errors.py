"""What the person at the lab's machine must hear."""

from botocore.exceptions import BotoCoreError, ClientError


class TrackerError(Exception):
    """Something that a person must put right; the message is one line that says what and how."""


def explain(error: Exception) -> str:
    """One line that says what went wrong."""
    if isinstance(error, TrackerError):
        text = str(error)
    elif isinstance(error, ClientError | BotoCoreError):
        text = f"AWS cannot be used: {error}"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = f"unexpected {type(error).__name__}: {error}"
    return " ".join(text.split())
