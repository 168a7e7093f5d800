"""Every kind of file that must not pass gets the state that says why, and what is clean is CLEAN."""

import gzip
import hashlib
import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pysam
import pytest

from batch_tools.scan_delivery import file_scan
from batch_tools.scan_delivery.content import Content
from batch_tools.scan_delivery.file_scan import Opened, Scanners, scan_file
from batch_tools.scan_delivery.phi_detector import PatternDetector
from batch_tools.scan_delivery.viruses import CLEAN, ScannerError, Verdict
from genomics.contracts.codec import dumps
from genomics.contracts.deliveries import Agreement, DeliveredFile, FileFormat, FileState, TableColumn

from .conftest import EICAR, Scan

HEADER = (
    "##fileformat=VCFv4.3\n##fileDate=20240102\n##contig=<ID=chr20,length=64444167>\n"
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}\n"
)
RECORD = "chr20\t100\t.\tA\tG\t50\tPASS\tDP=30\tGT\t0/1\n"
VCF = (HEADER.format(samples="NA12878") + RECORD).encode()
READ = b"@M04034:43:000000000-L6NVV:1:1101:15589:1332 1:N:0:1\nACGT\n+\nIIII\n"


@pytest.fixture
def bgzip(tmp_path: Path) -> Callable[[bytes], bytes]:
    def compress(content: bytes) -> bytes:
        path = tmp_path / "compressed"
        with pysam.BGZFile(str(path), "wb") as stream:
            stream.write(content)
        return path.read_bytes()

    return compress


@pytest.fixture
def bam(tmp_path: Path) -> Callable[..., bytes]:
    def write(*comments: str, suffix: str = "bam") -> bytes:
        header = {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": "chr20", "LN": 64444167}],
            "RG": [{"ID": "A", "SM": "NA12878", "DT": "2014-01-05"}],
            "CO": list(comments),
        }
        path = tmp_path / f"made.{suffix}"
        mode = "wb" if suffix == "bam" else "wc"
        with pysam.AlignmentFile(str(path), mode, header=header, reference_filename=None) as stream:
            read = pysam.AlignedSegment(stream.header)
            read.query_name, read.query_sequence, read.flag = "r1", "ACGT", 4
            stream.write(read)
        return path.read_bytes()

    return write


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def only(verdict):
    (finding,) = verdict.findings
    return finding


@pytest.mark.parametrize("piece", [1, 100, 1 << 16])
def test_a_clean_vcf_is_clean_however_it_comes_in_pieces(scan: Scan, bgzip, piece):
    for name, content in (("calls/s1.vcf", VCF), ("calls/s1.vcf.gz", bgzip(VCF))):
        verdict = scan(name, content, piece=piece)
        assert verdict.state is FileState.CLEAN, verdict
        assert verdict.sha256 == hashlib.sha256(content).hexdigest()


def test_eicar_inside_bgzf_is_found_where_its_halves_lie_in_two_blocks_and_two_windows(scan: Scan, bgzip):
    filler = RECORD.encode() * 20_000
    end = (1 << 20) - 30
    header = HEADER.format(samples="NA12878").encode()
    content = (header + filler)[:end] + EICAR + b"\n"
    verdict = scan("calls/s1.vcf.gz", bgzip(content), piece=4096)
    assert verdict.state is FileState.INFECTED
    assert verdict.findings[0].reason == "the signature Genomics.Test.Eicar matches"


def test_eicar_in_a_zip_in_a_zip_is_found_and_a_clean_zip_does_not_pass_either(scan: Scan):
    infected = zipped("outer.zip", zipped("inner.zip", zipped("a.txt", EICAR)))
    assert scan("data.zip", infected, FileFormat.OTHER).state is FileState.INFECTED
    clean = scan("data.zip", zipped("a.txt", b"nothing"), FileFormat.OTHER)
    assert clean.state is FileState.UNSCANNABLE
    assert "deliver what is in it by itself" in only(clean).reason


