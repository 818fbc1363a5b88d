"""What a workflow takes and gives: a listing for people, data for programs, and a JSON schema for both."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from comfy_headless.graph.loaders import Media
from comfy_headless.graph.values import Kind, shown, written

SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"

_WORDS: Final[Mapping[Kind, str]] = {
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.TEXT: "text",
    Kind.BOOLEAN: "true or false",
    Kind.CHOICE: "choice",
    Kind.FILE: "file",
    Kind.ANY: "any value",
}
_TYPES: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.TEXT: {"type": "string"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.CHOICE: {"type": ["string", "number"]},
    Kind.FILE: {"type": "string"},
    Kind.ANY: {},
}
_ENDLESS: Final = 2**53
"""A limit beyond this is none to a person."""

_WIDTH: Final = 110
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class InputPlace:
    """An input that a parameter fills, and what the workflow has saved there."""

    node_id: str
    class_type: str
    input: str
    saved: Any


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter of a workflow.

    Args:
        type: "integer", "number", "text", "boolean", "choice", "file" or "any".
        default: what is taken when nothing is given; None for a required one.
        step: what a value steps through in ComfyUI's page; other values are taken too.
        choices: what it can be; None where it is no choice, or where only the server knows.
        media: for a file, its kind: "image", "mask", "video", "audio" or "file".
        random: whether -1 and "random" draw a value.
        description: what its marker says of it, else what the node does.
        inputs: where it goes.
    """

    name: str
    type: Kind
    required: bool
    default: Any
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: tuple[Any, ...] | None
    media: Media | None
    random: bool
    description: str
    inputs: tuple[InputPlace, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        names = ("name", "type", "required", "default", "minimum", "maximum", "step")
        return {
            **{name: getattr(self, name) for name in names},
            "choices": None if self.choices is None else list(self.choices),
            "media": self.media,
            "random": self.random,
            "description": self.description,
            "inputs": [
                {"node_id": each.node_id, "class_type": each.class_type, "input": each.input, "saved": each.saved}
                for each in self.inputs
            ],
        }

    def to_json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of its value."""
        said: dict[str, Any] = {"enum": list(self.choices)} if self.choices else dict(_TYPES[self.type])
        said |= {} if self.minimum is None else {"minimum": self.minimum}
        said |= {} if self.maximum is None else {"maximum": self.maximum}
        if self.random:
            said = {"anyOf": [said, {"enum": ["random", -1]}]}
        said |= {"description": self.description} if self.description else {}
        said |= {"x-media": self.media} if self.media else {}
        if not self.required:
            return {**said, "default": self.default}
        saved = self.inputs[0].saved
        return said if saved is None else {**said, "examples": [saved]}

    def lines(self) -> Iterator[str]:
        """Yield what there is to say of it beside its name."""
        yield ", ".join(self._words())
        if self.choices:
            rest = len(self.choices) - _SHOWN
            yield ", ".join(map(str, self.choices[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")
        if self.description:
            yield self.description
        differ = not self.required and any(each.saved != self.default for each in self.inputs)
        for each in self.inputs[:_SHOWN]:
            own = f" (default {shown(each.saved)})" if differ else ""
            yield f"node {each.node_id} ({each.class_type}): {each.input}{own}"
        if len(self.inputs) > _SHOWN:
            yield f"and {len(self.inputs) - _SHOWN} more nodes"

    def _words(self) -> Iterator[str]:
        files = self.type is Kind.CHOICE and not self.choices
        words = "a name that the server lists" if files else _WORDS[self.type]
        yield f"{self.media} file" if self.media not in (None, "file") else words
        low = None if self.minimum is None or self.minimum < -_ENDLESS else written(self.minimum)
        high = None if self.maximum is None or self.maximum > _ENDLESS else written(self.maximum)
        if low and high:
            yield f"{low} to {high}"
        elif low or high:
            yield f"{low} or more" if low else f"at most {high}"
        if self.step and self.step != 1:
            yield f"in steps of {written(self.step)}"
        if self.random:
            yield "or random"
        yield "required" if self.required else f"default {shown(self.default)}"


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """One output of a workflow.

    Args:
        name: what a marker calls it, else the id of its node.
        kind: "image", "video", "audio", "mesh", "text" or "other", as far as its nodes tell.
        preview: whether it only shows something that the server does not keep.
        nodes: id and class of the nodes that make it.
    """

    name: str
    kind: str
    preview: bool
    nodes: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        nodes = [{"node_id": node_id, "class_type": class_type} for node_id, class_type in self.nodes]
        return {"name": self.name, "kind": self.kind, "preview": self.preview, "nodes": nodes}

    def lines(self) -> Iterator[str]:
        """Yield what there is to say of it beside its name."""
        where = ", ".join(f"node {node_id} ({class_type})" for node_id, class_type in self.nodes[:_SHOWN])
        more = f" and {len(self.nodes) - _SHOWN} more" if len(self.nodes) > _SHOWN else ""
        yield f"{self.kind}{', a preview' if self.preview else ''}: {where}{more}"


@dataclass(frozen=True, slots=True)
class Description:
    """What a workflow takes and gives.

    Args:
        name: of the workflow.
        parameters: by name, in the order of its nodes.
        outputs: by name.
        warnings: what in its titles is not read.
    """

    name: str
    parameters: Mapping[str, ParameterInfo]
    outputs: Mapping[str, OutputInfo]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "name": self.name,
            "parameters": [each.to_dict() for each in self.parameters.values()],
            "outputs": [each.to_dict() for each in self.outputs.values()],
            "warnings": list(self.warnings),
        }

    def to_json_schema(self) -> dict[str, Any]:
        """Return the JSON schema (2020-12) of the object that holds the values of its parameters."""
        return {
            "$schema": SCHEMA,
            "title": self.name,
            "type": "object",
            "properties": {name: each.to_json_schema() for name, each in self.parameters.items()},
            "required": [name for name, each in self.parameters.items() if each.required],
            "additionalProperties": False,
        }

    def to_text(self) -> str:
        """Return a listing for people, as a program's --help is one."""
        return "\n\n".join(
            [
                self.name,
                _block("Parameters:", self.parameters) or "No parameters: no title has a marker such as $prompt.text!",
                _block("Outputs:", self.outputs) or "No outputs.",
                *(["\n".join(f"warning: {each}" for each in self.warnings)] if self.warnings else []),
            ]
        )

    __str__ = to_text


def _block(heading: str, rows: Mapping[str, ParameterInfo] | Mapping[str, OutputInfo]) -> str:
    if not rows:
        return ""
    wide = min(max(map(len, rows)), 24)
    lines = [heading]
    for name, info in rows.items():
        label = name if len(name) <= wide else f"{name}\n{'':{wide + 2}}"
        for line in info.lines():
            begin = f"  {label:{wide}}  "
            told = textwrap.wrap(line, _WIDTH - wide - 4, break_long_words=False, break_on_hyphens=False) or [""]
            lines += [f"{begin}{told[0]}", *(f"{'':{wide + 4}}{more}" for more in told[1:])]
            label = ""
    return "\n".join(lines)
