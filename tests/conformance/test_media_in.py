"""Files in, in every way in which people hold them, on a real ComfyUI: what the loader node read, decoded.

Each kind of file goes through its loader and comes out again, pixel by pixel or sample by sample.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from PIL import Image

from comfy_headless import AsyncComfyClient, ComfyClient, Result
from tests.media.holding import (
    HEIGHT,
    WIDTH,
    file_ways,
    frames,
    mask,
    mask_ways,
    offered,
    picture,
    picture_ways,
    png,
    sound,
    video,
)

FILES = (
    *("text", "path", "file address", "address", "bytes", "bytearray", "memoryview", "file object", "bytes object"),
    *("base64", "data URL", "name", "name [input]", "output", "result"),
)
"""The ways in which any file is held: ``file_ways``, and those of a file that the server has."""


def loading(loader: str, field: str, saver: str, into: str, *between: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A graph that loads a file that it is given, and saves what was loaded."""
    graph: dict[str, Any] = {
        "1": {"class_type": loader, "inputs": {field: "none", **more}, "_meta": {"title": f"$~file.{field}!"}}
    }
    for number, (name, takes) in enumerate((*between, (saver, into)), 2):
        graph[str(number)] = {"class_type": name, "inputs": {takes: [str(number - 1), 0]}}
    graph[str(len(graph))]["inputs"]["filename_prefix"] = "held/x"
    return graph


GRAPHS = {
    "image": loading("LoadImage", "image", "SaveImage", "images"),
    "mask": loading("LoadImageMask", "image", "SaveImage", "images", ("MaskToImage", "mask"), channel="red"),
    "alpha mask": loading("LoadImageMask", "image", "SaveImage", "images", ("MaskToImage", "mask"), channel="alpha"),
    "video": loading("LoadVideo", "file", "SaveImage", "images", ("GetVideoComponents", "video")),
    "audio": loading("LoadAudio", "audio", "SaveAudio", "audio"),
}


