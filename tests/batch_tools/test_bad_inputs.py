"""Every broken FASTQ, BAM, CRAM and SAM of the shared data, given to the tools that read such a file, as a job does.

What is sound there is told by this file's own reading of it, not by a tool's.
"""

import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from batch_tools.call_variants import cli as call_variants
from batch_tools.coverage import cli as coverage
from batch_tools.coverage.htslib import findable_htslib
from batch_tools.fastp import cli as fastp
from batch_tools.prepare_reference import prepare_reference
from batch_tools.quality import cli as quality
from batch_tools.tool_runtime import execution
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.execution import Execution
from batch_tools.tool_runtime.tool import Attempt, Tool
from genomics.contracts import object_keys
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.ledger import from_item, step_item
from genomics.contracts.regions import Region
from genomics.contracts.runs import State
from genomics.contracts.steps import StepRecord, Task, TaskInput

pytestmark = pytest.mark.shared_data
BUCKET = "steps-bucket"
REFERENCE = "7" * 64

# Of Biopython's and Nucleus' files, the line at which each breaks, and how.
FAULTS = {
    "error_double_seq.fastq": "line 15: expected '+' below a sequence of one line",
    "error_no_qual.fastq": "line 4: 0 quality values for 25 bases",
    "error_qual_del.fastq": "line 16: character '\\x7f' in the quality",
    "error_qual_escape.fastq": "line 20: character '\\x1b' in the quality",
    "error_qual_space.fastq": "line 16: character ' ' in the quality",
    "error_qual_tab.fastq": "line 20: character '\\t' in the quality",
    "error_qual_vtab.fastq": "line 4: character '\\x0b' in the quality",
    "error_spaces.fastq": "line 2: character ' ' in the sequence",
    "error_trunc_at_plus.fastq": "line 17: truncated record",
    "error_trunc_at_seq.fastq": "line 17: truncated record",
    "error_trunc_in_plus.fastq": "line 17: truncated record",
    "error_trunc_in_seq.fastq": "line 17: truncated record",
    "error_trunc_in_title.fastq": "line 17: truncated record",
    "malformed.fastq": "line 7: expected '+' below a sequence of one line",
    # FASTQ by the letter, but wrapped over lines, which the tools that follow misread.
    "longreads_original_sanger.fastq": "line 3: expected '+' below a sequence of one line",
    "tricky.fastq": "line 15: expected '+' below a sequence of one line",
    "wrapping_original_sanger.fastq": "line 4: 30 quality values for 135 bases",
    # Of RNA, and in the encodings of Solexa and of Illumina before 1.8.
    "misc_rna_as_solexa.fastq": "line 2: character 'U' in the sequence (RNA",
    "misc_rna_original_sanger.fastq": "line 2: character 'U' in the sequence (RNA",
    "illumina_full_range_as_illumina.fastq": "line 4: the qualities are Phred+64",
    "longreads_as_illumina.fastq": "line 4: the qualities are Phred+64",
    "longreads_as_solexa.fastq": "line 4: the qualities are Phred+64",
    "misc_dna_as_illumina.fastq": "line 4: the qualities are Phred+64",
    "solexa_full_range_as_solexa.fastq": "line 4: the qualities are Phred+64",
    "wrapping_as_illumina.fastq": "line 4: the qualities are Phred+64",
}
# Four lines to a record, DNA, Phred+33: `_is_sound` sees them so too.
SOUND = (
    "longreads_as_sanger.fastq",
    "misc_dna_as_sanger.fastq",
    "sanger_93.fastq",
    "sanger_faked.fastq",
    "sanger_full_range_original_sanger.fastq",
    "zero_length.fastq",
)
# Sound, but of 25 bases: fastp.minimum_length is 30.
SHORT = ("example.fastq.bgz", "example.fastq.gz", "example_dos.fastq", "example_dos.fastq.bgz")

