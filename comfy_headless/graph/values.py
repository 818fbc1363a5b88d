"""Fit a caller's value to a node's input: convert what is surely meant, refuse the rest.

``640.0`` and ``"640"`` are 640 for an integer; ``640.5``, ``True`` and ``"wide"`` are errors. The server would cast
silently (ComfyUI 0.30.0 turns 63.7 into 63), so nothing is left to it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comfy_headless.errors import ValidationError
from comfy_headless.graph.near import find_near
from comfy_headless.graph.source import copy_json


class Kind(StrEnum):
    """What an input holds. ANY: the graph alone does not tell."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    FILE = "file"
    ANY = "any"


_TYPES = {"INT": Kind.INTEGER, "FLOAT": Kind.NUMBER, "STRING": Kind.TEXT, "BOOLEAN": Kind.BOOLEAN, "COMBO": Kind.CHOICE}
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input takes. Empty ``choices`` are unknown ones: lists of files differ from server to server."""

    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()


def kind_of_type(name: str) -> Kind:
    """Return the kind of an input of that type in object_info; wire types are ANY."""
    return _TYPES.get(name, Kind.ANY)


def kind_of_default(value: object) -> Kind:
    """Return the kind that a saved value shows. Browsers save 7.0 as 7, so a whole number may stand for any number."""
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, (int, float)):
        return Kind.NUMBER
    return Kind.TEXT if isinstance(value, str) else Kind.ANY


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: ``"; did you mean 'x'?"`` if one of ``known`` is close to ``name``, else a stop."""
    names = list(known)
    close = find_near(name, names, cutoff=0.5)
    if not close and len(name) > 1:
        close = [each for each in names if each.casefold().startswith(name.casefold())][:3]
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else "."


def shown(value: object) -> str:
    """Return ``value`` for an error message: its repr, kept short."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} that is nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def written(number: float) -> str:
    """Return a number as people write it: without a needless ``.0``."""
    return str(int(number)) if float(number).is_integer() else str(number)


def fit(value: Any, limits: Limits, what: str) -> Any:
    """Return ``value`` as the input takes it.

    Args:
        what: how the error names the value, such as ``"width=80"``.

    Raises:
        ValidationError: another kind, not a number, out of range, or not one of the choices.
    """
    fitted = _converted(value, limits.kind, what)
    if isinstance(fitted, (int, float)) and not isinstance(fitted, bool):
        if limits.minimum is not None and fitted < limits.minimum:
            raise ValidationError(f"{what}: too small, the least is {written(limits.minimum)}")
        if limits.maximum is not None and fitted > limits.maximum:
            raise ValidationError(f"{what}: too big, the most is {written(limits.maximum)}")
    if limits.choices and fitted not in limits.choices:
        known = [str(choice) for choice in limits.choices]
        if known.count(str(fitted)) == 1:  # a number that is a choice, as a command line gives it
            return limits.choices[known.index(str(fitted))]
        listed = ", ".join(known[:60]) + (f" and {len(known) - 60} more" if len(known) > 60 else "")
        raise ValidationError(f"{what}: not one of the choices{nearest(str(fitted), known)} It takes {listed}")
    return fitted


def _converted(value: Any, kind: Kind, what: str) -> Any:
    match kind:
        case Kind.INTEGER:
            number = _number(value, what, "a whole number")
            if isinstance(number, float) and not number.is_integer():
                raise ValidationError(f"{what}: expected a whole number")
            return int(number)
        case Kind.NUMBER:
            return _number(value, what, "a number")
        case Kind.BOOLEAN:
            if isinstance(value, bool):
                return value
            word = _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
            if word is None:
                raise ValidationError(f"{what}: expected true or false, not a {type(value).__name__}")
            return word
        case Kind.TEXT:
            if not isinstance(value, str):
                raise ValidationError(f"{what}: expected text, not a {type(value).__name__}")
            return value
        case Kind.CHOICE:
            if not isinstance(value, (str, int, float)):
                raise ValidationError(f"{what}: expected one of the choices, not a {type(value).__name__}")
            return value
        case Kind.FILE:
            if not isinstance(value, (str, os.PathLike)):
                raise ValidationError(f"{what}: expected the path of a file, not a {type(value).__name__}")
            return os.fsdecode(value)
        case Kind.ANY:
            return _any(value, what)


def _number(value: Any, what: str, expected: str) -> int | float:
    number: Any = value
    if isinstance(value, str):
        text = value.strip()
        try:
            number = int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            raise ValidationError(f"{what}: expected {expected}") from None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValidationError(f"{what}: expected {expected}, not a {type(value).__name__}")
    if isinstance(number, float) and not math.isfinite(number):
        raise ValidationError(f"{what}: expected {expected} that is finite")
    return number


def _any(value: Any, what: str) -> Any:
    """A bare list would be read as a wire; ComfyUI takes it as a value inside ``__value__`` (execution.py, 0.30.0)."""
    if isinstance(value, (list, tuple)):
        return {"__value__": copy_json(list(value))}
    if isinstance(value, dict):
        return copy_json(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValidationError(f"{what}: a {type(value).__name__} cannot be sent")
