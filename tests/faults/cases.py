"""What can go wrong, and what must come of it: 33 faults that other clients hang, lose or lie at, and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationFailedError,
    GenerationRejectedError,
    OutOfMemoryError,
)
from comfy_headless.protocol.result import Result
from comfy_headless.simulator.faults import (
    BIG_PREVIEW,
    ODD_FRAMES,
    Answer,
    AnswerAfterEnd,
    Break,
    ClaimFile,
    CutSocket,
    Delay,
    Delete,
    ExtraFrames,
    Fault,
    Interrupt,
    LateHistory,
    NodeFails,
    OldServer,
    OutOfMemory,
    RefuseOutput,
    RepeatFrames,
    Restart,
    SilentSocket,
    Stall,
    Truncate,
)
from tests.faults.clients import VIDEO

TWO: Final[Mapping[str, Any]] = {
    **VIDEO,
    "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "still"}},
}
"""Two outputs: a video and six images."""

PICTURES: Final[Mapping[str, Any]] = {
    "1": VIDEO["1"],
    "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a/still"}},
    "5": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "b/still"}},
}
"""Files of one name in two folders."""

BAD: Final[Mapping[str, Any]] = {**VIDEO, "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": -8}}}
"""A graph that a server refuses."""


class Case(NamedTuple):
    """One thing that goes wrong.

    Args:
        faults: what the simulator does.
        error: the exception that must come, None if the file must come.
        says: words that its message must have.
        graph: what is run.
        files: how many files come.
        check: more to hold of the result and the folder.
    """

    faults: tuple[Fault, ...] = ()
    error: type[ComfyHeadlessError] | None = None
    says: str = ""
    graph: Mapping[str, Any] = VIDEO
    files: int = 1
    check: Callable[[Result, Path], bool] = lambda result, folder: True


def named(name: str) -> Callable[[Result, Path], bool]:
    """Hold that the only file is called so, below the destination."""
    return lambda result, folder: result.files[0].name == name and folder.resolve() in result.files[0].resolve().parents


LOST = GenerationFailedError
CASES: Final[Mapping[str, Case]] = {
    "no fault": Case(),
    "socket cut at start": Case((CutSocket(at=1),)),
    "socket cut half way": Case((CutSocket(at=6),)),
    "socket cut before the end": Case((CutSocket(at="executing", skip=3),)),
    "socket cut in good order": Case((CutSocket(at=5, code=1001),)),
    "socket never accepted": Case((Answer(route="GET /ws", status=403, times=None),)),
    "socket broken at the handshake": Case((Break(route="GET /ws", times=None),)),
    "socket stalls at the handshake": Case((Stall(route="GET /ws", times=None),)),
    "socket silent": Case((SilentSocket(),)),
    "socket silent after a while": Case((SilentSocket(after=5),)),
    "preview of 3 MiB": Case((ExtraFrames(frames=(BIG_PREVIEW,), at="executing"),)),
    "odd frames": Case((ExtraFrames(frames=ODD_FRAMES, at="executing", times=None),)),
    "frames twice": Case((RepeatFrames(),)),
    "history reset once": Case((Break(route="GET /history"),)),
    "history reset for a while": Case((Break(route="GET /history", seconds=0.5),)),
    "history 500 twice": Case((Answer(route="GET /history", times=2),)),
    "history 502 in HTML": Case((Answer(route="GET /history", status=502, body="<html>bad gateway", times=3),)),
    "history HTML for a while": Case(
        (Answer(route="GET /history", status=200, body="<html>please wait", content_type="text/html", seconds=0.4),)
    ),
    "history never answered once": Case((Stall(route="GET /history"),)),
    "history late": Case((LateHistory(late=0.08),)),
    "POST answer late": Case((Delay(route="POST /prompt", delay=0.8),)),
    "job ends before the POST is answered": Case((AnswerAfterEnd(),)),
    "POST queued, answer lost": Case((Break(route="POST /prompt", when="after"),)),
    "POST queued, answer 503": Case((Answer(route="POST /prompt", status=503, when="after"),)),
    "POST queued, answer 502": Case((Answer(route="POST /prompt", status=502, when="after"),)),
    "POST queued, answer HTML": Case((Answer(route="POST /prompt", status=200, body="<html>", when="after"),)),
    "POST lost before the queue": Case((Break(route="POST /prompt", when="before"),)),
    "POST 503 before the queue": Case((Answer(route="POST /prompt", status=503),)),
    "POST 500 before the queue": Case(
        (Answer(route="POST /prompt", status=500, body="Server got itself in trouble"),),
        ComfyUIConnectionError,
        "Server got itself in trouble",
    ),
    "429 with Retry-After": Case((Answer(route="POST /prompt", status=429, headers={"Retry-After": "1"}),)),
    "429 twice": Case((Answer(route="POST /prompt", status=429, headers={"Retry-After": "0"}, times=2),)),
    "node raises": Case((NodeFails(message="shapes do not fit"),), LOST, r"node 1 \(EmptyImage\).*shapes do not fit"),
    "out of memory": Case((OutOfMemory(),), OutOfMemoryError, "memory"),
    "interrupted by another": Case((Interrupt(),), LOST, "interrupted"),
    "deleted from the queue": Case((Delete(),), LOST, "cancelled or deleted while it waited"),
    "server restarts while it runs": Case((Restart(at="running"),), LOST, "restarted"),
    "server restarts before": Case((Restart(at="queued"),), LOST, "restarted"),
    "node_errors in a 200": Case((RefuseOutput(),), GenerationRejectedError, "drop some outputs", graph=TWO),
    "400 rejected": Case((), GenerationRejectedError, r"node 2 \(CreateVideo\).*fps", graph=BAD),
    "401": Case(
        (Answer(route="POST /prompt", status=401, body="login first"),), ComfyUIConnectionError, "login first; .*token="
    ),
    "413": Case(
        (Answer(route="POST /prompt", status=413, body="Maximum request body size exceeded."),),
        GenerationRejectedError,
        "Maximum request body size",
    ),
    "view 404 once": Case((Answer(route="GET /view", status=404, body=""),)),
    "view 500 once": Case((Answer(route="GET /view", status=500),)),
    "view reset at once": Case((Break(route="GET /view"),)),
    "view cut": Case((Truncate(ending="reset"),)),
    "view cut in good order": Case((Truncate(ending="close"),)),
    "view cut three times": Case((Truncate(ending="close", times=3),)),
    "view stalls once": Case((Stall(route="GET /view"),)),
    "odd file name": Case((ClaimFile(filename="über 1 #100% & more.mp4"),), check=named("über 1 #100% & more.mp4")),
    "../ in file name": Case((ClaimFile(filename="../../evil.mp4"),), check=named("evil.mp4")),
    "../ in sub-folder": Case((ClaimFile(subfolder="../../evil"),), check=named("x_00001_.mp4")),
    "absolute file name": Case((ClaimFile(filename="/tmp/evil.mp4"),), check=named("evil.mp4")),
    "backslashes in file name": Case((ClaimFile(filename="..\\..\\evil.mp4"),), check=named("evil.mp4")),
    "one name, two folders": Case(graph=PICTURES, files=12),
    "two outputs": Case(graph=TWO, files=7),
    "old server": Case((OldServer(),)),
    "old server, answer lost": Case((OldServer(), Break(route="POST /prompt", when="after"))),
}
