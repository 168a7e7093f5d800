"""Batch transform: objects below a prefix, answered by a model."""

import time

from embedded_aws.context import Context
from embedded_aws.sagemaker.models import Models
from embedded_aws.sagemaker.operations import Answer, Parameters, Shelf, invalid, named, only, s3_uri, some, times
from embedded_aws.sagemaker.records import Document, Records
from embedded_aws.sagemaker.running import JobFailedError, JobStoppedError, Program, start

_CARRIED_OUT = (
    "TransformJobName",
    "ModelName",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
    "BatchStrategy",
    "MaxPayloadInMB",
    "MaxConcurrentTransforms",
    "Tags",
)
_LOG_GROUP = "/aws/sagemaker/TransformJobs"
_WHOLE = (None, "$")


class TransformJobs:
    """The operations."""

    def __init__(self, context: Context, records: Records, models: Models) -> None:
        self._context, self._models = context, models
        self._jobs = Shelf(context, records, "TransformJob")
        self._running: dict[str, Program] = {}

    def settle(self) -> None:
        """After a start: what ran has failed."""
        for name, job in self._jobs.all().items():
            if job["status"] in ("InProgress", "Stopping"):
                reason = "the embedded AWS was stopped while the job ran"
                self._jobs.change(name, status="Failed", ended=time.time(), FailureReason=reason)

    def create_transform_job(self, parameters: Parameters) -> Answer:
        """CreateTransformJob."""
        only("CreateTransformJob", parameters, _CARRIED_OUT)
        name = named(parameters.get("TransformJobName"))
        served = self._models.served(str(parameters.get("ModelName")))
        request = {**served, **_places(parameters), "joins_input": _joins_input(parameters.get("DataProcessing") or {})}
        self._jobs.add(name, parameters, status="InProgress")
        program = Program(
            self._context,
            "transform",
            role_arn=served["role_arn"],
            job_arn=self._jobs.arn(name),
            logs=(_LOG_GROUP, f"{name}/transform"),
        )
        self._running[name] = program

        def run() -> None:
            status, told = "Completed", {}
            try:
                program.run(request, lambda event: None)
            except JobStoppedError:
                status = "Stopped"
            except JobFailedError as error:
                status, told = "Failed", {"FailureReason": str(error)[:1024]}
            self._jobs.change(name, status=status, ended=time.time(), **told)
            self._running.pop(name, None)

        start(run, f"transform-{name}")
        return {"TransformJobArn": self._jobs.arn(name)}

    def describe_transform_job(self, parameters: Parameters) -> Answer:
        """DescribeTransformJob."""
        name = str(parameters.get("TransformJobName"))
        job = self._jobs.get(name)
        return {
            **self._summary(name, job),
            **some(job["given"], *(known for known in _CARRIED_OUT if known not in ("TransformJobName", "Tags"))),
        }

    def list_transform_jobs(self, parameters: Parameters) -> Answer:
        """ListTransformJobs."""
        return self._jobs.list(parameters, "TransformJobSummaries", self._summary)

    def stop_transform_job(self, parameters: Parameters) -> Answer:
        """StopTransformJob."""
        name = str(parameters.get("TransformJobName"))
        if self._jobs.get(name)["status"] != "InProgress" or name not in self._running:
            raise invalid(f"The job {name} does not run, and cannot be stopped.")
        self._jobs.change(name, status="Stopping")
        self._running[name].stop()
        return {}

    def _summary(self, name: str, job: Document) -> Answer:
        told = times(job)
        ended = {"TransformEndTime": told.pop("EndTime")} if "EndTime" in told else {}
        return {
            "TransformJobName": name,
            "TransformJobArn": self._jobs.arn(name),
            "TransformJobStatus": job["status"],
            "CreationTime": job["created"],
            "TransformStartTime": job["created"],
            **ended,
            **some(job, "FailureReason"),
        }


def _places(parameters: Parameters) -> dict[str, str]:
    read, written = parameters.get("TransformInput") or {}, parameters.get("TransformOutput") or {}
    only("TransformInput", read, ("DataSource", "ContentType", "SplitType", "CompressionType"))
    only("TransformOutput", written, ("S3OutputPath", "Accept", "AssembleWith", "KmsKeyId"))
    if read.get("ContentType") != "text/csv" or written.get("Accept") not in (None, "text/csv"):
        raise invalid("The models here read and write text/csv: set ContentType and Accept to it")
    if read.get("CompressionType") not in (None, "None"):
        raise invalid(f"CompressionType {read['CompressionType']} is not read here")
    source = (read.get("DataSource") or {}).get("S3DataSource") or {}
    if source.get("S3DataType") != "S3Prefix":
        raise invalid(f"S3DataType {source.get('S3DataType')} is not read here; S3Prefix is")
    return {
        "input": str(source["S3Uri"]),
        "output": s3_uri(written.get("S3OutputPath"), "TransformOutput.S3OutputPath"),
    }


def _joins_input(processing: Parameters) -> bool:
    for name in ("InputFilter", "OutputFilter"):
        if processing.get(name) not in _WHOLE:
            raise invalid(
                f"DataProcessing's {name} is not carried out here, but for $; give the columns the model takes"
            )
    return processing.get("JoinSource") == "Input"
