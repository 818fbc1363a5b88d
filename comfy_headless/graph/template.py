"""A template: an API-format graph whose node titles say which inputs a caller fills.

A template never changes: ``bind`` returns a new graph. Each input keeps its own saved value as default, so that one
parameter on two nodes without a value leaves both as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.live_inputs import unfold
from comfy_headless.graph.loaders import Media, media_of
from comfy_headless.graph.markers import Marker, parse_title, quoted, settled
from comfy_headless.graph.source import Graph, copy_json, is_link, read_graph
from comfy_headless.graph.values import Kind, Limits, fit, kind_of_default, kind_of_type, nearest, shown

if TYPE_CHECKING:
    from comfy_headless.graph.schemas import InputSchema, NodeSchema, Schemas

OUTPUTS: Final = frozenset(
    {
        *("SaveImage", "PreviewImage", "SaveAnimatedWEBP", "SaveAnimatedPNG", "SaveVideo", "SaveWEBM"),
        *("SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "PreviewAudio", "PreviewAny", "SaveGLB", "SaveText"),
        *("VHS_VideoCombine", "VHS_SaveVideo", "VHS_SaveAudio"),
    }
)
"""Output nodes where no object_info tells."""

_NAMELESS = frozenset({"SaveImage", "SaveVideo", "SaveAudio", "VHS_SaveVideo", "VHS_SaveAudio"})


@dataclass(frozen=True, slots=True)
class Slot:
    """One input that a parameter fills.

    Args:
        default: what the graph holds there; None for a wire or an absent input.
        schema: what the class says of the input; None where nobody knows.
    """

    node_id: str
    field: str
    class_type: str
    default: Any
    limits: Limits
    schema: InputSchema | None = dataclass_field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a caller can give, and the inputs it goes to.

    Args:
        media: the value is a file of this kind, which is uploaded; the inputs get its name on the server.
    """

    name: str
    slots: tuple[Slot, ...]
    required: bool
    media: Media | None
    description: str

    @property
    def upload(self) -> bool:
        """Whether the value is a file to upload."""
        return self.media is not None

    @property
    def bindings(self) -> tuple[tuple[str, str], ...]:
        """Node id and input of each slot."""
        return tuple((slot.node_id, slot.field) for slot in self.slots)

    @property
    def default(self) -> Any:
        """The first slot's saved value; None when a value must be given."""
        return None if self.required else self.slots[0].default


