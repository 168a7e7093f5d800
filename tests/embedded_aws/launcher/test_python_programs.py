"""A Python program that continues in a copy of the launcher does what it does in an interpreter of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from embedded_aws.batch.containers import python_environment
from embedded_aws.processes import Process

PROGRAMS = {
    "arguments": "import sys; print(sys.argv, sys.orig_argv[0], __name__)",
    "places": "import os, sys; print(sys.path, os.getcwd())",
    "environment": "import os; print(sorted(os.environ.items()))",
    "shown": """
        for name in ("cmdline", "environ"):
            print(sorted(filter(None, open(f"/proc/self/{name}").read().split("\\0"))))
        """,
    "session": "import os; print(os.getpid() == os.getsid(0) == os.getpgid(0))",
    "processors": "import os; print(os.sched_getaffinity(0))",
    "open files": "import os; print([n for n in os.listdir('/proc/self/fd') if int(n) < 3])",
    "signals": "import signal as s; print([s.getsignal(n) for n in (2, 13, 15, 17, 25)], s.pthread_sigmask(0, []))",
    "signals of what it starts": "import os; os.system('grep Sig[^Q] /proc/self/status')",
    "streams": """
        import sys
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            print(stream.name, stream.mode, stream.encoding, stream.errors, stream.line_buffering, stream.buffer)
        """,
    "nothing to read": "print(repr(input()))",
    "order of streams": "import sys; print(1); sys.stderr.write('2\\n'); print(3)",
    "unflushed": "import os; print('lost'); os._exit(4)",
    "time zone": "import time; print(time.tzname)",
    "temporary files": "import tempfile; print(tempfile.gettempdir())",
    "exit without a word": "raise SystemExit",
    "exit with a number": "import sys; sys.exit(3)",
    "exit with a sentence": "import sys; sys.exit('no such file')",
    "exception": "def f():\n    return 1 / 0\n\nf()",
    "exceptions of one another": "try:\n    1 / 0\nexcept ValueError:\n    pass",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "syntax": "def f(:\n    pass",
    "at its end": """
        import atexit

        class Last:
            def __del__(self):
                print("last")

        last = Last()
        atexit.register(print, "bye")
        """,
    "threads": """
        import threading, time
        threading.Thread(target=lambda: (time.sleep(0.05), print("later"))).start()
        print("first")
        """,
    "thread's exception": """
        import threading
        thread = threading.Thread(target=lambda: [][1], name="t")
        thread.start()
        thread.join()
        print("goes on")
        """,
    "processes": """
        import multiprocessing

        def double(x):
            return 2 * x

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
        """,
    "this repository": "import embedded_aws",
    "what it brought": "import brought, sys; print(brought.__file__, brought.__cached__, sys.dont_write_bytecode)",
    "loggers": "import logging; print(logging.getLogger().handlers, logging.getLogger().level)",
    "client": """
        import boto3
        print(boto3.client("s3").meta.endpoint_url, boto3.client("s3").meta.region_name)
        print(boto3.DEFAULT_SESSION.get_credentials().access_key)
        """,
}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "__init__.py").touch()
    (folder / "brought.py").write_text("x = 1\n")
    (tmp_path / "temporary").mkdir()
    return folder


def environment(code: Path, **variables: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(code),
        "LANG": "C.UTF-8",
        "TMPDIR": str(code.parent / "temporary"),
        "TZ": "Asia/Kathmandu",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        **python_environment(code),
        **variables,
    }


def compare(line: list[str], variables: dict[str, str], directory: Path) -> tuple[int, list[str]]:
    """Exit code and output, the same from both."""
    lines: list[str] = []
    process = Process(line, environment=variables, directory=directory)
    ending = process.wait(output=lines.extend)
    ended = subprocess.run(
        line,
        check=False,
        env=variables,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    exit_code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
    assert (ending.exit_code, lines) == (exit_code, ended.stdout.splitlines())
    return exit_code, lines


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_script_does_what_it_does_elsewhere(name: str, code: Path, tmp_path: Path) -> None:
    script = code / "script.py"
    script.write_text(textwrap.dedent(PROGRAMS[name]).strip() + "\n")
    compare([sys.executable, str(script), "--flag", "ö"], environment(code), tmp_path)


@pytest.mark.parametrize("name", ["arguments", "places", "exception", "exit with a sentence", "processes", "syntax"])
def test_so_does_a_module(name: str, code: Path, tmp_path: Path) -> None:
    (code / "package" / "program.py").write_text(textwrap.dedent(PROGRAMS[name]).strip() + "\n")
    compare([sys.executable, "-m", "package.program", "x"], environment(code), tmp_path)


@pytest.mark.parametrize("name", ["arguments", "places", "exception", "unflushed"])
@pytest.mark.parametrize("options", [["-c"], ["-u", "-c"]])
def test_so_does_a_line_of_code(name: str, options: list[str], code: Path, tmp_path: Path) -> None:
    compare([sys.executable, *options, PROGRAMS[name]], environment(code), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        ["-m", "package.nothing"],
        ["-m", "package"],
        ["no-such-script.py"],
        ["-I", "-c", "import sys; print(sys.path, sys.flags)"],
        ["-V"],
        ["-m"],
    ],
)
def test_what_cannot_be_run_or_asks_for_more_is_told_alike(line: list[str], code: Path, tmp_path: Path) -> None:
    compare([sys.executable, *line], environment(code), tmp_path)


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONUNBUFFERED": "1"},
        {"PYTHONDONTWRITEBYTECODE": "1"},
        {"PYTHONHASHSEED": "1"},
        {"PYTHONOPTIMIZE": "1"},
        {"PYTHONPATH": ""},
    ],
)
def test_the_environment_tells_the_interpreter_the_same(variables: dict[str, str], code: Path, tmp_path: Path) -> None:
    program = "import os, sys; print(sys.dont_write_bytecode, __debug__, flush=False); print('{}'); os._exit(0)"
    shown = "hash('x')" if "PYTHONHASHSEED" in variables else "1"
    line = [sys.executable, "-c", program.replace("'{}'", shown)]
    compare(line, environment(code, **variables), tmp_path)
