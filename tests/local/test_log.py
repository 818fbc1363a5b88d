"""The end of a log is read as a terminal shows it, and what it means is a line to type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from comfy_headless.local.command import command_line, variables
from comfy_headless.local.log import Started, cause, listens, port_taken, remedy, tail

OF = Started(Path("/c/ComfyUI"), Path("/c/venv/bin/python"), 8188)
PIP = "/c/venv/bin/python -m pip install -r /c/ComfyUI/requirements.txt".replace("/", os.sep)
CPU_BUILD = "the torch of this Python is one without CUDA: gpu='cpu' or --gpu cpu runs on the CPU; "


def test_the_last_lines(tmp_path: Path) -> None:
    """Colours, and what a progress bar wrote over, are left out; of a long log the end is read."""
    log = tmp_path / "log"
    log.write_bytes(b"x" * 200_000 + b"\n\x1b[32m[INFO]\x1b[0m one\r\n 10%|#\r100%|##\n\xff three\n\n")
    assert tail(log, 3) == "[INFO] one\n100%|##\n\ufffd three"
    assert tail(log, 0) == ""
    assert tail(tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (
            "Traceback (most recent call last):\nModuleNotFoundError: No module named 'einops'",
            "ModuleNotFoundError: No module named 'einops'",
            f"einops is missing: {PIP}",
        ),
        (
            "comfyui-frontend-package is not installed.\n\n********** ERROR",
            "",
            f"comfyui-frontend-package is missing: {PIP}",
        ),
        (
            "ImportError: cannot import name 'x' from 'comfy_aimdo' (/c/x.py)",
            "ImportError: cannot import name 'x' from 'comfy_aimdo' (/c/x.py)",
            f"cannot import name 'x' from 'comfy_aimdo' (/c/x.py) is missing: {PIP}",
        ),
        (
            "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8188): address already in use",
            "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8188): address already in use",
            "port 8188 is taken; port=0 or --port 0 takes a free one",
        ),
        (
            "usage: main.py [-h]\nmain.py: error: unrecognized arguments: --low-vram",
            "main.py: error: unrecognized arguments: --low-vram",
            "see which there are: /c/venv/bin/python /c/ComfyUI/main.py --help".replace("/", os.sep),
        ),
        (
            "AssertionError: Torch not compiled with CUDA enabled",
            "AssertionError: Torch not compiled with CUDA enabled",
            CPU_BUILD,
        ),
        (
            "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
            "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
            "no such GPU is seen: nvidia-smi lists those that are there; gpu='cpu' or --gpu cpu runs on the CPU",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
            "the GPU has too little free memory: nvidia-smi shows who uses it; args=('--lowvram',) or -- --lowvram",
        ),
        ("PermissionError: [Errno 13] Permission denied: '/c/x'",) * 2 + ("ComfyUI may not write there: ",),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/c/x/custom_nodes'",) * 2
        + ('mkdir -p "/c/x/custom_nodes"',),
        ("OSError: [Errno 28] No space left on device",) * 2 + ("the disk is full",),
        ("all is well", "", ""),
        ("No module named 'x': this pack is skipped\nKilled", "", ""),
    ],
)
def test_what_a_log_says(text: str, line: str, what: str) -> None:
    """The usual ends have a cause in one line and something to do."""
    assert cause(text) == line
    found = remedy(text, OF)
    assert found.startswith(what)
    assert bool(found) == bool(what)


def test_the_last_sign_counts() -> None:
    """A node pack that could not be loaded is not why the server ended after that."""
    text = "ModuleNotFoundError: No module named 'cv2'\nCannot import pack\nRuntimeError: CUDA out of memory"
    assert remedy(text, OF).startswith("the GPU has too little free memory")


def test_the_command_line() -> None:
    """--cpu is said once; a browser is never opened."""
    words = command_line(Path("python"), host="0.0.0.0", port=1, gpu="cpu", args=("--cpu",))
    assert words == ["python", "main.py", "--listen", "0.0.0.0", "--port", "1", "--disable-auto-launch", "--cpu"]


def test_the_number_of_a_gpu() -> None:
    """Numbers are those of nvidia-smi, unless somebody wants another order; the CPU hides nothing."""
    assert variables({"A": "1"}, 1, None) == {
        "A": "1",
        "CUDA_VISIBLE_DEVICES": "1",
        "HIP_VISIBLE_DEVICES": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    assert variables({"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}, 0, None)["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"
    assert "CUDA_VISIBLE_DEVICES" not in variables({}, "cpu", None)


def test_what_is_ours_stays_here() -> None:
    """ComfyUI is told none of the secrets with which this package reaches servers; its node packs may want HF_TOKEN."""
    ours = ("COMFY_HEADLESS_TOKEN", "COMFYUI_API_KEY", "COMFYUI_COOKIES", "COMFY_API_KEY", "RUNNINGHUB_API_KEY")
    given = variables({**dict.fromkeys(ours, "hunter2"), "HF_TOKEN": "hf", "COMFYUI_PATH": "x"}, None, None)
    assert not {*ours} & {*given} and (given["HF_TOKEN"], given["COMFYUI_PATH"]) == ("hf", "x")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("Starting server\n\nTo see the GUI go to: http://127.0.0.1:8188", True),
        ("To see the GUI go to: http://[::]:8188\nloaded", True),
        ("To see the GUI go to: http://127.0.0.1:81880", False),
        ("Starting server\n", False),
    ],
)
def test_it_says_that_it_listens(text: str, there: bool) -> None:
    """What ComfyUI prints once it has its port, and only for that port."""
    assert listens(text, 8188) is there


@pytest.mark.parametrize(
    "text",
    [
        "Port 8188 is already in use on address 127.0.0.1. Please close the other application or use a different port",
        "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8188): address already in use",
        "OSError: [Errno 10048] only one usage of each socket address (protocol/network address/port) is permitted",
    ],
)
def test_a_port_that_somebody_has(text: str) -> None:
    """It is known by ComfyUI's own words (server.py, 0.30.0) and by those of each system."""
    assert port_taken(text)
    assert remedy(text, OF) == f"port {OF.port} is taken; port=0 or --port 0 takes a free one"
