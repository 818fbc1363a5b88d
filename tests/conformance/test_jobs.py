"""Jobs that one holds, on the simulator and on a real server alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from comfy_headless import (
    ComfyClient,
    Finished,
    GenerationFailedError,
    JobStatus,
    OutputReady,
    Preview,
    Progress,
    Queued,
    Started,
)
from tests.faults.clients import VIDEO
from tests.faults.test_jobs import SUBMIT, clients

from .test_calls import LONG, SMALL, busy_server, slow_simulator, until

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

__all__ = ["busy_server", "slow_simulator"]
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@KINDS
def test_the_events_of_a_job(kind: str, busy_server: str, tmp_path: Path) -> None:
    """Waiting, start, steps, pictures of them, the file, the end; the result brings what was announced."""
    seed = len(kind)  # nothing is taken from the server's cache
    with clients(kind, busy_server) as call:
        first = call("submit_video", "x", **{**LONG, "steps": 300})
        job = call("submit_video", "y", preset="wan_5b", seed=seed, steps=60, sampler="euler", **SMALL)
        events = job.events()
        kinds = [type(event) for event in events]
        assert kinds[0] is Queued
        assert kinds.count(Started) == 1
        assert set(kinds[: kinds.index(Started)]) == {Queued}
        assert events[-1] == Finished("done")
        steps = [event for event in events if isinstance(event, Progress)]
        assert {event.steps for event in steps} >= {60}
        assert [event.progress for event in steps] == sorted(event.progress for event in steps)
        pictures = [event for event in events if isinstance(event, Preview)]
        assert pictures
        assert {event.mime for event in pictures} == {"image/jpeg"}
        (made,) = [event.output for event in events if isinstance(event, OutputReady)]
        result = job.result(tmp_path)
        assert result.outputs[0].filename == made.filename
        assert (result.path, result.preset, result.seed, result.looked) == (
            tmp_path / f"wan_5b_{seed}.mp4",
            "wan_5b",
            seed,
            True,
        )
        assert first.status() is JobStatus.DONE


@pytest.mark.slow
@KINDS
def test_what_the_server_says_of_its_jobs(kind: str, busy_server: str) -> None:
    """One runs, one waits, one was cancelled, one is unknown: all are told apart, and cancelled by their id only."""
    with clients(kind, busy_server) as call:
        running = call("submit_video", "x", **LONG)
        waiting = call("submit", VIDEO)
        until(lambda: running.status() is JobStatus.RUNNING)
        assert waiting.status() is JobStatus.QUEUED
        told = {job.prompt_id: job for job in call("jobs")}
        assert (told[running.prompt_id].status, told[running.prompt_id].position) == ("running", 0)
        assert (told[waiting.prompt_id].status, told[waiting.prompt_id].position) == ("queued", 1)
        assert (told[running.prompt_id].preset, told[waiting.prompt_id].preset) == ("wan_5b", None)
        assert waiting.cancel()
        assert waiting.status() is JobStatus.UNKNOWN
        assert waiting.events()[-1].status == "failed"
        assert running.cancel()
        assert "somebody cancelled the job" in running.events()[-1].error
        assert running.status() is JobStatus.FAILED
        assert not running.cancel()
        told = {job.prompt_id: job for job in call("jobs", limit=5)}
        assert "somebody cancelled the job" in (told[running.prompt_id].error or "")


@KINDS
def test_a_process_killed_after_submit(kind: str, server: str, tmp_path: Path) -> None:
    """Another process learns preset, seed and settings by the id alone, and gets the file."""
    words = [sys.executable, "-c", SUBMIT.replace("seconds=1", ", ".join(f"{k}={v}" for k, v in SMALL.items())), server]
    killed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -9, killed.stderr
    with clients(kind, server) as call:
        job = call("job", killed.stdout.strip())
        assert (job.preset, job.seed, job.settings["frames"]) == ("wan_5b", 9, 9)
        assert job.result(tmp_path, timeout=120).path == tmp_path / "wan_5b_9.mp4"


def test_a_label_stays_out_of_the_file(server: str, tmp_path: Path) -> None:
    """What travels with the job is kept by the server beside it, and changes nothing that it makes."""
    with ComfyClient(server) as client:
        job = client.submit(VIDEO)
        job.result(tmp_path)
        entry = client.history(job.prompt_id)
    assert entry is not None
    told = {"preset", "seed", "settings", "notes", "sound", "outputs", "enhanced"}
    assert set(entry["prompt"][3]["comfy_headless"]) == told
    assert all(b"comfy_headless" not in path.read_bytes() for path in tmp_path.rglob("*.mp4"))


def test_a_picture_too_large_for_its_format(server: str) -> None:
    """A picture that webp has no room for is the job's failure, in the words of its library; the server goes on."""
    image = {"width": 1, "height": 16384, "batch_size": 1, "color": 5}
    saved = {"images": ["1", 0], "filename_prefix": "tall", "fps": 6.0, "lossless": False, "quality": 80}
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": image},
        "2": {"class_type": "SaveAnimatedWEBP", "inputs": {**saved, "method": "default"}},
    }
    with ComfyClient(server) as client:
        for _ in range(2):
            with pytest.raises(GenerationFailedError, match="WebP limit of 16383 pixels"):
                client.run_workflow(graph)
