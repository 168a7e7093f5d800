"""How AWS refuses: the words, the code, and the form that each protocol gives them.

IAM User Guide, "Troubleshoot access denied error messages"; "Common Errors" of each service's API reference.
"""

import functools
import json
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model
from moto.s3.exceptions import S3ClientError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from embedded_aws.iam.identity import Fault, Kind, Principal
from embedded_aws.requests import Verdict

_SUFFIX = {"json": "Exception", "rest-json": "Exception"}


class AccessDeniedError(ServiceException):
    """A service may not do, in a principal's name, what it was about to."""

    code = "AccessDeniedException"


@dataclass(frozen=True)
class Refusal:
    """One refusal for all protocols. `code` lacks the ending that JSON services add, `status` is that of XML."""

    code: str
    message: str
    status: int = 403


def sentence(principal: Principal, verdict: Verdict) -> str:
    """Why a principal may not, with its ARN, the action and the resource, as AWS words it."""
    access = verdict.access
    resource = f'"{access.resource}"' if access.action.startswith("s3:") else access.resource
    where = "" if access.action.startswith("ec2:") and resource == "*" else f"on resource: {resource} "
    return f"User: {principal.caller_arn} is not authorized to perform: {access.action} {where}{verdict.reason}"


def of_access(principal: Principal, verdict: Verdict, service: str) -> Refusal:
    """The refusal of one access."""
    if principal.kind is Kind.ANONYMOUS:
        if service == "s3":
            return Refusal("AccessDenied", "Access Denied")
        return Refusal("MissingAuthenticationToken", "Missing Authentication Token")
    return Refusal("AccessDenied", sentence(principal, verdict))


def of_credentials(fault: Fault, service: str) -> Refusal:
    """The refusal of credentials that are nobody's, or nobody's any more."""
    if fault is Fault.EXPIRED:
        in_s3 = service == "s3"
        message = (
            "The provided token has expired." if in_s3 else ("The security token included in the request is expired")
        )
        return Refusal("ExpiredToken", message, 400 if in_s3 else 403)
    if service == "s3":
        return Refusal("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    return Refusal("InvalidClientTokenId", "The security token included in the request is invalid.")


def of_region(region: str, own: str, service: str) -> Refusal:
    """The refusal of a request that was signed for another region than the instance's."""
    message = f"Credential should be scoped to a valid region: the embedded AWS is {own}, the request is for {region}."
    return Refusal("AuthorizationHeaderMalformed" if service == "s3" else "InvalidSignature", message)


def error(response: Any, service: str, refusal: Refusal) -> Exception:
    """What to raise in moto so that the client of `response` is refused as by AWS."""
    if service == "s3":
        return S3ClientError(refusal.code, refusal.message)
    protocol = _protocol(response.boto3_service_name, response.headers.get("Content-Type"))
    if protocol in ("json", "rest-json"):
        return _in_json(response, service, refusal, protocol)
    code, message, status = refusal.code, refusal.message, refusal.status
    if service == "ec2":
        code, message, status = _of_ec2(refusal)
    elif service == "sns" and code == "AccessDenied":
        code = "AuthorizationError"
    refused = _Refused(status, _xml(code, message, ec2=service == "ec2"))
    response.response_headers.update({"Content-Type": "text/xml", "X-Amzn-ErrorType": code})
    return refused


def fault(response: Any, service: str, code: str, status: int) -> HTTPException:
    """What to raise in moto so that the client of `response` meets a fault of the service, not a refusal of its own."""
    message = "This fault was ordered."
    if service == "s3":  # for which moto knows no status of its own
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return HTTPException(response=Response(body, status, content_type="application/xml"))
    raised = error(response, service, Refusal(code, message, status))
    assert isinstance(raised, HTTPException)  # noqa: S101  as it is for all but S3
    raised.code = status
    return raised


class _Refused(HTTPException):
    """moto answers with the description of such an error."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(description=body)
        self.code = status


def _in_json(response: Any, service: str, refusal: Refusal, protocol: str) -> HTTPException:
    code = f"{refusal.code}Exception"
    if refusal.code == "InvalidClientTokenId":
        code = "UnrecognizedClientException"
    # The services that speak JSON over one URL refuse with 400, those with a URL for each operation with 403.
    status = refusal.status if protocol == "rest-json" or service == "sqs" else 400
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amzn-ErrorType": code}
    if service == "sqs":  # whose clients still go by the codes of its former protocol
        headers["x-amzn-query-error"] = f"{refusal.code};Sender"
    response.response_headers.update(headers)
    return _Refused(status, json.dumps({"__type": code, "message": refusal.message, "Message": refusal.message}))


def _of_ec2(refusal: Refusal) -> tuple[str, str, int]:
    if refusal.code == "AccessDenied":
        return "UnauthorizedOperation", f"You are not authorized to perform this operation. {refusal.message}", 403
    if refusal.code == "InvalidSignature":
        return "AuthFailure", refusal.message, 401
    return "AuthFailure", "AWS was not able to validate the provided access credentials", 401


def _xml(code: str, message: str, *, ec2: bool) -> str:
    text = message.replace("&", "&amp;").replace("<", "&lt;")
    if ec2:
        inside = f"<Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
        return f"<Response>{inside}<RequestID>-</RequestID></Response>"
    inside = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
    return f"<ErrorResponse>{inside}<RequestId>-</RequestId></ErrorResponse>"


@functools.lru_cache(maxsize=256)
def _protocol(service: str, content_type: str | None) -> str:
    try:
        return determine_request_protocol(get_service_model(service), content_type)
    except NotImplementedError:
        return str(get_service_model(service).protocol)
