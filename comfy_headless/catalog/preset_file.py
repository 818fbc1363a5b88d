"""What a preset's TOML file may hold; pydantic checks it, and a JSON schema for editors follows from it.

Every number carries the key of a line in ``[sources]``: a preset without a source is not a preset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from comfy_headless.catalog.models import COMMON, VideoModel
from comfy_headless.catalog.rules import Part, Rules
from comfy_headless.graph.values import Kind, Limits

Task = Literal["text", "image", "first_last"]
T = TypeVar("T")
Number = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
PresetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.]*$")]
Line = Annotated[str, Field(min_length=1)]


def _member(value: object) -> object:
    if isinstance(value, str) and value in VideoModel.__members__:
        return VideoModel[value]
    raise ValueError(f"no such model; there are: {', '.join(VideoModel.__members__)}")


class Sourced(Part, Generic[T]):
    """A value and where it comes from."""

    value: T
    source: str


class Setting(Part):
    """What a common setting is unless the caller says otherwise.

    Args:
        fixed: why no other value is possible; None leaves it to the caller.
    """

    value: StrictInt | StrictFloat | StrictStr
    source: str
    fixed: Line | None = None


class Declared(Part):
    """A setting that this family adds: its type, range and default, or what it follows from.

    Args:
        origin: the setting it is derived from by ``rule``, unless the caller gives a value.
        share: for ``handover``, the part of the steps that the first expert takes.
        fixed: why no other value is possible.
    """

    type: Literal["integer", "number", "text", "boolean"]
    default: StrictBool | StrictInt | StrictFloat | StrictStr | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    origin: Name | None = Field(default=None, alias="from")
    rule: Literal["half", "handover"] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    fixed: Line | None = None
    description: str = ""
    source: str

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if (self.origin is None) != (self.rule is None):
            raise ValueError("'from' and 'rule' go together")
        if (self.default is None) == (self.origin is None):
            raise ValueError("it needs either a default or 'from' and 'rule'")
        return self

    @property
    def limits(self) -> Limits:
        """What it takes."""
        return Limits(Kind(self.type), self.minimum, self.maximum, self.choices)


class ModelFile(Part):
    """A model file by its role; the marker of the role's name puts it into the templates.

    Args:
        folder: model folder on the server, such as ``vae``.
        repository: on Hugging Face; ``path`` is the file's place there.
        size_gb: 1e9 bytes.
    """

    role: Name
    name: Line
    folder: Line
    repository: Line
    path: Line
    size_gb: Number
    precision: Line
    source: str


class Needs(Part):
    """What a machine needs, and where the preset stands among the others.

    Args:
        min_vram_gb: GiB with which it runs, weights streamed from RAM.
        rec_vram_gb: GiB with which it runs at its own speed.
        min_ram_gb: GiB of main memory.
        rank: higher is better; the table of recommendations goes up by hundreds.
        recommended_from: GiB of VRAM from which it may be recommended.
    """

    min_vram_gb: Sourced[Number]
    rec_vram_gb: Sourced[Number]
    min_ram_gb: Sourced[Number]
    rank: Sourced[int]
    recommended_from: Sourced[Number]


class Licence(Part):
    """The licence of the weights, and its limits as short facts."""

    name: Line
    limits: tuple[Line, ...] = ()
    source: str


class Prompting(Part):
    """How the model wants to be asked, as short facts; and its usual negative prompt."""

    guidance: tuple[Line, ...] = ()
    negative: Sourced[str] | None = None
    source: str


class PresetFile(Part):
    """One preset as written."""

    name: PresetName
    title: Line
    description: Line
    family: Line
    model: Annotated[VideoModel, BeforeValidator(_member)]
    tier: Literal["draft", "standard", "quality"]
    tasks: Annotated[dict[Task, Line], Field(min_length=1)]
    settings: dict[str, Setting]
    declared: dict[Name, Declared] = Field(default={}, alias="setting")
    rules: Rules
    files: tuple[ModelFile, ...]
    needs: Needs
    licence: Licence
    prompt: Prompting
    sources: Annotated[dict[str, Line], Field(min_length=1)]

    @model_validator(mode="after")
    def _sources_exist(self) -> Self:
        for where, key in _source_keys(self, ""):
            if key not in self.sources:
                raise ValueError(f"{where} = {key!r} is not in [sources]; there are: {', '.join(self.sources)}")
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        roles = [file.role for file in self.files]
        for name in (*self.declared, *roles):
            if name in COMMON or (name in roles and name in self.declared) or roles.count(name) > 1:
                raise ValueError(f"the name {name!r} is used twice (common settings, [setting.*], roles of [[files]])")
        return self


def _source_keys(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every ``source`` of a preset, with its place in the file."""
    if isinstance(value, Part):
        for name, field in type(value).model_fields.items():
            inside = f"{where}.{field.alias or name}".lstrip(".")
            item = getattr(value, name)
            if name == "source":
                yield inside, item
            else:
                yield from _source_keys(item, inside)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _source_keys(item, f"{where}.{key}")
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _source_keys(item, f"{where}[{number}]")
