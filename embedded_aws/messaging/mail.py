"""What SNS sends to subscribers: queues and functions whose policies let it in, and e-mails.

Each e-mail is a file in the data directory, mail/<address>/, that any mail program opens. Nobody has to confirm a
subscription; moto alone sends no e-mails, and asks no policy.
"""

import contextlib
import itertools
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.requests import Access

_PUBLISH = Patch("moto.sns.models:Subscription.publish", "fd07bd0bb87fbe2a")
PATCHES = (_PUBLISH,)

DIRECTORY = "mail"
_ACTIONS = {"sqs": "sqs:SendMessage", "lambda": "lambda:InvokeFunction"}


def install(context: Context) -> None:
    """Have e-mails written."""
    numbers = itertools.count(1 + last_number(context))

    def publish(subscription: Any, message: str, message_id: str, **more: Any) -> None:
        policy = subscription._filter_policy_matcher
        if policy is not None and not policy.matches(more.get("message_attributes"), message):
            return
        if subscription.protocol not in ("email", "email-json"):
            with contextlib.suppress(AccessDeniedError):  # the message is lost; the request log says why
                _require(subscription)
                original(subscription, message, message_id, **more)
        else:
            mail = _mail(subscription, message, message_id, more.get("subject"))
            folder = context.directory(DIRECTORY, subscription.endpoint)
            (folder / f"{next(numbers):06}.eml").write_bytes(bytes(mail))

    original = _PUBLISH.apply(publish)


def last_number(context: Context) -> int:
    """The highest that an earlier life of the instance has given to an e-mail; 0 where there is none."""
    written = context.data.glob(f"{DIRECTORY}/*/*.eml")
    return max((int(path.stem) for path in written if path.stem.isdecimal()), default=0)


def _require(subscription: Any) -> None:
    """SNS Developer Guide, "Subscribing a queue to a topic"; Lambda Developer Guide, "Using AWS Lambda with SNS"."""
    if action := _ACTIONS.get(subscription.protocol):
        access = Access(action, subscription.endpoint)
        authorization.require(identity.service("sns"), [access], by="sns", source_arn=subscription.topic.arn)


def _mail(subscription: Any, message: str, message_id: str, subject: str | None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "AWS Notifications <no-reply@sns.amazonaws.com>"
    mail["To"] = subscription.endpoint
    mail["Subject"] = subject or "AWS Notification Message"
    mail["Date"] = format_datetime(datetime.fromtimestamp(clock.now(), UTC))
    mail["Message-ID"] = f"<{message_id}@sns.amazonaws.com>"
    mail.set_content(message)
    return mail
