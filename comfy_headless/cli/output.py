"""What a command says and where: its answer on stdout, everything else on stderr.

With ``--json`` stdout carries exactly one JSON object, be it an answer or an error. A reader that goes away (a closed
pipe) never ends a job: from then on what it would have read is dropped.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import IO, Any, Final, NamedTuple, TextIO, TypeAlias, cast

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from comfy_headless.cli.display import Display
from comfy_headless.cli.download_display import DownloadBar, DownloadLines
from comfy_headless.cli.endings import DONE, ending_of, error_data, error_text, remedy_of, wants
from comfy_headless.cli.graphics import Choice, cell_size, protocol_of
from comfy_headless.cli.log_json import JsonLines
from comfy_headless.cli.preview import Picture
from comfy_headless.cli.progress import Lines
from comfy_headless.errors import ComfyHeadlessError, GenerationFailedError, without_secrets
from comfy_headless.features import FEATURES, require
from comfy_headless.models.progress import DownloadProgress
from comfy_headless.protocol.events import Progress

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PIECES: Final = re.compile(r" ?(?:\(?(?:comfy-headless|pip install) [^;,)]+|\S+)| ")
"""Words, each with the space before it; a command is one."""


class Answer(NamedTuple):
    """What a command found or made.

    Args:
        data: the object for ``--json``.
        text: the same for people, without a newline at the end.
        code: the exit code.
    """

    data: dict[str, Any]
    text: str
    code: int = DONE


class Terminal:
    """Where one command speaks.

    Args:
        as_json: one JSON object on stdout, and only warnings on stderr.
        debug: the log of every step, and tracebacks.
        log_json: JSON lines on stderr in place of all else there.
    """

    def __init__(self, *, as_json: bool = False, debug: bool = False, log_json: bool = False) -> None:
        self.as_json, self.debug = as_json, debug
        self._out = Lasting(sys.stdout)
        self._stderr = cast(IO[str], Lasting(sys.stderr))
        self._err = self._console()
        self._said: set[str] = set()
        self._answered = False
        self._display: Display | None = None
        self.lines = JsonLines(self._stderr) if log_json else None

    @classmethod
    def for_words(cls, words: Sequence[str]) -> Terminal:
        """Return the terminal that the arguments ask for."""
        return cls(as_json=wants("--json", words), debug=wants("--debug", words), log_json=wants("--log-json", words))

    @property
    def width(self) -> int | None:
        """Columns of the terminal that reads stdout, None where none does."""
        return shutil.get_terminal_size().columns if self._out.isatty() else None

    def answer(self, answer: Answer) -> None:
        """Print the answer; a command has one."""
        if self._answered:
            return
        self._answered = True
        self._write(answer)
        if self._out.problem:
            raise ComfyHeadlessError(f"cannot write to stdout: {self._out.problem}. It was to say: {answer.text}")

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Lend stdout to typer, which prints help and completions itself."""
        try:
            with redirect_stdout(cast(IO[str], self._out)):
                yield
        finally:
            self._out.flush()
        if self._out.problem:
            raise ComfyHeadlessError(f"cannot write to stdout: {self._out.problem}")

    def fail(self, error: BaseException) -> int:
        """Report an error as one block, or as the JSON object; return the exit code."""
        if self._display is not None:
            self._display.close()  # a second interrupt can have struck while it was closed
        self._err = self._console()  # an interrupt inside the other can have left it in the middle of a line
        ending, message = ending_of(error), error_text(error)
        if self.lines is not None:
            if isinstance(error, GenerationFailedError):
                self.lines.failed(message)
            self.lines.error(error_data(error)["error"], error if self.debug else None)
        elif self.debug:
            self._print("".join(traceback.format_exception(error)).rstrip())
        told = self.as_json and not self._answered
        if told:
            self._answered = True
            self._write(Answer(error_data(error), ""))
        if self.lines is None and (not told or self._out.problem):
            label = "error: "
            if isinstance(error, KeyboardInterrupt):  # what became of the job may have been logged already
                label, lines = "", [line for line in message.splitlines() if line not in self._said]
                message = "\n".join(lines)
            self._print(label + message, "bold red", len(label))
            if remedy := remedy_of(error):
                self._print(f"try: {remedy}")
        return ending.code

    def note(self, text: str, *, label: str = "") -> None:
        """Say something by the way, on stderr and once; not with ``--json``, whose object holds it."""
        if self.lines is not None:
            self.lines.say(text)
        elif not self.as_json and text not in self._said:
            self._print(f"{label}{text}", "dim", len(label or text))
        self._said.add(text)

    def warn(self, text: str) -> None:
        """Say what turned out to be off, on stderr and once; not with ``--json``, whose object holds it."""
        if self.lines is not None:
            self.lines.say(text, logging.WARNING)
        elif not self.as_json:
            self.log(text, warning=True)

    def about(self, prompt_id: str) -> None:
        """Say which job the rest is about, for ``--log-json``."""
        if self.lines is not None:
            self.lines.about(prompt_id)

    def log(self, text: str, *, warning: bool = False) -> None:
        """Say a line of the log: once, but each time it comes with ``--debug``, where repetition is news."""
        if self.debug or text not in self._said:
            label = "warning: " if warning else ""
            self._print(label + text, "bold magenta" if warning else "dim", len(label or text))
        self._said.add(text)

    @contextmanager
    def progress(
        self, wanted: bool | None, preview: Choice = Choice.AUTO
    ) -> Iterator[Callable[[Progress], None] | None]:
        """Show how far a job is: live on a terminal, as lines elsewhere.

        Args:
            wanted: None shows it unless ``--json`` was given.
            preview: how previews are drawn on a terminal.

        Raises:
            ValidationError, FeatureMissingError: previews of this kind cannot be shown here.
        """
        if self.lines is not None:
            yield None if wanted is False else self.lines.show
        elif not (not self.as_json if wanted is None else wanted):
            yield None
        elif self._err.is_terminal and not self._err.is_dumb_terminal:
            picture = self._picture(preview)
            with Display(self._err, picture, note=self.note, environ=os.environ) as self._display:
                yield self._display.show
        else:
            yield Lines(self._print).show

    @contextmanager
    def downloading(self, wanted: bool | None) -> Iterator[Callable[[DownloadProgress], None] | None]:
        """Show how far a download is: live on a terminal, as lines elsewhere.

        Args:
            wanted: None shows it unless ``--json`` was given.
        """
        if self.lines is not None:
            yield None if wanted is False else self.lines.download
        elif not (not self.as_json if wanted is None else wanted):
            yield None
        elif self._err.is_terminal and not self._err.is_dumb_terminal:
            with DownloadBar(self._err) as bar:
                yield bar.show
        else:
            yield DownloadLines(self._print).show

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Show the log of the package on stderr meanwhile."""
        logger = logging.getLogger("comfy_headless")
        handler, before = self.lines or _Handler(self), logger.level
        quiet = self.as_json and self.lines is None
        logger.setLevel(logging.DEBUG if self.debug else logging.WARNING if quiet else logging.INFO)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before)

    def _picture(self, choice: Choice) -> Picture | None:
        if choice is Choice.AUTO and not FEATURES["media"]:
            return None
        protocol = protocol_of(choice, os.environ, sys.stderr)
        if protocol is None:
            return None
        require("media", f"--preview {choice}")
        return Picture(self._err, protocol, cell=cell_size(sys.stderr))

    def _console(self) -> Console:
        return Console(file=self._stderr, markup=False, emoji=False, highlight=False)

    def _write(self, answer: Answer) -> None:
        text = harmless(answer.text) if self._out.isatty() else answer.text
        self._out.write((json.dumps(answer.data, indent=2, default=str) if self.as_json else text) + "\n")
        self._out.flush()

    def _print(self, text: str, style: str = "", styled: int = 0) -> None:
        text = harmless(without_secrets(text))
        shown = Text(fold(text, self._err.width) if self._err.is_terminal else text)
        shown.stylize(style, 0, styled)
        self._err.print(shown, soft_wrap=True)


class Lasting:
    """A stream whose reader may go away, or that is not there; everything else is the stream's own.

    Args:
        stream: None where the process was started without it (``>&-``).
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream if stream is not None else _nowhere()
        self._closed = stream is None
        self.problem = ""

    def write(self, text: str) -> int:
        """Write, or drop what nobody reads any more."""
        if self._closed:
            self.problem = "it is closed"
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except OSError as error:
            self._drop(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop what nobody reads any more."""
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        """Lead the stream into nothing, so that Python's own flush at the end does not fail either."""
        if not isinstance(error, BrokenPipeError):
            self.problem = error.strerror or str(error)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._stream.fileno())
        os.close(nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _nowhere() -> TextIO:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", line_buffering=False)


class _Handler(logging.Handler):
    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, "prompt_id") and not self._terminal.debug:
            return  # queued, started: the display says so
        text = record.getMessage()
        if self._terminal.debug and record.exc_info:
            text = f"{text}\n{''.join(traceback.format_exception(*record.exc_info)).rstrip()}"
        self._terminal.log(text, warning=record.levelno >= logging.WARNING)


Action: TypeAlias = Callable[[Terminal], Answer | None]
"""What a command does once its arguments are read."""


def harmless(text: str) -> str:
    """Return a text that does nothing to a terminal; a name in somebody else's workflow may hold what clears it."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def fold(text: str, width: int) -> str:
    """Return a text whose lines end between words; a command to type stays whole, so that it can be copied."""
    return "\n".join(_folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    shown, used = "", 0
    for piece in _PIECES.findall(line):
        if used and used + cell_len(piece) > width and piece.startswith(" "):
            shown, piece, used = f"{shown}\n", piece[1:], 0
        shown += piece
        used += cell_len(piece)
    return shown


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Return rows as lines with aligned columns, never wrapped or cut; one long cell does not widen its column."""
    widths = [max((len(cell) for cell in column if len(cell) <= 36), default=0) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"{indent}{line.rstrip()}" for line in lines)
