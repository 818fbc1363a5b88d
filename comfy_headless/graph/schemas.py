"""Node schemas: a server's ``/object_info``, indexed, and the snapshot of ComfyUI 0.30.0 that is shipped.

Classes are read when they are asked for; what the snapshot holds, and what it leaves out, says ``graph/snapshot.py``.

What a machine has on disk (model files, the input folder) is not in the snapshot: such inputs are *open* (any name
passes) until `Schemas.with_files` or `Schemas.with_choices` says what is there. Lists of a live server are closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from comfy_headless.graph import snapshot
from comfy_headless.graph.file_inputs import FILE_INPUTS, INPUT_FILES, MODEL_INPUTS, InputKey, list_files
from comfy_headless.graph.well_formed import DYNAMIC_COMBO, DYNAMIC_TYPES, is_spec, is_well_formed

__all__ = [
    "DYNAMIC_COMBO",
    "INPUT_FILES",
    "MODEL_INPUTS",
    "Category",
    "InputSchema",
    "NodeSchema",
    "OutputSchema",
    "Schemas",
]

Category = Literal["required", "optional", "hidden"]
_CATEGORIES: Final[tuple[Category, ...]] = ("required", "optional", "hidden")

ANY: Final = "*"
"""The type of an input that takes whatever it is given."""


@dataclass(frozen=True, slots=True)
class InputSchema:
    """One input of a node.

    Args:
        name: as a graph spells it; inputs inside a dynamic one are dotted, such as ``codec.encoding``.
        category: hidden inputs are filled in by the server.
        spec: the type as object_info writes it: a name, or in old nodes the list of choices itself.
        options: what object_info says beside the type (default, min, max, options, ...).
        open: the choices are files of a machine that is not known; any name may be there.
    """

    name: str
    category: Category
    spec: Any
    options: Mapping[str, Any]
    open: bool = False

    @property
    def type(self) -> str:
        """Name of the type; ``COMBO`` for both ways to write a choice."""
        return self.spec if isinstance(self.spec, str) else "COMBO"

    @property
    def required(self) -> bool:
        """Whether the server refuses a node without it."""
        return self.category == "required"

    @property
    def default(self) -> Any:
        """What the editor fills in, or None. The server itself never does."""
        return self.options.get("default")

    @property
    def min(self) -> float | None:
        """Least value, or None."""
        return self.options.get("min")

    @property
    def max(self) -> float | None:
        """Greatest value, or None."""
        return self.options.get("max")

    @property
    def lazy(self) -> bool:
        """Whether the node may do without what is linked here."""
        return bool(self.options.get("lazy"))

    @property
    def dynamic(self) -> bool:
        """Whether the value decides which further inputs there are."""
        return self.spec in DYNAMIC_TYPES if isinstance(self.spec, str) else False

    @property
    def choices(self) -> tuple[Any, ...] | None:
        """Legal values, or None if it is no choice; a dynamic choice gives its keys."""
        if isinstance(self.spec, list):
            return tuple(self.spec)
        if self.spec == "COMBO":
            return tuple(self.options.get("options") or ())
        if self.spec == DYNAMIC_COMBO:
            return tuple(option["key"] for option in self.options.get("options") or ())
        return None


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """One output of a node: its name, its type, and whether it gives a list."""

    name: str
    type: Any
    is_list: bool


@dataclass(frozen=True, slots=True)
class NodeSchema:
    """One node class.

    Args:
        inputs: in the order of the node: required, optional, hidden.
        returns: output types as the server indexes them: a list for nodes of its V3 interface, else a tuple.
        output_node: whether the server runs it for its own sake (it saves or shows something).
        module: the Python module on the server, such as ``nodes`` or ``custom_nodes.<pack>``.
        whole: whether all that the server says of it has the shape that ComfyUI gives it; an input of another shape
            takes anything here.
    """

    name: str
    display_name: str
    category: str
    module: str
    inputs: tuple[InputSchema, ...]
    outputs: tuple[OutputSchema, ...]
    returns: Any
    output_node: bool
    dynamic: bool
    whole: bool = True

    @property
    def core(self) -> bool:
        """Whether ComfyUI itself brings the class, so that its schema tells everything it takes."""
        return self.module.split(".", 1)[0] in ("nodes", "comfy_extras", "comfy_api_nodes")

    @property
    def pack(self) -> str | None:
        """Folder of the node pack that brings the class; None for ComfyUI's own."""
        where, _, folder = self.module.partition(".")
        return folder if where == "custom_nodes" else None

    def input(self, name: str) -> InputSchema | None:
        """Return the input of that name, or None; inputs inside a dynamic one are not found here."""
        return next((item for item in self.inputs if item.name == name), None)


