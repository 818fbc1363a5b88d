"""Previews above a progress bar: what is sent is decoded again, and shown on a screen that scrolls."""

from __future__ import annotations

import io
import re
from base64 import b64decode

import pytest
from PIL import Image
from rich.color import ColorType
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from comfy_headless.cli.graphics import Protocol
from comfy_headless.cli.preview import Picture, draw, room
from comfy_headless.errors import MediaError
from tests.cli.screens import Screen, Shown
from tests.media.clips import scene
from tests.media.previews import BLUE, GREEN, RED, WHITE, encoded, quarters, unsixel

GRAPHICS = [Protocol.KITTY, Protocol.ITERM2, Protocol.SIXEL]
CELL = (10, 20)
BOX = (40, 15)
WIDE, SQUARE, HIGH = (encoded(scene(size), "JPEG") for size in ((320, 192), (256, 256), (192, 320)))


def kitty(text: str) -> list[tuple[dict[str, str], bytes]]:
    """Commands of kitty's protocol with their payload, pieces put together."""
    commands: list[tuple[dict[str, str], bytes]] = []
    coded, going = "", False
    for control, payload in re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", text):
        keys = dict(pair.split("=") for pair in control.split(","))
        assert keys["q"] == "2"  # an answer would be typed at whatever reads
        assert len(payload) <= 4096
        coded = coded + payload if going else payload
        if not going:
            commands.append((keys, b""))
        else:
            assert keys.keys() == {"q", "m"}
        going = keys.get("m") == "1"
        assert not going or len(payload) % 4 == 0
        commands[-1] = (commands[-1][0], b64decode(coded, validate=True))
    assert not going
    return commands


@pytest.mark.parametrize(
    ("terminal", "box"),
    [
        ((200, 50), (40, 15)),
        ((80, 24), (40, 12)),
        ((60, 24), (40, 12)),
        ((59, 24), (19, 12)),
        ((40, 24), (13, 12)),
        ((12, 24), (4, 12)),
        ((11, 24), (0, 0)),
        ((80, 3), (40, 1)),
        ((80, 1), (0, 0)),
    ],
)
def test_room_for_a_preview(terminal: tuple[int, int], box: tuple[int, int]) -> None:
    """At most 40 by 15, half of the rows, a third of a narrow terminal; nothing where nothing could be seen."""
    assert room(*terminal) == box


@pytest.mark.parametrize("data", [WIDE, SQUARE, HIGH], ids=["wide", "square", "high"])
@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("cell", [(10, 20), (6, 13), (16, 32), (9, 16)], ids=str)
def test_a_drawing_keeps_to_its_box(protocol: Protocol, data: bytes, cell: tuple[int, int]) -> None:
    """It fills the box in one direction and never leaves it, with the picture's proportions."""
    drawing = draw(protocol, data, BOX, cell=cell, number=77)
    assert drawing.columns <= 40
    assert drawing.rows <= 15
    assert drawing.columns == 40 or drawing.rows == 15
    with Image.open(io.BytesIO(data)) as source:
        shape = source.width / source.height
    each = 0.5 if protocol is Protocol.BLOCKS else cell[0] / cell[1]
    assert drawing.columns * each / drawing.rows == pytest.approx(shape, rel=0.12)


def test_kitty_gets_a_png_once_and_places_it() -> None:
    """The picture is sent in pieces under an id, and a placement says how many cells it covers; the cursor stays."""
    drawing = draw(Protocol.KITTY, WIDE, BOX, cell=CELL, number=77)
    [(sent, payload)] = kitty(drawing.once)
    assert {key: sent[key] for key in "aftid"[:4]} == {"a": "t", "f": "100", "t": "d", "i": "77"}
    with Image.open(io.BytesIO(payload)) as image:
        assert (image.format, image.size) == ("PNG", (320, 192))
    [(placed, nothing)] = kitty(drawing.each)
    assert placed == {"a": "p", "p": "1", "C": "1", "i": "77", "c": "40", "r": "12", "q": "2"}
    assert nothing == b""


def test_kitty_in_tmux_gets_placeholders() -> None:
    """The picture goes through tmux to the terminal; what tmux keeps are characters in the colour of its id."""
    drawing = draw(Protocol.PLACEHOLDERS, WIDE, BOX, cell=CELL, number=77)
    wrapped = re.findall(r"\x1bPtmux;(.*?[^\x1b])\x1b\\", drawing.once, re.DOTALL)
    assert drawing.once == "".join(f"\x1bPtmux;{inner}\x1b\\" for inner in wrapped)
    assert all("\x1b" not in inner.replace("\x1b\x1b", "") for inner in wrapped)
    [(sent, payload)] = kitty("".join(wrapped).replace("\x1b\x1b", "\x1b"))
    assert (sent["a"], sent["U"], sent["i"], sent["c"], sent["r"]) == ("T", "1", "77", "40", "12")
    assert payload.startswith(b"\x89PNG")
    assert [len(line) for line in drawing.lines] == [1] * 12
    for [segment] in drawing.lines:
        assert segment.cell_length == 40
        assert segment.style
        assert segment.style.color
        assert (segment.style.color.type, segment.style.color.number) == (ColorType.EIGHT_BIT, 77)
    assert len({segment.text[1] for [segment] in drawing.lines}) == 12
    assert drawing.each == ""


