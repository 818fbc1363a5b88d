"""The calls for files, on both clients, against the simulator and a real server."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless import ComfyClient, ComfyUIConnectionError, ResultSaveError, ValidationError
from tests.faults.clients import Person
from tests.simulator.talk import image_graph

from .conversation import own_prefix

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
RED = (200, 30, 20)


def picture(path: Path, *, alpha: int = 255, size: tuple[int, int] = (24, 16)) -> Path:
    """Write a plain picture."""
    Image.new("RGBA", size, (*RED, alpha)).save(path)
    return path


def read(content: bytes) -> Any:
    """The picture in some bytes."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@KINDS
def test_any_file_goes_up_and_comes_back(server: str, kind: str, tmp_path: Path) -> None:
    """A file, or bytes under a name, lies where it was asked to, under the name that a loader node wants."""
    ask = Person(kind, server).call
    name = f"{uuid.uuid4().hex}.bin"
    content = bytes(range(256)) * 20
    (tmp_path / name).write_bytes(content)
    assert ask("upload", tmp_path / name) == name
    assert ask("upload", content, name=name, subfolder="a/b") == f"a/b/{name}"
    assert ask("upload", content, name=name, type="temp") == f"{name} [temp]"
    assert ask("view", name, type="input") == content
    assert ask("view", f"a/b/{name}", type="input") == content
    assert ask("view", name, "a/b", "input") == content
    assert ask("view", {"filename": name, "subfolder": "", "type": "temp"}) == content
    assert ask("view", f"{name} [temp]") == content


@KINDS
def test_a_name_that_is_taken(server: str, kind: str) -> None:
    """Other content gets a number, the same content its own name back, and ``overwrite`` the name."""
    ask = Person(kind, server).call
    stem = uuid.uuid4().hex
    assert ask("upload", b"one", name=f"{stem}.bin") == f"{stem}.bin"
    assert ask("upload", b"two", name=f"{stem}.bin") == f"{stem} (1).bin"
    assert ask("upload", b"two", name=f"{stem}.bin") == f"{stem} (1).bin"
    assert ask("upload", b"three", name=f"{stem}.bin", overwrite=True) == f"{stem}.bin"
    assert ask("view", f"{stem}.bin", type="input") == b"three"


@KINDS
def test_an_upload_that_is_refused(server: str, kind: str) -> None:
    """A sub-folder that leads out, and a file that is too large, are told as such."""
    ask = Person(kind, server).call
    with pytest.raises(ComfyUIConnectionError, match=r"upload of a.bin failed: .* 400.*leads out of its folder"):
        ask("upload", b"x", name="a.bin", subfolder="../..")


@KINDS
def test_parts_of_a_file(server: str, kind: str) -> None:
    """A part is what a slice of the whole would be, whatever its ends."""
    ask = Person(kind, server).call
    name, content = f"{uuid.uuid4().hex}.bin", bytes(range(200))
    ask("upload", content, name=name)
    for start, stop in ((0, 10), (5, 6), (190, 500), (150, None), (0, None), (-7, None), (200, None), (9, 9), (9, 3)):
        assert ask("view", name, type="input", start=start, stop=stop) == content[start:stop], (start, stop)


@KINDS
def test_a_picture_encoded_anew(server: str, kind: str, tmp_path: Path) -> None:
    """As WebP or JPEG, at a quality, without its alpha channel, or that alone."""
    ask = Person(kind, server).call
    name = ask("upload", picture(tmp_path / f"{uuid.uuid4().hex}.png", alpha=128))
    webp = read(ask("view", name, type="input", preview="webp;90"))
    jpeg = read(ask("view", name, type="input", preview="jpeg"))
    assert (webp.format, jpeg.format, webp.size, jpeg.mode) == ("WEBP", "JPEG", (24, 16), "RGB")
    rgb = read(ask("view", name, type="input", channel="rgb"))
    assert (rgb.format, rgb.mode, rgb.getpixel((3, 3))) == ("PNG", "RGB", RED)
    alpha = read(ask("view", name, type="input", channel="a"))
    assert (alpha.mode, alpha.getpixel((3, 3))[3]) == ("RGBA", 128)
    assert ask("view", name, type="input", channel="rgba") == (tmp_path / name).read_bytes()
    note = ask("upload", b"no picture", name=f"{uuid.uuid4().hex}.png")
    with pytest.raises(ComfyUIConnectionError, match=r"the file '.*': GET /view answered 500.*it may be no picture"):
        ask("view", note, type="input", preview="webp")


