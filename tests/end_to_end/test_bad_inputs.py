"""Broken reads of several kinds in one run: each sample has its own reason, and the sound one comes through."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from genomics_cli.demo.sequencing_run import make_sequencing_run

# What the command itself lets pass: it looks for whole files, not at every record.
BROKEN = {
    "error_trunc_at_plus.fastq": "line 17: truncated record",
    "error_qual_space.fastq": "line 16: character ' ' in the quality",
    "tricky.fastq": "line 15: expected '+' below a sequence of one line",
    "malformed.fastq": "line 7: expected '+' below a sequence of one line",
    "misc_dna_as_illumina.fastq": "line 4: the qualities are Phred+64",
    "misc_rna_original_sanger.fastq": "line 2: character 'U' in the sequence",
}


@pytest.mark.slow
@pytest.mark.shared_data
def test_each_broken_sample_says_why_and_the_sound_one_is_loaded(
    genomics: Any, shared_data: Path, tmp_path: Path
) -> None:
    made = make_sequencing_run(tmp_path / "input", seed=11, contigs={"chrA": 6_000})
    heading, *rows = made.sheet.read_text().splitlines()
    for number, name in enumerate(BROKEN):
        (path,) = (shared_data / "bad_inputs").rglob(name)
        mates = [f"reads/BROKEN-{number}_R1.fastq", f"reads/BROKEN-{number}_R2.fastq.gz"]
        # The same content in two files is refused before anything starts.
        for mate, pack in zip(mates, (bytes, gzip.compress), strict=True):
            (made.sheet.parent / mate).write_bytes(pack(path.read_bytes()))
        rows.append(f"B{number},BROKEN-{number},L001,{','.join(mates)}")
    made.sheet.write_text("\n".join([heading, *(row for row in rows if "DEMO-1" not in row)]) + "\n")
    outcome = genomics.analyse(made.sheet, made.reference, tmp_path / "output", "--study", "spoiled")

    assert outcome.status != 0
    assert "Traceback" not in outcome.errors
    assert outcome.summary, outcome.errors
    run_id = outcome.summary["run_id"]
    asked = genomics("status", run_id, "--json")
    status = {sample["sample"]: sample for sample in json.loads(asked.output)["samples"]}
    s3, bucket = genomics.client("s3"), genomics.deployment.sequencing_bucket
    found = s3.get_object(Bucket=bucket, Key=f"runs/{run_id}/results.json")["Body"].read()
    results = {sample["sample"]: sample for sample in json.loads(found)["samples"]}
    for number, problem in enumerate(BROKEN.values()):
        sample = f"BROKEN-{number}"
        for told in (status[sample], results[sample], outcome.sample(sample)):
            assert told["state"] == "FAILED"
            assert told["reason"].startswith(f"{sample}: fastp")
            assert f"{sample}_R1.fastq {problem}" in told["reason"]
            assert "\n" not in told["reason"]
    assert {told["DEMO-2"]["state"] for told in (status, results)} == {"SUCCEEDED"}
    answer = genomics(
        "query", "select distinct dataset from variants where dataset like 'spoiled/%'", "--format", "csv"
    )
    assert answer.output.replace('"', "").split() == ["dataset", "spoiled/DEMO-2"]
