"""Where a server keeps its model files, and what counts as one (ComfyUI 0.30.0, folder_paths.py)."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Iterable
from typing import Any

from comfy_headless.simulator.folders import Folders
from comfy_headless.simulator.model_files import GGUF_FOLDERS

WEIGHTS = (".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft")
LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}
"""Older names of model folders, which some routes still take."""
_PLACES = {
    "text_encoders": ("models/text_encoders", "models/clip"),
    "diffusion_models": ("models/unet", "models/diffusion_models"),
    "controlnet": ("models/controlnet", "models/t2i_adapter"),
    "custom_nodes": ("custom_nodes",),
    "datasets": ("datasets",),
}
_EXTENSIONS = {"diffusers": ("folder",), "datasets": (), "classifiers": ("",)}
_NOT_SHOWN = ("configs", "custom_nodes")


def model_places(folder: str, folders: Folders) -> list[str]:
    """Return the paths of one model folder."""
    names = _PLACES.get(GGUF_FOLDERS.get(folder, folder), (f"models/{folder}",))
    return [str(folders.base / name) for name in names]


def place_index(folder: str) -> int:
    """Return which of its paths holds the files of a model folder."""
    places = _PLACES.get(folder, ())
    return places.index(f"models/{folder}") if f"models/{folder}" in places else 0


def described(names: Iterable[str], folders: Folders, *, old: bool = False) -> list[dict[str, Any]]:
    """Describe those model folders that a page shows; an older server does not tell the extensions."""
    shown = [name for name in names if name not in _NOT_SHOWN]
    entries = [{"name": name, "folders": model_places(name, folders)} for name in shown]
    return entries if old else [{**entry, "extensions": _extensions(str(entry["name"]))} for entry in entries]


def _extensions(folder: str) -> list[str]:
    return sorted(_EXTENSIONS.get(folder, (".gguf",) if folder in GGUF_FOLDERS else WEIGHTS))


def file_named(name: str, *, windows: bool) -> str:
    """Return the name under which a file is listed that is asked for so: nothing leads out of its folder."""
    if windows:
        return ntpath.normpath(ntpath.join("\\", name)).lstrip("\\")
    return posixpath.normpath(posixpath.join("/", name)).lstrip("/")
