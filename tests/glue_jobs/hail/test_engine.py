"""By Hail the job makes the tables that it makes by our own reader: in the embedded Glue, as the stack lake has it run.

The jar, serializer and registrator are those of https://hail.is/docs/0.2/install/other-cluster.html
"""

import hashlib
import importlib.util
import io
import json
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.lake.spark_job import BUCKET, DATABASE, LocalCloud, local_cloud
from benchmarks.parity.rows import Content, Rows
from benchmarks.parity.verdicts import Outcome, Verdict
from benchmarks.parity.with_hail import compared
from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.loads import LoadManifest, LoadRequest, LoadSource
from genomics.contracts.runs import Artifact
from glue_jobs.variants.options import VariantsOptions, arguments
from glue_jobs.vcf.reader import open_vcf

ROOT = Path(__file__).parents[3]
_HAIL = importlib.util.find_spec("hail")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_HAIL is None, reason="Hail is not installed: make hail"),
]
_HEADER = """##fileformat=VCFv4.2
##INFO=<ID=AC,Number=A,Type=Integer,Description="">
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=DB,Number=0,Type=Flag,Description="">
##INFO=<ID=NOTE,Number=.,Type=String,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequences. Format: Allele|Consequence|SYMBOL">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="">
##FORMAT=<ID=VAF,Number=A,Type=Float,Description="">
##contig=<ID=chr1>
##contig=<ID=chrX>
"""
_SAMPLES = 5


def cohort(records: int) -> bytes:
    """Calls of some samples: one or two ALTs, indels, haploid, phased, partly and wholly missing ones."""
    draw = random.Random(1)  # noqa: S311 (not for cryptography)
    lines = [_HEADER, "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"])]
    lines += [f"\tS{n}" for n in range(_SAMPLES)] + ["\n"]
    for number in range(records):
        contig = "chr1" if number < records // 2 else "chrX"
        ref, alts = draw.choice([("A", ["C"]), ("AT", ["A", "ATT"]), ("GCC", ["G", "<DEL>"]), ("T", ["*", "G"])])
        info = [f"AC={','.join(str(draw.randrange(9)) for _ in alts)}", f"DP={draw.randrange(500)}"]
        info += [f"AF={','.join(draw.choice(['.', '1e-05', '0.3333333333333']) for _ in alts)}"]
        info += ["DB"] * draw.randrange(2) + [draw.choice(["NOTE=a,.,b", "NOTE=.", "CLNDN=one,_two|three"])]
        info += [f"CSQ={alts[0]}|missense_variant|GENE{number},{alts[-1]}|stop_gained&splice|"]
        calls = [f"\t{_call(draw, len(alts))}" for _ in range(_SAMPLES)]
        site = [contig, str(1000 + number), draw.choice([".", f"rs{number}", "a;b"]), ref, ",".join(alts)]
        site += [draw.choice([".", "30.25"]), draw.choice([".", "PASS", "s50;q10"]), ";".join(info)]
        lines += ["\t".join([*site, "GT:AD:DP:GQ:PL:VAF"]), *calls, "\n"]
    return "".join(lines).encode()


def _call(draw: random.Random, alts: int) -> str:
    genotype = draw.choice(["0/0", "0/1", "1/0", "1|0", f"1/{alts}", f"{alts}|{alts}", "./.", "./1", "1", ".", "0"])
    depths = ",".join(draw.choice([".", "7", "30"]) for _ in range(alts + 1))
    return draw.choice([genotype, f"{genotype}:{depths}:37:99:.:{','.join(['0.25'] * alts)}"])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with local_cloud(tmp_path_factory.mktemp("cloud")) as started:
        _make_job(started)
        yield started


def _make_job(cloud: LocalCloud) -> None:
    """As the stack describes it."""
    s3 = cloud.client("s3")
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as file:
        for path in [
            *ROOT.glob("genomics/contracts/*.py"),
            *ROOT.glob("glue_jobs/**/*.py"),
            ROOT / "genomics/__init__.py",
        ]:
            file.write(path, path.relative_to(ROOT))
    s3.put_object(Bucket=BUCKET, Key="library.zip", Body=library.getvalue())
    s3.upload_file(str(ROOT / "glue_jobs/variants/job.py"), BUCKET, "job.py")
    assert _HAIL is not None
    assert _HAIL.origin
    jar = object_keys.hail_jar("0.2.139")
    s3.upload_file(str(Path(_HAIL.origin).parent / "backend/hail-all-spark.jar"), BUCKET, jar)
    iam = cloud.client("iam")
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}}
    iam.create_role(
        RoleName="job", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trusted})
    )
    allowed = {"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"}
    iam.put_role_policy(
        RoleName="job", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed})
    )
    cloud.client("glue").create_job(
        Name="variants",
        Role="job",
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/job.py", "PythonVersion": "3"},
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        DefaultArguments={
            "--extra-py-files": f"s3://{BUCKET}/library.zip",
            "--additional-python-modules": "hail==0.2.139",
            "--extra-jars": f"s3://{BUCKET}/{jar}",
            "--conf": "spark.serializer=org.apache.spark.serializer.KryoSerializer"
            " --conf spark.kryo.registrator=is.hail.kryo.HailKryoRegistrator",
        },
    )


