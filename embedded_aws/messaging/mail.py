"""SNS's e-mails: each is a file in the data directory, mail/<address>/, that any mail program opens.

Nobody has to confirm a subscription; moto alone sends nothing.
"""

import itertools
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.guard import Patch

_PUBLISH = Patch("moto.sns.models:Subscription.publish", "fd07bd0bb87fbe2a")
PATCHES = (_PUBLISH,)

DIRECTORY = "mail"


def install(context: Context) -> None:
    """Have e-mails written."""
    numbers = itertools.count(1 + last_number(context))

    def publish(subscription: Any, message: str, message_id: str, **more: Any) -> None:
        if subscription.protocol not in ("email", "email-json"):
            original(subscription, message, message_id, **more)
            return
        policy = subscription._filter_policy_matcher
        if policy is None or policy.matches(more.get("message_attributes"), message):
            mail = _mail(subscription, message, message_id, more.get("subject"))
            folder = context.directory(DIRECTORY, subscription.endpoint)
            (folder / f"{next(numbers):06}.eml").write_bytes(bytes(mail))

    original = _PUBLISH.apply(publish)


def last_number(context: Context) -> int:
    """The highest that an earlier life of the instance has given to an e-mail; 0 where there is none."""
    written = context.data.glob(f"{DIRECTORY}/*/*.eml")
    return max((int(path.stem) for path in written if path.stem.isdecimal()), default=0)


def _mail(subscription: Any, message: str, message_id: str, subject: str | None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "AWS Notifications <no-reply@sns.amazonaws.com>"
    mail["To"] = subscription.endpoint
    mail["Subject"] = subject or "AWS Notification Message"
    mail["Date"] = format_datetime(datetime.fromtimestamp(clock.now(), UTC))
    mail["Message-ID"] = f"<{message_id}@sns.amazonaws.com>"
    mail.set_content(message)
    return mail