ALIGNMENTS = {
    "truncated.bam": "it is truncated, the end-of-file block is missing; align the sample again",
    "9.quickcheck.cram30.truncated.cram": "it is truncated, the end-of-file block is missing",
    # A sound CRAM, of a reference that is not among the data.
    "7.quickcheck.cram30.ok.cram": "its 17 is not in the reference: it is aligned to another one",
    "duplicated_reads.sam": "it is SAM text, this step reads BAM and CRAM; convert it",
    "invalid_coord_sort_order.sam": "it is SAM text, this step reads BAM and CRAM; convert it",
    "missing_fields.sam": "it is SAM text, this step reads BAM and CRAM; convert it",
    "truncated_quals.sam": "it is SAM text, this step reads BAM and CRAM; convert it",
}


def bad_input(shared_data: Path, name: str) -> Path:
    (path,) = (shared_data / "bad_inputs").rglob(name)
    return path


@dataclass(frozen=True)
class Account:
    """A bucket and a ledger in this process, and a place for scratch and references."""

    s3: Any
    dynamodb: Any
    directory: Path

    def attempt(self, tool: Tool, inputs: dict[str, Path], outputs: Sequence[str], **task: Any) -> StepRecord:
        """Have a tool do its task on files, as its job does: from S3, with the ledger and the record."""
        fingerprint = self.fingerprint(inputs)
        asked = Task(
            run_id="run1",
            sample="s1",
            step=tool.step,
            part="",
            fingerprint=fingerprint,
            inputs={name: (self._upload(path),) for name, path in inputs.items()},
            outputs={name: _uri(object_keys.step_output(tool.step, fingerprint, name)) for name in outputs},
            record=_uri(object_keys.step_record(tool.step, fingerprint)),
            reference=REFERENCE,
            **{"parameters": {}, **task},
        )
        places = (str(self.directory / "references"), str(self.directory / "scratch"))
        environment = ToolEnvironment("image-1", 1, 512, "ledger", *places, "fs-1")
        return Execution(tool, asked, environment, Attempt("job-a", 1), self.s3, self.dynamodb).run()

    def refusal(self, tool: Tool, inputs: dict[str, Path], outputs: Sequence[str], **task: Any) -> str:
        """Why a task fails: one line, the same in the ledger as in the error; nothing is published."""
        with pytest.raises(ToolError) as caught:
            self.attempt(tool, inputs, outputs, **task)
        told = str(caught.value)
        key = {"run_id": {"S": "run1"}, "item": {"S": step_item("s1", tool.step, "")}}
        entry = from_item(self.dynamodb.get_item(TableName="ledger", Key=key)["Item"])
        assert (entry.state, entry.exit_code, entry.reason) == (State.FAILED, 1, told)
        assert "\n" not in told
        assert "Traceback" not in told
        published = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"steps/{tool.step}/{self.fingerprint(inputs)}/")
        assert published["KeyCount"] == 0
        return told

    @staticmethod
    def fingerprint(inputs: dict[str, Path]) -> str:
        """A place of its own in S3 for what is made of the inputs."""
        return hashlib.sha256(b"".join(path.read_bytes() for path in inputs.values())).hexdigest()

    def _upload(self, path: Path) -> TaskInput:
        content, key = path.read_bytes(), f"inbox/{path.name}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return TaskInput(_uri(key), hashlib.sha256(content).hexdigest(), len(content))


def _uri(key: str) -> str:
    return object_keys.uri(BUCKET, key)


@pytest.fixture(scope="module")
def account(create_account: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.delenv("AWS_ENDPOINT_URL", raising=False)
        # Asking MultiQC takes a second.
        patched.setattr(execution, "tool_versions", cache(execution.tool_versions))
        create_account(region_name="us-east-1")
        s3, dynamodb = (boto3.client(service, region_name="us-east-1") for service in ("s3", "dynamodb"))
        yield Account(s3, dynamodb, tmp_path_factory.mktemp("account"))


def lane(path: Path) -> dict[str, Path]:
    return {"reads_1": path, "reads_2": path}


TRIMMED = ("reads_1", "reads_2", "report")


@pytest.mark.parametrize(("name", "problem"), FAULTS.items())
def test_a_faulty_fastq_fails_with_its_line(shared_data, account, name, problem):
    told = account.refusal(fastp.TOOL, lane(bad_input(shared_data, name)), TRIMMED)
    assert told.startswith(f"{name} {problem}")
    assert told.endswith("; replace the file and start the run again")


def _records(path: Path) -> list[tuple[bytes, bytes, bytes, bytes]]:
    data = path.read_bytes()
    lines = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).replace(b"\r\n", b"\n").split(b"\n")
    assert lines.pop() == b""
    return list(zip(*(lines[n::4] for n in range(4)), strict=True))


