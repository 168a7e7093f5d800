"""How faithful the embedded AWS is, service by service: what executes, what is only recorded, and what differs.

`python -m embedded_aws.fidelity` writes the table into docs/architecture.md, between the two marks that stand there.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.resources import TABLE

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/architecture.md"
_START, _END = "<!-- fidelity: python -m embedded_aws.fidelity -->", "<!-- end of fidelity -->"


@dataclass(frozen=True)
class Service:
    """One row. `types` are beginnings of CloudFormation types, `modules` the parts of `embedded_aws` that carry it."""

    name: str
    executes: str
    differs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


SERVICES: tuple[Service, ...] = (
    Service(
        "CloudFormation",
        "templates are created, updated, rolled back and deleted after one table of types; change sets, exports and "
        "events are kept",
        (
            "nested stacks, stack sets, macros and custom resources other than CDK's own are not carried out",
            "resources are made one after the other, by the operator and not by the role that is passed",
            "a stack's tags are not passed on to its resources",
        ),
        types=("AWS::CloudFormation::", "AWS::CDK::", "Custom::"),
        modules=("cloudformation.service",),
    ),
    Service(
        "IAM, STS",
        "every call is checked against the caller's identity policies, boundaries and sessions, and the "
        "resource's policy; the log says which statement allowed it, or why it was denied",
        (
            "signatures are not verified: whoever knows a key id is its owner",
            "service control policies, VPC endpoint policies and federation do not exist here",
        ),
        types=("AWS::IAM::",),
        modules=("iam.identity", "iam.authorization"),
    ),
    Service(
        "S3",
        "objects, versions, multipart uploads, checksums, conditional writes, notifications; lifecycle rules and "
        "restores by the clock; bytes lie below the data directory",
        (
            "bytes are not encrypted on disk, though the key's policy decides who reads them",
            "access logs are not written",
        ),
        types=("AWS::S3::",),
        modules=("s3.service", "s3.archive_tiers", "s3.lifecycle"),
    ),
    Service(
        "KMS",
        "keys encrypt and decrypt, their policies are enforced, also for the services that use them",
        ("rotation changes no key material",),
        types=("AWS::KMS::",),
    ),
    Service(
        "DynamoDB",
        "items on disk, conditional writes, transactions",
        ("one request is carried out at a time", "streams are read by nobody"),
        types=("AWS::DynamoDB::",),
        modules=("dynamodb",),
    ),
    Service(
        "EFS",
        "a file system is a directory, mounted into jobs at its access point",
        ("its owner and modes are those of the machine's user",),
        types=("AWS::EFS::",),
        modules=("file_systems",),
    ),
    Service(
        "Batch",
        "a container's entry point and command run as a process with the job role's credentials; retries, timeouts, "
        "arrays, dependencies, priorities; memory and cores are held to what the job asked for",
        (
            "one machine, whose disk has what machines mount: a job that its compute environment could hold and this "
            "machine cannot, runs alone",
            "a root file system is the machine's, never read-only; memory is looked at ten times a second",
            "the last 1,000 jobs are remembered",
            "the image's files are the machine's: the Dockerfile's directory and command count, not its packages",
            "a Python program continues in a copy of an interpreter that has imported boto3 before",
        ),
        types=("AWS::Batch::", "AWS::ECR::"),
        modules=("batch.service",),
    ),
    Service(
        "Lambda",
        "zipped handlers run in processes of their own under their role, with time-outs, memory limits and "
        "retries of asynchronous calls",
        ("one Python: the one the instance runs on, in a copy that has imported boto3 before",),
        types=("AWS::Lambda::",),
        modules=("functions.service",),
    ),
    Service(
        "Step Functions",
        "the deployed JSONPath definition is interpreted under the machine's own role; distributed Maps have Map Runs "
        "and child executions; activities wait for workers; what failed or was stopped can be redriven",
        (
            "JSONata is not carried out",
            "child executions raise no events, count in no metric and are forgotten when the instance ends",
            "a redrive repeats an inline Map or a Parallel whole, and needs the instance that the execution ran in",
            "the last 1,000 executions are remembered, not those of 90 days; its own waits follow the machine's clock",
        ),
        types=("AWS::StepFunctions::",),
        modules=("step_functions.service",),
    ),
    Service(
        "EventBridge, Scheduler",
        "rules match every documented operator and deliver off the request's thread, retried, with dead letters; "
        "schedules fire by a clock that can be advanced (`POST /_embedded/clock`)",
        ("archives, pipes, API destinations, flexible windows and universal targets are refused",),
        types=("AWS::Events::", "AWS::Scheduler::"),
        modules=("events.service",),
    ),
    Service(
        "SQS, SNS",
        "visibility, redrive, FIFO order; Lambda polls in batches and takes back what failed",
        ("an e-mail is a file below `mail` in the data directory",),
        types=("AWS::SQS::", "AWS::SNS::"),
        modules=("messaging.mail",),
    ),
    Service(
        "Glue",
        "jobs run under Spark with their arguments, modules and role, and tell of their ends; triggers, workflows and "
        "crawlers work; the catalog is on disk",
        (
            "Spark runs on this machine, whatever the workers; `--additional-python-modules` must be installed",
            "bookmarks are refused",
            "crawlers read Parquet, CSV and JSON lines in S3; how alike two files must be is our own rule",
            "a workflow's run does not outlive the instance",
        ),
        types=("AWS::Glue::",),
        modules=("glue.service",),
    ),
    Service(
        "Lake Formation",
        "settings, grants and registered locations; calls of the Glue catalog need the permission that they need on "
        "AWS, and Athena reads a registered location by the role it was registered with, where its caller may SELECT",
        (
            "tags, row and column filters do not exist; lists of tables show also those that the caller may not see",
            "whoever makes a table has no permission by that; IAM alone says who may grant",
            "what was granted otherwise than by a template is forgotten when the instance ends",
        ),
        types=("AWS::LakeFormation::",),
        modules=("lake_formation.service",),
    ),
    Service(
        "Athena",
        "Trino SQL is translated to DuckDB over the Glue catalog; scanned bytes are those of the row groups and "
        "columns really read; results land in S3 as Athena writes them",
        (
            "ORC, Avro, Iceberg, partition projection, federated catalogs, MERGE and DELETE are refused by name",
            "regular expressions are RE2's; EXPLAIN shows DuckDB's plan",
            "NaN equals NaN; approx_percentile may interpolate; json_parse does not sort keys",
        ),
        types=("AWS::Athena::",),
        modules=("athena",),
    ),
    Service(
        "SageMaker",
        "AutoML jobs on tables train real candidates and write both notebooks; training and tuning jobs, models, "
        "endpoints with data capture, batch transform and the model registry work on what comes of them; each runs as "
        "its role",
        (
            "two labels only; XGBoost, LightGBM, random forests, extra trees, linear models and a multilayer "
            "perceptron; CatBoost, torch and fastai are refused by name, as is every other image",
            "a candidate's model is one container with its preprocessing, not three; tuning draws at random, also "
            "where a Bayesian strategy is asked for; eight candidates are tried where no number is given",
            "machine types and numbers have no effect; an endpoint has one variant and one process; a row that "
            "cannot be read gets a line that says why, beside the answers of the others",
            "notebook instances change their states only, and lifecycle scripts are not run",
            "what ran when the instance ended has failed",
        ),
        types=("AWS::SageMaker::", "AWS::ApplicationAutoScaling::"),
        modules=("sagemaker.service",),
    ),
    Service(
        "DataSync",
        "a directory plays the on-premises server; files are filtered, copied, verified and reported, events are "
        "raised",
        (
            "no agent: bandwidth limits hold, network failures do not happen",
            "executions are forgotten when the instance ends",
        ),
        types=("AWS::DataSync::",),
        modules=("datasync",),
    ),
    Service("Redshift Serverless", "nothing", types=("AWS::RedshiftServerless::",)),
    Service("Secrets Manager", "secrets are kept and read", types=("AWS::SecretsManager::",)),
    Service(
        "IAM Roles Anywhere, Storage Gateway, FSx",
        "nothing: certificates, appliances and network file systems are not here",
        types=("AWS::RolesAnywhere::", "AWS::StorageGateway::", "AWS::FSx::"),
    ),
    Service(
        "CloudWatch, Logs, SSM",
        "log groups and streams fill while processes run, subscription filters deliver, lines in the embedded metric "
        "format become metrics; executions, functions and queues report theirs; alarms on a metric and a threshold "
        "change their state by the clock and tell their topic; parameters are read",
        (
            "of what services report by themselves only `AWS/States`, `AWS/Lambda` and the depths of `AWS/SQS`; a "
            "depth is that of the moment in which it is asked for",
            "the last 20,000 values are remembered, and forgotten when the instance ends",
            "alarms on expressions and anomaly bands, and composite alarms, stay in the state in which they were made",
        ),
        types=("AWS::Logs::", "AWS::CloudWatch::", "AWS::SSM::"),
        modules=("logs.subscriptions", "monitoring.service"),
    ),
    Service("EC2", "nothing: processes share one machine", types=("AWS::EC2::",)),
)

# Parts of the embedded AWS that are no service.
OTHER_MODULES = ("economies", "durable.restoring")


def inert(service: Service) -> Mapping[str, str]:
    """Types of the service that are only recorded, each with its reason."""
    return {
        kind: entry.inert for kind, entry in sorted(TABLE.items()) if entry.inert and kind.startswith(service.types)
    }


def table() -> str:
    """The table in Markdown."""
    rows = ["| service | what really happens | only recorded | differs from AWS |", "|---|---|---|---|"]
    rows += [
        f"| {service.name} | {service.executes} | {_inert(service)} | {'; '.join(service.differs)} |"
        for service in SERVICES
    ]
    return "\n".join(rows)


def documented(text: str) -> str:
    """`text` with the table between its marks."""
    before, start, rest = text.partition(_START)
    _, end, after = rest.partition(_END)
    if not start or not end:
        raise ValueError(f"the document lacks the marks {_START} and {_END}")
    return f"{before}{start}\n\n{table()}\n\n{end}{after}"


def _inert(service: Service) -> str:
    """By reason, since many types share one."""
    kinds: dict[str, list[str]] = {}
    for kind, reason in inert(service).items():
        kinds.setdefault(reason, []).append(kind.removeprefix("AWS::").split("::", 1)[-1])
    return "; ".join(f"{_listed(names)}: {reason}" for reason, names in kinds.items())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> int:
    """Write the table into the document."""
    DOCUMENT.write_text(documented(DOCUMENT.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
