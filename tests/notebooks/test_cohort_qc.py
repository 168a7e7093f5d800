"""The notebook finds what was put into a generated cohort: tests/genomics/cohorts/cohort_vcf.py says what."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from tests.genomics.cohorts import cohort_vcf

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("hail") is None, reason="Hail is not installed: make hail"),
]
NOTEBOOK = Path(__file__).parents[2] / "notebooks/cohort_qc.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the notebook has run, itself in there too."""
    import nbformat  # noqa: PLC0415  (of the extra `notebooks`)
    from nbclient import NotebookClient  # noqa: PLC0415

    directory = tmp_path_factory.mktemp("cohort")
    cohort_vcf.write_cohort(directory / "cohort.vcf")
    groups = pd.DataFrame({"sample": cohort_vcf.sample_names()})
    groups.assign(group=groups["sample"].str.partition("-")[0]).to_csv(directory / "groups.csv", index=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (parameters,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += '\nvcf, groups_csv, cores, memory_gib = "cohort.vcf", "groups.csv", 2, 2'
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(directory)}}).execute()
    nbformat.write(notebook, directory / "executed.ipynb")
    return directory


def test_the_sample_of_few_calls_is_left_out_and_no_other(executed: Path) -> None:
    samples = pd.read_csv(executed / "cohort_qc/samples.csv")
    assert samples.loc[~samples["is_kept"], "sample"].tolist() == [cohort_vcf.POOR]
    assert samples["ti_tv"].median() == pytest.approx(2, abs=0.3)


def test_collapsed_variants_are_left_out(executed: Path) -> None:
    variants = pd.read_csv(executed / "cohort_qc/variants.csv").sort_values("position")
    assert len(variants) == cohort_vcf.VARIANTS
    assert not variants["is_kept"].head(cohort_vcf.COLLAPSED).any()
    assert variants["is_kept"].mean() > 0.97


def test_populations_lie_apart(executed: Path) -> None:
    places = pd.read_csv(executed / "cohort_qc/components.csv")
    population = places["sample"].str.partition("-")[0]
    coordinates = places[["PC1", "PC2"]]
    centres = coordinates.groupby(population).transform("mean")
    within = ((coordinates - centres) ** 2).sum(axis=1).max()
    between = min(
        ((a - b) ** 2).sum()
        for _, a in centres.drop_duplicates().iterrows()
        for _, b in centres.drop_duplicates().iterrows()
        if not a.equals(b)
    )
    assert between > 4 * within


def test_every_figure_is_drawn(executed: Path) -> None:
    import nbformat  # noqa: PLC0415

    cells = nbformat.read(executed / "executed.ipynb", as_version=4).cells
    images = [output for cell in cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    assert len(images) == 3
