"""One step of a sample's analysis: the task a tool is given, the record it leaves, and the fingerprint that ties them.

A step's fingerprint is known before anything runs: it covers the tool's image, the parameters, and the content of the
inputs, where the content of an input made by another step is that step's fingerprint and the output's name. So every
path is computed up front, and a step is repeated exactly when something that it depends on has changed.
"""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from genomics.contracts.codec import dumps
from genomics.contracts.regions import Region


class Step(enum.StrEnum):
    """The steps of the secondary analysis, in the order of the data; each is a folder of batch_tools/."""

    PREPARE_REFERENCE = "prepare_reference"
    FASTP = "fastp"
    ALIGN = "align"
    CALL_VARIANTS = "call_variants"
    GATHER_VARIANTS = "gather_variants"


Scalar = str | int | float | bool


@dataclass(frozen=True)
class TaskInput:
    """An object to stage in. `sha256` is given for what the user brought; what a step made is checked against its record."""

    uri: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Task:
    """Everything a tool's container is told. `inputs` and `outputs` are named as the tool's README names them.

    `part` is the lane or region of a scattered step, else empty. `reference` is the directory of the prepared
    reference below the references mount. `lanes` stand in the order of the inputs' values. `reason` says why it runs.
    """

    run_id: str
    sample: str
    step: Step
    part: str
    fingerprint: str
    inputs: Mapping[str, tuple[TaskInput, ...]]
    outputs: Mapping[str, str]
    record: str
    parameters: Mapping[str, Scalar]
    reference: str = ""
    lanes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class OutputFile:
    """One promoted output: SHA-256 in hex, bytes, and S3's entity tag, which a HEAD request can compare."""

    uri: str
    sha256: str
    size: int
    etag: str


@dataclass(frozen=True)
class StepRecord:
    """Left beside a step's outputs, last: its presence says that they are complete.

    `tool_versions` as the tools print them; `seconds` wall time of the tool; `peak_memory_mib` of its process tree.
    """

    fingerprint: str
    run_id: str
    sample: str
    step: Step
    part: str
    inputs: Mapping[str, tuple[TaskInput, ...]]
    outputs: Mapping[str, OutputFile]
    parameters: Mapping[str, Scalar]
    image: str
    tool_versions: Mapping[str, str]
    started_at: str
    seconds: float
    staging_seconds: float
    peak_memory_mib: int
    vcpus: int
    memory_mib: int
    job_id: str
    attempt: int
    metrics: Mapping[str, Scalar] = field(default_factory=dict)


def fingerprint(
    step: Step,
    *,
    image: str,
    parameters: Mapping[str, Scalar],
    contents: Mapping[str, tuple[str, ...]],
    reference: str = "",
    lanes: tuple[str, ...] = (),
    regions: tuple[Region, ...] = (),
    sample: str = "",
) -> str:
    """SHA-256 in hex over everything that can change a step's outputs.

    `contents` holds, for each named input, SHA-256 sums or `made_by(...)`. `sample` is given where it is written
    into an output (read groups, VCF columns).
    """
    recipe = {
        "step": step.value,
        "image": image,
        "parameters": parameters,
        "contents": contents,
        "reference": reference,
        "lanes": lanes,
        "regions": [str(region) for region in regions],
        "sample": sample,
    }
    return hashlib.sha256(dumps(recipe).encode()).hexdigest()


def made_by(producer: str, output: str) -> str:
    """The content of an input that the step with fingerprint `producer` makes as `output`."""
    return f"{producer}/{output}"
