"""The node schemas that are shipped: those of ComfyUI 0.30.0, and those of the node packs that presets name.

A file holds one header line and one JSON object per class: names, types, ranges, choices, defaults and flags as a
server without files gave them, ComfyUI's with API nodes on. Left out: descriptions, tooltips, search words, price
formulas and the defaults longer than 80 characters (prompts and a shader), which are other people's text.
``tests/conformance/make_snapshot.py`` makes both from running servers; a pack's header says of which commit it is.

A class is parsed when it is asked for: opening a file costs a decompression, not 826 parses.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from comfy_headless.errors import ValidationError

CORE = Path(__file__).with_name("object_info.jsonl.gz")
PACKS = Path(__file__).with_name("object_info_packs.jsonl.gz")


class Shipped:
    """The classes of one file, as text until one is asked for."""

    __slots__ = ("comfyui", "packs", "texts")

    def __init__(self, path: Path) -> None:
        header, *lines = gzip.decompress(path.read_bytes()).splitlines()
        about: dict[str, Any] = json.loads(header)
        self.comfyui: str = about["comfyui"]
        self.packs: dict[str, Any] = about.get("packs", {})
        self.texts: dict[str, bytes] = dict(zip(about["classes"], lines, strict=True))

    def load(self, class_type: str) -> dict[str, Any]:
        """Return a class as ``/object_info`` writes it.

        Raises:
            KeyError: no such class.
        """
        return _restore(class_type, json.loads(self.texts[class_type]))


@cache
def core() -> Shipped:
    """Return ComfyUI's own classes."""
    return Shipped(CORE)


@cache
def packs() -> Shipped:
    """Return the classes of all packs."""
    return Shipped(PACKS)


def pack_names() -> tuple[str, ...]:
    """Return the packs whose schemas are shipped, by the name of their folder in ``custom_nodes``."""
    return tuple(packs().packs)


def pack_of(class_type: str) -> str | None:
    """Return the shipped pack that brings a class; None if none does."""
    return next((name for name, about in packs().packs.items() if class_type in about["classes"]), None)


def known_packs(names: Iterable[str]) -> tuple[str, ...]:
    """Return the named packs, each once and in the order of the file.

    Raises:
        ValidationError: there are no schemas of such a pack.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in packs().packs:
            raise ValidationError(f"no schemas of a node pack {name!r}; there are {', '.join(pack_names())}")
    return tuple(name for name in pack_names() if name in wanted)


def _restore(class_type: str, kept: dict[str, Any]) -> dict[str, Any]:
    """Put back what the file leaves out because it follows from the rest, or is text that is not shipped."""
    is_v3 = "api_node" in kept
    raw = {
        **kept,
        "name": class_type,
        "display_name": kept.get("display_name", class_type),
        "input_order": {section: list(inputs) for section, inputs in kept["input"].items()},
        "output_name": kept.get("output_name", kept["output"]),
        "output_is_list": kept.get("output_is_list", [False] * len(kept["output"])),
        "description": "",
        "search_aliases": None if is_v3 else [],
    }
    return {**raw, "output_tooltips": [None] * len(kept["output"]), "price_badge": None} if is_v3 else raw
