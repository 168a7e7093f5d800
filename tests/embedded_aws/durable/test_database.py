"""The database of an instance: whole transactions, one format, one account."""

import sqlite3
from pathlib import Path

import pytest

from embedded_aws.durable import database, units
from embedded_aws.durable.database import FILE, Database, NotKeptError, StateError

HERE = {"account": "123456789012", "region": "us-east-1"}


def test_documents_come_back_as_they_were_put_in_their_order(tmp_path: Path) -> None:
    kept = Database.open(tmp_path, **HERE)
    for name, document in (("b", {"x": b"\x00"}), ("a", [1, None]), ("b", {"y": 1.5})):
        kept.put("kind", "owner", name, document)
    kept.close()
    again = Database.open(tmp_path, **HERE)
    assert again.documents("kind") == [("owner", "b", {"y": 1.5}), ("owner", "a", [1, None])]
    again.remove("kind", "owner", "b")
    again.put("kind", "owner", "bytes", {"deep": [{"x": b"\xff\x00"}]})
    assert again.documents("kind", "owner")[1][2] == {"deep": [{"x": b"\xff\x00"}]}


def test_what_is_newer_or_of_another_account_is_refused_in_one_line(tmp_path: Path) -> None:
    Database.open(tmp_path, **HERE).close()
    with pytest.raises(StateError) as refused:
        Database.open(tmp_path, account="210987654321", region="us-east-1")
    assert str(refused.value) == (
        f"{tmp_path} holds the data of account 123456789012, not 210987654321; choose another directory with --data"
    )
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("update about set value = '99' where name = 'format'")
    connection.commit()
    connection.close()
    with pytest.raises(StateError) as refused:
        Database.open(tmp_path, **HERE)
    assert str(refused.value) == (
        f"{tmp_path} was written by a newer version (format 99, this one reads {database.FORMAT});"
        " use that version, or another directory with --data"
    )


def test_what_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"something else altogether" * 100)
    with pytest.raises(StateError, match=r"cannot be used: file is not a database$"):
        Database.open(tmp_path, **HERE)


@pytest.fixture
def kept(tmp_path: Path) -> Database:
    return Database.open(tmp_path, **HERE)


def _note(kept: Database, name: str, told: list[str]) -> None:
    units.document_changed("kind", "", name, lambda: name)
    units.afterwards(lambda: told.append(f"{name} {len(kept.documents('kind'))}"))


def test_a_unit_is_kept_at_its_end_and_then_told(kept: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_opened", [kept])
    told: list[str] = []
    with units.unit():
        _note(kept, "a", told)
        with units.unit():
            _note(kept, "b", told)
        assert [name for _, name, _ in kept.documents("kind")] == ["b"]
    assert told == ["b 1", "a 2"]
    with units.whole():
        with units.unit():
            _note(kept, "c", told)
        assert len(kept.documents("kind")) == 2
    assert told[-1] == "c 3"


def test_what_could_not_be_kept_is_not_told_and_is_written_when_there_is_room(
    kept: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_opened", [kept])
    pages = kept.rows("pragma page_count")[0][0]
    kept.execute(f"pragma max_page_count = {pages}")
    told: list[str] = []

    def fill() -> None:
        with units.unit():
            units.document_changed("kind", "", "large", lambda: "x" * 100_000)
            units.afterwards(lambda: told.append("large"))

    with pytest.raises(NotKeptError, match="database or disk is full"):
        fill()
    assert (kept.documents("kind"), told) == ([], [])
    kept.execute("pragma max_page_count = 100000")
    units.document_changed("kind", "", "small", lambda: "y")
    assert [name for _, name, _ in kept.documents("kind")] == ["large", "small"]
