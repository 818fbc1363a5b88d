"""Write the TOML of a drafted preset, for people to edit: what the graph told, and a TODO where it told nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from comfy_headless.catalog.draft_rules import Grid, saved_value
from comfy_headless.catalog.models import COMMON, ImageModel, VideoModel
from comfy_headless.catalog.preset_file import Pack, Task
from comfy_headless.catalog.reading import GIVEN
from comfy_headless.graph.marking.find import Found
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Parameter, Template
from comfy_headless.graph.values import Kind

TODO: Final = "TODO"
"""What stands where a person is asked."""

_BY_ENCODER: Final[Mapping[str, str]] = {
    "wan": "WAN",
    "ltxv": "LTXV",
    "hunyuan_video": "HUNYUAN",
    "hunyuan_video_15": "HUNYUAN_15",
    "mochi": "MOCHI",
    "cogvideox": "COGVIDEOX",
    "lumina2": "Z_IMAGE",
}
_BY_CLASS: Final[Mapping[str, str]] = {
    "LTXAV": "LTX2",
    "SVD_": "SVD",
    "ADE_": "ANIMATEDIFF",
    "CogVideo": "COGVIDEOX",
    "CLIPTextEncodeSDXL": "SDXL",
}
_PRECISIONS: Final = re.compile(
    r"fp8_scaled|fp8_e4m3fn_scaled|fp8_e4m3fn|fp8_e5m2|fp4_mixed|nvfp4|bf16|fp16|fp32|fp8|I?Q\d\w*", re.IGNORECASE
)
_TYPES: Final = {
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "text",
    Kind.CHOICE: "text",
}


def find_todo(toml: str) -> tuple[tuple[int, str], ...]:
    """Return number and text of the lines in which a TODO stands."""
    lines = enumerate(toml.splitlines(), start=1)
    return tuple((number, line.strip()) for number, line in lines if TODO in line)


def settings_of(template: Template, found: Found) -> tuple[dict[str, Parameter], dict[str, Parameter]]:
    """Return the parameters that all presets share, and those that this one adds."""
    own = {name: each for name, each in template.parameters.items() if name not in (*GIVEN, *found.roles)}
    common = {name: each for name, each in own.items() if name in COMMON}
    return common, {name: each for name, each in own.items() if name not in COMMON}


def draft_file(
    name: str,
    task: Task,
    found: Found,
    template: Template,
    schemas: Schemas,
    *,
    described: Collection[str],
    size: Grid | None,
    frames: Grid | None,
    packs: Mapping[str, Pack],
    origin: str,
) -> str:
    """Return the TOML of a preset with this one task.

    Args:
        described: the roles whose file a ``files.toml`` describes.
        size: what width and height step through; None where the size is no setting.
        frames: what the length steps through.
        packs: those that are known, by name; their source in words.
        origin: what the workflow is called.
    """
    common, own = settings_of(template, found)
    graph = template.graph
    own_packs = list(_packs(graph, schemas, packs))
    makes = ['makes = "image"'] if found.made == "image" else []
    blocks = [
        [
            f"# {TODO} one line: whose model this is, and what it is for. Every line with a {TODO} is left to you;",
            f"# `comfy-headless presets test {name}.toml` lists them. docs/presets.md says what each key means.",
        ],
        [
            f"name = {_text(name)}",
            f"title = {_text(f'{TODO} what people call it')}",
            f"description = {_text(f'{TODO} what it makes and when to take it, in one sentence')}",
            f"family = {_text(name)}",
            *makes,
            f"model = {_text(_model(graph, found.made)[0])}{_model(graph, found.made)[1]}",
            f'tier = "standard"  # {TODO} draft, standard or quality',
        ],
        ["[tasks]", f"{task} = {_text(f'{name}_{task}')}", *_other_tasks(task, name)],
        ["[settings]", *_settings(common, found)],
        *(_setting(key, each, found) for key, each in own.items()),
        *_rules(common, found, size, frames),
        *_files(found, template, described),
        *(_pack(key, each) for key, each in own_packs),
        _needs(),
        _licence(),
        _prompting(template),
        ["[sources]", *_sources(name, origin, size, frames, own_packs)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _model(graph: Mapping[str, Any], made: str) -> tuple[str, str]:
    """The family by its text encoder's type or its own nodes, and a comment where nothing tells."""
    classes = [str(node["class_type"]) for node in graph.values()]
    told = [model for start, model in _BY_CLASS.items() if any(each.startswith(start) for each in classes)]
    kinds = [str(node["inputs"].get("type")) for node in graph.values() if "CLIPLoader" in node["class_type"]]
    told += [_BY_ENCODER[kind] for kind in kinds if kind in _BY_ENCODER]
    members = tuple(VideoModel.__members__ if made == "video" else ImageModel.__members__)
    fitting = [each for each in told if each in members]
    if fitting:
        return fitting[0], f"  # {TODO} check: told by the nodes; there are {', '.join(members)}"
    return "OTHER", f"  # {TODO} the family; there are {', '.join(members)}; OTHER is a new one"


