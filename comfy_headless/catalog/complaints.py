"""Turn pydantic's errors about a preset file into lines that name the key, the value, and what exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pydantic
from pydantic import BaseModel

from comfy_headless.graph.values import nearest, shown


def complaints(error: pydantic.ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Yield a line per error, with the key as the file spells it."""
    for each in error.errors():
        *outer, last = each["loc"] or ("",)
        keys = ".".join(str(part) for part in each["loc"] if not _is_branch(part))
        if each["type"] == "extra_forbidden":
            known = _keys(model, outer)
            yield f"unknown key {keys!r}{nearest(str(last), known)} There are: {', '.join(known)}"
        elif each["type"] == "missing":
            yield f"{keys!r} is missing"
        else:
            yield f"{keys} = {shown(each['input'])}: {str(each['msg']).removeprefix('Value error, ')}"


def _is_branch(part: object) -> bool:
    """Pydantic names the branch of a union and a dict's key in the place; the file has neither."""
    return part in ("int", "float", "str", "bool", "[key]")


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
