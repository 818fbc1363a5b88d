"""Whole graphs: every preset at each of its tasks, plain and with each variant; and wirings that others published.

``wirings.json.gz`` holds 86 API graphs by name: the official templates and examples of the families, and those of the
node packs that presets need, as they are wired there.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import FILE_INPUTS, INPUT_FILES, MESH_INPUTS, MODEL_INPUTS

from .check_graphs import Graph
from .comfyui.weights import Folders

WIRINGS = Path(__file__).with_name("wirings.json.gz")
ANY_MODEL = "any.safetensors"
"""Lies in every model folder, so that no loader is without a choice."""

IMAGES: Mapping[str, Mapping[str, str]] = {
    "image": {"image": "a.png"},
    "first_last": {"image": "a.png", "last_image": "b.png"},
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "loras": {"loras": {"one.safetensors": 0.8, "two.safetensors": 0.5}},
    "fp8": {"precision": "fp8"},
    "gguf": {"precision": "Q4_K_M"},
    "easy cache": {"easy_cache": True},
    "compiled": {"torch_compile": True},
    "tiled": {"tiled_decode": True},
    "upscaled": {"upscale": 2},
    "interpolated": {"interpolate": 2},
    "silent": {"sound": False},
    "vp9": {"codec": "vp9"},
    "high": {"quality": "high"},
    "several": {"tiled_decode": True, "upscale": 1.5, "interpolate": 2, "quality": "lossless"},
}


def whole_graphs() -> dict[str, Graph]:
    """Return them all by name, each once."""
    seen: set[str] = set()
    found: dict[str, Graph] = {}
    for name, graph in (*_presets(), *wirings().items()):
        text = json.dumps(graph, sort_keys=True)
        if text not in seen:
            seen.add(text)
            found[name] = graph
    return found


def _presets() -> Iterator[tuple[str, Graph]]:
    compiler = WorkflowCompiler(hints=False)
    for name, preset in PRESETS.items():
        for task in preset.tasks:
            for variant, values in VARIANTS.items():
                try:
                    compiled = compiler.compile(name, "a lighthouse", seed=1, **IMAGES.get(task, {}), **values)
                except ValidationError:
                    # Not every family has a place for every variant; tests/catalog holds which.
                    continue
                yield f"{name} {task} {variant}", compiled.graph


def wirings() -> dict[str, Graph]:
    """Return the published wirings by name."""
    graphs: dict[str, Graph] = json.loads(gzip.decompress(WIRINGS.read_bytes()))
    return graphs


def named_files(graphs: Mapping[str, Graph]) -> tuple[dict[str, set[str]], set[str]]:
    """Return the files that graphs name: model files by folder, and names in the input folder."""
    models: dict[str, set[str]] = {}
    inputs: set[str] = set()
    for graph in graphs.values():
        for node in graph.values():
            for name, value in node["inputs"].items():
                key = (node["class_type"], name)
                if key not in FILE_INPUTS or not isinstance(value, str):
                    continue
                if key in MODEL_INPUTS:
                    models.setdefault(MODEL_INPUTS[key], set()).add(value)
                elif key in INPUT_FILES or key in MESH_INPUTS:
                    inputs.add(value)
    return models, inputs


def place_files(folders: Folders, graphs: Mapping[str, Graph] | None = None) -> list[Path]:
    """Put an empty file under every model name of graphs (the whole ones), and a picture under every input name.

    What is there already stays, such as the weights that stand in for the presets' files. Return what was put there.
    """
    models, inputs = named_files(whole_graphs() if graphs is None else graphs)
    paths = [folders.models / folder / name for folder, found in models.items() for name in found]
    paths += [folders.models / folder / ANY_MODEL for folder in set(MODEL_INPUTS.values())]
    missing = [path for path in (*paths, *(folders.input / name for name in inputs)) if not path.exists()]
    for path in missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_relative_to(folders.input):
            Image.new("RGB", (16, 16)).save(path, "PNG")
        else:
            path.touch()
    return missing
