"""The inputs of a node class as the page makes them: which hold a value, which are sockets, in which order.

Measured with ComfyUI's frontend 1.47.12 on every class of ComfyUI 0.30.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.well_formed import DYNAMIC_COMBO, is_spec

AUTOGROW: Final = "COMFY_AUTOGROW_V3"
MATCH_TYPE: Final = "COMFY_MATCHTYPE_V3"
_WIDGETS: Final = frozenset(
    {"INT", "FLOAT", "BOOLEAN", "STRING", "COMBO", DYNAMIC_COMBO, "COLOR", "COLORS", "CURVE", "BOUNDING_BOX"}
    | {"BOUNDING_BOXES", "IMAGECOMPARE", "LOAD_3D", "WEBCAM", "AUDIO_RECORD", "PAINTER"}
)
_SEEDS: Final = frozenset({"seed", "noise_seed"})
_UPLOADS: Final = ("image_upload", "video_upload", "audio_upload")


class Field(NamedTuple):
    """One input of a class, or one value that the page adds to them.

    Args:
        type: of its socket, such as ``IMAGE`` or ``COMBO``.
        options: what object_info says beside the type.
        choices: of a combo as old classes write them.
        widget: whether it holds a value.
        saved: whether that value has a place in ``widgets_values``.
        sent: whether the server is told.
        match: the group of sockets that all take one type, whatever that is.
    """

    name: str
    type: str
    options: Mapping[str, Any]
    choices: tuple[Any, ...] | None = None
    widget: bool = True
    saved: bool = True
    sent: bool = True
    match: str = ""

    @property
    def kind(self) -> str:
        """The type of its value, which the class may name apart from that of the socket."""
        named = self.options.get("widgetType")
        return named if isinstance(named, str) and named else self.type

    @property
    def default(self) -> Any:
        """What the page begins with."""
        if "default" in self.options:
            return self.options["default"]
        if self.type == "COMBO" or self.type == DYNAMIC_COMBO:
            return self.first
        return _EMPTY.get(self.type, "")

    @property
    def first(self) -> Any:
        """The first choice of a combo; None if it has none."""
        return next(iter(self.combo), None)

    @property
    def combo(self) -> list[Any]:
        """The choices of a combo; of a dynamic one, its keys."""
        if self.choices is not None:
            return list(self.choices)
        options = self.options.get("options")
        listed = options if isinstance(options, list | tuple) else []
        return [each.get("key") for each in listed] if self.type == DYNAMIC_COMBO else list(listed)

    def chosen(self, key: Any) -> Mapping[str, Any]:
        """The inputs that a choice of a dynamic combo brings, in sections."""
        for option in self.options.get("options") or ():
            if option["key"] == key and isinstance(option.get("inputs"), Mapping):
                inputs: Mapping[str, Any] = option["inputs"]
                return inputs
        return {}


_EMPTY: Final[Mapping[str, Any]] = {"INT": 0, "FLOAT": 0, "BOOLEAN": False, "IMAGECOMPARE": ["", ""]}


def fields_in(sections: object, prefix: str = "") -> Iterator[Field]:
    """Yield the inputs of a class or of a choice, in the order of the page; hidden ones have none there."""
    for section in ("required", "optional"):
        inputs = sections.get(section) if isinstance(sections, Mapping) else None
        for name, spec in inputs.items() if isinstance(inputs, Mapping) else ():
            if is_spec(spec):
                yield _field(prefix + name, spec)


def _field(name: str, spec: Any) -> Field:
    if isinstance(spec, str):
        return Field(name, spec, {}, widget=spec in _WIDGETS)
    options: Mapping[str, Any] = spec[1] if len(spec) > 1 else {}
    choices = tuple(spec[0]) if isinstance(spec[0], list | tuple) else None
    kind = "COMBO" if choices is not None else spec[0]
    match = ""
    if kind == MATCH_TYPE:
        template = options.get("template")
        about: Mapping[str, Any] = template if isinstance(template, Mapping) else {}
        kind, match = str(about.get("allowed_types", "*")), str(about.get("template_id", kind))
    field = Field(name, kind, options, choices, saved=kind != "IMAGECOMPARE", match=match)
    return field._replace(widget=field.kind in _WIDGETS and not options.get("forceInput"))


def has_control(field: Field) -> bool:
    """Whether a place for control_after_generate follows that of an input."""
    flag = field.options.get("control_after_generate")
    if field.type == "INT" and field.name in _SEEDS:
        return flag is not False
    return bool(flag) and field.type in ("INT", "FLOAT", "COMBO")
