import pytest

from embedded_aws import guard, storage
from embedded_aws.guard import ChangedSymbolError, Patch


def test_the_installed_moto_is_the_one_that_services_were_written_for() -> None:
    guard.check(storage.PATCHES)


@pytest.mark.parametrize(
    "symbol", ["moto.s3.models:FakeKey.dispose", "moto.s3.models:FakeKey.gone", "moto.gone.models:Gone"]
)
def test_a_changed_or_missing_symbol_is_named(symbol: str) -> None:
    with pytest.raises(ChangedSymbolError, match=symbol):
        guard.check([Patch(symbol, "0" * 16)])
