"""Make a checked API-format graph out of what people hold: JSON text, a dict, a wrapped body.

The result is a copy that is JSON-ready, every node having ``class_type`` and ``inputs``; nothing of the caller's is
kept or changed. What is larger than any workflow is refused before it costs time or memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from comfy_headless.errors import ValidationError
from comfy_headless.graph.limits import check_nodes, check_text

Graph: TypeAlias = dict[str, dict[str, Any]]
"""An API-format graph: node id to ``{"class_type", "inputs", "_meta"?}``."""

_DEEPEST: Final = 32
_SHAPE = 'a graph is {node id: {"class_type": ..., "inputs": {...}}}'
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,200}")
_NAMED = "at most 200 characters are expected, no control characters among them"


def read_graph(source: Mapping[str, Any] | str | bytes, *, name: str = "workflow") -> Graph:
    """Return ``source`` as a graph of its own; ``{"prompt": ...}`` is unwrapped.

    Args:
        source: a graph, or its JSON text.
        name: how errors name it.

    Raises:
        ValidationError: not JSON (with line and column), in the browser's format, not a graph, or too large.
    """
    raw = read_text(source, name=name) if isinstance(source, (str, bytes, bytearray)) else source
    if not isinstance(raw, Mapping):
        raise ValidationError(f"{name} is a {_kind(raw)}; {_SHAPE}")
    body = raw.get("prompt")
    if isinstance(body, Mapping) and "class_type" not in body:
        raw = body
    if isinstance(raw.get("nodes"), list):
        raise ValidationError(
            f"{name} is in ComfyUI's browser format ('nodes' and 'links'), which a server does not take: "
            "convert_workflow(...), or comfy-headless convert, makes a graph of it"
        )
    if not raw:
        raise ValidationError(f"{name} is empty: it has no nodes; {_SHAPE}")
    check_nodes(raw, name)
    return {str(node_id): _node(node_id, node, name) for node_id, node in raw.items()}


def is_link(value: object, graph: Mapping[str, Any]) -> bool:
    """Return whether ``value`` is a wire: exactly ``[id of a node in graph, output slot]``."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and value[0] in graph
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    )


def copy_json(value: Any) -> Any:
    """Return a copy of JSON data; for these, several times as fast as ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item) for item in value]
    return value


def read_text(text: str | bytes | bytearray, *, name: str = "workflow", nan: bool = False) -> Any:
    """Return what a JSON text holds.

    Args:
        name: how errors name it.
        nan: take NaN and the infinities, which Python writes and JSON lacks, for null.

    Raises:
        ValidationError: it is not JSON (with line and column), or larger than any workflow.
    """
    check_text(text, name)
    read_constant = _no_number if nan else _no_constant
    try:
        return json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text, parse_constant=read_constant)
    except json.JSONDecodeError as error:
        raise ValidationError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except UnicodeDecodeError as error:
        raise ValidationError(f"{name} is not JSON: byte {error.start} is not UTF-8 text") from error
    except RecursionError as error:
        raise ValidationError(f"{name} is nested too deeply to be a workflow") from error
    except ValueError as error:
        raise ValidationError(f"{name} is not JSON: {error}") from error


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _no_number(word: str) -> None:
    return None


def _node(node_id: object, node: object, name: str) -> dict[str, Any]:
    if not isinstance(node_id, str):
        raise ValidationError(f"{name}: node {node_id}: the id is a {_kind(node_id)}, expected text; {_SHAPE}")
    if not _NAME.fullmatch(node_id):
        raise ValidationError(f"{name}: the node id {node_id[:80]!r}: {_NAMED}")
    where = f"{name}: node {node_id}"
    if not isinstance(node, Mapping):
        raise ValidationError(f"{where} is a {_kind(node)}; {_SHAPE}")
    if not isinstance(node.get("class_type"), str):
        raise ValidationError(f"{where} has no class_type; it has {_listed(node)}")
    if not _NAME.fullmatch(node["class_type"]):
        raise ValidationError(f"{where}: the class_type {node['class_type'][:80]!r}: {_NAMED}")
    where = f"{where} ({node['class_type']})"
    if not isinstance(node.get("inputs"), Mapping):
        raise ValidationError(f"{where}: 'inputs' is {_kind(node.get('inputs'))}, expected an object")
    meta = node.get("_meta")
    if meta is not None and not isinstance(meta, Mapping):
        raise ValidationError(f"{where}: '_meta' is a {_kind(meta)}, expected an object")
    title = None if meta is None else meta.get("title")
    if title is not None and not isinstance(title, str):
        raise ValidationError(f"{where}: its title is a {_kind(title)}, expected text")
    copied = _copied(node, where, 0)
    return copied if isinstance(copied, dict) else {}


def _copied(value: object, where: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValidationError(f"{where} is nested deeper than {_DEEPEST} levels")
    if isinstance(value, Mapping):
        wrong = next((key for key in value if not isinstance(key, str)), None)
        if wrong is not None:
            raise ValidationError(f"{where}: the key {wrong!r} is a {_kind(wrong)}, expected text")
        return {key: _copied(item, where, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item, where, depth + 1) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            raise ValidationError(f"{where} holds {value}, which JSON cannot carry")
        return value
    raise ValidationError(f"{where} holds a {_kind(value)} ({value!r}), which JSON cannot carry")


def _kind(value: object) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "true or false", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _listed(node: Mapping[str, Any]) -> str:
    return ", ".join(repr(key) for key in list(node)[:8]) or "nothing"
