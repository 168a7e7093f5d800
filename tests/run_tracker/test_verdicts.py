"""Every platform in every state, and every real run folder of the shared data set, gets its verdict with its reason."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from run_tracker.assessment import Assessment, Rules, assess
from run_tracker.filters import PathFilter
from run_tracker.listing import Listing
from run_tracker.platforms import PLATFORMS
from run_tracker.quality import QualityPolicy, read_metrics

from tests.run_tracker.run_folders import SEQUENCERS, Sequencer, make_run_folder, one_base_call_file

every_platform = pytest.mark.parametrize("sequencer", SEQUENCERS, ids=lambda sequencer: sequencer.platform)
with_base_calls = pytest.mark.parametrize("sequencer", SEQUENCERS[:-1], ids=lambda sequencer: sequencer.platform)
SETTLED = tuple(replace(policy, settle_minutes=0) for policy in PLATFORMS)

# Derived by eye from each folder's files: which documents and markers are there, and that none holds base calls.
REAL = {
    # Run 180508_ST-E00269 has RTAComplete.txt; instrument ST-E is a HiSeq X; RunInfo.xml lists tile 1_1101 first.
    "180508_ST-E00269_0269_AHL32LCCXY": ("INCOMPLETE", "hiseq_x", "L001/C1.1/s_1_1101.bcl: is missing"),
    # D00450 is a HiSeq 2500; two lanes, tiles from the layout.
    "180509_D00450_0598_BHGYFNBCX2": ("INCOMPLETE", "hiseq_2500", "L001/C1.1/s_1_1101.bcl: is missing"),
    # A00689 is a NovaSeq 6000 that imaged surface 2 first (1_2101); surface 1 is listed too.
    "190927_A00689_0069_BHLYWYDSXX": ("INCOMPLETE", "novaseq_6000", "L001/C1.1/L001_1.cbcl: is missing"),
    # Marked complete (copycomplete.txt, RTAComplete.txt) without RunInfo.xml; its README.txt says INCONSISTENT.
    "201203_D00483_0200_AHVKJCDRXX": ("UNREADABLE", "", "is marked complete but has no RunInfo.xml"),
    # LH00188 is a NovaSeq X; RunCompletionStatus.xml says RunCompleted with all 322 cycles.
    "20231108_LH00188_0028_B22F52TLT3": ("INCOMPLETE", "novaseq_x", "L001/C1.1/L001_1.cbcl: is missing"),
    # M04034 is a MiSeq; InterOp is there, but no marker.
    "230825_M04034_0043_000000000-L6NVV": ("RUNNING", "miseq", "RTAComplete.txt is not there yet"),
    # Only RunParameters.xml and README.txt, or README.txt alone.
    "cg_odd/sequencing_runs_broken_180509_D00450_0598_BHGYFNBCX2": ("RUNNING", "", "RunInfo.xml is not there yet"),
    "cg_odd/sequencing_runs_broken_190927_A00689_0069_BHLYWYDSXX": ("RUNNING", "", "RunInfo.xml is not there yet"),
    "cg_odd/sequencing_runs_broken_20231108_LH00188_0028_B22F52TLT3": ("RUNNING", "", "RunInfo.xml is not there yet"),
    # RunInfo.xml alone, of VH00384, a NextSeq 2000, whose marker is CopyComplete.txt. The folder has another name.
    "multiqc_bclconvert/issue_2290_zero_yield": ("UNREADABLE", "nextseq_1000_2000", "240131_VH00384_146_AACCHKLHV"),
    # Its name holds dots, which no run's may.
    "multiqc_bclconvert/3.9.3": ("UNREADABLE", "", "rename it"),
}


def judge(folder: Path, quality: QualityPolicy | None = None, *, settled: bool = True) -> Assessment:
    rules = Rules(SETTLED if settled else PLATFORMS, quality or QualityPolicy())
    with closing(Listing(None, "")) as listing:
        return assess(folder, rules, PathFilter(f"/{folder.name}"), listing, whole=True)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", REAL)
def test_a_real_run_folder_is_judged_as_its_files_say(name: str, shared_data: Path) -> None:
    verdict, platform, reason = REAL[name]
    judged = judge(shared_data / "runfolders" / name)
    assert (judged.verdict, judged.platform) == (verdict, platform), judged.reason
    assert reason in judged.reason


@pytest.mark.shared_data
def test_no_real_run_folder_is_left_out(shared_data: Path) -> None:
    root = shared_data / "runfolders"
    folders = {p.parent for p in root.rglob("*") if p.name.casefold() in ("runinfo.xml", "runparameters.xml")}
    odd = root / "cg_odd/run_parameters"  # three RunParameters.xml side by side
    assert {str(folder.relative_to(root)) for folder in folders if folder != odd} <= set(REAL)


@pytest.mark.shared_data
def test_a_real_miseq_run_is_ready_once_its_base_calls_marker_and_flag_are_there(
    shared_data: Path, tmp_path: Path
) -> None:
    real = shared_data / "runfolders/230825_M04034_0043_000000000-L6NVV"
    folder = tmp_path / real.name
    shutil.copytree(real, folder, copy_function=shutil.copyfile)
    lane = folder / "Data/Intensities/BaseCalls/L001"
    # RunInfo.xml: 318 cycles; 2 surfaces, 1 swath, 14 tiles.
    names = [f"s_1_{surface}1{tile:02d}" for surface in (1, 2) for tile in range(1, 15)]
    for cycle in range(1, 319):
        (lane / f"C{cycle}.1").mkdir(parents=True)
        for name in names:
            (lane / f"C{cycle}.1" / f"{name}.bcl").write_bytes(b"1")
    for name in names:
        (lane / f"{name}.filter").write_bytes(b"1")
    (folder / "RTAComplete.txt").touch()
    (folder / "qc").touch()
    # interop 1.9.0's summary of these files: %Q30 92.81, yield 6.585 Gb, %PF 89.35.
    passing = QualityPolicy(min_cycles=300, min_percent_q30=92, min_yield_gigabases=6.5, min_percent_pf=89)
    assert judge(folder, passing).verdict == "READY"
    for missed, reason in (
        (replace(passing, min_percent_q30=93.0), "%Q30 is 92.8; at least 93 is asked for"),
        (replace(passing, min_yield_gigabases=7.0), "yield (Gb) is 6.6"),
        (replace(passing, min_percent_pf=90.0), "%PF is 89.4"),
    ):
        judged = judge(folder, missed)
        assert judged.verdict == "QC_FAILED"
        assert reason in judged.reason
    (lane / "C318.1/s_1_2114.bcl").unlink()
    assert "L001/C318.1/s_1_2114.bcl: is missing" in judge(folder, passing).reason


@every_platform
def test_a_running_run_waits_for_its_marker(sequencer: Sequencer, tmp_path: Path) -> None:
    judged = judge(make_run_folder(tmp_path, sequencer, state="running"))
    assert judged.verdict == "RUNNING"
    assert "Complete.txt" in judged.reason


@every_platform
def test_a_complete_run_is_ready(sequencer: Sequencer, tmp_path: Path) -> None:
    judged = judge(make_run_folder(tmp_path, sequencer))
    assert (judged.verdict, judged.platform) == ("READY", sequencer.platform), judged.reason


@every_platform
def test_a_complete_run_without_its_flag_awaits_qc(sequencer: Sequencer, tmp_path: Path) -> None:
    judged = judge(make_run_folder(tmp_path, sequencer, flag=None))
    assert (judged.verdict, "put an empty file 'qc'" in judged.reason) == ("AWAITING_QC", True)


@every_platform
def test_a_failed_run_is_told_with_what_went_wrong(sequencer: Sequencer, tmp_path: Path) -> None:
    judged = judge(make_run_folder(tmp_path, sequencer, state="failed"))
    assert (judged.verdict, judged.reason.endswith(": pump")) == ("FAILED", True)


@every_platform
def test_an_aborted_run_is_told(sequencer: Sequencer, tmp_path: Path) -> None:
    assert judge(make_run_folder(tmp_path, sequencer, state="aborted")).verdict == "ABORTED"


@every_platform
def test_a_run_of_too_few_cycles_fails_qc(sequencer: Sequencer, tmp_path: Path) -> None:
    judged = judge(make_run_folder(tmp_path, sequencer), QualityPolicy(min_cycles=9))
    assert (judged.verdict, judged.reason) == ("QC_FAILED", "has 8 cycles; at least 9 are asked for")


@with_base_calls
def test_a_missing_base_call_file_is_named(sequencer: Sequencer, tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, sequencer)
    file = one_base_call_file(folder, sequencer)
    file.unlink()
    judged = judge(folder)
    name = str(file.relative_to(folder)).removesuffix(".gz")
    assert (judged.verdict, judged.reason) == ("INCOMPLETE", f"{name}: is missing")


@with_base_calls
def test_an_empty_base_call_file_is_named(sequencer: Sequencer, tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, sequencer)
    one_base_call_file(folder, sequencer).write_bytes(b"")
    assert judge(folder).reason.endswith(": is empty")


@every_platform
def test_a_marked_run_whose_files_still_change_settles(sequencer: Sequencer, tmp_path: Path) -> None:
    judged = judge(make_run_folder(tmp_path, sequencer), settled=False)
    assert (judged.verdict, "seconds ago" in judged.reason) == ("SETTLING", True)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-1], "is cut short"),
        (lambda content: content[:20], "is cut short"),
        # The second of the two tiles' records, 2102, becomes another tile's.
        (lambda content: content.replace(b"\x36\x08\0\0", b"\x99\x08\0\0"), "lacks tile 2102"),
    ],
)
def test_a_cbcl_that_lacks_a_tile_or_its_end_is_named(
    damage: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    novaseq = next(s for s in SEQUENCERS if s.platform == "novaseq_6000")
    folder = make_run_folder(tmp_path, novaseq)
    file = one_base_call_file(folder, novaseq)
    file.write_bytes(damage(file.read_bytes()))
    judged = judge(folder)
    assert (judged.verdict, judged.reason) == ("INCOMPLETE", f"{file.relative_to(folder)}: {reason}")


def test_a_nextseq_lane_whose_index_lacks_a_tile_is_named(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, SEQUENCERS[1])
    index = folder / "Data/Intensities/BaseCalls/L002/s_2.bci"
    index.write_bytes(index.read_bytes()[:-8])
    # Lane 2 is imaged by cameras 4 to 6: the last tile is surface 2, swath 1, camera 6, tile 02.
    assert judge(folder).reason == "Data/Intensities/BaseCalls/L002/s_2.bci: lacks tile 21602"


def test_a_flag_that_is_not_empty_does_not_count(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, SEQUENCERS[0])
    (folder / "qc").write_text("failed!")
    judged = judge(folder)
    assert (judged.verdict, judged.reason) == ("AWAITING_QC", "QC flag 'qc' holds 7 bytes; the flag is an empty file")


def test_a_flag_put_just_now_does_not_start_the_settling_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run_folder(tmp_path, SEQUENCERS[0], flag=None)
    later = 40 * 60
    monkeypatch.setattr("run_tracker.scan.time.time", lambda: folder.stat().st_mtime + later)
    (folder / "Qc").touch()
    assert judge(folder, settled=False).verdict == "READY"


def test_fewer_completed_than_planned_cycles_fail_qc(tmp_path: Path) -> None:
    novaseq_x = next(s for s in SEQUENCERS if s.platform == "novaseq_x")
    folder = make_run_folder(tmp_path, novaseq_x)
    (folder / "RunCompletionStatus.xml").write_text(
        '<R><CompletedReads><Read Cycles="3" /><Read Cycles="2" /></CompletedReads>'
        "<RunStatus>RunCompleted</RunStatus></R>"
    )
    assert judge(folder).reason == "only 5 of 8 cycles were completed"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("RunInfo.xml", "<RunInfo>\n<Run Id='x'", "RunInfo.xml:2: is not well-formed XML"),
        ("RunInfo.xml", "", "RunInfo.xml:1: is not well-formed XML"),
        ("RunInfo.xml", "<RunInfo/>", "holds no <Run>"),
        ("RunInfo.xml", "<RunInfo><Run Id='x'/></RunInfo>", "lists no <Read>"),
        ("RunInfo.xml", "<RunInfo><Run><Reads><Read NumCycles='ten'/></Reads></Run></RunInfo>", "NumCycles='ten'"),
        ("RunInfo.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><RunInfo/>", "has a document type"),
        ("RunCompletionStatus.xml", "<RunCompletionStatus>", "RunCompletionStatus.xml:1: is not well-formed XML"),
        (
            "RunCompletionStatus.xml",
            "<R><RunStatus>Odd</RunStatus></R>",
            "platforms.miseq.completed_statuses",
        ),
        ("RunParameters.xml", "\0", "RunParameters.xml:1: is not well-formed XML"),
    ],
)
def test_a_document_that_cannot_be_used_is_one_line(name: str, content: str, reason: str, tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, SEQUENCERS[0])
    (folder / name).write_text(content)
    judged = judge(folder)
    assert judged.verdict == "UNREADABLE"
    assert reason in judged.reason
    assert "\n" not in judged.reason


def test_interop_that_is_not_there_is_told(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, SEQUENCERS[0])
    judged = judge(folder, QualityPolicy(min_percent_q30=80))
    assert (judged.verdict, "copy it again" in judged.reason) == ("UNREADABLE", True)


@pytest.mark.shared_data
def test_metrics_are_those_that_interop_gives(shared_data: Path) -> None:
    metrics = read_metrics(shared_data / "runfolders/230825_M04034_0043_000000000-L6NVV")
    # interop 1.9.0, total summary: percent_gt_q30, yield_g, reads_pf / cluster_count.
    assert metrics.percent_q30 == pytest.approx(92.808, abs=0.001)
    assert metrics.yield_gigabases == pytest.approx(6.585, abs=0.001)
    assert metrics.percent_pf == pytest.approx(100 * 20970625 / 23469886, abs=0.001)
