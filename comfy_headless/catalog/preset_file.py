"""What a preset's TOML file may hold; pydantic checks it, and a JSON schema for editors follows from it.

Every number carries the key of a line in ``[sources]``: a preset without a source is not a preset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from comfy_headless.catalog.models import COMMON, ImageModel, VideoModel
from comfy_headless.catalog.prompting import Prompting
from comfy_headless.catalog.rules import FrameRule, Line, Part, RateRule, Rules, SizeRule, Sourced, SourceKey
from comfy_headless.catalog.variants import VARIANTS, Variants
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import Kind, Limits

Task = Literal["text", "image", "first_last"]
Number = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
DottedName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.]*$")]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


def _member(value: object) -> object:
    members = {**VideoModel.__members__, **ImageModel.__members__}
    if isinstance(value, str) and value in members:
        return members[value]
    raise ValueError(f"no such model; there are: {', '.join(members)}")


class Setting(Part):
    """What a common setting is unless the caller says otherwise.

    Args:
        value: taken where the caller gives none.
        fixed: why no other value is possible; left out, it is the caller's to choose.
    """

    value: StrictInt | StrictFloat | StrictStr
    source: SourceKey
    fixed: Line | None = None


class Declared(Part):
    """A setting that this family adds: its type, range and default, or what it follows from.

    Args:
        type: of its values.
        default: taken where the caller gives none.
        minimum: the least that the node takes.
        maximum: the most that the node takes.
        choices: the values that are possible, where they are few.
        origin: the setting it is derived from by ``rule``, unless the caller gives a value.
        rule: half (exactly), two_thirds (to the nearest multiple of 16), or handover (the step at which a second expert
            takes over).
        share: for ``handover``, the part of the steps that the first expert takes.
        fixed: why no other value is possible.
        description: what it does, in words, with its unit.
    """

    type: Literal["integer", "number", "text", "boolean"]
    default: StrictBool | StrictInt | StrictFloat | StrictStr | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    origin: Name | None = Field(default=None, alias="from")
    rule: Literal["half", "two_thirds", "handover"] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    fixed: Line | None = None
    description: str = ""
    source: SourceKey

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
    """A model file, as ``files.toml`` describes it.

    Args:
        name: of the file, as a server lists it.
        folder: model folder on the server, such as ``vae``.
        repository: owner/name on Hugging Face.
        path: the file's place in the repository.
        size_gb: in 1e9 bytes; left out where nobody has read it.
        precision: of its numbers: fp16, bf16, fp8_scaled, Q4_K_M and the like.
        weights: files of the same word are the same network in other precisions.
        network: what network it holds, of ``networks.toml``; a checkpoint too.
        vae: which VAE it is, or holds, of ``networks.toml``.
        also: other names under which the same weights in the same precision are usually had.
        factor: of an upscaler, how many times wider it makes a picture.
        source: where all this was read, in words.
    """

    name: Line
    folder: Line
    repository: Line
    path: Line
    size_gb: Number | None = None
    precision: Line
    weights: Name | None = None
    network: DottedName | None = None
    vae: DottedName | None = None
    also: tuple[Line, ...] = ()
    factor: Annotated[int, Field(ge=2)] | None = None
    source: Line

    @property
    def key(self) -> str:
        """How a preset names it."""
        return f"{self.folder}/{self.name}"


class Pack(Part):
    """A pack of nodes that a template needs beyond ComfyUI itself.

    Args:
        name: as people call it.
        repository: owner/name on GitHub.
        licence: of the pack's code.
    """

    name: Line
    repository: Line
    licence: Line
    source: SourceKey


class Needs(Part):
    """What a machine needs, and where the preset stands among the others.

    Args:
        min_vram_gb: GiB with which it runs, weights streamed from RAM.
        rec_vram_gb: GiB with which it runs at its own speed.
        min_ram_gb: GiB of main memory.
        rank: higher is better; the table of recommendations goes up by hundreds.
        recommended_from: GiB of VRAM from which it may be recommended.
        seconds: that sampling takes as it is on an RTX 4090, for a network whose operations ``networks.toml`` does not
            count; loading and decoding apart.
        comfyui: the first version of ComfyUI that loads the model, where its node classes do not tell: they are older.
    """

    min_vram_gb: Sourced[Number]
    rec_vram_gb: Sourced[Number]
    min_ram_gb: Sourced[Number]
    rank: Sourced[int]
    recommended_from: Sourced[Number]
    seconds: Sourced[Number] | None = None
    comfyui: Sourced[Version] | None = None


class Stage(Part):
    """A stage of sampling, for estimates of memory and time; settings are named, and roles.

    Args:
        role: of the model that samples; left out, the first that holds a network.
        network: of ``networks.toml``, where a pack fetches the model and no role names it.
        width: the setting that says how wide it samples.
        height: the same.
        steps: the setting that says how many steps it takes: a number, or a list of sigmas.
        cfg: the setting of its guidance: at 1 each step is one pass, else two.
    """

    role: Name | None = None
    network: DottedName | None = None
    width: Name = "width"
    height: Name = "height"
    steps: Name = "steps"
    cfg: Name = "cfg"


class Licence(Part):
    """The licence of the weights, and its limits as short facts.

    Args:
        name: as its text calls it.
        limits: what it asks for or forbids, a line each.
        commercial: whether the weights may serve a business; "limited" means up to a size, or after registering.
        excludes: where they may not be used: ISO 3166 codes, or EU.
    """

    name: Line
    limits: tuple[Line, ...] = ()
    commercial: Literal["yes", "limited", "no"]
    excludes: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    source: SourceKey


class RuleDifference(Part):
    """The rules that one task has instead of the preset's.

    Args:
        size: which widths and heights are possible, and which were tested.
        frames: which lengths are possible, and which were tested.
        fps: which frame rates were tested.
    """

    size: SizeRule | None = None
    frames: FrameRule | None = None
    fps: RateRule | None = None


class Difference(Part):
    """What one task has beside, or instead of, what the preset has for all.

    Args:
        settings: common settings.
        declared: settings that the family adds.
        files: model files, by role.
        rules: each entry replaces the preset's as a whole.
    """

    settings: dict[str, Setting] = Field(default={})
    declared: dict[Name, Declared] = Field(default={}, alias="setting")
    files: dict[Name, Line | ModelFile] = Field(default={})
    rules: RuleDifference = RuleDifference()


class PresetFile(Part):
    """One preset as written, with what its family says.

    Args:
        name: what ``--preset`` takes; the file's own name.
        title: its name for people.
        description: what it makes, in a sentence.
        family: the folder of its family, whose ``family.toml`` says what is not said here.
        makes: videos or images.
        model: the kind of model, a member of VideoModel or ImageModel.
        tier: how much it asks for and gives.
        tasks: for each task the name of its template, without ``.json``.
        settings: the settings that all presets share, as this one has them.
        declared: settings that the family adds, by name; the marker of the name puts one into the templates.
        rules: the sizes, lengths and rates that the model takes.
        files: role to ``folder/name`` of a file in a ``files.toml``, or the file itself; the marker of the role's name
            puts it into the templates.
        lora_roles: the roles of the models that a caller's LoRAs are for; left out, all of them.
        variants: those that are switched on unless the caller says otherwise.
        task: what one task has instead of what is said for all.
        packs: node packs that the templates need beyond ComfyUI itself.
        stages: of sampling, in order; left out, it is one, of all steps at full size.
        needs: what a machine needs, and where the preset stands among the others.
        licence: of the weights.
        prompt: how the model wants to be asked.
        sources: where each value was read, by key.
    """

    name: DottedName
    title: Line
    description: Line
    family: Line
    makes: Literal["video", "image"] = "video"
    model: Annotated[VideoModel | ImageModel, BeforeValidator(_member)]
    tier: Literal["draft", "standard", "quality"]
    tasks: Annotated[dict[Task, Line], Field(min_length=1)]
    settings: dict[str, Setting]
    declared: dict[Name, Declared] = Field(default={}, alias="setting")
    rules: Rules
    files: dict[Name, Line | ModelFile]
    lora_roles: tuple[Name, ...] | None = None
    variants: dict[str, Sourced[Any]] = Field(default={})
    task: dict[Task, Difference] = Field(default={})
    packs: tuple[Pack, ...] = ()
    stages: tuple[Stage, ...] = Field(default=(), alias="stage")
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
        differences: tuple[PresetFile | Difference, ...] = (self, *self.task.values())
        for difference in differences:
            for name in (*difference.declared, *difference.files):
                both = name in {**self.files, **difference.files} and name in {**self.declared, **difference.declared}
                if name in COMMON or name in VARIANTS or both:
                    raise ValueError(
                        f"the name {name!r} is used twice (common settings, variants, [setting.*], roles of [files])"
                    )
        return self

    @model_validator(mode="after")
    def _variants_are_known(self) -> Self:
        try:
            Variants(**{name: item.value for name, item in self.variants.items()})
        except ValidationError as error:
            raise ValueError(f"[variants]: {error}") from error
        return self

    @model_validator(mode="after")
    def _differences_are_of_tasks(self) -> Self:
        for task in self.task:
            if task not in self.tasks:
                raise ValueError(f"[task.{task}]: the preset has no such task; it has: {', '.join(self.tasks)}")
        for role in self.lora_roles or ():
            if role not in self.files:
                raise ValueError(f"lora_roles: {role!r} is no role; there are: {', '.join(self.files)}")
        return self

    @model_validator(mode="after")
    def _stages_name_what_exists(self) -> Self:
        settings = {**self.settings, **self.declared}
        for number, stage in enumerate(self.stages):
            for name in (stage.width, stage.height, stage.steps):
                if name not in settings:
                    raise ValueError(f"stage[{number}]: {name!r} is no setting; there are: {', '.join(settings)}")
            if stage.role is not None and stage.role not in self.files:
                raise ValueError(f"stage[{number}]: {stage.role!r} is no role; there are: {', '.join(self.files)}")
        return self


def _source_keys(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every ``source`` of a preset that is a key, with its place in the file."""
    if isinstance(value, ModelFile):
        return
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
