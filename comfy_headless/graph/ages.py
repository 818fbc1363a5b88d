"""Since which version ComfyUI has its node classes, and what to say where a server is older: ``ages.toml``.

What a server has is told by its object_info alone. Versions serve people: they say what to update to.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.graph.classes import UPDATE as COMMAND

DATA: Final = Path(__file__).with_name("ages.toml")

UPDATE: Final = f"update it: {COMMAND}"

_NAMED: Final = 3
"""How many absent classes a line names."""


class Ages(NamedTuple):
    """What ``ages.toml`` holds.

    Args:
        classes: node class to the first version that has it.
        inputs: the same for ``Class.input``.
        values: the same for the choices of an input, by ``Class.input``.
        before: what versions without ``Class.input`` do in its place, if that is not its default.
    """

    classes: Mapping[str, str]
    inputs: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    before: Mapping[str, Any]


@cache
def ages() -> Ages:
    """Return what is known of ComfyUI's versions."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    classes = {name: version for version, names in data["classes"].items() for name in names}
    return Ages(classes, data["inputs"], data["values"], data["before"])


def since(class_type: str, name: str | None = None, value: object = None) -> str | None:
    """Return the first version of ComfyUI that has a node class, or an input of it, or a choice of that input.

    None: that is not known; the class is a node pack's or a partner's, or newer than 0.30.0.

    >>> since("WanImageToVideo")
    '0.3.16'
    """
    known = ages()
    if name is None:
        return known.classes.get(class_type)
    place = f"{class_type}.{name}"
    return known.inputs.get(place) if value is None else known.values.get(place, {}).get(str(value))


def version_in(system_stats: Any) -> str | None:
    """Return the version that ``GET /system_stats`` names; None if it names none."""
    system = system_stats.get("system") if isinstance(system_stats, Mapping) else None
    version = system.get("comfyui_version") if isinstance(system, Mapping) else None
    return version if isinstance(version, str) and _numbers(version) else None


def is_older(version: str | None, than: str) -> bool:
    """Return whether a version is known to come before another."""
    return version is not None and bool(_numbers(version)) and _numbers(version) < _numbers(than)


def latest(versions: Iterable[str]) -> str:
    """Return the last of some versions."""
    return max(versions, key=_numbers)


def age_line(
    subject: str, classes: Collection[str], version: str | None = None, *, needed: str | None = None
) -> str | None:
    """Return in one line which version of ComfyUI has what a server is too old for; None if age is no reason.

    Args:
        subject: who needs it, such as the name of a preset.
        classes: node classes that the server lacks.
        version: what the server says it is.
        needed: the first version that loads the model, where its node classes are older and do not tell.
    """
    young = needed is not None and is_older(version, needed)
    dated = {name: first for name in classes if (first := since(name)) is not None}
    if not dated:
        load = f"{subject} needs ComfyUI {needed} or later to load its model; this server says {version}: {UPDATE}"
        return load if young else None
    last = latest(dated.values())
    names = sorted(dated, key=lambda name: _numbers(dated[name]), reverse=True)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    those = f"the node{'s' if len(names) > 1 else ''} {', '.join(names[:_NAMED])}{more}"
    model = f", and {needed} or later to load its model" if young and is_older(last, needed or "") else ""
    advice = _advice(last, version, many=len(names) > 1)
    return f"{subject} needs {those}, which ComfyUI has since {last}{model}; {advice}"


def missing_class_remedy(class_type: str, server_version: str | None = None) -> str | None:
    """Return what to do about a node class that a server lacks, in one line; None if ComfyUI does not bring it.

    >>> missing_class_remedy("FrameInterpolate", "0.16.3")
    'ComfyUI has FrameInterpolate since 0.20.1; this server says 0.16.3: update it: git -C ComfyUI pull && \
python -m pip install -r ComfyUI/requirements.txt'
    """
    first = since(class_type)
    return None if first is None else f"ComfyUI has {class_type} since {first}; {_advice(first, server_version)}"


def told_since(first: str | None, version: str | None) -> str:
    """Return a part of a sentence: since when there is something that a server lacks."""
    newer = "newer versions have it" if first is None else f"ComfyUI has it since {first}"
    if version is None:
        return newer
    same = first is not None and not is_older(version, first)
    return f"{newer}, this server says {version}{' and lacks it all the same' if same else ''}"


def _advice(first: str, version: str | None, *, many: bool = False) -> str:
    """Return what to do where a server lacks what ComfyUI has since ``first``."""
    lacks, loaded = ("them", "they were") if many else ("it", "it was")
    if version is None:
        return f"this server lacks {lacks}: {UPDATE}"
    if is_older(version, first):
        return f"this server says {version}: {UPDATE}"
    why = f"its log tells why {loaded} not loaded (IMPORT FAILED)"
    return f"this server says {version} and lacks {lacks} all the same: {why}"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(each) for each in found[1].split(".")) if found else ()
