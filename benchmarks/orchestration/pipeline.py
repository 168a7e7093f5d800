"""NA12878 through the whole pipeline, on the embedded AWS and in one bash script."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pysam

from batch_tools.coverage.htslib import findable_htslib
from embedded_aws.instance import Instance
from settings.values import ToolSettings

_ROOT = Path(__file__).parents[2]
_SCRIPT = Path(__file__).with_name("pipeline.sh")
SAMPLE, CHROM, START, END = "NA12878", "chr20", 9_999_900, 10_050_000
_STEM = "NA12878.chr20_9999900_10050000"
_SORT_MIB = 800
_SHORT = 11_095_000


@dataclass(frozen=True)
class Timed:
    """Wall seconds, by step where it is known, and the records called."""

    seconds: float
    steps: Mapping[str, float]
    records: tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """What both are given."""

    fasta: Path
    reads: tuple[Path, Path]

    @classmethod
    def of(cls, data: Path, directory: Path, *, short: bool) -> "Input":
        """The reads, and chr20, written below `directory`; if `short`, its first 11 Mb, with unchanged coordinates."""
        fasta = directory / "chr20.fa"
        with pysam.FastaFile(str(data / "secondary_truth/ref/ucsc.hg19.chr20.unittest.fasta.gz")) as whole:
            fasta.write_text(f">{CHROM}\n{whole.fetch(CHROM, 0, _SHORT if short else None)}\n")
        first, second = (data / f"secondary_truth/{_STEM}.R{mate}_001.fastq.gz" for mate in (1, 2))
        return cls(fasta, (first, second))


def threads() -> dict[str, str]:
    """Of each tool, as the default settings give them to its job."""
    sizes = ToolSettings()
    steps = ("fastp", "align", "coverage", "quality")
    return {f"{step.upper()}_THREADS": str(getattr(sizes, step).vcpus) for step in steps}


def by_script(given: Input, directory: Path) -> Timed:
    """Run the script; CalledProcessError if a command fails."""
    directory.mkdir()
    began = time.perf_counter()
    with findable_htslib():
        environment = {
            **os.environ,
            **threads(),
            "SAMPLE": SAMPLE,
            "CHROM": CHROM,
            "START": str(START),
            "END": str(END),
            "SORT_MIB": str(_SORT_MIB),
            "FASTA": str(given.fasta),
            "READS_1": str(given.reads[0]),
            "READS_2": str(given.reads[1]),
            "PYTHON": sys.executable,
            "PYTHONPATH": str(_ROOT),
        }
        subprocess.run(["bash", str(_SCRIPT)], cwd=directory, env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    lines = (line.split() for line in (directory / "steps.txt").read_text().splitlines())
    return Timed(seconds, {step: float(took) for step, took in lines}, _records(directory / f"{SAMPLE}.vcf.gz"))


def on_the_platform(given: Input, directory: Path, running: Instance) -> Timed:
    """`genomics run`, from its start to the end of the run's execution: loading the lake, which follows, is left out.

    AssertionError if the run fails.
    """
    directory.mkdir()
    sheet = directory / "samples.csv"
    mates = ",".join(map(str, given.reads))
    sheet.write_text(f"patient,sample,lane,fastq_1,fastq_2\nHG001,{SAMPLE},L001,{mates}\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GENOMICS_"))}
    where = running.environment()
    output = directory / "output"
    words = ["run", str(sheet), "--reference", str(given.fasta), "--regions", f"{CHROM}:{START}-{END}"]
    began = time.time()
    subprocess.run(
        [sys.executable, "-m", "genomics_cli.main", *words, "--output", str(output)],
        env={**kept, **where, "PYTHONPATH": str(_ROOT)},
        cwd=directory,
        check=True,
        capture_output=True,
    )
    seconds = _ended(where, began) - began
    (vcf,) = output.rglob(f"*{SAMPLE}*.vcf.gz")
    return Timed(seconds, _steps(output / "summary.json"), _records(vcf))


def _ended(where: Mapping[str, str], since: float) -> float:
    """When the run's execution, the first one since then, had ended: seconds since the epoch."""
    make: Any = boto3.client
    states = make(
        "stepfunctions",
        endpoint_url=where["AWS_ENDPOINT_URL"],
        region_name=where["AWS_REGION"],
        aws_access_key_id=where["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=where["AWS_SECRET_ACCESS_KEY"],
    )
    executions = [
        execution
        for machine in states.list_state_machines()["stateMachines"]
        for execution in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        if execution["startDate"].timestamp() >= since
    ]
    first = min(executions, key=lambda execution: execution["startDate"])
    ended: float = first["stopDate"].timestamp()
    return ended


def _steps(summary: Path) -> dict[str, float]:
    document = json.loads(summary.read_text())
    steps = [*document["run_steps"], *(step for sample in document["samples"] for step in sample["steps"])]
    return {step["step"]: step["seconds"] for step in steps}


def _records(vcf: Path) -> tuple[str, ...]:
    words = ["bcftools", "view", "--no-version", "--no-header", str(vcf)]
    return tuple(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines())
