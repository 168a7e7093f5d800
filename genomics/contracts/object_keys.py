"""Every S3 key of the platform. Functions give keys; `uri` joins one to its bucket."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from genomics.contracts.steps import Step, output_files

# Deliveries: what a user or the transfer stage brings. Only this prefix starts runs.
INBOX = "inbox/"
RUN_REQUEST = "run.json"

# What the platform makes of them.
RUNS = "runs/"
STEPS = "steps/"
# Reads by lane and sample, which runs find here or in the inbox.
DEMULTIPLEXED = f"{STEPS}{Step.DEMULTIPLEX}/"
REFERENCES = "references/"
# Uploads that are not complete; what is left here by a killed job expires.
PARTIAL = "partial/"

# Run folders as the sequencers wrote them, and what the transfer says of them.
RUN_FOLDERS = "run_folders/"
RUN_INFORMATION = "RunInfo.xml"
SAMPLE_SHEET = "SampleSheet.csv"
MANIFESTS = "manifests/"
TRANSFERS = "transfers/"
TRANSFER_REPORTS = "transfer_reports/"

# Studies as the lab registers them, their archives, and the VCFs that stay queryable for a time.
STUDIES = "studies/"
ARCHIVES = "archives/"
VCF_COPIES = "vcf_copies/"
# Beside an archive whose members are back.
RESTORED = "restored.json"

# In the bucket of logs.
STORAGE_ANALYSIS = "storage_analysis/"

# In the data lake's bucket.
TABLES = "tables/"
LOADS = "loads/"
LOAD_CHECKS = f"{LOADS}checks/"
# What jobs need that is too large to be installed by each run.
ENGINES = "engines/"
# Releases of annotations, as they were brought.
ANNOTATIONS = "annotations/"
QUERY_RESULTS = "query-results/"
# Files that tenants bring as tables of their own, each tenant's below its name, each table in a folder.
TENANTS = "tenants/"
# What interactive sessions of Glue keep.
SESSIONS = "sessions/"
TRAINING_SETS = "training_sets/"
# Where notebooks and their jobs keep tables and models.
MODEL_WORK = "model_work/"
# In the bucket Resources: what the notebook instance installs from.
NOTEBOOK_RESOURCES = "notebooks/"


# In the bucket of quarantined deliveries. No tenant's name holds an underscore.
SCAN_REPORTS = "scan_reports/"


def uri(bucket: str, key: str) -> str:
    """`s3://bucket/key`."""
    return f"s3://{bucket}/{key}"


def parse(text: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    scheme, _, rest = text.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise ValueError(f"{text!r} is not s3://bucket/key")
    return bucket, key


def run_folder(run_id: str) -> str:
    """Prefix of a run folder's files; `run_id` is the folder's name. Below it they lie as they lay in the folder."""
    return f"{RUN_FOLDERS}{run_id}/"


def transfer_manifests(run_id: str) -> str:
    """Prefix of a run folder's manifests."""
    return f"{MANIFESTS}{run_id}/"


def transfer_manifest(run_id: str, generation: int) -> str:
    """What a transfer must bring: a gzipped manifest (genomics.contracts.transfers), counted from 1."""
    return f"{transfer_manifests(run_id)}{generation}.tsv.gz"


def transfer_findings(run_id: str, execution: str) -> str:
    """Everything that did not arrive by an execution as the manifest says, a JSON line each."""
    return f"{TRANSFERS}{run_id}/{execution}.jsonl.gz"


def reads(sha256: str, name: str) -> str:
    """A FASTQ, under its content, so that the same file is uploaded once."""
    return f"{INBOX}reads/{sha256}/{name}"


def reference_file(sha256: str, name: str) -> str:
    """A reference, or what is known about it, as it was brought."""
    return f"{REFERENCES}{sha256}/{name}"


def run_request(run_id: str) -> str:
    """The request; its arrival starts the run."""
    return f"{INBOX}{run_id}/{RUN_REQUEST}"


def run_document(run_id: str, name: str) -> str:
    """A document about a run: `request.json`, `results.json`, `load.json`."""
    return f"{RUNS}{run_id}/{name}"


def demultiplex_request(run_id: str) -> str:
    """What a demultiplexing is to do (a DemultiplexRequest)."""
    return run_document(run_id, "demultiplex.json")


def lane_document(run_id: str, lane: str, name: str) -> str:
    """What a lane's job is told: `sheet`, `files`."""
    return run_document(run_id, f"lanes/{lane}.{name}.json")


def run_results(run_id: str) -> str:
    """Every sample's outcome."""
    return run_document(run_id, "results.json")


