import gzip
import re
import shutil
from pathlib import Path

import pytest

from batch_tools.demultiplex import demultiplex
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.demultiplexing import UNDETERMINED, LaneSample, LaneSheet, lane_files, pairs_metric
from genomics.contracts.parameters import DemultiplexParameters
from genomics_cli.demo import run_folder as demo
from genomics_cli.demo.base_calls import BASE_CALLS

INSTRUMENTS = {"bcl": demo.MISEQ, "bcl.gz": demo.HISEQ, "bcl.bgzf": demo.NEXTSEQ, "cbcl": demo.NOVASEQ}
COMPLEMENT = str.maketrans("ACGT", "TGCA")
CYCLES = 316


@pytest.fixture(autouse=True)
def quick_java(monkeypatch):
    """Short runs spend most of their time on compiling for long ones."""
    monkeypatch.setenv("JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A run folder of each layout, made once."""
    made = {}

    def make(layout):
        if layout not in made:
            directory = tmp_path_factory.mktemp("run")
            made[layout] = demo.make_run_folder(directory, INSTRUMENTS[layout], contigs={"chrA": 3000}, depth=15)
        return made[layout]

    return make


def lane_sheet(layout, samples=None, read_structure="150T8B8B150T"):
    turned = INSTRUMENTS[layout].reads_index2_reversed
    listed = tuple(
        LaneSample(each.name, each.index, each.index2.translate(COMPLEMENT)[::-1] if turned else each.index2)
        for each in demo.SAMPLES
    )
    return LaneSheet(1, read_structure, listed if samples is None else samples, "M1", "7", "FLOWCELL")


def run(folder, sheet, directory, **parameters):
    directory.mkdir()
    return demultiplex.run(
        folder=folder, sheet=sheet, parameters=DemultiplexParameters(**parameters), threads=2, memory_mib=1024,
        directory=directory,
    )  # fmt: skip


def records(path):
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return list(zip(lines[0::4], lines[1::4], lines[3::4], strict=True))


def base_calls(folder: Path, by_lane):
    """Sequence and qualities of lane 1 by tile and cluster, decoded from plain BCL as bcl2fastq's guide tells."""
    found, before = {}, 0
    for tile in (1101, 2101):
        lane = folder / BASE_CALLS / "L001"
        cycles = [(lane / f"C{cycle}.1" / f"s_1_{tile}.bcl").read_bytes()[4:] for cycle in range(1, CYCLES + 1)]
        clusters = len(cycles[0])
        for cluster in range(clusters):
            calls = [cycle[cluster] for cycle in cycles]
            letters = "".join("ACGT"[call & 3] if call else "N" for call in calls)
            # Where all tiles of a lane share a file, clusters have the places that follow those of the tiles before.
            place = before + cluster if by_lane else cluster
            found[tile, place] = letters, "".join(chr(max(call >> 2, 2) + 33) for call in calls)
        before += clusters
    return found


@pytest.mark.parametrize("layout", ["bcl", "bcl.bgzf", "cbcl", pytest.param("bcl.gz", marks=pytest.mark.slow)])
def test_every_layout_gives_each_sample_its_reads_and_keeps_the_others(layout, folder, tmp_path):
    made = folder(layout)
    sheet = lane_sheet(layout)
    outcome = run(made.folder, sheet, tmp_path / "work")
    assert set(outcome.outputs) == set(lane_files(sheet))
    counted = {owner: made.reads[1, owner] for owner in sheet.owners}
    assert {owner: outcome.metrics[pairs_metric(owner)] for owner in sheet.owners} == counted
    assert counted[UNDETERMINED] > 0
    assert outcome.metrics["matched_share"] == pytest.approx(
        1 - counted[UNDETERMINED] / sum(counted.values()), abs=1e-6
    )
    # What was read of each cluster is the same in all run folders, but for the orientation of the second index.
    expected = base_calls(folder("bcl").folder, by_lane=layout == "bcl.bgzf")
    for owner in sheet.owners:
        for mate, cycles in ((1, slice(0, 150)), (2, slice(166, 316))):
            found = records(outcome.outputs[f"reads_{mate}/{owner}"])
            assert len(found) == counted[owner]
            for title, sequence, qualities in found:
                name = re.fullmatch(rf"@M1:7:FLOWCELL:1:(\d+):(\d+):(\d+) {mate}:N:0:\S*", title)
                assert name, title
                tile, x, y = map(int, name.groups())
                # Positions are tenths of a pixel, and begin at 1000 (bcl2fastq's guide, FASTQ files).
                letters, scores = expected[tile, (y - 1000) // 10 * 1000 + (x - 1000) // 10]
                assert (sequence, qualities) == (letters[cycles], scores[cycles])


def test_misread_indexes_are_matched_only_as_far_as_the_parameters_allow(folder, tmp_path):
    made = folder("bcl")
    strict = run(made.folder, lane_sheet("bcl"), tmp_path / "work", maximum_mismatches=0, maximum_no_calls=0)
    assert strict.metrics["pairs"] == sum(count for (lane, _), count in made.reads.items() if lane == 1)
    assert strict.metrics[pairs_metric(UNDETERMINED)] > made.reads[1, UNDETERMINED]


def test_a_sample_without_index_gets_the_whole_lane(folder, tmp_path):
    made = folder("bcl")
    sheet = lane_sheet("bcl", (LaneSample("alone"),), "150T8S8S150T")
    outcome = run(made.folder, sheet, tmp_path / "work")
    assert set(outcome.outputs) == {"reads_1/alone", "reads_2/alone"}
    assert outcome.metrics["pairs/alone"] == sum(count for (lane, _), count in made.reads.items() if lane == 1)


def test_base_calls_that_are_cut_short_are_said_in_one_line(folder, tmp_path):
    broken = tmp_path / "run"
    shutil.copytree(folder("bcl").folder, broken)
    path = broken / BASE_CALLS / "L001" / "C20.1" / "s_1_2101.bcl"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        ToolError, match=r"failed with exit status 4: .*Exception: Expected \d+ in file .*bcl but found"
    ) as caught:
        run(broken, lane_sheet("bcl"), tmp_path / "work")
    assert "\n" not in str(caught.value)


def test_picard_says_its_version():
    # Debian 12: picard-tools 2.27.5+dfsg-2
    assert tool_versions(["PicardCommandLine"])["PicardCommandLine"] == "2.27.5"
