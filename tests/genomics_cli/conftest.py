"""Small inputs that the command line's tests share."""

import os
from pathlib import Path

import pytest

from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The public data set; tests that use it are skipped where it is absent."""
    data = Path(os.environ.get("GENOMICS_SHARED_DATA") or Path(__file__).parents[2] / "../shared/data").resolve()
    if not data.is_dir():
        pytest.skip(f"the shared data set is not at {data} (GENOMICS_SHARED_DATA)")
    return data


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """The demonstration's input on two contigs of a few kb. Not to be changed."""
    return make_sequencing_run(tmp_path_factory.mktemp("made"), contigs={"chrA": 6000, "chrB": 4000})