def _other_tasks(task: Task, name: str) -> list[str]:
    others = [each for each in ("text", "image", "first_last") if each != task]
    return [f"# {' and '.join(others)}: each a template of its own, such as {name}_{others[0]}"]


def _settings(common: Mapping[str, Parameter], found: Found) -> Iterator[str]:
    size = {} if found.size is None else dict(zip(("width", "height"), found.size, strict=True))
    values = {**size, **{key: saved_value(each) for key, each in common.items()}}
    if found.fps is not None and "fps" in values:
        values["fps"] = found.fps
    for key in sorted(values, key=COMMON.index):
        yield f'{key} = {{ value = {_text(values[key])}, source = "workflow" }}'


def _setting(name: str, parameter: Parameter, found: Found) -> list[str]:
    slot = parameter.slots[0]
    kind = _TYPES.get(slot.limits.kind)
    if kind is None:
        kind = "number" if isinstance(saved_value(parameter), (int, float)) else "text"
    lines = [f"[setting.{name}]", f'type = "{kind}"']
    derived = next((each for each in found.derived if each.name == name), None)
    if derived is None:
        lines.append(f"default = {_text(saved_value(parameter))}")
    else:
        lines += [f"from = {_text(derived.origin)}", f"rule = {_text(derived.rule)}"]
        lines += [f"share = {derived.share}"] if derived.share is not None else []
    if kind in ("integer", "number"):
        limits = (("minimum", slot.limits.minimum), ("maximum", slot.limits.maximum))
        lines += [f"{key} = {_number(limit)}" for key, limit in limits if limit is not None and math.isfinite(limit)]
    if slot.limits.choices and all(isinstance(each, str) for each in slot.limits.choices):
        lines.append(f"choices = {_text(list(slot.limits.choices))}")
    said = found.descriptions.get(name) or parameter.description or _said(derived is not None, slot)
    return [*lines, f"description = {_text(said)}", 'source = "workflow"']


def _said(derived: bool, slot: Any) -> str:
    return f"{slot.field} of the first stage" if derived else f"{TODO} what {slot.field} of {slot.class_type} does"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**63 else repr(float(value))


