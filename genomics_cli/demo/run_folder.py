"""Writes a run folder as a sequencer does: base calls of several studies' samples on two lanes, with known truth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomics.contracts.demultiplexing import UNDETERMINED
from genomics_cli.demo.base_calls import Layout, Tile, write_base_calls
from genomics_cli.demo.genome import make_genome, write_fasta
from genomics_cli.demo.reads import READ_LENGTH, Reads, sequence_pairs
from genomics_cli.demo.sequencing_run import haplotypes, write_truth
from genomics_cli.demo.variants import place_variants, share_out

# Dense, so that each sample has indels on a genome of some ten thousand bases, which is sequenced quickly.
_SITES_PER_BASE = 3e-3
_INDEL_FRACTION = 0.25
_INDEX_LENGTH = 8
_LANES = (1, 2)
# Clusters whose index was read with one error, whose index is nobody's, and that do not pass the chastity filter.
_INDEX_ERRORS, _UNKNOWN, _NOT_PASSED = 0.03, 0.02, 0.02
_INDEX_QUALITY = 37
# By letter, one that an index's error makes of it.
_ANOTHER = np.zeros(256, dtype=np.uint8)
_ANOTHER[list(b"ACGT")] = list(b"CATG")
# A lane's tile, and the clusters on it.
_Dealt = tuple[int, int, slice]


@dataclass(frozen=True)
class IndexedSample:
    """A sample of the sheet; the indexes are as the sheet writes them."""

    name: str
    study: str
    index: str
    index2: str


SAMPLES = (
    IndexedSample("BCL-1", "heart", "ATTACTCG", "AGGCTATA"),
    IndexedSample("BCL-2", "heart", "TCCGGAGA", "GCCTCTAT"),
    IndexedSample("BCL-3", "lung", "CGCTCATT", "CTTCGCCT"),
)


@dataclass(frozen=True)
class Instrument:
    """What sets a sequencer's run folder apart.

    `sheet_version` is that of the sample sheet. With `reads_index2_reversed`, cycles of the second index give its
    reverse complement, and RunInfo.xml says so.
    """

    run_id: str
    name: str
    layout: Layout
    sheet_version: int = 1
    reads_index2_reversed: bool = False


MISEQ = Instrument("260105_M00001_0001_000000000-DEMOA", "M00001", Layout.TILES)
HISEQ = Instrument("260105_D00001_0002_ADEMOBCXX", "D00001", Layout.GZIPPED_TILES)
NEXTSEQ = Instrument("260105_NB000001_0003_ADEMOCBGXX", "NB000001", Layout.LANES)
NOVASEQ = Instrument("20260105_LH00001_0004_A22DEMOLT3", "LH00001", Layout.SURFACES, 2, reads_index2_reversed=True)


@dataclass(frozen=True)
class RunFolder:
    """What was written. `truths` are VCFs by sample; `reads` counts pairs that passed the filter, by lane and sample,
    those of nobody as UNDETERMINED.
    """

    folder: Path
    reference: Path
    truths: dict[str, Path]
    reads: dict[tuple[int, str], int] = field(default_factory=dict)


def make_run_folder(
    directory: Path,
    instrument: Instrument,
    *,
    contigs: Mapping[str, int],
    depth: float,
    samples: Sequence[IndexedSample] = SAMPLES,
    tiles: Sequence[int] = (1101, 2101),
    seed: int = 20_260,
) -> RunFolder:
    """Write a run folder, its samples' reference and their truth below `directory`: the same bytes for the same seed.

    `depth` is that of each sample over both lanes; each lane has the `tiles`, those of a surface together.
    """
    rng = np.random.default_rng(seed)
    (directory / "truth").mkdir(parents=True, exist_ok=True)
    genome = make_genome(rng, contigs)
    reference = directory / "reference.fa"
    write_fasta(reference, genome)
    variants = place_variants(rng, genome, per_base=_SITES_PER_BASE, indel_fraction=_INDEL_FRACTION)
    carried = share_out(rng, variants, [sample.name for sample in samples])
    mates = [sequence_pairs(rng, haplotypes(genome, carried[sample.name]), depth=depth) for sample in samples]
    truths = {
        sample.name: write_truth(
            directory / "truth" / f"{sample.name}.vcf.gz", sample.name, carried[sample.name], contigs
        )
        for sample in samples
    }
    clusters = _Clusters.draw(rng, samples, mates, reversed_index2=instrument.reads_index2_reversed)
    folder = directory / instrument.run_id
    folder.mkdir()
    dealt = _deal(tiles)
    write_base_calls(folder, clusters.tiles(dealt), instrument.layout)
    (folder / "RunInfo.xml").write_text(run_info(instrument), encoding="utf-8")
    (folder / "RunParameters.xml").write_text('<?xml version="1.0"?>\n<RunParameters />\n', encoding="utf-8")
    (folder / "SampleSheet.csv").write_text(sample_sheet(samples, version=instrument.sheet_version), encoding="utf-8")
    for marker in ("RTAComplete.txt", "CopyComplete.txt"):
        (folder / marker).touch()
    return RunFolder(folder, reference, truths, clusters.count(samples, dealt))


def sample_sheet(samples: Sequence[IndexedSample], *, version: int) -> str:
    """A sample sheet of all samples on all lanes."""
    rows = "".join(f"{each.name},{each.index},{each.index2},{each.study}\n" for each in samples)
    if version == 1:
        header = f"[Header]\nIEMFileVersion,4\n\n[Reads]\n{READ_LENGTH}\n{READ_LENGTH}\n\n[Settings]\n\n[Data]\n"
        return f"{header}Sample_ID,index,index2,Sample_Project\n{rows}"
    header = "[Header]\nFileFormatVersion,2\n\n[BCLConvert_Settings]\nSoftwareVersion,4.1.7\n\n[BCLConvert_Data]\n"
    return f"{header}Sample_ID,Index,Index2,Sample_Project\n{rows}"


def run_info(instrument: Instrument) -> str:
    """RunInfo.xml."""
    turned = ' IsReverseComplement="Y"' if instrument.reads_index2_reversed else ""
    listed = "".join(
        f'<Read Number="{number}" NumCycles="{cycles}" IsIndexedRead="{"Y" if is_index else "N"}"{extra}/>'
        for number, (cycles, is_index, extra) in enumerate(
            [
                (READ_LENGTH, False, ""),
                (_INDEX_LENGTH, True, ""),
                (_INDEX_LENGTH, True, turned),
                (READ_LENGTH, False, ""),
            ],
            start=1,
        )
    )
    flowcell = instrument.run_id.rpartition("_")[2].lstrip("A")
    return (
        f'<?xml version="1.0"?>\n<RunInfo Version="2"><Run Id="{instrument.run_id}" Number="1">'
        f"<Flowcell>{flowcell}</Flowcell><Instrument>{instrument.name}</Instrument><Date>260105</Date>"
        f'<Reads>{listed}</Reads><FlowcellLayout LaneCount="{len(_LANES)}" SurfaceCount="2" SwathCount="1"'
        ' TileCount="1" /></Run></RunInfo>\n'
    )


@dataclass(frozen=True)
class _Clusters:
    """Every cluster of the run. `owner` is the number of its sample, or of none; letters and Phred as a Tile has them,
    but (clusters, cycles).
    """

    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]
    owner: NDArray[np.int64]
    passed: NDArray[np.bool_]

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        samples: Sequence[IndexedSample],
        mates: Sequence[tuple[Reads, Reads]],
        *,
        reversed_index2: bool,
    ) -> "_Clusters":
        """All pairs of all samples in random order, each with its sample's indexes, some of them misread."""
        first, second = (Reads.join([pair[mate] for pair in mates]) for mate in (0, 1))
        owner = np.repeat(np.arange(len(samples)), [len(pair[0]) for pair in mates])
        read = [each.index + (_reverse_complement(each.index2) if reversed_index2 else each.index2) for each in samples]
        index = np.array([np.frombuffer(text.encode(), dtype=np.uint8) for text in read])[owner]
        wrong = np.flatnonzero(rng.random(len(owner)) < _INDEX_ERRORS)
        places = rng.integers(0, index.shape[1], len(wrong))
        # Half of the errors are bases that could not be called.
        index[wrong, places] = np.where(rng.random(len(wrong)) < 0.5, ord("N"), _ANOTHER[index[wrong, places]])
        unknown = rng.random(len(owner)) < _UNKNOWN
        # A dark cycle reads as G: nothing was read of such an index.
        index[unknown] = ord("G")
        cut = _INDEX_LENGTH
        qualities = np.where(index == ord("N"), 2, _INDEX_QUALITY).astype(np.uint8)
        order = rng.permutation(len(owner))
        return cls(
            np.hstack([first.bases, index[:, :cut], index[:, cut:], second.bases])[order],
            np.hstack([first.qualities - 33, qualities, second.qualities - 33])[order],
            np.where(unknown, len(samples), owner)[order],
            (rng.random(len(owner)) >= _NOT_PASSED),
        )

    def tiles(self, dealt: Sequence[_Dealt]) -> list[Tile]:
        """Cut into tiles."""
        return [
            Tile(lane, tile, self.bases[rows].T, self.qualities[rows].T, self.passed[rows])
            for lane, tile, rows in dealt
        ]

    def count(self, samples: Sequence[IndexedSample], dealt: Sequence[_Dealt]) -> dict[tuple[int, str], int]:
        """Clusters that passed the filter, by lane and sample."""
        names = [*(sample.name for sample in samples), UNDETERMINED]
        counted: Counter[tuple[int, str]] = Counter()
        for lane, _, rows in dealt:
            passed = self.owner[rows][self.passed[rows]]
            counted.update((lane, names[owner]) for owner in passed.tolist())
        return dict(counted)


def _deal(tiles: Sequence[int]) -> list[_Dealt]:
    places = [(lane, tile) for lane in _LANES for tile in tiles]
    return [(lane, tile, slice(number, None, len(places))) for number, (lane, tile) in enumerate(places)]


def _reverse_complement(sequence: str) -> str:
    return sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]
