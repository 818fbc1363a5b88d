"""Pictures and arrays as files, read back; and files as Pillow and ffmpeg write them, told by their first bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from PIL import Image

from comfy_headless.errors import ValidationError
from comfy_headless.media.given import RATE, file_of_array, has_stream, png_of_file, png_of_picture
from comfy_headless.protocol.signatures import HEAD, format_of
from tests.media.holding import HEIGHT, SIZE, WIDTH, frames, mask, picture, png, sound, video

PICTURES = {
    **{name: name for name in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "AVIF", "QOI", "DDS", "ICO")},
    "WEBP": "WebP",
    "JPEG2000": "JPEG 2000",
    "PPM": "PNM",
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name: str) -> None:
    """Each format of pictures that Pillow writes."""
    found = format_of(png(name=name)[:HEAD])
    assert found is not None
    assert (found.name, found.kind) == (PICTURES[name], "image")


def test_videos_and_sounds(tmp_path: Path) -> None:
    """Each container that our own encoder writes."""
    found = [format_of(video(tmp_path)[:HEAD])]
    found += [format_of(sound(tmp_path, suffix)[:HEAD]) for suffix in (".flac", ".mp3", ".opus")]
    assert [(each.name, each.kind) for each in found if each] == [
        ("MP4", "video"),
        ("FLAC", "audio"),
        ("MP3", "audio"),
        ("Ogg", "audio"),
    ]


def read(content: bytes | None) -> Image.Image:
    """The picture of a PNG."""
    assert content is not None
    with Image.open(io.BytesIO(content)) as made:
        assert made.format == "PNG"
        made.load()
        return made


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "F", "La", "PA"])
def test_pictures_of_every_mode(mode: str) -> None:
    """Each becomes RGB, or RGBA with transparency, with the values that it has: ComfyUI reads grey ones darker."""
    made = Image.new("F", SIZE, 0.5) if mode == "F" else picture().convert("L" if mode == "I;16" else "RGB")
    if mode in ("La", "PA"):
        made = picture().convert("LA" if mode == "La" else "P").convert(mode)
    elif mode != "F":
        made = made.convert(mode)
    got = read(png_of_picture(made, "image"))
    assert got.mode == ("RGBA" if "A" in mode.upper() else mode if mode == "I;16" else "RGB")
    if mode in ("LA", "RGB", "RGBA", "P", "L"):
        assert got.convert("RGBA").tobytes() == made.convert("RGBA").tobytes()
    if mode == "F":
        assert got.getextrema() == ((128, 128),) * 3


def test_pictures_of_16_bits() -> None:
    """In a picture so narrow that ComfyUI fails over 16 bits, each value becomes the nearest of 8 bits."""
    deep = Image.frombytes("I;16", (4, 1), numpy.array([0, 300, 32768, 65535], "<u2").tobytes())
    turned = Image.frombytes("I;16B", (4, 1), numpy.array([0, 300, 32768, 65535], ">u2").tobytes())
    for made in (deep, turned):
        assert read(png_of_picture(made, "image")).getchannel("R").tobytes() == bytes([0, 1, 128, 255])


def test_a_picture_that_lies_on_its_side() -> None:
    """It is turned as it says, as ComfyUI does with files, and says so no more."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(png(picture().rotate(90, expand=True), exif=exif))) as lying:
        made = read(png_of_picture(lying, "image"))
    assert (made.size, made.convert("RGB").tobytes()) == (SIZE, picture().tobytes())
    assert 0x0112 not in made.getexif()


def test_transparency_of_a_palette_stays() -> None:
    """A colour of a GIF that is see-through is so in the PNG."""
    made = picture().convert("P")
    made.info["transparency"] = made.getpixel((0, 0))
    got = read(png_of_picture(made, "image"))
    assert (got.mode, got.getpixel((0, 0))) == ("RGBA", (*got.convert("RGB").getpixel((0, 0)), 0))


@pytest.mark.parametrize("kind", ["uint8", "float16", "float32", "float64", "bool"])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_arrays(kind: str, channels: int | None) -> None:
    """Every value from 0 to 255, or 0 to 1, comes back as it was."""
    grey = numpy.arange(256, dtype="uint8").reshape(8, 32)
    values: Any = grey if channels is None else numpy.stack([grey] * channels, axis=-1)
    given = {"uint8": values, "bool": values > 127}.get(kind, values / 255).astype(kind)
    got = numpy.asarray(read(file_of_array(given, "image", "image")))
    wanted = (values > 127) * 255 if kind == "bool" else values
    if channels in (None, 1):
        wanted = numpy.stack([wanted.reshape(grey.shape)] * 3, axis=-1)
    assert numpy.array_equal(got, wanted)


