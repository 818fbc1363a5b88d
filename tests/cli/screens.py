"""A terminal's screen: what rich's Live and the drawing of pictures need of one, and no more."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rich.cells import cell_len

_WORDS: Final = re.compile(
    r"\x1b\[(?P<numbers>[0-9;?]*)(?P<final>[A-Za-z])"
    r"|\x1b(?P<short>[D78\\])"
    r"|\x1bPtmux;(?P<outside>(?:[^\x1b]|\x1b\x1b)*)\x1b\\"
    r"|\x1b(?P<kind>[_P\]])(?P<told>.*?)(?:\x1b\\|\x07)"
    r"|(?P<control>[\r\n])"
    r"|(?P<text>[^\x1b\r\n]+)",
    re.DOTALL,
)


class Shown(NamedTuple):
    """A picture on the screen: its upper row, how many rows it covers, and its protocol."""

    row: int
    rows: int
    protocol: str


class Screen:
    """What is on a terminal of so many columns and rows.

    A sixel leaves the cursor below it and scrolls if there is no line, as some terminals do. Pictures of kitty's
    protocol stay when their lines are erased, others go.

    Args:
        cell: height of a character in pixels.
    """

    def __init__(self, columns: int, rows: int, cell: int) -> None:
        self.columns, self.rows, self.cell = columns, rows, cell
        self.row = self.column = 0
        self.lines = [""] * rows
        self.scrolled: list[str] = []
        self.pictures: list[Shown] = []
        self.images: set[str] = set()
        self._saved = (0, 0)
        self._pending = ""

    @property
    def text(self) -> list[str]:
        """All lines ever, without the empty ones at the end."""
        lines = [line.rstrip() for line in (*self.scrolled, *self.lines)]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def feed(self, text: str) -> None:
        """Take what is written."""
        end = 0
        for word in _WORDS.finditer(text):
            assert word.start() == end, repr(text[end : end + 40])
            end = word.end()
            if word["final"]:
                self._move(word["final"], word["numbers"])
            elif word["short"]:
                self._short(word["short"])
            elif word["outside"]:
                self._kitty(_keys(word["outside"][4:]))
            elif word["kind"]:
                self._draw(word["kind"], word["told"])
            elif word["control"]:
                self.column = 0  # a terminal's driver puts a return before each newline
                if word["control"] == "\n":
                    self._down()
            else:
                self._write(word["text"])
        assert end == len(text)

    def _write(self, text: str) -> None:
        before = self.lines[self.row][: self.column].ljust(self.column)
        wide = cell_len(text)
        self.lines[self.row] = before + text + self.lines[self.row][self.column + wide :]
        self.column += wide
        assert self.column <= self.columns

    def _move(self, final: str, numbers: str) -> None:
        if final == "A":
            self.row = max(0, self.row - int(numbers or 1))
        elif final == "K":
            assert numbers == "2"
            self.lines[self.row] = ""
            self.pictures = [
                shown
                for shown in self.pictures
                if shown.protocol == "kitty" or not shown.row <= self.row < shown.row + shown.rows
            ]
        else:
            assert final in "mhl", final

    def _short(self, final: str) -> None:
        if final == "D":
            self._down()
        elif final == "7":
            self._saved = (self.row, self.column)
        elif final == "8":
            self.row, self.column = self._saved

    def _down(self) -> None:
        if self.row < self.rows - 1:
            self.row += 1
            return
        self.scrolled.append(self.lines.pop(0))
        self.lines.append("")
        self.pictures = [shown._replace(row=shown.row - 1) for shown in self.pictures]

    def _draw(self, kind: str, told: str) -> None:
        assert self.column == 0
        if kind == "P":
            high = re.match(r'0;1;0q"1;1;\d+;(\d+)', told)
            assert high
            rows = -(-int(high[1]) // self.cell)
            self.pictures.append(Shown(self.row, rows, "sixel"))
            for _ in range(rows):
                self._down()
        elif kind == "]":
            rows = re.match(r"1337;File=.*height=(\d+)", told)
            assert rows
            self.pictures.append(Shown(self.row, int(rows[1]), "iterm2"))
        else:
            self._kitty(_keys(told[1:]))

    def _kitty(self, told: dict[str, str]) -> None:
        match told.get("a"):
            case "t" | "T":
                self.images.add(told["i"])
                self.pictures = []
            case "d":
                self.images.discard(told["i"])
                self.pictures = []
            case "p":
                assert told["i"] in self.images
                self.pictures = [Shown(self.row, int(told["r"]), "kitty")]
            case other:
                assert other is None
                assert "m" in told


def _keys(command: str) -> dict[str, str]:
    """The control data of a command of kitty's protocol."""
    return dict(pair.split("=") for pair in re.split(r"[;\x1b]", command)[0].split(","))
