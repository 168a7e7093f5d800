"""Logs do not fill the disk: what is large is put aside, and the oldest is forgotten."""

from pathlib import Path

from embedded_aws.rotated_files import RotatedFile, rotate_when_large


def test_a_file_is_put_aside_when_it_is_large_and_three_older_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = RotatedFile(path, largest_bytes=20)
    for number in range(12):
        file.append(f"line {number:04}\n".encode())
    names = ("log", "log.1", "log.2", "log.3")
    assert sorted(p.name for p in tmp_path.iterdir()) == list(names)
    lines = [line for name in reversed(names) for line in (tmp_path / name).read_text().splitlines()]
    assert lines == [f"line {number:04}" for number in range(4, 12)]


def test_appending_goes_on_where_an_earlier_process_ended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 19 + b"\n")
    RotatedFile(path, largest_bytes=20).append(b"new\n")
    assert path.read_bytes() == b"new\n"
    rotate_when_large(path, largest_bytes=5)
    assert path.exists()
    rotate_when_large(path, largest_bytes=4)
    assert not path.exists()
    rotate_when_large(tmp_path / "absent")
