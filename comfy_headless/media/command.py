"""Run ffmpeg where a command is needed: ffmpeg-python writes it, the system's binary or imageio-ffmpeg's runs it.

imageio-ffmpeg carries no ffprobe, so nothing here asks for one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg

from comfy_headless.errors import MediaError

_LAST_LINES = 8


def binary() -> str:
    """Return the ffmpeg to run: the system's, else the one that imageio-ffmpeg brings.

    Raises:
        MediaError: there is neither.
    """
    try:
        return shutil.which("ffmpeg") or str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MediaError(f"no ffmpeg: none on PATH, and imageio-ffmpeg says: {error}") from error


def run(stream: Any, path: Path, *, timeout: float = 600.0) -> str:
    """Run a command that ffmpeg-python wrote and return what ffmpeg said; files are overwritten.

    Args:
        stream: the output of ``ffmpeg.input(...)....output(...)``.
        path: the file that an error names.
        timeout: seconds.

    Raises:
        MediaError: ffmpeg failed or took too long; ``details`` holds its last lines.
    """
    quiet = stream.global_args("-hide_banner", "-nostdin", "-loglevel", "error")
    command = ffmpeg.compile(quiet, cmd=binary(), overwrite_output=True)
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MediaError(f"ffmpeg did not finish on {path}: {error}", path=str(path)) from error
    said = last_lines(done.stderr.decode(errors="replace"))
    if done.returncode:
        reason = said.splitlines()[-1] if said else f"exit code {done.returncode}"
        raise MediaError(f"ffmpeg failed on {path}: {reason}", path=str(path), details=said)
    return said


def complaints(path: Path) -> str:
    """Return ffmpeg's last lines about a file that it is asked to read; empty if it finds nothing wrong."""
    try:
        return run(ffmpeg.input(str(path.absolute())).output("-", format="null"), path, timeout=60.0)
    except MediaError as error:
        return error.details


def last_lines(text: str) -> str:
    """Return the end of what ffmpeg printed."""
    return "\n".join(text.strip().splitlines()[-_LAST_LINES:])
