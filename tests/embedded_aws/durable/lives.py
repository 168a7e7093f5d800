"""Instances that are killed and started again on the same data."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from embedded_aws import instance
from embedded_aws.instance import Instance


@dataclass
class Lives:
    """An instance of the small stacks, whichever of its lives it is in."""

    data: Path
    assembly: Path
    now: Instance

    @classmethod
    def begin(cls, data: Path, assembly: Path) -> "Lives":
        return cls(data, assembly, instance.start(data, 0, assembly))

    def kill(self) -> None:
        """As a crash would: no process has the time to write anything."""
        os.kill(self.now.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while instance.find(self.data) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def again(self) -> Instance:
        self.kill()
        self.now = instance.start(self.data, 0, self.assembly)
        return self.now
