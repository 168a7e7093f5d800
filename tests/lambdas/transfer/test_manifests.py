"""Manifests of any order and size, in the order in which S3 lists."""

from contextlib import ExitStack

import pytest

from genomics.contracts.codec import ContractError
from genomics.contracts.transfers import ManifestFile
from lambdas.transfer.comparison import Listed
from lambdas.transfer.manifests import latest_generation, manifest_files, sorted_files
from tests.lambdas.conftest import BUCKET
from tests.lambdas.transfer.conftest import RUN, Transfers

# S3 User Guide, "Listing object keys programmatically": in UTF-8 binary order. "-" < "." < "/", U+FF61 < U+1D11E.
NAMES = ["r/a-b", "r/a.b", "r/a/b", "r/a\nb", "r/é", "r/\uff61", "r/\U0001d11e"]


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_files_are_sorted_as_s3_lists_them_however_few_fit_in_memory(at_once: int) -> None:
    files = [ManifestFile(size, name) for size, name in enumerate(reversed(NAMES))]
    with ExitStack() as stack:
        found = list(sorted_files(files, stack, at_once=at_once))
    sizes = {file.path: file.size for file in files}
    wanted = sorted(NAMES, key=str.encode)
    assert found == [Listed(f"run_folders/{name}", sizes[name]) for name in wanted]


def test_the_latest_manifest_counts(transfers: Transfers) -> None:
    s3 = transfers.platform.s3
    assert latest_generation(s3, BUCKET, RUN) is None
    for generation in (2, 10, 9):
        transfers.put_manifest(generation=generation)
    assert latest_generation(s3, BUCKET, RUN) == 10


def test_a_manifest_that_is_cut_short_is_refused(transfers: Transfers) -> None:
    transfers.put_manifest(whole=False)
    with ExitStack() as stack, pytest.raises(ContractError, match="cut short"):
        list(manifest_files(transfers.platform.s3, BUCKET, RUN, 1, stack))
