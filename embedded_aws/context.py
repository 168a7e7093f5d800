"""What every embedded service is told about the instance it belongs to."""

from dataclasses import dataclass
from pathlib import Path

# The operator's credentials: keys that STS does not give out. Any others of that kind would do.
OPERATOR_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIAOPERATOR00000000", "AWS_SECRET_ACCESS_KEY": "operator"}


@dataclass(frozen=True)
class Context:
    """One running instance: where it listens, what it keeps on disk, which account it plays."""

    port: int
    data: Path
    account: str = "123456789012"
    region: str = "us-east-1"
    partition: str = "aws"

    @property
    def endpoint(self) -> str:
        """URL of every service."""
        return f"http://127.0.0.1:{self.port}"

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def directory(self, *names: str) -> Path:
        """A directory below `data`, made if absent."""
        path = self.data.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path
