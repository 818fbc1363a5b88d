"""The house as it is built: floors, homes of third-party packages, cycles, sizes, broad excepts, no mocks."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "comfy_headless"

FLOORS = {
    "errors": -1,
    "features": 0,
    "config": 0,
    "graph": 1,
    "protocol": 1,
    "media": 1,
    "health": 1,
    "catalog": 2,
    "transport": 2,
    "client": 3,
    "ai": 3,
    "cloud": 3,
    "simulator": 3,
    "api": 4,
    "models": 4,
    "local": 4,
    "compat": 5,
    "doctor": 5,
    "fleet": 5,
    "cli": 6,
    "__main__": 7,
    "__init__": 7,
}
# Rooms that may see less than the floors below them.
ONLY_FROM = {
    "graph": {"errors"},
    "protocol": {"errors"},
    # The simulator judges the clients and the catalog, so it must not share their mistakes.
    "simulator": {"errors", "config", "features", "graph", "protocol", "media"},
}
# The only place of each third-party package; a module path where one file of a room is meant.
HOMES = {
    "httpx": {"transport"},
    "websockets": {"transport"},
    "pydantic": {"catalog", "config", "ai.answer"},
    "aiohttp": {"simulator"},
    "psutil": {"health"},
    "pynvml": {"health"},
    "huggingface_hub": {"models"},
    "yaml": {"models"},
    "ffmpeg": {"media"},
    "imageio_ffmpeg": {"media"},
    "av": {"media"},
    "PIL": {"media"},
    "typer": {"cli"},
    "rich": {"cli"},
    "ray": {"fleet"},
    "pytest": {"simulator.pytest_plugin"},
}
# Functions that import a higher room when they are called: (module, function) -> room.
UPWARD = {
    ("client.sync", "ComfyClient.check"): "api",
    ("client.sync", "ComfyClient.check_health"): "doctor",
    ("client.sync", "ComfyClient.describe"): "api",
    ("client.sync", "ComfyClient.enhance_prompt"): "api",
    ("client.sync", "ComfyClient.generate_image"): "api",
    ("client.sync", "ComfyClient.generate_video"): "api",
    ("client.sync", "ComfyClient.get_recommended_preset"): "api",
    ("client.sync", "ComfyClient.load_workflow"): "api",
    ("client.sync", "ComfyClient.run_workflow"): "api",
    ("client.sync", "ComfyClient.submit"): "api",
    ("client.sync", "ComfyClient.submit_image"): "api",
    ("client.sync", "ComfyClient.submit_video"): "api",
    ("client.aio", "ComfyWSClient.check"): "api",
    ("client.aio", "ComfyWSClient.check_health"): "doctor",
    ("client.aio", "ComfyWSClient.describe"): "api",
    ("client.aio", "ComfyWSClient.enhance_prompt"): "api",
    ("client.aio", "ComfyWSClient.generate_image"): "api",
    ("client.aio", "ComfyWSClient.generate_video"): "api",
    ("client.aio", "ComfyWSClient.get_recommended_preset"): "api",
    ("client.aio", "ComfyWSClient.load_workflow"): "api",
    ("client.aio", "ComfyWSClient.run_workflow"): "api",
    ("client.aio", "ComfyWSClient.submit"): "api",
    ("client.aio", "ComfyWSClient.submit_image"): "api",
    ("client.aio", "ComfyWSClient.submit_video"): "api",
    ("ai.suggesting", "_machine"): "api",
    ("protocol.output", "Output.image"): "media",
    ("protocol.output", "Output.show"): "client",
}
# The only broad handlers: around a caller's callback and around a text engine, where the job goes on without it;
# in the two shells, which swallow nothing but hand every error of an effect to the flow that asked for it; and in the
# thread of a fetch, which hands it to who waits.
BROAD_EXCEPTS = {
    ("ai.asking", "ask"),
    ("protocol.stream", "deliver"),
    ("protocol.telling", "Teller._call"),
    ("transport.sync", "SyncTransport._advance"),
    ("transport.aio", "AsyncTransport._advance"),
    ("transport.aside", "aside.fetch"),
}

LONGEST_FILE, MEDIAN_FILE, LONGEST_FUNCTION = 500, 200, 60


class Module(NamedTuple):
    """One file of the package: its dotted name below the package, its room, its syntax tree."""

    name: str
    room: str
    path: Path
    tree: ast.Module


class Import(NamedTuple):
    """One import of one module; ``function`` is where it stands (empty: at the top), ``typing`` if never run."""

    importer: Module
    target: str
    function: str
    typing: bool
    line: int

    def __str__(self) -> str:
        return f"{self.importer.path.relative_to(ROOT)}:{self.line} imports {self.target}"


def read(path: Path) -> Module:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
    return Module(name, parts[0], path, ast.parse(path.read_text(encoding="utf-8")))


@cache
def modules() -> dict[str, Module]:
    return {module.name: module for module in map(read, sorted(PACKAGE.rglob("*.py")))}


def within(tree: ast.AST, function: str = "", typing: bool = False) -> Iterator[tuple[ast.AST, str, bool]]:
    """Each node below `tree` with the qualified name of its function, and whether only type checkers read it."""
    for node in ast.iter_child_nodes(tree):
        yield node, function, typing
        name = function
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{function}.{node.name}".lstrip(".")
        told = ast.unparse(node.test) if isinstance(node, ast.If) else ""
        if isinstance(node, ast.If) and "TYPE_CHECKING" in told and "not" not in told:
            for child in node.body:
                yield from within(ast.Module([child], []), function, True)
            for child in node.orelse:
                yield from within(ast.Module([child], []), function, typing)
        else:
            yield from within(node, name, typing)


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module; targets inside the package are dotted names below it with a leading dot."""
    nodes = list(within(module.tree))
    functions = {qualified(f, n) for n, f, _ in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node, function, typing in nodes:
        if isinstance(node, ast.Import):
            targets = [inside(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = list(from_targets(module, node))
        else:
            continue
        inside_function = function if is_function(functions, function) else ""
        for target in targets:
            yield Import(module, target, inside_function, typing, node.lineno)


def is_function(functions: set[str], name: str) -> bool:
    """Whether a qualified name is one of these or inside of one; the imports of a class body run with the module."""
    return any(name == f or name.startswith(f + ".") for f in functions)


def qualified(function: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return f"{function}.{node.name}".lstrip(".")


def inside(name: str) -> str:
    return name.removeprefix("comfy_headless") or "." if name.split(".")[0] == "comfy_headless" else name


def from_targets(module: Module, node: ast.ImportFrom) -> Iterator[str]:
    if node.level:
        package = module.name.split(".") if module.path.stem == "__init__" else module.name.split(".")[:-1]
        if module.name == "__init__":
            package = []
        base = ".".join(package[: len(package) - node.level + 1])
        base = "." + ".".join(part for part in (base, node.module) if part)
    else:
        base = inside(node.module or "")
    for alias in node.names:
        if base == "." and alias.name == "__version__":  # the package itself is loaded before any of its rooms
            continue
        longer = f"{base.rstrip('.')}.{alias.name}" if base.startswith(".") else base
        yield longer if longer.lstrip(".") in modules() else base


@cache
def all_imports() -> list[Import]:
    return [found for module in modules().values() for found in imports(module)]


def inner() -> list[Import]:
    return [found for found in all_imports() if found.target.startswith(".")]


def outer() -> list[Import]:
    return [found for found in all_imports() if not found.target.startswith(".")]


def room_of(target: str) -> str:
    return target.lstrip(".").split(".")[0] or "__init__"


def test_every_room_has_a_floor() -> None:
    """A file or folder of the package is a room that stands on a floor."""
    assert {module.room for module in modules().values()} <= FLOORS.keys()


def test_imports_run_downwards() -> None:
    """A room imports only from lower floors, never from a neighbour; calls upward are listed in UPWARD."""
    breaches = [
        str(found)
        for found in inner()
        if (there := room_of(found.target)) != (here := found.importer.room)
        and FLOORS[there] >= FLOORS[here]
        and UPWARD.get((found.importer.name, found.function)) != there
    ]
    assert breaches == []


def test_some_rooms_see_less() -> None:
    """graph and protocol stand on errors alone; the simulator knows neither catalog nor transport."""
    breaches = [
        str(found)
        for found in inner()
        if (there := room_of(found.target)) != (here := found.importer.room)
        and here in ONLY_FROM
        and there not in ONLY_FROM[here]
        and UPWARD.get((found.importer.name, found.function)) != there
    ]
    assert breaches == []


def test_upward_imports_are_used() -> None:
    """UPWARD lists only functions that do import upward: a dead line must go."""
    real = {((found.importer.name, found.function), room_of(found.target)) for found in inner() if found.function}
    assert {key: room for key, room in UPWARD.items() if (key, room) not in real} == {}


def test_third_party_packages_have_one_home() -> None:
    """A package that is not in the standard library is imported in its home only."""
    breaches = [
        str(found)
        for found in outer()
        if (package := found.target.split(".")[0]) not in sys.stdlib_module_names
        and not {found.importer.room, found.importer.name} & HOMES.get(package, set())
    ]
    assert breaches == []


def test_no_import_cycle() -> None:
    """Modules, and rooms, can be put in an order in which each imports only earlier ones."""
    run = [found for found in inner() if not found.typing and not found.function]
    by_module: dict[str, set[str]] = {}
    by_room: dict[str, set[str]] = {}
    for found in run:
        by_module.setdefault(found.importer.name, set()).add(found.target.lstrip(".") or "__init__")
        if found.importer.room != room_of(found.target):
            by_room.setdefault(found.importer.room, set()).add(room_of(found.target))
    for edges in (by_module, by_room):
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as cycle:
            pytest.fail(f"import cycle: {' -> '.join(cycle.args[1])}")


def test_files_and_functions_stay_small() -> None:
    """No file over 500 lines, no function over 60, the median file under 200."""
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in [m.path for m in modules().values()]
    }
    assert {path.name: length for path, length in lengths.items() if length > LONGEST_FILE} == {}
    assert statistics.median(lengths.values()) < MEDIAN_FILE
    functions = {
        f"{module.name}.{qualified(function, node)}": (node.end_lineno or 0) - node.lineno + 1
        for module in modules().values()
        for node, function, _ in within(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in functions.items() if length > LONGEST_FUNCTION} == {}


def test_broad_excepts_are_the_listed_ones() -> None:
    """`except Exception` stands in the listed functions only; bare and BaseException handlers raise again."""
    found = set()
    for module in modules().values():
        for node, function, _ in within(module.tree):
            if isinstance(node, ast.ExceptHandler) and is_broad(node) and not raises_again(node):
                found.add((module.name, function))
    assert found == BROAD_EXCEPTS


def is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Cleaning up and passing the same error on swallows nothing; but `Exception` is no way to say it."""
    last = handler.body[-1]
    base_only = handler.type is None or ast.unparse(handler.type) == "BaseException"
    return base_only and isinstance(last, ast.Raise) and last.exc is None


@cache
def files_of_tests() -> dict[str, list[ast.AST]]:
    """Every node of each file of tests."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    return {str(path.relative_to(ROOT)): list(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for path in files}


def test_no_mocks() -> None:
    """Tests drive the public door: no mock library, and monkeypatch changes the environment and folder only."""
    assert {path: found for path, nodes in files_of_tests().items() if (found := list(mocks(nodes)))} == {}


def mocks(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] in {"mock", "pytest_mock"})
            yield from (each.name for each in node.names if each.name == "unittest.mock")
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in {"mock", "pytest_mock"} or node.module == "unittest.mock":
                yield str(node.module)
            yield from (each.name for each in node.names if each.name == "mock" or each.name.endswith("Mock"))
        elif isinstance(node, ast.Attribute) and node.attr in {"setattr", "delattr", "setitem", "delitem"}:
            call = ast.unparse(node)
            if call.startswith(("monkeypatch.", "mocker.")):
                yield call


def test_every_test_states_its_rule() -> None:
    """A test's docstring is one sentence that states the rule."""
    silent = [
        f"{path}: {node.name}"
        for path, nodes in files_of_tests().items()
        if Path(path).name.startswith("test_")
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
