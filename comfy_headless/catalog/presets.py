"""Presets: TOML files with the templates they fill, and the library that finds them by name.

Built-in presets and those of a user's folders are read by the same code, each when it is first asked for; an edited
file counts at the next access. A preset that can be had is consistent: its templates are there, every marker has a
value and every value a marker, and its own settings pass its own rules.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pydantic
from pydantic import PrivateAttr

from comfy_headless.catalog.complaints import complaints
from comfy_headless.catalog.models import COMMON, VideoSettings
from comfy_headless.catalog.preset_file import PresetFile, Task
from comfy_headless.catalog.settings import effective
from comfy_headless.config import presets_folder, user_preset_folders
from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from comfy_headless.graph.values import nearest

GIVEN: Final = ("prompt", "negative_prompt", "image", "last_image", "seed", "filename_prefix")
"""Markers that a call fills; all others are settings and files of the preset."""

_IMAGES: Final[Mapping[Task, tuple[str, ...]]] = {
    "text": (),
    "image": ("image",),
    "first_last": ("image", "last_image"),
}


class Preset(PresetFile):
    """A preset, read and checked, with its templates; ``str()`` is one line to choose by."""

    _path: Path = PrivateAttr()
    _templates: dict[Task, Template] = PrivateAttr()
    _sources: tuple[Path, ...] = PrivateAttr()

    @property
    def path(self) -> Path:
        """The TOML file."""
        return self._path

    @property
    def stamp(self) -> tuple[int, ...]:
        """When its files were last changed: the TOML and the templates."""
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in (self._path, *self._sources))

    def template(self, task: Task) -> Template:
        """Return the template of one of ``tasks``."""
        return self._templates[task]

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return the preset's own value of each setting that ``task`` has, derived ones apart."""
        used = self.template(task).parameters
        common: dict[str, Any] = {
            name: item.value for name, item in self.settings.items() if name in used or item.fixed
        }
        declared = {
            name: item.default for name, item in self.declared.items() if name in used and item.default is not None
        }
        return {**VideoSettings(**common).given(), **declared}

    def value(self, name: str) -> Any:
        """Return the preset's own value of a common setting, or None if it has none."""
        return self.settings[name].value if name in self.settings else None

    def __str__(self) -> str:
        tasks = " or ".join(
            {"text": "text", "image": "image", "first_last": "first and last image"}[t] for t in self.tasks
        )
        size = f"{self.value('width')}x{self.value('height')}" if "width" in self.settings else "size of the image"
        needs = self.needs
        return (
            f"{self.title}: {tasks} to video, {size}, {self.value('frames')} frames at {self.value('fps'):g} fps, "
            f"{self.tier}, {needs.min_vram_gb.value:g} GB VRAM (better {needs.rec_vram_gb.value:g}), "
            f"{self.licence.name}"
        )


