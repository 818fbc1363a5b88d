"""Draft a preset from a workflow: what the graph tells is read off, what takes a source is left as a TODO.

A draft can be read, compiled and run as it is; ``presets test`` lists what is left to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.draft_file import draft_file, find_todo
from comfy_headless.catalog.draft_rules import grid
from comfy_headless.catalog.preset_file import ModelFile, Pack, Task
from comfy_headless.errors import ValidationError
from comfy_headless.graph.marking.find import Found, find_marks, with_titles
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, read_graph
from comfy_headless.graph.template import Template

_BLANK: Final = {"image": "start.png", "last_image": "end.png", "prompt": "", "negative_prompt": "", "seed": 0}


class Draft(NamedTuple):
    """A preset to be.

    Args:
        toml: the preset's file.
        template: the task's template, as JSON text.
        todo: line number and line of all that a person must look up.
        files: by role: the model file as "folder/name", and whether a ``files.toml`` describes it.
    """

    name: str
    task: Task
    toml: str
    template: str
    todo: tuple[tuple[int, str], ...]
    found: Found
    files: Mapping[str, tuple[str, bool]]

    @property
    def template_name(self) -> str:
        """Of the template's file, without the suffix."""
        return f"{self.name}_{self.task}"

    def write(self, folder: Path, *, overwrite: bool = False) -> tuple[Path, Path]:
        """Write the preset and its template into ``folder``; give both paths.

        Raises:
            ValidationError: a file is there already, or cannot be written.
        """
        paths = folder / f"{self.name}.toml", folder / "templates" / f"{self.template_name}.json"
        for path in paths:
            if path.exists() and not overwrite:
                raise ValidationError(
                    f"{path} is there already; take another name or folder, or overwrite=True (--overwrite)"
                )
        try:
            paths[1].parent.mkdir(parents=True, exist_ok=True)
            for path, text in zip(paths, (self.toml, self.template), strict=True):
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ValidationError(f"{folder}: cannot be written: {error.strerror}") from error
        return paths


def draft_preset(
    name: str,
    workflow: Mapping[str, Any] | str | bytes,
    files: Mapping[str, ModelFile],
    packs: Mapping[str, Pack] | None = None,
    *,
    origin: str = "a workflow",
) -> Draft:
    """Return a preset drafted from an API-format graph.

    Args:
        files: the model files that are described already, such as ``VIDEO_PRESETS.files``.
        packs: the node packs that are known, by name, each with its source in words.
        origin: what the workflow is called, for its line in ``[sources]``.

    Raises:
        ValidationError: no API-format graph, a marker in it that does not fit, or nothing that is saved.
    """
    schemas = Schemas.snapshot(Schemas.packs())
    graph = _tidied(read_graph(workflow, name=origin))
    found = find_marks(graph, schemas)
    titled = Template.read(with_titles(graph, found), name=origin, schemas=schemas)
    if not any(each != (key,) for key, each in titled.outputs.items()):
        raise ValidationError(f"{origin}: no node saves a video or an image: a preset needs one, such as SaveVideo")
    images = sum(each.upload for each in titled.parameters.values())
    task: Task = "first_last" if images > 1 else "image" if images else "text"
    described = {role: (f"{file.folder}/{file.name}", f"{file.folder}/{file.name}" in files)
                 for role, file in found.roles.items() if role in titled.parameters}  # fmt: skip
    toml = draft_file(
        name,
        task,
        found,
        titled,
        schemas,
        described={role for role, (_, known) in described.items() if known},
        size=grid(titled, ("width", "height"), schemas, found),
        frames=grid(titled, ("frames",), schemas, found),
        packs=packs or {},
        origin=origin,
    )
    blank = titled.bind_some({key: value for key, value in _BLANK.items() if key in titled.parameters})
    return Draft(name, task, toml, written(blank), find_todo(toml), found, described)


def _tidied(graph: Graph) -> Graph:
    """Return the graph with 0.7 for 0.7000000000000002, as editors that add up steps write it."""
    return {
        node_id: {**node, "inputs": {
            key: float(f"{value:.12g}") if isinstance(value, float) else value for key, value in node["inputs"].items()
        }} for node_id, node in graph.items()
    }  # fmt: skip


def written(graph: Graph) -> str:
    """Return a graph as templates are written: one key a line, wires on one line."""
    nodes = []
    for node_id, node in graph.items():
        inputs = ",\n".join(f"      {_json(key)}: {_json(value)}" for key, value in node["inputs"].items())
        rest = "".join(
            f",\n    {_json(key)}: {_json(value)}" for key, value in node.items() if key not in ("_meta", "inputs")
        )
        nodes.append(
            f'  {_json(node_id)}: {{\n    "_meta": {_json(node.get("_meta") or {})}{rest},\n'
            f'    "inputs": {{{chr(10) + inputs + chr(10) + "    " if inputs else ""}}}\n  }}'
        )
    return "{\n" + ",\n".join(nodes) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