@pytest.fixture(scope="module")
def client(real_server: str) -> Iterator[ComfyClient]:
    """One client for all tests here."""
    with ComfyClient(real_server) as one:
        yield one


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Each kind of file, in the ways in which files are held, and those of its own."""
    folder = tmp_path_factory.mktemp("held")
    contents = {
        "image": ("cat.png", png()),
        "mask": ("mask.png", png(mask())),
        "video": ("clip.mp4", video(folder)),
        "audio": ("tone.flac", sound(folder)),
    }
    with offered({f"/{name}": content for name, content in contents.values()}) as (host, _):
        ways = {kind: file_ways(content, name, folder, host) for kind, (name, content) in contents.items()}
        ways["image"] |= picture_ways()
        ways["mask"] |= mask_ways()
        yield ways


def run(client: ComfyClient, kind: str, value: Any, folder: Path) -> Result:
    """Load a file and save it again."""
    try:
        return client.run_workflow(GRAPHS[kind], {"file": value}, out=folder)
    finally:
        with suppress(AttributeError):
            value.close()


def opened(result: Result) -> list[Image.Image]:
    """The pictures of a result, by their names."""
    found = []
    for path in sorted(result.files):
        with Image.open(path) as made:
            found.append(made.convert("RGB"))
    return found


def close(made: Image.Image, wanted: Image.Image, most: int = 1) -> bool:
    """Whether two pictures are of one size and equal, but for rounding."""
    if made.size != wanted.size:
        return False
    apart = numpy.abs(numpy.asarray(made).astype(int) - numpy.asarray(wanted.convert("RGB")).astype(int))
    return int(apart.max()) <= most


def nearest(made: Image.Image) -> int:
    """Which frame of the video this is, as its codec left it; -1 for none."""
    apart = numpy.abs(frames().astype(int) - numpy.asarray(made).astype(int)).mean(axis=(1, 2, 3))
    return int(apart.argmin()) if apart.min() < 4 else -1


def samples(content: Path | bytes) -> Any:
    """The sound of a file, decoded."""
    with av.open(io.BytesIO(content) if isinstance(content, bytes) else str(content)) as file:
        heard = [numpy.asarray(frame.to_ndarray()).reshape(-1) for frame in file.decode(audio=0)]
    return numpy.concatenate(heard).astype(float)


def from_server(client: ComfyClient, way: str, held: dict[str, Any], kind: str, folder: Path) -> Any:
    """A file that the server has, as it is held then."""
    if way in ("name", "name [input]"):
        stored = client.upload(held[kind]["path"](), subfolder="below" if way == "name" else "")
        return stored if way == "name" else f"{stored} [input]"
    made = {"video": {"video": ["1", 0], "format": "auto", "codec": "auto"}, "audio": {"audio": ["1", 0]}}
    graph = {
        "1": {**GRAPHS[kind]["1"]},
        "2": {
            "class_type": {"video": "SaveVideo", "audio": "SaveAudio"}.get(kind, "SaveImage"),
            "inputs": {**made.get(kind, {"images": ["1", 0]}), "filename_prefix": f"{kind}/again"},
        },
    }
    if kind == "mask":
        graph["1"] = {**GRAPHS["image"]["1"]}
    result = client.run_workflow(graph, {"file": held[kind]["path"]()}, out=folder)
    return result if way == "result" else result.outputs[0]


def check(kind: str, result: Result, held: dict[str, Any], way: str) -> None:
    """Hold what came out to what went in."""
    if kind == "audio":
        before, after = samples(held["audio"]["bytes"]()), samples(result.files[0])
        assert after.size >= before.size
        assert numpy.corrcoef(before, after[: before.size])[0, 1] > 0.999
    elif kind == "video":
        made = opened(result)
        assert len(made) == 6
        assert [nearest(each) for each in made] == list(range(6))
    else:
        (one,) = opened(result)
        assert close(one, picture() if kind == "image" else mask())


@pytest.mark.parametrize("way", FILES)
@pytest.mark.parametrize("kind", ["image", "mask", "video", "audio"])
def test_a_file(client: ComfyClient, held: dict[str, Any], kind: str, way: str, tmp_path: Path) -> None:
    """Each kind of file, held in each way, reaches its loader node as it is."""
    known = way in held[kind]
    value = held[kind][way]() if known else from_server(client, way, held, kind, tmp_path / "before")
    check(kind, run(client, kind, value, tmp_path), held, way)


@pytest.mark.parametrize("way", picture_ways())
def test_a_picture_in_memory(client: ComfyClient, held: dict[str, Any], way: str, tmp_path: Path) -> None:
    """Pictures and arrays reach LoadImage as they are."""
    check("image", run(client, "image", held["image"][way](), tmp_path), held, way)


@pytest.mark.parametrize("way", mask_ways())
@pytest.mark.parametrize("kind", ["mask", "alpha mask"])
def test_a_mask_in_memory(client: ComfyClient, held: dict[str, Any], kind: str, way: str, tmp_path: Path) -> None:
    """A mask is what LoadImageMask gives, by whichever channel it reads."""
    check("mask", run(client, kind, held["mask"][way](), tmp_path), held, way)


GREY: dict[str, Any] = {
    "L": Image.frombytes("L", (32, 8), bytes(range(256))),
    "1": Image.frombytes("1", (8, 4), b"\x0f\xf0\xaa\xff"),
    "LA": Image.merge("LA", (Image.frombytes("L", (32, 8), bytes(range(256))), Image.new("L", (32, 8), 255))),
    "I;16": Image.frombytes("I;16", (8, 32), (numpy.arange(256) * 257).astype("<u2").tobytes()),
    "F": Image.frombytes("L", (32, 8), bytes(range(256))).convert("F").point(lambda value: value * (1 / 255) + 0.0),
    "uint8": numpy.arange(256, dtype="uint8").reshape(8, 32),
    "float32": (numpy.arange(256).reshape(8, 32) / 255).astype("float32"),
    "bool": numpy.arange(256).reshape(8, 32) > 100,
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, kind) for name in GREY for kind in ("image", "mask")),
        *((name, "alpha mask") for name in GREY if name not in ("LA", "I;16", "F")),
    ],
)
def test_grey_is_exact(client: ComfyClient, name: str, kind: str, tmp_path: Path) -> None:
    """Every value of a grey picture or a mask arrives as it is, however small the picture is.

    ComfyUI takes one less the alpha channel, in floats; of that, SaveImage leaves out what is behind the point.
    """
    value = GREY[name]
    wanted = numpy.asarray(value).astype("float64") / {"I;16": 65535, "L": 255, "LA": 255, "uint8": 255}.get(name, 1)
    (one,) = opened(run(client, kind, value.copy(), tmp_path))
    wanted = ((wanted[:, :, 0] if name == "LA" else wanted) * 255).round()
    assert close(one, Image.fromarray(wanted.astype("uint8")), 1 if kind == "alpha mask" else 0)


def test_an_array_of_frames(client: ComfyClient, held: dict[str, Any], tmp_path: Path) -> None:
    """A video of an array has its frames; so has one of an odd size."""
    check("video", run(client, "video", frames(), tmp_path), held, "array")
    made = opened(run(client, "video", frames()[:, :-1, :-1], tmp_path / "odd"))
    assert [each.size for each in made] == [(WIDTH - 1, HEIGHT - 1)] * 6


def turned() -> bytes:
    """A picture that lies on its side, and says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(picture().rotate(90, expand=True), exif=exif)


