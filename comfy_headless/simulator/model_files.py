"""Which model files a simulated server has: those it is given, or every name in presets and templates, own ones too.

The presets are read as data, so that the simulator can judge the catalog instead of believing it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from comfy_headless.config import presets_folder, user_preset_folders
from comfy_headless.graph.schemas import MODEL_INPUTS

# Measured: GET /models of ComfyUI 0.30.0, in its order.
MODEL_FOLDERS = (
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "latent_upscale_models",
    "custom_nodes",
    "datasets",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
    "background_removal",
    "frame_interpolation",
    "geometry_estimation",
    "optical_flow",
    "detection",
)
# Measured too, with the packs whose schemas are shipped: a class of the pack, and the folders that it adds.
_PACK_FOLDERS = {
    "ADE_LoadAnimateDiffModel": ("animatediff_models", "animatediff_motion_lora", "animatediff_video_formats"),
    "CogVideoXModelLoader": ("CogVideo", "cogvideox_loras"),
    "UnetLoaderGGUF": ("unet_gguf", "clip_gguf"),
    "VHS_VideoCombine": ("VHS_video_formats",),
}
GGUF_FOLDERS = {"unet_gguf": "diffusion_models", "clip_gguf": "text_encoders"}
"""Names under which ComfyUI-GGUF lists the files of another folder that no other loader lists."""

Files = dict[str, list[str]]
Metadata = dict[str, dict[str, dict[str, str]]]
"""Model folder to file to what the file's header says about it."""


def model_folders(classes: Container[str], files: Files) -> list[str]:
    """Return the model folders of a server with these node classes and files, in its order."""
    packs = {name: folders for name, folders in _PACK_FOLDERS.items() if name in classes}
    there = [folder for folders in packs.values() for folder in folders]
    absent = {folder for folders in _PACK_FOLDERS.values() for folder in folders} - set(there)
    return list(dict.fromkeys([*MODEL_FOLDERS, *there, *(folder for folder in files if folder not in absent)]))


def listed_files(folder: str, files: Files) -> list[str]:
    """Return the files that a server lists of one model folder."""
    is_gguf = folder in GGUF_FOLDERS
    return [name for name in files.get(GGUF_FOLDERS.get(folder, folder), []) if name.endswith(".gguf") == is_gguf]


def given_files(
    files: Mapping[str, Iterable[str]] | None, metadata: Metadata | None = None, *, windows: bool = False
) -> Files:
    """Return the files per folder, named and sorted as a server lists them.

    Args:
        files: names per folder; None means every name in a preset.
        metadata: its files are there too.
        windows: sub-folders come with a backslash, however they are given. ComfyUI 0.30.0 lists what
            ``os.path.relpath`` returns (folder_paths.py, recursive_search), sorts these texts (get_filename_list_), and
            takes no other spelling.
    """
    named = {folder: list(names) for folder, names in files.items()} if files is not None else known_files()
    for folder, headers in (metadata or {}).items():
        named[folder] = [*named.get(folder, []), *headers]
    return {folder: sorted({listed_name(name, windows=windows) for name in names}) for folder, names in named.items()}


def given_metadata(
    metadata: Mapping[str, Mapping[str, Mapping[str, str]]] | None, *, windows: bool = False
) -> Metadata:
    """Return what the headers of files say, under the names that a server lists."""
    return {
        folder: {listed_name(name, windows=windows): dict(header) for name, header in headers.items()}
        for folder, headers in (metadata or {}).items()
    }


def listed_name(name: str, *, windows: bool) -> str:
    """Return how a server lists a file."""
    return name.replace("/", "\\") if windows else name


def shipped_files(folder: Path | None = None) -> Files:
    """Return every model file that the shipped presets and templates name, per model folder."""
    root = presets_folder() if folder is None else folder
    found: Files = {}
    _gather(found, root)
    return found


def known_files() -> Files:
    """Return the shipped files, and those that the presets of ``COMFY_HEADLESS_PRESETS`` name as far as they read."""
    found = shipped_files()
    for folder in user_preset_folders():
        _gather(found, folder)
    return found


def known_sizes() -> dict[tuple[str, str], int]:
    """Return the bytes of each file whose size a preset tells, by model folder and name."""
    return {
        (folder, name): round(size_gb * 1e9)
        for root in (presets_folder(), *user_preset_folders())
        for path in sorted(root.rglob("*.toml"))
        for folder, name, size_gb in _sized_in(path, path.stat().st_mtime_ns, path.stat().st_size)
    }


def _gather(found: Files, root: Path) -> None:
    for path in (*sorted(root.rglob("*.json")), *sorted(root.rglob("*.toml"))):
        stamp = path.stat()
        for folder, name in _named_in(path, stamp.st_mtime_ns, stamp.st_size):
            found.setdefault(folder, []).append(name)


@lru_cache(maxsize=1024)
def _named_in(path: Path, changed: int, size: int) -> tuple[tuple[str, str], ...]:
    """The files that a file of presets names, read once for each change; none where it is broken.

    The reader of presets says that it is.
    """
    is_graph = path.suffix == ".json"
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if is_graph else tomllib.loads(text)
    except (OSError, ValueError):
        return ()
    return tuple(_named_by_graph(data) if is_graph else _named_by_preset(data))


@lru_cache(maxsize=256)
def _sized_in(path: Path, changed: int, size: int) -> tuple[tuple[str, str, float], ...]:
    """The files whose size a TOML file tells."""
    try:
        return tuple(_sized(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return ()


def _sized(data: Any) -> Iterator[tuple[str, str, float]]:
    """Find, at any depth, tables with ``folder``, ``name`` and ``size_gb``."""
    if isinstance(data, list | dict):
        for item in data.values() if isinstance(data, dict) else data:
            yield from _sized(item)
    if not isinstance(data, dict):
        return
    folder, name, size_gb = (data.get(key) for key in ("folder", "name", "size_gb"))
    if isinstance(folder, str) and isinstance(name, str) and isinstance(size_gb, int | float):
        yield folder, name, size_gb


def _named_by_graph(graph: Any) -> Iterator[tuple[str, str]]:
    for node in graph.values() if isinstance(graph, dict) else ():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict):
            continue
        for name, value in inputs.items():
            folder = MODEL_INPUTS.get((str(node.get("class_type", "")), name))
            if folder is not None and isinstance(value, str):
                yield folder, value


def _named_by_preset(data: Any) -> Iterator[tuple[str, str]]:
    """Find, at any depth, tables with ``folder`` and a file's ``name``, and tables keyed by folder."""
    if isinstance(data, list):
        for item in data:
            yield from _named_by_preset(item)
    if not isinstance(data, dict):
        return
    name = data.get("name", data.get("file"))
    if isinstance(data.get("folder"), str) and isinstance(name, str):
        yield data["folder"], name
    for key, value in data.items():
        if key in MODEL_FOLDERS:
            yield from ((key, item) for item in _texts(value))
        yield from _named_by_preset(value)


def _texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item
