from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from genomics import contracts
from genomics.contracts.deployment import Deployment, output_name, stack_name
from genomics.contracts.environment import PlanEnvironment, ToolEnvironment

TOOL = ToolEnvironment("sha256:1", 2, 4096, "ledger", "/mnt/references", "/scratch", "fs-1")


def test_what_a_stack_sets_is_what_the_runtime_reads() -> None:
    assert TOOL.variables()["MEMORY_MIB"] == "4096"
    assert ToolEnvironment.read(TOOL.variables() | {"PATH": "/bin"}) == TOOL


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(RuntimeError, match="environment variable LEDGER_TABLE is not set"):
        PlanEnvironment.read({"SEQUENCING_BUCKET": "b", "TOOL_IMAGES": "{}"})


def test_a_deployment_is_read_from_its_outputs() -> None:
    fields = {name: name.upper() for name in Deployment.__dataclass_fields__}
    outputs = {output_name(name): value for name, value in fields.items()}
    assert Deployment.from_outputs(outputs | {"Other": "x"}) == Deployment(**fields)
    assert output_name("sequencing_bucket") == "SequencingBucket"
    assert stack_name("genomics", "lake") == "genomics-lake"
    del outputs["LedgerTable"]
    with pytest.raises(LookupError, match="no output LedgerTable"):
        Deployment.from_outputs(outputs)


def test_contracts_need_nothing_but_the_standard_library() -> None:
    for path in Path(contracts.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            for module in modules:
                top = module.partition(".")[0]
                assert top in sys.stdlib_module_names or module.startswith("genomics.contracts"), f"{path}: {module}"
