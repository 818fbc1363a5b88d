"""What an ffmpeg is, and whether it can encode what most players play."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import Final

_VERSION: Final = re.compile(r"ffmpeg version (\S+)")
_SECONDS: Final = 10.0
_ENCODE: Final = (
    *("-hide_banner", "-nostdin", "-loglevel", "error"),
    *("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=0.08", "-c:v", "libx264", "-f", "null", "-"),
)


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """One ffmpeg.

    Args:
        path: of its binary.
        version: as it says it; None if it does not run.
        h264: it encoded two pictures with libx264.
        reason: why it does not run, or does not encode; None if it does both.
    """

    path: str
    version: str | None
    h264: bool
    reason: str | None


def try_ffmpeg(path: str) -> Ffmpeg:
    """Run an ffmpeg, and let it encode two pictures; whatever goes wrong is a reason, never an exception."""
    code, said = _run(path, "-version")
    version = _VERSION.search(said)
    if code or version is None:
        return Ffmpeg(path, None, False, _last(said) or f"it ended with code {code}")
    code, said = _run(path, *_ENCODE)
    return Ffmpeg(path, version[1], not code, (_last(said) or f"it ended with code {code}") if code else None)


def _run(*command: str) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return 1, f"it does not end within {_SECONDS:g} s"
    except OSError as error:
        return 1, error.strerror or str(error)
    return done.returncode, done.stdout.decode(errors="replace")


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
