import subprocess
import sys

import pytest

from embedded_aws import guard
from embedded_aws.guard import ChangedSymbolError, Patch


def test_the_installed_moto_is_the_one_that_services_were_written_for() -> None:
    # In a process in which nothing has been replaced yet.
    check = "from embedded_aws import guard, server; guard.check(p for s in server._SERVICES for p in s.PATCHES)"
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    "symbol", ["moto.s3.models:FakeKey.dispose", "moto.s3.models:FakeKey.gone", "moto.gone.models:Gone"]
)
def test_a_changed_or_missing_symbol_is_named(symbol: str) -> None:
    with pytest.raises(ChangedSymbolError, match=symbol):
        guard.check([Patch(symbol, "0" * 16)])
