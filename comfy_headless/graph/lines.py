"""A remedy as one line of Python about a dict called ``graph``, which can be pasted as it is; a comment says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def put(node_id: str, name: str, value: Any, why: str = "") -> str:
    """Return the line that gives an input a value, or a link."""
    return remarked(f"{place(node_id, name)} = {written(value)}", why)


def put_all(node_id: str, values: Mapping[str, Any], why: str = "") -> str:
    """Return the line that gives several inputs of a node their values."""
    if len(values) == 1:
        ((name, value),) = values.items()
        return put(node_id, name, value, why)
    return remarked(f'graph[{written(node_id)}]["inputs"].update({written(values)})', why)


def take_out(node_id: str, name: str | None = None, why: str = "") -> str:
    """Return the line that takes an input away, or a whole node."""
    return remarked(f"del graph[{written(node_id)}]" if name is None else f"del {place(node_id, name)}", why)


def place(node_id: str, name: str) -> str:
    """Return where an input stands."""
    return f'graph[{written(node_id)}]["inputs"][{written(name)}]'


def remarked(line: str, why: str) -> str:
    """Return a line with a comment behind it; what would break the line is taken out of the comment."""
    return f"{line}  # {' '.join(why.split())}" if why else line


def written(value: Any) -> str:
    """Return JSON data as Python writes it, with the quotes that people type."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{written(key)}: {written(item)}' for key, item in value.items())}}}"
    return repr(value)
