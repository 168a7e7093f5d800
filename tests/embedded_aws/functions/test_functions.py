"""AWS Lambda as its Developer Guide describes it, and as its Python runtime behaves."""

import base64
import io
import json
import textwrap
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.functions import service
from embedded_aws.functions.lambda_runtime import SandboxError, load


@dataclass
class Functions:
    services: Any
    role: str
    count: int = 0

    @property
    def client(self) -> Any:
        return self.services.client("lambda")

    def create(self, code: str, **properties: Any) -> str:
        """A function whose package holds `code` as package/module.py; its name."""
        self.count += 1
        name = f"function-{self.count}"
        self.client.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.11",
                "Role": self.role,
                "Handler": "package.module.handler",
                "Code": {"ZipFile": package(code)},
                "Timeout": 10,
                **properties,
            }
        )
        return name

    def invoke(self, name: str, event: Any = None, **parameters: Any) -> tuple[dict[str, Any], Any]:
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **parameters)
        return answer, json.loads(answer["Payload"].read() or "null")

    def log(self, name: str) -> list[str]:
        lines: list[str] = self.services.log_lines(f"/aws/lambda/{name}")
        return lines


def package(code: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("package/__init__.py", "")
        archive.writestr("package/module.py", textwrap.dedent(code))
    return content.getvalue()


def until_there(path: Path) -> str:
    """Code of a function that ends when `path` exists."""
    return f"""\
        import os, time
        def handler(event, context):
            while not os.path.exists({str(path)!r}):
                time.sleep(0.01)
            print("done", event)
        """


@pytest.fixture(scope="module")
def functions(services: Any) -> Functions:
    return Functions(services, services.role("function"))


def test_a_handler_gets_the_event_and_its_answer_is_the_payload(functions: Functions) -> None:
    name = functions.create("def handler(event, context): return {'got': event}")
    answer, payload = functions.invoke(name, {"a": [1, None]})
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer.get("FunctionError")) == (200, "$LATEST", None)
    assert payload == {"got": {"a": [1, None]}}


def test_the_context_tells_of_the_invocation(functions: Functions) -> None:
    # Lambda Developer Guide, "Using the Lambda context object to retrieve Python function information"
    name = functions.create(
        """
        def handler(event, context):
            names = "function_name function_version invoked_function_arn memory_limit_in_mb log_group_name".split()
            return {name: getattr(context, name) for name in [*names, "aws_request_id"]} | {
                "left": context.get_remaining_time_in_millis()
            }
        """,
        MemorySize=256,
    )
    _, payload = functions.invoke(name)
    assert 8000 < payload.pop("left") <= 10_000
    assert payload.pop("aws_request_id")
    assert payload == {
        "function_name": name,
        "function_version": "$LATEST",
        "invoked_function_arn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        "memory_limit_in_mb": "256",
        "log_group_name": f"/aws/lambda/{name}",
    }


