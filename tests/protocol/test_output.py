"""Outputs as callers hold them: bytes, copies, pictures, notebooks, other processes."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

import pytest

from comfy_headless.errors import ResultSaveError, ValidationError
from comfy_headless.protocol.destination import Destination, put
from comfy_headless.protocol.output import Output, kind_of

TEXT = Output("text", "", "", "4", "", text="häng")


PNG = b"\x89PNG\r\n\x1a\nand so on"


class Shelf(NamedTuple):
    """A place that has the file of an output."""

    content: bytes

    def read(self, output: Output) -> bytes:
        return self.content

    def save(self, output: Output, destination: Destination) -> Path:
        return put(destination, output.filename, self.content)


def there(content: bytes, filename: str = "a.png", kind: str = "image") -> Output:
    """An output that is not here."""
    return Output(kind, filename, "", "9", f"http://s/view?filename={filename}", _source=Shelf(content))


def here(path: Path, content: bytes, kind: str = "image") -> Output:
    """An output that was downloaded."""
    path.write_bytes(content)
    return Output(kind, path.name, "", "9", "http://s/view", path)


def test_bytes_come_from_the_file_that_is_here_else_from_the_server(tmp_path: Path) -> None:
    """A local file is read; without one, or once it is gone, the server is asked; a text is its own bytes."""
    local = replace(here(tmp_path / "a.png", b"here"), _source=Shelf(b"there"))
    assert local.data == b"here"
    (tmp_path / "a.png").unlink()
    assert local.data == there(b"there").data == b"there"
    assert TEXT.data == "häng".encode()
    assert asyncio.run(there(b"there").fetch()) == b"there"
    with pytest.raises(FileNotFoundError):
        _ = Output("image", "a.png", "", "9", "", tmp_path / "none.png").data


def test_a_copy_appears_whole_and_overwrites_nothing(tmp_path: Path) -> None:
    """``save`` takes a folder or a file, gives the path, and appends -2 unless told to overwrite."""
    local = here(tmp_path / "a.png", b"one")
    first = local.save(tmp_path / "copies/")
    assert (first, first.read_bytes()) == (tmp_path / "copies/a.png", b"one")
    assert there(b"two").save(tmp_path / "copies/").name == "a-2.png"
    assert there(b"two").save(first, overwrite=True) == first
    assert first.read_bytes() == b"two"
    assert TEXT.save(tmp_path / "words.txt").read_text(encoding="utf-8") == "häng"
    assert replace(TEXT, names=("said",)).save(f"{tmp_path}{os.sep}").name == "said.txt"
    assert TEXT.save(f"{tmp_path}{os.sep}").name == "text_4.txt"
    assert not list(tmp_path.rglob("*.part"))


def test_a_copy_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is a file is the caller's mistake; a file that is gone names itself; nothing is left behind."""
    local = here(tmp_path / "a.png", b"one")
    with pytest.raises(ValidationError, match="a file is where a folder should be"):
        local.save(tmp_path / "a.png/b.png")
    local.path.unlink()  # type: ignore[union-attr]
    with pytest.raises(ResultSaveError, match=r"'a\.png' could not be saved"):
        local.save(tmp_path / "b/")
    assert list((tmp_path / "b").iterdir()) == []


def test_what_is_no_image_is_no_picture() -> None:
    """``image`` is for images; the error names the kind that it is."""
    with pytest.raises(ValidationError, match=r"'c\.mp4' is no image but of kind 'video'"):
        _ = there(b"", "c.mp4", "video").image


def test_a_notebook_shows_what_it_can() -> None:
    """Pictures go in as they are, videos and sound as tags; anything else is its address."""
    assert set(there(PNG)._repr_mimebundle_()) == {"text/plain", "image/png"}
    for filename, kind, begins in (
        ("a.webp", "image", '<img src="data:image/webp;base64,'),
        ("a.mp4", "video", '<video controls loop src="data:video/mp4;base64,'),
        ("a.flac", "audio", '<audio controls src="data:audio/'),
    ):
        assert there(b"x", filename, kind)._repr_mimebundle_()["text/html"].startswith(begins)
    for other in (TEXT, there(b"x", "a.glb", "mesh"), Output("image", "a.png", "", "9", "http://s/a.png")):
        assert set(other._repr_mimebundle_()) == {"text/plain"}


