"""How a command ends: one table from errors to exit codes and to what a person can do next.

Standard library only, so that a missing extra can be reported without the extra.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from comfy_headless.cli.log_json import JsonLines
from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    FeatureMissingError,
    GenerationRejectedError,
    GenerationTimeoutError,
    OutOfMemoryError,
    ValidationError,
)

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
UNREACHABLE: Final = 3
REJECTED: Final = 4
TIMED_OUT: Final = 5
INTERRUPTED: Final = 130


SHARED_FLAGS: Final = ("--json", "--log-json", "--debug")
"""Understood by every command, wherever they stand."""


class Ending(NamedTuple):
    """What an error means at the command line.

    Args:
        code: the exit code.
        remedy: what to do next where the message itself does not say it.
    """

    error: type[BaseException]
    code: int
    remedy: str = ""


ENDINGS: Final = (
    Ending(ValidationError, WRONG_USE),
    Ending(FeatureMissingError, WRONG_USE),
    Ending(ComfyUIConnectionError, UNREACHABLE),
    Ending(GenerationRejectedError, REJECTED),
    Ending(GenerationTimeoutError, TIMED_OUT, "give it longer (--timeout SECONDS), or leave --timeout out"),
    Ending(
        OutOfMemoryError,
        FAILED,
        "make it smaller (--width, --height, --frames), or take a lighter preset (comfy-headless presets list)",
    ),
    Ending(ComfyHeadlessError, FAILED),
    Ending(KeyboardInterrupt, INTERRUPTED),
    Ending(BaseException, FAILED, "this is a fault of comfy-headless itself; --debug shows where"),
)
"""The first line whose error is the raised one, or a base of it, counts."""


def ending_of(error: BaseException) -> Ending:
    """Return what ``error`` means at the command line."""
    return next(ending for ending in ENDINGS if isinstance(error, ending.error))


def remedy_of(error: BaseException) -> str:
    """Return what to do next where the message itself does not say it."""
    if isinstance(error, OutOfMemoryError) and error.steps:
        own = error.estimate is None
        return "" if error.tried else "one of these" if own else "one of these, or all by itself: --on-oom lighter"
    return ending_of(error).remedy


def error_data(error: BaseException) -> dict[str, Any]:
    """Return the object that ``--json`` prints for an error."""
    if isinstance(error, ComfyHeadlessError):
        return {"error": error.to_dict()}
    data = {"type": type(error).__name__, "message": error_text(error)}
    prompt_id = getattr(error, "prompt_id", None)
    return {"error": data if prompt_id is None else {**data, "prompt_id": prompt_id}}


def error_text(error: BaseException) -> str:
    """Return the message; an interrupt, or the one that it struck, carries what became of the job in its notes."""
    if isinstance(error, KeyboardInterrupt):
        return "\n".join(["interrupted", *_notes(error)])
    if isinstance(error, OutOfMemoryError):
        return _with_options(error)
    if isinstance(error, ComfyHeadlessError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _with_options(error: OutOfMemoryError) -> str:
    """Return the message with options of the command line in place of arguments."""
    lines = str(error).splitlines()
    for step in error.steps:
        start = f"  {step['argument']}"
        at = next((place for place, line in enumerate(lines) if line == start or line.startswith(f"{start}: ")), None)
        if at is not None:
            lines[at] = f"  {step['option']}{lines[at].removeprefix(start)}"
    message = "\n".join(lines)
    arguments, options = (", ".join(step[name] for step in error.tried) for name in ("argument", "option"))
    return message.replace(f"\ntried already: {arguments}\n", f"\ntried already: {options}\n")


def _notes(error: BaseException | None) -> list[str]:
    return [*_notes(error.__context__), *getattr(error, "__notes__", ())] if error is not None else []


def wants(flag: str, words: Sequence[str]) -> bool:
    """Tell whether a flag was typed. Read before parsing: a wrong option must be answered in JSON too."""
    return flag in _options(words)


def without(flags: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the words without flags that ``wants`` has found."""
    options = _options(words)
    return [*(word for word in options if word not in flags), *words[len(options) :]]


def _options(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def refuse(error: ComfyHeadlessError, words: Sequence[str]) -> int:
    """Report an error with nothing but the standard library; return the exit code."""
    if wants("--json", words):
        sys.stdout.write(json.dumps(error_data(error), indent=2) + "\n")
    if wants("--log-json", words):
        JsonLines(sys.stderr).error(error.to_dict())
    elif not wants("--json", words):
        sys.stderr.write(f"error: {error}\n")
    return ending_of(error).code
