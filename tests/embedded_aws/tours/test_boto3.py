"""A tour with boto3, as it comes, through the services that a user of the platform touches."""

import base64
import io
import json
import urllib.request
import zipfile
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.embedded_aws.tours.conftest import Home
from tests.waiting import until

MIB = 1 << 20
TRUSTED = ("batch", "ecs-tasks", "glue", "lambda", "states")


@pytest.fixture(autouse=True)
def _in_the_shell(shell: Home) -> None:
    """Clients take what they need from the environment."""


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service)


def outputs(stack: str) -> dict[str, str]:
    (found,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def role(name: str) -> str:
    """A role that the services may take and that may do all that the tour has them do."""
    iam = client("iam")
    principals = {"Service": [f"{service}.amazonaws.com" for service in TRUSTED]}
    trust = {"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": ["s3:*", "logs:*", "sqs:*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="tour", PolicyDocument=policy)
    return arn


def test_s3_takes_parts_copies_and_signed_links() -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="boto3-tour")
    content = bytes(range(256)) * (11 * MIB // 256)
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(content), "boto3-tour", "reads/a.bin", Config=parts)
    head = s3.head_object(Bucket="boto3-tour", Key="reads/a.bin")
    assert head["ContentLength"] == len(content)
    assert head["ETag"].endswith('-3"')  # S3 User Guide, "Checking object integrity": digest of the parts, their number
    s3.copy({"Bucket": "boto3-tour", "Key": "reads/a.bin"}, "boto3-tour", "reads/b.bin", Config=parts)
    answer = s3.get_object(Bucket="boto3-tour", Key="reads/b.bin", Range="bytes=256-511")
    assert answer["Body"].read() == bytes(range(256))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="boto3-tour", Delimiter="/")
    assert [prefix["Prefix"] for page in pages for prefix in page["CommonPrefixes"]] == ["reads/"]
    link = s3.generate_presigned_url("put_object", Params={"Bucket": "boto3-tour", "Key": "by-link"})
    asked = urllib.request.Request(link, data=b"from a link", method="PUT")  # noqa: S310
    with urllib.request.urlopen(asked) as put:  # noqa: S310
        assert put.status == 200
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "boto3-tour", "Key": "by-link"})
    with urllib.request.urlopen(link) as got:  # noqa: S310
        assert got.read() == b"from a link"
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="boto3-tour", Key="absent")


def test_dynamodb_keeps_queries_and_refuses_conditions() -> None:
    resource: Any = boto3.resource("dynamodb")
    table = resource.create_table(
        TableName="boto3-tour",
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "step", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("run", "step")],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    for step in ("align", "call"):
        table.put_item(Item={"run": "r1", "step": step, "attempts": 1})
    found = table.query(KeyConditionExpression=boto3.dynamodb.conditions.Key("run").eq("r1"))  # type: ignore[attr-defined]
    assert [item["step"] for item in found["Items"]] == ["align", "call"]
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        table.put_item(Item={"run": "r1", "step": "call"}, ConditionExpression="attribute_not_exists(run)")
    ledger = client("dynamodb").describe_table(TableName=outputs("genomics-storage")["LedgerTable"])["Table"]
    assert ledger["TableStatus"] == "ACTIVE"


def test_messages_events_and_topics_arrive_in_queues() -> None:
    sqs, sns, events = client("sqs"), client("sns"), client("events")
    url = sqs.create_queue(QueueName="boto3-tour")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may = {"Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}}
    policy = {"Version": "2012-10-17", "Statement": [{**may, "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})

    def received() -> str:
        message = until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), bool)[0]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        body: str = message["Body"]
        return body

    sqs.send_message(QueueUrl=url, MessageBody="plain")
    assert received() == "plain"
    topic = sns.create_topic(Name="boto3-tour")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Subject="done", Message="by topic")
    assert json.loads(received())["Message"] == "by topic"
    events.put_rule(Name="boto3-tour", EventPattern=json.dumps({"source": ["tour"], "detail": {"n": [1]}}))
    events.put_targets(Rule="boto3-tour", Targets=[{"Id": "queue", "Arn": arn}])
    entries = [{"Source": "tour", "DetailType": "Step", "Detail": json.dumps({"n": n})} for n in (0, 1)]
    assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    assert json.loads(received())["detail"] == {"n": 1}


def test_functions_and_state_machines_run() -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(
            "tour.py", "def handler(event, context):\n    print('seen', event)\n    return {'n': event['n'] + 1}\n"
        )
    functions, states = client("lambda"), client("stepfunctions")
    arn = role("boto3-tour-functions")
    function = functions.create_function(
        FunctionName="boto3-tour",
        Runtime="python3.11",
        Role=arn,
        Handler="tour.handler",
        Code={"ZipFile": code.getvalue()},
    )
    answer = functions.invoke(FunctionName="boto3-tour", Payload=json.dumps({"n": 1}), LogType="Tail")
    assert json.load(answer["Payload"]) == {"n": 2}
    assert "seen {'n': 1}" in base64.b64decode(answer["LogResult"]).decode()
    failed = functions.invoke(FunctionName="boto3-tour", Payload="{}")
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "KeyError"
    invoker = role("boto3-tour-states")
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function["FunctionArn"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client("iam").put_role_policy(RoleName="boto3-tour-states", PolicyName="invoke", PolicyDocument=document)
    task = {"Type": "Task", "Resource": function["FunctionArn"], "Next": "Done"}
    definition = {"StartAt": "Add", "States": {"Add": task, "Done": {"Type": "Pass", "End": True}}}
    machine = states.create_state_machine(name="boto3-tour", definition=json.dumps(definition), roleArn=invoker)
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"n": 41}')["executionArn"]
    ended = until(lambda: states.describe_execution(executionArn=started), lambda found: found["status"] != "RUNNING")
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"n": 42})
    history = states.get_execution_history(executionArn=started)["events"]
    assert (history[0]["type"], history[-1]["type"]) == ("ExecutionStarted", "ExecutionSucceeded")


