"""What goes wrong in a way the user can do something about."""


class UserError(Exception):
    """Ends a command with its message as the only line, and exit code 1."""
