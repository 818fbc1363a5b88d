"""Model files, each described once: the ``files.toml`` of a folder of presets and of its families.

Keys are ``folder/name``, as presets name them; of equal ``weights`` a file is the same network in another precision.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pydantic

from comfy_headless.catalog.complaints import complaints
from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.catalog.rules import Part
from comfy_headless.errors import ValidationError

FILES: Final = "files.toml"
NETWORKS: Final = "networks.toml"
CARDS: Final = "cards.toml"


class FilesToml(Part):
    """Model files, each described once.

    Args:
        file: one table for each.
    """

    file: tuple[ModelFile, ...]


def read_toml(path: Path) -> Mapping[str, Any]:
    """Read a TOML file; raises ValidationError, which names file and line."""
    try:
        stamp = path.stat()
        return _parsed(path, stamp.st_mtime_ns, stamp.st_size)
    except OSError as error:
        raise ValidationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path}: not a TOML file: {error}") from error


@lru_cache(maxsize=512)
def _parsed(path: Path, changed: int, size: int) -> Mapping[str, Any]:
    """Parse a file once for each time that it changes; nobody changes what is returned."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


class ModelFiles(Mapping[str, ModelFile]):
    """The model files that the presets of some folders may name, by ``folder/name``.

    Args:
        folders: each is searched with all folders below it.

    Raises:
        ValidationError: a ``files.toml`` is wrong, or two describe one file.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.paths = tuple(path for folder in folders for path in sorted(folder.rglob(FILES)))
        self._files: dict[str, ModelFile] = {}
        places: dict[str, Path] = {}
        for path in self.paths:
            for file in _read(path):
                first = places.setdefault(file.key, path)
                if file.key in self._files:
                    raise ValidationError(f"{path}: {file.key!r} is described in {first} already")
                self._files[file.key] = file

    def __getitem__(self, key: str) -> ModelFile:
        return self._files[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def equivalents(self) -> dict[tuple[str, str], dict[str, str]]:
        """Return for each (folder, name) the names of the same network by precision, its own among them.

        A file that goes by another name too is found under that as well, and then keeps it.
        """
        networks: dict[str, dict[str, str]] = {}
        for file in self.values():
            if file.weights is not None:
                networks.setdefault(f"{file.folder}/{file.weights}", {})[file.precision] = file.name
        return {
            (file.folder, name): {**networks[f"{file.folder}/{file.weights}"], file.precision: name}
            for file in self.values()
            if file.weights is not None
            for name in (*file.also, file.name)
        }

    def other_names(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return for each (folder, name) the other names of the same file, for those that have several."""
        return {
            (file.folder, name): tuple(each for each in (file.name, *file.also) if each != name)
            for file in self.values()
            if file.also
            for name in (file.name, *file.also)
        }

    def upscalers(self) -> dict[int, str]:
        """Return the name of the upscaling model for each factor; the first described one counts."""
        found: dict[int, str] = {}
        for file in self.values():
            if file.factor is not None:
                found.setdefault(file.factor, file.name)
        return found

    def interpolator(self) -> str:
        """Return the name of the frame interpolation model that is described first.

        Raises:
            ValidationError: none is described.
        """
        for file in self.values():
            if file.folder == "frame_interpolation":
                return file.name
        raise ValidationError(f"no {FILES} describes a model in frame_interpolation/")


def _read(path: Path) -> tuple[ModelFile, ...]:
    try:
        return FilesToml.model_validate(read_toml(path)).file
    except pydantic.ValidationError as error:
        raise ValidationError(f"{path}: " + "; ".join(line for _, line in complaints(error, FilesToml))) from error
