"""Read the ``$`` markers out of one node title.

    title   = part , part , ...          (a full-width comma separates too)
    marker  = $[~]name[.[~]field][!][:description]        ~ a file to upload, ! required
    output  = $output.name[:description]

A part is a marker when it starts with ``$``; ``$5`` alone is a price. A name may hold hyphens and single spaces. A
description runs to the next marker. Whatever starts as a marker and does not fit is refused with its position: a marker
is never read as something else.
The grammar is ComfyKit 0.1.12's, strict where that one keeps stray characters in names.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

_LONGEST: Final = 10_000
"""Characters of a title that markers are looked for in."""

_COMMA = re.compile("[,，]")
_NAME = re.compile(r"[^\W\d][\w-]*(?: \w[\w-]*)*")
_FIELD = re.compile(r"[^~!$:]+")
_STARTS = re.compile(r"\$\s*~?\s*[^\W\d]")
_PRICE = re.compile(r"\$\s*\d+(?:\.\d+)*(?![\w!~:])(?!\.~?[^\W\d])")
_WORD = re.compile(r"\$\s*~?[^\W\d]\w*")
_MISPLACED = {
    "~": "'~' stands before the name or the field",
    "!": "'!' stands once, after the field",
    "$": "markers are separated by commas",
    ".": "'!' stands after the field",
}


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker as written: what the caller names, and the input it fills.

    Args:
        name: the parameter; of an output marker, the output's name.
        field: the node's input; None when the title leaves it open.
        position: of the ``$`` in the title, from 1.
    """

    name: str
    field: str | None
    required: bool
    upload: bool
    output: bool
    description: str
    position: int

    def at(self, field: str) -> str:
        """Return the marker as it is written where it fills ``field``; an output's needs none."""
        told = f": {self.description}" if self.description else ""
        if self.output:
            return f"$output.{self.name}{told}" if self.name else f"$output{told}"
        return f"${'~' if self.upload else ''}{self.name}.{field}{'!' if self.required else ''}{told}"


class Title(NamedTuple):
    """What a title says: its markers, and the ``$words`` in its plain text that are none."""

    markers: tuple[Marker, ...]
    unread: tuple[str, ...]


def parse_title(title: str, *, where: str = "title") -> Title:
    """Return the markers of ``title`` in order.

    Args:
        where: how errors name the node.

    Raises:
        ValidationError: something starts as a marker and does not fit; names title and position.
    """
    if "$" not in title:
        return Title((), ())
    if len(title) > _LONGEST:
        raise ValidationError(
            f"{where}: its title has {len(title)} characters; with a '$' in it, at most {_LONGEST} are read"
        )
    markers: list[Marker] = []
    unread: list[str] = []
    for text, start in _pieces(title):
        if text.startswith("$") and not _PRICE.match(text):
            markers.append(_Reader(title, text, start, where).marker())
        else:
            unread.extend(_WORD.findall(text))
    return Title(tuple(markers), tuple(unread))


def quoted(title: str, position: int) -> str:
    """Return a title for an error message, of a long one the part around ``position``."""
    begin, end = max(0, position - 60), position + 60
    if len(title) <= 160:
        return repr(title)
    return f"{'...' * (begin > 0)}{title[begin:end]!r}{'...' * (end < len(title))}"


def settled(title: str, names: Container[str]) -> str:
    """Return ``title`` with the parameters ``names`` no longer required: their inputs now hold a value."""
    for marker in reversed(parse_title(title).markers):
        if marker.required and not marker.output and marker.name in names:
            at = title.index("!", marker.position)
            title = title[:at] + title[at + 1 :]
    return title


def _pieces(title: str) -> list[tuple[str, int]]:
    """Split at commas, but keep a description whole up to the next marker."""
    pieces: list[tuple[str, int]] = []
    begin = 0
    for end in [*(match.start() for match in _COMMA.finditer(title)), len(title)]:
        raw = title[begin:end]
        text, start = raw.strip(), begin + len(raw) - len(raw.lstrip())
        describing = bool(pieces) and pieces[-1][0].startswith("$") and ":" in pieces[-1][0]
        if describing and not _STARTS.match(text):
            whole = pieces[-1][1]
            pieces[-1] = (title[whole:end].rstrip(), whole)
        elif text:
            pieces.append((text, start))
        begin = end + 1
    return pieces


class _Reader:
    """Read one marker from left to right; ``at`` is always the first character not yet understood."""

    def __init__(self, title: str, text: str, start: int, where: str) -> None:
        self.title, self.start, self.where = title, start, where
        self.head, _, description = text.partition(":")
        self.description = description.strip()
        self.at = 1

    def marker(self) -> Marker:
        upload = self._take("~")
        name = self._word(_NAME, "a name (letters, digits, '_', '-', spaces; a letter or '_' first)")
        field: str | None = None
        if self._take("."):
            upload = self._take("~") or upload
            field = self._word(_FIELD, "the name of an input after the dot", optional=name == "output")
        required = self._take("!")
        self._skip()
        if self.at < len(self.head):
            found = self.head[self.at]
            hint = _MISPLACED.get(found, "a description begins with ':'")
            raise self._refused(f"{shown(self.head[self.at :])} does not belong there; {hint}")
        output = name == "output"
        if output and upload:
            raise self._refused("an output marker takes no '~'", at=0)
        return Marker((field or "") if output else name, None if output else field, required, upload, output,
                      self.description, self.start + 1)  # fmt: skip

    def _skip(self) -> None:
        while self.at < len(self.head) and self.head[self.at].isspace():
            self.at += 1

    def _take(self, character: str) -> bool:
        self._skip()
        found = self.head.startswith(character, self.at)
        self.at += found
        return found

    def _word(self, pattern: re.Pattern[str], expected: str, *, optional: bool = False) -> str:
        self._skip()
        match = pattern.match(self.head, self.at)
        if match is None:
            if optional:
                return ""
            found = shown(self.head[self.at :]) if self.at < len(self.head) else "nothing"
            raise self._refused(f"expected {expected}, found {found}")
        self.at = match.end()
        return match.group().strip()

    def _refused(self, problem: str, *, at: int | None = None) -> ValidationError:
        position = self.start + (self.at if at is None else at) + 1
        return ValidationError(
            f"{self.where}: malformed marker in title {quoted(self.title, position)} at position {position}: {problem} "
            "(a marker is $name.field, $name.field! or $~name.field, with ':description' at its end)"
        )