def test_batch_and_glue_run_jobs_and_log_what_they_print() -> None:
    batch, glue, logs = client("batch"), client("glue"), client("logs")
    queue = batch.describe_job_queues()["jobQueues"][0]
    definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    align = next(one["jobDefinitionArn"] for one in definitions if "Align" in one["jobDefinitionName"])
    job = batch.submit_job(
        jobName="tour", jobQueue=queue["jobQueueName"], jobDefinition=align, containerOverrides={"command": ["--help"]}
    )["jobId"]
    ended = until(
        lambda: batch.describe_jobs(jobs=[job])["jobs"][0], lambda found: found["status"] in ("SUCCEEDED", "FAILED")
    )
    assert (ended["status"], ended["container"]["exitCode"]) == ("SUCCEEDED", 0)
    told = {"logStreamName": ended["container"]["logStreamName"], "startFromHead": True}
    group = ended["container"]["logConfiguration"]["options"]["awslogs-group"]
    assert any("--task" in event["message"] for event in logs.get_log_events(logGroupName=group, **told)["events"])

    arn = role("boto3-tour-jobs")
    client("s3").create_bucket(Bucket="boto3-tour-scripts")
    client("s3").put_object(Bucket="boto3-tour-scripts", Key="job.py", Body=b"import sys; print(sys.argv[1:3])")
    command = {"Name": "pythonshell", "ScriptLocation": "s3://boto3-tour-scripts/job.py", "PythonVersion": "3.9"}
    glue.create_job(Name="boto3-tour", Role=arn, Command=command, DefaultArguments={"--day": "1"})
    run_id = glue.start_job_run(JobName="boto3-tour", Arguments={"--day": "2"})["JobRunId"]
    run = until(
        lambda: glue.get_job_run(JobName="boto3-tour", RunId=run_id)["JobRun"],
        lambda found: found["JobRunState"] in ("SUCCEEDED", "FAILED"),
    )
    assert run["JobRunState"] == "SUCCEEDED", run["ErrorMessage"]
    [printed] = logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run_id)["events"]
    assert printed["message"] == "['--day', '2']"


def test_athena_answers_over_the_deployed_lake() -> None:
    athena, lake = client("athena"), outputs("genomics-lake")
    tables = client("glue").get_tables(DatabaseName=lake["LakeDatabase"])["TableList"]
    ours = {"variants", "genotypes", "genotypes_by_location", "consequences", "rejects"}
    assert ours | {"clinvar"} <= {table["Name"] for table in tables}
    started = athena.start_query_execution(
        QueryString="select count(*) as n from variants where chrom = ?",
        ExecutionParameters=["'chr20'"],
        QueryExecutionContext={"Database": lake["LakeDatabase"]},
        WorkGroup=lake["LakeWorkgroup"],
    )["QueryExecutionId"]
    execution = until(
        lambda: athena.get_query_execution(QueryExecutionId=started)["QueryExecution"],
        lambda found: found["Status"]["State"] not in ("QUEUED", "RUNNING"),
    )
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["n", "0"]
    statistics = athena.get_query_runtime_statistics(QueryExecutionId=started)["QueryRuntimeStatistics"]
    assert statistics["Rows"]["InputBytes"] == 0


