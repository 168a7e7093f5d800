"""Build the images of the tools from what the synthesized stacks publish, and push them where the stacks look."""

import base64
import json
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from genomics_cli.cloud import Cloud
from genomics_cli.errors import UserError

# docker is asked whether its engine answers; buildah has none.
BUILDERS: Mapping[str, Sequence[str]] = {"docker": ("docker", "info"), "buildah": ("buildah", "--version")}
_PLATFORM = "linux/amd64"


@dataclass(frozen=True)
class ImageBuild:
    """One tool: `context` is the folder that its Dockerfile copies from, `identity` the digest of all of it."""

    tool: str
    identity: str
    context: Path

    @property
    def dockerfile(self) -> Path:
        """Where it stands in the context."""
        return self.context / "batch_tools" / self.tool / "Dockerfile"

    def named(self, registry: str) -> str:
        """The image's name in a registry (a host and a path, or the path alone)."""
        return f"{registry}/{self.tool}:{self.identity}"


def find_builds(assembly: Path, tools: Collection[str] = ()) -> list[ImageBuild]:
    """The images that the stacks of a cloud assembly start jobs from, or those of `tools`; UserError if there is none.

    A tool's sources are a published file asset, whose hash is the image's tag.
    """
    builds: dict[str, ImageBuild] = {}
    for manifest in sorted(assembly.glob("*.assets.json")):
        for identity, asset in json.loads(manifest.read_text())["files"].items():
            context = assembly / asset["source"]["path"]
            for dockerfile in context.glob("batch_tools/*/Dockerfile"):
                builds[dockerfile.parent.name] = ImageBuild(dockerfile.parent.name, identity, context)
    if unknown := sorted(set(tools) - set(builds)):
        raise UserError(f"there is no tool {unknown[0]!r}; there are {', '.join(sorted(builds))}")
    return [build for tool, build in sorted(builds.items()) if not tools or tool in tools]


def labs_registry(assembly: Path, builds: Sequence[ImageBuild]) -> str | None:
    """The registry that the setting `image_registry` names; None where the stacks have repositories of their own."""
    tags = {f"/{build.tool}:{build.identity}" for build in builds}
    for template in sorted(assembly.glob("*.template.json")):
        for resource in json.loads(template.read_text()).get("Resources", {}).values():
            image = resource.get("Properties", {}).get("ContainerProperties", {}).get("Image")
            for tag in tags:
                if isinstance(image, str) and image.endswith(tag):
                    return image.removesuffix(tag)
    return None


def choose_builder(wanted: str | None = None) -> str:
    """The builder asked for, else the first that works; UserError where none does."""
    for name in [wanted] if wanted else BUILDERS:
        command = BUILDERS[name]
        if shutil.which(command[0]) and not subprocess.run(command, capture_output=True, check=False).returncode:
            return name
    if wanted:
        raise UserError(f"{wanted} is not installed, or its engine does not answer")
    raise UserError("neither docker nor buildah works here; install one, such as with `apt-get install buildah`")


def build(each: ImageBuild, name: str, *, builder: str, base: str | None, log: Path) -> None:
    """Build one image as `name`, from the base image `base` instead of the Dockerfile's, if given.

    All output goes to `log`. UserError with the line that says what failed.
    """
    base_argument = ["--build-arg", f"BASE={base}"] if base else []
    # ECR and Batch take both formats; only docker's has all that a Dockerfile may say.
    form = ["--format", "docker"] if builder == "buildah" else []
    command = [builder, "build", *form, "--platform", _PLATFORM, *base_argument, "--tag", name]
    _logged([*command, "--file", str(each.dockerfile), str(each.context)], log, f"{each.tool} cannot be built")


def push(name: str, *, builder: str, log: Path) -> None:
    """Push an image under its name. UserError with the line that says what failed."""
    _logged([builder, "push", name], log, f"{name} cannot be pushed")


def _logged(command: Sequence[str], log: Path, failure: str) -> None:
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise UserError(f"{failure}: {lines[-1] if lines else command[0] + ' said nothing'} (all of it: {log})")


class Repositories:
    """The repositories that a deployment's stacks have made in ECR: `<project>/<tool>`."""

    def __init__(self, cloud: Cloud, project: str) -> None:
        self._ecr = cloud.ecr
        self._project = project

    def registry(self) -> str:
        """Host and path, as found at the first repository; UserError if the stacks are not deployed."""
        return self._described()[0]["repositoryUri"].rpartition("/")[0]

    def log_in(self, builder: str) -> None:
        """Let `builder` push, for some hours. UserError if it is not let in."""
        (given,) = self._ecr.get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
        host = given["proxyEndpoint"].removeprefix("https://")
        command = [builder, "login", "--username", user, "--password-stdin", host]
        done = subprocess.run(command, input=password, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{builder} is not let into {host}: {done.stderr.strip().rpartition(chr(10))[2]}")

    def has(self, each: ImageBuild) -> bool:
        """Whether the image is there already: its tag says what it was built from, and stays."""
        try:
            found = self._ecr.describe_images(
                repositoryName=f"{self._project}/{each.tool}", imageIds=[{"imageTag": each.identity}]
            )
        except ClientError as error:
            match error.response["Error"]["Code"]:
                case "ImageNotFoundException":
                    return False
                case "RepositoryNotFoundException":
                    message = f"there is no repository {self._project}/{each.tool} yet; deploy the stacks first"
                    raise UserError(message) from error
            raise
        return bool(found["imageDetails"])

    def _described(self) -> list[dict[str, str]]:
        pages: Iterator[Any] = self._ecr.get_paginator("describe_repositories").paginate()
        found = [r for page in pages for r in page["repositories"]]
        ours = [r for r in found if r["repositoryName"].startswith(f"{self._project}/")]
        if not ours:
            raise UserError(f"no repository {self._project}/... is in this account and region; deploy the stacks first")
        return ours
