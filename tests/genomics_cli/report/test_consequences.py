from dataclasses import replace

from genomics_cli.report.consequences import ConsequenceRow, consequences_of
from genomics_cli.report.page import render
from tests.genomics_cli.sample_runs import summary


def test_only_annotated_samples_have_a_column() -> None:
    found = consequences_of(summary())
    assert found is not None
    assert found.samples == ("A",)
    assert found.rows == (ConsequenceRow("missense variant", (7,)), ConsequenceRow("known to ClinVar", (3,)))


def test_a_run_without_genes_has_no_such_table() -> None:
    plain = summary()
    plain = replace(plain, samples=tuple(replace(sample, steps=()) for sample in plain.samples))
    assert consequences_of(plain) is None
    assert "What the variants do" not in render(plain)
    assert "What the variants do" in render(summary())
