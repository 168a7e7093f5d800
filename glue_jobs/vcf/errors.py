"""What can be wrong with a file, and with one of its records."""


class VcfError(ValueError):
    """The file as a whole cannot be read. One line: where, what, and what to do; the caller names the file."""


class RecordError(ValueError):
    """One record cannot be read; the message becomes its `reason` in the table `rejects`."""
