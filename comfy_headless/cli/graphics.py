"""Which kind of pictures a terminal shows: read from the environment, and asked where that does not say.

A guess that is wrong fills the screen with base64, so only what a terminal says of itself counts, and a variable that
outlives its terminal (a program started from kitty keeps ``KITTY_WINDOW_ID``) only where no other terminal is named.
"""

from __future__ import annotations

import os
import re
import select
import struct
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TextIO, TypeAlias

from comfy_headless.errors import ValidationError

Environment: TypeAlias = Mapping[str, str]


class Choice(StrEnum):
    """What a person asks for."""

    AUTO = "auto"
    OFF = "off"
    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"
    BLOCKS = "blocks"


class Protocol(StrEnum):
    """How a picture is drawn.

    ``kitty``: the terminal graphics protocol, https://sw.kovidgoyal.net/kitty/graphics-protocol/; ``placeholders`` is
    its way through tmux. ``iterm2``: https://iterm2.com/documentation-images.html. ``sixel``: DEC's "VT330/VT340
    Programmer Reference Manual", volume 2, chapter 14. ``blocks``: U+2580, its two halves coloured.
    """

    KITTY = "kitty"
    PLACEHOLDERS = "placeholders"
    ITERM2 = "iterm2"
    SIXEL = "sixel"
    BLOCKS = "blocks"


_BY_TERM: Final = (  # how TERM begins; set by the terminal itself, and carried by ssh
    ("xterm-kitty", Protocol.KITTY),
    ("xterm-ghostty", Protocol.KITTY),
    ("foot", Protocol.SIXEL),
    ("mlterm", Protocol.SIXEL),
    ("contour", Protocol.SIXEL),
)
_BY_PROGRAM: Final[Mapping[str, Protocol]] = {  # TERM_PROGRAM
    "ghostty": Protocol.KITTY,
    "iTerm.app": Protocol.ITERM2,
    "WezTerm": Protocol.ITERM2,  # its own imgcat speaks it; its kitty graphics can be switched off
    "mintty": Protocol.ITERM2,
}
_OTHERS: Final = ("VTE_VERSION", "XTERM_VERSION", "KONSOLE_VERSION", "WT_SESSION", "ALACRITTY_WINDOW_ID")
_CAN_ANSWER: Final = ("xterm", "vt340", "konsole", "rio", "yaft")  # how TERM begins where DA1 is known to be answered
_ATTRIBUTES: Final = re.compile(rb"\x1b\[\?([0-9;]*)c")
_SIXEL_GRAPHICS: Final = b"4"
_SMALL_CELL: Final = (6, 12)


def protocol_of(
    choice: str, environ: Environment, stream: TextIO, *, keyboard: TextIO | None = None, patience: float = 0.5
) -> Protocol | None:
    """Return how previews are drawn on a stream; None where they are not.

    ``auto`` draws what the terminal is known for; where that is unknown it asks for its device attributes (DA1,
    "VT510 Video Terminal Programmer Information": 4 among them means sixel), if keyboard and stream are one terminal
    and this program is in its foreground. Half blocks are drawn only when they are chosen.

    Inside tmux and screen ``auto`` draws nothing: both keep the screen themselves, and let pictures through only where
    their user has allowed it. tmux shows ``kitty`` after ``set -g allow-passthrough on`` in kitty or Ghostty, and
    ``sixel`` from 3.4 on if it was built for it.

    Args:
        choice: a value of ``Choice``.
        environ: ``os.environ``.
        stream: where they are drawn, stderr as a rule.
        keyboard: where the answer comes from; None is stdin.
        patience: seconds to wait for it. An answer that comes later is typed into whatever reads then.

    Raises:
        ValidationError: what was chosen can be known not to work here.
    """
    asked = Choice(choice)
    if asked is Choice.OFF or not stream.isatty() or environ.get("TERM", "dumb") == "dumb":
        return None
    if asked is Choice.AUTO:
        if _holder(environ):
            return None
        keys = sys.stdin if keyboard is None else keyboard
        known = _known(environ)
        if known is None and _may_answer(environ) and _has_sixel(keys, stream, patience):
            return Protocol.SIXEL
        return known
    return _chosen(asked, environ, stream)


