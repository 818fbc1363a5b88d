"""One file, whole: what each answer is worth, by values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from comfy_headless.errors import ResultSaveError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.download import download
from comfy_headless.protocol.effects import Broken, Download, Now, Reply, Sleep, Work
from comfy_headless.protocol.timing import Timing

WHOLE = bytes(range(100))
VIDEO = {"content-type": "video/mp4", "etag": '"e"'}


class Answer:
    """What one GET /view gives: an answer whose body is written at ``at``, and what breaks it."""

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes = b"", *, at: int = 0, broken: bool = False
    ) -> None:
        self.status, self.headers, self.body, self.at, self.broken = status, headers, body, at, broken


def length(size: int) -> dict[str, str]:
    return {**VIDEO, "content-length": str(size)}


def played(answers: list[Answer], part: Path, *, name: str = "a.mp4") -> list[int]:
    """Play a server's answers to a download into ``part``; give the offsets that were asked from."""
    server = Server("http://x", "c", Timing(patience=60))
    flow = download(server, "p", name, "", "output", str(part))
    waiting, offsets, now = iter(answers), [], 0.0
    effect = next(flow)
    try:
        while True:
            match effect:
                case Now():
                    effect = flow.send(now)
                case Sleep(seconds):
                    now += seconds
                    effect = flow.send(None)
                case Work(function, args):
                    effect = flow.send(function(*args))
                case Download():
                    offsets.append(effect.offset)
                    answer = next(waiting)
                    kept = part.read_bytes()[: effect.offset if answer.status == 206 else 0] if part.exists() else b""
                    if answer.status in (200, 206):
                        part.write_bytes(kept + answer.body)
                    if answer.broken:
                        effect = flow.throw(Broken("reset", "cut", answer.headers))
                    else:
                        effect = flow.send(Reply(answer.status, answer.headers))
    except StopIteration:
        return offsets


CUT = Answer(200, length(100), WHOLE[:40], broken=True)
CASES = {
    "whole": ([Answer(200, length(100), WHOLE)], [0]),
    "resumed": ([CUT, Answer(206, {**length(60), "content-range": "bytes 40-99/100"}, WHOLE[40:])], [0, 40]),
    "another part than asked": (
        [CUT, Answer(206, {**length(60), "content-range": "bytes 0-59/100"}, WHOLE[:60]), Answer(200, VIDEO, WHOLE)],
        [0, 40, 0],
    ),
    "a length without end": ([Answer(200, {**VIDEO, "content-length": "9" * 5000}, WHOLE)], [0]),
    "a range without end": (
        [CUT, Answer(206, {**length(60), "content-range": "bytes 40-99/" + "9" * 5000}, WHOLE[40:])],
        [0, 40],
    ),
    "compressed and cut": (
        [Answer(200, {**VIDEO, "content-encoding": "gzip"}, WHOLE[:40], broken=True), Answer(200, VIDEO, WHOLE)],
        [0, 0],
    ),
    "cut at the very end": (
        [Answer(200, VIDEO, WHOLE, broken=True), Answer(416, {"content-range": "bytes */100"})],
        [0, 100],
    ),
    "more came than there is": (
        [
            Answer(200, VIDEO, WHOLE + b"x", broken=True),
            Answer(416, {"content-range": "bytes */100"}),
            Answer(200, length(100), WHOLE),
        ],
        [0, 101, 0],
    ),
    "416 that says nothing": (
        [Answer(200, VIDEO, WHOLE[:40], broken=True), Answer(416, {}), Answer(200, length(100), WHOLE)],
        [0, 40, 0],
    ),
    "a web page first": (
        [Answer(200, {"content-type": "text/html; charset=utf-8"}, b"<html>login"), Answer(200, length(100), WHOLE)],
        [0, 0],
    ),
    "changed meanwhile": (
        [
            CUT,
            Answer(206, {**length(60), "etag": '"f"', "content-range": "bytes 40-99/100"}, b"y" * 60),
            Answer(200, length(100), WHOLE),
        ],
        [0, 40, 0],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_file_comes_whole(name: str, tmp_path: Path) -> None:
    """Whatever comes in between, the bytes are the server's, and the rest is asked for from the right place."""
    answers, offsets = CASES[name]
    assert played(answers, tmp_path / "part") == offsets
    assert (tmp_path / "part").read_bytes() == WHOLE


def test_a_web_page_is_no_video(tmp_path: Path) -> None:
    """A login page with status 200, again and again, ends in an error; a result that is a page is a result."""
    page = Answer(200, {"content-type": "text/html"}, b"<html>")
    with pytest.raises(ResultSaveError, match="answered 200 with a web page"):
        played([page] * 100, tmp_path / "part")
    assert played([page], tmp_path / "part", name="report.HTML") == [0]