def test_a_stack_of_glues_resources_comes_changes_and_goes() -> None:
    cloud, glue = client("cloudformation"), client("glue")
    arn = role("boto3-tour-crawlers")
    column = [{"Name": "day", "Type": "string"}]
    files = {"Columns": [{"Name": "n", "Type": "int"}], "Location": "s3://boto3-tour/t/"}
    table = {"Name": "t", "PartitionKeys": column, "StorageDescriptor": files}
    of_table = {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseName": {"Ref": "Database"}}
    crawler = {
        "Role": arn,
        "DatabaseName": {"Ref": "Database"},
        "Targets": {"S3Targets": [{"Path": "s3://boto3-tour/"}]},
    }
    trigger = {
        "Type": "SCHEDULED",
        "Actions": [{"CrawlerName": {"Ref": "Crawler"}}],
        "WorkflowName": {"Ref": "Workflow"},
    }
    connection = {"Name": "boto3_tour", "ConnectionType": "NETWORK", "ConnectionProperties": {}}
    resources = {
        "Database": ("Database", {"CatalogId": of_table["CatalogId"], "DatabaseInput": {"Name": "boto3_tour"}}),
        "Table": ("Table", {**of_table, "TableInput": table}),
        "Partition": (
            "Partition",
            {
                **of_table,
                "TableName": {"Ref": "Table"},
                "PartitionInput": {"Values": ["1"], "StorageDescriptor": files},
            },
        ),
        "Crawler": ("Crawler", {**crawler, "Schedule": {"ScheduleExpression": "cron(0 3 * * ? *)"}}),
        "Workflow": ("Workflow", {"Description": "first"}),
        "Trigger": ("Trigger", {**trigger, "Schedule": "cron(0 2 * * ? *)"}),
        "Connection": ("Connection", {"CatalogId": of_table["CatalogId"], "ConnectionInput": connection}),
    }

    def template(description: str) -> str:
        resources["Workflow"] = ("Workflow", {"Description": description})
        return json.dumps(
            {
                "Resources": {
                    n: {"Type": f"AWS::Glue::{kind}", "Properties": told} for n, (kind, told) in resources.items()
                }
            }
        )

    cloud.create_stack(StackName="boto3-tour", TemplateBody=template("first"))
    cloud.get_waiter("stack_create_complete").wait(StackName="boto3-tour", WaiterConfig={"Delay": 1})
    found = cloud.describe_stack_resources(StackName="boto3-tour")["StackResources"]
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
    assert glue.get_crawler(Name=ids["Crawler"])["Crawler"]["Schedule"]["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert glue.get_trigger(Name=ids["Trigger"])["Trigger"]["WorkflowName"] == ids["Workflow"]
    assert len(glue.get_partitions(DatabaseName="boto3_tour", TableName="t")["Partitions"]) == 1
    cloud.update_stack(StackName="boto3-tour", TemplateBody=template("second"))
    cloud.get_waiter("stack_update_complete").wait(StackName="boto3-tour", WaiterConfig={"Delay": 1})
    assert glue.get_workflow(Name=ids["Workflow"])["Workflow"]["Description"] == "second"
    cloud.delete_stack(StackName="boto3-tour")
    cloud.get_waiter("stack_delete_complete").wait(StackName="boto3-tour", WaiterConfig={"Delay": 1})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_trigger(Name=ids["Trigger"])
    assert glue.get_connections()["ConnectionList"] == []


def test_keys_secrets_parameters_and_identities() -> None:
    kms, secrets, ssm, sts = (client(name) for name in ("kms", "secretsmanager", "ssm", "sts"))
    key = kms.create_key(Description="tour")["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"of": "tour"})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"of": "tour"})["Plaintext"] == b"secret"
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"of": "another"})
    secrets.create_secret(Name="tour/lims", SecretString='{"token": "t"}')
    assert json.loads(secrets.get_secret_value(SecretId="tour/lims")["SecretString"]) == {"token": "t"}
    ssm.put_parameter(Name="/tour/reference", Value="GRCh38", Type="String")
    assert ssm.get_parameter(Name="/tour/reference")["Parameter"]["Value"] == "GRCh38"
    assert sts.get_caller_identity()["Account"] == "123456789012"
    stacks = client("cloudformation").describe_stacks()["Stacks"]
    assert {stack["StackStatus"] for stack in stacks} == {"CREATE_COMPLETE"}


def test_a_role_may_do_what_its_policy_says_and_no_more() -> None:
    iam, sts = client("iam"), client("sts")
    me = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [me]})
    arn = iam.create_role(RoleName="boto3-tour-reader", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="boto3-tour-reader", PolicyName="read", PolicyDocument=policy)
    taken = sts.assume_role(RoleArn=arn, RoleSessionName="tour")["Credentials"]
    session = boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
    assert session.client("s3").list_buckets()["Buckets"]
    with pytest.raises(ClientError, match="boto3-tour-reader/tour is not authorized to perform: sqs:ListQueues"):
        session.client("sqs").list_queues()
