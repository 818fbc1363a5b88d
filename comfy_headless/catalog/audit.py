"""What can be known of a preset without a server: it reads, nothing is left to do, it compiles, a server would take it.

Each check says what was seen; none stops the others, as far as they do not build on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.draft_file import TODO, find_todo
from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.preset import IMAGES, Preset
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import no_preset
from comfy_headless.catalog.reading import FAMILY, read_preset
from comfy_headless.config import presets_folder, user_preset_folders
from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAIL = "fail"
    NOT_TRIED = "not tried"


class Checked(NamedTuple):
    """One check of a preset.

    Args:
        check: what was checked.
        task: for which task; None for all.
        seen: what was seen, in words; several lines where there is more to say.
    """

    check: str
    task: Task | None
    state: State
    seen: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"check": self.check, "task": self.task, "state": self.state.value, "seen": self.seen}


class Located(NamedTuple):
    """A preset's file, and where its templates and model files are looked for."""

    path: Path
    template_folders: tuple[Path, ...]
    file_folders: tuple[Path, ...]

    def read(self) -> Preset:
        """Read the preset; raises ValidationError."""
        return read_preset(self.path, ModelFiles(self.file_folders), template_folders=self.template_folders)


def locate_preset(named: str) -> Located:
    """Return where a preset lies that is named, or given by the path of its file.

    Raises:
        ValidationError: no such preset, or no such file.
    """
    shipped = presets_folder()
    roots = (shipped, *user_preset_folders())
    path = Path(named)
    if path.suffix != ".toml":
        there = {path.stem: path for root in roots for path in sorted(root.rglob("*.toml")) if _is_preset(path)}
        if named not in there:
            raise no_preset(named, there)
        path = there[named]
    elif not path.is_file():
        raise ValidationError(f"{named}: no such file ({path.absolute()})")
    inside = [root for root in roots if path.resolve().is_relative_to(root.resolve())]
    folders = (*inside, path.parent) if inside else (path.parent, path.parent.parent)
    beside = [folder for root in folders for folder in (root / "templates", root)]
    own = () if inside else (path.parent,)
    return Located(path, (*dict.fromkeys(beside), shipped / "templates"), (*roots, *own))


def _is_preset(path: Path) -> bool:
    return path.name not in (FAMILY, "files.toml")


def check_offline(located: Located, preset: Preset | ValidationError) -> Iterator[Checked]:
    """Yield all that can be checked without a server.

    Args:
        preset: as it was read, or why it cannot be.
    """
    if isinstance(preset, ValidationError):
        yield Checked("reads", None, State.FAIL, str(preset))
        yield _todo(located.path)
        return
    yield Checked("reads", None, State.OK, f"schema, markers, and its own settings by its own rules: {located.path}")
    yield _todo(located.path)
    yield _sources(preset)
    yield _described(list(preset.model_files().values()))
    for task in preset.tasks:
        yield from _compiled(preset, task)


def compile_for(preset: Preset, task: Task, **values: Any) -> CompiledWorkflow:
    """Return the graph for a task, with names in place of its images where ``values`` gives none.

    Raises:
        ValidationError: as ``WorkflowCompiler.compile``.
    """
    images = {name: f"{name}.png" for name in IMAGES[task]}
    return WorkflowCompiler().compile(preset, "a red kite over the sea", **{**images, "seed": 1, **values})


def _todo(path: Path) -> Checked:
    family = path.with_name(FAMILY)
    lines = [
        f"{each.name}:{number}: {line}"
        for each in (path, *([family] if family.exists() else []))
        for number, line in find_todo(each.read_text(encoding="utf-8", errors="replace"))
    ]
    if not lines:
        return Checked("todo", None, State.OK, "nothing is left to look up")
    return Checked("todo", None, State.FAIL, "\n".join([f"{len(lines)} left to look up", *lines]))


def _sources(preset: Preset) -> Checked:
    open_ones = [name for name, text in preset.sources.items() if TODO in text]
    if open_ones:
        return Checked("sources", None, State.FAIL, f"not known yet: {', '.join(open_ones)}")
    return Checked("sources", None, State.OK, f"every value names one of {len(preset.sources)} lines")


def _described(files: list[ModelFile]) -> Checked:
    lacking = [
        f"{file.key}: {', '.join(key for key, value in file if TODO in str(value))}"
        for file in files
        if any(TODO in str(value) for _, value in file)
    ]
    if lacking:
        return Checked("files", None, State.FAIL, "\n".join(["not described", *lacking]))
    unsized = [file.name for file in files if file.size_gb is None]
    beside = f"; nobody has read the size of {', '.join(unsized)}" if unsized else ""
    return Checked("files", None, State.OK, f"{len(files)} described: folder, repository, path, precision{beside}")


def _compiled(preset: Preset, task: Task) -> Iterator[Checked]:
    try:
        compiled = compile_for(preset, task)
    except ValidationError as error:
        yield Checked("compiles", task, State.FAIL, str(error))
        return
    count = len(compiled.graph)
    yield Checked("compiles", task, State.OK, f"{count} nodes, {len(preset.template(task).parameters)} markers")
    schemas = Schemas.snapshot(Schemas.packs())
    unknown = [
        name for name in dict.fromkeys(node["class_type"] for node in compiled.graph.values()) if name not in schemas
    ]
    if unknown:
        seen = f"{', '.join(unknown)}: of no pack whose schemas are shipped; a server that has it tells"
        yield Checked("accepted", task, State.NOT_TRIED, seen)
        return
    report = check(compiled.graph, schemas)
    if report.ok:
        yield Checked("accepted", task, State.OK, f"ComfyUI {schemas.version} would take it, by the shipped schemas")
    else:
        yield Checked("accepted", task, State.FAIL, str(report))
