"""The core without any extra: compiles, checks, and makes a video by polling; what it lacks, it names.

Each case runs in an interpreter where the packages of all extras cannot be found, so that it says the same in a full
environment and in one with the core alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .comfyui.server import free_port

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

ROOT = Path(__file__).resolve().parents[2]
HIDE = """
import sys
socket, health = ("websockets", "sniffio"), ("psutil", "pynvml")
media, cli = ("ffmpeg", "imageio_ffmpeg", "av", "PIL"), ("typer", "rich")
for name in (*socket, *health, *media, *cli, "aiohttp", "huggingface_hub", "yaml"):
    sys.modules[name] = None  # neither found nor imported
import json
import comfy_headless
from comfy_headless import *
"""


def core(code: str, *arguments: str, cwd: Path = ROOT) -> Any:
    """Run code that prints JSON, with the core alone."""
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    command = [sys.executable, "-W", "error", "-c", path + HIDE + code, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_public_name() -> None:
    """All public names import without extras, and no extra is there."""
    said = core("print(json.dumps([sorted(comfy_headless.__all__), dict(FEATURES)]))")
    assert "generate_video" in said[0]
    assert not any(there for extra, there in said[1].items() if extra != "ai")


def test_compile_and_check() -> None:
    """A preset compiles to a graph in which the check finds no problem."""
    assert core("print(json.dumps(check(compile_workflow('wan_5b', 'a cat')).ok))") is True


def test_a_missing_extra_names_its_command() -> None:
    """Who insists on the WebSocket, wants the simulator, or has a workflow inside a picture is told what to install."""
    code = """
said = []
from comfy_headless import simulator
picture = b"\\x89PNG\\r\\n\\x1a\\n"
for call in (lambda: ComfyClient(transport="websocket"), lambda: simulator.Simulator, lambda: check(picture)):
    try:
        call()
    except FeatureMissingError as error:
        said.append([error.extra, str(error)])
print(json.dumps(said))
"""
    (first, socket), (second, simulator), (third, media) = core(code)
    assert (first, second, third) == ("websocket", "simulator", "media")
    assert media.startswith("reading what is inside workflow needs the extra 'media'")
    assert "pip install -e '.[websocket]'" in socket
    assert "pip install -e '.[simulator]'" in simulator


def test_nothing_there() -> None:
    """An address where nothing answers is ComfyUIOfflineError, on both clients."""
    code = """
import asyncio
said = []
async def ask():
    async with AsyncComfyClient(sys.argv[1]) as client:
        await client.generate_video("a cat", preset="wan_5b")
for call in (lambda: generate_video("a cat", preset="wan_5b", server=sys.argv[1]), lambda: asyncio.run(ask())):
    try:
        call()
    except ComfyUIOfflineError as error:
        said.append(error.may_still_run)
print(json.dumps(said))
"""
    assert core(code, f"http://127.0.0.1:{free_port()}") == [False, False]


@pytest.mark.parametrize("shell", ["sync", "async"])
def test_a_video_by_polling(server: str, shell: str, tmp_path: Path) -> None:
    """Without the extra `websocket` the one call makes the same video by polling, on both clients."""
    small = "preset='wan_5b', width=64, height=96, frames=9, steps=2, seed=1, out=sys.argv[2], allow_untested=True"
    call = {
        "sync": f"result = generate_video('a cat', {small}, server=sys.argv[1])",
        "async": f"""
import asyncio
async def make():
    async with AsyncComfyClient(sys.argv[1]) as client:
        return await client.generate_video('a cat', {small})
result = asyncio.run(make())
""",
    }[shell]
    said = core(f"{call}\nprint(json.dumps([result.status, str(result.path)]))", server, str(tmp_path / "cat.mp4"))
    assert said == ["completed", str(tmp_path / "cat.mp4")]
    assert (tmp_path / "cat.mp4").stat().st_size > 1000