def cell_size(stream: TextIO) -> tuple[int, int]:
    """Return width and height of a character in pixels, so small where the terminal does not say that a picture fits.

    The source is the TIOCGWINSZ call, as the specification of kitty's protocol recommends.
    """
    try:
        import fcntl
        import termios

        answer = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (ImportError, OSError):  # not on Windows; not a terminal
        return _SMALL_CELL
    rows, columns, width, height = struct.unpack("HHHH", answer)
    return (width // columns, height // rows) if min(rows, columns, width, height) > 0 else _SMALL_CELL


def _chosen(asked: Choice, environ: Environment, stream: TextIO) -> Protocol:
    """Return the protocol of a choice, or say why it cannot work here."""
    protocol, holder = Protocol(asked), _holder(environ)
    if protocol is Protocol.KITTY and holder == "tmux":
        protocol = Protocol.PLACEHOLDERS
    if protocol in (Protocol.BLOCKS, Protocol.PLACEHOLDERS):
        if environ.get("NO_COLOR"):
            raise ValidationError(f"previews as {asked} are made of colours, and NO_COLOR is set; unset it, or use off")
        if not _can_say("▀", stream):
            raise ValidationError(f"previews as {asked} need a terminal in UTF-8, this one is in {stream.encoding}")
    elif holder == "screen" or (holder and protocol is Protocol.ITERM2):
        raise ValidationError(f"{holder} shows no previews as {asked}: use blocks or off, or a terminal without it")
    return protocol


def _holder(environ: Environment) -> str:
    """Return which program keeps the screen between us and the terminal; empty for none."""
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith("tmux"):
        return "tmux"
    return "screen" if environ.get("STY") or term.startswith("screen") else ""


def _known(environ: Environment) -> Protocol | None:
    """Return what the terminal is known for."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    for begin, protocol in _BY_TERM:
        if term.startswith(begin):
            return protocol
    if program:
        return _BY_PROGRAM.get(program)
    if any(environ.get(name) for name in _OTHERS):
        return None
    if environ.get("LC_TERMINAL") == "iTerm2":  # ssh carries it
        return Protocol.ITERM2
    return Protocol.KITTY if environ.get("KITTY_WINDOW_ID") else None


def _may_answer(environ: Environment) -> bool:
    return environ.get("TERM", "").startswith(_CAN_ANSWER) and environ.get("TERM_PROGRAM") != "Apple_Terminal"


def _can_say(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _has_sixel(keyboard: TextIO | None, stream: TextIO, patience: float) -> bool:
    """Ask the terminal for its attributes; nobody to ask, and no answer in time, are a no."""
    try:
        import termios
    except ImportError:  # Windows
        return False
    try:
        if keyboard is None or not _is_ours(keyboard.fileno(), stream.fileno()):
            return False
        stream.flush()
        answer = _ask(keyboard.fileno(), stream.fileno(), patience)
    except (OSError, ValueError, termios.error):  # gone, closed, or no terminal after all
        return False
    found = _ATTRIBUTES.search(answer)
    # The first number is the class of the terminal; 4 there would be a VT132.
    return found is not None and _SIXEL_GRAPHICS in found[1].split(b";")[1:]


def _is_ours(keyboard: int, screen: int) -> bool:
    """Say whether both are one terminal, and this program is in its foreground: else asking would stop it."""
    if not os.isatty(keyboard) or os.fstat(keyboard).st_rdev != os.fstat(screen).st_rdev:
        return False
    return os.tcgetpgrp(keyboard) == os.getpgrp()


def _ask(keyboard: int, screen: int, patience: float) -> bytes:
    """Write the question and return what was typed until its answer was whole, or time was up.

    The terminal neither shows the answer nor waits for Enter meanwhile; Ctrl-C works as ever.
    """
    import termios

    before = termios.tcgetattr(keyboard)
    quiet = [*before]
    quiet[3] &= ~(termios.ICANON | termios.ECHO)
    answer = b""
    try:
        termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
        os.write(screen, b"\x1b[c")
        deadline = time.monotonic() + patience
        while not _ATTRIBUTES.search(answer):
            if not select.select([keyboard], [], [], max(0.0, deadline - time.monotonic()))[0]:
                break
            piece = os.read(keyboard, 1024)
            if not piece:
                break
            answer += piece
        return answer
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)
        if not _ATTRIBUTES.search(answer):
            termios.tcflush(keyboard, termios.TCIFLUSH)  # half an answer is not for the shell
