"""The API: https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import athena, clients


def make_group(name: str, **configuration: Any) -> str:
    clients.client("athena").create_work_group(Name=name, Configuration=configuration)
    return name


def test_an_execution_says_how_it_went(lake: Any) -> None:
    execution = lake.run("select count(*) from variants")
    assert execution["Query"] == "select count(*) from variants"
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "SELECT")
    assert execution["QueryExecutionContext"] == {"Database": "lake_tests", "Catalog": "awsdatacatalog"}
    assert execution["WorkGroup"] == "lake-tests"
    status, statistics = execution["Status"], execution["Statistics"]
    assert status["CompletionDateTime"] >= status["SubmissionDateTime"]
    assert statistics["TotalExecutionTimeInMillis"] >= statistics["EngineExecutionTimeInMillis"] >= 0
    both = lake.client.batch_get_query_execution(QueryExecutionIds=[execution["QueryExecutionId"], "none"])
    assert [one["QueryExecutionId"] for one in both["QueryExecutions"]] == [execution["QueryExecutionId"]]
    assert [one["QueryExecutionId"] for one in both["UnprocessedQueryExecutionIds"]] == ["none"]
    listed = lake.client.list_query_executions(WorkGroup="lake-tests", MaxResults=5)["QueryExecutionIds"]
    assert execution["QueryExecutionId"] in listed
    runtime = lake.client.get_query_runtime_statistics(QueryExecutionId=execution["QueryExecutionId"])
    assert "Timeline" in runtime["QueryRuntimeStatistics"]


def test_results_lie_where_the_request_or_the_workgroup_says(lake: Any) -> None:
    # workgroups-settings-override: with Override client-side settings the workgroup's location is used, else the
    # request's, and the workgroup's where the request has none
    elsewhere = {"ResultConfiguration": {"OutputLocation": "s3://athena-lake/elsewhere-results"}}
    given = lake.run("select 1", **elsewhere)
    assert given["ResultConfiguration"]["OutputLocation"] == (
        f"s3://athena-lake/elsewhere-results/{given['QueryExecutionId']}.csv"
    )
    strict = make_group(
        "strict",
        EnforceWorkGroupConfiguration=True,
        ResultConfiguration={"OutputLocation": "s3://athena-lake/strict/"},
    )
    enforced = lake.run("select 1", WorkGroup=strict, **elsewhere)
    assert enforced["ResultConfiguration"]["OutputLocation"].startswith("s3://athena-lake/strict/")
    with pytest.raises(ClientError, match="enforces a centralized output location"):
        lake.start("create table x with (external_location = 's3://athena-lake/x/') as select 1 a", WorkGroup=strict)
    made = lake.run("create table in_strict as select 1 a", WorkGroup=strict)
    assert made["Status"]["State"] == "SUCCEEDED"
    nowhere = make_group("nowhere", EnforceWorkGroupConfiguration=False)
    with pytest.raises(ClientError, match="No output location provided"):
        lake.start("select 1", WorkGroup=nowhere)
    with pytest.raises(ClientError, match="is not found"):
        lake.start("select 1", WorkGroup="none")


def test_results_are_encrypted_as_the_workgroup_says(lake: Any) -> None:
    # encrypting-query-results-stored-in-s3: SSE_S3, SSE_KMS with a key
    key = clients.client("kms").create_key()["KeyMetadata"]["Arn"]
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": key}
    location = "s3://athena-lake/encrypted/"
    group = make_group(
        "encrypting", ResultConfiguration={"OutputLocation": location, "EncryptionConfiguration": encryption}
    )
    execution = lake.run("select 1", WorkGroup=group)
    assert execution["ResultConfiguration"]["EncryptionConfiguration"] == encryption
    stored = clients.client("s3").head_object(
        Bucket="athena-lake", Key=f"encrypted/{execution['QueryExecutionId']}.csv"
    )
    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"]) == ("aws:kms", key)


def test_the_results_object_quotes_every_value_and_leaves_null_empty(lake: Any) -> None:
    # querying-finding-output-files: "Athena query result files are ... CSV"
    execution = lake.run("select 'a\"b,c' x, '' y, null z union all select 'd\ne', null, null order by 1")
    bucket, _, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    s3 = clients.client("s3")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b'"x","y","z"\n"a""b,c","",\n"d\ne",,\n'
    described = json.loads(s3.get_object(Bucket=bucket, Key=key + ".metadata")["Body"].read())
    assert [column["Name"] for column in described] == ["x", "y", "z"]
    shown = lake.run("show tables")
    assert shown["ResultConfiguration"]["OutputLocation"].endswith(".txt")


def test_pages_start_with_the_columns_names_and_go_on(lake: Any) -> None:
    # GetQueryResults: MaxResults up to 1000
    sql = "select x from unnest(sequence(1, 2500)) as t(x) order by x"
    identifier = lake.start(sql)
    lake.wait(identifier)
    first = lake.client.get_query_results(QueryExecutionId=identifier, MaxResults=3)
    assert [row["Data"] for row in first["ResultSet"]["Rows"]] == [
        [{"VarCharValue": "x"}], [{"VarCharValue": "1"}], [{"VarCharValue": "2"}]]  # fmt: skip
    second = lake.client.get_query_results(QueryExecutionId=identifier, MaxResults=2, NextToken=first["NextToken"])
    assert [row["Data"][0]["VarCharValue"] for row in second["ResultSet"]["Rows"]] == ["3", "4"]
    assert [int(row[0] or 0) for row in lake.rows(identifier)] == list(range(1, 2501))
    with pytest.raises(ClientError, match="MaxResults"):
        lake.client.get_query_results(QueryExecutionId=identifier, MaxResults=1001)


def test_results_are_read_again_from_their_object(lake: Any) -> None:
    identifier = lake.start("select 'a\"b' x, '' y, null z union all select 'c\nd', 'e', null order by 1")
    before = lake.rows(identifier)
    athena.installed().forget_results()
    assert lake.rows(identifier) == before == [['a"b', "", None], ["c\nd", "e", None]]


def test_parameters_take_the_place_of_question_marks(lake: Any) -> None:
    # querying-with-prepared-statements: execution parameters are literals, in order
    sql = "select pos from variants where chrom = ? and pos > ? -- ?\n order by pos"
    assert lake.answer(sql, ExecutionParameters=["'chr20'", "100"]) == [["200"], ["300"]]
    assert "Incorrect number of parameters: expected 2 but found 1" in lake.refusal(sql, ExecutionParameters=["'x'"])


def test_the_same_request_token_starts_one_query(lake: Any) -> None:
    # StartQueryExecution: "A unique case-sensitive string used to ensure the request to create the query is idempotent"
    token = "0123456789abcdef0123456789abcdef-token"
    first = lake.start("select 1", ClientRequestToken=token)
    assert lake.start("select 1", ClientRequestToken=token) == first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        lake.start("select 2", ClientRequestToken=token)


def test_a_stopped_query_is_cancelled(lake: Any) -> None:
    identifier = lake.start(
        "select count(*) from unnest(sequence(1, 100000)) as a(x) cross join unnest(sequence(1, 100000)) as b(y) "
        "where x * y % 7 = 1"
    )
    lake.client.stop_query_execution(QueryExecutionId=identifier)
    assert lake.wait(identifier)["Status"]["State"] == "CANCELLED"
    done = lake.run("select 1")
    lake.client.stop_query_execution(QueryExecutionId=done["QueryExecutionId"])
    assert lake.wait(done["QueryExecutionId"])["Status"]["State"] == "SUCCEEDED"


def test_metadata_is_the_glue_catalogs(lake: Any) -> None:
    table = lake.client.get_table_metadata(
        CatalogName="AwsDataCatalog", DatabaseName="lake_tests", TableName="variants"
    )["TableMetadata"]
    assert {"Name": "pos", "Type": "bigint"}.items() <= table["Columns"][0].items()
    assert [key["Name"] for key in table["PartitionKeys"]] == ["dataset", "chrom"]
    listed = lake.client.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="lake_tests")
    assert "genotypes" in [one["Name"] for one in listed["TableMetadataList"]]
    names = [one["Name"] for one in lake.client.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
    assert "lake_tests" in names
    with pytest.raises(ClientError, match="MetadataException"):
        lake.client.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="lake_tests", TableName="none")


def test_a_workgroup_can_be_changed(lake: Any) -> None:
    group = make_group("changing", EnforceWorkGroupConfiguration=True)
    lake.client.update_work_group(
        WorkGroup=group,
        State="DISABLED",
        ConfigurationUpdates={"ResultConfigurationUpdates": {"OutputLocation": "s3://athena-lake/changed/"}},
    )
    found = lake.client.get_work_group(WorkGroup=group)["WorkGroup"]
    assert found["Configuration"]["ResultConfiguration"]["OutputLocation"] == "s3://athena-lake/changed/"
    with pytest.raises(ClientError, match="disabled"):
        lake.start("select 1", WorkGroup=group)


def test_prepared_statements_belong_to_a_workgroup(lake: Any) -> None:
    # ug, "Use parameterized queries": PREPARE, EXECUTE ... USING and DEALLOCATE PREPARE; "Prepared statements are
    # workgroup-specific"
    lake.answer("prepare by_place from select pos from variants where pos > ? and chrom = ? order by pos")
    assert lake.answer("execute by_place using 100, 'chr20'") == [["200"], ["300"]]
    assert lake.answer("execute by_place", ExecutionParameters=["100", "'chr21'"]) == [["150"]]
    named = {"StatementName": "by_place", "WorkGroup": lake.work_group}
    assert lake.client.get_prepared_statement(**named)["PreparedStatement"]["QueryStatement"].startswith("select pos")
    listed = lake.client.list_prepared_statements(WorkGroup=lake.work_group)["PreparedStatements"]
    assert [one["StatementName"] for one in listed] == ["by_place"]
    lake.client.update_prepared_statement(**named, QueryStatement="select ? + 1")
    assert lake.answer("execute by_place using 1") == [["2"]]
    asked = lake.client.batch_get_prepared_statement(
        PreparedStatementNames=["by_place", "absent"], WorkGroup=lake.work_group
    )
    assert [one["StatementName"] for one in asked["UnprocessedPreparedStatementNames"]] == ["absent"]
    lake.answer("deallocate prepare by_place")
    with pytest.raises(ClientError, match="PreparedStatement by_place was not found in workGroup lake-tests"):
        lake.start("execute by_place using 1")
    with pytest.raises(lake.client.exceptions.ResourceNotFoundException):
        lake.client.get_prepared_statement(**named)


def test_named_queries_are_kept_changed_and_deleted(lake: Any) -> None:
    told = {"Name": "count", "Database": "lake_tests", "QueryString": "select 1", "WorkGroup": lake.work_group}
    made = lake.client.create_named_query(**told)["NamedQueryId"]
    lake.client.update_named_query(NamedQueryId=made, Name="count all", QueryString="select 2")
    found = lake.client.batch_get_named_query(NamedQueryIds=[made, "00000000-0000-0000-0000-000000000000"])
    assert [(one["Name"], one["QueryString"]) for one in found["NamedQueries"]] == [("count all", "select 2")]
    assert len(found["UnprocessedNamedQueryIds"]) == 1
    lake.client.delete_named_query(NamedQueryId=made)
    with pytest.raises(ClientError, match=f"NamedQuery {made} was not found"):
        lake.client.get_named_query(NamedQueryId=made)


def test_the_catalog_is_glues_and_no_other(lake: Any) -> None:
    # API reference, ListDataCatalogs: "In the Athena console, data catalogs are listed as "data sources"";
    # AwsDataCatalog is there from the start
    [catalog] = lake.client.list_data_catalogs()["DataCatalogsSummary"]
    assert (catalog["CatalogName"], catalog["Type"]) == ("AwsDataCatalog", "GLUE")
    assert lake.client.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
    with pytest.raises(ClientError, match="the embedded Athena reads AwsDataCatalog only, not other"):
        lake.client.list_databases(CatalogName="other")