def run(cloud: LocalCloud, dataset: str, content: bytes, engine: str, name: str) -> dict[str, Any]:
    """Load a VCF, in parts of a MiB; the run as Glue describes it."""
    digest = hashlib.sha256(content).hexdigest()
    s3, glue = cloud.client("s3"), cloud.client("glue")
    s3.put_object(Bucket=BUCKET, Key=f"inputs/{digest}/{name}", Body=content)
    source = LoadSource(dataset, Artifact(f"s3://{BUCKET}/inputs/{digest}/{name}", digest, len(content)))
    request = object_keys.run_document(f"{dataset}-{engine}", "load.json")
    s3.put_object(Bucket=BUCKET, Key=request, Body=dumps(LoadRequest("run", (source,))).encode())
    options = VariantsOptions(f"s3://{BUCKET}/{request}", DATABASE, BUCKET, range_mib=1, engine=engine)
    run_id = glue.start_job_run(JobName="variants", Arguments=arguments(options))["JobRunId"]
    while True:
        found: dict[str, Any] = glue.get_job_run(JobName="variants", RunId=run_id)["JobRun"]
        if found["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING", "WAITING"):
            return found
        time.sleep(0.2)


def manifest(cloud: LocalCloud, dataset: str) -> LoadManifest:
    stored = cloud.client("s3").get_object(Bucket=BUCKET, Key=object_keys.load_manifest(dataset))
    return loads(LoadManifest, stored["Body"].read())


def rows(cloud: LocalCloud, loaded: LoadManifest) -> Rows:
    """What the load's files hold, without what names the load."""
    found = Rows()
    for table in ("variants", "genotypes", "consequences", "rejects"):
        for key in loaded.files[table]:
            values = dict(
                zip(
                    ("dataset", "sample" if table == "genotypes" else "chrom"),
                    object_keys.partition_values(key),
                    strict=False,
                )
            )
            body = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
            content = pq.read_table(pa.BufferReader(body)).to_pylist(maps_as_pydicts="strict")
            getattr(found, table).extend({**row, **values, "dataset": ""} for row in content)
    return found


@pytest.mark.parametrize(("records", "name", "parts"), [(1000, "calls.vcf.gz", 1), (10_000, "calls.vcf", 2)])
def test_both_engines_make_the_same_tables(
    cloud: LocalCloud, bgzf: Callable[..., bytes], records: int, name: str, parts: int
) -> None:
    content = cohort(records)
    content = bgzf(content, 20_000) if name.endswith(".gz") else content
    for engine in ("native", "hail"):
        ended = run(cloud, f"{name}/{engine}", content, engine, name)
        assert ended["JobRunState"] == "SUCCEEDED", ended.get("ErrorMessage")
    native, hail = manifest(cloud, f"{name}/native"), manifest(cloud, f"{name}/hail")
    assert (native.engine, hail.engine) == ("native", "hail")
    assert hail.rows == native.rows
    written = {key.rpartition("/")[2].partition("-")[0] for key in hail.files["variants"]}
    assert len(written) >= parts
    assert {table: bool(keys) for table, keys in hail.files.items()} == {t: bool(k) for t, k in native.files.items()}
    verdict = compared(rows(cloud, native), rows(cloud, hail), open_vcf(Content(content)).header)
    assert verdict == Verdict(Outcome.EQUAL)


def test_what_hail_does_not_read_fails_with_one_line_and_leaves_nothing(cloud: LocalCloud) -> None:
    lines = cohort(20).decode().splitlines(keepends=True)
    text = "".join([*lines[:-1], lines[-1].replace("DP=", "DP=many")])
    ended = run(cloud, "bad", text.encode(), "hail", "calls.vcf")
    assert ended["JobRunState"] == "FAILED"
    assert "calls.vcf: Hail does not read it: " in ended["ErrorMessage"]
    assert "in integer literal" in ended["ErrorMessage"]
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    assert not [entry["Key"] for page in pages for entry in page["Contents"] if "dataset=bad" in entry["Key"]]
