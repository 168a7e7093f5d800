"""How a tool says that it cannot do its work."""


class ToolError(Exception):
    """The step cannot be done. The message is one line: why, with file and line or record where there is one.

    `exit_code` is the container's. What another attempt may cure has one above 128, as a killed process has.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code
