"""What runs in batch_tools, glue_jobs and lambdas must not know whether it runs on AWS or on one machine."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUNTIMES = ("batch_tools", "glue_jobs", "lambdas")
FORBIDDEN = re.compile(r"(^|[^a-z])(local|is_local|embedded|moto|localhost|aws_endpoint_url)([^a-z]|$)", re.IGNORECASE)

_BRANCHES = (ast.If, ast.IfExp, ast.While, ast.Assert, ast.Match)


def _names(node: ast.AST) -> list[str]:
    found = []
    for child in ast.walk(node):
        match child:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                found.append(name)
    return found


def branches_on_location(source: str) -> list[int]:
    """Lines whose branch depends on a word that names where the program runs. Comments and docstrings do not count."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        tests = [node.subject] if isinstance(node, ast.Match) else [node.test] if isinstance(node, _BRANCHES) else []
        if isinstance(node, ast.comprehension):
            tests = node.ifs
        if isinstance(node, ast.BoolOp):
            tests = node.values
        lines += [test.lineno for test in tests if any(FORBIDDEN.search(name) for name in _names(test))]
    return lines


def _sources() -> list[Path]:
    return [path for runtime in RUNTIMES for path in sorted((ROOT / runtime).rglob("*.py"))]


def test_there_are_sources_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in _sources()} == set(RUNTIMES)


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_branch_asks_where_it_runs(path: Path) -> None:
    assert branches_on_location(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "if is_local:\n    x = 1",
        "x = 1 if os.environ.get('EMBEDDED') else 2",
        "if settings.local:\n    pass",
        "y = endpoint or 'localhost'",
        "match mode:\n    case 'x':\n        pass\nwhile embedded_mode:\n    pass",
    ],
)
def test_a_branch_on_location_is_noticed(source: str) -> None:
    assert branches_on_location(source)


@pytest.mark.parametrize(
    "source", ["'''local files'''\nx = 1", "if allocation:\n    x = 1", "local = 3\nif x:\n    pass"]
)
def test_other_words_are_left_alone(source: str) -> None:
    assert not branches_on_location(source)
