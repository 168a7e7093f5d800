"""What the person at the lab's machine must hear."""


class TrackerError(Exception):
    """Something that a person must put right; the message is one line that says what and how."""