def test_a_notebook_does_not_read_what_is_too_large_for_it(tmp_path: Path) -> None:
    """A local file is measured before it is read: a terabyte here, of which the disk has nothing."""
    large = here(tmp_path / "a.mp4", b"", "video")
    os.truncate(tmp_path / "a.mp4", 2**40)
    assert set(large._repr_mimebundle_()) == {"text/plain"}


def test_where_nothing_can_show_it_the_path_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a screen or a notebook ``show`` logs one sentence with the path; what is not here is brought first."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with caplog.at_level(logging.WARNING, "comfy_headless"):
        here(tmp_path / "a.png", PNG).show()
        there(PNG, "b.png").show()
    first, second = (record.getMessage() for record in caplog.records)
    assert first == f"nothing here can show output 'a.png'; it is at {tmp_path / 'a.png'}"
    said, _, copy = second.partition("; it is at ")
    assert (said, Path(copy).read_bytes()) == ("nothing here can show output 'b.png'", PNG)
    rmtree(Path(copy).parent)


def test_the_systems_program_gets_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the system has one that opens files, it is called with the file; never with one that it would run."""
    said = tmp_path / "said"
    program = tmp_path / "xdg-open"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {said}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":9")
    here(tmp_path / "a.png", PNG).show()
    assert said.read_text() == str(tmp_path / "a.png")
    for name, kind in (("a.bat", "other"), ("b.exe", "image")):
        here(tmp_path / name, b"", kind).show()
        assert caplog.messages[-1] == f"nothing here can show output {name!r}; it is at {tmp_path / name}"
    assert said.read_text() == str(tmp_path / "a.png")
    TEXT.show()
    shown = Path(said.read_text())
    assert shown.read_text(encoding="utf-8") == "häng"
    rmtree(shown.parent)


def test_another_process_knows_what_it_was(tmp_path: Path) -> None:
    """Pickled, it keeps its fields and its local file; what only its own process could reach says how to get it."""
    local = replace(here(tmp_path / "a.png", b"one"), names=("cover",), _source=Shelf(b"there"))
    came = pickle.loads(pickle.dumps(local))
    assert (came, came.data, came.output_name) == (local, b"one", "cover")
    came = pickle.loads(pickle.dumps(there(b"x")))
    with pytest.raises(ValidationError, match=r"client\.view\(output\) brings it from http://s/view"):
        _ = came.data


def test_it_reads_as_an_entry_of_the_server_too() -> None:
    """It reads as the dict it was: ``["type"]``, ``in``, ``dict(output)``; a wrong name says what exists."""
    output = replace(there(b""), folder_type="temp")
    assert [output[name] for name in ("filename", "subfolder", "type", "kind")] == ["a.png", "", "temp", "image"]
    assert "type" in output and "subfolder" in output and "filname" not in output
    assert dict(output) == {**output.to_dict(), "type": "temp"} and list(output) == list(output.keys())
    assert (output.get("filename"), output.get("filname", "none")) == ("a.png", "none")
    with pytest.raises(KeyError, match="it has: type, kind"):
        output["filname"]


@pytest.mark.parametrize(
    ("name", "animated", "key", "kind"),
    [
        ("a.mp4", True, "images", "video"),
        ("a.mkv", False, "gifs", "video"),
        ("a.webp", True, "images", "video"),
        ("a.webp", False, "images", "image"),
        ("a.png", True, "images", "video"),
        ("a.gif", False, "gifs", "video"),
        ("a.PNG", False, "images", "image"),
        ("a.exr", False, "images", "image"),
        ("a.flac", False, "audio", "audio"),
        ("a.aiff", False, "audio", "audio"),
        *((f"a.{suffix}", False, "3d", "mesh") for suffix in ("glb", "GLTF", "obj", "stl", "ply", "fbx", "usdz")),
        *((f"a.{suffix}", False, "result", "mesh") for suffix in ("splat", "ksplat", "spz")),
        ("a.txt", False, "files", "other"),
        ("noext", False, "images", "other"),
    ],
)
def test_kinds(name: str, animated: bool, key: str, kind: str) -> None:
    """The extension tells the kind; ``animated`` and the key settle what can be both; nothing is without a kind."""
    assert kind_of(name, animated=animated, key=key) == kind
