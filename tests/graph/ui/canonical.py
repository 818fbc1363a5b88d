"""Graphs as they can be compared with what a browser made of a workflow: a browser has one type of number.

8.0 and 8 are one value, and whole numbers beyond 2**53 are rounded. What only a page knows is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

EXACT = 2**53
"""Up to here a browser's numbers hold every whole one."""


def canonical(graph: Mapping[str, Any], volatile: Iterable[str] = ()) -> dict[str, Any]:
    """Return what counts of a graph: per node its class, title and inputs.

    Args:
        volatile: ``node id.input`` of inputs that no two conversions agree on; they are left out.
    """
    left_out = set(volatile)
    return {
        node_id: {
            "class": node.get("class_type"),
            "title": node.get("_meta", {}).get("title"),
            "inputs": {
                name: _value(value) for name, value in node["inputs"].items() if f"{node_id}.{name}" not in left_out
            },
        }
        for node_id, node in graph.items()
    }


def digest(graph: Mapping[str, Any], volatile: Iterable[str] = ()) -> str:
    """Return sixteen digits that say whether two graphs are the same."""
    text = json.dumps(canonical(graph, volatile), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(made: Mapping[str, Any], expected: Mapping[str, Any], volatile: Iterable[str] = ()) -> list[str]:
    """Return one line per place where two graphs differ: what was made, then what was expected."""
    ours, theirs = canonical(made, volatile), canonical(expected, volatile)
    lines = [f"{node_id}: only made" for node_id in ours if node_id not in theirs]
    lines += [f"{node_id}: not made" for node_id in theirs if node_id not in ours]
    for node_id in (each for each in ours if each in theirs):
        own, other = _flat(ours[node_id]), _flat(theirs[node_id])
        lines += [
            f"{node_id}.{key}: {own.get(key, 'absent')}, expected {other.get(key, 'absent')}"
            for key in sorted(own.keys() | other.keys())
            if own.get(key) != other.get(key)
        ]
    return lines


def _flat(node: Mapping[str, Any]) -> dict[str, str]:
    # As text, since Python takes True for 1.
    told = {"class": node["class"], "title": node["title"], **{f"inputs.{k}": v for k, v in node["inputs"].items()}}
    return {key: json.dumps(value, sort_keys=True) for key, value in told.items()}


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= EXACT else int(float(value))
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value
