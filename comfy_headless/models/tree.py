"""The folder of a local ComfyUI: where it looks for model files, what lies there, where a new one belongs.

The folders and their order are those of ComfyUI 0.30.0 (folder_paths.py), with its ``extra_model_paths.yaml``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from comfy_headless.config import comfyui_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.models.extra_paths import NAME, read_extra_paths

_SEVERAL: Final[Mapping[str, tuple[str, ...]]] = {
    "text_encoders": ("models/text_encoders", "models/clip"),
    "diffusion_models": ("models/unet", "models/diffusion_models"),
    "controlnet": ("models/controlnet", "models/t2i_adapter"),
    # ComfyUI-AnimateDiff-Evolved d8d163c, animatediff/utils_model.py
    "animatediff_models": ("models/animatediff_models", "custom_nodes/ComfyUI-AnimateDiff-Evolved/models"),
    "animatediff_motion_lora": (
        "models/animatediff_motion_lora",
        "custom_nodes/ComfyUI-AnimateDiff-Evolved/motion_lora",
    ),
}
"""Model folders that have more than the place of their own name."""

_SIGNS: Final = ("folder_paths.py", "main.py", "custom_nodes")
"""What lies beside ``models`` in a ComfyUI; the folder of the desktop app has the last one only."""

_USUAL: Final = ("checkpoints", "diffusion_models", "text_encoders", "unet", "clip", "vae", "loras")


@dataclass(frozen=True, slots=True)
class ComfyTree:
    """The folder of a local ComfyUI.

    Args:
        folder: the one that holds ``models``.
        named: where it looks, for model folders that extra paths name.
        defaults: where new files go, for model folders where that is said.
        extra_paths: files of extra paths that were named beside the folder's own.
    """

    folder: Path
    named: Mapping[str, tuple[Path, ...]]
    defaults: Mapping[str, Path]
    extra_paths: tuple[Path, ...] = ()

    def places(self, folder: str) -> tuple[Path, ...]:
        """Return where ComfyUI looks for the files of a model folder, in its order."""
        return self.named.get(folder) or _own(self.folder, folder)

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the command line that name it."""
        return (
            "--comfyui",
            str(self.folder),
            *(word for path in self.extra_paths for word in ("--extra-paths", str(path))),
        )

    def target(self, folder: str) -> Path:
        """Return where a new file of a model folder belongs."""
        return self.defaults.get(folder, self.folder / "models" / folder)

    def files(self, folder: str) -> dict[str, Path]:
        """Return the files of a model folder, by the names that ComfyUI lists them by; the first of a name counts."""
        found: dict[str, Path] = {}
        for place in self.places(folder):
            for path in _files_in(place):
                found.setdefault(str(path.relative_to(place)), path)
        return found

    @property
    def folders(self) -> frozenset[str]:
        """The model folders that loaders list, and those that are named by extra paths."""
        return frozenset({*MODEL_INPUTS.values(), *_SEVERAL, *self.named})


def read_tree(folder: str | os.PathLike[str] | None = None, *, extra_paths: Iterable[Path] = ()) -> ComfyTree:
    """Read where a local ComfyUI keeps its models.

    Args:
        folder: the one that holds ``models`` and, as a rule, ``main.py``; None is COMFY_HEADLESS_COMFYUI.
        extra_paths: files like ``extra_model_paths.yaml``, as ComfyUI takes them by ``--extra-model-paths-config``;
            the one in the folder itself is read without being named.

    Raises:
        ValidationError: no folder is named, or it is none of a ComfyUI; a file of extra paths is wrong.
        FeatureMissingError: there is a file of extra paths, and the extra ``models`` is missing.
    """
    path = comfyui_folder(folder)
    if path is None:
        raise ValidationError(
            "no ComfyUI folder is named: give --comfyui FOLDER (comfyui=), or set COMFY_HEADLESS_COMFYUI"
        )
    if not _is_tree(path):
        raise ValidationError(_no_tree(path))
    own = path / NAME
    more = tuple(extra_paths)
    named: dict[str, tuple[Path, ...]] = {}
    defaults: dict[str, Path] = {}
    for file in (*([own] if own.is_file() else []), *more):
        for place in read_extra_paths(file):
            known = named.get(place.folder) or _own(path, place.folder)
            if place.default:  # as folder_paths.py does it (add_model_folder_path): the last default is the first
                named[place.folder] = (place.path, *(each for each in known if each != place.path))
                defaults[place.folder] = place.path
            else:
                named[place.folder] = tuple(dict.fromkeys([*known, place.path]))
    return ComfyTree(path, named, defaults, more)


def _own(tree: Path, folder: str) -> tuple[Path, ...]:
    return tuple(tree / place for place in _SEVERAL.get(folder, (f"models/{folder}",)))


def _is_tree(path: Path) -> bool:
    models = path / "models"
    if not models.is_dir():
        return False
    return any((path / sign).exists() for sign in _SIGNS) or any((models / name).is_dir() for name in _USUAL)


def _no_tree(path: Path) -> str:
    near = next((each for each in (path / "ComfyUI", path.parent, path.parent.parent) if _is_tree(each)), None)
    there = "there is no such folder" if not path.exists() else "it is no folder" if not path.is_dir() else ""
    what = there or "expected the folder of a ComfyUI, with models/ and main.py in it"
    return f"ComfyUI folder {str(path)!r}: {what}{f'; did you mean {str(near)!r}?' if near else ''}"


def _files_in(place: Path) -> Iterator[Path]:
    """All files below a folder, through links to folders too, as ComfyUI lists them; each folder once."""
    seen: set[str] = set()
    for folder, inner, names in os.walk(place, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner.sort()
        yield from (Path(folder, name) for name in sorted(names))
