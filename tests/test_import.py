"""`import comfy_headless` costs nothing; every public name is real, documented and told to type checkers."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import comfy_headless

ROOT = Path(__file__).resolve().parents[1]
LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import comfy_headless
import json
print(json.dumps(sorted(set(sys.modules) - before - {name for name in sys.modules if name.split(".")[0] == "json"})))
"""


def bare_python(code: str, *arguments: str) -> str:
    """Run code in an interpreter that has not processed any site-packages."""
    command = [sys.executable, "-S", "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_import_loads_nothing_else() -> None:
    """`import comfy_headless` loads no third-party module, none of its own rooms, no dataclasses, no metadata."""
    loaded = json.loads(bare_python(LOADED, str(ROOT)))
    assert [name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names] == ["comfy_headless"]
    assert not {"dataclasses", "importlib.metadata", "typing", "inspect", "asyncio"} & set(loaded)


@pytest.mark.parametrize("name", comfy_headless.__all__)
def test_public_names_are_documented(name: str) -> None:
    """Every public name can be imported from the top; functions and classes carry a docstring of their own."""
    value = getattr(comfy_headless, name)
    home = import_module(f"comfy_headless.{comfy_headless._HOMES[name]}")
    assert value is getattr(home, name)
    if callable(value):
        assert value.__doc__
        assert not value.__doc__.startswith(f"{name}("), "the docstring that a dataclass writes says nothing"


def test_type_checkers_see_the_same_names() -> None:
    """The names under TYPE_CHECKING and their homes are those of the table."""
    tree = ast.parse((ROOT / "comfy_headless/__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.asname or alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == comfy_headless._HOMES


def test_no_public_name_hides_a_room() -> None:
    """A public name is never also the name of a module of the package, which an import would put in its place."""
    rooms = {path.stem for path in (ROOT / "comfy_headless").iterdir()}
    assert not rooms & set(comfy_headless.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    """An unknown name is refused as by any module, and a known one is listed by dir()."""
    with pytest.raises(AttributeError, match="module 'comfy_headless' has no attribute 'generate_vidoe'"):
        comfy_headless.generate_vidoe  # noqa: B018
    assert set(comfy_headless.__all__) <= set(dir(comfy_headless))


def test_all_errors_are_public() -> None:
    """Whatever is raised can be caught by a name from the top."""
    errors = import_module("comfy_headless.errors")
    raised = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert raised <= set(comfy_headless.__all__)
