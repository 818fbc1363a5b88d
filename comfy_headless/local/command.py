"""How a ComfyUI is started: its command line and its environment."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

_GPUS: Final = re.compile(r"\d+(,\d+)*")
_TAKEN: Final = {
    "--port": "port= says it",
    "--listen": "host= says it",
    "--tls-keyfile": "what is started here is spoken to without TLS",
    "--tls-certfile": "what is started here is spoken to without TLS",
    "--quick-test-for-ci": "ComfyUI would end at once",
}
_VISIBLE: Final = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
"""As ComfyUI's ``--cuda-device`` sets them (main.py, 0.30.0); older ones take one number there only."""
_OURS: Final = (
    *("PYTHON", "VIRTUAL_ENV", "COMFY_HEADLESS_", "COMFYUI_API_KEY", "COMFYUI_COOKIES", "COMFYUI_BASE_URL"),
    *("COMFYUI_EXECUTOR_TYPE", "COMFY_API_KEY", "COMFY_CLOUD_API_KEY", "COMFY_BASE_URL", "RUNNINGHUB_"),
)
"""How variables begin that are about this process: its own Python, and what it reads itself."""

_TIED: Final = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell lets what it starts with & ignore it
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def check_gpu(gpu: object) -> int | str | None:
    """Return ``gpu`` if it is a choice; raises ValidationError."""
    whole = isinstance(gpu, int) and not isinstance(gpu, bool) and gpu >= 0
    if gpu is None or whole or (isinstance(gpu, str) and (gpu == "cpu" or _GPUS.fullmatch(gpu))):
        return gpu  # type: ignore[return-value]
    raise ValidationError(f"gpu={shown(gpu)}: expected a number such as 0, several such as '0,1', 'cpu', or None")


def check_args(args: Sequence[str]) -> tuple[str, ...]:
    """Return further arguments for ComfyUI's command line; raises ValidationError for those that say it twice."""
    if isinstance(args, str) or not all(isinstance(word, str | os.PathLike) for word in args):
        raise ValidationError(f"args={shown(args)}: expected one text for each word, such as ('--lowvram',)")
    words = tuple(os.fspath(word) for word in args)
    for word in words:
        if why := _TAKEN.get(word.partition("=")[0]):
            raise ValidationError(f"args={shown(args)}: leave {word.partition('=')[0]} out: {why}")
    return words


def command_line(python: Path, *, host: str, port: int, gpu: int | str | None, args: Sequence[str]) -> list[str]:
    """Return the words that start ComfyUI in its folder, without those that tie it to this process."""
    cpu = ["--cpu"] if gpu == "cpu" and "--cpu" not in args else []
    listen = ["--listen", host, "--port", str(port), "--disable-auto-launch"]
    return [str(python), "main.py", *listen, *cpu, *args]


def tied(command: Sequence[str]) -> list[str]:
    """Return a command that ends, on Linux, when the thread ends that starts it, even if that one is killed.

    The tie (PR_SET_PDEATHSIG) holds across ``exec``, so a ComfyUI that starts itself anew has it too. On Windows the
    command stays as it is.
    """
    if sys.platform == "win32":
        return list(command)
    python, *rest = command
    return [python, "-I", "-S", "-c", _TIED, str(os.getpid()), *rest]


def variables(
    environ: Mapping[str, str], gpu: int | str | None, changes: Mapping[str, str | None] | None
) -> dict[str, str]:
    """Return the environment of ComfyUI: this one, without what is about this process.

    Args:
        changes: variables to set; None takes one away.
    """
    kept = {name: value for name, value in environ.items() if not name.upper().startswith(_OURS)}
    if gpu is not None and gpu != "cpu":
        kept.update(dict.fromkeys(_VISIBLE, str(gpu)))
        kept.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the numbers of nvidia-smi
    full = {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **(changes or {})}
    return {name: value for name, value in full.items() if value is not None}
