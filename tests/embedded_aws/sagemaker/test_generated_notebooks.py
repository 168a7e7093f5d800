"""The notebooks that an AutoML job writes execute from top to bottom, and do what they say."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from embedded_aws.context import OPERATOR_ENVIRONMENT
from tests.embedded_aws.sagemaker.laboratory import BUCKET, Laboratory, rows, text


@pytest.fixture
def notebooks(
    laboratory: Laboratory, done: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, Any]:
    """Both, and the environment of whoever opens them."""
    context = laboratory.services.context
    told = {**OPERATOR_ENVIRONMENT, "AWS_ENDPOINT_URL": context.endpoint, "AWS_DEFAULT_REGION": context.region}
    for name, value in {**told, "IPYTHONDIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    read = {}
    for name, uri in done["AutoMLJobArtifacts"].items():
        key = uri.removeprefix(f"s3://{BUCKET}/")
        content = laboratory.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        read[name.removesuffix("NotebookLocation")] = nbformat.reads(content, as_version=4)
    return read


def execute(notebook: Any, directory: Path) -> str:
    """What it prints."""
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(directory)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)


def change(notebook: Any, before: str, after: str) -> None:
    (cell,) = (cell for cell in notebook.cells if before in cell.source)
    cell.source = cell.source.replace(before, after)


def test_the_exploration_describes_and_draws_the_table(notebooks: dict[str, Any], tmp_path: Path) -> None:
    execute(notebooks["DataExploration"], tmp_path)
    cells = notebooks["DataExploration"].cells
    told = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "400 rows, 3 columns, target `CLASS`" in told
    assert "| gene | text | 0.0% | 60 |" in told
    assert any("image/png" in out.get("data", ()) for cell in cells for out in cell.get("outputs", ()))


def test_a_changed_range_changes_the_candidates_and_the_deployed_model(
    notebooks: dict[str, Any], laboratory: Laboratory, tmp_path: Path
) -> None:
    sagemaker = laboratory.client()
    definition = notebooks["CandidateDefinition"]
    first = execute(definition, tmp_path)
    assert "disputes InService" in first
    before = sagemaker.describe_endpoint(EndpointName="disputes")["EndpointConfigName"]
    asked = text([row[:-1] for row in rows(20, 3)])
    answered = laboratory.answers("disputes", asked)

    change(definition, '"low": 3,\n                "high": 9', '"low": 1,\n                "high": 1')
    second = execute(definition, tmp_path)

    after = sagemaker.describe_endpoint(EndpointName="disputes")["EndpointConfigName"]
    assert after != before
    trained = [
        job["TunedHyperParameters"]["max_depth"]
        for job in sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=after)[
            "TrainingJobSummaries"
        ]
        if job["TrainingJobDefinitionName"] == "xgboost"
    ]
    assert trained == ["1"]
    assert second != first
    assert laboratory.answers("disputes", asked) != answered
