"""What the type checker reads of the CDK is what the stacks use."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def imported() -> Iterator[str]:
    """The CDK's modules that stacks, settings and the app import."""
    for path in (ROOT / "app.py", *(ROOT / "stacks").rglob("*.py"), *(ROOT / "settings").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name.startswith("aws_cdk"))
            elif isinstance(node, ast.ImportFrom) and node.module == "aws_cdk":
                yield from (f"aws_cdk.{alias.name}" for alias in node.names if alias.name.startswith("aws_"))


def test_every_module_of_the_cdk_that_is_imported_is_type_checked() -> None:
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (followed,) = [each["module"] for each in overrides if each.get("follow_imports") == "normal"]
    assert followed == sorted(set(imported()))
