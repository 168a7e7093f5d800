"""A chain of tasks of nothing: through Step Functions and Batch on the embedded AWS, and through Snakemake."""

import itertools
import math
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.embedded_aws.batch_throughput import client, run_map, write_assembly
from embedded_aws import instance

SNAKEMAKE = "9.13.4"
# Its start takes seconds, a task milliseconds: of a few attempts at each chain, the fastest counts.
_ATTEMPTS = 3
_SNAKEFILE = """\
rule all:
    input: "{last}"

rule first:
    output: "0"
    shell: "touch {{output}}"

rule next:
    input: lambda wildcards: str(int(wildcards.number) - 1)
    output: "{{number,[1-9][0-9]*}}"
    shell: "touch {{output}}"
"""


def on_the_platform(tasks: int, directory: Path) -> float:
    """Milliseconds that one task of a chain takes, one after another."""
    data = directory / "aws"
    running = instance.start(data, 0, write_assembly(directory / "assembly", at_once=1))
    try:
        stack = client(running, "cloudformation").describe_stacks(StackName="throughput")["Stacks"][0]
        (machine,) = (output["OutputValue"] for output in stack["Outputs"])
        states: Any = client(running, "stepfunctions")
        run_map(states, machine, 2)
        return run_map(states, machine, tasks) / tasks * 1e3
    finally:
        instance.stop(data)


def by_snakemake(tasks: int, directory: Path) -> tuple[float, float] | str:
    """Milliseconds for one task of a chain and for the start, or why Snakemake cannot be had.

    It is installed by uv apart from this project, and its start is what a chain of one task takes.
    """
    if shutil.which("uvx") is None:
        return "uvx is not installed"
    words = ["uvx", "--python", "3.11", "--from", f"snakemake=={SNAKEMAKE}", "snakemake"]
    there = subprocess.run([*words, "--version"], capture_output=True, text=True, check=False)
    if there.returncode:
        return (there.stderr.strip().splitlines() or ["it said nothing"])[-1]
    fastest = {1: math.inf, tasks + 1: math.inf}
    for attempt, length in itertools.product(range(_ATTEMPTS), fastest):
        place = directory / f"snakemake-{attempt}-{length}"
        place.mkdir()
        (place / "Snakefile").write_text(_SNAKEFILE.format(last=length - 1))
        began = time.perf_counter()
        command = [*words, "--cores", "1", "--quiet", "all"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        fastest[length] = min(fastest[length], time.perf_counter() - began)
    return (fastest[tasks + 1] - fastest[1]) / tasks * 1e3, fastest[1] * 1e3
