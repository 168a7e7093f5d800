"""Training jobs and tuning jobs of the algorithms that AutoML jobs try."""

import math
import time
from collections.abc import Mapping
from typing import Any

from embedded_aws.context import Context
from embedded_aws.sagemaker.operations import (
    Answer,
    Parameters,
    Shelf,
    invalid,
    named,
    only,
    page,
    some,
    times,
)
from embedded_aws.sagemaker.records import Document, Records
from embedded_aws.sagemaker.running import Event, JobFailedError, JobStoppedError, Program, start
from embedded_aws.sagemaker.training_requests import TRAINING, told_of_training, told_of_tuning

# API Reference, CreateHyperParameterTuningJob: HyperParameterTuningJobName.
_LONGEST_TUNING_NAME = 32
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_STOPPED_WITH_INSTANCE = "the embedded AWS was stopped while the job ran"
_TUNING = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "Tags",
)
_COUNTED = {"Completed": "Completed", "InProgress": "InProgress", "Failed": "NonRetryableError", "Stopped": "Stopped"}


class TrainingJobs:
    """The operations."""

    def __init__(self, context: Context, records: Records) -> None:
        self._context = context
        self._jobs = Shelf(context, records, "TrainingJob")
        self._tunings = Shelf(context, records, "HyperParameterTuningJob", absent="ResourceNotFound")
        self._running: dict[str, Program] = {}

    def settle(self) -> None:
        """After a start: what ran has failed."""
        for shelf in (self._jobs, self._tunings):
            for name, job in shelf.all().items():
                if job["status"] in ("InProgress", "Stopping"):
                    shelf.change(name, status="Failed", ended=time.time(), FailureReason=_STOPPED_WITH_INSTANCE)

    def create_training_job(self, parameters: Parameters) -> Answer:
        """CreateTrainingJob."""
        only("CreateTrainingJob", parameters, TRAINING)
        name = named(parameters.get("TrainingJobName"))
        definition = told_of_training(parameters, parameters.get("HyperParameters") or {}, {})
        seconds = (parameters.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
        self._jobs.add(name, parameters, status="InProgress")
        request = {"definitions": [definition], "jobs": 1, "names": name.replace("{", "{{"), "seconds": None}
        self._start(self._jobs, name, parameters["RoleArn"], request, lambda event: self._note(name, event), seconds)
        return {"TrainingJobArn": self._jobs.arn(name)}

    def describe_training_job(self, parameters: Parameters) -> Answer:
        """DescribeTrainingJob."""
        name = str(parameters.get("TrainingJobName"))
        job = self._jobs.get(name)
        given, event = job["given"], job.get("event") or {}
        status = job["status"]
        answer = {
            "TrainingJobName": name,
            "TrainingJobArn": self._jobs.arn(name),
            "TrainingJobStatus": status,
            "SecondaryStatus": "Training" if status == "InProgress" else status,
            **some(given, "AlgorithmSpecification", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "RoleArn"),
            **some(given, "StoppingCondition", "VpcConfig", "EnableNetworkIsolation"),
            "HyperParameters": given.get("HyperParameters") or {},
            **_times(job),
            **some(job, "FailureReason"),
        }
        if tuning := job.get("tuning"):
            answer["TuningJobArn"] = self._tunings.arn(tuning)
            answer["HyperParameters"] = {**(answer["HyperParameters"]), **(event.get("hyperparameters") or {})}
        if automl := job.get("automl"):
            answer["AutoMLJobArn"] = automl
        if "model" in event:
            answer["ModelArtifacts"] = {"S3ModelArtifacts": event["model"]}
            answer["FinalMetricDataList"] = [
                {"MetricName": metric, "Value": value, "Timestamp": job["modified"]}
                for metric, value in event["metrics"].items()
            ]
        return answer

    def list_training_jobs(self, parameters: Parameters) -> Answer:
        """ListTrainingJobs."""
        return self._jobs.list(
            parameters,
            "TrainingJobSummaries",
            lambda name, job: {
                "TrainingJobName": name,
                "TrainingJobArn": self._jobs.arn(name),
                "TrainingJobStatus": job["status"],
                **_times(job),
            },
        )

    def stop_training_job(self, parameters: Parameters) -> Answer:
        """StopTrainingJob."""
        return self._stop(self._jobs, str(parameters.get("TrainingJobName")))

    def create_hyper_parameter_tuning_job(self, parameters: Parameters) -> Answer:
        """CreateHyperParameterTuningJob: its training jobs run one after the other, in one process."""
        only("CreateHyperParameterTuningJob", parameters, _TUNING)
        name = named(parameters.get("HyperParameterTuningJobName"), longest=_LONGEST_TUNING_NAME)
        told, objective, definitions = told_of_tuning(parameters)
        limits = told.get("ResourceLimits") or {}
        jobs = int(limits.get("MaxNumberOfTrainingJobs") or 1)
        played = [
            told_of_training(each, each.get("StaticHyperParameters") or {}, ranges) for each, ranges in definitions
        ]
        self._tunings.add(name, parameters, status="InProgress", objective=objective)
        by_algorithm = {one["algorithm"]: each for one, (each, _) in zip(played, definitions, strict=True)}
        request = {
            "definitions": played,
            "jobs": jobs,
            "names": f"{name}-{{:03d}}",
            "seconds": limits.get("MaxRuntimeInSeconds"),
            "seed": int(told.get("RandomSeed") or 0),
        }

        def on_event(event: Event) -> None:
            self._note_tuned(name, by_algorithm[event["algorithm"]], event)

        self._start(self._tunings, name, definitions[0][0]["RoleArn"], request, on_event)
        return {"HyperParameterTuningJobArn": self._tunings.arn(name)}

    def describe_hyper_parameter_tuning_job(self, parameters: Parameters) -> Answer:
        """DescribeHyperParameterTuningJob."""
        name = str(parameters.get("HyperParameterTuningJobName"))
        job = self._tunings.get(name)
        children = self._of(name)
        states = [_COUNTED.get(child["status"], "InProgress") for child in children.values()]
        counters = {state: states.count(state) for state in ("Completed", "InProgress", "NonRetryableError", "Stopped")}
        finished = sum("metrics" in (child.get("event") or {}) for child in children.values())
        answer = {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": self._tunings.arn(name),
            "HyperParameterTuningJobStatus": job["status"],
            **some(job["given"], "HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
            **{key: value for key, value in times(job).items() if key != "EndTime"},
            **({"HyperParameterTuningEndTime": job["ended"]} if job.get("ended") else {}),
            "TrainingJobStatusCounters": {**counters, "RetryableError": 0},
            "ObjectiveStatusCounters": {
                "Succeeded": finished,
                "Pending": counters["InProgress"],
                "Failed": len(children) - finished - counters["InProgress"],
            },
            **some(job, "FailureReason"),
        }
        ranked = self._ranked(name, job)
        if ranked and "FinalHyperParameterTuningJobObjectiveMetric" in ranked[0]:
            answer["BestTrainingJob"] = ranked[0]
        return answer

    def list_hyper_parameter_tuning_jobs(self, parameters: Parameters) -> Answer:
        """ListHyperParameterTuningJobs."""
        return self._tunings.list(
            parameters,
            "HyperParameterTuningJobSummaries",
            lambda name, job: {
                "HyperParameterTuningJobName": name,
                "HyperParameterTuningJobArn": self._tunings.arn(name),
                "HyperParameterTuningJobStatus": job["status"],
                "Strategy": job["given"]["HyperParameterTuningJobConfig"]["Strategy"],
                "CreationTime": job["created"],
                "LastModifiedTime": job["modified"],
            },
        )

    def list_training_jobs_for_hyper_parameter_tuning_job(self, parameters: Parameters) -> Answer:
        """ListTrainingJobsForHyperParameterTuningJob; by name unless told to sort by FinalObjectiveMetricValue."""
        name = str(parameters.get("HyperParameterTuningJobName"))
        found = self._ranked(name, self._tunings.get(name))
        if parameters.get("SortBy") != "FinalObjectiveMetricValue":
            found.sort(key=lambda one: one["TrainingJobName"])
            found = found[:: -1 if parameters.get("SortOrder") == "Descending" else 1]
        elif parameters.get("SortOrder") == "Ascending":
            found.reverse()
        return page(found, parameters, "TrainingJobSummaries")

    def stop_hyper_parameter_tuning_job(self, parameters: Parameters) -> Answer:
        """StopHyperParameterTuningJob."""
        return self._stop(self._tunings, str(parameters.get("HyperParameterTuningJobName")))

    def _stop(self, shelf: Shelf, name: str) -> Answer:
        if shelf.get(name)["status"] != "InProgress" or shelf.arn(name) not in self._running:
            raise invalid(f"The job {name} does not run, and cannot be stopped.")
        shelf.change(name, status="Stopping")
        self._running[shelf.arn(name)].stop()
        return {}

    def _start(
        self,
        shelf: Shelf,
        name: str,
        role_arn: str,
        request: dict[str, Any],
        on_event: Any,
        seconds: float | None = None,
    ) -> None:
        job_arn = shelf.arn(name)
        program = Program(
            self._context, "train", role_arn=role_arn, job_arn=job_arn, logs=(_LOG_GROUP, f"{name}/algo-1")
        )
        self._running[job_arn] = program

        def run() -> None:
            status, told = "Completed", {}
            try:
                program.run(request, on_event, seconds)
            except JobStoppedError:
                status = "Stopped"
            except JobFailedError as error:
                status, told = "Failed", {"FailureReason": str(error)[:1024]}
            self._end(shelf, name, status, told)
            self._running.pop(job_arn, None)

        start(run, f"training-{name}")

    def _end(self, shelf: Shelf, name: str, status: str, told: dict[str, str]) -> None:
        children = self._of(name) if shelf is self._tunings else {name: self._jobs.get(name)}
        for child, document in children.items():
            if shelf is self._tunings and document["status"] == "InProgress":
                self._jobs.change(child, status="Stopped" if status == "Stopped" else "Failed", ended=time.time())
        event = next(iter(children.values()), {}).get("event") or {}
        if shelf is self._jobs and event.get("status") == "Failed" and status == "Completed":
            status, told = "Failed", {"FailureReason": event["reason"]}
        if shelf is self._tunings and status == "Completed":
            reasons = [child["FailureReason"] for child in children.values() if "FailureReason" in child]
            if len(reasons) == len(children):
                status, told = "Failed", {"FailureReason": f"No training job succeeded: {(reasons or ['none ran'])[0]}"}
        shelf.change(name, status=status, ended=time.time(), **told)

    def _note(self, name: str, event: Event) -> None:
        self._jobs.change(name, event=dict(event))

    def _note_tuned(self, tuning: str, definition: Parameters, event: Event) -> None:
        name = event["name"]
        if self._jobs.find(name) is None:
            static = definition.get("StaticHyperParameters") or {}
            given = {**some(definition, *TRAINING), "TrainingJobName": name, "HyperParameters": static}
            self._jobs.add(name, given, status="InProgress", tuning=tuning, definition=definition.get("DefinitionName"))
        ended = {} if event["status"] == "InProgress" else {"ended": time.time()}
        reason = {"FailureReason": event["reason"]} if "reason" in event else {}
        self._jobs.change(name, status=event["status"], event=dict(event), **ended, **reason)

    def _of(self, tuning: str) -> dict[str, Document]:
        return {name: job for name, job in self._jobs.all().items() if job.get("tuning") == tuning}

    def _ranked(self, tuning: str, job: Document) -> list[Answer]:
        metric = job["objective"]["MetricName"]
        sign = -1 if job["objective"]["Type"] == "Maximize" else 1
        known = list(self._of(tuning).items())
        known.sort(key=lambda item: sign * _value(item[1], metric, -sign * math.inf))
        return [self._summary(name, document, tuning, job["objective"]) for name, document in known]

    def _summary(self, name: str, job: Document, tuning: str, objective: Mapping[str, str]) -> Answer:
        event = job.get("event") or {}
        summary = {
            "TrainingJobName": name,
            "TrainingJobArn": self._jobs.arn(name),
            "TuningJobName": tuning,
            "TrainingJobDefinitionName": job.get("definition") or "",
            "TrainingJobStatus": job["status"],
            "TunedHyperParameters": event.get("hyperparameters") or {},
            **{key: value for key, value in _times(job).items() if key != "LastModifiedTime"},
            **some(job, "FailureReason"),
        }
        if "metrics" in event:
            summary["ObjectiveStatus"] = "Succeeded"
            value = event["metrics"][objective["MetricName"]]
            summary["FinalHyperParameterTuningJobObjectiveMetric"] = {**objective, "Value": value}
        return summary


def _times(job: Document) -> Answer:
    told = times(job)
    ended = {"TrainingEndTime": told.pop("EndTime")} if "EndTime" in told else {}
    return {**told, "TrainingStartTime": job["created"], **ended}


def _value(job: Document, metric: str, absent: float) -> float:
    found: float = ((job.get("event") or {}).get("metrics") or {}).get(metric, absent)
    return found
