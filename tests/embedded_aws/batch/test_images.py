import sys
from pathlib import Path, PurePosixPath

import pytest

from embedded_aws.batch import images

DOCKERFILE = b"""\
FROM debian:bookworm-20250520-slim AS build
ENTRYPOINT ["/never/used"]

FROM debian:bookworm-20250520-slim
ENV LC_ALL=C.UTF-8 \\
    TITLE="two words"
ENV PYTHONPATH=/app PATH=/opt/bin:$PATH
WORKDIR /app
COPY . .
USER nobody
ENTRYPOINT ["python3", "-m", \\
            "batch_tools.align.cli"]
CMD ["--help"]
"""


def test_entrypoint_command_environment_and_working_directory_are_those_of_the_last_stage(tmp_path: Path) -> None:
    image = images.parse(DOCKERFILE, tmp_path)
    assert image.entrypoint == ("python3", "-m", "batch_tools.align.cli")
    assert image.command == ("--help",)
    assert image.working_directory == PurePosixPath("/app")
    assert image.environment == {"LC_ALL": "C.UTF-8", "TITLE": "two words"}  # places in the container are left out
    assert image.directory == tmp_path


def test_python_means_the_interpreter_that_this_process_runs_with(tmp_path: Path) -> None:
    image = images.parse(DOCKERFILE, tmp_path)
    assert image.argv(("--task", "s3://b/k")) == [sys.executable, "-m", "batch_tools.align.cli", "--task", "s3://b/k"]


def test_without_a_command_the_image_s_own_is_used(tmp_path: Path) -> None:
    image = images.parse(DOCKERFILE, tmp_path)
    assert image.argv(())[-1] == "--help"


def test_shell_form_runs_in_a_shell(tmp_path: Path) -> None:
    image = images.parse(b"FROM scratch\nCMD echo $HOME\n", tmp_path)
    assert image.argv(()) == ["/bin/sh", "-c", "echo $HOME"]  # Dockerfile reference: shell form


def test_an_image_is_found_by_the_uri_it_was_registered_under(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_bytes(DOCKERFILE)
    images.register("registry/repository:tag", tmp_path, dockerfile)
    assert images.resolve("registry/repository:tag").directory == tmp_path
    with pytest.raises(images.UnknownImageError, match="registry/repository:other"):
        images.resolve("registry/repository:other")


def test_an_image_of_a_registry_is_played_by_its_published_sources(tmp_path: Path) -> None:
    tool = tmp_path / "batch_tools" / "align"
    tool.mkdir(parents=True)
    (tool / "Dockerfile").write_text('FROM debian\nENTRYPOINT ["python3", "-m", "batch_tools.align"]\n')
    images.look_in(lambda tag: tmp_path if tag == "a" * 64 else None)
    found = images.resolve(f"registry.local:5000/tools/align:{'a' * 64}")
    assert found.directory == tmp_path
    assert found.entrypoint == ("python3", "-m", "batch_tools.align")
    for unknown in (f"registry.local/tools/align:{'b' * 64}", f"registry.local/tools/other:{'a' * 64}", "align"):
        with pytest.raises(images.UnknownImageError):
            images.resolve(unknown)