def _is_sound(record: tuple[bytes, bytes, bytes, bytes]) -> bool:
    title, bases, plus, qualities = record
    is_dna = set(bases.upper()) <= set(b"ACGTRYSWKMBDHVN")
    return title[:1] == b"@" and plus[:1] == b"+" and is_dna and len(bases) == len(qualities)


@pytest.mark.parametrize("name", SOUND)
def test_an_odd_but_sound_fastq_is_read_whole(shared_data, account, name):
    path = bad_input(shared_data, name)
    records = _records(path)
    assert all(_is_sound(record) for record in records)
    # Phred+33 for certain: nothing else has so low a character.
    assert min(quality for _, _, _, qualities in records for quality in qualities) < ord(";")
    assert account.attempt(fastp.TOOL, lane(path), TRIMMED).metrics["reads_in"] == 2 * len(records)


@pytest.mark.parametrize("name", SHORT)
def test_reads_that_are_all_too_short_say_so(shared_data, account, name):
    path = bad_input(shared_data, name)
    records = _records(path)
    assert all(_is_sound(record) for record in records)
    assert {len(bases) for _, bases, _, _ in records} == {25}
    told = account.refusal(fastp.TOOL, lane(path), TRIMMED)
    assert told.startswith(f"{name}: none of the {len(records)} read pairs passed the filters; give reads of 30 bases")
    kept = account.attempt(fastp.TOOL, lane(path), TRIMMED, parameters={"minimum_length": 20})
    assert kept.metrics["reads_out"] == 2 * len(records)


def test_every_read_and_alignment_file_of_the_data_is_looked_at(shared_data):
    found = [path for path in (shared_data / "bad_inputs").rglob("*") if path.is_file()]
    assert {path.name for path in found if ".fastq" in path.name} == {*FAULTS, *SOUND, *SHORT}
    assert {path.name for path in found if path.suffix in {".bam", ".cram", ".sam"}} == set(ALIGNMENTS)


@pytest.fixture(scope="module")
def prepared(account, tmp_path_factory):
    """A contig `chr1`, prepared where the tasks look for it; gives what stands in for files beside alignments."""
    directory = tmp_path_factory.mktemp("prepare")
    fasta, beside = directory / "genome.fa", directory / "beside"
    fasta.write_text(">chr1\n" + "ACGTTGCA" * 20 + "\n")
    beside.write_bytes(b"BAI\1\0\0\0\0")
    prepare_reference.run(
        fasta=fasta,
        fingerprint=REFERENCE,
        references=account.directory / "references",
        attempt="job-1",
        earlier_attempts=(),
        memory_mib=512,
        directory=directory,
    )
    return beside


@pytest.mark.parametrize("tool", [call_variants.TOOL, coverage.TOOL, quality.TOOL], ids=lambda tool: tool.step.value)
@pytest.mark.parametrize(("name", "problem"), ALIGNMENTS.items())
def test_faulty_alignments_fail_in_every_tool_that_reads_them(shared_data, account, prepared, tool, name, problem):
    inputs = {"alignments": bad_input(shared_data, name), "index": prepared}
    findings = dict.fromkeys(("report", "summary", "region_distribution", "stats"), prepared)
    with findable_htslib():
        told = account.refusal(tool, inputs | findings, ("made",), regions=(Region("chr1", 1, 101),), lanes=("L1",))
    assert told.startswith(f"{name}: {problem}")
