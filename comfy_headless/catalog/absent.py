"""Model files that a graph names and a server does not list: what else there is, and where the file is had.

A pure function of the report, of what the server lists, and of the files that are described.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.fetching import at_folder, fetch_line
from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.precisions import rank
from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.catalog.roles import place_file
from comfy_headless.graph.file_inputs import MODEL_INPUTS, constant_choices
from comfy_headless.graph.lines import put, remarked
from comfy_headless.graph.listed import file_name, find_listed, lists_backslashes
from comfy_headless.graph.near import find_near
from comfy_headless.graph.report import Problem, Report
from comfy_headless.graph.schemas import Schemas

_ROOM: Final = "ComfyUI/models"


class Absent(NamedTuple):
    """A model file that is not where a graph looks for it.

    Args:
        name: as the graph has it.
        folder: model folder that the input lists.
        choices: what that input takes on this server.
        file: what is known of it; None for one that nobody describes.
    """

    node_id: str
    input: str
    name: str
    folder: str
    choices: tuple[str, ...]
    file: ModelFile | None


def find_absent(report: Report, schemas: Schemas, files: ModelFiles) -> dict[int, Absent]:
    """Return the model files that a server refuses, by the place of the problem in the report."""
    return {
        number: absent
        for number, problem in enumerate(report.problems)
        if (absent := _read(problem, report.graph, schemas, files)) is not None
    }


def with_file_remedies(
    report: Report, schemas: Schemas, facts: ServerFacts, files: ModelFiles, comfyui: Path | None = None
) -> Report:
    """Return a report whose problems with model files say what to do: take what there is, or fetch the file.

    Args:
        schemas: those that the report was made with.
        facts: what the same server has.
        files: those that are described.
        comfyui: the server's folder, where that is known and on this machine.
    """
    absent = find_absent(report, schemas, files)
    problems = tuple(
        dataclasses.replace(problem, remedy=file_remedy(absent[number], facts, files, comfyui))
        if number in absent
        else problem
        for number, problem in enumerate(report.problems)
    )
    return dataclasses.replace(report, problems=problems) if absent else report


def file_remedy(absent: Absent, facts: ServerFacts, files: ModelFiles, comfyui: Path | None = None) -> str:
    """Return what to do about a file, in one line.

    In this order: the same file by the name that the server lists, or by another of its names; the same network in
    another precision; the same file in another folder of the server; where it is had; the nearest name.
    """
    windows = lists_backslashes(facts.files)
    return (
        _listed(absent, files, any_case=windows)
        or _equivalent(absent, files, comfyui, any_case=windows)
        or _elsewhere(absent, facts, windows=windows)
        or _had(absent, comfyui)
        or _nearest(absent)
    )


def _read(problem: Problem, graph: Mapping[str, Any], schemas: Schemas, files: ModelFiles) -> Absent | None:
    if problem.kind != "value_not_in_list" or problem.node_id is None or problem.class_type is None:
        return None
    value = graph[problem.node_id]["inputs"].get(problem.input)
    if not isinstance(value, str) or not value:
        return None
    folder = MODEL_INPUTS.get((problem.class_type, problem.input or "")) or _usual_folder(value, files)
    if folder is None:
        return None
    item = schemas[problem.class_type].input(problem.input or "")
    fixed = constant_choices((problem.class_type, problem.input or ""))
    choices = tuple(
        each for each in (item.choices if item else None) or () if isinstance(each, str) and each not in fixed
    )
    return Absent(problem.node_id, problem.input or "", value, folder, choices, _described(value, folder, files))


def _usual_folder(name: str, files: ModelFiles) -> str | None:
    """Return where a described file belongs: which folder the loader of a node pack lists, nobody says."""
    return next((file.folder for file in files.values() if file_name(name) in (file.name, *file.also)), None)


def _described(name: str, folder: str, files: ModelFiles) -> ModelFile | None:
    own = file_name(name).casefold()
    return next(
        (
            file
            for file in files.values()
            if file.folder == folder and own in (each.casefold() for each in (file.name, *file.also))
        ),
        None,
    )


def _listed(absent: Absent, files: ModelFiles, *, any_case: bool) -> str:
    others = files.other_names().get((absent.folder, file_name(absent.name)), ())
    for name in (absent.name, *others):
        found = find_listed(name, absent.choices, any_case=any_case)
        if found is not None:
            why = "so the server lists it" if name == absent.name else "the same file by another name"
            more = f"; it lies there as {' and '.join(found.others)} too" if found.others else ""
            return put(absent.node_id, absent.input, found.name, f"{why}{more}")
    return ""


def _equivalent(absent: Absent, files: ModelFiles, comfyui: Path | None, *, any_case: bool) -> str:
    """The same network in another precision, the best that is there."""
    if absent.file is None or absent.file.weights is None:
        return ""
    for precision, name in sorted(_same(absent.file, files), key=lambda each: (rank(each[0]), each[1])):
        found = find_listed(name, absent.choices, any_case=any_case)
        if found is not None:
            line = fetch_line(absent.file, at_folder(comfyui))
            own = f"; its own: {line} ({_whence(absent.file, comfyui)})" if line else ""
            return put(absent.node_id, absent.input, found.name, f"the same in {precision}{own}")
    return ""


def _same(file: ModelFile, files: ModelFiles) -> Iterator[tuple[str, str]]:
    for other in files.values():
        if (other.folder, other.weights) == (file.folder, file.weights) and other.name != file.name:
            yield from ((other.precision, name) for name in (other.name, *other.also))


def _elsewhere(absent: Absent, facts: ServerFacts, *, windows: bool) -> str:
    """The same file in a folder that the input does not list."""
    for folder, names in facts.files.items():
        found = find_listed(absent.name, names, any_case=windows) if folder != absent.folder else None
        if found is None:
            continue
        source, target = f"{_ROOM}/{folder}/{found.name}", f"{_ROOM}/{absent.folder}/{file_name(found.name)}"
        why = f"on the server: it lies in {folder}/, which {absent.input} does not list"
        if windows:
            source, target = (f'"{each}"'.replace("/", "\\") for each in (source, target))
            return remarked(f"move {source} {target}", why)
        return remarked(shlex.join(["mv", source, target]), why)
    return ""


def _had(absent: Absent, comfyui: Path | None) -> str:
    if absent.file is None:
        return ""
    line = fetch_line(absent.file, at_folder(comfyui))
    return remarked(line, _whence(absent.file, comfyui)) if line else place_file(absent.file)


def _whence(file: ModelFile, comfyui: Path | None) -> str:
    size = "" if file.size_gb is None else f"{file.size_gb:g} GB "
    if comfyui is None:  # the line has the address
        return f"{size}to fetch; run it in the folder of that ComfyUI"
    return f"{size}from Hugging Face {file.repository}: {file.path}"


def _nearest(absent: Absent) -> str:
    close = closest_file(absent.name, absent.choices)
    put_it = f"put {file_name(absent.name)} into {_ROOM}/{absent.folder}/"
    if close is None:
        return f"{put_it}: nothing there is called so, and no preset says where it is had"
    return put(absent.node_id, absent.input, close, f"the nearest name there; or {put_it}")


def closest_file(name: str, listed: Collection[str]) -> str | None:
    """Return the listed file whose own name is most like one; None if none is."""
    own = {file_name(each): each for each in listed}
    close = find_near(file_name(name), own)
    return own[close[0]] if close else None
