"""The latest preview of a job, above its progress bar: a renderable for rich's Live.

Live counts the lines it has written and erases them before it writes them anew, so a picture is as many lines as it
covers. Half blocks are these lines. Of the other protocols the lines stay empty, and the last one carries a sequence of
no width that goes up, draws, and comes back (DECSC and DECRC, ESC 7 and ESC 8). By then the lines are on the screen; a
line below them is made too, since after a sixel the cursor may step down and would scroll the screen.

What erasing a line means differs: iTerm2's pictures and sixels go with it and are sent again at each refresh. kitty's
stay until they are deleted; they are sent once, and placed anew at each refresh, since lines move when something else
is printed. So refresh when there is news (``Live(auto_refresh=False)``), not ten times a second.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import ControlType, Segment
from rich.style import Style

from comfy_headless.cli.graphics import Protocol

Line: TypeAlias = tuple[Segment, ...]

_WIDEST, _HIGHEST = 40, 15
_NARROW: Final = 60  # columns of a terminal below which a picture gets a third
_LEAST: Final = 4  # columns below which nothing could be seen
_CHUNK: Final = 4096  # of base64; kitty's protocol, "Remote client"
_END: Final = "\x1b\\"  # ST: an interrupt may have cut a sequence off, and what follows would vanish in it
_PLACEHOLDER: Final = "\U0010eeee"
# Which row a placeholder shows: the beginning of rowcolumn-diacritics.txt in kitty's documentation.
_ROWS: Final = "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351\u0352"


class Drawing(NamedTuple):
    """One preview as a terminal takes it.

    Args:
        columns: how wide it is.
        lines: what is printed, a tuple of segments for each row; none of them ends the line.
        once: sequence that must come before the first drawing, wherever the cursor stands.
        each: sequence that draws over the printed lines, from their upper left corner.
    """

    columns: int
    lines: tuple[Line, ...]
    once: str = ""
    each: str = ""

    @property
    def rows(self) -> int:
        """How many lines it covers."""
        return len(self.lines)


def room(columns: int, rows: int) -> tuple[int, int]:
    """Return the largest picture, in characters, for a terminal of so many columns and rows; (0, 0) for none."""
    wide = _WIDEST if columns >= _NARROW else columns // 3
    high = min(_HIGHEST, rows // 2)
    return (wide, high) if wide >= _LEAST and high else (0, 0)


class Picture:
    """A place for previews; nothing until there is one.

    Args:
        console: where it is shown.
        protocol: how it is drawn.
        cell: width and height of a character in pixels, ``cell_size(stream)``.
        number: the picture's id in the terminal; None takes one that other programs hardly have.
    """

    def __init__(
        self, console: Console, protocol: Protocol, *, cell: tuple[int, int] = (6, 12), number: int | None = None
    ) -> None:
        self._console, self._protocol, self._cell = console, protocol, cell
        self._number = 16 + os.getpid() % 240 if number is None else number
        self._drawing: Drawing | None = None
        self._sent: Drawing | None = None

    @property
    def rows(self) -> int:
        """Lines that it takes now."""
        return self._drawing.rows if self._drawing else 0

    def show(self, data: bytes) -> None:
        """Take the next preview; it appears at the next refresh. If it cannot be read, the last one stays.

        Raises:
            MediaError: the bytes are no picture.
            FeatureMissingError: the extra media is not installed.
        """
        box = room(self._console.width, self._console.height)
        self._drawing = draw(self._protocol, data, box, cell=self._cell, number=self._number) if all(box) else None

    def clear(self) -> None:
        """Forget the preview; it is gone after the next refresh, such as the last one when Live stops."""
        self._drawing = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawing, sent, self._sent = self._drawing, self._sent, self._drawing
        if drawing is None:
            if sent and (sent.once or sent.each):
                yield _control(_END + (_deletion(self._protocol, self._number) if sent.once else ""))
            return
        if drawing is not sent and drawing.once:
            yield _control(drawing.once)
        for row, line in enumerate(drawing.lines, 1):
            yield from line
            if row == drawing.rows and drawing.each:
                yield _control(_from_below(drawing))
            yield Segment.line()


def draw(
    protocol: Protocol, data: bytes, box: tuple[int, int], *, cell: tuple[int, int] = (6, 12), number: int = 1
) -> Drawing:
    """Return a preview as large as it can be in a box of columns and rows.

    Args:
        protocol: how it is drawn.
        data: a PNG or JPEG.
        box: columns and rows, each at least 1.
        cell: width and height of a character in pixels.
        number: the picture's id in the terminal, 16 to 255 for placeholders.

    Raises:
        MediaError: the bytes are no picture.
        FeatureMissingError: the extra media is not installed.
    """
    from comfy_headless.media import picture

    if protocol is Protocol.BLOCKS:
        lines = tuple(tuple(_blocks(row)) for row in picture.cells(data, *box))
        return Drawing(sum(len(segment.text) for segment in lines[0]), lines)
    pixels = box[0] * cell[0], box[1] * cell[1]
    wide, high = picture.fit(*picture.size(data), pixels)
    columns, rows = -(-wide // cell[0]), -(-high // cell[1])
    empty: tuple[Line, ...] = ((),) * rows
    if protocol is Protocol.SIXEL:
        return Drawing(columns, empty, each=picture.sixel(data, wide, high))
    image = picture.png(data, *pixels)
    if protocol is Protocol.ITERM2:
        return Drawing(columns, empty, each=_iterm2(image, columns, rows))
    area = f"i={number},c={columns},r={rows},q=2"
    if protocol is Protocol.KITTY:
        sent = "".join(_kitty(f"a=t,f=100,t=d,i={number},q=2", image))
        return Drawing(columns, empty, once=sent, each=f"\x1b_Ga=p,p=1,C=1,{area}\x1b\\")
    sent = "".join(map(_through_tmux, _kitty(f"a=T,U=1,f=100,t=d,{area}", image)))
    return Drawing(columns, tuple(_placeholders(row, columns, number) for row in range(rows)), once=sent)


def _blocks(row: Iterable[tuple[tuple[int, int, int], tuple[int, int, int]]]) -> Iterator[Segment]:
    for (top, bottom), equal in groupby(row):
        style = Style(color=Color.from_rgb(*top), bgcolor=Color.from_rgb(*bottom))
        yield Segment("▀" * len(list(equal)), style)


def _placeholders(row: int, columns: int, number: int) -> Line:
    """Return one row; the first character names row and column 0, each further one is right of the last one."""
    first = _PLACEHOLDER + _ROWS[row] + _ROWS[0]
    return (Segment(first + _PLACEHOLDER * (columns - 1), Style(color=Color.from_ansi(number))),)


def _kitty(control: str, image: bytes) -> Iterator[str]:
    """Yield the sequences that send a picture, in pieces; q=2 asks the terminal not to answer."""
    text = b64encode(image).decode("ascii")
    for start in range(0, len(text), _CHUNK):
        more = int(start + _CHUNK < len(text))
        yield f"\x1b_G{f'{control},' if not start else 'q=2,'}m={more};{text[start : start + _CHUNK]}\x1b\\"


def _deletion(protocol: Protocol, number: int) -> str:
    """Return the sequence that removes a picture and frees what the terminal holds of it."""
    sequence = f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"
    return _through_tmux(sequence) if protocol is Protocol.PLACEHOLDERS else sequence


def _through_tmux(sequence: str) -> str:
    """Wrap a sequence for the terminal outside: tmux's FAQ, "What is the passthrough escape sequence"."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def _iterm2(image: bytes, columns: int, rows: int) -> str:
    options = f"inline=1;size={len(image)};width={columns};height={rows};preserveAspectRatio=1"
    return f"\x1b]1337;File={options}:{b64encode(image).decode('ascii')}\x07"


def _from_below(drawing: Drawing) -> str:
    """Return a sequence that draws when the cursor stands in the first column of the last row, and comes back to it.

    ESC D (IND) steps down and scrolls where there is no line below, and keeps the column.
    """
    up = f"\x1b[{drawing.rows - 1}A" if drawing.rows > 1 else ""
    return f"\x1bD\x1b[A\x1b7{up}{drawing.each}\x1b8"


def _control(text: str) -> Segment:
    """Return a sequence that rich neither measures nor wraps."""
    return Segment(text, None, [(ControlType.CURSOR_MOVE_TO_COLUMN, 0)])
