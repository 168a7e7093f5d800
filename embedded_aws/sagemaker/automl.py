"""AutoML jobs on tables: CreateAutoMLJobV2 and what tells of them."""

import hashlib
import math
import time
from typing import Any

from moto.core.exceptions import JsonRESTError

from embedded_aws.context import Context
from embedded_aws.sagemaker import images, training_requests
from embedded_aws.sagemaker.operations import (
    Answer,
    Parameters,
    Shelf,
    arn,
    invalid,
    named,
    only,
    page,
    s3_uri,
    some,
    times,
)
from embedded_aws.sagemaker.records import Document, Records
from embedded_aws.sagemaker.running import Event, JobFailedError, JobStoppedError, Program, start

# API Reference, CreateAutoMLJobV2: AutoMLJobName.
_LONGEST_NAME = 32
_CARRIED_OUT = (
    "AutoMLJobName",
    "AutoMLJobInputDataConfig",
    "OutputDataConfig",
    "AutoMLProblemTypeConfig",
    "RoleArn",
    "Tags",
    "SecurityConfig",
    "AutoMLJobObjective",
    "DataSplitConfig",
)
_TABULAR = (
    "CandidateGenerationConfig",
    "CompletionCriteria",
    "Mode",
    "GenerateCandidateDefinitionsOnly",
    "ProblemType",
    "TargetAttributeName",
)
_CONTENT_TYPES = (None, "text/csv;header=present", "x-application/vnd.amazon+parquet")
# Of a problem with two labels; by default F1, as the API has it.
_OBJECTIVES = ("AUC", "Accuracy", "BalancedAccuracy", "F1", "Precision", "Recall")
_MODES = ("AUTO", "ENSEMBLING", "HYPERPARAMETER_TUNING")
# On AWS 250, on as many machines as are wanted.
_DEFAULT_CANDIDATES = 8
_DEFAULT_VALIDATION = 0.2
_LOG_GROUP = "/aws/sagemaker/AutoMLJobs"
_STOPPED_WITH_INSTANCE = "the embedded AWS was stopped while the job ran"


