"""The table of what is faithful says something of every type and every module, and the document shows it as it is."""

import pytest

from embedded_aws import fidelity, server
from embedded_aws.resources import TABLE


def test_the_document_shows_the_table_as_it_is() -> None:
    text = fidelity.DOCUMENT.read_text()
    assert fidelity.documented(text) == text, "run python -m embedded_aws.fidelity"


def test_every_type_belongs_to_one_service() -> None:
    owners = {kind: [s.name for s in fidelity.SERVICES if s.types and kind.startswith(s.types)] for kind in TABLE}
    assert {kind: names for kind, names in owners.items() if len(names) != 1} == {}


def test_every_installed_module_is_a_services_or_named_as_none() -> None:
    installed = {module.__name__.removeprefix("embedded_aws.") for module in server._SERVICES}
    described = {name for service in fidelity.SERVICES for name in service.modules}
    assert installed == described | set(fidelity.OTHER_MODULES)


def test_every_recorded_type_is_shown_with_its_reason() -> None:
    shown = fidelity.table()
    for kind, entry in TABLE.items():
        if entry.inert:
            assert entry.inert in shown, kind


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        fidelity.documented("# Architecture\n")
