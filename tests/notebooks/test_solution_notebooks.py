"""Both solution notebooks, and between them the generated ones, from top to bottom against the embedded AWS.

They run as a role that may do what the notebook instance's role may, and nothing else.
"""

import csv
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from embedded_aws import instance
from embedded_aws.instance import Instance
from genomics.contracts.annotated_variants import PUBLISHED_COLUMNS
from tests.embedded_aws import small_assembly
from tests.embedded_aws.instance_clients import client
from tests.genomics.ml.conftest import made_up_rows

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
BUCKET = "notebooks"
GROUP = "disputed"
QUICK = {"candidates, minutes = 20, 60": "candidates, minutes = 2, 10", "algorithms = []": 'algorithms = ["xgboost"]'}
QUICK_LOOK = {
    "explained, samples = 40, 4": "explained, samples = 2, 1",
    "resamples = 200": "resamples = 5",
    "register = False": "register = True",
}


def execute(path: Path, changes: dict[str, str]) -> Any:
    """The notebook with its outputs; of its cell of parameters, lines are changed first."""
    notebook = nbformat.read(path, as_version=4)
    for before, after in changes.items():
        (cell,) = (cell for cell in notebook.cells if before in cell.source)
        cell.source = cell.source.replace(before, after)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def printed(notebook: Any) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    assembly = small_assembly.write(tmp_path_factory.mktemp("assembly") / "cdk.out")
    data = tmp_path_factory.mktemp("instance")
    yield instance.start(data, 0, assembly)
    instance.stop(data)


@pytest.fixture
def desk(here: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the notebooks lie in, and their environment."""
    s3 = client(here, "s3")
    s3.create_bucket(Bucket=BUCKET)
    table = tmp_path / "training_set.csv.gz"
    with gzip.open(table, "wt", newline="") as lines:
        writer = csv.DictWriter(lines, PUBLISHED_COLUMNS)
        writer.writeheader()
        writer.writerows(made_up_rows(60, 10))
    s3.upload_file(str(table), BUCKET, "training_sets/newest/training_set.csv.gz")
    client(here, "sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = client(here, "iam")
    role = iam.create_role(
        RoleName="jobs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="jobs", PolicyName="work", PolicyDocument=document)
    workspace = {
        "training_sets_uri": f"s3://{BUCKET}/training_sets",
        "work_uri": f"s3://{BUCKET}/work",
        "job_role_arn": role,
        "training_set_job": "create-training-set",
        "model_group": GROUP,
        "prefix": "lab",
    }
    (tmp_path / "workspace.json").write_text(json.dumps(workspace))
    for notebook in NOTEBOOKS.glob("variant_*.ipynb"):
        shutil.copy(notebook, tmp_path)
    told = {**here.environment(), "IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(NOTEBOOKS.parent)}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    return tmp_path


@pytest.mark.slow
def test_from_the_training_set_to_what_the_deployed_models_are_worth(here: Instance, desk: Path) -> None:
    training = {**QUICK, "newest/training_set.csv": "newest/training_set.csv.gz"}
    classified = execute(desk / "variant_classifier-autopilot.ipynb", training)
    assert "600 variants" in printed(classified)
    for tier in ("a", "b"):
        directory = desk / "generated" / f"lab-disputed-{tier}"
        execute(directory / "SageMakerAutopilotDataExplorationNotebook.ipynb", {})
        execute(directory / "SageMakerAutopilotCandidateDefinitionNotebook.ipynb", {})

    predicted = execute(desk / "variant_predictor.ipynb", QUICK_LOOK)

    assert "deleted lab-disputed-a" in printed(predicted)
    assert "deleted lab-disputed-b" in printed(predicted)
    images = [out for cell in predicted.cells for out in cell.get("outputs", ()) if "image/png" in out.get("data", ())]
    assert len(images) == 3 + 2 + 4 + 2
    sagemaker = client(here, "sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    packages = sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
    assert {package["ModelApprovalStatus"] for package in packages} == {"PendingManualApproval"}
    nbformat.write(predicted, desk / "predicted.ipynb")
