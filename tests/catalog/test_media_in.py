"""What a caller may give where a graph wants a file, told apart: no file is opened, no package imported."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.media_in import Content, Way, held_in, in_words, named_there, one_of, stand_in, way_of
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
CODED = base64.b64encode(PNG).decode()


def output(name: str = "a.png", kind: str = "image", **more: Any) -> Output:
    """An output of a job."""
    return Output(kind, name, more.pop("subfolder", ""), "9", f"http://h:1/view?filename={name}", **more)


class Array:
    """What numpy's arrays have."""

    shape = (4, 5, 3)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {}


WAYS: dict[str, tuple[Any, Way]] = {
    "a path": ("in/cat.png", Way.TEXT),
    "a path of Windows": (r"C:\in\cat.png", Way.TEXT),
    "a share": ("//server/share/folder/subfolder/cat", Way.TEXT),
    "a long path": ("Qk12/of/many/folders/below/each/other/and/on", Way.TEXT),
    "a path object": (Path("cat.png"), Way.PATH),
    "a file address": ("FILE:///a/b.png", Way.PATH),
    "an address": ("https://a.b/c.png", Way.ADDRESS),
    "an address in capitals": ("HTTP://a.b/c.png", Way.ADDRESS),
    "a data URL": ("DATA:image/png;base64,AAAA", Way.DATA),
    "base64": (CODED, Way.DATA),
    "base64 in lines": ("\n".join(CODED[at : at + 16] for at in range(0, len(CODED), 16)), Way.DATA),
    "base64 for addresses": (base64.urlsafe_b64encode(PNG).decode(), Way.DATA),
    "bytes": (PNG, Way.BYTES),
    "a bytearray": (bytearray(PNG), Way.BYTES),
    "a memoryview": (memoryview(PNG), Way.BYTES),
    "content": (Content(PNG, "a.png"), Way.BYTES),
    "a file object": (io.BytesIO(PNG), Way.FILE),
    "an array": (Array(), Way.ARRAY),
    "an output": (output(), Way.OUTPUT),
}


@pytest.mark.parametrize("name", WAYS)
def test_ways(name: str) -> None:
    """Each way is told from the others."""
    value, way = WAYS[name]
    assert way_of(value, "image") is way


@pytest.mark.parametrize("value", [None, 5, 1.5, True, ["a.png"], {"a": 1}, object(), "", "  ", "a/", "ftp://a/b.png"])
def test_what_is_no_way(value: Any) -> None:
    """Anything else is refused; all but a folder's name with what would do."""
    with pytest.raises(ValidationError, match=r"a path, an address|no path of a file"):
        way_of(value, "image")


@given(st.binary(min_size=1))
def test_what_was_coded_comes_back(content: bytes) -> None:
    """With padding or without, as a data URL with a type or without."""
    coded = base64.b64encode(content).decode()
    for text in (f"data:image/png;base64,{coded.rstrip('=')}", f"data:;base64,{coded}", f"data:;BASE64,{coded}"):
        assert held_in(text, "image") == content
    assert held_in("data:,a%20b", "image") == b"a b"


@pytest.mark.parametrize("text", ["data:image/png", "data:;base64,A", "data:;base64,AAAAA", "data:;base64,ÄÖÜ!"])
def test_what_was_not_coded(text: str) -> None:
    """It is refused by the name of its parameter."""
    with pytest.raises(ValidationError, match=f"^photo={text[:5]}"):
        held_in(text, "photo")


@pytest.mark.parametrize(
    ("value", "media", "name"),
    [
        ("in/cat.png", "image", "cat.png"),
        ("file:///a/b%20c.png", "image", "b c.png"),
        ("https://a.b/c%20d.jpg?x=1", "image", "c d.jpg"),
        ("https://a.b/", "video", "video.mp4"),
        (PNG, "mask", "mask.png"),
        (io.BytesIO(), "audio", "audio.flac"),
        (PNG, "file", "photo"),
        (Content(PNG, "b.png"), "image", "b.png"),
        (output(subfolder="sub"), "image", "sub/a.png [output]"),
        (output(folder_type="temp"), "image", "a.png [temp]"),
    ],
)
def test_what_a_graph_calls_it(value: Any, media: str, name: str) -> None:
    """A graph that is only compiled names the file as the server may, once it has it."""
    assert stand_in(value, "photo", media) == name


def test_an_output_as_its_server_has_it() -> None:
    """The name has its folder and the kind of folder."""
    assert named_there(output(subfolder="a/b")) == "a/b/a.png [output]"


def test_a_whole_result() -> None:
    """It stands for its one output of the kind that is wanted; of several, or none, one must be named."""
    two = Result("completed", "p", 1.0, (output("a.png"), output("v.mp4", "video"), output("b.png")))
    assert one_of(two, "clip", "video").filename == "v.mp4"
    assert one_of("a.png", "clip", "video") == "a.png"
    for media, words in (
        ("image", "has 2 images"),
        ("mask", "has 2 images"),
        ("audio", "has no audio"),
        ("file", "3 f"),
    ):
        with pytest.raises(ValidationError, match=f"^photo: the result .*{words}"):
            one_of(two, "photo", media)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("https://me:secret@a.b/c.png", "https://***@a.b/c.png"),
        (CODED, f"{CODED[:30]}... ({len(CODED)} characters)"),
        (PNG, "48 bytes"),
        (Path("a/b.png"), "a/b.png"),
        (Content(PNG, ""), "48 bytes"),
        (Array(), "a Array"),
    ],
)
def test_in_words(value: Any, words: str) -> None:
    """Results and errors say what was given, shortly and without what lets one in."""
    assert in_words(value) == words
