"""What goes wrong in a way the user can do something about."""


class UserError(Exception):
    """Ends a command with its message as the only line."""

    exit_code = 1


class StoppedWaitingError(UserError):
    """The user stopped waiting."""

    exit_code = 130
