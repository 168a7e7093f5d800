"""Crawlers. "dg" below is the AWS Glue Developer Guide: https://docs.aws.amazon.com/glue/latest/dg/<page>.html."""

import gzip
import io
import json
import time
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients
from embedded_aws.glue.crawled_schemas import UnclassifiedError, classify

BUCKET, DATABASE = "crawled-lake", "crawled"


@dataclass(frozen=True)
class Crawled:
    role: str

    @property
    def glue(self) -> Any:
        return clients.client("glue")

    def put(self, key: str, content: bytes) -> None:
        clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def crawl(self, name: str, path: str, **settings: Any) -> dict[str, Any]:
        """Make the crawler if it is not there, run it to its end: GetCrawler's answer."""
        target = {"Path": f"s3://{BUCKET}/{path}", **settings.pop("target", {})}
        if name not in self.glue.list_crawlers()["CrawlerNames"]:
            told = {"Role": self.role, "DatabaseName": DATABASE, **settings}
            self.glue.create_crawler(Name=name, Targets={"S3Targets": [target]}, **told)
        self.glue.start_crawler(Name=name)
        for _ in range(500):
            crawler: dict[str, Any] = self.glue.get_crawler(Name=name)["Crawler"]
            if crawler["State"] == "READY":
                return crawler
            time.sleep(0.02)
        raise AssertionError("the crawler does not end")

    def table(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]
        return found

    def columns(self, name: str) -> dict[str, str]:
        return {column["Name"]: column["Type"] for column in self.table(name)["StorageDescriptor"]["Columns"]}


@pytest.fixture(scope="module")
def crawled(services: Any) -> Crawled:
    clients.client("s3").create_bucket(Bucket=BUCKET)
    clients.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    return Crawled(services.role("crawlers"))


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_folders_of_one_schema_are_partitions_of_one_table(crawled: Crawled) -> None:
    # dg crawler-s3-folder-table-partition: Hive-style folders name the keys, others are partition_0, ...
    for chrom in ("chr20", "chr21"):
        for day in ("01", "02"):
            content = parquet(pos=[1, 2], gene=["A", None], score=pa.array([0.5, 1.5], pa.float32()))
            crawled.put(f"hive/chrom={chrom}/{day}/part.parquet", content)
    crawler = crawled.crawl("of-partitions", "hive/", TablePrefix="lake_")
    assert (crawler["State"], crawler["LastCrawl"]["Status"]) == ("READY", "SUCCEEDED")
    table = crawled.table("lake_hive")
    assert crawled.columns("lake_hive") == {"pos": "bigint", "gene": "string", "score": "float"}
    assert [key["Name"] for key in table["PartitionKeys"]] == ["chrom", "partition_1"]
    told = {name: table["Parameters"][name] for name in ("classification", "recordCount", "objectCount", "typeOfData")}
    assert told == {"classification": "parquet", "recordCount": "8", "objectCount": "4", "typeOfData": "file"}
    assert table["Parameters"]["UPDATED_BY_CRAWLER"] == "of-partitions"
    pages = crawled.glue.get_partitions(DatabaseName=DATABASE, TableName="lake_hive", Expression="chrom = 'chr21'")
    found = {tuple(one["Values"]): one["StorageDescriptor"]["Location"] for one in pages["Partitions"]}
    assert found == {
        ("chr21", "01"): f"s3://{BUCKET}/hive/chrom=chr21/01/",
        ("chr21", "02"): f"s3://{BUCKET}/hive/chrom=chr21/02/",
    }


def test_folders_of_different_schemas_are_tables(crawled: Crawled) -> None:
    crawled.put("mixed/people/a.csv", b"name,age\nann,30\nbob,41\n")
    crawled.put("mixed/calls/a.json", b'{"pos": 1, "info": {"dp": 3, "af": [0.5]}}\n{"pos": 5000000000, "ok": true}\n')
    crawled.put("mixed/calls/README.skip", b"not data\n")
    crawled.put("mixed/_temporary/x.csv", b"a,b\n1,2\n")
    crawled.crawl("of-tables", "mixed/", target={"Exclusions": ["**.skip"]})
    assert crawled.columns("people") == {"name": "string", "age": "bigint"}
    assert crawled.columns("calls") == {"pos": "bigint", "info": "struct<dp:int,af:array<double>>", "ok": "boolean"}
    assert crawled.table("people")["Parameters"]["skip.header.line.count"] == "1"
    assert crawled.table("people")["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    }


def test_what_is_crawled_can_be_queried(crawled: Crawled) -> None:
    crawled.put("samples/a.csv.gz", gzip.compress(b"sample|sex|depth\nNA1|F|30.5\nNA2|M|\n"))
    crawled.crawl("of-samples", "samples/")
    assert crawled.table("samples")["Parameters"]["compressionType"] == "gzip"
    athena = clients.client("athena")
    started = athena.start_query_execution(
        QueryString="select sample, depth from samples order by sample",
        QueryExecutionContext={"Database": DATABASE},
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/answers/"},
    )["QueryExecutionId"]
    for _ in range(500):
        if athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]["State"] == "SUCCEEDED":
            break
        time.sleep(0.02)
    rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"][1:]
    assert [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows] == [["NA1", "30.5"], ["NA2", None]]


