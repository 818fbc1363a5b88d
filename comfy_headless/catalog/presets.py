"""Presets by name: the built-in ones and those of a user's folders, found and read by the same code.

Each is read when it is first asked for; an edited file counts at the next access.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from comfy_headless.catalog.files import CARDS, FILES, NETWORKS, ModelFiles, read_toml
from comfy_headless.catalog.networks import Networks
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.reading import FAMILY, family_of, read_preset
from comfy_headless.config import presets_folder, user_preset_folders
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest

_NO_PRESETS: Final = frozenset({FAMILY, FILES, NETWORKS, CARDS})


class _Folder(NamedTuple):
    """A folder of presets, and where its presets look for templates."""

    path: Path
    templates: tuple[Path, ...]


class PresetLibrary(Mapping[str, Preset]):
    """Presets by name, read when asked for.

    Args:
        folders: a user's own folders, beside the built-in presets; None takes those of ``COMFY_HEADLESS_PRESETS``.
        makes: only those that make this; None is all.

    Raises:
        ValidationError: at access: a folder is missing, two files give one name, or the preset's file is wrong.
    """

    def __init__(
        self, folders: Iterable[str | Path] | None = None, *, makes: Literal["video", "image"] | None = None
    ) -> None:
        self._given = None if folders is None else tuple(Path(folder) for folder in folders)
        self._kind = makes
        self._found: dict[str, tuple[Path, _Folder]] = {}
        self._listed: tuple[Path, ...] | None = None
        self._read: dict[Path, tuple[tuple[int, ...], Preset]] = {}
        self._kinds: dict[Path, tuple[tuple[int, ...], tuple[Path, ...], str | None]] = {}
        self._files: tuple[tuple[int, ...], ModelFiles] | None = None
        self._networks: tuple[tuple[int, ...], Networks] | None = None

    def __getitem__(self, name: str) -> Preset:
        if name not in self._found or self._listed != self._own():
            self._list()
        path, folder = self._found[name]
        known = self._read.get(path)
        preset = known[1] if known else None
        if known is None or known[1].stamp != known[0]:
            preset = read_preset(path, self.files, template_folders=folder.templates)
            self._read[path] = (preset.stamp, preset)
        if preset is None or self._kind not in (None, preset.makes):
            raise KeyError(name)
        return preset

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self)}>"

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    @property
    def makes(self) -> Literal["video", "image"] | None:
        """What all of them make; None where some make videos and some images."""
        return self._kind

    @property
    def files(self) -> ModelFiles:
        """The model files that these presets may name."""
        if self._listed != self._own():
            self._list()
        known = self._files
        if known is None or _stamp(known[1].paths) != known[0]:
            files = ModelFiles([presets_folder(), *self._own()])
            self._files = known = (_stamp(files.paths), files)
        return known[1]

    @property
    def networks(self) -> Networks:
        """The networks that these model files may hold."""
        if self._listed != self._own():
            self._list()
        known = self._networks
        if known is None or _stamp(known[1].paths) != known[0]:
            networks = Networks([presets_folder(), *self._own()])
            self._networks = known = (_stamp(networks.paths), networks)
        return known[1]

    def _own(self) -> tuple[Path, ...]:
        return user_preset_folders() if self._given is None else self._given

    def _names(self) -> list[str]:
        found = self._list()
        return [name for name, (path, _) in found.items() if self._kind in (None, self._makes(path))]

    def _makes(self, path: Path) -> str | None:
        """What a preset makes, from its file and its family's; None where that cannot be read yet."""
        known = self._kinds.get(path)
        if known is None or known[0] != _stamp(known[1]):
            origins, kind = _kind_in(path)
            self._kinds[path] = known = (_stamp(origins), origins, kind or self._kind)
        return known[2]

    def _list(self) -> dict[str, tuple[Path, _Folder]]:
        builtin = presets_folder()
        shared = builtin / "templates"
        own = self._own()
        for path in own:
            if not path.is_dir():
                raise ValidationError(
                    f"the presets folder {str(path)!r} does not exist (argument or COMFY_HEADLESS_PRESETS)"
                )
        folders = [_Folder(builtin, (shared,)), *(_Folder(path, (path / "templates", path, shared)) for path in own)]
        found: dict[str, tuple[Path, _Folder]] = {}
        for folder in folders:
            for path in sorted(folder.path.rglob("*.toml")):
                if path.name in _NO_PRESETS:
                    continue
                first, _ = found.setdefault(path.stem, (path, folder))
                if first != path:
                    raise ValidationError(f"two presets are named {path.stem!r}: {first} and {path}; rename one")
        if own != self._listed:
            self._files = self._networks = None
        self._found, self._listed = found, own
        return found


def no_preset(name: str, there: Iterable[str]) -> ValidationError:
    """Return the error of a name that no preset has; where none is close to it, with where one's own are looked for."""
    known = list(there)
    close = nearest(name, known)
    folders = ", ".join(map(str, user_preset_folders())) or "which is not set"
    own = f"; your own are found in COMFY_HEADLESS_PRESETS ({folders})" if close == "." else ""
    return ValidationError(f"no preset {name!r}{close} There are: {', '.join(known)}{own}")


def _stamp(paths: Iterable[Path]) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def _kind_in(path: Path) -> tuple[tuple[Path, ...], str | None]:
    """Return the files that say what a preset makes, and what; None where one is broken, as its reader will be told."""
    origins = [path]
    try:
        own = read_toml(path)
        origins.append(family_of(path, own))
        family = read_toml(origins[1]) if origins[1].exists() else {}
    except ValidationError:
        return tuple(origins), None
    return tuple(origins), str(own.get("makes", family.get("makes", "video")))


PRESETS: Final = PresetLibrary()
"""The built-in presets and those of ``COMFY_HEADLESS_PRESETS``, whatever they make, by name."""

VIDEO_PRESETS: Final = PresetLibrary(makes="video")
"""Those of them that make videos."""

IMAGE_PRESETS: Final = PresetLibrary(makes="image")
"""Those of them that make images."""
