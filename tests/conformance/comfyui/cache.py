"""The harness's cache outside the checkout: each part is whole or not there, and has one builder at a time."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

COMPLETE = "complete"
LOG = "build.log"


def cache_folder() -> Path:
    """`COMFY_HEADLESS_CACHE`, else `comfy-headless` in the user's cache folder; pytest keeps the first elsewhere."""
    named = os.environ.get("COMFY_HEADLESS_TEST_CACHE", os.environ.get("COMFY_HEADLESS_CACHE"))
    if named:
        return Path(named).expanduser().resolve()
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/comfy-headless"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "comfy-headless"


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache; `build` fills it if it is not there.

    The mark is written last, so what an interrupted build left is thrown away and built again.
    """
    folder = cache_folder() / name
    if not (folder / COMPLETE).is_file():
        with locked(folder.with_name(f"{name}.lock")):
            if not (folder / COMPLETE).is_file():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                build(folder)
                (folder / COMPLETE).touch()
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, whatever ends it."""
    import fcntl  # not on Windows, where the offline suite runs all the same

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(paths: Iterable[Path], *more: str) -> str:
    """Eight digits that change with the contents of files and the texts."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    for text in more:
        total.update(text.encode() + b"\0")
    return total.hexdigest()[:8]


def run(command: list[str], folder: Path) -> None:
    """Run one step of a build; its output goes to the build's log, whose end tells what went wrong."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with (folder / LOG).open("ab") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=environment)
    if done.returncode:
        tail = (folder / LOG).read_text(encoding="utf-8", errors="replace")[-3000:]
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}; the end of {folder / LOG}:\n{tail}")