def test_a_zip_that_is_said_to_be_a_vcf_is_opened_all_the_same(scan: Scan):
    assert scan("calls.vcf", zipped("a.txt", EICAR)).state is FileState.INFECTED
    assert scan("calls.vcf", zipped("a.txt", b"nothing")).state is FileState.INVALID


def test_archives_nested_too_deeply_do_not_pass(scan: Scan):
    content = EICAR
    for _ in range(8):
        content = zipped("a.zip", content)
    verdict = scan("data.zip", content, FileFormat.OTHER)
    assert verdict.state is FileState.UNSCANNABLE
    assert "nested too deeply" in verdict.findings[0].reason


@pytest.mark.skipif(not shutil.which("zip"), reason="zip is not installed")
def test_an_encrypted_zip_does_not_pass(scan: Scan, tmp_path: Path):
    (tmp_path / "a.txt").write_text("nothing")
    subprocess.run(["zip", "-q", "-P", "secret", "a.zip", "a.txt"], cwd=tmp_path, check=True)
    verdict = scan("data.zip", (tmp_path / "a.zip").read_bytes(), FileFormat.OTHER)
    assert verdict.state is FileState.UNSCANNABLE
    assert "Heuristics.Encrypted" in verdict.findings[0].reason


def test_a_sparse_file_of_3_gb_does_not_pass_and_is_not_read(scanners: Scanners):
    @contextmanager
    def opener() -> Iterator[Opened]:
        yield Opened(iter(lambda: pytest.fail("it was read"), b""))

    file = DeliveredFile("huge.bin", 3 << 30, "0" * 64, "cohort", FileFormat.OTHER, "GRU")
    verdict = scan_file(file, opener, scanners, Agreement("cohort"))
    assert verdict.state is FileState.UNSCANNABLE
    assert "larger than the 33554432 bytes that are scanned as a whole" in verdict.findings[0].reason


@pytest.mark.parametrize("packed", [False, True])
def test_zeros_that_are_said_to_be_a_vcf_are_read_up_to_what_can_be_scanned(scanners: Scanners, packed):
    read = 0
    zeros = bytes(1 << 20)
    piece = gzip.compress(zeros, 9) if packed else zeros

    @contextmanager
    def opener() -> Iterator[Opened]:
        def pieces() -> Iterator[bytes]:
            nonlocal read
            for _ in range(3 << 10):
                read += len(zeros)
                yield piece

        yield Opened(pieces())

    file = DeliveredFile("huge.vcf", 3 << 30, "0" * 64, "cohort", FileFormat.VCF, "GRU")
    verdict = scan_file(file, opener, scanners, Agreement("cohort"))
    assert verdict.state is FileState.UNSCANNABLE
    assert read < 64 << 20


@pytest.mark.parametrize(
    ("content", "expected", "place"),
    [
        (VCF.replace(b"NA12878", b"SMITH_JOHN_1964-02-11"), "name with a date", (5, "sample column 1")),
        (
            VCF.replace(b"##INFO", b"##note=patient MRN: 00123456\n##INFO", 1),
            "medical record number",
            (4, "header line note"),
        ),
        (
            VCF.replace(b"##INFO", b"##SAMPLE=<ID=S1,BirthDate=1964-02-11>\n##INFO", 1),
            "date of birth",
            (4, "header line SAMPLE, BirthDate"),
        ),
    ],
)
def test_what_is_personal_in_a_vcf_is_found_and_masked(scan: Scan, content, expected, place):
    verdict = scan("calls/s1.vcf", content)
    assert verdict.state is FileState.PHI
    finding = verdict.findings[-1]
    assert finding.reason.startswith(expected)
    assert (finding.line, finding.field) == place
    assert finding.masked in ("xxxxx_xxxx_9999-99-99", "99999999", "9999-99-99")


def test_what_is_personal_in_a_bam_or_cram_is_found(scan: Scan, bam):
    for suffix in ("bam", "cram"):
        assert scan(f"s1.{suffix}", bam("made by hand", suffix=suffix)).state is FileState.CLEAN
        verdict = scan(f"s1.{suffix}", bam("hospital, MRN 00123456", suffix=suffix))
        assert verdict.state is FileState.PHI
        finding = only(verdict)
        assert (finding.field, finding.masked) == ("@CO", "99999999")


