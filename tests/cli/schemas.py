"""The schemas in ``docs/json``: which command has which, whether data holds to one, and data that must not."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMAS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((DOCS / "json").glob("*.json"))}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
VALIDATORS = {name: Draft202012Validator(schema, registry=REGISTRY) for name, schema in SCHEMAS.items()}
"""By name of the file; the one of shared parts says nothing by itself."""

SHARED, ERROR = "common.schema.json", "error.schema.json"
EVENT, LINE = "event.schema.json", "log-line.schema.json"


def promised() -> dict[str, str]:
    """The schema of each command, as the table of docs/cli.md says: command, or with the option, to the file."""
    table = (DOCS / "cli.md").read_text(encoding="utf-8").split("\n## JSON\n")[1].split("\n## ")[0]
    rows = [line.split("|") for line in table.splitlines() if "](json/" in line and line.startswith("|")]
    links = [(re.findall(r"`([^`]+)`", row[1]), re.findall(r"\(json/([^)]+)\)", row[-2])) for row in rows]
    return {command: name for commands, (name,) in links for command in commands}


PROMISED = promised()


def checked(name: str, text: str) -> Any:
    """The one object that ``text`` is, after a look at its schema."""

    def no_json(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    data = json.loads(text, parse_constant=no_json)
    assert isinstance(data, dict)
    assert [f"{error.json_path}: {error.message}" for error in VALIDATORS[name].iter_errors(data)] == []
    return data


OPEN = {
    *("features", "facts", "missing", "graph", "node_errors", "inputs", "schema"),
    *("settings", "setting", "tasks", "sources", "files", "variants", "task", "by_task", "equivalents"),
}
"""Objects whose keys are names of other things."""
MAY_BE_ABSENT: Mapping[tuple[Any, ...], set[str]] = {
    (): {"traceback"},
    ("error",): {
        *("prompt_id", "node_id", "node_type", "server_message", "exception_type", "node_errors"),
        *("estimate", "vram_gb", "vram_free_gb", "steps", "tried"),
    },
}
"""By place: an error may be about no job, no node, no preset, ..."""


def mutants(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The object with a key less, a key more, and a key of another type, at every place."""
    for path in places(data):
        inner = inside(data, path)
        yield f"{path} + odd", changed(data, path, {**inner, "odd": 1})
        for key in inner:
            if key not in MAY_BE_ABSENT.get(path, ()):
                less = {name: value for name, value in inner.items() if name != key}
                yield f"{path} - {key}", changed(data, path, less)
            yield f"{path}: {key} is odd", changed(data, path, {**inner, key: [[{"odd": 1}]]})


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where objects with known keys stand; of a list the first counts for all."""
    if isinstance(data, dict):
        if not path or path[-1] not in OPEN:
            yield path
        if not path or path[-1] not in ("graph", "node_errors", "schema"):
            for key, value in data.items():
                yield from places(value, (*path, key))
    elif isinstance(data, list) and data:
        yield from places(data[0], (*path, 0))


def inside(data: Any, path: Sequence[Any]) -> Any:
    for key in path:
        data = data[key]
    return data


def changed(data: dict[str, Any], path: Sequence[Any], inner: dict[str, Any]) -> dict[str, Any]:
    if not path:
        return inner
    copied = copy.deepcopy(data)
    inside(copied, path[:-1])[path[-1]] = inner
    return copied


def parts(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object within a schema."""
    if isinstance(schema, dict):
        yield path, schema
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if isinstance(value, dict | list):
            yield from parts(value, f"{path}/{key}")
