"""Make a shipped snapshot of node schemas from the ``/object_info`` of a server: of ComfyUI, or of node packs.

ComfyUI (API nodes on): ``python -m tests.conformance.make_snapshot http://127.0.0.1:8188 object_info.jsonl.gz``.
Packs that the server has: the same with ``--pack ComfyUI-GGUF=795e451`` for each, the folder in ``custom_nodes`` and
the commit. In place of the address the path of a saved object_info (``.json`` or ``.json.gz``) and ``--version``.
Text that people read (descriptions, tooltips, search words, price formulas, long defaults) is left out, and so is
what a machine has on disk.
"""

from __future__ import annotations

import argparse
import gzip
import json
import urllib.request
from pathlib import Path
from typing import Any

from comfy_headless.graph.file_inputs import FILE_INPUTS, constant_choices

CLASS_TEXT = frozenset({"description", "output_tooltips", "search_aliases", "price_badge"})
INPUT_TEXT = frozenset({"tooltip", "description", "placeholder", "text"})
FORMATS = "formats"
"""Option of VideoHelperSuite: per format its own inputs, each a name, a type, options, and ffmpeg's words for it."""
LONGEST_DEFAULT = 80


def without_text(value: Any) -> Any:
    """Return the value without the keys that hold text for people, at any depth; an input of such a name stays."""
    if isinstance(value, dict):
        kept = {
            key: without_text(item) for key, item in value.items() if not (key in INPUT_TEXT and isinstance(item, str))
        }
        if isinstance(kept.get("default"), str) and len(kept["default"]) > LONGEST_DEFAULT:
            kept["default"] = ""
        if FORMATS in kept:
            kept[FORMATS] = {name: without_ffmpeg(inputs) for name, inputs in kept[FORMATS].items()}
        return kept
    if isinstance(value, list):
        return [without_text(item) for item in value]
    return value


def without_ffmpeg(inputs: Any) -> Any:
    """Return what a format asks for without what it makes of the answer."""
    return [item[:3] for item in inputs] if isinstance(inputs, list) else inputs


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


def make_snapshot(object_info: dict[str, Any], version: str, packs: dict[str, str]) -> bytes:
    """Return the file's bytes; the same schemas give the same bytes.

    Args:
        packs: commit per pack; only their classes are kept. Empty: only ComfyUI's own.
    """
    classes: dict[str, Any] = {}
    header: dict[str, Any] = {"comfyui": version}
    for pack, commit in packs.items():
        names = sorted(name for name, raw in object_info.items() if raw["python_module"] == f"custom_nodes.{pack}")
        header.setdefault("packs", {})[pack] = {"commit": commit, "classes": names}
        classes |= {name: compress_class(name, object_info[name]) for name in names}
    if not packs:
        core = (name for name, raw in object_info.items() if not raw["python_module"].startswith("custom_nodes"))
        classes = {name: compress_class(name, object_info[name]) for name in sorted(core)}
    lines = [{**header, "classes": list(classes)}, *classes.values()]
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


def main() -> None:
    """Write the snapshot that the command line asks for."""
    parser = argparse.ArgumentParser(description="Make a snapshot of node schemas.")
    parser.add_argument("source")
    parser.add_argument("target", type=Path)
    parser.add_argument("--version", default="")
    parser.add_argument("--pack", action="append", default=[], metavar="FOLDER=COMMIT")
    asked = parser.parse_args()
    packs = dict(pack.split("=", 1) for pack in asked.pack)
    asked.target.write_bytes(make_snapshot(*_read(asked.source, asked.version), packs))


if __name__ == "__main__":
    main()