FORMATS: dict[str, tuple[bytes, int]] = {
    **{name: (png(name=name), 1) for name in ("BMP", "TIFF", "PPM", "QOI", "DDS", "JPEG2000", "TGA", "PCX")},
    "ICO": (png(name="ICO", sizes=[(WIDTH, HEIGHT)]), 1),
    "JPEG": (png(name="JPEG", quality=98, subsampling=0), 12),
    "WebP": (png(name="WEBP", lossless=True), 1),
    "AVIF": (png(name="AVIF", quality=98, subsampling="4:4:4"), 12),
    "CMYK": (png(picture().convert("CMYK"), "TIFF"), 3),
    "TIFF with JPEG": (png(name="TIFF", compression="jpeg"), 60),
    "turned": (turned(), 1),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format(client: ComfyClient, name: str, tmp_path: Path) -> None:
    """What LoadImage reads is taken as it is, with its orientation; what it does not, or takes for black, as PNG."""
    content, most = FORMATS[name]
    (one,) = opened(run(client, "image", content, tmp_path))
    assert close(one, picture(), most)


def test_floats_in_a_tiff(client: ComfyClient, tmp_path: Path) -> None:
    """ComfyUI takes them for black; they go as PNG."""
    grey = mask().convert("F").point(lambda value: value * (1 / 255))
    (one,) = opened(run(client, "image", png(grey, "TIFF"), tmp_path))
    assert close(one, mask())


def test_asyncio(real_server: str, tmp_path: Path) -> None:
    """The client for asyncio takes the same."""

    async def both(number: int, value: Any) -> None:
        async with AsyncComfyClient(real_server) as client:
            result = await client.run_workflow(GRAPHS["image"], {"file": value}, out=tmp_path / f"{number}")
            again = await client.run_workflow(GRAPHS["image"], {"file": result}, out=tmp_path / f"again{number}")
        assert close(opened(result)[0], picture())
        assert close(opened(again)[0], picture())

    for number, value in enumerate((png(), picture(), numpy.asarray(picture()), io.BytesIO(png()))):
        asyncio.run(both(number, value))


def test_a_preset(client: ComfyClient, held: dict[str, Any], tmp_path: Path) -> None:
    """A preset takes a picture as a workflow does."""
    small = {"preset": "wan_5b", "width": 96, "height": 64, "frames": 5, "steps": 1, "allow_untested": True}
    result = client.generate_video("x", image=numpy.asarray(picture()), out=tmp_path / "a.mp4", **small)
    assert result.path == tmp_path / "a.mp4"
