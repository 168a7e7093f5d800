"""Telling a service of the lab's: what is tried again, what is not, and what it gets to see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from lambdas.secondary.rest import LONGEST_WAIT, WAITS, RefusedError, RestError, Service, UnavailableError, read_token
from tests.lab_service import LabService, lab_service


@dataclass
class Telling:
    """A service that plays the lab's, how it is told, and the seconds waited between attempts."""

    lab: LabService
    waited: list[float] = field(default_factory=list)

    def post(self, document: str = '{"a":1}', url: str = "") -> int:
        return Service("LIMS", url or self.lab.url, "secret-token", self.waited.append).post(document, key="k1")


@pytest.fixture
def telling() -> Iterator[Telling]:
    with lab_service() as lab:
        yield Telling(lab)


def test_a_document_arrives_with_token_and_key(telling: Telling) -> None:
    assert telling.post('{"sample":"S1"}') == 201
    (told,) = telling.lab.told
    assert (told.token, told.key, told.document) == ("Bearer secret-token", "k1", {"sample": "S1"})
    assert telling.waited == []


@pytest.mark.parametrize("trouble", [500, 502, 503, 504, 429, None])
def test_trouble_is_tried_again(telling: Telling, trouble: int | None) -> None:
    telling.lab.answers = [trouble, trouble]
    assert telling.post() == 201
    assert telling.waited == list(WAITS[:2])
    assert [told.key for told in telling.lab.told] == ["k1"]


def test_lasting_trouble_ends_in_one_line(telling: Telling) -> None:
    telling.lab.answers = [503] * 20
    with pytest.raises(UnavailableError, match=r"^the LIMS answered 503: said so, the last of 5 attempts$"):
        telling.post()
    assert telling.waited == list(WAITS)
    assert len(telling.lab.answers) == 15


@pytest.mark.parametrize("refusal", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_not_tried_again(telling: Telling, refusal: int) -> None:
    telling.lab.answers = [refusal]
    with pytest.raises(RefusedError, match=f"^the LIMS answered {refusal}: said so$"):
        telling.post()
    assert telling.waited == []


def test_a_redirect_is_a_refusal_and_takes_the_token_nowhere(telling: Telling) -> None:
    telling.lab.answers = [(307, {"Location": f"{telling.lab.url}elsewhere"})]
    with pytest.raises(RefusedError, match="answered 307"):
        telling.post()
    assert [told.path for told in telling.lab.told] == ["/"]


def test_a_service_says_how_long_it_wants_to_be_left_alone(telling: Telling) -> None:
    # RFC 9110, section 10.2.3: Retry-After is seconds, or a date.
    telling.lab.answers = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"})]
    assert telling.post() == 201
    assert telling.waited == [7.0, WAITS[1]]
    telling.lab.answers = [(503, {"Retry-After": str(int(LONGEST_WAIT) + 1)})]
    with pytest.raises(UnavailableError, match="the last of 1 attempts"):
        telling.post()


def test_nobody_listens(telling: Telling) -> None:
    with pytest.raises(UnavailableError, match=r"the LIMS cannot be reached .*refused.*, the last of 5 attempts"):
        telling.post(url="http://127.0.0.1:9/")


@pytest.mark.parametrize("text", ["t0ken", " t0ken\n", '{"token": "t0ken"}'])
@pytest.mark.usefixtures("account")
def test_a_token_is_the_secret_s_text_or_a_field_of_it(text: str) -> None:
    secrets: Any = boto3.client("secretsmanager")
    name = secrets.create_secret(Name=f"lims-{hash(text)}", SecretString=text)["ARN"]
    assert read_token(secrets, name) == "t0ken"


@pytest.mark.parametrize("text", ["{}", '{"token": 7}', "two\nlines", '{"token": ""}'])
@pytest.mark.usefixtures("account")
def test_a_secret_without_a_token_is_named_and_not_shown(text: str) -> None:
    secrets: Any = boto3.client("secretsmanager")
    name = f"lims-{hash(text)}"
    secrets.create_secret(Name=name, SecretString=text)
    with pytest.raises(RestError, match=f"^the secret {name} holds no token"):
        read_token(secrets, name)