class Schemas(Mapping[str, NodeSchema]):
    """The node classes of a server, by name; each is parsed when it is first asked for.

    >>> Schemas.snapshot()["KSampler"].input("steps").max
    10000
    """

    __slots__ = ("_choices", "_choosing", "_load", "_names", "_nodes", "_open", "_raw", "version")

    def __init__(
        self,
        names: Mapping[str, Any],
        load: Callable[[str], dict[str, Any]],
        *,
        choices: Mapping[InputKey, list[str]] | None = None,
        open_inputs: frozenset[InputKey] = frozenset(),
        version: str | None = None,
    ) -> None:
        self._names = names
        self._load = load
        self._choices = choices or {}
        self._choosing = frozenset(name for name, _ in self._choices)
        self._open = open_inputs
        self._raw: dict[str, dict[str, Any]] = {}
        self._nodes: dict[str, NodeSchema] = {}
        self.version = version

    @classmethod
    def from_object_info(cls, raw: Mapping[str, Any]) -> Schemas:
        """Index the answer of ``GET /object_info``; it is kept, not copied."""
        return cls(raw, raw.__getitem__)

    @classmethod
    def snapshot(cls, packs: Iterable[str] = ()) -> Schemas:
        """Return the shipped schemas of ComfyUI 0.30.0 and of these node packs, file lists open.

        Args:
            packs: some of `packs`, such as ``["ComfyUI-GGUF"]``.

        Raises:
            ValidationError: there are no schemas of such a pack.
        """
        return _snapshot(snapshot.known_packs(packs))

    @staticmethod
    def packs() -> tuple[str, ...]:
        """Return the node packs whose schemas are shipped, by the name of their folder in ``custom_nodes``."""
        return snapshot.pack_names()

    @staticmethod
    def pack_of(class_type: str) -> str | None:
        """Return the shipped pack that brings a class; None for ComfyUI's own, and for one that nobody knows."""
        return snapshot.pack_of(class_type)

    def with_choices(self, choices: Mapping[InputKey, Iterable[str]]) -> Schemas:
        """Return the same classes with these choices; inputs named here are no longer open.

        Args:
            choices: for ``(class, input)`` the legal values, such as
                ``{("UNETLoader", "unet_name"): ["wan.safetensors"]}``.
        """
        given = {key: list(values) for key, values in choices.items()}
        return Schemas(
            self._names,
            self._load if self._choices else self.raw,  # what all share is read once
            choices={**self._choices, **given},
            open_inputs=self._open - given.keys(),
            version=self.version,
        )

    def with_files(self, models: Mapping[str, Iterable[str]], inputs: Iterable[str] = ()) -> Schemas:
        """Return the same classes as a server shows them that has these files and no others.

        Args:
            models: file names per model folder, such as ``{"vae": ["wan_2.1_vae.safetensors"]}``.
            inputs: paths below the input folder, with ``/``.
        """
        names = list(inputs)
        return self.with_choices({key: list_files(key, models, names) for key in FILE_INPUTS if key[0] in self})

    def raw(self, class_type: str) -> dict[str, Any]:
        """Return a class as ``/object_info`` writes it. Read only: it is shared.

        Raises:
            KeyError: no such class.
        """
        found = self._raw.get(class_type)
        if found is None:
            found = self._with_own_choices(class_type, self._load(class_type))
            self._raw[class_type] = found
        return found

    def is_open(self, class_type: str, name: str) -> bool:
        """Return whether that input lists files of a machine that is not known."""
        return (class_type, name) in self._open

    def __getitem__(self, class_type: str) -> NodeSchema:
        node = self._nodes.get(class_type)
        if node is None:
            node = _read_node(class_type, self.raw(class_type), self._open)
            self._nodes[class_type] = node
        return node

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _with_own_choices(self, class_type: str, raw: dict[str, Any]) -> dict[str, Any]:
        if class_type not in self._choosing:
            return raw
        own = {name: values for (owner, name), values in self._choices.items() if owner == class_type}
        sections = {
            section: {name: _replace_choices(spec, own.get(name)) for name, spec in inputs.items()}
            for section, inputs in raw["input"].items()
        }
        return {**raw, "input": sections}


def _replace_choices(spec: Any, choices: list[str] | None) -> Any:
    if choices is None:
        return spec
    if isinstance(spec[0], list):
        return [choices, *spec[1:]]
    return [spec[0], {**(spec[1] if len(spec) > 1 else {}), "options": choices}]


def _read_node(name: str, raw: Any, open_inputs: frozenset[InputKey]) -> NodeSchema:
    whole = is_well_formed(raw)
    raw = _mapping(raw)
    sections = _mapping(raw.get("input"))
    inputs = tuple(
        read_input(item, category, spec, is_open=(name, item) in open_inputs)
        if whole or is_spec(spec)
        else InputSchema(item, category if category == "hidden" else "optional", ANY, {})
        for category in _CATEGORIES
        for item, spec in _mapping(sections.get(category)).items()
    )
    types = _list(raw.get("output"))
    titles = _list(raw.get("output_name")) or types
    lists = _list(raw.get("output_is_list")) or [False] * len(types)
    # Only nodes of the V3 interface always carry these three keys; their types are a Python list on the server.
    is_v3 = raw.keys() >= {"deprecated", "experimental", "api_node"}
    return NodeSchema(
        name=name,
        display_name=_text(raw.get("display_name")) or name,
        category=_text(raw.get("category")),
        module=_text(raw.get("python_module")),
        inputs=inputs,
        outputs=tuple(OutputSchema(str(n), t, bool(many)) for n, t, many in zip(titles, types, lists, strict=False)),
        returns=list(types) if is_v3 else tuple(types),
        output_node=raw.get("output_node") is True,
        dynamic=any(item.dynamic for item in inputs),
        whole=whole,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def read_input(name: str, category: Category, spec: Any, *, is_open: bool = False) -> InputSchema:
    """Return the schema of one input from object_info's ``[type, options]``; hidden ones may be a bare name."""
    if isinstance(spec, str):
        return InputSchema(name, category, spec, {})
    options = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    return InputSchema(name, category, spec[0], options, is_open)


@cache
def _snapshot(packs: tuple[str, ...]) -> Schemas:
    core = snapshot.core()
    if not packs:
        return Schemas(core.texts, core.load, open_inputs=FILE_INPUTS, version=core.comfyui)
    more = snapshot.packs()
    names = {**core.texts, **{name: None for pack in packs for name in more.packs[pack]["classes"]}}

    def load(class_type: str) -> dict[str, Any]:
        return (core if class_type in core.texts else more).load(class_type)

    return Schemas(names, load, open_inputs=FILE_INPUTS, version=core.comfyui)
