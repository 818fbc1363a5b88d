"""Where model files are looked for: a server, or the folder of a local ComfyUI; and what is there of a preset's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from comfy_headless.catalog.facts import ServerFacts, read_facts
from comfy_headless.catalog.fetching import at_folder, fetch_line
from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary, no_preset
from comfy_headless.catalog.roles import Filled, fill, place_file
from comfy_headless.config import comfyui_at, comfyui_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.listed import file_name, find_listed, lists_backslashes
from comfy_headless.models.sizes import file_size_text, total_gb
from comfy_headless.models.tree import ComfyTree, read_tree
from comfy_headless.protocol.executor import Executor

_WHOLE: Final = 0.9
"""Share of its size from which a file is taken for whole; the sizes of ``files.toml`` have three digits."""


class Place(NamedTuple):
    """What is looked into.

    Args:
        name: address of the server, or path of the folder.
        tree: None for a server.
        cut: files of the folder that are far smaller than they should be, by ``folder/name`` as listed.
    """

    name: str
    facts: ServerFacts
    tree: ComfyTree | None = None
    cut: Mapping[str, Path] = {}


@dataclass(frozen=True, slots=True)
class NeededFile:
    """A model file that presets need, and what is there of it.

    Args:
        roles: those that it fills.
        listed: the name by which what is there is listed: its own, another one, or that of the same network in another
            precision; None if nothing is there.
        precision: of what is there.
        note: one line where that is not the file itself at the top of its folder.
        get: one line to paste that fetches it, where it is missing and anybody knows from where.
    """

    file: ModelFile
    presets: tuple[str, ...]
    tasks: tuple[Task, ...]
    roles: tuple[str, ...]
    listed: str | None
    precision: str | None
    note: str
    get: str | None


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What presets need, and what of it is there; ``str()`` says what is missing, with lines to paste.

    Args:
        place: the address of the server, or the path of the folder.
        tree: the folder, read; None for a server.
    """

    presets: tuple[str, ...]
    place: str
    tree: ComfyTree | None
    files: tuple[NeededFile, ...]

    @property
    def missing(self) -> tuple[NeededFile, ...]:
        """Those of which nothing is there."""
        return tuple(each for each in self.files if each.listed is None)

    @property
    def ok(self) -> bool:
        """Whether everything is there."""
        return not self.missing

    @property
    def missing_gb(self) -> float | None:
        """Size of what is missing in 1e9 bytes; None where the size of a file is not known."""
        return total_gb(each.file for each in self.missing)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.place} has every model file of {', '.join(self.presets)}"
        lines = [f"{place_file(each.file)}\n  {each.get or 'nothing to paste'}" for each in self.missing]
        return "\n".join([f"{self.place} lacks {len(lines)} model file{'s' if len(lines) > 1 else ''}:", *lines])


def check_models(
    preset: str | Iterable[str],
    *,
    task: Task | None = None,
    server: str | Executor | None = None,
    comfyui: str | os.PathLike[str] | None = None,
    extra_paths: Iterable[str | os.PathLike[str]] = (),
    library: PresetLibrary = PRESETS,
) -> ModelCheck:
    """Say which model files presets need, and which of them a server, or the folder of a local ComfyUI, has.

    A file counts as there in any sub-folder, by any name that it is usually had by, and in another precision.

    Args:
        preset: a name, or several.
        task: what it is made from: text, image or first_last; None is all that a preset can.
        server: address of the server, or a cloud that tells which files it has, such as ``ComfyCloud()``.
        comfyui: folder of a local ComfyUI in place of a server; where neither is named, COMFY_HEADLESS_COMFYUI counts,
            then the server of COMFY_HEADLESS_URL.
        extra_paths: more files like ``extra_model_paths.yaml``; that of the folder is read without being named.
        library: the presets that have names.

    Raises:
        ValidationError: there is no such preset, it has no such task, the folder is none of a ComfyUI, or a cloud does
            not tell its files.
        ComfyUIConnectionError: the server does not answer.
    """
    names = chosen(preset, library)
    place = look(library.files, server=server, comfyui=comfyui, extra_paths=extra_paths)
    return ModelCheck(names, place.name, place.tree, needed(names, place, library, task=task))


def chosen(preset: str | Iterable[str], library: PresetLibrary) -> tuple[str, ...]:
    """Return the names of presets, each once; raises ValidationError for one that is none."""
    names = tuple(dict.fromkeys([preset] if isinstance(preset, str) else preset))
    for name in names:
        if name not in library:
            raise no_preset(name, library)
    return names