def test_a_changed_lake_is_treated_as_the_policy_says(crawled: Crawled) -> None:
    # dg crawler-schema-changes-prevent: UPDATE_IN_DATABASE, and DELETE_FROM_DATABASE or DEPRECATE_IN_DATABASE
    crawled.put("changing/one/a.parquet", parquet(a=[1], b=["x"], c=[1], d=[2]))
    crawled.put("changing/two/a.parquet", parquet(z=[1]))
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"}
    crawled.crawl("of-changes", "changing/", SchemaChangePolicy=policy)
    crawled.put("changing/one/b.parquet", parquet(a=[1], b=["x"], c=[1], d=[2], e=[True]))
    clients.client("s3").delete_object(Bucket=BUCKET, Key="changing/two/a.parquet")
    assert crawled.crawl("of-changes", "changing/")["LastCrawl"]["Status"] == "SUCCEEDED"
    assert crawled.columns("one")["e"] == "boolean"
    assert int(crawled.table("two")["Parameters"]["DEPRECATED_BY_CRAWLER"]) > 0
    crawled.glue.update_crawler(
        Name="of-changes", SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    )
    crawled.put("changing/one/c.parquet", parquet(a=[1], b=["x"], c=[1], d=[2], e=[True], f=[1]))
    crawled.crawl("of-changes", "changing/")
    assert "f" not in crawled.columns("one")


def test_a_crawl_that_fails_says_why_there_and_in_its_log(crawled: Crawled, services: Any) -> None:
    crawler = crawled.crawl("of-nothing", "mixed/", DatabaseName="absent")
    assert crawler["LastCrawl"]["Status"] == "FAILED"
    assert "absent not found" in crawler["LastCrawl"]["ErrorMessage"]
    lines = services.log_lines("/aws-glue/crawlers", "of-nothing")
    # dg monitor-crawler: messages start with the crawl's prefix
    assert lines[0].startswith(f"[{crawler['LastCrawl']['MessagePrefix']}] BENCHMARK : Running Start Crawl")
    assert lines[-1].endswith("BENCHMARK : Crawler has finished running and is in state READY")


def test_a_crawler_may_do_what_its_role_may(crawled: Crawled, services: Any) -> None:
    blind = Crawled(services.role("blind-crawlers", "glue:*"))
    error = blind.crawl("of-the-blind", "mixed/")["LastCrawl"]["ErrorMessage"]
    assert "blind-crawlers/AWSGlueCrawler is not authorized to perform: s3:ListBucket" in error


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"Targets": {"JdbcTargets": [{"Path": "db/%"}]}}, "the embedded Glue does not crawl JdbcTargets"),
        ({"Targets": {}}, "Crawler must have at least one target"),
        ({"Classifiers": ["mine"]}, "the embedded Glue does not have custom classifiers"),
        ({"Schedule": "rate(1 day)"}, "is not a cron expression"),
    ],
)
def test_what_no_crawler_does_is_refused_at_once(crawled: Crawled, told: dict[str, Any], reason: str) -> None:
    given = {"Targets": {"S3Targets": [{"Path": "s3://x/"}]}, "Role": crawled.role, "DatabaseName": DATABASE}
    with pytest.raises(ClientError, match=reason):
        crawled.glue.create_crawler(Name="never", **{**given, **told})


def test_states_are_refused_as_glue_does(crawled: Crawled) -> None:
    crawled.crawl("of-states", "people-absent/")
    with pytest.raises(crawled.glue.exceptions.CrawlerNotRunningException):
        crawled.glue.stop_crawler(Name="of-states")
    [crawl] = crawled.glue.list_crawls(CrawlerName="of-states")["Crawls"]
    assert (crawl["State"], json.loads(crawl["Summary"])["TablesAdded"]) == ("COMPLETED", 0)


# dg add-classifier, "Built-in CSV classifier": headers parse as strings, and not all of the data does
@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b\n1,x\n2,y\n", {"a": "bigint", "b": "string"}),
        (b"x,y\nz,w\n", {"col0": "string", "col1": "string"}),
        (b"1\t2.5\n2\t3\n", {"col0": "bigint", "col1": "double"}),
        (b'"a","b"\n"x, y",1\n"z",2\n', {"a": "string", "b": "bigint"}),
        (b"flag;n\ntrue;1\nfalse;\n", {"flag": "boolean", "n": "bigint"}),
    ],
)
def test_csv_is_classified_with_its_header(content: bytes, columns: dict[str, str]) -> None:
    assert classify(content).columns == columns


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"\xff\xfe\x00", b"a,b\n", b'{"a": 1}\nbroken\n', b"PAR1xxPAR1"])
def test_what_no_classifier_knows_is_said(content: bytes) -> None:
    with pytest.raises(UnclassifiedError):
        classify(content)