def run_plan(run_id: str) -> str:
    """What all samples of a run share (a RunPlan), so that it travels in no payload."""
    return run_document(run_id, "plan.json")


def run_samples(run_id: str) -> str:
    """The items of the Map over a run's samples, `[{"sample"}]`: too many for a payload."""
    return run_document(run_id, "samples.json")


def task(run_id: str, sample: str, step: Step, part: str) -> str:
    """What a tool's container is told."""
    name = f"{step}.{quote(part, safe='')}" if part else step.value
    return run_document(run_id, f"tasks/{sample}/{name}.json" if sample else f"tasks/{name}.json")


def step_output(step: Step, fingerprint: str, name: str) -> str:
    """An output of a step, under the step's fingerprint."""
    return f"{STEPS}{step}/{fingerprint}/{name}"


def step_outputs(step: Step, fingerprint: str, sample: str, asked_for: Iterable[str] = ()) -> dict[str, str]:
    """All outputs of a step: output name -> key. `asked_for` as `output_files` takes it."""
    files = output_files(step, sample, asked_for)
    return {name: step_output(step, fingerprint, file) for name, file in files.items()}


def step_record(step: Step, fingerprint: str) -> str:
    """The record that completes a step's outputs."""
    return step_output(step, fingerprint, "record.json")


def maker_of(key: str) -> tuple[Step, str] | None:
    """The step, and its fingerprint, that made an object; None of what no step made."""
    if not key.startswith(STEPS):
        return None
    step, _, rest = key.removeprefix(STEPS).partition("/")
    fingerprint, _, name = rest.partition("/")
    return (Step(step), fingerprint) if name and step in list(Step) else None


def latest_recipes(study: str, sample: str) -> str:
    """What the steps of a study's sample were last planned with (LatestRecipes)."""
    return f"{STEPS}latest/{quote(study, safe='')}/samples/{sample}.json"


def latest_reference_recipe(study: str, reference: str) -> str:
    """What a study's reference was last prepared with (LatestRecipes)."""
    return f"{STEPS}latest/{quote(study, safe='')}/references/{quote(reference, safe='')}.json"


def latest_lane_recipes(run_folder: str) -> str:
    """What a run folder's lanes were last planned with (LatestRecipes)."""
    return f"{STEPS}latest/{RUN_FOLDERS}{quote(run_folder, safe='')}.json"


def partial(key: str, attempt: str) -> str:
    """Where an output waits until all of its step's outputs are there: one prefix, for a lifecycle rule to sweep."""
    return f"{PARTIAL}{attempt}/{key}"


def study(name: str) -> str:
    """A study as the lab registers it (a Study)."""
    return f"{STUDIES}{name}.json"


def study_archives(study: str) -> str:
    """Prefix of all archives of a study."""
    return f"{ARCHIVES}{study}/"


def archive_document(study: str, archive_id: str, name: str) -> str:
    """Something of an archive: `request.json`, `archive.json`, `index.jsonl.gz`, ..."""
    return f"{study_archives(study)}{archive_id}/{name}"


def archive(study: str, archive_id: str) -> str:
    """The document that says that all tars of an archive were verified (an Archive)."""
    return archive_document(study, archive_id, "archive.json")


def archive_restored(study: str, archive_id: str) -> str:
    """Says that an archive's members are back at their keys (a Restored)."""
    return archive_document(study, archive_id, RESTORED)


def archive_tar(study: str, archive_id: str, number: int) -> str:
    """A tar, counted from 1."""
    return archive_document(study, archive_id, f"{study}.{number:03}.tar")


def restore_request(study: str, restore_id: str) -> str:
    """What a restore is to bring back (a RestoreRequest)."""
    return archive_document(study, "restores", f"{restore_id}.json")


def vcf_copy(study: str, archive_id: str, key: str) -> str:
    """Where a VCF stays queryable when its original is archived."""
    return f"{VCF_COPIES}{study}/{archive_id}/{key}"


def delivery_prefix(tenant: str, day: str, delivery: str) -> str:
    """Prefix of a delivery's files in whichever bucket: tenant/year/month/day/<delivery>/; `day` is an ISO date."""
    return f"{tenant}/{day.replace('-', '/')}/{delivery}/"


def scan_report(tenant: str, day: str, delivery: str, manifest: str, name: str) -> str:
    """What the scans say of a delivery as its manifest, by SHA-256, has it: `verdicts.jsonl.gz`, then `report.json`."""
    return f"{SCAN_REPORTS}{delivery_prefix(tenant, day, delivery)}{manifest}/{name}"


