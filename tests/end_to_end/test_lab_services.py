"""A deployment with all that is off by default: a LIMS and a ticket system, which a server of the test plays,
references on Lustre, and the image that VEP would be in.
"""

import gzip
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import instance
from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run
from tests.end_to_end.conftest import CommandLine
from tests.lab_service import LabService, lab_service

# A deployment of its own is synthesized, and started.
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Lab:
    """The command line, and what the lab's services have been told."""

    genomics: CommandLine
    service: LabService

    def execution(self, run_id: str) -> dict[str, Any]:
        """How the run's execution ended."""
        machine = self.genomics.deployment.run_state_machine_arn.replace(":stateMachine:", ":execution:")
        states, deadline = self.genomics.client("stepfunctions"), time.monotonic() + 60
        while (found := states.describe_execution(executionArn=f"{machine}:{run_id}"))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return dict(found)


@pytest.fixture(scope="module")
def lab(cdk_synth: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_service() as service:
        settings = {"lims.url": f"{service.url}samples", "tickets.url": f"{service.url}tickets"}
        settings |= {"lims.secret": "lab/lims", "tickets.secret": "lab/tickets"}
        settings |= {"references_lustre_gib": "1200", "vep": "true"}
        assembly, data = tmp_path_factory.mktemp("lab") / "cdk.out", tmp_path_factory.mktemp("lab-data")
        ended = cdk_synth(assembly, settings)
        assert ended.returncode == 0, ended.stderr
        genomics = CommandLine(instance.start(data, 0, assembly), tmp_path_factory.mktemp("lab-command-line"))
        for name in ("lab/lims", "lab/tickets"):
            genomics.client("secretsmanager").create_secret(Name=name, SecretString=f"token of {name}")
        yield Lab(genomics, service)
        instance.stop(data)


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """A single small sample."""
    made = make_sequencing_run(tmp_path_factory.mktemp("reads"), seed=29, contigs={"chrA": 12_000})
    header, *rows = made.sheet.read_text().splitlines(keepends=True)
    made.sheet.write_text(header + "".join(row for row in rows if "DEMO-2" in row))
    return made


def test_the_lims_is_told_once_and_its_trouble_holds_the_run_with_a_ticket(
    lab: Lab, reads: SequencingRun, output: Path
) -> None:
    lab.service.answers = [503, 422]
    outcome = lab.genomics.analyse(reads.sheet, reads.reference, output, "--study", "told")
    run_id = outcome.summary["run_id"]
    assert outcome.status != 0
    assert outcome.last_line == (
        "error: DEMO-2: the LIMS answered 422: said so; "
        f"the results are there, and `genomics redrive {run_id}` tries again"
    )
    assert Path(outcome.sample("DEMO-2")["vcf"]).exists()
    assert outcome.summary["load"]["state"] == "SUCCEEDED"
    (ticket,) = lab.service.accepted("/tickets")
    assert (ticket["run_id"], ticket["study"], ticket["step"]) == (run_id, "told", "lims")
    assert outcome.last_line.endswith(ticket["reason"])
    assert lab.service.accepted("/samples") == []

    assert lab.genomics("redrive", run_id).status == 0
    assert lab.execution(run_id)["status"] == "SUCCEEDED"
    assert json.loads(lab.genomics("status", run_id, "--json").output)["run"]["state"] == "SUCCEEDED"
    (document,) = lab.service.accepted("/samples")
    assert (document["sample"], document["state"], document["run_id"]) == ("DEMO-2", "SUCCEEDED", run_id)
    assert document["files"]["vcf"]["sha256"]
    tokens = {told.path: told.token for told in lab.service.told}
    assert tokens == {"/tickets": "Bearer token of lab/tickets", "/samples": "Bearer token of lab/lims"}


def test_a_ticket_that_cannot_be_opened_hides_no_failure(
    lab: Lab, reads: SequencingRun, tmp_path: Path, output: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(reads.sheet.parent, folder)
    (mate,) = (folder / "reads").glob("DEMO-2_*_R2_*")
    text = gzip.decompress(mate.read_bytes())
    mate.write_bytes(gzip.compress(text[: len(text) // 2]))
    lab.service.told.clear()
    lab.service.answers = [201, 403]
    outcome = lab.genomics.analyse(folder / "samples.csv", reads.reference, output, "--study", "broken")
    run_id = outcome.summary["run_id"]
    assert outcome.status != 0
    assert "DEMO-2: fastp L001 failed with exit code 1" in outcome.last_line
    assert lab.execution(run_id)["error"] == "SampleFailed"
    (document,) = lab.service.accepted("/samples")
    assert (document["state"], document["files"]) == ("FAILED", {})
    assert lab.service.accepted("/tickets") == []
    table = lab.genomics.deployment.ledger_table
    key = {"run_id": {"S": run_id}, "item": {"S": "ticket#00000"}}
    entry = lab.genomics.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    assert entry["reason"]["S"] == "no ticket was opened: the ticket system answered 403: said so"


def test_references_are_where_the_machines_have_lustre(lab: Lab, reads: SequencingRun, output: Path) -> None:
    lab.service.answers = []
    outcome = lab.genomics.analyse(reads.sheet, reads.reference, output, "--study", "lustre")
    assert outcome.status == 0, outcome.errors
    prepared = (lab.genomics.instance.data / "machine/mnt/lustre/references").glob("[!.]*/genome.fa.fai")
    assert len(list(prepared)) == 1


def test_without_vep_one_line_says_where_it_is(lab: Lab, reads: SequencingRun, output: Path) -> None:
    outcome = lab.genomics.analyse(
        reads.sheet, reads.reference, output, "--study", "vep", "--param", "annotate.predictor=vep"
    )
    assert outcome.status != 0
    assert (
        "DEMO-2: annotate failed with exit code 1: the program vep is not installed; only the image annotate_vep "
        in (outcome.last_line)
    )
