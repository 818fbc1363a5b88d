"""The page of ``presets show``: blocks of rows, each with the key of its source, and the sources below.

What differs between tasks stands once for each, and says for which.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.ages import FIRST, runs_since
from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.models import COMMON
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Declared, ModelFile, Setting, Task
from comfy_headless.catalog.rules import RangeTested, Rules, SizesTested
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.vram import duration, estimate_vram

_FROM: Final[Mapping[Task, str]] = {
    "text": "text",
    "image": "a first image",
    "first_last": "a first and a last image",
}
_FOR: Final[Mapping[Task, str]] = {"text": "from text", "image": "from an image", "first_last": "from both images"}
_DERIVED: Final = {"half": "half of {}", "two_thirds": "two thirds of {}", "handover": "{share:g} of {}"}
_COMMERCIAL: Final = {"yes": "allowed", "limited": "allowed within limits", "no": "not allowed"}
_LEAST: Final = 24
"""Columns that a text needs beside its name; else it stands below."""


class _Line(NamedTuple):
    """A row of a block: a name, what is said of it, and the key of its source."""

    name: str
    text: str
    source: str = ""


def page(preset: Preset, tasks: Sequence[Task], files: ModelFiles, width: int | None) -> str:
    """Return all that a preset says about ``tasks``, for people.

    Args:
        files: where the same networks are found in other precisions.
        width: columns of the terminal; None is none, and nothing is wrapped.
    """
    blocks = {
        f"makes {'an image' if preset.makes == 'image' else 'a video'} from": [
            _Line(_FROM[task], f"template {preset.tasks[task]}") for task in tasks
        ],
        "settings": _settings(preset, tasks),
        "variants that are switched on": [
            _Line(name, str(item.value), item.source) for name, item in preset.variants.items()
        ],
        "rules": _rules(preset, tasks),
        "needs": _needs(preset, tasks[0]),
        "licence of the weights": _licence(preset),
        "prompting": _prompting(preset),
        "node packs, into the folder custom_nodes/ of ComfyUI": [
            _Line(pack.name, f"GitHub {pack.repository}, {pack.licence}", pack.source) for pack in preset.packs
        ],
    }
    used = dict.fromkeys(line.source for lines in blocks.values() for line in lines if line.source)
    sources = [_Line(key, preset.sources[key]) for key in used]
    parts = [
        "\n".join(
            _folded(text, width)
            for text in (f"{preset.name}: {preset.title} ({preset.family}, {preset.tier})", preset.description)
        ),
        *(_block(heading, lines, width) for heading, lines in blocks.items()),
        _files(preset, tasks, files, width),
        _block("sources", sources, width),
        f"written in {preset.path}",
    ]
    return "\n\n".join(part for part in parts if part)


def resolved(preset: Preset, task: Task, files: ModelFiles) -> dict[str, Any]:
    """Return what a preset is for one task, as JSON-ready data: effective settings, rules, model files."""
    view, same = preset.at(task), files.equivalents()
    return {
        "template": preset.tasks[task],
        "settings": effective(preset, task, {}).values,
        "rules": view.rules.model_dump(mode="json"),
        "files": [
            {"role": role, **file.model_dump(mode="json"), "equivalents": dict(same.get((file.folder, file.name), {}))}
            for role, file in view.files.items()
        ],
    }


def _settings(preset: Preset, tasks: Sequence[Task]) -> list[_Line]:
    found: dict[str, dict[_Line, list[Task]]] = {}
    for task in tasks:
        view, values = preset.at(task), effective(preset, task, {}).values
        items: dict[str, Setting | Declared] = {each: view.settings[each] for each in COMMON if each in view.settings}
        for name, item in {**items, **view.declared}.items():
            line = _Line(name, _setting(item, values[name]), item.source)
            found.setdefault(name, {}).setdefault(line, []).append(task)
    return [_for_tasks(line, of, tasks) for lines in found.values() for line, of in lines.items()]


def _setting(item: Setting | Declared, value: object) -> str:
    notes = [f"fixed: {item.fixed}"] if item.fixed else []
    if isinstance(item, Declared):
        if item.rule is not None:
            notes.insert(0, _DERIVED[item.rule].format(item.origin, share=item.share))
        limits = _range(item.minimum, item.maximum) or ", ".join(item.choices)
        notes += [text for text in (item.description, limits) if text and not item.fixed]
    shown = f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"{shown}  {'; '.join(notes)}" if notes else shown


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    return f"at least {least:g}" if least is not None else f"at most {most:g}" if most is not None else ""


def _rules(preset: Preset, tasks: Sequence[Task]) -> list[_Line]:
    found: dict[_Line, list[Task]] = {}
    for task in tasks:
        for line in _rules_of(preset.at(task).rules):
            found.setdefault(line, []).append(task)
    return [_for_tasks(line, of, tasks) for line, of in found.items()]


def _rules_of(rules: Rules) -> Iterable[_Line]:
    size, frames, fps = rules.size, rules.frames, rules.fps
    if size.only:
        yield _Line("size", " or ".join(f"{width}x{height}" for width, height in size.only), size.source)
    else:
        yield _Line("size", f"multiples of {size.multiple}, at least {size.minimum}", size.source)
    yield from _tested("sizes", size.tested)
    if frames is not None:
        yield _Line("frames", str(frames), frames.source)
        yield from _tested("frames", frames.tested)
    if fps is not None:
        yield from _tested("fps", fps.tested)


def _tested(what: str, tested: RangeTested | SizesTested | None) -> Iterable[_Line]:
    if tested is not None:
        yield _Line(f"{what} tested", str(tested), tested.source)


def _for_tasks(line: _Line, of: Sequence[Task], tasks: Sequence[Task]) -> _Line:
    if len(of) == len(tasks):
        return line
    return line._replace(text=f"{line.text}  ({', '.join(_FOR[task] for task in of)})")


def _needs(preset: Preset, task: Task) -> list[_Line]:
    needs = preset.needs
    lines = [
        _Line("VRAM", f"at least {needs.min_vram_gb.value:g} GiB", needs.min_vram_gb.source),
        _Line("", f"{needs.rec_vram_gb.value:g} GiB for its own speed", needs.rec_vram_gb.source),
        _Line("", f"recommended from {needs.recommended_from.value:g} GiB", needs.recommended_from.source),
        _Line("RAM", f"at least {needs.min_ram_gb.value:g} GiB", needs.min_ram_gb.source),
    ]
    first = runs_since(preset, task)
    if first != FIRST:
        source = needs.comfyui.source if needs.comfyui is not None and needs.comfyui.value == first else ""
        lines.append(_Line("ComfyUI", f"{first} or later", source))
    told = estimate_vram(preset, task=task)
    if told.seconds is not None:
        work = f", for {told.pflop:.3g} PFLOP" if told.pflop is not None else ""
        source = needs.seconds.source if needs.seconds is not None else ""
        lines.append(_Line("time", f"about {duration(told.seconds)} on an {told.card}{work}; see --vram", source))
    return [*lines, _Line("rank", f"{needs.rank.value}; of those that fit the highest is taken", needs.rank.source)]


def _licence(preset: Preset) -> list[_Line]:
    licence = preset.licence
    return [
        _Line("name", licence.name, licence.source),
        _Line("business", _COMMERCIAL[licence.commercial]),
        *([_Line("not in", ", ".join(licence.excludes))] if licence.excludes else []),
        *(_Line("" if number else "limits", line) for number, line in enumerate(licence.limits)),
    ]


def _prompting(preset: Preset) -> list[_Line]:
    prompt = preset.prompt
    lines = [_Line("", line, "" if number else prompt.source) for number, line in enumerate(prompt.guidance)]
    if prompt.languages:
        lines.append(_Line("languages", ", ".join(prompt.languages)))
    if prompt.limit is not None:
        lines.append(_Line("tokens", f"at most {prompt.limit.value}", prompt.limit.source))
    if prompt.negative is not None:
        lines.append(_Line("negative", prompt.negative.value or "(empty)", prompt.negative.source))
    return lines


def _files(preset: Preset, tasks: Sequence[Task], files: ModelFiles, width: int | None) -> str:
    found: dict[tuple[str, str], tuple[ModelFile, list[Task]]] = {}
    for task in tasks:
        for role, file in preset.at(task).files.items():
            found.setdefault((role, file.key), (file, []))[1].append(task)
    sums = {task: _size_of(preset.at(task).files.values()) for task in tasks}
    alike = len({*sums.values()}) == 1
    together = sums[tasks[0]] if alike else ", ".join(f"{size} {_FOR[task]}" for task, size in sums.items())
    lines = [_folded(f"files, in the folder models/ of ComfyUI ({together})", width)]
    for (role, _), (file, of) in found.items():
        size = f", {file.size_gb:g} GB" if file.size_gb is not None else ""
        only = f"  ({', '.join(_FOR[task] for task in of)})" if len(of) < len(tasks) else ""
        others = [
            f"{precision}: {name}{_described(files, file.folder, name)}"
            for precision, name in files.equivalents().get((file.folder, file.name), {}).items()
            if name != file.name
        ]
        lines.append(f"  {file.key}")
        for text in (
            f"{role}, {file.precision}{size}{only}",
            f"Hugging Face {file.repository}: {file.path}",
            *(f"also in {other}" for other in others),
            f"source: {file.source}",
        ):
            lines.append(_folded(text, width, "      "))
    return "\n".join(lines) if found else ""


def _described(files: ModelFiles, folder: str, name: str) -> str:
    size = files[f"{folder}/{name}"].size_gb
    return f", {size:g} GB" if size is not None else ""


def _size_of(files: Iterable[ModelFile]) -> str:
    sizes = [file.size_gb for file in files]
    known = sum(size for size in sizes if size is not None)
    return f"{known:.3g} GB{'' if None not in sizes else ' and more'}"


def _block(heading: str, lines: Sequence[_Line], width: int | None) -> str:
    if not lines:
        return ""
    names = max(len(line.name) for line in lines)
    indent = " " * (names + 4 if names else 2)
    shown = []
    for line in lines:
        text = f"{line.text}  [{line.source}]" if line.source else line.text
        if width is not None and width < len(indent) + _LEAST:
            shown += [f"  {line.name}" if line.name else "", _folded(text, width, " " * 6)]
        else:
            shown.append(f"  {line.name}".ljust(len(indent)) + _folded(text, width, indent).lstrip())
    return "\n".join([_folded(heading, width), *filter(None, shown)])


def _folded(text: str, width: int | None, indent: str = "") -> str:
    if width is None:
        return indent + text
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
