"""The variants job's arguments, as the stack writes them and the job reads them."""

import pytest

from glue_jobs.variants.options import VariantsOptions, arguments, parse


def test_what_the_stack_writes_the_job_reads() -> None:
    options = VariantsOptions("s3://lake/runs/r/load.json", "genomics", "lake", range_mib=8)
    given = arguments(options)
    assert given["--range_mib"] == "8"
    assert parse([word for pair in given.items() for word in pair]) == options


def test_arguments_that_glue_adds_are_ignored() -> None:
    argv = ["--JOB_NAME", "variants", "--request", "s3://b/k", "--enable-metrics", "", "--database", "d"]
    assert parse([*argv, "--data_lake_bucket", "b", "--TempDir", "s3://t/"]) == VariantsOptions("s3://b/k", "d", "b")


def test_a_missing_argument_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--request", "s3://b/k", "--database", "d"])
    assert "--data_lake_bucket" in capsys.readouterr().err