@dataclass(frozen=True, slots=True)
class Template:
    """A graph with its parameters and named outputs.

    Args:
        outputs: name to the node ids that carry it; an unmarked output node has its id as name.
        warnings: ``$words`` in titles that are not read as markers.
        schemas: what it was read with; None for nothing.
    """

    name: str
    parameters: Mapping[str, Parameter]
    outputs: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    _graph: Graph = dataclass_field(repr=False)
    schemas: Schemas | None = dataclass_field(default=None, repr=False, compare=False)

    @classmethod
    def read(
        cls, source: Mapping[str, Any] | str | bytes, *, name: str = "workflow", schemas: Schemas | None = None
    ) -> Template:
        """Read a graph or its JSON text.

        Args:
            name: how errors name it.
            schemas: with them a marker may leave its input open, and values are held to types, ranges and choices.

        Raises:
            ValidationError: not an API-format graph, or a marker that does not fit, named with node, title, position.
        """
        graph = read_graph(source, name=name)
        found: dict[str, list[Parameter]] = {}
        outputs: dict[str, list[str]] = {}
        warnings: list[str] = []
        for node_id in graph:
            reader = _Node(graph, node_id, name, schemas)
            markers, unread = parse_title(reader.title, where=reader.where)
            for marker in markers:
                if marker.output:
                    reader.check_output(marker)
                else:
                    found.setdefault(marker.name, []).append(reader.parameter(marker))
            for variable in reader.output_names(markers):
                outputs.setdefault(variable, []).append(node_id)
            warnings.extend(map(reader.unread, unread))
        parameters = {each: _joined(parts) for each, parts in found.items()}
        _refuse_shared(parameters, name)
        named = {each: tuple(nodes) for each, nodes in outputs.items()}
        return cls(name, MappingProxyType(parameters), MappingProxyType(named), tuple(warnings), graph, schemas)

    @property
    def graph(self) -> Graph:
        """A copy of the graph as read."""
        return self.bind_some({})

    def bind(self, values: Mapping[str, Any], *, any_choice: bool = False) -> Graph:
        """Return a new graph with ``values`` in place; None means not given.

        What was required holds a value now, and its marker is no longer required: the graph runs as it is.

        Args:
            any_choice: take names that the schemas do not list: a server with more packs may know them.

        Raises:
            ValidationError: unknown name, required value missing, or a value that an input does not take.
        """
        given = {name: value for name, value in values.items() if value is not None}
        missing = [name for name, parameter in self.parameters.items() if parameter.required and name not in given]
        self._known(given)
        if missing:
            listed = ", ".join(f"{name!r}{self._described(name)}" for name in missing)
            more = "; describe(...), or comfy-headless describe, lists all that it takes"
            raise ValidationError(f"{self.name}: required and not given: {listed}{more}")
        graph = self.bind_some(given, any_choice=any_choice)
        for node_id in self._requiring:
            graph[node_id]["_meta"]["title"] = settled(graph[node_id]["_meta"]["title"], given)
        return graph

    @property
    def _requiring(self) -> set[str]:
        return {slot.node_id for each in self.parameters.values() if each.required for slot in each.slots}

    def bind_some(self, values: Mapping[str, Any], *, any_choice: bool = False) -> Graph:
        """Return a new graph with ``values`` in place, required or not; the others keep what was saved.

        Raises:
            ValidationError: unknown name, or a value that an input does not take.
        """
        self._known(values)
        graph: Graph = copy_json(self._graph)
        for name, value in values.items():
            if value is None:
                continue
            for slot in self.parameters[name].slots:
                graph[slot.node_id]["inputs"][slot.field] = _fitted(
                    value, slot, f"{self.name}: {name}={shown(value)}", any_choice
                )
        return graph

    def _known(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                hint = nearest(str(name), self.parameters)
                raise ValidationError(f"{self.name} has no parameter {name!r}{hint} It has: {known}")

    def _described(self, name: str) -> str:
        text = self.parameters[name].description
        return f" ({text})" if text else ""


class _Node:
    """One node while its title is read: finds the input that a marker means."""

    def __init__(self, graph: Graph, node_id: str, name: str, schemas: Schemas | None) -> None:
        node = graph[node_id]
        self.graph, self.node_id, self.inputs = graph, node_id, node["inputs"]
        self.class_type: str = node["class_type"]
        self.title: str = (node.get("_meta") or {}).get("title") or ""
        self.where = f"{name}: node {node_id} ({self.class_type})"
        self.schema: NodeSchema | None = schemas[self.class_type] if schemas and self.class_type in schemas else None
        live = unfold(self.schema, self.inputs).inputs if self.schema and "$" in self.title else ()
        self.known = {each.name: each for each in live}

    def parameter(self, marker: Marker) -> Parameter:
        """Return the parameter with this one slot."""
        name = self._field(marker)
        saved = self.inputs.get(name)
        wired = is_link(saved, self.graph)
        if not marker.required and (saved is None or wired):
            state = "is a wire" if wired else "has no saved value"
            raise self._refused(marker, f"input {name!r} {state}, so '${marker.name}' needs '!' (required)")
        default = None if wired else saved
        media = media_of(self.class_type, name, self.schema) or ("file" if marker.upload else None)
        limits = Limits(Kind.FILE) if media else self._limits(name, default)
        slot = Slot(self.node_id, name, self.class_type, default, limits, self.known.get(name))
        return Parameter(marker.name, (slot,), marker.required, media, marker.description)

    def output_names(self, markers: tuple[Marker, ...]) -> tuple[str, ...]:
        """Return the names of this node's output: its markers', else its id if it is an output node."""
        named = tuple(marker.name or self.node_id for marker in markers if marker.output)
        is_output = self.schema.output_node if self.schema else self.class_type in OUTPUTS
        return named or ((self.node_id,) if is_output else ())

    def check_output(self, marker: Marker) -> None:
        """Refuse ``$output`` without a name, but on the five classes where ComfyKit reads it as the node itself."""
        if not marker.name and self.class_type not in _NAMELESS:
            raise self._refused(marker, "an output needs a name, as in '$output.video'")

    def unread(self, word: str) -> str:
        """Return the warning that a word looks like a marker and is none."""
        title = quoted(self.title, self.title.index(word))
        return f"{self.where}: {word!r} in title {title} is not read as a marker, since a comma must come before it"

    def _field(self, marker: Marker) -> str:
        names = self._names()
        if marker.field is not None:
            if marker.field in names:
                return marker.field
            hint = nearest(marker.field, names)
            raise self._refused(
                marker, f"there is no input {marker.field!r}{hint} It has: {', '.join(names) or 'none'}"
            )
        if marker.name in names:
            return marker.name
        fitting = self._fitting(marker.upload)
        if " " in marker.name:
            raise self._refused(
                marker,
                f"there is no input {marker.name!r}; words behind a marker are a description, which begins with ':'",
            )
        if len(fitting) == 1:
            return fitting[0]
        listed = ", ".join(f"${'~' if marker.upload else ''}{marker.name}.{name}" for name in self._widgets())
        raise self._refused(marker, f"there is no input {marker.name!r}; say which one is meant: {listed or 'none'}")

    def _names(self) -> list[str]:
        return [*self.inputs, *(name for name in self.known if name not in self.inputs)]

    def _widgets(self) -> list[str]:
        return [name for name in self.inputs if not is_link(self.inputs[name], self.graph)]

    def _fitting(self, upload: bool) -> list[str]:
        """The inputs that a marker without a field can mean: the loader's file, or the class's one required widget."""
        if upload:
            return [name for name in self._names() if media_of(self.class_type, name, self.schema)]
        required = [each for each in self.known.values() if each.required]
        return [each.name for each in required if each.choices is not None or kind_of_type(each.type) is not Kind.ANY]

    def _limits(self, name: str, default: Any) -> Limits:
        found = self.known.get(name)
        if found is None:
            return Limits(kind_of_default(default))
        kind = kind_of_type(found.type) if found.choices is None else Kind.CHOICE
        return Limits(kind, found.min, found.max, () if found.open else found.choices or ())

    def _refused(self, marker: Marker, problem: str) -> ValidationError:
        title = quoted(self.title, marker.position)
        return ValidationError(f"{self.where}, title {title}, position {marker.position}: {problem}")


def _fitted(value: Any, slot: Slot, what: str, any_choice: bool) -> Any:
    fitted = fit(value, replace(slot.limits, choices=()) if any_choice else slot.limits, what)
    whole = isinstance(fitted, float) and type(slot.default) is int and fitted.is_integer()
    return int(fitted) if whole else fitted


def _joined(parts: list[Parameter]) -> Parameter:
    """One parameter on several inputs: required and a file if any of them is."""
    slots = {part.bindings[0]: part.slots[0] for part in parts}
    kinds = {part.media for part in parts} - {None}
    return replace(
        parts[0],
        slots=tuple(slots.values()),
        required=any(part.required for part in parts),
        media=kinds.pop() if len(kinds) == 1 else "file" if kinds else None,
        description=next((part.description for part in parts if part.description), ""),
    )


def _refuse_shared(parameters: Mapping[str, Parameter], name: str) -> None:
    taken: dict[tuple[str, str], str] = {}
    for parameter in parameters.values():
        for node_id, input_name in parameter.bindings:
            other = taken.setdefault((node_id, input_name), parameter.name)
            if other != parameter.name:
                raise ValidationError(
                    f"{name}: node {node_id}: input {input_name!r} is filled by ${other} and by ${parameter.name}"
                )
