"""Says which release of ClinVar is to be loaded. One that the lake has is asked for as it was, and nothing is read.

What a file is called does not say of which release it is, as `clinvar.vcf.gz` is the newest: its header does.
"""

import re
import zlib
from dataclasses import replace
from typing import Any

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import CLINVAR
from genomics.contracts.annotations import AnnotationError, AnnotationRequest
from glue_jobs.annotation_refresh.options import ASSEMBLY, SOURCE, RefreshOptions
from glue_jobs.annotations.commit import manifests
from glue_jobs.annotations.fetching import beginning, expected_md5
from glue_jobs.variants.commit import put_document

_HEADER_BYTES = 1 << 16
_GZIP = b"\x1f\x8b"
_FILE_DATE = re.compile(rb"^##fileDate=(\d{4})-?(\d{2})-?(\d{2})\s*$", re.MULTILINE)


def refresh(options: RefreshOptions, glue: Any) -> str:
    """Write the request for the release that there is; returns a line about it. AnnotationError says why not.

    The MD5 is read first, and the load checks it: if the file is replaced meanwhile, nothing of it is loaded.
    """
    options = _with_properties(options, glue)
    md5 = expected_md5(options.source)
    known = _known_release(options, md5)
    release = known or _release(options.source)
    request = AnnotationRequest(
        source=options.source, release=release, run_id=f"clinvar-{release}", assembly=options.assembly, md5=md5
    )
    if request.table != CLINVAR:
        raise AnnotationError(f"{options.source}: is not ClinVar's VCF; load it with `genomics annotations`")
    bucket, key = object_keys.parse(options.request)
    put_document(bucket, key, request)
    state = "is loaded already" if known else "is new"
    return f"{CLINVAR.name} {release} {options.assembly}: {state}, from {options.source}"


def _with_properties(options: RefreshOptions, glue: Any) -> RefreshOptions:
    """Whoever starts the workflow by hand may name another file."""
    if not options.WORKFLOW_RUN_ID:
        return options
    found = glue.get_workflow_run_properties(Name=options.WORKFLOW_NAME, RunId=options.WORKFLOW_RUN_ID)
    given = found.get("RunProperties", {})
    return replace(options, source=given.get(SOURCE, options.source), assembly=given.get(ASSEMBLY, options.assembly))


def _known_release(options: RefreshOptions, md5: str) -> str:
    """The release that was loaded from this very file; empty if none was."""
    for manifest in manifests(options.data_lake_bucket, CLINVAR.name):
        if manifest.md5 == md5 and manifest.partition["assembly"] == options.assembly:
            return manifest.partition["release"]
    return ""


def _release(source: str) -> str:
    """The date in the file's header."""
    data = beginning(source, _HEADER_BYTES)
    if data.startswith(_GZIP):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data)
        except zlib.error as error:
            raise AnnotationError(f"{source}: is damaged ({error}); fetch it again") from error
    if found := _FILE_DATE.search(data):
        return b"-".join(found.groups()).decode()
    raise AnnotationError(
        f"{source}: its header has no ##fileDate, which says of which release it is; "
        "load it with `genomics annotations`, which takes the release's date"
    )
