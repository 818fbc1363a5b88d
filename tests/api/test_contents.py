"""What a file holds: the workflow in JSON, or inside whatever ComfyUI wrote; and files that were made to do harm."""

from __future__ import annotations

import json
import math
import os
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.api.contents import MAX_MEDIA, read_content, read_file
from comfy_headless.errors import ValidationError
from comfy_headless.graph.limits import MAX_NODES, MAX_PARTS, MAX_TEXT
from comfy_headless.transport.web import REDIRECTS, SECONDS
from tests.media.comfy_files import FILES, chunks, png, video

PROMPT: dict[str, Any] = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 5}, "_meta": {"title": "Ein schönes Bild, $seed"}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
}
DRAWN = {"nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4}


@pytest.mark.parametrize("kind", FILES)
def test_the_prompt_is_found(kind: str, tmp_path: Path) -> None:
    """In each kind of file, before the workflow of the page; from a file and from its bytes, by what it holds."""
    content = FILES[kind]({"prompt": PROMPT, "workflow": DRAWN})
    (tmp_path / "file.json").write_bytes(content)
    assert read_content(content, "it") == PROMPT
    assert read_file(tmp_path / "file.json", "it") == PROMPT


@pytest.mark.parametrize("kind", ["png", "webp", "mp4", "mp4 of VideoHelperSuite"])
def test_the_workflow_is_found(kind: str) -> None:
    """Where there is no prompt, or none that can be read, the workflow of the page is taken."""
    assert read_content(FILES[kind]({"workflow": DRAWN}), "it") == DRAWN
    assert read_content(FILES[kind]({"prompt": {}, "workflow": DRAWN}), "it") == DRAWN
    assert read_content(video({"prompt": "{", "workflow": DRAWN}), "it") == DRAWN


def test_what_the_server_added_is_left_out() -> None:
    """Its marks of what it saw would stand for what it sees next time; among them is NaN, which JSON lacks."""
    marked = {key: {**node, "is_changed": [math.nan]} for key, node in PROMPT.items()}
    assert read_content(png({"prompt": marked}), "it") == PROMPT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_in_any_encoding(encoding: str) -> None:
    """As Windows writes it too."""
    assert read_content(json.dumps(PROMPT, ensure_ascii=False).encode(encoding), "it") == PROMPT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"hello", "it is not JSON: Expecting value at line 1, column 1"),
        (b"[1]", "it is a list"),
        (b"<!DOCTYPE html><html>", "it is a web page, or other XML; expected JSON, or a PNG"),
        (b"PK\x03\x04\xff\xff\xff", r"it begins with b'PK.*', which is nothing that is read"),
        (b"#EXTM3U\nhttps://10.0.0.1/x", "it is not JSON"),
        (png({}), "it holds no workflow: ComfyUI wrote none"),
        (png({"prompt": 5}), "it holds no workflow"),
        (video({"comment": "{made by hand"}), "it holds no workflow"),
        (video({"prompt": "{"}), "the prompt in it is not JSON"),
        (png({"prompt": PROMPT})[:40], "it holds no workflow"),
        (b"\x89PNG\r\n\x1a\n", "it holds no workflow"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "it cannot be read as picture"),
        (b"\xff\xd8\xff\xe1\xff\xff", "it cannot be read as picture"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 20, "it cannot be read as mov: it has no head"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 40, "it cannot be read as matroska"),
        (b"glTF", "it cannot be read as glb"),
        (b"glTF\2\0\0\0\xff\0\0\0\4\0\0\0JSON[[]]", "it holds no workflow"),
        (b"glTF\2\0\0\0\xff\0\0\0\x10\x27\0\0JSON" + b"[" * 10_000, "it cannot be read as glb"),
    ],
)
def test_what_holds_none(content: bytes, words: str) -> None:
    """What it seems to be, and what is expected."""
    with pytest.raises(ValidationError, match=words):
        read_content(content, "it")


