"""Where the peers run: uv installs each apart from this project, whose locked packages it does not share."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_INSTALL_SECONDS = 900


class UnavailableError(RuntimeError):
    """A peer cannot be had; one line says why."""


@dataclass(frozen=True)
class Peer:
    """A library, the program that uses it (below `peers/`), and what to install; nothing where this project has it."""

    name: str
    script: str
    packages: tuple[str, ...]
    threads: int

    def python(self, directory: Path) -> str:
        """The interpreter that has the library, installed below `directory` unless it is there. UnavailableError."""
        if not self.packages:
            return sys.executable
        if shutil.which("uv") is None:
            raise UnavailableError("uv is not installed")
        place = directory / "_".join(self.packages)
        done = place / "installed"
        if not done.exists():
            _run("uv", "venv", "--quiet", "--clear", "--python", "3.11", str(place))
            _run("uv", "pip", "install", "--quiet", "--python", str(place / "bin/python"), *self.packages)
            done.touch()
        return str(place / "bin/python")


PEERS = (
    Peer("cyvcf2", "with_cyvcf2.py", ("cyvcf2==0.35.0", "pyarrow==26.0.1"), threads=1),
    Peer("DuckDB read_csv", "with_duckdb.py", (), threads=2),
    Peer("polars-bio", "with_polars_bio.py", ("polars-bio==0.36.2", "polars==1.44.2"), threads=2),
    Peer("oxbow", "with_oxbow.py", ("oxbow==0.8.2", "pyarrow==26.0.1"), threads=1),
    Peer("Hail", "with_hail.py", ("hail==0.2.139",), threads=2),
)


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{words[0]} {words[1]} took more than {_INSTALL_SECONDS} s") from error
    if done.returncode:
        raise UnavailableError((done.stderr.strip().splitlines() or ["uv said nothing"])[-1])
