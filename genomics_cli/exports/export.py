"""Writes a dataset's VCF, compressed and indexed."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pysam

from genomics_cli.errors import UserError
from genomics_cli.exports.headers import read_header
from genomics_cli.exports.records import RecordWriter
from genomics_cli.exports.tables import read_manifest, rows_by_contig


@dataclass(frozen=True)
class Export:
    """A VCF that was written: how many records and samples it has. `source` is the file that was loaded."""

    dataset: str
    source: str
    vcf: str
    records: int
    samples: int

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def export_vcf(s3: Any, bucket: str, dataset: str, path: Path) -> Export:
    """Write the dataset's VCF to `path`, as BGZF, and its index beside it; it appears when it is whole.

    Records are sorted by contig, as the header has them, and POS. UserError says why it cannot be written.
    """
    if not path.name.endswith(".vcf.gz"):
        raise UserError(f"--vcf {path}: the file is compressed; end its name in .vcf.gz")
    if not path.parent.is_dir():
        raise UserError(f"--vcf {path}: there is no directory {path.parent}; make it first")
    manifest = read_manifest(s3, bucket, dataset)
    header = read_header(manifest.header)
    writer, records = RecordWriter(header), 0
    part = path.with_name(f".{path.name}.part.vcf.gz")
    try:
        with pysam.BGZFile(str(part), "wb", None) as file:
            file.write(header.text.encode())
            for chrom, variants, genotypes in rows_by_contig(s3, bucket, manifest, header.contigs):
                for line in writer.lines(chrom, variants, genotypes):
                    file.write(line.encode())
                    records += 1
        pysam.tabix_index(str(part), preset="vcf", force=True)
        part.with_name(f"{part.name}.tbi").replace(path.with_name(f"{path.name}.tbi"))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Export(dataset, manifest.source.uri, str(path), records, len(header.samples))
