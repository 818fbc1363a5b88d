"""The log of a ComfyUI: its last lines, and what they mean for the person who started it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

_READ: Final = 64 * 1024
"""Bytes of the end that are read; a progress bar writes many without an end of line."""
_COLOURS: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_RAISED: Final = re.compile(r"^(?:[\w.]+(?:Error|Exception|Interrupt)|AssertionError)\b.*|^main\.py: error: .*", re.M)


class Started(NamedTuple):
    """What a remedy may name: the ComfyUI's folder and Python, and where it was to listen."""

    folder: Path
    python: Path
    port: int


class Sign(NamedTuple):
    """A text in the log, and what to do about it."""

    pattern: re.Pattern[str]
    remedy: Callable[[re.Match[str], Started], str]


def _requirements(_: re.Match[str], of: Started) -> str:
    return f"{of.python} -m pip install -r {of.folder / 'requirements.txt'}"


def _module(found: re.Match[str], of: Started) -> str:
    return f"{found[1]} is missing: {_requirements(found, of)}"


def _sign(pattern: str, remedy: str | Callable[[re.Match[str], Started], str]) -> Sign:
    said = remedy if callable(remedy) else lambda _found, _of: remedy
    return Sign(re.compile(pattern, re.M), said)


_TAKEN: Final = r"(?i)address already in use|only one usage of each socket address|port \d+ is already in use"
_CPU_BUILD: Final = (
    "the torch of this Python is one without CUDA: gpu='cpu' or --gpu cpu runs on the CPU; "
    "https://pytorch.org/get-started/locally has the line that installs one with CUDA"
)
SIGNS: Final = (
    _sign(
        _TAKEN,
        lambda _, of: f"port {of.port} is taken; port=0 or --port 0 takes a free one",
    ),
    _sign(r"main\.py: error: (.+)", lambda _, of: f"see which there are: {of.python} {of.folder / 'main.py'} --help"),
    _sign(r"ModuleNotFoundError: No module named '([^']+)'", _module),
    _sign(r"(comfyui-\S+-package) is not installed", _module),
    _sign(r"ImportError: (cannot import name .+)", _module),
    _sign(r"Torch not compiled with CUDA enabled", _CPU_BUILD),
    _sign(
        r"(?i)found no NVIDIA driver|no CUDA GPUs are available|no CUDA-capable device|invalid device ordinal",
        "no such GPU is seen: nvidia-smi lists those that are there; gpu='cpu' or --gpu cpu runs on the CPU",
    ),
    _sign(
        r"(?i)the NVIDIA driver on your system is too old",
        "the NVIDIA driver is older than this torch needs: update it, or take the CPU: gpu='cpu' or --gpu cpu",
    ),
    _sign(
        r"(?i)CUDA out of memory|OutOfMemoryError",
        "the GPU has too little free memory: nvidia-smi shows who uses it; "
        "args=('--lowvram',) or -- --lowvram takes less",
    ),
    _sign(r"(?i)database is locked", "another ComfyUI uses this folder: args=('--database-url', 'sqlite:///:memory:')"),
    _sign(r"FileNotFoundError: .*'(.+[/\\]custom_nodes)'", lambda found, _: f'mkdir -p "{found[1]}"'),
    _sign(
        r"(?:PermissionError|Read-only file system).*",
        "ComfyUI may not write there: args=('--base-directory', FOLDER) names a folder of your own for what it writes",
    ),
    _sign(r"No space left on device", "the disk is full"),
)
"""The last of the log that fits counts, of several at one place the first."""


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, as a terminal would show them; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _READ))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    shown = [_COLOURS.sub("", line).rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    while shown and not shown[-1]:
        shown.pop()
    return "\n".join(shown[-lines:]) if lines > 0 else ""


def cause(text: str) -> str:
    """Return the line that says what went wrong, as Python writes it last; empty if there is none."""
    found = _RAISED.findall(text)
    return found[-1].strip()[:300] if found else ""


def remedy(text: str, of: Started) -> str:
    """Return what to do about the end of a log; empty if nothing in it is known."""
    found = [(match, sign) for sign in SIGNS for match in sign.pattern.finditer(text)]
    if not found:
        return ""
    match, sign = max(found, key=lambda pair: pair[0].start())
    return sign.remedy(match, of)


def listens(text: str, port: int) -> bool:
    """Say whether a log tells that its ComfyUI has the port (0.16.3 and 0.30.0, measured)."""
    return re.search(rf"To see the GUI go to: \S+:{port}\b", text) is not None


def port_taken(text: str) -> bool:
    """Say whether a log ends because somebody else has the port."""
    return re.search(_TAKEN, text) is not None
