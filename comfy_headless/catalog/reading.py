"""Read a preset: its TOML, laid over its family's, with its templates and model files; nothing inconsistent passes.

A preset that can be had is consistent: its templates are there, every marker has a value and every value a marker, its
model files are described, and its own settings pass its own rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pydantic

from comfy_headless.catalog.complaints import complaints
from comfy_headless.catalog.files import ModelFiles, read_toml
from comfy_headless.catalog.models import COMMON, WISHED
from comfy_headless.catalog.preset import IMAGES, AtTask, Preset
from comfy_headless.catalog.preset_file import Difference, ModelFile, PresetFile, Task
from comfy_headless.catalog.settings import effective
from comfy_headless.config import presets_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from comfy_headless.graph.values import nearest

FAMILY: Final = "family.toml"
GIVEN: Final = ("prompt", "negative_prompt", "image", "last_image", "seed", "filename_prefix")
"""Markers that a call fills; all others are settings and files of the preset."""


def read_preset(path: Path, files: ModelFiles, *, template_folders: Sequence[Path] = ()) -> Preset:
    """Read and check one preset file.

    Args:
        files: the model files that it may name, by ``folder/name``.
        template_folders: where its templates are looked for after its own folder.

    Raises:
        ValidationError: names the file, the key, and what exists.
    """
    own = read_toml(path)
    family_path = family_of(path, own)
    family = read_toml(family_path) if family_path.exists() else {}
    try:
        preset = Preset.model_validate(_over(family, own))
    except pydantic.ValidationError as error:
        lines: dict[Path, list[str]] = {}
        for keys, line in complaints(error, PresetFile):
            place = family_path if _has(family, keys) and not _has(own, keys) else path
            lines.setdefault(place, []).append(line)
        raise ValidationError("\n".join(f"{place}: {'; '.join(each)}" for place, each in lines.items())) from error
    if preset.name != path.stem:
        raise ValidationError(f"{path}: name = {preset.name!r}, expected the file's own name, {path.stem!r}")
    folders = (path.parent, *template_folders)
    found = {task: _template_file(name, folders, f"{path}: tasks.{task}") for task, name in preset.tasks.items()}
    preset._path, preset._origins = path, (family_path, *found.values(), *files.paths)
    _check_names(preset)
    preset._views = {task: _view(preset, task, file, files) for task, file in found.items()}
    _check_used(preset, own)
    _check_defaults(preset)
    preset._views = {
        task: replace(view, template=replace(view.template, name=preset.name)) for task, view in preset._views.items()
    }
    return preset


def family_of(path: Path, own: Mapping[str, Any]) -> Path:
    """Return where a preset's family is described, if it is: beside the preset, else the shipped family of its name."""
    beside = path.with_name(FAMILY)
    shipped = presets_folder() / str(own.get("family", path.parent.name)) / FAMILY
    return beside if beside.exists() or not shipped.exists() else shipped


