"""Sort one lane's base calls into FASTQ by sample with Picard, from BCL of any layout or CBCL."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.fastq import count_records
from batch_tools.tool_runtime.pipeline import run_pipeline
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.demultiplexing import METRICS, UNDETERMINED, LaneSheet, lane_files, pairs_metric, reads_output
from genomics.contracts.parameters import DemultiplexParameters

PROGRAMS = ("PicardCommandLine",)
# The lane's base calls; reads, which compress worse; and as much again where a tile is sorted outside memory.
SCRATCH_PER_INPUT_BYTE = 4.0

_BASE_CALLS = Path("Data/Intensities/BaseCalls")
# What of the job's memory is Java's heap; the rest is for buffers, threads and the interpreter.
_HEAP_SHARE = 0.8


def run(
    *,
    folder: Path,
    sheet: LaneSheet,
    parameters: DemultiplexParameters,
    threads: int,
    memory_mib: int,
    directory: Path,
) -> Outcome:
    """Sort the base calls of `sheet`'s lane, in the run folder `folder`, by the samples' indexes into `directory`.

    Outputs are those of `lane_files`: both mates of each sample and of UNDETERMINED, gzipped, of clusters that passed
    the chastity filter, and Picard's metrics of the indexes. Metrics count pairs by sample. ToolError if Picard cannot
    read the base calls, or writes other reads than it has counted.
    """
    picard = _Picard(folder, sheet, threads, memory_mib, directory)
    counted = picard.extract_indexes(parameters) if sheet.is_indexed else None
    picard.write_reads()
    outputs = {name: directory / file for name, file in lane_files(sheet).items()}
    for owner in sheet.owners:
        for mate in (1, 2):
            # Picard's own names, by the prefix that it was given.
            (directory / f"{owner}.{mate}.fastq.gz").rename(outputs[reads_output(owner, mate)])
    written = {owner: _pairs(outputs, owner) for owner in sheet.owners}
    if counted is not None and counted != written:
        raise ToolError(f"Picard has counted the pairs {counted} of lane {sheet.lane}, and written {written}")
    total, matched = sum(written.values()), sum(written[sample.sample] for sample in sheet.samples)
    if not total:
        raise ToolError(f"no cluster of lane {sheet.lane} has passed the filter")
    return Outcome(
        outputs=outputs,
        metrics={
            "pairs": total,
            "matched_share": round(matched / total, 6),
            **{pairs_metric(owner): count for owner, count in written.items()},
        },
    )


class _Picard:
    """Picard on one lane, in one directory."""

    def __init__(self, folder: Path, sheet: LaneSheet, threads: int, memory_mib: int, directory: Path) -> None:
        self._sheet, self._directory = sheet, directory
        self._heap = f"-Xmx{int(memory_mib * _HEAP_SHARE)}m"
        self._common = {
            "BASECALLS_DIR": (folder / _BASE_CALLS).absolute(),
            "LANE": sheet.lane,
            "READ_STRUCTURE": sheet.read_structure,
            "NUM_PROCESSORS": max(1, threads),
            "COMPRESS_OUTPUTS": "true",
            "TMP_DIR": self._empty("tmp"),
        }

    def extract_indexes(self, parameters: DemultiplexParameters) -> dict[str, int]:
        """Say of each cluster whose it is, in files beside; how many pairs that passed the filter each owner has."""
        columns = ["barcode_sequence_1", "barcode_sequence_2"] if self._has_index2 else ["barcode_sequence_1"]
        rows = [[*self._indexes(index, index2), sample, sample] for sample, index, index2 in self._samples()]
        metrics = self._directory / lane_files(self._sheet)[METRICS]
        self._run(
            "ExtractIlluminaBarcodes",
            BARCODE_FILE=self._table("barcodes.tsv", [*columns, "barcode_name", "library_name"], rows),
            METRICS_FILE=metrics.name,
            OUTPUT_DIR=self._empty("barcodes"),
            MAX_MISMATCHES=parameters.maximum_mismatches,
            MIN_MISMATCH_DELTA=parameters.minimum_mismatch_delta,
            MAX_NO_CALLS=parameters.maximum_no_calls,
        )
        return _counted(metrics)

    def write_reads(self) -> None:
        """Write `<owner>.1.fastq.gz` and `<owner>.2.fastq.gz`, sorted by cluster."""
        given: dict[str, object] = {"OUTPUT_PREFIX": self._sheet.samples[0].sample}
        if self._sheet.is_indexed:
            columns = ["BARCODE_1", "BARCODE_2"] if self._has_index2 else ["BARCODE_1"]
            rows = [[sample, *self._indexes(index, index2)] for sample, index, index2 in self._samples()]
            rows.append([UNDETERMINED, *("N" for _ in columns)])
            given = {
                "MULTIPLEX_PARAMS": self._table("outputs.tsv", ["OUTPUT_PREFIX", *columns], rows),
                "BARCODES_DIR": "barcodes",
            }
        self._run(
            "IlluminaBasecallsToFastq",
            RUN_BARCODE=self._sheet.run_number,
            MACHINE_NAME=self._sheet.instrument,
            FLOWCELL_BARCODE=self._sheet.flowcell,
            READ_NAME_FORMAT="CASAVA_1_8",
            INCLUDE_NON_PF_READS="false",
            # It would lower qualities by a rule for instruments of long ago, and for some layouts only.
            APPLY_EAMSS_FILTER="false",
            **given,
        )

    @property
    def _has_index2(self) -> bool:
        return any(sample.index2 for sample in self._sheet.samples)

    def _samples(self) -> list[tuple[str, str, str]]:
        return [(sample.sample, sample.index, sample.index2) for sample in self._sheet.samples]

    def _indexes(self, index: str, index2: str) -> list[str]:
        return [index, index2] if self._has_index2 else [index]

    def _table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        (self._directory / name).write_text("".join("\t".join(row) + "\n" for row in (columns, *rows)))
        return name

    def _empty(self, name: str) -> str:
        (self._directory / name).mkdir()
        return name

    def _run(self, program: str, **own: object) -> None:
        options = [word for name, value in {**self._common, **own}.items() for word in (f"--{name}", str(value))]
        run_pipeline(["PicardCommandLine", self._heap, program, *options], directory=self._directory)


def _counted(metrics: Path) -> dict[str, int]:
    """Pairs that passed the filter by owner, from Picard's table; the row without a name is of those of nobody."""
    lines = metrics.read_text().splitlines()
    start = next((n for n, (before, _) in enumerate(pairwise(lines)) if before.startswith("## METRICS CLASS")), None)
    if start is None:
        raise ToolError(f"{metrics.name} of Picard holds no metrics")
    columns = lines[start + 1].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[start + 2 :] if line.strip()]
    return {row["BARCODE_NAME"] or UNDETERMINED: int(row["PF_READS"]) for row in rows if "PF_READS" in row}


def _pairs(outputs: dict[str, Path], owner: str) -> int:
    first, second = count_records(*(outputs[reads_output(owner, mate)] for mate in (1, 2)))
    if first != second:
        raise ToolError(f"Picard has written {first} first and {second} second mates of {owner}")
    return first
