"""Why a query does not run, in the words of Athena."""

from dataclasses import dataclass


@dataclass
class QueryError(Exception):
    """A query fails. `code` is Trino's name of the error; `position` the line and column, from 1, where it shows."""

    code: str
    message: str
    position: tuple[int, int] | None = None

    def __str__(self) -> str:
        where = f"line {self.position[0]}:{self.position[1]}: " if self.position else ""
        return f"{self.code}: {where}{self.message}" if self.code else where + self.message

    @property
    def category(self) -> int:
        """AthenaError.ErrorCategory: 1 system, 2 user, 3 other."""
        return 1 if self.code == "GENERIC_INTERNAL_ERROR" else 2


class SyntaxRefusedError(QueryError):
    """The text is not a statement that Athena takes: StartQueryExecution itself refuses it."""

    def __init__(self, message: str, position: tuple[int, int] | None = None) -> None:
        super().__init__("", message, position)


class CancelledError(QueryError):
    """The query is cancelled, by its user or by a limit."""

    def __init__(self, message: str) -> None:
        super().__init__("", message)