def test_iterm2_gets_a_file_inline() -> None:
    """It is shown in so many cells, in its own proportions; size and content are those of the PNG."""
    drawing = draw(Protocol.ITERM2, WIDE, BOX, cell=CELL)
    found = re.fullmatch(r"\x1b\]1337;File=([^:]*):([^\x07]*)\x07", drawing.each)
    assert found
    options = dict(pair.split("=") for pair in found[1].split(";"))
    image = b64decode(found[2], validate=True)
    assert options == {
        "inline": "1",
        "size": str(len(image)),
        "width": "40",
        "height": "12",
        "preserveAspectRatio": "1",
    }
    with Image.open(io.BytesIO(image)) as picture:
        assert (picture.format, picture.size) == ("PNG", (320, 192))


@pytest.mark.parametrize("cell", [(10, 20), (6, 13), (9, 16)], ids=str)
def test_a_sixel_is_no_higher_than_its_lines(cell: tuple[int, int]) -> None:
    """It has as many pixels as the cells have, since no terminal scales it."""
    drawing = draw(Protocol.SIXEL, HIGH, BOX, cell=cell)
    picture = unsixel(drawing.each)
    assert picture.height == 15 * cell[1] == drawing.rows * cell[1]
    assert (drawing.columns - 1) * cell[0] < picture.width <= drawing.columns * cell[0]


def test_half_blocks_have_the_colours_of_the_picture() -> None:
    """Each character carries two pixels: the upper is its colour, the lower its ground; equal ones are one segment."""
    drawing = draw(Protocol.BLOCKS, encoded(quarters(96)), (8, 4))
    assert (drawing.columns, drawing.rows) == (8, 4)
    assert {character for line in drawing.lines for segment in line for character in segment.text} == {"▀"}
    corners = [line[place].style for line in (drawing.lines[0], drawing.lines[3]) for place in (0, -1)]
    for style, expected in zip(corners, (RED, GREEN, BLUE, WHITE), strict=True):
        assert style
        assert style.color
        assert style.bgcolor
        assert style.color.triplet == style.bgcolor.triplet == expected
    plain = draw(Protocol.BLOCKS, encoded(Image.new("RGB", (64, 64), RED)), (8, 4))
    assert [[segment.text for segment in line] for line in plain.lines] == [["▀" * 8]] * 4


class Paper(io.StringIO):
    """What is written; Ctrl-C strikes when there is no more room for it, once."""

    room: int | None = None

    def write(self, text: str) -> int:
        """Write what there is room for."""
        if self.room is None or len(text) <= self.room:
            return super().write(text)
        super().write(text[: self.room])
        self.room = None
        raise KeyboardInterrupt