def test_what_is_personal_in_read_names_is_found_in_its_line(scan: Scan):
    many = READ * 5000
    assert scan("r1.fastq", many).state is FileState.CLEAN
    verdict = scan("r1.fastq", many + READ.replace(b"M04034", b"JOHN_SMITH_1964-02-11"))
    assert verdict.state is FileState.PHI
    assert (only(verdict).line, only(verdict).field) == (20_001, "read name")


def test_what_is_personal_in_tables_and_sheets_is_found_by_column_and_by_value(scan: Scan):
    table = b"sample\tcontact e-mail\tnote\nS1\t\tfine\nS2\tjane@example.org\ttel. 030 1234567\n"
    verdict = scan("clinical.tsv", table)
    assert [(f.line, f.field, f.masked) for f in verdict.findings] == [
        (3, "column contact e-mail", "xxxx@xxxxxxx.xxx"),
        (3, "column note", "999 9999999"),
    ]
    csv = b'id,surname\n1,"Smith, Jr."\n2,\n'
    assert only(scan("people.csv", csv)).field == "column surname"
    sheet = b"[Header]\nInvestigator Name,Jane Doe\n[Data]\nSample_ID,Description\nS1,DOB 1964-02-11\n"
    assert only(scan("SampleSheet.csv", sheet, FileFormat.SAMPLE_SHEET)).field == "column Description"


def test_the_names_of_a_file_and_of_what_was_packed_in_it_are_looked_at(scan: Scan, tmp_path: Path):
    assert only(scan("Jane_Doe_1964-02-11/s1.vcf", VCF)).field == "file name"
    buffer = io.BytesIO()
    with gzip.GzipFile("Jane_Doe_1964-02-11.tsv", "wb", fileobj=buffer) as stream:
        stream.write(b"a\tb\n1\t2\n")
    assert only(scan("s1.tsv.gz", buffer.getvalue())).field == "name in the gzip header"


def test_truncated_files_are_invalid_whatever_packs_them(scan: Scan, bgzip, bam):
    verdict = scan("r1.fastq", READ * 3 + READ[:-3])
    assert (verdict.state, only(verdict).line, only(verdict).reason) == (FileState.INVALID, 13, "truncated record")
    packed = bgzip(READ * 100)
    assert "end-of-file block is missing" in only(scan("r1.fastq.gz", packed[:-28])).reason
    reasons = [f.reason for f in scan("r1.fastq.gz", packed[: len(packed) - 60]).findings]
    assert "the last BGZF block is cut short: the file is truncated" in reasons
    reasons = [f.reason for f in scan("r1.fastq.gz", gzip.compress(READ * 1000)[:-20]).findings]
    assert "the gzip data ends early: the file is truncated" in reasons
    assert scan("s1.bam", bgzip(gzip.decompress(bam())[:-10])).state is FileState.INVALID
    assert scan("s1.cram", bam(suffix="cram")[:-5]).state is FileState.INVALID
    assert "the file is truncated" in only(scan("s1.vcf", VCF[:-20])).reason


def test_damaged_blocks_and_strangers_between_them_are_invalid(scan: Scan, bgzip):
    packed = bytearray(bgzip(VCF))
    packed[40] ^= 0xFF
    assert scan("s1.vcf.gz", bytes(packed)).state is FileState.INVALID
    whole = bgzip(VCF)
    assert scan("s1.vcf.gz", whole + b"more").state is FileState.INVALID
    assert "gzip and not BGZF" in scan("s1.vcf.gz", whole + gzip.compress(b"x" * 100)).findings[0].reason
    assert "compress it with bgzip" in only(scan("s1.vcf.gz", gzip.compress(VCF))).reason
    assert scan("s1.tsv.gz", gzip.compress(b"a\tb\n") + gzip.compress(b"1\t2\n")).state is FileState.CLEAN
    assert "something follows" in only(scan("s1.tsv.gz", gzip.compress(b"a\tb\n") + b"junk")).reason


