"""How large a workflow may be: what is larger than any is refused at once, before it costs time and memory.

A workflow comes from anywhere, an address or a picture among them. What is counted here is counted before it is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError

MAX_TEXT: Final = 16 * 2**20
"""Bytes of JSON. The largest of ComfyUI's 493 own templates has 0.2 MiB, for 211 nodes."""

MAX_NODES: Final = 10_000
"""Nodes of a workflow. Reading and checking so many takes about a second."""

MAX_PARTS: Final = 500_000
"""Objects and lists in a JSON text. A node has about 20. Five million, which go into 16 MiB, take seconds to read."""

MAX_COMMAS: Final = 1_000_000
"""Commas in a JSON text: it has no more values than these and its objects and lists. Eight million, which go into
16 MiB, take four seconds to read and to copy."""


def check_text(text: str | bytes | bytearray, name: str) -> None:
    """Raise ValidationError for a JSON text that is larger than any workflow."""
    check_size(len(text), name)
    brackets: tuple[Any, Any] = ("{", "[") if isinstance(text, str) else (b"{", b"[")
    parts = sum(map(text.count, brackets))
    if parts > MAX_PARTS:
        raise ValidationError(
            f"{name} holds {parts:,} objects and lists, more than any workflow: at most {MAX_PARTS:,} are read"
        )
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    if commas > MAX_COMMAS:
        raise ValidationError(f"{name} has {commas:,} commas, more than any workflow: at most {MAX_COMMAS:,} are read")


def check_size(size: int, name: str) -> None:
    """Raise ValidationError for more bytes than any workflow has."""
    if size > MAX_TEXT:
        most = f"at most {MAX_TEXT // 2**20} MiB are read"
        raise ValidationError(f"{name} has {size / 2**20:.1f} MiB, more than any workflow: {most}")


def check_nodes(workflow: Mapping[str, Any], name: str) -> None:
    """Raise ValidationError for more nodes than any workflow has, in either format; subgraphs are not unfolded."""
    nodes = workflow.get("nodes")
    count = len(nodes) if isinstance(nodes, list) else len(workflow)
    if count > MAX_NODES:
        raise ValidationError(f"{name} has {count:,} nodes, more than any workflow: at most {MAX_NODES:,} are read")
