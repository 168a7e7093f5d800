"""What `genomics load` asks of the lake, and what it refuses before anything is uploaded."""

from pathlib import Path

import pytest

from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.vcf_loads import load_vcfs


@pytest.mark.parametrize(
    ("names", "study", "line"),
    [
        (["a.txt"], "s", r"a\.txt: is no VCF or BCF by its name; it should end in one of \.vcf\.bgz, \.vcf\.gz, "),
        (
            ["a b.vcf"],
            "s",
            r"a b\.vcf: 'a b' would name the dataset, which may hold .* rename the file",
        ),
        (["a.vcf"], "s/t", r"--study 's/t': may hold letters"),
        (["x/a.vcf", "y/a.bcf"], "s", r"y/a\.bcf: would be the dataset s/a, as .*x/a\.vcf is; rename one of them"),
    ],
)
def test_files_that_cannot_be_named_are_refused_in_one_line(
    platform: Platform, tmp_path: Path, names: list[str], study: str, line: str
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=line):
        load_vcfs(platform, [tmp_path / name for name in names], study=study, uploading=lambda path, size: None)
    assert not platform.cloud.s3.list_objects_v2(Bucket="lake").get("Contents")