@pytest.mark.parametrize("format_", [f for f in FileFormat if f is not FileFormat.OTHER])
def test_an_empty_file_is_invalid(scan: Scan, format_):
    assert scan("empty", b"", format_).state is FileState.INVALID


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (VCF.replace(b"\t100\t", b"\tx\t"), 6, "the position is no number"),
        (VCF.replace(b"\tA\tG", b"\t<A>\tG"), 6, "the reference allele holds other things than bases"),
        (VCF + RECORD.encode().replace(b"\t0/1", b""), 7, "9 columns, the header has 10"),
        (VCF.replace(b"##fileformat=VCFv4.3\n", b""), 1, "the first line must be ##fileformat=VCF..."),
        (HEADER.format(samples="A\tA").encode(), 5, "a sample's name stands there twice"),
        (VCF.partition(b"#CHROM")[0], 5, "the line #CHROM is missing: the file is truncated"),
    ],
)
def test_a_faulty_vcf_is_named_by_line(scan: Scan, content, line, reason):
    finding = only(scan("s1.vcf", content))
    assert (finding.line, finding.reason) == (line, reason)


def test_a_build_that_was_not_agreed_is_named(scan: Scan, bam):
    agreed = Scan(scan.scanners, Agreement("cohort", build="GRCh37"))
    assert "64444167 bases as in GRCh38, GRCh37 was agreed, with 63025520" in only(agreed("s1.vcf", VCF)).reason
    assert agreed("s1.bam", bam()).state is FileState.INVALID
    assert Scan(scan.scanners, Agreement("cohort", build="GRCh38"))("s1.bam", bam()).state is FileState.CLEAN


def test_a_table_has_the_columns_and_values_that_were_agreed(scan: Scan):
    columns = (TableColumn("sample"), TableColumn("age", r"\d{1,3}"))
    agreed = Scan(scan.scanners, Agreement("cohort", columns=columns))
    assert agreed("t.tsv", b"sample\tage\nS1\t30\nS2\t\n").state is FileState.CLEAN
    assert only(agreed("t.tsv", b"sample\tsex\nS1\tF\n")).reason == "the column is not 'age', as was agreed"
    assert only(agreed("t.tsv", b"sample\tage\nS1\told\n")).field == "column age"
    assert only(agreed("t.tsv", b"sample\tage\nS1\n")).reason == "1 columns, the header has 2"
    assert only(agreed("t.csv", b"sample,age\xff\n")).reason.startswith("the text is no UTF-8")


def test_a_file_that_is_not_what_the_manifest_says_is_invalid(scan: Scan):
    opener = contextmanager(lambda: iter([Opened(iter([VCF]))]))
    right = DeliveredFile("s1.vcf", len(VCF), hashlib.sha256(VCF).hexdigest(), "cohort", FileFormat.VCF, "GRU")
    for wrong, reason in (
        (replace(right, sha256="0" * 64), "its SHA-256 is"),
        (replace(right, size=3), "bytes, the manifest says 3"),
    ):
        assert reason in only(scan_file(wrong, opener, scan.scanners, Agreement("cohort"))).reason


def test_nothing_personal_stands_in_what_is_told_of_it(scan: Scan):
    name = b"SMITH_JOHN_1964-02-11"
    contents = {
        "a.vcf": VCF.replace(b"##INFO", b"##" + name + b"=1\n##SAMPLE=<" + name + b"=jane@example.org>\n##INFO", 1),
        "b.tsv": b"sample\t" + name + b"\nS1\tjane@example.org\n",
        "c.fastq": READ + b"@r\nAC\n+" + name + b"\nII\n",
        "d.fastq": READ + name + b"\nAC\n+\nII\n",
        "e.csv": b"[Data]\nid," + name + b"\n1,jane@example.org\n",
    }
    for path, content in contents.items():
        format_ = FileFormat.SAMPLE_SHEET if path.endswith("csv") else None
        verdict = scan(path, content, format_)
        assert verdict.state in (FileState.PHI, FileState.INVALID)
        told = dumps(verdict)
        assert not any(word in told for word in ("SMITH", "1964", "jane")), told


