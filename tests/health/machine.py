"""A process that asks the library of nvml.c, so that nothing of it is loaded here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from comfy_headless.health.gpus import Gpu
from tests.cli.program import environment

LIBRARY = "libnvidia-ml.so.1"
GIB = 1 << 30
_ANSWER = f"""
import ctypes, dataclasses, json, os, sys
from comfy_headless.health.gpus import find_gpus
try:
    running = ctypes.CDLL({LIBRARY!r}).running
except OSError:
    running = int
for line in sys.stdin:
    told, before = json.loads(line), running()
    os.environ.update(told)
    answer = dataclasses.asdict(find_gpus())
    print(json.dumps(answer | {{"running": running() - before}}), flush=True)
    for name in told:
        del os.environ[name]
"""


class Answer(NamedTuple):
    """What find_gpus returned, and how often it started NVML without shutting it down."""

    found: tuple[Gpu, ...]
    reason: str | None
    running: int


class Machine:
    """A process that has the library of one folder."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def find_gpus(self, told: Mapping[str, str] | None = None) -> Answer:
        """Call find_gpus there, with these answers of the library: see nvml.c."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(dict(told or {})), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return Answer(tuple(Gpu(**gpu) for gpu in answer["found"]), answer["reason"], answer["running"])


@contextmanager
def machine(folder: Path, first: str = "") -> Iterator[Machine]:
    """Start a machine whose library is the one in the folder; ``first`` is what its Python does before all else."""
    libraries = os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH")]))
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", first + _ANSWER],
        env=environment(LD_LIBRARY_PATH=libraries),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Machine(process)


def build(folder: Path, *flags: str) -> Path:
    """Compile the library into a folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_name("nvml.c")
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *flags]
    subprocess.run([*command, "-o", str(folder / LIBRARY), str(source)], check=True, timeout=60)
    return folder


def cards(*sizes_gb: float, name: str = "NVIDIA RTX") -> dict[str, str]:
    """What the library says of a machine with these GPUs, none of which can be in MIG mode."""
    told = {"nvmlDeviceGetCount": str(len(sizes_gb))}
    for number, size in enumerate(sizes_gb):
        told[f"nvmlDeviceGetName_{number}"] = f"{name} {number}"
        told[f"nvmlDeviceGetMemoryInfo_{number}"] = str(int(size * GIB))
    return told
