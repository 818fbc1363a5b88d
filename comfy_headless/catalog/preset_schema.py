"""JSON schemas of the files of presets, for editors: made from the models that read them, worded by their docstrings.

A preset and its family are laid over each other table by table, so in each of the two nearly all keys may be missing;
what is written must be right. Nothing is referred to (``$ref``): editors show the words beside a key only where it
stands itself.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel

from comfy_headless.catalog import files, networks, preset_file, prompting, rules
from comfy_headless.catalog.models import COMMON, WISHED, ImageModel, VideoModel, VideoSettings
from comfy_headless.catalog.preset_file import PresetFile, Task
from comfy_headless.catalog.variants import Variants

Kind = Literal["preset", "family", "files", "networks"]
Schema = dict[str, Any]

_TITLES: Final[Mapping[Kind, str]] = {
    "preset": "A preset of comfy-headless",
    "family": "What the presets of a folder share (family.toml)",
    "files": "Model files, each described once (files.toml)",
    "networks": "Networks that model files hold (networks.toml)",
}
_LISTS: Final[Mapping[Kind, type[BaseModel]]] = {"files": files.FilesToml, "networks": networks.NetworksToml}
_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The one that editors for TOML know."""
_TASKS: Final[Mapping[Task, str]] = {
    "text": "From a text.",
    "image": "From a first image.",
    "first_last": "From a first and a last image.",
}
_WHOLE: Final = ("ModelFile", "Network", "Pack", "Peak", "Report", "Setting", "Sound", "Sourced", "Vae")
"""Tables that are written whole, or not at all."""
_KEPT: Final = (
    "type",
    "enum",
    "default",
    "description",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "minItems",
    "maxItems",
)
_ARGUMENT: Final = re.compile(r"^    (\w+): (.+(?:\n {5,}.+)*)", re.MULTILINE)


def preset_schema(kind: Kind = "preset") -> Schema:
    """Return the JSON schema of a preset's own file, or of the file of that kind beside it."""
    model = _LISTS.get(kind, PresetFile)
    made = model.model_json_schema(by_alias=True)
    defs = made.pop("$defs")
    table = _table(made, model.__name__, defs)
    if kind == "files":
        table["required"] = ["file"]
    elif kind not in _LISTS:
        _fill(table["properties"])
        if kind == "preset":
            table["required"] = ["name"]
    return {"$schema": _DRAFT, "title": _TITLES[kind], **table}


def _fill(properties: dict[str, Schema]) -> None:
    """Put in what the reader knows beside the model: the names and values of settings, variants and models."""
    properties["model"].pop("anyOf", None)
    properties["model"]["enum"] = [*VideoModel.__members__, *ImageModel.__members__]
    _name(properties["settings"], _values_of(VideoSettings, [name for name in COMMON if name not in WISHED]))
    _name(properties["variants"], _values_of(Variants, list(Variants.model_fields)))
    for task in properties["task"]["properties"].values():
        task["properties"]["settings"] = {
            **properties["settings"],
            "description": task["properties"]["settings"]["description"],
        }


def _name(table: Schema, values: Mapping[str, Schema]) -> None:
    """Turn a table of any names into one of these, each with its own kind of value."""
    entry = table["additionalProperties"]
    table["additionalProperties"] = False
    table["properties"] = {
        name: {
            **entry,
            "description": value["description"],
            "properties": {**entry["properties"], "value": value},
        }
        for name, value in values.items()
    }


def _values_of(model: type[BaseModel], names: list[str]) -> dict[str, Schema]:
    _, told = _words(model)
    made = model.model_json_schema()["properties"]
    return {name: {**_plain(made[name], {}), "description": told[name]} for name in names}


def _table(schema: Schema, name: str, defs: Mapping[str, Schema]) -> Schema:
    """Return a table's schema with the words of its class."""
    model = _MODELS[name.partition("_")[0]]
    words, told = _words(model)
    names = {field.alias or key: key for key, field in model.model_fields.items()}
    properties = {}
    for key, value in schema["properties"].items():
        inner = _plain(value, defs)
        description = told.get(names[key]) or value.get("description") or inner.get("description", "")
        properties[key] = {**inner, "description": description}
    table = {"type": "object", "description": words, "properties": properties, "additionalProperties": False}
    if name.partition("_")[0] in _WHOLE:
        table["required"] = schema["required"]
    return table


def _plain(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    """Return a value's schema without references, titles, null (TOML has none), and defaults that are no value."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _table(defs[name], name, defs) if "properties" in defs[name] else _plain(defs[name], defs)
    if "anyOf" in schema:
        return _alternatives(schema, defs)
    kept = {key: value for key, value in schema.items() if key in _KEPT}
    if not isinstance(kept.get("default", []), str | int | float):
        kept.pop("default", None)
    items = schema.get("prefixItems", [schema.get("items")])[0]
    if items is not None:
        kept["items"] = _plain(items, defs)
    return {**kept, **_entries(schema, defs)}


def _alternatives(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    branches = [_plain(branch, defs) for branch in schema["anyOf"] if branch.get("type") != "null"]
    rest = _plain({key: value for key, value in schema.items() if key != "anyOf"}, defs)
    if len(branches) == 1:
        return {**rest, **branches[0]}
    if all(branch.keys() == {"type"} for branch in branches):
        return {**rest, "type": [branch["type"] for branch in branches]}
    return {**rest, "anyOf": branches}


def _entries(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    """Return what a table whose keys are names of other things holds."""
    if "patternProperties" in schema:
        patterns = {pattern: _plain(entry, defs) for pattern, entry in schema["patternProperties"].items()}
        return {"patternProperties": patterns, "additionalProperties": False}
    if not isinstance(schema.get("additionalProperties"), dict):
        return {}
    entry = _plain(schema["additionalProperties"], defs)
    if "enum" not in schema.get("propertyNames", {}):
        return {"additionalProperties": entry}
    tasks = {name: {**entry, "description": _TASKS[name]} for name in schema["propertyNames"]["enum"]}
    return {"properties": tasks, "additionalProperties": False}


def _words(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """Return what a class says of itself, and of its fields."""
    text, _, arguments = (inspect.getdoc(model) or "").partition("\n\nArgs:\n")
    told = {name: _sentence(words) for name, words in _ARGUMENT.findall(arguments.split("\n\n")[0])}
    return _sentence(text), told


def _sentence(text: str) -> str:
    words = " ".join(text.replace("``", "").split())
    return f"{words[0].upper()}{words[1:]}"


_MODELS: Final = {
    name: value
    for module in (files, networks, preset_file, prompting, rules)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, BaseModel)
}