def read_preset(path: Path, *, template_folders: Sequence[Path] = ()) -> Preset:
    """Read and check one preset file.

    Args:
        template_folders: where its templates are looked for after its own folder.

    Raises:
        ValidationError: names the file, the key, and what exists.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValidationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path}: not a TOML file: {error}") from error
    try:
        preset = Preset.model_validate(data)
    except pydantic.ValidationError as error:
        raise ValidationError(f"{path}: " + "; ".join(complaints(error, PresetFile))) from error
    if preset.name != path.stem:
        raise ValidationError(f"{path}: name = {preset.name!r}, expected the file's own name, {path.stem!r}")
    folders = (path.parent, *template_folders)
    found = {task: _template_file(name, folders, f"{path}: tasks.{task}") for task, name in preset.tasks.items()}
    preset._path, preset._sources = path, tuple(found.values())
    preset._templates = {
        task: Template.read(file.read_bytes(), name=str(file), schemas=Schemas.snapshot())
        for task, file in found.items()
    }
    _check_markers(preset)
    _check_defaults(preset)
    preset._templates = {task: replace(template, name=preset.name) for task, template in preset._templates.items()}
    return preset


def _template_file(name: str, folders: Sequence[Path], where: str) -> Path:
    for folder in folders:
        file = folder / f"{name}.json"
        if file.is_file():
            return file
    there = sorted({file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.json")})
    raise ValidationError(f"{where} = {name!r}: no such template{nearest(name, there)} There are: {', '.join(there)}")


def _check_markers(preset: Preset) -> None:
    """Every marker of a template has a value, every value a marker, and each task the images it is about."""
    settings = [*preset.settings, *preset.declared, *(file.role for file in preset.files)]
    for task in preset.tasks:
        template = preset.template(task)
        for name, parameter in template.parameters.items():
            if name not in settings and name not in GIVEN:
                node_id, field = parameter.bindings[0]
                raise ValidationError(
                    f"{template.name}: node {node_id}: marker ${name}.{field} is not known to {preset.path}"
                    f"{nearest(name, [*settings, *GIVEN])} It has: {', '.join([*GIVEN, *settings])}"
                )
        for name in ("image", "last_image"):
            found = template.parameters.get(name)
            if (name in _IMAGES[task]) != (found is not None) or (found and not found.upload):
                wanted = f"needs a marker $~{name}" if name in _IMAGES[task] else f"takes no ${name}"
                raise ValidationError(f"{preset.path}: tasks.{task}: {template.name} {wanted}")
        if not any(name for name, nodes in template.outputs.items() if (name,) != nodes):
            raise ValidationError(f"{template.name}: no title says which output is meant, as '$output.video' does")
    used = {name for task in preset.tasks for name in preset.template(task).parameters}
    fixed = {name for name, item in preset.settings.items() if item.fixed}
    for name in settings:
        if name not in used | fixed:
            raise ValidationError(f"{preset.path}: {name!r} has no marker ${name} in a template of this preset")


def _check_defaults(preset: Preset) -> None:
    """The preset's own settings pass its own rules, hard and tested ones, and the nodes' ranges."""
    for name in preset.settings:
        if name not in COMMON or name == "seconds":
            known = [each for each in COMMON if each != "seconds"]
            hint = nearest(name, known)
            raise ValidationError(
                f"{preset.path}: settings.{name}: no such setting{hint} There are: {', '.join(known)}; "
                f"what only this family has is declared as [setting.{name}]"
            )
    for task in preset.tasks:
        template = preset.template(task)
        try:
            values = effective(preset, task, {}).values
            template.bind_some({name: value for name, value in values.items() if name in template.parameters})
        except ValidationError as error:
            raise ValidationError(f"{preset.path}: its own settings for the task {task!r}: {error}") from error


class _Folder(NamedTuple):
    """A folder of presets, and where its presets look for templates."""

    path: Path
    templates: tuple[Path, ...]


class PresetLibrary(Mapping[str, Preset]):
    """Presets by name, read when asked for.

    Args:
        folders: a user's own folders, beside the built-in presets; None takes those of ``COMFY_HEADLESS_PRESETS``.

    Raises:
        ValidationError: at access: a folder is missing, two files give one name, or the preset's file is wrong.
    """

    def __init__(self, folders: Iterable[str | Path] | None = None) -> None:
        self._given = None if folders is None else tuple(Path(folder) for folder in folders)
        self._files: dict[str, tuple[Path, _Folder]] = {}
        self._listed: tuple[Path, ...] | None = None
        self._read: dict[Path, tuple[tuple[int, ...], Preset]] = {}

    def __getitem__(self, name: str) -> Preset:
        if name not in self._files or self._listed != self._own():
            self._list()
        path, folder = self._files[name]
        known = self._read.get(path)
        if known and known[1].stamp == known[0]:
            return known[1]
        preset = read_preset(path, template_folders=folder.templates)
        self._read[path] = (preset.stamp, preset)
        return preset

    def __iter__(self) -> Iterator[str]:
        return iter(self._list())

    def __len__(self) -> int:
        return len(self._list())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self)}>"

    def __contains__(self, name: object) -> bool:
        return name in self._list()

    def _own(self) -> tuple[Path, ...]:
        return user_preset_folders() if self._given is None else self._given

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
        files: dict[str, tuple[Path, _Folder]] = {}
        for folder in folders:
            for path in sorted(folder.path.rglob("*.toml")):
                first, _ = files.setdefault(path.stem, (path, folder))
                if first != path:
                    raise ValidationError(f"two presets are named {path.stem!r}: {first} and {path}; rename one")
        self._files, self._listed = files, own
        return files


VIDEO_PRESETS: Final[Mapping[str, Preset]] = PresetLibrary()
"""The built-in presets and those of ``COMFY_HEADLESS_PRESETS``, by name."""
