"""Preset: a preset file that was read and checked, with its templates and model files, one view per task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import PrivateAttr

from comfy_headless.catalog.models import VideoSettings
from comfy_headless.catalog.preset_file import Declared, ModelFile, PresetFile, Setting, Task
from comfy_headless.catalog.rules import Rules
from comfy_headless.graph.template import Template

TASKS: Final[Mapping[Task, str]] = {"text": "text", "image": "an image", "first_last": "a first and a last image"}
"""What each task makes things from, in words."""

IMAGES: Final[Mapping[Task, tuple[str, ...]]] = {
    "text": (),
    "image": ("image",),
    "first_last": ("image", "last_image"),
}
"""The images that each task takes."""


def task_for(image: object, last_image: object) -> Task:
    """Return the task that these images ask for; None is an image that was not given."""
    if last_image is not None:
        return "first_last"
    return "text" if image is None else "image"


@dataclass(frozen=True, slots=True)
class AtTask:
    """A preset as it is for one task.

    Args:
        declared: the settings that the family adds, as far as the template has them.
        files: by role, as far as the template has them.
    """

    template: Template
    settings: Mapping[str, Setting]
    declared: Mapping[str, Declared]
    rules: Rules
    files: Mapping[str, ModelFile]

    def defaults(self) -> dict[str, Any]:
        """Return the preset's own value of each setting, derived ones apart."""
        common: dict[str, Any] = {name: item.value for name, item in self.settings.items()}
        declared = {name: item.default for name, item in self.declared.items() if item.default is not None}
        return {**VideoSettings(**common).given(), **declared}


class Preset(PresetFile):
    """A preset, read and checked, with its templates; ``str()`` is one line to choose by."""

    _path: Path = PrivateAttr()
    _origins: tuple[Path, ...] = PrivateAttr()
    _views: dict[Task, AtTask] = PrivateAttr()

    @property
    def path(self) -> Path:
        """The TOML file."""
        return self._path

    @property
    def stamp(self) -> tuple[int, ...]:
        """When the files it was read from were last changed: TOML, family, templates."""
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in (self._path, *self._origins))

    def at(self, task: Task) -> AtTask:
        """Return it as it is for one of ``tasks``."""
        return self._views[task]

    def template(self, task: Task) -> Template:
        """Return the template of one of ``tasks``."""
        return self._views[task].template

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return the preset's own value of each setting that ``task`` has, derived ones apart."""
        return self._views[task].defaults()

    def value(self, name: str) -> Any:
        """Return the preset's own value of a common setting, that of its first task; None if it has none."""
        for view in self._views.values():
            if name in view.settings:
                return view.settings[name].value
        return None

    def model_files(self) -> dict[str, ModelFile]:
        """Return every model file of any task once, by ``folder/name``."""
        return {file.key: file for view in self._views.values() for file in view.files.values()}

    def __str__(self) -> str:
        tasks = " or ".join(
            {"text": "text", "image": "image", "first_last": "first and last image"}[t] for t in self.tasks
        )
        needs = self.needs
        return (
            f"{self.title}: {tasks} to {self.makes}, {self.output()}, {self.tier}, "
            f"{needs.min_vram_gb.value:g} GB VRAM (better {needs.rec_vram_gb.value:g}), {self.licence.name}"
        )

    def output(self) -> str:
        """Return what it makes as it is, such as ``832x480, 81 frames at 16 fps``."""
        size = f"{self.value('width')}x{self.value('height')}" if self.value("width") else "size of the image"
        if self.makes == "image":
            return size
        frames, fps = self.value("frames"), self.value("fps")
        length = [f"{frames} frames"] if frames else []
        rate = [f"{fps:g} fps"] if fps else []
        return ", ".join([size, *([" at ".join(length + rate)] if length or rate else [])])
