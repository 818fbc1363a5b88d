"""Bring a file to a server: only if it is another one than lies there, under a name that any server can give."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Broken, Call, Now, Reply, Sleep, Work, json_body
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.timing import Timing
from comfy_headless.protocol.uploads import Media, bring, folder_of, look, measured, piece_of, safe_name

ONE, OTHER = b"one file", b"another!"


class Host:
    """A server as seen from a flow: files of its input folder by name, and what was asked of it.

    Args:
        ranges: whether it gives parts of files, as ComfyUI does.
    """

    def __init__(self, files: Mapping[str, bytes], *, ranges: bool = True, broken: bool = False) -> None:
        self.files, self.ranges, self.broken = dict(files), ranges, broken
        self.asked: list[str] = []

    def perform(self, flow: Any) -> Any:
        """Perform a flow; give its result."""
        answer: Any = None
        error: BaseException | None = None
        try:
            while True:
                effect = flow.send(answer) if error is None else flow.throw(error)
                answer, error = None, None
                match effect:
                    case Call():
                        try:
                            answer = self._reply(effect)
                        except Broken as raised:
                            error = raised
                    case Work(function, args):
                        answer = function(*args)
                    case Now():
                        answer = 0.0
                    case Sleep():
                        pass
        except StopIteration as end:
            return end.value

    def _reply(self, call: Call) -> Reply:
        self.asked.append(f"{call.method} {call.route}")
        if call.method == "POST":
            (part,) = call.parts
            content = part.content if isinstance(part.content, bytes) else Path(part.content).read_bytes()
            name = part.filename
            while name in self.files and self.files[name] != content:
                name = f"other {name}"
            self.files[name] = content
            return Reply(200, {}, json_body({"name": name, "subfolder": "", "type": "input"}))
        if self.broken:
            raise Broken("reset", "it hung up")
        there = self.files.get(dict(call.params)["filename"])
        if there is None:
            return Reply(404, {})
        told = {"content-length": str(len(there)), "etag": hashlib.md5(there).hexdigest()}
        if call.method == "HEAD":
            return Reply(200, {**told, **({"accept-ranges": "bytes"} if self.ranges else {})})
        first, last = dict(call.headers)["Range"].removeprefix("bytes=").split("-")
        return Reply(206, told, there[int(first) : int(last) + 1])


def server(known: Known | None = None) -> Server:
    """Whom the flows talk to."""
    return Server("http://h:1", "c", Timing(), known=known)


HEAD, GET, POST = "HEAD /view", "GET /view", "POST /upload/image"
CASES: dict[str, tuple[Host, str, list[str]]] = {
    "nothing there": (Host({}), "a.png", [HEAD, POST]),
    "the same": (Host({"a.png": ONE}), "a.png", [HEAD, GET]),
    "as long": (Host({"a.png": OTHER}), "other a.png", [HEAD, GET, POST]),
    "longer": (Host({"a.png": ONE * 2}), "other a.png", [HEAD, POST]),
    "no parts": (Host({"a.png": ONE}, ranges=False), "a.png", [HEAD, POST]),
    "no answer": (Host({"a.png": ONE}, broken=True), "a.png", [HEAD, POST]),
}


@pytest.mark.parametrize("case", CASES)
def test_only_what_is_not_there_is_sent(case: str) -> None:
    """A file of that name and size is compared; one that is the same stays where it is."""
    host, name, asked = CASES[case]
    host.asked.clear()
    assert host.perform(bring(server(), measured(ONE, "a.png"))) == name
    assert host.asked == asked
    assert host.files[name] == ONE


def test_what_was_brought_is_known_by_its_bytes() -> None:
    """The second time it is compared, whatever it is called here; after that one question is enough."""
    host, one = Host({}), server(Known())
    for name, asked in (("a.png", [HEAD, POST]), ("b.png", [HEAD, GET]), ("c.png", [HEAD]), ("a.png", [HEAD])):
        host.asked.clear()
        assert host.perform(bring(one, measured(ONE, name))) == "a.png"
        assert host.asked == asked


@pytest.mark.parametrize("after", [{}, {"a.png": OTHER}])
def test_what_was_brought_and_is_gone_is_brought_again(after: dict[str, bytes]) -> None:
    """The server's folder is emptied, or another file takes the place."""
    host, one = Host({}), server(Known())
    for _ in range(3):
        host.perform(bring(one, measured(ONE, "a.png")))
    host.files = dict(after)
    assert host.files[host.perform(bring(one, measured(ONE, "a.png")))] == ONE


def test_a_client_forgets_the_oldest() -> None:
    """What a client knows of files is bounded, however long it lives."""
    known, host = Known(), Host({})
    for number in range(1005):
        host.perform(bring(server(known), measured(b"%d" % number, f"{number}.png")))
    assert len(known.brought) == 1000
    assert measured(b"1004", "x.png").key in known.brought


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    """Neither its digest nor its parts take the whole of it into memory."""
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(64 * 2**20)
    tracemalloc.start()
    found = measured(str(path), "long.mp4")
    assert piece_of(str(path), found.size - 3, found.size) == b"\0\0\0"
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert found == Media(str(path), "long.mp4", hashlib.sha256(bytes(64 * 2**20)).hexdigest(), 64 * 2**20)


def test_a_large_file_is_compared_to_its_end(tmp_path: Path) -> None:
    """One byte that differs, far behind, makes it another file."""
    content = bytes(9 * 2**20)
    path = tmp_path / "a.mp4"
    path.write_bytes(content[:-1] + b"x")
    host = Host({"a.mp4": content})
    assert host.perform(bring(server(), measured(str(path), "a.mp4"))) == "other a.mp4"
    assert host.asked == [HEAD, GET, GET, GET, POST]


def test_without_a_name() -> None:
    """It is called by its digest, so that the same bytes always have one name."""
    assert measured(ONE, suffix=".png").name == f"{hashlib.sha256(ONE).hexdigest()[:16]}.png"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("a.png", ("a.png", "", "input")),
        ("sub/a.png", ("a.png", "sub", "input")),
        ("sub\\deep\\a.png [output]", ("a.png", "sub/deep", "output")),
        ("a.png[temp]", ("a.png", "", "temp")),
    ],
)
def test_a_name_says_where_to_look(name: str, asked: tuple[str, str, str]) -> None:
    """The server is asked for a file as a loader node would find it."""
    flow: Iterator[Any] = look(server(), name)
    assert tuple(value for _, value in next(flow).params) == asked
    assert folder_of(name) == asked[2]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.png", "cat.png"),
        ("a b (1).png", "a b (1).png"),
        ("日本.png", "日本.png"),
        ("cat", "cat.mp4"),
        ('a/b\\c:"d"*?.png', "a_b_c_d_.png"),
        ("..", ""),
        ("", ""),
        ("___.png", ""),
        (".hidden.png", "hidden.png"),
        ("nul.png", "_nul.png"),
        ("x" * 300 + ".png", "x" * 176 + ".png"),
    ],
)
def test_names_that_any_server_can_give(name: str, safe: str) -> None:
    """Letters of any script stay; what parts folders, or no file system takes, does not."""
    assert safe_name(name, ".mp4") == safe


@given(st.text(max_size=300))
def test_a_safe_name_stays_safe(name: str) -> None:
    """Whatever it was, it leads into no folder, fits everywhere, and is safe already."""
    made = safe_name(name, ".png")
    assert not set(made) & set('/\\:*?"<>|\0\n')
    assert len(made.encode()) <= 180
    assert made not in (".", "..")
    assert safe_name(made, ".png") == made
