"""Who asks Athena."""

from dataclasses import dataclass
from typing import Any

from embedded_aws import clients
from embedded_aws.iam import identity


@dataclass(frozen=True)
class Caller:
    """Who asked: what reads and writes for a query is done with these keys."""

    access_key: str
    session_token: str | None

    def client(self, service: str) -> Any:
        """A client that acts as the caller."""
        return clients.on_behalf_of(service, self.access_key, self.session_token)

    @property
    def is_operator(self) -> bool:
        """Whether no policy limits the caller."""
        return identity.authenticate(self.access_key, self.session_token).kind is identity.Kind.OPERATOR
