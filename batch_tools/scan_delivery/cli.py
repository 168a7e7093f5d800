"""Command line of the container: scan the delivery that a request in S3 names."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import boto3

from batch_tools.scan_delivery import scan_delivery
from batch_tools.scan_delivery.clamd import Clamd
from batch_tools.scan_delivery.file_scan import Scanners
from batch_tools.scan_delivery.phi import PhiDetector
from batch_tools.scan_delivery.phi_detector import PatternDetector
from batch_tools.scan_delivery.rest_services import RestPhiDetector, RestVirusScanner, Service
from batch_tools.scan_delivery.viruses import VirusScanner
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import RETRIES, report
from batch_tools.tool_runtime.objects import read_document
from genomics.contracts.codec import ContractError
from genomics.contracts.deliveries import ScanRequest
from genomics.contracts.environment import ScanEnvironment

_MIB = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Scan the delivery of the request at the URI; returns the exit code, 0 whatever the verdicts are."""
    parser = argparse.ArgumentParser(prog="batch_tools.scan_delivery.cli", description="Scan a delivery in quarantine.")
    parser.add_argument("request", metavar="URI", help="s3:// URI of a ScanRequest's JSON")
    options = parser.parse_args(arguments)
    return report("scan_delivery", lambda: _scan(options.request))


def _scan(uri: str) -> None:
    s3 = boto3.client("s3", config=RETRIES)
    try:
        request = read_document(s3, uri, ScanRequest)
        environment = ScanEnvironment.read()
        with tempfile.TemporaryDirectory(prefix="scan_delivery-") as directory, _scanners(environment) as scanners:
            outcome = scan_delivery.run(request=request, s3=s3, scanners=scanners, directory=Path(directory))
    except (ContractError, ValueError) as error:
        raise ToolError(f"{uri}: {error}") from error
    print(f"{outcome.report.state}: {dict(outcome.report.counts)}, s3://{request.bucket}/{outcome.key}")


@contextmanager
def _scanners(environment: ScanEnvironment) -> Iterator[Scanners]:
    """The scanners that the deployment uses: ours, or the services that are set."""
    phi: PhiDetector = PatternDetector()
    if environment.phi_endpoint:
        phi = RestPhiDetector(_service(environment.phi_endpoint, environment.phi_secret, environment))
    largest = environment.largest_mib * _MIB
    if environment.virus_endpoint:
        service = _service(environment.virus_endpoint, environment.virus_secret, environment)
        viruses: VirusScanner = RestVirusScanner(service, largest=largest)
        yield Scanners(viruses, phi, attempts=environment.attempts)
        return
    signatures, timeout = Path(environment.signatures), environment.timeout_seconds
    with Clamd(signatures, largest=largest, depth=environment.archive_depth, timeout=timeout) as clamd:
        yield Scanners(clamd, phi, attempts=environment.attempts)


def _service(endpoint: str, secret: str, environment: ScanEnvironment) -> Service:
    """`secret` names a secret of Secrets Manager, whose string is sent."""
    value = boto3.client("secretsmanager", config=RETRIES).get_secret_value(SecretId=secret)["SecretString"]
    return Service(endpoint, value, timeout=environment.timeout_seconds)


if __name__ == "__main__":
    sys.exit(main())
