"""Make the shipped snapshot of node schemas from the ``/object_info`` of a server with API nodes on.

Usage: ``python tests/conformance/make_snapshot.py http://127.0.0.1:8188 comfy_headless/graph/object_info.jsonl.gz``,
or with the path of a saved object_info (``.json`` or ``.json.gz``) and the version in place of the address.
Text that people read (descriptions, tooltips, search words, price formulas, long defaults) is left out, and so is
what a machine has on disk.
"""

from __future__ import annotations

import gzip
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

from comfy_headless.graph.file_inputs import FILE_INPUTS, constant_choices

CLASS_TEXT = frozenset({"description", "output_tooltips", "search_aliases", "price_badge"})
INPUT_TEXT = frozenset({"tooltip", "description", "placeholder"})
LONGEST_DEFAULT = 80


def without_text(value: Any) -> Any:
    """Return the value without the keys that hold text for people, at any depth; an input of such a name stays."""
    if isinstance(value, dict):
        kept = {
            key: without_text(item) for key, item in value.items() if not (key in INPUT_TEXT and isinstance(item, str))
        }
        if isinstance(kept.get("default"), str) and len(kept["default"]) > LONGEST_DEFAULT:
            kept["default"] = ""
        return kept
    if isinstance(value, list):
        return [without_text(item) for item in value]
    return value


def without_files(class_type: str, sections: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs with every list of files as a server without files shows it."""
    for inputs in sections.values():
        for name, spec in inputs.items():
            key = (class_type, name)
            if key not in FILE_INPUTS:
                continue
            if isinstance(spec[0], list):
                spec[0] = constant_choices(key)
            else:
                spec[1]["options"] = constant_choices(key)
                if spec[1].get("default") not in constant_choices(key):
                    spec[1].pop("default", None)
    return sections


def compress_class(class_type: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Return what the file keeps of a class: what cannot be derived from the rest."""
    kept = without_text({key: value for key, value in raw.items() if key not in CLASS_TEXT})
    kept["input"] = without_files(class_type, kept["input"])
    derived = {
        "name": class_type,
        "display_name": class_type,
        "input_order": {section: list(inputs) for section, inputs in raw["input"].items()},
        "output_name": raw["output"],
        "output_is_list": [False] * len(raw["output"]),
    }
    return {key: value for key, value in kept.items() if key not in derived or derived[key] != raw[key]}


def make_snapshot(object_info: dict[str, Any], version: str) -> bytes:
    """Return the file's bytes; the same schemas give the same bytes."""
    classes = {name: compress_class(name, object_info[name]) for name in sorted(object_info)}
    lines = [{"comfyui": version, "classes": list(classes)}, *classes.values()]
    text = "\n".join(json.dumps(line, separators=(",", ":"), ensure_ascii=True) for line in lines)
    return gzip.compress(text.encode(), 9, mtime=0)


def _read(source: str, version: str) -> tuple[dict[str, Any], str]:
    if source.startswith("http"):
        with urllib.request.urlopen(f"{source}/system_stats") as answer:
            version = json.load(answer)["system"]["comfyui_version"]
        with urllib.request.urlopen(f"{source}/object_info") as answer:
            return json.load(answer), version
    data = Path(source).read_bytes()
    return json.loads(gzip.decompress(data) if source.endswith(".gz") else data), version


def main(source: str, target: str, version: str = "") -> None:
    """Write the snapshot of ``source`` to ``target``."""
    Path(target).write_bytes(make_snapshot(*_read(source, version)))


if __name__ == "__main__":
    main(*sys.argv[1:])