def test_a_function_runs_with_its_role_and_its_variables_only(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-the-operator")
    name = functions.create(
        """
        import os, boto3
        def handler(event, context):
            caller = boto3.client("sts").get_caller_identity()["Arn"]
            return [caller, os.environ["TABLE"], os.environ.get("AWS_PROFILE")]
        """,
        Environment={"Variables": {"TABLE": "ledger"}},
    )
    _, (arn, table, profile) = functions.invoke(name)
    assert arn.startswith("arn:aws:sts::123456789012:assumed-role/function/")
    assert (table, profile) == ("ledger", None)


def test_an_exception_is_an_unhandled_error_with_type_message_and_trace(functions: Functions) -> None:
    # Lambda Developer Guide, "Python function errors": errorMessage, errorType, requestId, stackTrace
    name = functions.create("def handler(event, context):\n    raise ValueError('no such sample')\n")
    answer, payload = functions.invoke(name)
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no such sample")
    [frame] = payload["stackTrace"]
    assert 'package/module.py", line 2, in handler' in frame
    assert any(line.startswith("[ERROR] ValueError: no such sample\rTraceback") for line in functions.log(name))


@pytest.mark.parametrize(
    ("code", "handler", "error", "message"),
    [
        ("import nothing_here", "package.module.handler", "Runtime.ImportModuleError",
         "Unable to import module 'package.module': No module named 'nothing_here'"),
        ("", "package.module.handler", "Runtime.HandlerNotFound",
         "Handler 'handler' missing on module 'package.module'"),
        ("def handler(e, c): return {1, 2}", "package.module.handler", "Runtime.MarshalError",
         "Unable to marshal response: Object of type set is not JSON serializable"),
    ],
)  # fmt: skip
def test_what_the_runtime_cannot_do_has_its_own_error(
    functions: Functions, code: str, handler: str, error: str, message: str
) -> None:
    # As the Python runtime reports them (aws-lambda-python-runtime-interface-client, bootstrap.py)
    answer, payload = functions.invoke(functions.create(code, Handler=handler))
    assert answer["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == (error, message)


def test_a_function_that_exceeds_its_time_is_ended(functions: Functions) -> None:
    name = functions.create("import time\ndef handler(event, context): time.sleep(event)", Timeout=1)
    answer, payload = functions.invoke(name, 30)
    assert answer["FunctionError"] == "Unhandled"
    # Lambda Developer Guide, "Timeout": "Task timed out after 3.00 seconds"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert any("Task timed out after 1.00 seconds" in line for line in functions.log(name))
    assert functions.invoke(name, 0)[1] is None


def test_a_process_that_dies_fails_its_invocation_only(functions: Functions) -> None:
    name = functions.create("import os, signal\ndef handler(event, context): os.kill(os.getpid(), event) or 1")
    _, payload = functions.invoke(name, 9)
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert functions.invoke(name, 0)[1] is None


def test_a_function_that_takes_more_memory_than_it_has_is_killed(functions: Functions) -> None:
    # Lambda Developer Guide, "Troubleshoot execution issues": out of memory is "signal: killed"
    code = """
        import time
        def handler(event, context):
            held = bytes(event * 2**20).replace(b"\\0", b"x")
            time.sleep(0.5)
            return len(held)
        """
    name = functions.create(code, MemorySize=256)
    answer, payload = functions.invoke(name, 300)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert functions.invoke(name, 20)[1] == 20 * 2**20


def test_a_busy_function_leaves_others_their_turn(functions: Functions, tmp_path: Path) -> None:
    busy = functions.create(until_there(tmp_path / "end"), Timeout=60)
    quick = functions.create("def handler(event, context): return 1")
    calls = [threading.Thread(target=functions.invoke, args=[busy]) for _ in range(10)]
    for call in calls:
        call.start()
    assert functions.invoke(quick)[1] == 1
    assert all(call.is_alive() for call in calls)
    (tmp_path / "end").touch()
    for call in calls:
        call.join()


def test_a_warm_process_serves_one_invocation_after_another(functions: Functions) -> None:
    name = functions.create("import os\ndef handler(event, context): return os.getpid()")
    assert len({functions.invoke(name)[1] for _ in range(3)}) == 1


def test_concurrent_invocations_have_processes_of_their_own(functions: Functions) -> None:
    name = functions.create("import os, time\ndef handler(event, context): time.sleep(0.5); return os.getpid()")
    pids: list[int] = []
    threads = [threading.Thread(target=lambda: pids.append(functions.invoke(name)[1])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 3


def test_new_code_and_new_settings_take_effect(functions: Functions) -> None:
    name = functions.create("import os\ndef handler(event, context): return ['old', os.environ.get('A')]")
    assert functions.invoke(name)[1] == ["old", None]
    functions.client.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "1"}})
    assert functions.invoke(name)[1] == ["old", "1"]
    code = package("import os\ndef handler(event, context): return ['new', os.environ.get('A')]")
    functions.client.update_function_code(FunctionName=name, ZipFile=code)
    assert functions.invoke(name)[1] == ["new", "1"]


def test_the_log_has_start_end_report_and_what_the_function_printed_and_logged(functions: Functions) -> None:
    name = functions.create(
        """
        import logging, sys
        logging.getLogger().setLevel(logging.INFO)
        def handler(event, context):
            print("printed")
            logging.info("logged %s", "line")
            print("to stderr", file=sys.stderr)
        """
    )
    answer, _ = functions.invoke(name, LogType="Tail")
    lines = functions.log(name)
    request_id = lines[0].removeprefix("START RequestId: ").removesuffix(" Version: $LATEST")
    assert lines[1] == "printed"
    assert lines[2].startswith("[INFO]\t")
    assert lines[2].endswith(f"Z\t{request_id}\tlogged line")
    assert lines[3:5] == ["to stderr", f"END RequestId: {request_id}"]
    assert lines[5].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    # Invoke, LogType: the last 4 KB of the log, base64
    assert base64.b64decode(answer["LogResult"]).decode().splitlines() == lines


def test_logs_go_to_the_group_that_the_function_names(functions: Functions) -> None:
    name = functions.create("def handler(event, context): print('here')", LoggingConfig={"LogGroup": "/lambdas/plan"})
    functions.invoke(name)
    assert "here" in functions.services.log_lines("/lambdas/plan")


def test_an_asynchronous_invocation_answers_at_once(functions: Functions, tmp_path: Path) -> None:
    name = functions.create(until_there(tmp_path / "answered"), Timeout=60)
    assert functions.client.invoke(FunctionName=name, InvocationType="Event", Payload=b"1")["StatusCode"] == 202
    (tmp_path / "answered").touch()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if "done 1" in functions.log(name):
                return
        except functions.services.client("logs").exceptions.ResourceNotFoundException:
            pass
        time.sleep(0.02)
    raise AssertionError("it never ran")


def test_what_keeps_failing_asynchronously_goes_to_its_destination(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lambda Developer Guide, "Asynchronous invocation": two retries, then the on-failure destination.
    monkeypatch.setattr("embedded_aws.functions.service._RETRY_SECONDS", (0.01, 0.01))
    url = functions.services.client("sqs").create_queue(QueueName="function-failures")["QueueUrl"]
    name = functions.create("def handler(event, context): raise KeyError('x')")
    functions.client.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:function-failures"}},
    )
    functions.client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    [message] = functions.services.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    body = json.loads(message["Body"])
    assert (body["requestContext"]["condition"], body["requestContext"]["approximateInvokeCount"]) == (
        "RetriesExhausted", 3,
    )  # fmt: skip
    assert body["requestPayload"] == {"a": 1}
    assert body["responsePayload"]["errorType"] == "KeyError"


def test_a_fault_of_lambda_s_own_does_not_lose_an_asynchronous_invocation(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lambda Developer Guide, "Asynchronous invocation": system errors are tried again.
    faults, run, ended = iter([True]), service._run_later, threading.Event()

    def faulty(*arguments: Any) -> None:
        if next(faults, False):
            raise OSError("no process")
        run(*arguments)
        ended.set()

    monkeypatch.setattr(service, "_FAULT_SECONDS", (0.01,))
    monkeypatch.setattr(service, "_run_later", faulty)
    name = functions.create("def handler(event, context): pass")
    functions.client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    assert ended.wait(10)


def test_only_what_is_in_the_package_can_be_imported(functions: Functions) -> None:
    _, payload = functions.invoke(functions.create("import embedded_aws"))
    assert payload["errorMessage"] == "Unable to import module 'package.module': No module named 'embedded_aws'"


def test_a_dry_run_runs_nothing(functions: Functions) -> None:
    name = functions.create("def handler(event, context): raise SystemExit(1)")
    assert functions.client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204


def test_loading_a_handler_names_what_is_missing() -> None:
    assert load("json.dumps") is json.dumps
    with pytest.raises(SandboxError, match="Handler 'nothing' missing on module 'json'"):
        load("json.nothing")