def table(name: str) -> str:
    """Root of a lake table."""
    return f"{TABLES}{name}/"


def table_partition(name: str, partition: Mapping[str, str], load: str) -> str:
    """Directory of the files that one load has for one partition: what the catalog's partition points at.

    `partition` holds the values by column, in the table's order; `load` identifies the load.
    """
    values = "".join(f"{column}={quote(value, safe='')}/" for column, value in partition.items())
    return f"{table(name)}{values}{load}/"


def partition_values(key: str) -> tuple[str, ...]:
    """The values, in the table's order, of the partition that a table's file belongs to."""
    return tuple(unquote(part.partition("=")[2]) for part in key.split("/") if "=" in part)


def load_manifests() -> str:
    """Prefix of the commits of all datasets; those right below it, not deeper."""
    return f"{LOADS}variants/"


def load_manifest(dataset: str) -> str:
    """The commit of a dataset's latest load into the lake: its source and the files that hold its rows."""
    return f"{load_manifests()}{quote(dataset, safe='')}.json"


def load_checks(subject: str) -> str:
    """Prefix of what the checks of a load have found; `subject` as in CheckReport."""
    return f"{LOAD_CHECKS}{quote(subject, safe='')}/"


def load_measures(dataset: str) -> str:
    """What was measured of a dataset's latest load (LoadMeasures)."""
    return f"{load_checks(dataset)}measures.json"


def check_report(subject: str) -> str:
    """How the latest load of a dataset, or of a release, came through its checks (a CheckReport)."""
    return f"{load_checks(subject)}report.json"


def dataset_releases(dataset: str) -> str:
    """Prefix of the manifests of a dataset as releases have pinned it."""
    return f"{LOADS}releases/{quote(dataset, safe='')}/"


def dataset_release(dataset: str, release: str) -> str:
    """The manifest of a dataset as it was when a release was made of it: its files stay."""
    return f"{dataset_releases(dataset)}{release}.json"


def load_file(sha256: str, name: str) -> str:
    """A VCF that somebody brought for the lake, under its content."""
    return f"{LOADS}files/{sha256}/{name}"


def load_request(run_id: str) -> str:
    """What somebody asked to be loaded, compacted, or pinned (a LoadRequest)."""
    return f"{LOADS}requests/{run_id}.json"


def staged_rejects(dataset: str, load: str, name: str) -> str:
    """Where a load's rejects wait until their line numbers are known."""
    return f"{LOADS}variants/{quote(dataset, safe='')}/{load}/{name}"


def staged_part(dataset: str, load: str, table: str, bucket: int, name: str) -> str:
    """Where some rows of one range wait to be gathered with those of the others, bucket by bucket."""
    return f"{LOADS}variants/{quote(dataset, safe='')}/{load}/{table}/{bucket:05d}/{name}"


def hail_jar(version: str) -> str:
    """Hail's jar, for jobs that read VCFs by Hail: of the same version as its Python package."""
    return f"{ENGINES}hail/{version}/hail-all-spark.jar"


def staged_source(dataset: str, load: str, name: str) -> str:
    """Where a source lies for as long as Hail reads it."""
    return f"{LOADS}variants/{quote(dataset, safe='')}/{load}/source/{name}"


def annotation_file(table: str, release: str, sha256: str, name: str) -> str:
    """A file of a release, under its content."""
    return f"{ANNOTATIONS}{table}/{release}/{sha256}/{name}"


def annotation_request(run_id: str) -> str:
    """A release that is to be loaded (an AnnotationRequest)."""
    return f"{ANNOTATIONS}requests/{run_id}.json"


def annotation_loads(table: str = "") -> str:
    """Prefix of the manifests of a table's releases, or of all tables'."""
    return f"{LOADS}annotations/{table}/" if table else f"{LOADS}annotations/"


def annotation_load(table: str, partition: Mapping[str, str]) -> str:
    """The commit of a release (an AnnotationManifest); `partition` holds the partition's values by column."""
    return f"{annotation_loads(table)}{'/'.join(partition.values())}.json"


def staged_annotation_rejects(table: str, partition: Mapping[str, str], load: str, name: str) -> str:
    """Where a release's rejects wait until their line numbers are known."""
    return f"{annotation_loads(table)}{'/'.join(partition.values())}/{load}/{name}"


def training_set(release: str, assembly: str, name: str) -> str:
    """A file of the training set that is made of a release; its manifest is `manifest.json`."""
    return f"{TRAINING_SETS}{release}/{assembly}/{name}"
