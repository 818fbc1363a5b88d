"""``extra_model_paths.yaml``: more folders in which a ComfyUI looks for models.

Read as ComfyUI 0.30.0 reads it (utils/extra_config.py): each top-level entry has a base path, and for each model folder
one or several lines; what is relative is so to the base path, and that to the file itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.features import require
from comfy_headless.graph.values import shown

NAME: Final = "extra_model_paths.yaml"
_OLD_NAMES: Final[Mapping[str, str]] = {"unet": "diffusion_models", "clip": "text_encoders"}
_SETTINGS: Final = ("base_path", "is_default")


class ExtraFolder(NamedTuple):
    """A place of one model folder.

    Args:
        folder: the model folder, such as ``vae``.
        default: it comes before ComfyUI's own, and downloads go there.
    """

    folder: str
    path: Path
    default: bool


def folder_called(name: str) -> str:
    """Return the name of a model folder today; ``unet`` and ``clip`` are old ones (folder_paths.py, map_legacy)."""
    return _OLD_NAMES.get(name, name)


def read_extra_paths(path: Path) -> tuple[ExtraFolder, ...]:
    """Return the folders that a file names, in its order.

    Raises:
        ValidationError: it cannot be read, or ComfyUI could not.
        FeatureMissingError: the extra ``models``, which reads YAML, is missing.
    """
    require("models", f"reading {path}")
    import yaml

    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValidationError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path}: not a YAML file: {error}") from error
    if told is None:  # nothing but comments, as the example is shipped
        return ()
    if not isinstance(told, dict):
        raise ValidationError(f"{path}: {shown(told)}: expected names with folders below each, as in {NAME}.example")
    return tuple(place for name, entry in told.items() for place in _places(path, str(name), entry))


def _places(path: Path, name: str, entry: Any) -> Iterator[ExtraFolder]:
    if entry is None:
        return
    if not isinstance(entry, dict):
        raise ValidationError(f"{path}: {name}: {shown(entry)}: expected model folders and their paths")
    base = path.absolute().parent
    if entry.get("base_path") is not None:
        told = _text(path, f"{name}.base_path", entry["base_path"])
        base /= os.path.expandvars(os.path.expanduser(told))  # noqa: PTH111 - Path's own raises for a user who is none
    for folder, lines in entry.items():
        if folder in _SETTINGS:
            continue
        for line in _text(path, f"{name}.{folder}", lines).split("\n"):
            if line:
                place = Path(os.path.normpath(base / line))
                yield ExtraFolder(folder_called(str(folder)), place, bool(entry.get("is_default")))


def _text(path: Path, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"{path}: {key}={shown(value)}: expected a path, or several, one a line")
    return value
