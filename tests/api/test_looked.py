"""Every finished video is looked at: what is off is a warning, or an error if the caller is strict."""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, ResultSuspectError, Timing, ValidationError, generate_video
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination
from comfy_headless.protocol.run import Wait, run
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Spoiled, SpoilOutput
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.sync import SyncTransport
from tests.faults.clients import VIDEO, WAYS, Person

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

ROOT = Path(__file__).resolve().parents[2]
SMALL: dict[str, Any] = {"preset": "wan_5b", "frames": 25}

WORDS = {
    "black": "black",
    "one_colour": "one colour",
    "frozen": "nothing moves",
    "noise": "noise",
    "still_noise": "noise",
    "size": "1280x704",
    "frames": "25",
    "fps": "24",
    "sound": "sound",
}


def test_every_kind_has_its_words() -> None:
    """The table knows each kind that the simulator makes."""
    assert set(WORDS) == set(get_args(Spoiled))


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORDS)
def test_what_is_off_stands_in_the_warnings(kind: str, tmp_path: Path) -> None:
    """One line says what, the likely cause and the remedy; the video is there all the same."""
    with Simulator(faults=[SpoilOutput(kind)]) as sim:  # type: ignore[arg-type]
        result = generate_video("x", server=sim.url, out=tmp_path, **SMALL)
    (warning,) = [line for line in result.warnings if WORDS[kind] in line]
    assert (result.looked, result.status) == (True, "completed")
    assert warning.count(": ") >= 1
    assert warning.count("; ") >= 1
    assert json.loads(json.dumps(result.to_dict()))["warnings"] == list(result.warnings)
    assert result.path is not None
    assert result.path.exists()


@pytest.mark.parametrize(("kind", "transport"), WAYS)
def test_a_good_video_has_no_warning(kind: str, transport: str, tmp_path: Path) -> None:
    """It is opened, and nothing is said of it."""
    with Simulator() as sim:
        result = Person(kind, sim.url, transport=transport).call("generate_video", "x", out=tmp_path, **SMALL)
    assert (result.looked, result.warnings) == (True, ())


@pytest.mark.parametrize(("kind", "transport"), WAYS)
@pytest.mark.parametrize("door", ["generate_video", "run_workflow", "wait_for_completion"])
def test_strict_is_an_error_that_keeps_the_file(kind: str, transport: str, door: str, tmp_path: Path) -> None:
    """`strict=True` raises at each door, names the file, and survives pickling."""
    with Simulator(faults=[SpoilOutput("black", times=None)]) as sim:
        person = Person(kind, sim.url, transport=transport)
        out = tmp_path / "clip.mp4"
        with pytest.raises(ResultSuspectError, match=r"clip\.mp4 is made and kept, but looks wrong") as caught:
            if door == "generate_video":
                person.call(door, "x", out=out, strict=True, **SMALL)
            elif door == "run_workflow":
                person.call(door, VIDEO, out=out, strict=True)
            else:
                person.call(door, person.call("queue_prompt", VIDEO), out=out, strict=True)
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.path == str(out)
    assert out.stat().st_size > 0
    assert "black" in error.warnings[0]


def test_strict_needs_a_video_that_is_here() -> None:
    """Where nothing is brought here nothing is looked at: to be strict then is refused."""
    with Simulator() as sim, ComfyClient(sim.url) as client:
        job = client.submit(VIDEO)
        with pytest.raises(ValidationError, match="give out="):
            job.result(download=False, strict=True)
        with pytest.raises(ValidationError, match="give out="):
            client.wait_for_completion(job.prompt_id, strict=True)


def test_a_video_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is no video is kept, and the warning says what could not be done."""
    with Simulator() as sim, ComfyClient(sim.url) as client:
        job = client.submit(VIDEO)
        job.result(download=False)
        made = next(sim.output_folder.rglob("*.mp4"))
        made.write_bytes(b"no video at all" * 100)
        result = job.result(tmp_path)
    assert result.looked
    assert "cannot be read" in result.warnings[0]


BARE = """
import sys
sys.modules["av"] = None
from comfy_headless import generate_video, FeatureMissingError
small = dict(preset="wan_5b", frames=25, out=sys.argv[2], server=sys.argv[1])
result = generate_video("x", **small)
print(result.looked, result.warnings)
try:
    generate_video("x", strict=True, **small)
except FeatureMissingError as error:
    print(error)
"""


def test_without_media_the_result_says_that_nobody_looked(tmp_path: Path) -> None:
    """The video comes, with a warning that names the extra; strict is refused before anything is queued."""
    with Simulator() as sim:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", BARE, sim.url, tmp_path],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert len(sim.jobs) == 1
    first, second = done.stdout.splitlines()
    assert first.startswith('False ("nobody looked at the video: ')
    assert "[media]" in first
    assert second.startswith("strict=True ")
    assert "[media]" in second


def test_a_look_holds_up_no_other_job(tmp_path: Path) -> None:
    """On asyncio a video is looked at in a thread: meanwhile the loop goes on."""
    where: list[str] = []

    async def main(url: str) -> None:
        async with AsyncComfyClient(url) as client:
            job = await client.submit_video("x", **SMALL)
            await job.result(tmp_path)
            where.extend(thread.name for thread in threading.enumerate() if thread.name.startswith("asyncio_"))

    with Simulator() as sim:
        asyncio.run(main(sim.url))
    assert where


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_look_that_is_interrupted(kind: str, tmp_path: Path) -> None:
    """Nothing is cancelled: the interrupt says where the video is."""

    def interrupted(*_: object) -> tuple[str, ...]:
        raise KeyboardInterrupt

    with Simulator() as sim:
        server = Server(sim.url, "me", Timing(), socket=False)
        flow = run(server, VIDEO, Wait(Destination(tmp_path), look=interrupted))
        with pytest.raises(KeyboardInterrupt) as caught:
            if kind == "async":
                asyncio.run(AsyncTransport(server).drive(flow))
            with closing(SyncTransport(server)) as transport:
                transport.drive(flow)
        (video,) = tmp_path.rglob("*.mp4")
        words = f"prompt {sim.jobs[0]}: done, {video} is here; only the look at it was interrupted"
        assert caught.value.__notes__ == [words]
        assert not [request for request in sim.requests if "cancel" in request.path]


def test_only_videos_that_are_here_are_looked_at(tmp_path: Path) -> None:
    """Pictures are not, nor is what was left on the server."""
    pictures = {
        "1": VIDEO["1"],
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
    }
    with Simulator() as sim, ComfyClient(sim.url) as client:
        assert not client.run_workflow(pictures, out=tmp_path).looked
        assert not client.submit(VIDEO).result(download=False).looked
