"""Turn pydantic's errors about a preset file into lines that name the key, the value, and what exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pydantic
from pydantic import BaseModel

from comfy_headless.graph.values import nearest, shown


def complaints(error: pydantic.ValidationError, model: type[BaseModel]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield for each error the keys that lead to it, as the file spells them, and a line."""
    for each in error.errors():
        place = tuple(part for part in each["loc"] if not _is_branch(part))
        if _is_other_branch(each):
            continue
        *outer, last = place or ("",)
        keys = ".".join(str(part) for part in place)
        words = str(each["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
        if not place:
            yield place, words
        elif each["loc"][-1] == "[key]":
            yield place, f"unknown key {keys!r}: {words}"
        elif each["type"] == "model_type":
            yield place, f"{keys} = {shown(each['input'])}: expected a table of {', '.join(_keys(model, [*place]))}"
        elif each["type"] == "extra_forbidden":
            known = _keys(model, outer)
            yield place, f"unknown key {keys!r}{nearest(str(last), known)} There are: {', '.join(known)}"
        elif each["type"] == "missing":
            yield place, f"{keys!r} is missing"
        else:
            yield place, f"{keys} = {shown(each['input'])}: {words}"


def _is_branch(part: object) -> bool:
    """Pydantic names the branch of a union and a dict's key in the place; the file has neither."""
    return part in ("int", "float", "str", "bool", "[key]", "ModelFile", "constrained-str")


def _is_other_branch(error: Any) -> bool:
    """Say whether an error is that of a union's other branch: a model file is a text or a table, never both."""
    if "constrained-str" in error["loc"]:
        return isinstance(error["input"], dict)
    return "ModelFile" in error["loc"] and isinstance(error["input"], str) and error["type"] == "model_type"


def _keys(model: type[BaseModel], location: list[Any]) -> list[str]:
    """The keys of the table at ``location``."""
    here = model
    for part in location:
        for name, field in here.model_fields.items():
            if part in (name, field.alias):
                here = _inner(field.annotation) or here
                break
    return [field.alias or name for name, field in here.model_fields.items()]


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part))), None)