def _over(family: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a preset over its family: tables are merged, key by key, all other values are replaced."""
    merged = {**family, **own}
    for key in family.keys() & own.keys():
        if isinstance(family[key], dict) and isinstance(own[key], dict):
            merged[key] = _over(family[key], own[key])
    return merged


def _has(data: Any, keys: Sequence[Any]) -> bool:
    for key in keys:
        if isinstance(data, list):
            if not isinstance(key, int) or key >= len(data):
                return False
            data = data[key]
        elif isinstance(data, dict) and key in data:
            data = data[key]
        else:
            return False
    return True


def _template_file(name: str, folders: Sequence[Path], where: str) -> Path:
    for folder in folders:
        file = folder / f"{name}.json"
        if file.is_file():
            return file
    there = sorted({file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.json")})
    raise ValidationError(f"{where} = {name!r}: no such template{nearest(name, there)} There are: {', '.join(there)}")


def _view(preset: Preset, task: Task, file: Path, files: ModelFiles) -> AtTask:
    """Return the preset as it is for one task, held to the markers of its template."""
    template = _template(file.read_bytes(), str(file))
    different = preset.task.get(task, Difference())
    used = template.parameters
    settings, declared = {**preset.settings, **different.settings}, {**preset.declared, **different.declared}
    roles = {**preset.files, **different.files}
    _check_markers(preset, task, template, [*settings, *declared, *roles])
    declared = {name: item for name, item in declared.items() if name in used}
    sizes = {item.origin for item in declared.values() if item.rule != "handover"}  # only there as a half, say
    return AtTask(
        template,
        {name: item for name, item in settings.items() if name in used or name in sizes or item.fixed},
        declared,
        preset.rules.model_copy(update=dict(_given(different.rules))),
        {role: _file(preset, role, given, files) for role, given in roles.items() if role in used},
    )


@lru_cache(maxsize=256)
def _template(text: bytes, name: str) -> Template:
    """Read a template once: most presets share theirs."""
    return Template.read(text, name=name, schemas=Schemas.snapshot(Schemas.packs()))


def _given(part: pydantic.BaseModel) -> dict[str, Any]:
    return {name: value for name, value in part if value is not None}


def _file(preset: Preset, role: str, given: str | ModelFile, files: ModelFiles) -> ModelFile:
    if isinstance(given, ModelFile):
        return given
    if given not in files:
        folder, _, name = given.partition("/")
        there = [key for key in files if key.startswith(f"{folder}/")] if name else list(files)
        raise ValidationError(
            f"{preset.path}: files.{role} = {given!r}: no files.toml describes it{nearest(given, there)} "
            f"Described in {folder}/: {', '.join(key.removeprefix(f'{folder}/') for key in there) or 'none'}"
        )
    return files[given]


def _check_names(preset: Preset) -> None:
    """The common settings have names that there are."""
    known = [name for name in COMMON if name not in WISHED]
    differences = {f"task.{task}.settings": each.settings for task, each in preset.task.items()}
    tables = {"settings": preset.settings, **differences}
    for table, settings in tables.items():
        for name in settings:
            if name not in known:
                raise ValidationError(
                    f"{preset.path}: {table}.{name}: no such setting{nearest(name, known)} There are: "
                    f"{', '.join(known)}; what only this family has is declared as [setting.{name}]"
                )


def _check_markers(preset: Preset, task: Task, template: Template, known: Sequence[str]) -> None:
    """Every marker of a template has a value, and it has the images that its task is about."""
    for name, parameter in template.parameters.items():
        if name not in known and name not in GIVEN:
            node_id, field = parameter.bindings[0]
            raise ValidationError(
                f"{template.name}: node {node_id}: marker ${name}.{field} is not known to {preset.path}"
                f"{nearest(name, [*known, *GIVEN])} It has: {', '.join([*GIVEN, *known])}. A setting stands in "
                f"[settings], or in [setting.{name}] where only this family has it; a model file in [files]"
            )
    for name in ("image", "last_image"):
        found = template.parameters.get(name)
        if (name in IMAGES[task]) != (found is not None) or (found and not found.upload):
            wanted = f"needs a marker $~{name}" if name in IMAGES[task] else f"takes no ${name}"
            raise ValidationError(f"{preset.path}: tasks.{task}: {template.name} {wanted}")
    if not any(name for name, nodes in template.outputs.items() if (name,) != nodes):
        raise ValidationError(f"{template.name}: no title says which output is meant, as '$output.video' does")


def _check_used(preset: Preset, own: Mapping[str, Any]) -> None:
    """Every value that the preset's own file gives has a marker in a template that it is for."""
    tables = {None: own, **own.get("task", {})}
    for task, table in tables.items():
        views = [preset.at(each) for each in ([task] if task else preset.tasks)]
        used = {name for view in views for name in (*view.template.parameters, *view.settings)}
        settings = table.get("settings", {})
        for name in (*settings, *table.get("setting", {}), *table.get("files", {})):
            if name not in used:
                where = f"[task.{task}]: " if task else ""
                raise ValidationError(
                    f"{preset.path}: {where}{name!r} has no marker ${name} in a template of this preset"
                )


def _check_defaults(preset: Preset) -> None:
    """The preset's own settings pass its own rules, hard and tested ones, and the nodes' ranges."""
    for task in preset.tasks:
        template = preset.template(task)
        try:
            values = effective(preset, task, {}).values
            template.bind_some({name: value for name, value in values.items() if name in template.parameters})
        except ValidationError as error:
            raise ValidationError(f"{preset.path}: its own settings for the task {task!r}: {error}") from error
