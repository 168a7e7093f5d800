"""Where Batch jobs find room: the compute environments of their queue, and the one machine that plays them all.

What differs from AWS: a job that a compute environment could hold but this machine could not counts as all of the
machine, and so runs alone. A job that no environment of its queue could ever hold stays RUNNABLE, as on AWS.
"""

import functools
import math
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import psutil
from moto.ec2.models.instance_types import INSTANCE_TYPES

from embedded_aws.batch.jobs import Job

_MIB = 2**20
# AWS Batch User Guide, "Jobs stuck in RUNNABLE status": the reasons that DescribeJobs gives.
TOO_MANY_VCPUS = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU "
    "requirement of the job."
)
TOO_LARGE = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that "
    "can be met by the CE(s) attached to the job queue."
)
# CreateComputeEnvironment, instanceTypes: "optimal" chooses from the C4, M4 and R4 families (or newer ones).
_OPTIMAL = ("c4", "m4", "r4")


class Room(Enum):
    """Whether a job has found its place, and if not, what it lacks."""

    FOUND = auto()
    NOT_IN_ENVIRONMENT = auto()
    NOT_ON_MACHINE = auto()


@dataclass(frozen=True)
class Environment:
    """A compute environment: how many vCPUs it may have at once, and its instance types' vCPUs and MiB of memory."""

    arn: str
    name: str
    max_vcpus: float
    sizes: tuple[tuple[float, int], ...] | None

    @classmethod
    def of(cls, found: Any) -> "Environment":
        """What moto's record of a compute environment says. An unmanaged one has no limits."""
        resources = found.compute_resources or {}
        types = resources.get("instanceTypes")
        return cls(
            arn=found.arn,
            name=found.name,
            max_vcpus=float(resources.get("maxvCpus") or math.inf),
            sizes=_sizes(tuple(types)) if types else None,
        )

    def has_instances_for(self, job: Job) -> bool:
        """Whether one of its instance types is large enough."""
        vcpus, memory_mib = job.request.vcpus, job.request.memory_mib
        return self.sizes is None or any(vcpus <= size[0] and memory_mib <= size[1] for size in self.sizes)


class Machine:
    """Cores and memory of this machine, and how much of them jobs have."""

    def __init__(self, cores: Sequence[int], memory_mib: int) -> None:
        self.vcpus, self.memory_mib = float(len(cores)), memory_mib
        self._load = dict.fromkeys(cores, 0.0)
        self._free_vcpus, self._free_memory_mib = self.vcpus, memory_mib

    @classmethod
    def this(cls) -> "Machine":
        """The cores that this process may use, and the machine's memory."""
        return cls(sorted(os.sched_getaffinity(0)), psutil.virtual_memory().total // _MIB)

    def take(self, job: Job) -> bool:
        """Reserve what `job` needs, if there is room, and say on which cores it runs: those with the least to do."""
        vcpus, memory_mib = self._need(job)
        if vcpus > self._free_vcpus or memory_mib > self._free_memory_mib:
            return False
        job.cores = frozenset(sorted(self._load, key=self._load.__getitem__)[: math.ceil(vcpus)])
        self._reserve(job, vcpus, memory_mib)
        return True

    def give_back(self, job: Job) -> None:
        """Free what `take` reserved."""
        vcpus, memory_mib = self._need(job)
        self._reserve(job, -vcpus, -memory_mib)

    def _reserve(self, job: Job, vcpus: float, memory_mib: int) -> None:
        self._free_vcpus -= vcpus
        self._free_memory_mib -= memory_mib
        for core in job.cores:
            self._load[core] += vcpus / len(job.cores)

    def _need(self, job: Job) -> tuple[float, int]:
        return min(job.request.vcpus, self.vcpus), min(job.request.memory_mib, self.memory_mib)


class Fleet:
    """The machine as the compute environments that a queue has, in their order."""

    def __init__(self, machine: Machine, environments: Callable[[str], Sequence[Environment]]) -> None:
        self._machine = machine
        self._environments = environments
        self._used_vcpus: dict[str, float] = defaultdict(float)

    def obstacle(self, job: Job) -> str | None:
        """Why no environment of its queue will ever hold `job`, as Batch words it."""
        environments = self._environments(job.request.queue_arn)
        if not environments:
            return None
        wide_enough = [found for found in environments if job.request.vcpus <= found.max_vcpus]
        if not wide_enough:
            return TOO_MANY_VCPUS
        return None if any(found.has_instances_for(job) for found in wide_enough) else TOO_LARGE

    def take(self, job: Job) -> Room:
        """Reserve room for `job` in the first environment that has it."""
        for environment in self._environments(job.request.queue_arn):
            is_free = self._used_vcpus[environment.arn] + job.request.vcpus <= environment.max_vcpus
            if is_free and environment.has_instances_for(job):
                if not self._machine.take(job):
                    return Room.NOT_ON_MACHINE
                self._used_vcpus[environment.arn] += job.request.vcpus
                job.environment = environment.name, environment.arn
                return Room.FOUND
        return Room.NOT_IN_ENVIRONMENT

    def give_back(self, job: Job) -> None:
        """Free what `take` reserved."""
        self._machine.give_back(job)
        self._used_vcpus[job.environment[1]] -= job.request.vcpus


@functools.cache
def _sizes(types: tuple[str, ...]) -> tuple[tuple[float, int], ...] | None:
    """VCPUs and memory of every instance type that the names (types, families, `optimal`) stand for."""
    wanted = {family for name in types for family in (_OPTIMAL if name == "optimal" else (name,))}
    found = [info for name, info in INSTANCE_TYPES.items() if name in wanted or name.partition(".")[0] in wanted]
    sizes = {(float(info["VCpuInfo"]["DefaultVCpus"]), int(info["MemoryInfo"]["SizeInMiB"])) for info in found}
    return tuple(sorted(sizes)) or None
