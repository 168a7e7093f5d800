"""The size of a run from its sample sheet, without reading a read."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genomics.contracts.parameters import VEP, RunParameters
from genomics.contracts.regions import calling_regions
from genomics.contracts.samples import read_sample_sheet
from genomics_cli.estimates.planned_jobs import RunSize
from genomics_cli.inputs.reference_genome import index_reference
from genomics_cli.inputs.run_inputs import RunOptions, find_regions, is_remote, require_files
from genomics_cli.submission import object_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def size_of_sheet(options: RunOptions, *, reference_file: Path, s3: "S3Client", workspace: Path) -> RunSize:
    """What a run with these options would be made of; `reference_file` is the local reference.

    Raises UserError, SampleSheetError, RegionError or ContractError, each with a message that stands alone.
    """
    parameters = RunParameters().changed(options.parameters)
    rows = read_sample_sheet(options.sheet)
    require_files(options.sheet, rows)
    contigs: Mapping[str, int] = index_reference(reference_file, workspace).contigs
    regions = calling_regions(
        requested=find_regions(options.regions, contigs),
        contigs=contigs,
        bases_per_region=parameters.scatter.bases_per_region,
    )
    lanes: dict[str, dict[str, int]] = {}
    for row in rows:
        sizes = [object_size(s3, read) if is_remote(read) else Path(read).stat().st_size for read in row.reads]
        lanes.setdefault(row.sample, {})[row.lane] = sum(sizes)
    is_annotated = bool(options.genes or options.clinvar) or parameters.annotate.predictor == VEP
    return RunSize(reference_file.stat().st_size, lanes, regions, is_annotated)
