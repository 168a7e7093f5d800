"""From a run folder that has arrived to its demultiplexing: read its sheet, find the studies, start it exactly once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.archives import Study
from genomics.contracts.codec import ContractError, from_dict
from genomics.contracts.demultiplexing import DemultiplexRequest, demultiplexing_id
from genomics.contracts.events import RunTransferred
from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.parameters import DemultiplexParameters
from genomics.contracts.runs import State
from genomics.contracts.samples import SampleSheetError
from genomics.contracts.sequencer_sheets import SequencerSheet, read_sequencer_sheet
from lambdas import documents
from lambdas.failures import one_line
from lambdas.ledger_table import RUN_ORDER, Ledger
from lambdas.secondary.lane_sheets import lane_sheets
from lambdas.secondary.run_information import RunInformationError, read_run_information
from lambdas.secondary.starting import RequestError, refuse, start_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class RunRouter:
    """Starts demultiplexings by one state machine, of run folders in one bucket."""

    bucket: str
    state_machine_arn: str
    s3: S3Client
    step_functions: SFNClient
    ledger: Ledger

    def receive(self, body: str) -> str | None:
        """Handle an event; returns the demultiplexing it has started, None if it was started before or is outdated.

        RequestError if it cannot be started (yet); the ledger then says so.
        """
        event = transferred_run(body)
        run_id = demultiplexing_id(event.run_id, event.generation)
        known = self.ledger.get(run_id, RUN)
        if known and known.execution_arn:
            return None
        if later := self._later(event):
            reason = f"generation {later} of the run folder has been started, which holds all of this one"
            self.ledger.start(LedgerEntry(run_id, RUN, State.SKIPPED, reason=reason, order=RUN_ORDER))
            return None
        try:
            request = self._request(run_id, event)
        except (ContractError, RequestError, RunInformationError, SampleSheetError) as error:
            raise refuse(self.ledger, run_id, error) from error
        uri = object_keys.uri(self.bucket, object_keys.demultiplex_request(run_id))
        documents.write(self.s3, request, uri)
        return start_once(
            step_functions=self.step_functions,
            ledger=self.ledger,
            state_machine_arn=self.state_machine_arn,
            run_id=run_id,
            given={"run_id": run_id, "request": uri},
        )

    def _later(self, event: RunTransferred) -> int | None:
        """A later generation of the run folder that has been started, if there is one."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=object_keys.transfer_manifests(event.run_id)
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        generation = event.generation + 1
        while object_keys.transfer_manifest(event.run_id, generation) in keys:
            entry = self.ledger.get(demultiplexing_id(event.run_id, generation), RUN)
            if entry and entry.execution_arn:
                return generation
            generation += 1
        return None

    def _request(self, run_id: str, event: RunTransferred) -> DemultiplexRequest:
        sheet_uri = event.folder + object_keys.SAMPLE_SHEET
        sheet = read_sequencer_sheet(self._read(sheet_uri, "put the run's sample sheet there"), name=sheet_uri)
        info_uri = event.folder + object_keys.RUN_INFORMATION
        run = read_run_information(self._read(info_uri, "transfer the run again"), name=info_uri)
        studies = self._studies(sheet)
        parameters = _agreed(studies)
        return DemultiplexRequest(
            run_id=run_id,
            folder=event.folder,
            manifest=event.manifest,
            lanes=lane_sheets(sheet, run, index2=parameters.index2),
            studies=studies,
            projects={row.sample: row.study for row in sheet.samples},
            parameters=parameters,
        )

    def _studies(self, sheet: SequencerSheet) -> tuple[Study, ...]:
        """The studies of a sheet's samples, each as it is registered, with a reference."""
        lines = {row.study: row.line for row in reversed(sheet.samples)}
        studies = []
        for name in dict.fromkeys(row.study for row in sheet.samples):
            uri = object_keys.uri(self.bucket, object_keys.study(name))
            study = documents.find(self.s3, Study, uri)
            if study is None:
                raise sheet.fault(lines[name], f"project {name} is no registered study; write {uri}")
            if study.name != name:
                raise RequestError(f"{uri} registers the study {study.name!r}; key and study must have the same name")
            if study.reference is None:
                raise RequestError(f"{uri}: the study names no reference; add one, for its samples to be analysed")
            studies.append(study)
        return tuple(studies)

    def _read(self, uri: str, advice: str) -> bytes:
        bucket, key = object_keys.parse(uri)
        if bucket != self.bucket or not key.startswith(object_keys.RUN_FOLDERS):
            raise RequestError(f"{uri} is not below {object_keys.uri(self.bucket, object_keys.RUN_FOLDERS)}")
        try:
            return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if documents.is_absent(error):
                raise RequestError(f"{uri} is not there; {advice}") from error
            raise


def transferred_run(body: str) -> RunTransferred:
    """What an event's body tells; RequestError if it is no event `RunTransferred`."""
    try:
        return from_dict(RunTransferred, json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"not an event RunTransferred ({error}): {one_line(body)!r}") from error


def _agreed(studies: Sequence[Study]) -> DemultiplexParameters:
    """How the run is demultiplexed: it is done once, for all its studies."""
    first = studies[0]
    if other := next((study for study in studies if study.demultiplex != first.demultiplex), None):
        raise RequestError(
            f"the studies {first.name} and {other.name} are registered with different parameters of demultiplexing;"
            " give them the same"
        )
    return first.demultiplex