def test_a_mask_for_the_alpha_channel() -> None:
    """ComfyUI takes what is not opaque for the mask: it is the alpha channel turned round."""
    for content in (
        png_of_picture(mask(), "mask", alpha_mask=True),
        file_of_array(numpy.asarray(mask()), "mask", "mask", alpha_mask=True),
    ):
        made = numpy.asarray(read(content))
        assert numpy.array_equal(255 - made[:, :, 3], numpy.asarray(mask()))
        assert numpy.array_equal(made[:, :, 0], numpy.asarray(mask()))


class Tensor:
    """What gives an array when it is asked, or does not, as a tensor on a graphics card."""

    shape = (HEIGHT, WIDTH, 3)

    def __init__(self, there: bool) -> None:
        self._there = there

    def __array__(self) -> Any:
        if not self._there:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return numpy.asarray(picture())


def test_tensors() -> None:
    """What is no array but gives one will do."""
    assert read(file_of_array(Tensor(True), "image", "image")).tobytes() == picture().tobytes()
    with pytest.raises(ValidationError, match=r"this Tensor gives no array \(can't convert cuda"):
        file_of_array(Tensor(False), "image", "image")


@pytest.mark.parametrize("odd", [0, 1])
def test_frames(odd: int) -> None:
    """A video of an array has its size, its frames, and nearly its colours."""
    given = frames()[:, : HEIGHT - odd, : WIDTH - odd]
    with av.open(io.BytesIO(file_of_array(given, "video", "video"))) as file:
        assert file.streams.video[0].average_rate == RATE
        made = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(made) == len(given)
    assert numpy.abs(numpy.stack(made).astype(int) - given.astype(int)).mean() < 3


@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 4, 5, 4), (2, 4, 5), (0, 4, 5, 3)])
def test_what_is_no_video(shape: tuple[int, ...]) -> None:
    """A video is frames of three channels."""
    with pytest.raises(ValidationError, match=r"a video is \(frames, height, width, 3\)"):
        file_of_array(numpy.zeros(shape, "uint8"), "video", "video")


def test_files_of_other_formats() -> None:
    """What Pillow reads becomes PNG; with ``only_black``, only what ComfyUI takes for black without a word."""
    assert read(png_of_file(png(name="TGA"), "image")).tobytes() == picture().tobytes()
    assert png_of_file(b"<svg></svg>", "image") is None
    assert png_of_file(png(name="TIFF"), "image", only_black=True) is None
    assert png_of_file(png(name="TIFF", compression="tiff_lzw"), "image", only_black=True) is None
    for black in (png(name="TIFF", compression="jpeg"), png(Image.new("F", SIZE, 0.25), "TIFF")):
        assert read(png_of_file(black, "image", only_black=True)).size == SIZE


def test_streams(tmp_path: Path) -> None:
    """A file has pictures, or sound, or is none that ffmpeg reads."""
    assert (has_stream(video(tmp_path), "video"), has_stream(video(tmp_path), "audio")) == (True, True)
    assert (has_stream(sound(tmp_path), "video"), has_stream(sound(tmp_path), "audio")) == (False, True)
    assert has_stream(b"hello there", "audio") is None


SDP = b"""v=0\r
o=- 0 0 IN IP4 127.0.0.1\r
s=x\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=video 5004 RTP/AVP 96\r
a=rtpmap:96 H264/90000\r
"""


@pytest.mark.parametrize(
    "leading",
    [
        SDP,
        b"ffconcat version 1.0\nfile %(path)s\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%(path)s\n",
    ],
    ids=["SDP", "ffconcat", "m3u8"],
)
def test_what_leads_elsewhere_is_no_video(leading: bytes, tmp_path: Path) -> None:
    """ffmpeg is asked for nothing that would let it open addresses or other files."""
    there = tmp_path / "there.mp4"
    there.write_bytes(video(tmp_path))
    content = leading.replace(b"%(path)s", str(there).encode())
    (tmp_path / "x.mp4").write_bytes(content)
    assert has_stream(content, "video") is None
    assert has_stream(str(tmp_path / "x.mp4"), "video") is None


def test_containers_without_a_known_beginning() -> None:
    """What ffmpeg alone tells is taken, as long as all of it is in the file."""
    for name in ("mxf", "nut", "h264"):
        with io.BytesIO() as buffer:
            with av.open(buffer, "w", format=name) as container:
                stream = container.add_stream("mpeg2video" if name == "mxf" else "libx264", rate=RATE)
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
                for _ in range(4):
                    container.mux(stream.encode(av.VideoFrame.from_image(picture())))
                container.mux(stream.encode(None))
            content = buffer.getvalue()
        assert format_of(content[:HEAD]) is None
        assert has_stream(content, "video")


def test_what_runs_programs_is_no_picture() -> None:
    """PostScript, which Pillow gives to Ghostscript, is not opened."""
    made = png(name="EPS")
    assert made.startswith(b"%!PS")
    assert png_of_file(made, "image") is None