@KINDS
def test_a_file_that_is_not_there(server: str, kind: str, tmp_path: Path) -> None:
    """The error says in which folder it was looked for, at once; what is downloaded leaves nothing behind."""
    ask = Person(kind, server).call
    with pytest.raises(
        ComfyUIConnectionError, match=r"has no file 'nope.png' in its output folder below 'a'; subfolder="
    ):
        ask("view", "a/nope.png")
    with pytest.raises(ComfyUIConnectionError, match=r"the file 'nope.png': GET /view answered 403"):
        ask("view", "nope.png", "../..")
    with pytest.raises(
        ResultSaveError, match=r"'nope.png' could not be saved: GET /view answered 404.*Asked for at: http"
    ):
        ask("download", "nope.png", tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@KINDS
def test_a_file_is_brought_here(server: str, kind: str, tmp_path: Path) -> None:
    """By name, by an entry of the history, or as an output; a name that is taken is left alone."""
    ask = Person(kind, server).call
    result = ask("wait_for_completion", ask("queue_prompt", image_graph(prefix=own_prefix())))
    (output,) = result.outputs
    (entry,) = ask("history", result.prompt_id)["outputs"]["2"]["images"]
    first = ask("download", output, tmp_path)
    second = ask("download", entry, tmp_path)
    third = ask("download", f"{entry['subfolder']}/{entry['filename']}", tmp_path / "own.png")
    assert [first.name, second.name, third.name] == [
        output.filename,
        output.filename.replace(".png", "-2.png"),
        "own.png",
    ]
    assert first.read_bytes() == second.read_bytes() == third.read_bytes() == ask("view", output)
    third.write_bytes(b"")
    assert ask("download", output, tmp_path / "own.png", overwrite=True) == third
    assert third.read_bytes() == first.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, third.name])
    (tmp_path / "file").touch()
    with pytest.raises(ValidationError, match=r"a file is where a folder should be"):
        ask("download", output, tmp_path / "file" / "a.png")


def test_the_address_of_a_file(server: str) -> None:
    """It is where the server offers the file, of an output the same as its own."""
    with ComfyClient(server) as client:
        result = client.wait_for_completion(client.queue_prompt(image_graph(prefix=own_prefix())))
        (output,) = result.outputs
        assert client.url_for(output) == output.url
        assert client.url_for(f"{output.subfolder}/{output.filename}") == output.url
        assert client.request("GET", output.url.removeprefix(server)).body == client.view(output)


@KINDS
def test_a_mask(server: str, kind: str, tmp_path: Path) -> None:
    """The copy has the picture of the original and the alpha channel of the mask; the original stays as it is."""
    ask = Person(kind, server).call
    stem = uuid.uuid4().hex
    plain = ask("upload", picture(tmp_path / f"{stem}.png"), subfolder="masks")
    mask = picture(tmp_path / f"{stem}-mask.png", alpha=40)
    masked = ask("upload_mask", mask, plain, subfolder="masks")
    assert masked == f"masks/{stem}-mask.png"
    pixels = [read(ask("view", name, type="input")).convert("RGBA").getpixel((2, 2)) for name in (plain, masked)]
    assert pixels == [(*RED, 255), (*RED, 40)]
    assert ask("upload_mask", mask.read_bytes(), plain, name=f"{stem}-two.png") == f"{stem}-two.png"


@KINDS
def test_a_mask_on_nothing(server: str, kind: str, tmp_path: Path) -> None:
    """Where the server would say yes and write nothing, there is an error; sizes that differ are told."""
    ask = Person(kind, server).call
    mask = picture(tmp_path / f"{uuid.uuid4().hex}.png")
    with pytest.raises(ComfyUIConnectionError, match=r"has no file 'nope.png' in its input folder"):
        ask("upload_mask", mask, "nope.png")
    plain = ask("upload", picture(tmp_path / f"{uuid.uuid4().hex}.png", size=(8, 8)))
    with pytest.raises(ComfyUIConnectionError, match=r"the mask .* failed: .*500.*may not be of one size"):
        ask("upload_mask", mask, plain)
