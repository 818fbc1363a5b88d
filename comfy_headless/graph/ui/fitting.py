"""Find out whether saved values fit their class, and deal them out another way where they do not.

The page shifts all that follows a place that is missing, unnoticed. Here the types tell: a list whose values stand
where they cannot belong is dealt out without control_after_generate (files of early 2023), or by the names that the
node's saved inputs give (the class has changed since). What fits no way is dealt out as the page does, with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.ui.added import CONTROL
from comfy_headless.graph.ui.canvas import Node
from comfy_headless.graph.ui.dealing import ABSENT, CONTROLS, Dealt, deal, deal_from, without_dummies
from comfy_headless.graph.ui.fields import Field, has_control
from comfy_headless.graph.values import shown
from comfy_headless.graph.well_formed import DYNAMIC_COMBO


class Fitted(NamedTuple):
    """The values of a node, and what is to be said of them."""

    dealt: Dealt
    warning: str = ""


def deal_fitting(node: Node, fields: list[Field], *, own: bool) -> Fitted:
    """Deal out a node's values so that they fit the class.

    Args:
        own: whether the class is ComfyUI's own, so that all it saves is known.
    """
    saved = without_dummies(fields, node.values) if isinstance(node.values, list) else node.values
    dealt = deal(node.type, fields, saved)
    if not isinstance(saved, list) or not saved or (len(saved) == dealt.places and not _is_stale(node, dealt)):
        return Fitted(dealt)
    wrong = _misplaced(node.type, fields, saved)
    if wrong is None:
        count = f"{len(saved)} values are saved for {dealt.places} inputs"
        return Fitted(dealt, "" if own or len(saved) <= dealt.places else f"{count}; the last ones count for nothing")
    without = _Checked(list(saved), skip_controls=True)
    other = deal_from(node.type, fields, without)
    if without.wrong is None and without.places == len(saved):
        return Fitted(other, "saved before control_after_generate was: its place is missing, the others are kept")
    named = _by_name(node, fields, saved)
    if named is not None:
        return Fitted(named, "the class had other inputs when this was saved: its values are taken by their names")
    field, value = wrong
    return Fitted(
        dealt,
        f"{len(saved)} values are saved for {dealt.places} inputs, and {shown(value)} stands where {field.name} "
        f"({field.type}) is: the class may have changed since; look at its values in the browser and save again",
    )


def _is_stale(node: Node, dealt: Dealt) -> bool:
    """Whether the file has an input that holds a value, and the class has it no more."""
    known = {field.name for field in dealt.fields}
    return any(one.widget and one.name not in known for one in node.inputs)


def _misplaced(class_type: str, fields: list[Field], saved: list[Any]) -> tuple[Field, Any] | None:
    """The first value that cannot belong where it stands, None if there is none."""
    checked = _Checked(saved)
    deal_from(class_type, fields, checked)
    return checked.wrong


class _Checked:
    """Values as a list, looked at while they are dealt out."""

    def __init__(self, values: list[Any], *, skip_controls: bool = False) -> None:
        self._values = iter(values)
        self._skips = skip_controls
        self.places = 0
        self.wrong: tuple[Field, Any] | None = None

    def take(self, field: Field) -> Any:
        if self._skips and _is_control(field):
            return ABSENT
        self.places += 1
        value = next(self._values, ABSENT)
        if self.wrong is None and value is not ABSENT and not belongs(value, field):
            self.wrong = (field, value)
        return value

    def rest(self) -> list[Any]:
        return list(self._values)


def _is_control(field: Field) -> bool:
    return not field.sent and field.name in (CONTROL, *CONTROLS, "control_filter_list")


def belongs(value: Any, field: Field) -> bool:
    """Return whether a value may be one of that input: of its type, or of a choice's list where that is known."""
    if value is None:
        return True
    kind = field.kind
    if _is_control(field):
        return isinstance(value, bool | str) and (value in (*CONTROLS, "", True, False))
    if kind in ("INT", "FLOAT"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in _PLAIN:
        return isinstance(value, _PLAIN[kind])
    if kind not in ("COMBO", DYNAMIC_COMBO):
        return True
    listed = field.combo
    if not listed or not any(isinstance(one, str) for one in listed):
        return not isinstance(value, bool | dict)
    if kind == DYNAMIC_COMBO or not any(isinstance(one, str) and "." in one for one in listed):
        return value in listed
    return isinstance(value, str)  # names of files differ from server to server


_PLAIN: Final[Mapping[str, type]] = {"BOOLEAN": bool, "STRING": str}


def _by_name(node: Node, fields: list[Field], saved: list[Any]) -> Dealt | None:
    """Deal the values out by the names that the node's inputs have in the file, None if that does not fit either."""
    known = {field.name: field for field in fields if field.widget and field.sent}
    names = [one.name for one in node.inputs if one.widget]
    if any(field.type == DYNAMIC_COMBO for field in fields) or not names:
        return None
    places = list(_places(names, known))
    if len(places) != len(saved):
        return None
    pairs = list(zip(places, saved, strict=True))
    if not all(field is None or belongs(value, field) for field, value in pairs):
        return None
    return deal(node.type, fields, {field.name: value for field, value in pairs if field is not None and field.sent})


def _places(names: list[str], known: Mapping[str, Field]) -> Iterator[Field | None]:
    """The places of a list that was saved for inputs of these names; None for one that the class has no more."""
    for name in names:
        field = known.get(name)
        yield field
        if field is not None and has_control(field):
            yield Field(CONTROL, "COMBO", {}, sent=False)
