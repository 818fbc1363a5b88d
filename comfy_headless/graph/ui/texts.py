"""What ComfyUI's page does to texts before it sends them: dynamic prompts, and names in ``filename_prefix``.

What it leaves to chance or to its clock is done the same way each time here: the first of several choices, and the
server's own ``%year%`` for the page's ``%date:yyyy%``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

SAVING: Final = frozenset(
    {"CLIPSave", "LoraSave", "ModelSave", "VAESave", "Save3DAdvanced", "SaveAnimatedPNG", "SaveAnimatedWEBP"}
    | {"SaveAudio", "SaveAudioAdvanced", "SaveAudioMP3", "SaveAudioOpus", "SaveGLB", "SaveGaussianSplat", "SaveImage"}
    | {"SaveImageAdvanced", "SaveLatent", "SavePointCloud", "SaveSVGNode", "SaveVideo", "SaveWEBM"}
)
"""Classes in whose ``filename_prefix`` the page puts values of other nodes (frontend 1.47.12)."""
PREFIX: Final = "filename_prefix"

_DEEPEST: Final = 8
_COMMENT: Final = re.compile(r"/\*[\s\S]*?\*/|//[^\n\r\u2028\u2029]*")
_TOKEN: Final = re.compile(r"\\[\s\S]|[{|}]|[^\\{|}]+|\\$")
_NAME: Final = re.compile(r"%([^%]+)%")
_NOT_IN_NAMES: Final = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_DATE: Final = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyyy|yyy?|y")
_CLOCK: Final[Mapping[str, str]] = {
    "yyyy": "%year%",
    "MM": "%month%",
    "dd": "%day%",
    "hh": "%hour%",
    "mm": "%minute%",
    "ss": "%second%",
}
"""What the server itself puts in (folder_paths.py, ComfyUI 0.30.0), for the same in the page's dates."""


class Text(NamedTuple):
    """A text as it is sent, and what is to be said of it."""

    text: str
    warning: str = ""


def without_choices(text: str) -> Text:
    """Return a dynamic prompt without comments, the first of each ``{a|b}`` chosen, ``\\{`` as a plain brace."""
    kept = list[str]()
    open_choices = list[bool]()  # for each brace around: whether its first choice is still being read
    passed = 0
    warning = ""
    for token in _TOKEN.findall(_COMMENT.sub("", text)):
        if token == "{":
            open_choices.append(True)
        elif token == "}" and open_choices:
            passed -= not open_choices.pop()
        elif token == "|" and open_choices:
            if not passed:
                warning = "of each choice {a|b} the first is taken; the page draws one anew each time"
            passed += open_choices[-1]
            open_choices[-1] = False
        elif not passed:
            kept.append(token[1] if token[0] == "\\" and token[1:] in ("{", "}", "|") else token)
    return Text("".join(kept), warning)


def with_names(text: str, look_up: Callable[[str, str], Any]) -> Text:
    """Return a file's name in which values stand for ``%Node.input%``.

    Args:
        look_up: gives the value of an input by the name of its node and its own; None if there is none.
    """
    unknown = list[str]()

    def written(match: re.Match[str]) -> str:
        node, dot, name = match[1].partition(".")
        if dot and "." not in name:
            found = look_up(node, name)
            if found is not None:
                return _NOT_IN_NAMES.sub("_", _as_text(found[0]))
            unknown.append(match[0])
        elif not dot and node.startswith("date:"):
            clock = _DATE.sub(lambda part: _CLOCK.get(part[0], "\0"), node.removeprefix("date:"))
            if "\0" not in clock:
                return clock
            unknown.append(match[0])
        return match[0]

    named = _NAME.sub(written, text)
    return Text(named, f"{', '.join(unknown)} stays as it is: nothing here is known by that name" if unknown else "")


def _as_text(value: Any, depth: int = 0) -> str:
    """A value as the page writes it into a text."""
    if value is None or depth > _DEEPEST:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, list):
        return ",".join(_as_text(each, depth + 1) for each in value)
    return "[object Object]" if isinstance(value, dict) else str(value)