class Shell:
    """A program's terminal: a console, a live display of a picture above a bar, and the screen that shows them."""

    def __init__(self, protocol: Protocol, *, columns: int = 80, rows: int = 24, **environ: str) -> None:
        self.written = Paper()
        self.console = Console(
            file=self.written,
            force_terminal=True,
            color_system="truecolor",
            width=columns,
            height=rows,
            legacy_windows=False,
            _environ=environ,
        )
        self.screen = Screen(columns, rows, CELL[1])
        self.picture = Picture(self.console, protocol, cell=CELL, number=77)
        self.bar = Text("bar")
        self.live = Live(
            get_renderable=lambda: Group(self.picture, self.bar),
            console=self.console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def look(self) -> str:
        """Bring the screen up to date; return what was written since."""
        written = self.written.getvalue()
        self.written.seek(0)
        self.written.truncate()
        self.screen.feed(written)
        return written

    def preview(self, data: bytes) -> str:
        """Show a preview."""
        self.picture.show(data)
        self.live.refresh()
        return self.look()


@pytest.mark.slow
@pytest.mark.parametrize("above", [0, 20, 60], ids="{} lines above".format)
@pytest.mark.parametrize("columns", [200, 80, 40])
@pytest.mark.parametrize("protocol", GRAPHICS)
def test_a_picture_stands_above_the_bar(protocol: Protocol, columns: int, above: int) -> None:
    """Wherever on the screen, scrolled or not: no text is overwritten, one picture is shown, at the end none."""
    shell = Shell(protocol, columns=columns)
    said = [f"line {number}" for number in range(above)]
    for line in said:
        shell.console.print(line)
    with shell.live:
        for number, data in enumerate((WIDE, SQUARE, HIGH, WIDE)):
            shell.preview(data)
            for _ in range(2):
                rows = shell.picture.rows
                assert rows == draw(protocol, data, room(columns, 24), cell=CELL).rows
                text = shell.screen.text
                assert text == [*said, *[""] * rows, "bar"]
                assert shell.screen.pictures == [Shown(len(said) - len(shell.screen.scrolled), rows, protocol)]
                said.append(f"a line of the log after {number}")
                shell.console.print(said[-1])
                shell.look()
        shell.picture.clear()
    shell.console.print("after")
    shell.look()
    assert shell.screen.text == [*said, "after"]
    assert shell.screen.pictures == []
    assert shell.screen.images == set()


@pytest.mark.parametrize("protocol", [Protocol.BLOCKS, Protocol.PLACEHOLDERS])
def test_pictures_of_characters_are_lines_like_others(protocol: Protocol) -> None:
    """They stand above the bar, move with what is printed, and are gone at the end."""
    shell = Shell(protocol)
    with shell.live:
        shell.preview(WIDE)
        assert shell.screen.images == ({"77"} if protocol is Protocol.PLACEHOLDERS else set())
        shell.console.print("a line of the log")
        shell.look()
        first, *lines, bar = shell.screen.text
        assert (first, bar, len(lines)) == ("a line of the log", "bar", 12)
        assert {line[0] for line in lines} <= {"▀", "\U0010eeee"}
        shell.preview(HIGH)
        assert len(shell.screen.text) == 2 + shell.picture.rows
        shell.picture.clear()
    shell.look()
    assert shell.screen.text == ["a line of the log"]
    assert shell.screen.images == set()


def test_kitty_gets_each_picture_once() -> None:
    """A refresh without news sends a placement of some bytes, not the picture again."""
    shell = Shell(Protocol.KITTY)
    with shell.live:
        assert len(shell.preview(SQUARE)) > 10_000
        shell.live.refresh()
        assert len(shell.look()) < 300
        assert len(shell.preview(SQUARE)) > 10_000
    assert shell.look().count("a=t") == 0


def test_a_broken_preview_leaves_the_last_one() -> None:
    """The caller is told, and the screen stays as it is."""
    shell = Shell(Protocol.SIXEL)
    with shell.live:
        shell.preview(WIDE)
        with pytest.raises(MediaError, match="cannot show a preview of 4 bytes"):
            shell.picture.show(b"none")
        shell.live.refresh()
        shell.look()
        assert shell.screen.pictures == [Shown(0, 12, "sixel")]


@pytest.mark.parametrize("protocol", Protocol)
def test_a_terminal_without_room(protocol: Protocol) -> None:
    """Where there is no room the bar stands alone."""
    shell = Shell(protocol, columns=11)
    with shell.live:
        assert "\x1b_" not in shell.preview(WIDE)
        assert shell.picture.rows == 0
        assert shell.screen.text == ["bar"]


@pytest.mark.parametrize("protocol", GRAPHICS)
def test_clearing_ends_what_was_begun(protocol: Protocol) -> None:
    """ST comes first, once, so that a sequence that was cut off ends there; a terminal in order ignores it."""
    shell = Shell(protocol)
    with shell.live:
        shell.preview(WIDE)
        shell.picture.clear()
        shell.live.refresh()
        assert re.search(r"\A[^_P\]]*\x1b\\", shell.look())
        shell.live.refresh()
        assert "\x1b\\" not in shell.look()


@pytest.mark.parametrize("protocol", GRAPHICS)
def test_an_interrupt_inside_a_picture(protocol: Protocol) -> None:
    """Of a picture that was sent by half, the rest of the terminal's life does not become part."""
    shell = Shell(protocol)
    with pytest.raises(KeyboardInterrupt), shell.live:
        try:
            shell.written.room = 5000
            shell.preview(WIDE)
        finally:
            shell.picture.clear()
    shell.console.print("after")
    shell.look()
    assert shell.screen.text[-1] == "after"
    assert shell.screen.pictures == []


def test_pictures_are_no_colours() -> None:
    """NO_COLOR leaves pictures alone: it is about the colours of text."""
    shell = Shell(Protocol.KITTY, NO_COLOR="1")
    with shell.live:
        shell.preview(WIDE)
        assert shell.screen.pictures == [Shown(0, 12, "kitty")]
