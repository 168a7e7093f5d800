"""Files that are wrong on purpose: each ends in one clear line, in rejects, or in rows that say what the file says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.parity.rows import misplaced, text_of
from benchmarks.parity.verdicts import REJECTED
from glue_jobs.vcf.errors import VcfError

pytestmark = pytest.mark.shared_data

# Of the files with wrong records: those whose rows say all that the file says, and no more. What is wrong with them
# lies between fields, between records, or in what a well-formed value means.
_FAITHFUL = (
    "body_alt_000",  # an IUPAC code in ALT
    "body_chrom_003",  # `*` in a contig's name, which HLA contigs have
    "body_contiguous_000",
    "body_contiguous_001",
    "body_duplicated_002",
    "body_duplicated_003",
    "body_format_003",  # a field's name with `*`
    "body_info_010",  # what a CIGAR may hold
    "body_info_016",  # END=-1: not used as the end
    "body_info_021",  # a negative count
    "body_invalid",  # structural variants: fields that contradict one another
    "body_qual_001",  # negative QUAL
    "body_sample_010",  # in calls that are homozygous reference, which have no rows
    "body_samples_ploidy",
)


def _vcf_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _read(read: Callable[..., Any], path: Path) -> Any:
    """Rows or the error's text; the same in one range and in three."""
    outcomes: list[Any] = []
    for pieces in (1, 3):
        try:
            outcomes.append(read(path.read_bytes(), pieces=pieces))
        except VcfError as error:
            outcomes.append(str(error))
    # As text, in which NaN equals NaN.
    one, three = (outcome if isinstance(outcome, str) else str(vars(outcome)) for outcome in outcomes)
    assert one == three
    return outcomes[0]


def test_right_files_load_without_rejects(shared_data: Path, read: Callable[..., Any]) -> None:
    folder = shared_data / "bad_inputs/ebi_vcf_validator"
    files = [path for path in _vcf_files(folder) if path.parent.name == "passed"]
    assert len(files) == 70
    for path in files:
        rows = _read(read, path)
        reasons = [reject["reason"].partition(": ")[2] for reject in rows.rejects]
        assert reasons == ([REJECTED[path.name]] if path.name in REJECTED else []), path


def test_wrong_files_end_in_one_line_or_rejects_or_faithful_rows(shared_data: Path, read: Callable[..., Any]) -> None:
    folder = shared_data / "bad_inputs/ebi_vcf_validator"
    files = [path for path in _vcf_files(folder) if path.parent.name in ("failed", "non_readable")]
    assert len(files) == 427
    for path in files:
        outcome = _read(read, path)
        if isinstance(outcome, str):
            assert outcome, path
            assert "\n" not in outcome, path
            continue
        if path.name.startswith("failed_body") and not outcome.rejects:
            assert path.stem.removeprefix("failed_").startswith(_FAITHFUL), path
        assert misplaced(text_of(path), outcome) is None, path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("htsjdk/vcfexample.vcf.truncated.gz", "line 1: is not a VCF: it begins with '##format=VCRv3.2"),
        ("notbgz.vcf.gz", None),
        ("nucleus/malformed.vcf", None),
        ("nucleus/vcf_no_header.vcf", "is not a VCF"),
        ("nucleus/malformed.fastq", "line 1: is not a VCF"),
        ("samtools_quickcheck/9.quickcheck.cram30.truncated.cram", "line 1: is not a VCF"),
        ("htsjdk/trioDup.vcf", "line 1: VCF version 3.3 cannot be read"),
        ("pysam/example_badcomments.vcf.gz", None),
    ],
)
def test_other_odd_files_end_cleanly(
    shared_data: Path, read: Callable[..., Any], name: str, message: str | None
) -> None:
    outcome = _read(read, shared_data / "bad_inputs" / name)
    if message is None:
        assert not isinstance(outcome, str), outcome
        assert misplaced(text_of(shared_data / "bad_inputs" / name), outcome) is None
    else:
        assert message in outcome
