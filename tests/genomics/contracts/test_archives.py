"""What goes to the archive, who can be told, and that its documents read back as they were written."""

import pytest

from genomics.contracts import codec
from genomics.contracts.archives import (
    Archive,
    ArchiveRequest,
    IndexEntry,
    RestoreRequest,
    Study,
    Tar,
    is_archived_kind,
    is_email,
    is_vcf,
)


@pytest.mark.parametrize(
    ("key", "archived", "vcf"),
    [
        ("r/Data/Intensities/BaseCalls/L001/C1.1/s_1_1101.bcl", True, False),
        ("r/Data/Intensities/BaseCalls/L001/C1.1/L001_1.cbcl", True, False),
        ("r/Data/Intensities/BaseCalls/L001/0001.bcl.bgzf", True, False),
        ("inbox/reads/00/A_R1.fastq.gz", True, False),
        ("inbox/reads/00/A_R1.FQ", True, False),
        ("steps/gather_variants/ff/A.vcf.gz", True, True),
        ("steps/gather_variants/ff/A.vcf.gz.tbi", True, True),
        ("r/RunInfo.xml", False, False),
        ("r/InterOp/QMetricsOut.bin", False, False),
        ("steps/align/ff/A.bam", False, False),
        ("inbox/run-1/run.json", False, False),
    ],
)
def test_bcl_fastq_and_vcf_are_archived_by_their_names(key: str, archived: bool, vcf: bool) -> None:
    assert (is_archived_kind(key), is_vcf(key)) == (archived, vcf)


@pytest.mark.parametrize("text", ["ana@lab.example", "a.b+c@x.y.example"])
def test_an_address_is_one(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize("text", ["", "ana", "ana@", "@lab.example", "ana@lab", "a b@lab.example", 'a"b@lab.example'])
def test_what_is_no_address_is_not(text: str) -> None:
    assert not is_email(text)


def test_a_study_with_a_bad_name_or_owner_is_refused() -> None:
    with pytest.raises(ValueError, match="study 'a/b' may hold"):
        Study("a/b")
    with pytest.raises(codec.ContractError, match=r"studies/heart\.json: owner 'nobody' is no e-mail address"):
        codec.loads(Study, '{"name": "heart", "owner": "nobody"}', where="studies/heart.json")


@pytest.mark.parametrize(
    "document",
    [
        Study("heart", "a@lab.example", ("r1",)),
        ArchiveRequest("heart", "1", "b", "2026-01-01T00:00:00+00:00", ("r/",), ("k",), 1 << 40, 1 << 26),
        IndexEntry("k", "t", 512, 3, "0", '"e"', "v", "STANDARD", 1, {"ContentType": "x"}, {"a": "b"}, {"c": "d"}),
        Archive("heart", "1", "b", "i", 1, 3, (Tar("t", "v", 10_240, 5, "c-1"),), "2026-01-01T00:00:00Z"),
        RestoreRequest("heart", "1", ("s3://b/a",)),
    ],
    ids=lambda document: type(document).__name__,
)
def test_documents_read_back_as_they_were_written(document: object) -> None:
    assert codec.loads(type(document), codec.dumps(document)) == document