SPACES = zlib.compress(b" " * 2_000_000)


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4."""
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def film(*metadata: bytes) -> bytes:
    """An MP4 that is a head with metadata."""
    return box(b"ftyp", b"isom") + box(b"moov", box(b"meta", b"\0\0\0\0" + b"".join(metadata)))


def model(content: bytes) -> bytes:
    """A GLB that is its description."""
    return (
        b"glTF\2\0\0\0"
        + (len(content) + 20).to_bytes(4, "little")
        + len(content).to_bytes(4, "little")
        + b"JSON"
        + content
    )


EMPTY = b"\0\0\0\x08free"


BOMBS: dict[str, Callable[[], bytes]] = {
    "a text packed a thousandfold": lambda: chunks((b"zTXt", b"prompt\0\0" + zlib.compress(b" " * 20_000_000))),
    "the same in UTF-8": lambda: chunks((b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b" " * 20_000_000))),
    "a chunk of 4 GiB": lambda: b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt",
    "chunks without end": lambda: b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0teSt\0\0\0\0" * 110_000,
    "packed texts that nobody asked for": lambda: chunks(*[(b"zTXt", b"other\0\0" + SPACES)] * 3_000),
    "one packed text again and again": lambda: chunks(*[(b"zTXt", b"comment\0\0" + SPACES)] * 3_000),
    "boxes of 8 bytes": lambda: film(EMPTY * 4_000_000),
    "boxes of 8 bytes in each item": lambda: film(box(b"ilst", box(b"\xa9cmt", EMPTY * 40_000) * 100)),
    "a picture of 30 GB": lambda: chunks((b"tEXt", b"nothing\0")),
    "deep inside": lambda: chunks((b"tEXt", b"prompt\0" + b"[" * 100_000)),
    "deep in a comment": lambda: video({"comment": '{"a":' * 10_000}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """What unpacks to much, or says that it is large, is refused at once."""
    content = BOMBS[name]()
    started = time.process_time()
    with pytest.raises(ValidationError, match=r"more than any workflow|cannot be read as|holds no|nested too deeply"):
        read_content(content, "it")
    assert time.process_time() - started < 1


def test_a_model_of_many_objects() -> None:
    """Each costs a hundred times its bytes once it is read: more than any workflow has are refused before."""
    with pytest.raises(ValidationError, match="it describes more than 500,000 objects and lists"):
        read_content(model(b'{"a":[' + b"{}," * MAX_PARTS + b"{}]}"), "it")


def test_a_large_file(tmp_path: Path) -> None:
    """200 MB of JSON are refused unread."""
    with (tmp_path / "w.json").open("wb") as file:
        file.truncate(200_000_000)
    started = time.process_time()
    with pytest.raises(ValidationError, match=r"w\.json has 190\.7 MiB, more than any workflow"):
        read_file(tmp_path / "w.json", "w.json")
    assert time.process_time() - started < 0.5


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """The path is named, with the nearest name beside it; what is no path is not shown whole."""
    (tmp_path / "portrait.json").write_text("{}")
    with pytest.raises(ValidationError, match=r"No such file .*potrait\.json\); did you mean 'portrait\.json'\?"):
        read_file(tmp_path / "potrait.json", "it")
    with pytest.raises(ValidationError, match="Is a directory"):
        read_file(tmp_path, "it")
    with pytest.raises(ValidationError, match="null byte"):
        read_file(Path("a\0b"), "it")
    with pytest.raises(ValidationError, match=r"is no path .*, and no JSON") as caught:
        read_file(Path("x" * 10**6), "it")
    assert len(str(caught.value)) < 300


def test_the_limits_are_documented() -> None:
    """docs/workflows.md says each of them as it is."""
    page = (Path(__file__).resolve().parents[2] / "docs/workflows.md").read_text(encoding="utf-8")
    limits = (
        *(f"{MAX_TEXT // 2**20} MiB", f"{MAX_PARTS:,}", f"{MAX_NODES:,}", f"{MAX_MEDIA // 2**20} MiB"),
        *(f"redirects of an address | {REDIRECTS}", f"{SECONDS:g} s"),
    )
    assert [limit for limit in limits if limit not in page] == []


def test_a_pipe(tmp_path: Path) -> None:
    """What a shell's `<(...)` gives is read, once and to its end."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(png({"prompt": PROMPT})))
    writer.start()
    assert read_file(tmp_path / "pipe", "it") == PROMPT
    writer.join()
