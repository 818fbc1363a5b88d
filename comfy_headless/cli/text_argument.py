"""The argument TEXT: a prompt, or ``-`` for what is piped in."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Final

import typer

from comfy_headless.errors import ValidationError

_LONGEST: Final = 2**20
_NO_TEXT: Final = re.compile(r"[\ud800-\udfff]")
"""What Python makes of bytes of an argument that are no UTF-8."""


def text(given: str) -> str:
    """Read a text; an empty one, as an unset variable leaves it, is none."""
    if not given.strip():
        raise typer.BadParameter(f"{given!r} is no text; give one, or - for what is piped in")
    if not given.isascii() and (wrong := _NO_TEXT.search(given)):
        raise typer.BadParameter(f"{given!r} is no UTF-8 at sign {wrong.start() + 1}")
    return given


Text = Annotated[
    str,
    typer.Argument(
        parser=text,
        metavar="TEXT",
        show_default=False,
        help="The prompt; - for what is piped in.",
    ),
]


def text_of(given: str, command: str) -> str:
    """Return the text that was typed, read from stdin for ``-`` without line breaks at its end.

    Args:
        command: for the error, such as ``prompt expand``.

    Raises:
        ValidationError: nothing is piped in, or what is no text.
    """
    if given != "-":
        return given
    if sys.stdin is None or sys.stdin.isatty():
        raise ValidationError(
            f"text '-' is what is piped in, and nothing is: cat prompt.txt | comfy-headless {command} -"
        )
    content = sys.stdin.buffer.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise ValidationError(f"text '-': more than {_LONGEST} bytes are piped in; a prompt is shorter")
    try:
        piped = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValidationError(f"text '-': what is piped in is no UTF-8 at byte {error.start}") from error
    if not piped.strip():
        raise ValidationError("text '-': standard input is empty; what is left of the pipe has written nothing")
    return piped
