"""What a run called is written whole, or one line says why it cannot be."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import SCHEMA, LoadManifest
from genomics.contracts.runs import Artifact, RunResults, SampleResult, State
from genomics_cli.cloud import Platform
from genomics_cli.commands.export import export
from genomics_cli.errors import UserError
from genomics_cli.exports import runs
from genomics_cli.exports.export import Export


def put_results(platform: Platform, *samples: SampleResult) -> None:
    results = RunResults("run-1", "heart", "GRCh38", samples)
    body = dumps(results).encode()
    platform.cloud.s3.put_object(Bucket="sequencing", Key=object_keys.run_results("run-1"), Body=body)


def put_manifest(platform: Platform, sample: str, sha256: str, run_id: str) -> None:
    source = Artifact(f"s3://sequencing/{sample}.vcf.gz", sha256, 3)
    manifest = LoadManifest(f"heart/{sample}", source, run_id, SCHEMA, {}, {}, "##fileformat=VCFv4.2\n")
    key = object_keys.load_manifest(f"heart/{sample}")
    platform.cloud.s3.put_object(Bucket="lake", Key=key, Body=dumps(manifest).encode())


def called(sample: str) -> SampleResult:
    vcf = Artifact(f"s3://sequencing/{sample}.vcf.gz", sample[-1] * 64, 3)
    return SampleResult(sample, "P1", State.SUCCEEDED, vcf)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """Datasets that were exported, and where."""
    found: list[tuple[str, Path]] = []

    def note(_: Any, bucket: str, dataset: str, path: Path) -> Export:
        found.append((f"{bucket}:{dataset}", path))
        return Export(dataset, "s3://x", str(path), 1, 1)

    monkeypatch.setattr(runs, "export_vcf", note)
    return found


def test_each_sample_that_was_called_has_a_vcf(
    platform: Platform, written: list[tuple[str, Path]], tmp_path: Path
) -> None:
    put_results(platform, called("S2"), SampleResult("S3", "P1", State.FAILED), called("S1"))
    put_manifest(platform, "S1", "1" * 64, "run-1")
    # A sample whose VCF an earlier run had made is in the lake by that run's load.
    put_manifest(platform, "S2", "2" * 64, "run-0")
    runs.export_run(platform, "run-1", tmp_path / "new")
    assert written == [(f"lake:heart/{name}", tmp_path / f"new/{name}.vcf.gz") for name in ("S1", "S2")]


def test_a_dataset_that_another_run_has_replaced_is_not_passed_off_as_this_runs(
    platform: Platform, written: list[tuple[str, Path]], tmp_path: Path
) -> None:
    put_results(platform, called("S1"), called("S2"))
    put_manifest(platform, "S1", "1" * 64, "run-1")
    put_manifest(platform, "S2", "9" * 64, "run-7")
    with pytest.raises(UserError, match=r"heart/S2 holds what run run-7 called since"):
        runs.export_run(platform, "run-1", tmp_path)
    assert written == []


def test_a_run_without_results_or_calls_is_named(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run run-1 has no results"):
        runs.export_run(platform, "run-1", tmp_path)
    put_results(platform, SampleResult("S3", "P1", State.FAILED))
    with pytest.raises(UserError, match="run run-1 has called no variants"):
        runs.export_run(platform, "run-1", tmp_path)


@pytest.mark.parametrize(
    "words", [[], ["a/b"], ["--vcf", "x.vcf.gz"], ["a/b", "--run", "r"], ["a/b", "--vcf", "x.vcf.gz", "--output", "d"]]
)
def test_a_dataset_or_a_run_is_asked_for(words: list[str]) -> None:
    said = CliRunner().invoke(export, words)
    assert said.exit_code == 2
    assert "give DATASET and --vcf FILE, or --run RUN and perhaps --output DIR" in said.output