class AutoMLJobs:
    """The operations."""

    def __init__(self, context: Context, records: Records) -> None:
        self._context = context
        self._jobs = Shelf(context, records, "AutoMLJob", absent="ResourceNotFound")
        self._candidates = Shelf(context, records, "Candidate")
        self._trainings = Shelf(context, records, "TrainingJob")
        self._running: dict[str, Program] = {}

    def settle(self) -> None:
        """After a start: what ran has failed."""
        for name, job in self._jobs.all().items():
            if job["status"] in ("InProgress", "Stopping"):
                self._end(name, "Failed", "Failed", _STOPPED_WITH_INSTANCE)

    def create_auto_ml_job_v2(self, parameters: Parameters) -> Answer:
        """CreateAutoMLJobV2."""
        only("CreateAutoMLJobV2", parameters, _CARRIED_OUT)
        name = named(parameters.get("AutoMLJobName"), longest=_LONGEST_NAME)
        request = self._request(name, parameters)
        self._jobs.add(name, parameters, status="InProgress", secondary="Starting", resolved=_resolved(request))
        program = Program(
            self._context,
            "automl",
            role_arn=request["role_arn"],
            job_arn=self._jobs.arn(name),
            logs=(_LOG_GROUP, name),
        )
        self._running[name] = program
        start(lambda: self._run(name, program, request), f"automl-{name}")
        return {"AutoMLJobArn": self._jobs.arn(name)}

    def describe_auto_ml_job_v2(self, parameters: Parameters) -> Answer:
        """DescribeAutoMLJobV2."""
        name = str(parameters.get("AutoMLJobName"))
        job = self._jobs.get(name)
        given = job["given"]
        answer = {
            "AutoMLJobName": name,
            "AutoMLJobArn": self._jobs.arn(name),
            **some(given, "AutoMLJobInputDataConfig", "OutputDataConfig", "RoleArn", "AutoMLJobObjective"),
            **some(given, "AutoMLProblemTypeConfig", "DataSplitConfig", "SecurityConfig"),
            "AutoMLProblemTypeConfigName": "Tabular",
            "AutoMLJobStatus": job["status"],
            "AutoMLJobSecondaryStatus": job["secondary"],
            "ResolvedAttributes": job["resolved"],
            **times(job),
            **some(job, "FailureReason"),
        }
        if "notebooks" in job:
            answer["AutoMLJobArtifacts"] = job["notebooks"]
        if best := self._best(name, job):
            answer["BestCandidate"] = best
        return answer

    def list_auto_ml_jobs(self, parameters: Parameters) -> Answer:
        """ListAutoMLJobs."""
        return self._jobs.list(
            parameters,
            "AutoMLJobSummaries",
            lambda name, job: {
                "AutoMLJobName": name,
                "AutoMLJobArn": self._jobs.arn(name),
                "AutoMLJobStatus": job["status"],
                "AutoMLJobSecondaryStatus": job["secondary"],
                **times(job),
                **some(job, "FailureReason"),
            },
        )

    def list_candidates_for_auto_ml_job(self, parameters: Parameters) -> Answer:
        """ListCandidatesForAutoMLJob, the best first unless told otherwise."""
        name = str(parameters.get("AutoMLJobName"))
        job = self._jobs.get(name)
        wanted = parameters.get("CandidateNameEquals")
        found = [
            one
            for one in self._ranked(name, job)
            if wanted in (None, one["CandidateName"])
            and parameters.get("StatusEquals") in (None, one["CandidateStatus"])
        ]
        if parameters.get("SortBy") == "CreationTime":
            found.sort(key=lambda one: one["CreationTime"], reverse=True)
        if parameters.get("SortOrder") == "Ascending":
            found.reverse()
        return page(found, parameters, "Candidates")

    def stop_auto_ml_job(self, parameters: Parameters) -> Answer:
        """StopAutoMLJob."""
        name = str(parameters.get("AutoMLJobName"))
        job = self._jobs.get(name)
        if job["status"] != "InProgress":
            raise invalid(f"The job {name} is {job['status']} and cannot be stopped.")
        self._jobs.change(name, status="Stopping", secondary="Stopping")
        self._running[name].stop()
        return {}

    def _request(self, name: str, parameters: Parameters) -> dict[str, Any]:
        problem = parameters.get("AutoMLProblemTypeConfig") or {}
        if "TabularJobConfig" not in problem:
            raise invalid("The embedded SageMaker carries out TabularJobConfig alone, not " + ", ".join(problem))
        tabular = problem["TabularJobConfig"]
        only("CreateAutoMLJobV2's TabularJobConfig", tabular, _TABULAR)
        if tabular.get("ProblemType") not in (None, "BinaryClassification"):
            raise invalid(f"The embedded SageMaker learns two labels apart; {tabular['ProblemType']} it does not do.")
        objective = (parameters.get("AutoMLJobObjective") or {}).get("MetricName") or "F1"
        if objective not in _OBJECTIVES:
            raise invalid(f"The objective {objective} is none of {', '.join(_OBJECTIVES)}")
        mode = _mode(tabular)
        inputs = _inputs(parameters)
        criteria = tabular.get("CompletionCriteria") or {}
        algorithms = _algorithms(tabular, mode)
        output = s3_uri((parameters.get("OutputDataConfig") or {}).get("S3OutputPath"), "OutputDataConfig.S3OutputPath")
        return {
            "job": name,
            "suffix": hashlib.sha256(f"{name}{time.time()}".encode()).hexdigest()[:8],
            "role_arn": parameters["RoleArn"],
            "output": f"{output}/{name}",
            **inputs,
            "target": tabular["TargetAttributeName"],
            "mode": mode,
            "objective": objective,
            "algorithms": list(algorithms),
            "images": {algorithm: images.uri(self._context, algorithm) for algorithm in algorithms},
            "candidates": int(criteria.get("MaxCandidates") or _DEFAULT_CANDIDATES),
            "seconds": criteria.get("MaxAutoMLJobRuntimeInSeconds"),
            "per_training": criteria.get("MaxRuntimePerTrainingJobInSeconds"),
            "definitions_only": bool(tabular.get("GenerateCandidateDefinitionsOnly")),
            "validation_fraction": _fraction(parameters),
        }

    def _run(self, name: str, program: Program, request: dict[str, Any]) -> None:
        ended = "MaxCandidatesReached"
        if request["definitions_only"]:
            ended = "CandidateDefinitionsGenerated"

        def on_event(event: Event) -> None:
            nonlocal ended
            match event["event"]:
                case "phase" if event["phase"].startswith("Max"):
                    ended = event["phase"]
                case "phase":
                    self._jobs.change(name, secondary=event["phase"])
                case "notebooks":
                    self._jobs.change(
                        name,
                        secondary="FeatureEngineering",
                        notebooks={
                            "DataExplorationNotebookLocation": event["exploration"],
                            "CandidateDefinitionNotebookLocation": event["definition"],
                        },
                    )
                case "trial":
                    self._note(name, request, event)

        try:
            program.run(request, on_event)
            self._end(name, "Completed", "Completed" if ended == "MaxCandidatesReached" else ended)
        except JobStoppedError:
            self._end(name, "Stopped", "Stopped")
        except JobFailedError as error:
            self._end(name, "Failed", "Failed", str(error))
        finally:
            self._running.pop(name, None)

    def _note(self, job: str, request: dict[str, Any], event: Event) -> None:
        """A candidate, and the training job that has made it."""
        name = event["name"]
        if self._candidates.find(name) is None:
            self._candidates.add(name, {}, job=job, status=event["status"])
            self._trainings.add(
                name,
                training_requests.given_by_automl(self._context, request, event),
                status=event["status"],
                automl=arn(self._context, "AutoMLJob", job),
            )
        ended = {} if event["status"] == "InProgress" else {"ended": time.time()}
        told = {"status": event["status"], "event": dict(event), **ended}
        self._candidates.change(name, **told)
        self._trainings.change(name, **told, **({"FailureReason": event["reason"]} if "reason" in event else {}))

    def _end(self, name: str, status: str, secondary: str, reason: str | None = None) -> None:
        told = {"FailureReason": reason[:1024]} if reason else {}
        self._jobs.change(name, status=status, secondary=secondary, ended=time.time(), **told)
        for candidate, document in self._candidates.all().items():
            if document["job"] == name and document["status"] == "InProgress":
                self._candidates.change(candidate, status="Stopped", ended=time.time())
                self._trainings.change(candidate, status="Stopped", ended=time.time())

    def _best(self, name: str, job: Document) -> Answer | None:
        ranked = [one for one in self._ranked(name, job) if one["CandidateStatus"] == "Completed"]
        return ranked[0] if ranked else None

    def _ranked(self, name: str, job: Document) -> list[Answer]:
        objective = job["resolved"]["AutoMLJobObjective"]["MetricName"]
        known = [(one, document) for one, document in self._candidates.all().items() if document["job"] == name]
        known.sort(key=lambda item: -((item[1].get("event") or {}).get("metrics") or {}).get(objective, -math.inf))
        return [self._described(one, document, objective) for one, document in known]

    def _described(self, name: str, document: Document, objective: str) -> Answer:
        event = document["event"]
        answer: Answer = {
            "CandidateName": name,
            "CandidateStatus": document["status"],
            "ObjectiveStatus": "Succeeded" if document["status"] == "Completed" else "Pending",
            "CandidateSteps": [
                {
                    "CandidateStepType": "AWS::SageMaker::TrainingJob",
                    "CandidateStepArn": self._trainings.arn(name),
                    "CandidateStepName": name,
                }
            ],
            **times(document),
        }
        if "reason" in event:
            answer |= {"FailureReason": event["reason"], "ObjectiveStatus": "Failed"}
        if metrics := event.get("metrics"):
            answer["FinalAutoMLJobObjectiveMetric"] = {
                "MetricName": objective,
                "Value": metrics[objective],
                "Type": "Maximize",
                "StandardMetricName": objective,
            }
            answer["CandidateProperties"] = {
                "CandidateMetrics": [
                    {"StandardMetricName": metric, "Value": value, "Set": "Validation"}
                    | ({"MetricName": metric} if metric in _OBJECTIVES else {})
                    for metric, value in metrics.items()
                ]
            }
            answer["InferenceContainers"] = [
                {
                    "Image": images.uri(self._context, event["algorithm"]),
                    "ModelDataUrl": event["model"],
                    "Environment": {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"},
                }
            ]
        return answer


def _inputs(parameters: Parameters) -> dict[str, Any]:
    found: dict[str, Any] = {"training": None, "validation": None, "content_type": None}
    for channel in parameters.get("AutoMLJobInputDataConfig") or ():
        kind = channel.get("ChannelType") or "training"
        content_type = channel.get("ContentType")
        if content_type not in _CONTENT_TYPES:
            raise invalid(
                f"ContentType {content_type} is not read here; those are {', '.join(filter(None, _CONTENT_TYPES))}"
            )
        source = (channel.get("DataSource") or {}).get("S3DataSource") or {}
        if source.get("S3DataType") != "S3Prefix":
            raise invalid(f"S3DataType {source.get('S3DataType')} is not read here; S3Prefix is")
        found |= {kind: str(source.get("S3Uri")), "content_type": content_type}
    if not found["training"]:
        raise invalid("AutoMLJobInputDataConfig has no training channel")
    return found


def _mode(tabular: Parameters) -> str:
    """AUTO is ensembling for tables of up to 100 MB, which those of this machine are."""
    mode = tabular.get("Mode") or "AUTO"
    if mode not in _MODES:
        raise invalid(f"Mode {mode} is none of {', '.join(_MODES)}")
    return "ENSEMBLING" if mode == "AUTO" else str(mode)


def _algorithms(tabular: Parameters, mode: str) -> list[str]:
    configured = (tabular.get("CandidateGenerationConfig") or {}).get("AlgorithmsConfig") or ()
    wanted = [name for config in configured for name in config.get("AutoMLAlgorithms") or ()]
    if unknown := [name for name in wanted if name not in images.ALGORITHMS[mode]]:
        raise invalid(f"{unknown[0]} is not tried here in mode {mode}; {', '.join(images.ALGORITHMS[mode])} are")
    return wanted or list(images.ALGORITHMS[mode])


def _fraction(parameters: Parameters) -> float:
    fraction = float((parameters.get("DataSplitConfig") or {}).get("ValidationFraction") or _DEFAULT_VALIDATION)
    if not 0 < fraction < 1:
        raise JsonRESTError(
            "ValidationException", f"ValidationFraction is {fraction:g}; expected more than 0, less than 1"
        )
    return fraction


def _resolved(request: dict[str, Any]) -> Answer:
    criteria = {"MaxCandidates": request["candidates"], "MaxAutoMLJobRuntimeInSeconds": request["seconds"]}
    return {
        "AutoMLJobObjective": {"MetricName": request["objective"]},
        "CompletionCriteria": some(criteria, *criteria),
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "BinaryClassification"}},
    }