def _rules(
    common: Mapping[str, Parameter], found: Found, size: Grid | None, frames: Grid | None
) -> Iterator[list[str]]:
    least = -(-size.minimum // size.step) * size.step if size else 1
    yield ["[rules.size]", f"multiple = {size.step if size else 1}", f"minimum = {least}", 'source = "size"']
    if found.size is not None:
        yield [
            f"# {TODO} all sizes that the maker names; this is the workflow's own.",
            "[rules.size.tested]",
            f"sizes = [[{found.size[0]}, {found.size[1]}]]",
            'source = "workflow"',
        ]
    if frames is not None:
        yield [
            "[rules.frames]",
            f"step = {frames.step}",
            f"remainder = {frames.remainder}",
            f"minimum = {frames.minimum}",
            'source = "frames"',
        ]
        yield [
            f"# {TODO} the longest that the maker names; this is the workflow's own.",
            "[rules.frames.tested]",
            f"maximum = {saved_value(common['frames'])}",
            'source = "workflow"',
        ]
    if "fps" in common:
        fps = saved_value(common["fps"]) if found.fps is None else found.fps
        yield ["[rules.fps.tested]", f"values = [{_number(fps)}]", 'source = "workflow"']


def _files(found: Found, template: Template, described: Collection[str]) -> Iterator[list[str]]:
    roles = {role: file for role, file in found.roles.items() if role in template.parameters}
    known = [f"{role} = {_text(f'{file.folder}/{file.name}')}" for role, file in roles.items() if role in described]
    yield ["[files]", *known] if known else ["[files]"]
    for role, file in roles.items():
        if role not in described:
            guess = _PRECISIONS.search(file.name)
            read = "; precision: guessed from the file's name" if guess else ""
            yield [
                f"[files.{role}]",
                f"name = {_text(file.name)}",
                f"folder = {_text(file.folder)}",
                f"repository = {_text(f'{TODO} owner/name on Hugging Face')}",
                f"path = {_text(f'{TODO} the place of the file in it, such as split_files/{file.folder}/{file.name}')}",
                f"# size_gb = 0.0  # {TODO} bytes / 1e9, as the repository lists it",
                f"precision = {_text(guess[0] if guess else f'{TODO} such as fp16')}",
                f"source = {_text(f'{TODO} where this was read{read}')}",
            ]


def _packs(graph: Mapping[str, Any], schemas: Schemas, known: Mapping[str, Pack]) -> Iterator[tuple[str, Pack]]:
    """The packs that the nodes are of, each with the key of its source."""
    classes = dict.fromkeys(str(node["class_type"]) for node in graph.values())
    names = list(dict.fromkeys(filter(None, map(Schemas.pack_of, classes))))
    unknown = [name for name in classes if name not in schemas]
    for pack in [*names, *([f"{TODO} the pack that brings {', '.join(unknown)}"] if unknown else [])]:
        open_one = Pack(
            name=pack,
            repository=f"{TODO} owner/name on GitHub",
            licence=f"{TODO} its licence",
            source=f"{TODO} which version of the pack was read",
        )
        yield "packs" if pack not in known else re.sub(r"\W", "_", pack.lower()), known.get(pack, open_one)


def _pack(key: str, pack: Pack) -> list[str]:
    lines = (f"{name} = {_text(value)}" for name, value in pack if name != "source")
    return ["[[packs]]", *lines, f"source = {_text(key)}"]


def _needs() -> list[str]:
    keys = ("min_vram_gb", "rec_vram_gb", "min_ram_gb")
    return [
        f"# {TODO} GiB, measured or read; until then these stand in. A rank of 1 and recommended_from above every card",
        "# keep it from being taken where no preset is named.",
        "[needs]",
        *(f'{key} = {{ value = {value}, source = "needs" }}' for key, value in zip(keys, (16, 24, 32), strict=True)),
        'rank = { value = 1, source = "needs" }',
        'recommended_from = { value = 1000, source = "needs" }',
    ]


def _licence() -> list[str]:
    return [
        "[licence]",
        f"name = {_text(f'{TODO} the licence of the weights')}",
        f"limits = [{_text(f'{TODO} its limits, one short line each')}]",
        f'commercial = "no"  # {TODO} yes, limited or no',
        f"excludes = []  # {TODO} where the weights may not be used, such as EU, GB, KR",
        'source = "licence"',
    ]


def _prompting(template: Template) -> list[str]:
    lines = ["[prompt]", f"guidance = [{_text(f'{TODO} how the maker says it wants to be asked')}]"]
    lines.append('source = "prompting"')
    negative = template.parameters.get("negative_prompt")
    text = saved_value(negative) if negative is not None else None
    if isinstance(text, str) and text.strip():
        lines.append(f'negative = {{ value = {_text(text)}, source = "workflow" }}')
    return lines


def _sources(
    name: str, origin: str, size: Grid | None, frames: Grid | None, packs: Collection[tuple[str, Pack]]
) -> Iterator[str]:
    yield f"workflow = {_text(f'{TODO} where this workflow is from (name, version, address); read from {origin}')}"
    for key, grid in (("size", size), ("frames", frames)):
        if grid is not None or key == "size":
            yield f"{key} = {_text(_of_nodes(name, grid))}"
    for key, text in {key: pack.source for key, pack in packs}.items():
        yield f"{key} = {_text(text)}"
    for key, what in (
        ("needs", "where the needs were measured or read: card, size, length"),
        ("licence", "where the licence was read"),
        ("prompting", "where the maker says so"),
    ):
        yield f"{key} = {_text(f'{TODO} {what}')}"


def _of_nodes(name: str, grid: Grid | None) -> str:
    measure = f"{TODO} measure it: comfy-headless presets test {name}.toml --server URL"
    if grid is None or not grid.nodes:
        return f"{measure}; no node's input field tells"
    read = f"ComfyUI {Schemas.snapshot().version}, {', '.join(grid.nodes)}: the steps of the input fields"
    beside = "" if grid.fits else ", made smaller, since the workflow's own values are not on it"
    return f"{read}{beside}. {measure}"
