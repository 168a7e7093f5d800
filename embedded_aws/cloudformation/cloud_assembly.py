"""What `cdk synth` wrote: stacks in the order they need, with their templates and assets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class DeploymentError(RuntimeError):
    """The assembly cannot be deployed; the message says in one line what stands in the way."""


@dataclass(frozen=True)
class Stack:
    """A stack of the assembly. `assets` is its asset manifest."""

    name: str
    template: Path
    assets: Mapping[str, Any]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    termination_protection: bool = False


@dataclass(frozen=True)
class Assembly:
    """A synthesized application: its stacks, each after those that it depends on."""

    directory: Path
    stacks: tuple[Stack, ...]

    @classmethod
    def read(cls, directory: Path) -> "Assembly":
        """Read `manifest.json` and what it refers to."""
        try:
            artifacts = json.loads((directory / "manifest.json").read_text())["artifacts"]
        except (OSError, ValueError, KeyError) as error:
            raise DeploymentError(f"{directory} holds no cloud assembly; run `cdk synth` ({error})") from error
        return cls(directory, tuple(_stack(directory, artifacts, name) for name in _in_order(artifacts)))

    def templates(self) -> dict[str, Mapping[str, Any]]:
        """Stack name to template."""
        return {stack.name: json.loads(stack.template.read_text()) for stack in self.stacks}


def _in_order(artifacts: Mapping[str, Any]) -> list[str]:
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in ordered or name not in artifacts:
            return
        for needed in artifacts[name].get("dependencies", ()):
            visit(needed)
        ordered[name] = None

    for name in artifacts:
        visit(name)
    return [name for name in ordered if artifacts[name]["type"] == "aws:cloudformation:stack"]


def _stack(directory: Path, artifacts: Mapping[str, Any], name: str) -> Stack:
    artifact = artifacts[name]
    properties = artifact["properties"]
    manifests = [
        artifacts[needed]["properties"]["file"]
        for needed in artifact.get("dependencies", ())
        if artifacts.get(needed, {}).get("type") == "cdk:asset-manifest"
    ]
    assets: dict[str, Any] = {}
    for manifest in manifests:
        for kind, found in json.loads((directory / manifest).read_text()).items():
            if isinstance(found, dict):
                assets.setdefault(kind, {}).update(found)
    return Stack(
        name=properties.get("stackName", name),
        template=directory / properties["templateFile"],
        assets=assets,
        parameters=properties.get("parameters", {}),
        tags=properties.get("tags", {}),
        termination_protection=properties.get("terminationProtection", False),
    )
