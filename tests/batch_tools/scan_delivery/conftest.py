"""A warm clamd with a signature of the tests' own, and deliveries made of files."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batch_tools.scan_delivery.clamd import Clamd
from batch_tools.scan_delivery.file_scan import Opened, Scanners, scan_file
from batch_tools.scan_delivery.phi_detector import PatternDetector
from genomics.contracts.deliveries import Agreement, DeliveredFile, FileFormat, FileVerdict

# EICAR's test file, as its site gives it (eicar.org, "Anti Malware Testfile"); cut in two, so that this is none.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
# Any file (0), at any offset (*). ClamAV's manual, "Extended signature format".
SIGNATURE = f"Genomics.Test.Eicar:0:*:{EICAR.hex()}\n"


@pytest.fixture(scope="session")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("signatures")
    (directory / "tests.ndb").write_text(SIGNATURE)
    return directory


@pytest.fixture(scope="session")
def clamd(signatures: Path) -> Iterator[Clamd]:
    """One for all tests, that looks into 32 MiB and into archives five deep."""
    if not shutil.which("clamd"):
        pytest.skip("clamd is not installed (apt-get install clamav-daemon)")
    with Clamd(signatures, largest=32 << 20, depth=5, timeout=60) as daemon:
        yield daemon


@pytest.fixture
def scanners(clamd: Clamd) -> Scanners:
    return Scanners(clamd, PatternDetector(), window_bytes=1 << 20)


@dataclass(frozen=True)
class Scan:
    """Scans contents as files of a delivery."""

    scanners: Scanners
    agreement: Agreement = field(default_factory=lambda: Agreement("cohort"))

    def __call__(
        self, path: str, content: bytes, format_: FileFormat | None = None, piece: int = 1 << 16
    ) -> FileVerdict:
        name = path.rpartition("/")[2].removesuffix(".gz").rpartition(".")[2]
        digest = hashlib.sha256(content).hexdigest()
        file = DeliveredFile(path, len(content), digest, "cohort", format_ or FileFormat(name), "GRU")

        @contextmanager
        def opener() -> Iterator[Opened]:
            yield Opened(iter([content[i : i + piece] for i in range(0, len(content), piece)]))

        return scan_file(file, opener, self.scanners, self.agreement)


@pytest.fixture
def scan(scanners: Scanners) -> Scan:
    return Scan(scanners)
