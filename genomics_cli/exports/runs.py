"""The datasets of a run, which are written as one VCF for each sample."""

from pathlib import Path

from genomics.contracts.loads import dataset
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.exports.export import Export, export_vcf
from genomics_cli.exports.tables import read_manifest
from genomics_cli.results import read_results


def export_run(platform: Platform, run_id: str, directory: Path) -> list[Export]:
    """Write what a run called as `<directory>/<sample>.vcf.gz`. UserError, before any is written, where the lake has
    not, or no longer, the run's own variants of a sample.
    """
    results = read_results(platform, run_id)
    if results is None:
        raise UserError(
            f"run {run_id} has no results; `genomics status` lists runs, `genomics status RUN` how one stands"
        )
    called = {sample.sample: sample.vcf for sample in results.samples if sample.vcf}
    if not called:
        raise UserError(f"run {run_id} has called no variants; `genomics status {run_id}` says why")
    s3, bucket = platform.cloud.s3, platform.deployment.data_lake_bucket
    for sample, vcf in called.items():
        name = dataset(results.study, sample)
        manifest = read_manifest(s3, bucket, name)
        if manifest.source.sha256 != vcf.sha256:
            raise UserError(
                f"dataset {name} holds what run {manifest.run_id} called since; `genomics export {name}` writes that"
            )
    directory.mkdir(parents=True, exist_ok=True)
    return [
        export_vcf(s3, bucket, dataset(results.study, sample), directory / f"{sample}.vcf.gz")
        for sample in sorted(called)
    ]