@pytest.mark.parametrize("suffix", ["bai", "csi", "tbi"])
def test_an_index_holds_its_numbers_and_nothing_else(scan: Scan, tmp_path: Path, bam, bgzip, suffix):
    if suffix == "tbi":
        path = tmp_path / "s1.vcf.gz"
        path.write_bytes(bgzip(VCF))
        pysam.tabix_index(str(path), preset="vcf")
    else:
        path = tmp_path / "s1.bam"
        path.write_bytes(bam())
        pysam.index(*(["-c"] if suffix == "csi" else []), str(path))
    index = path.with_name(f"{path.name}.{suffix}").read_bytes()
    assert scan(path.name + "." + suffix, index, FileFormat.INDEX).state is FileState.CLEAN
    plain = gzip.decompress(index) if suffix != "bai" else index
    for wrong in (plain + b"more of it", plain[:-1], plain[:20]):
        assert scan("wrong.idx", wrong, FileFormat.INDEX).state is FileState.INVALID
    if suffix == "tbi":
        personal = plain.replace(b"chr20\0", b"1964-02-11_J_SMITH\0")
        length = (6).to_bytes(4, "little") + b"1964"
        personal = personal.replace(length, (19).to_bytes(4, "little") + b"1964")
        assert scan("p.tbi", personal, FileFormat.INDEX).state is FileState.PHI


def test_an_index_of_cram_is_lines_of_numbers(scan: Scan):
    line = b"0\t100\t200\t300\t4\t500\n"
    assert scan("s1.crai", gzip.compress(line * 3), FileFormat.INDEX).state is FileState.CLEAN
    assert only(scan("s1.crai", line + b"0\t1\n", FileFormat.INDEX)).line == 2


def test_what_unpacks_to_very_much_comes_in_small_pieces(bgzip):
    for packed in (bgzip(bytes(16 << 20)), gzip.compress(bytes(16 << 20))):
        sizes = []
        Content(iter([packed]), lambda piece, sizes=sizes: sizes.append(len(piece))).drain()
        assert sum(sizes) == 16 << 20
        assert max(sizes) <= (4 << 20) + (1 << 16)


def test_a_line_without_end_is_not_held(scan: Scan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_scan, "_LONGEST_LINE", 1 << 20)
    reasons = [f.reason for f in scan("s1.vcf", VCF + b"A" * (3 << 20)).findings]
    assert "a line is longer than 1048576 bytes" in reasons


class Failing:
    """Fails at a step, so many times."""

    largest = 1 << 20

    def __init__(self, step: str, times: int) -> None:
        self.step, self.times = step, times

    def _fail(self, step: str) -> None:
        if step == self.step and self.times:
            self.times -= 1
            raise ScannerError(f"it crashed at {step}")

    def begin(self) -> "Failing":
        self._fail("begin")
        return self

    def write(self, data: bytes) -> None:
        self._fail("write")

    def finish(self) -> Verdict:
        self._fail("finish")
        return CLEAN

    def abandon(self) -> None:
        pass

    def version(self) -> str:
        return "failing"


@pytest.mark.parametrize("step", ["begin", "write", "finish"])
def test_a_scanner_that_fails_is_asked_again_and_a_file_that_it_never_answers_for_is_an_error(step):
    verdict = Scan(Scanners(Failing(step, 2), PatternDetector(), attempts=3))("s1.vcf", VCF)
    assert (verdict.state, verdict.attempts) == (FileState.CLEAN, 3)
    verdict = Scan(Scanners(Failing(step, 3), PatternDetector(), attempts=3))("s1.vcf", VCF)
    assert verdict.state is FileState.ERROR
    assert only(verdict).reason == f"it could not be scanned: it crashed at {step}; scan it again"


def test_of_a_thousand_findings_the_first_are_told_and_the_others_counted(scan: Scan):
    rows = b"".join(b"S%d\tjane%d@example.org\n" % (i, i) for i in range(1000))
    verdict = scan("t.tsv", b"sample\tcontact\n" + rows)
    assert (len(verdict.findings), verdict.more) == (100, 900)