def look(
    library: ModelFiles,
    *,
    server: str | Executor | None,
    comfyui: str | os.PathLike[str] | None,
    extra_paths: Iterable[str | os.PathLike[str]] = (),
) -> Place:
    """Look at what is there; the arguments are those of ``check_models``."""
    if server is not None and comfyui is not None:
        raise ValidationError("server and comfyui: give one of them, the place whose files count")
    more = [Path(path) for path in extra_paths]
    if server is None and (more or comfyui_folder(comfyui) is not None):
        return look_into(read_tree(comfyui, extra_paths=more), library)
    if more:
        raise ValidationError("server and extra_paths: extra paths belong to a folder; a server knows its own")
    from comfy_headless.client.sync import ComfyClient  # httpx: 100 ms that a folder does not need

    with ComfyClient(server, transport="polling") as client:
        return Place(client.url, read_facts(client.object_info(), {}))


def look_into(tree: ComfyTree, library: ModelFiles) -> Place:
    """Look at the files of a local ComfyUI; what is far too small is taken for cut off, and not for there."""
    sizes = {(file.folder, name): file.size_gb for file in library.values() for name in (file.name, *file.also)}
    files: dict[str, frozenset[str]] = {}
    cut: dict[str, Path] = {}
    for folder in tree.folders | {file.folder for file in library.values()}:
        whole = set()
        for name, path in tree.files(folder).items():
            expected = sizes.get((folder, file_name(name)))
            if _bytes(path) >= (expected or 0.0) * _WHOLE * 1e9:
                whole.add(name)
            else:
                cut[f"{folder}/{name}"] = path
        files[folder] = frozenset(whole)
    return Place(str(tree.folder), ServerFacts(frozenset(), files), tree, cut)


def needed(
    names: Iterable[str], place: Place, library: PresetLibrary, *, task: Task | None = None
) -> tuple[NeededFile, ...]:
    """Return the files of presets, each once, with what is there of it."""
    rows: dict[str, list[tuple[str, Task, str, Filled | None]]] = {}
    files: dict[str, ModelFile] = {}
    for name in names:
        preset = library[name]
        if task is not None and task not in preset.tasks:
            raise ValidationError(f"preset {name!r} has no task {task!r}; it has: {', '.join(preset.tasks)}")
        for each in preset.tasks if task is None else (task,):
            view = preset.at(each)
            filling = fill(view, library.files, place.facts)
            for role, file in view.files.items():
                files[file.key] = file
                rows.setdefault(file.key, []).append((name, each, role, _seen(filling.roles.get(role), file, place)))
    return tuple(_needed(files[key], found, place) for key, found in rows.items())


def there_as(file: ModelFile, place: Place) -> str | None:
    """Return the name by which a file itself is listed, in its own precision; None if it is not there."""
    listed = place.facts.files.get(file.folder, frozenset())
    any_case = lists_backslashes(place.facts.files)
    found = (find_listed(name, listed, any_case=any_case) for name in (file.name, *file.also))
    return next((each.name for each in found if each is not None), None)


def _seen(filled: Filled | None, file: ModelFile, place: Place) -> Filled | None:
    """Take back what is only taken to be there, since no loader lists its folder: here one can look."""
    if filled is None or place.tree is None or filled.listed in place.facts.files.get(file.folder, ()):
        return filled
    return None


def _needed(file: ModelFile, found: list[tuple[str, Task, str, Filled | None]], place: Place) -> NeededFile:
    presets, tasks, roles = (tuple(dict.fromkeys(column)) for column in list(zip(*found, strict=True))[:3])
    filled = next((each for *_, each in found if each is not None), None)
    line = "; ".join(_notes(file, filled, place))
    precision = filled.file.precision if filled and filled.file else None
    get = None if filled else get_line(file, presets[0], place)
    return NeededFile(file, presets, tasks, roles, filled.listed if filled else None, precision, line, get)


def _notes(file: ModelFile, filled: Filled | None, place: Place) -> Iterator[str]:
    if filled is None:
        for key, path in place.cut.items():
            if file_name(key) in (file.name, *file.also) and key.startswith(f"{file.folder}/"):
                there, expected = _bytes(path), file_size_text(file)
                what = f"is not whole: {there:,} bytes where {expected} are expected" if there >= 0 else "leads nowhere"
                yield f"{path} {what}; delete it, and fetch it again"
    elif filled.how == "equivalent" and filled.file:
        yield f"{filled.listed}, {filled.file.precision}, serves in its place"
    elif filled.listed != file.name:
        yield f"is there as {filled.listed}"


def get_line(file: ModelFile, preset: str, place: Place) -> str | None:
    """Return one line to paste that fetches a file; None where nobody knows from where.

    For a folder here, or a server of this machine whose folder COMFY_HEADLESS_COMFYUI names, it is a command of this
    program; for another server one of curl, to be run in its ComfyUI folder.
    """
    options = at_folder(comfyui_at(place.name)) if place.tree is None else place.tree.options
    return fetch_line(file, ("--preset", preset, *options) if options else ())


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link that leads nowhere
        return -1
