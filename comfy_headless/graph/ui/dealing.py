"""Deal ``widgets_values`` out to the inputs of a class: one value for each place, in the order of the page.

Nothing is converted, clamped or checked against a list, as on the page: ``"20"`` stays a text. Whether the values fit
the places at all, says ``fitting.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from comfy_headless.graph.ui.added import CONTROL, with_added
from comfy_headless.graph.ui.fields import Field, fields_in
from comfy_headless.graph.well_formed import DYNAMIC_COMBO

CONTROLS: Final = frozenset({"fixed", "increment", "decrement", "randomize"})
CUSTOM_CHOICE: Final = ("CustomCombo", "choice")
"""The class whose list is drawn up by whoever uses it, and its input."""
_SAMPLERS: Final = frozenset({"KSampler", "KSamplerAdvanced"})
_MOST_OPTIONS: Final = 1000


class Dealt(NamedTuple):
    """What a node has.

    Args:
        fields: of its class, those of dynamic choices among them.
        values: of all that the server is told, by name.
        places: how many values there is room for.
    """

    fields: list[Field]
    values: dict[str, Any]
    places: int


def deal(class_type: str, fields: list[Field], saved: list[Any] | Mapping[str, Any] | None) -> Dealt:
    """Return the values of a node by name.

    Args:
        fields: of its class, with what the page adds.
        saved: its ``widgets_values``; a list is dealt out in order, a dict is taken by name.
    """
    if isinstance(saved, Mapping):
        return deal_from(class_type, fields, _ByName(saved))
    return deal_from(class_type, fields, _InOrder(saved or []))


class Given(Protocol):
    """Where the values come from; ``places`` counts those that were asked for."""

    places: int

    def take(self, field: Field) -> Any:
        """Return the value of an input, `ABSENT` if there is none."""

    def rest(self) -> list[Any]:
        """Return all values that are left."""


class _InOrder:
    """Values as a list: the next place takes the next one."""

    def __init__(self, values: list[Any]) -> None:
        self._values = iter(values)
        self.places = 0

    def take(self, field: Field) -> Any:
        self.places += 1
        return next(self._values, ABSENT)

    def rest(self) -> list[Any]:
        return list(self._values)


class _ByName:
    """Values as a dict, as some node packs save them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.places = 0

    def take(self, field: Field) -> Any:
        self.places += 1
        return self._values.get(field.name, ABSENT)

    def rest(self) -> list[Any]:
        """An index, and the options of a CustomCombo."""
        return [-1, *(value for name, value in self._values.items() if str(name).startswith("option"))]


ABSENT: Final = object()
"""No value where one is asked for."""


def deal_from(class_type: str, fields: Iterable[Field], given: Given) -> Dealt:
    """Return the values of a node by name, taken one by one in the order of the page."""
    dealt = Dealt([], {}, 0)
    dealt.fields.extend(_expanded(class_type, fields, given, dealt.values))
    return dealt._replace(places=given.places)


def _expanded(class_type: str, fields: Iterable[Field], given: Given, values: dict[str, Any]) -> Iterator[Field]:
    for field in fields:
        yield field
        if not field.widget:
            continue
        value = _normal(class_type, field, given.take(field) if field.saved else ABSENT)
        if not field.sent:
            continue
        values[field.name] = value
        if field.type == DYNAMIC_COMBO:
            inner = fields_in(field.chosen(value), f"{field.name}.")
            yield from _expanded(class_type, with_added(class_type, inner), given, values)
        elif (class_type, field.name) == CUSTOM_CHOICE:
            kept = given.rest()
            given.places += len(kept)
            options = [option for option in kept[1:] if option not in ("", None)][:_MOST_OPTIONS]
            names = [f"option{place}" for place in range(1, len(options) + 2)]
            values.update(zip(names, [*options, ""], strict=True))
            values["index"] = custom_index(values)
            yield from (Field(name, "STRING", {}) for name in names)


def custom_index(values: Mapping[str, Any]) -> int:
    """Return the place of a CustomCombo's choice among its options, which the page works out; -1 if it is none."""
    options = [value for name, value in values.items() if name.startswith("option")]
    choice = values.get("choice")
    return options.index(choice) if isinstance(choice, str) and choice in options else -1


def _normal(class_type: str, field: Field, value: Any) -> Any:
    """A value as the page takes it up."""
    if value is ABSENT:
        return field.default
    if value is None:
        if field.type in ("COMBO", DYNAMIC_COMBO):
            return field.first
        return "" if field.options.get("multiline") else None
    if field.name == "sampler_name" and class_type in _SAMPLERS and isinstance(value, str):
        return value.removeprefix("sample_")  # as files of early 2023 have it
    return value


def without_dummies(fields: list[Field], values: list[Any]) -> list[Any]:
    """Return values without what was saved before ComfyUI's page 1.16 for inputs that hold none (``forceInput``).

    They are there if that makes the number of values come out even.
    """
    forced = [field for field in fields if not field.widget and field.options.get("forceInput")]
    if not forced:
        return values
    expected = [field for field in fields if field.sent and (field.widget or field.options.get("forceInput"))]
    flags = sum(1 for field in expected if field.widget and field.options.get(CONTROL))
    if len(values) != len(expected) + flags:
        return values
    kept, place = list[Any](), 0
    for field in expected:
        width = 2 if field.widget and field.options.get(CONTROL) else 1
        if field.widget:
            kept.extend(values[place : place + width])
        place += width
    return kept
