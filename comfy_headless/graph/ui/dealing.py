"""Deal ``widgets_values`` out to the inputs of a class: one value for each place, in the order of the page.

Nothing is converted, clamped or checked against a list, as on the page: ``"20"`` stays a text. Where the values do not
fit the places, that is found out by their types (`misfit`) and never dealt silently to the wrong input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.ui.added import CONTROL, with_added
from comfy_headless.graph.ui.fields import Field, fields_in
from comfy_headless.graph.well_formed import DYNAMIC_COMBO

CONTROLS: Final = frozenset({"fixed", "increment", "decrement", "randomize"})
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
    given = _ByName(saved) if isinstance(saved, Mapping) else _InOrder(_without_dummies(fields, saved or []))
    dealt = Dealt([], {}, 0)
    for field in _expanded(class_type, fields, given, dealt.values):
        dealt.fields.append(field)
    return dealt._replace(places=given.places)


class _InOrder:
    """Values as a list: the next place takes the next one."""

    def __init__(self, values: list[Any]) -> None:
        self._values = iter(values)
        self.places = 0

    def take(self, field: Field) -> Any:
        self.places += 1
        return _normal(field, next(self._values, _ABSENT))

    def rest(self) -> list[Any]:
        return list(self._values)


class _ByName:
    """Values as a dict, as some node packs save them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.places = 0

    def take(self, field: Field) -> Any:
        self.places += 1
        return _normal(field, self._values.get(field.name, _ABSENT))

    def rest(self) -> list[Any]:
        return [value for name, value in self._values.items() if name.startswith("option") and value != ""]


_ABSENT: Final = object()


def _expanded(
    class_type: str, fields: Iterable[Field], given: _InOrder | _ByName, values: dict[str, Any]
) -> Iterator[Field]:
    for field in fields:
        yield field
        if not field.widget:
            continue
        value = given.take(field) if field.saved else field.default
        if not field.sent:
            continue
        values[field.name] = value
        if field.type == DYNAMIC_COMBO:
            inner = fields_in(field.chosen(value), f"{field.name}.")
            yield from _expanded(class_type, with_added(class_type, inner), given, values)
        elif class_type == "CustomCombo" and field.name == "choice":
            values.update(_custom_options(value, given))


def _custom_options(choice: Any, given: _InOrder | _ByName) -> dict[str, Any]:
    """A CustomCombo's own list: what was saved for the index, then the options, then an empty one for the next."""
    kept = given.rest()
    options = [value for value in (kept[1:] if isinstance(given, _InOrder) else kept) if value != ""][:_MOST_OPTIONS]
    given.places += len(kept)
    index = options.index(choice) if choice in options else -1
    return {"index": index, **{f"option{place}": option for place, option in enumerate([*options, ""], start=1)}}


def _normal(field: Field, value: Any) -> Any:
    """A value as the page takes it up."""
    if value is _ABSENT:
        return field.default
    if value is None:
        if field.type in ("COMBO", DYNAMIC_COMBO):
            return field.first
        return "" if field.options.get("multiline") else None
    return value


def _without_dummies(fields: list[Field], values: list[Any]) -> list[Any]:
    """Drop what was saved before ComfyUI's page 1.16 for inputs that hold no value (``forceInput``).

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
