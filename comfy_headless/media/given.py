"""Pictures and arrays that people hold in memory, and files that a loader node does not read, as files that it reads.

Measured with ComfyUI 0.30.0: which files LoadImage reads; that it takes a TIFF of floats, or one that holds JPEG, for
black; that grey pictures of 8 bits come out darker by one of 255, and all grey ones narrower than 16 pixels fail, while
RGB and RGBA come out as they are.

A file may come from anywhere: Pillow and ffmpeg try only formats whose files hold all that they need, since others lead
on to addresses, files and programs.
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

import av
from PIL import Image, ImageChops, ImageOps

from comfy_headless.errors import ValidationError
from comfy_headless.media.probe import PICTURE_ERRORS

RATE: Final = 24
"""Frames a second of a video that is made of an array, which knows none."""

_SHAPES: Final = "(height, width, 3) or (height, width, 4), or (height, width) for a mask"
_DEEP: Final = ("I;16", "I;16L", "I;16B", "I;16N")
_NARROW: Final = 16
_BLACK_TIFFS: Final = frozenset({"jpeg", "tiff_jpeg"})
_PILLOW: Final[tuple[str, ...]] = (
    *("AVIF", "BMP", "CUR", "DDS", "DIB", "GIF", "HEIF", "ICNS", "ICO", "JPEG", "JPEG2000", "JXL", "MPO", "PCX"),
    *("PNG", "PPM", "PSD", "QOI", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM"),
)
"""What Pillow may take a file for, where it or a plugin of it reads that. Not EPS, for one, which Ghostscript would
run."""
_FFMPEG: Final = (
    *("aac", "ac3", "aiff", "amr", "ape", "apng", "asf", "au", "avi", "caf", "dts", "dv", "eac3", "flac", "flv", "gif"),
    *("h264", "hevc", "ivf", "matroska", "mov", "mp3", "mpeg", "mpegts", "mpegvideo", "mxf", "nut", "ogg", "png_pipe"),
    *("rm", "tta", "w64", "wav", "wv", "yuv4mpegpipe"),
)
"""What ffmpeg may take a file for. Not playlists and descriptions of streams, whose addresses it would open."""


def png_of_picture(picture: Image.Image, what: str, *, alpha_mask: bool = False) -> bytes:
    """Return a picture as PNG, turned as its Exif orientation says, as LoadImage turns files.

    Args:
        alpha_mask: a grey picture is a mask for an input that reads the alpha channel, which is 1 where a mask is 0.

    Raises:
        ValidationError: its values have no place in a PNG.
    """
    try:
        upright = ImageOps.exif_transpose(picture)
        made = _as_mask(upright) if alpha_mask and upright.mode in ("1", "L") else _in_mode(upright, what)
        with io.BytesIO() as buffer:
            made.save(buffer, "PNG", compress_level=4)
            return buffer.getvalue()
    except PICTURE_ERRORS as error:
        words = f"{what}: this picture cannot be written as PNG: {str(error) or type(error).__name__}"
        raise ValidationError(words) from error


def _in_mode(picture: Image.Image, what: str) -> Image.Image:
    """Return a picture as RGB, or as RGBA where some of it is transparent; 16 bits stay where ComfyUI reads them."""
    if picture.mode == "F":
        least, most = picture.getextrema()
        if not (isinstance(least, float) and isinstance(most, float) and 0 <= least <= most <= 1):
            raise ValidationError(f"{what}: a picture of floats from {least} to {most}; expected 0 to 1")
        picture = picture.point(lambda value: value * 255 + 0.5).convert("L")
    if picture.mode in _DEEP and picture.width >= _NARROW:
        return picture
    if picture.mode in _DEEP:
        picture = picture.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
        picture.info.pop("transparency", None)
    if picture.mode == "La":
        picture = picture.convert("LA")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _as_mask(picture: Image.Image) -> Image.Image:
    grey = picture.convert("L")
    return Image.merge("RGBA", (grey, grey, grey, ImageChops.invert(grey)))


def png_of_file(content: str | bytes, what: str, *, only_black: bool = False) -> bytes | None:
    """Return a picture file of another format as PNG; None if Pillow does not read it.

    Args:
        only_black: give only those that ComfyUI reads without an error and takes for black; None for any other.
    """
    Image.init()
    formats = [each for each in _PILLOW if each in Image.OPEN]
    try:
        with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=formats) as picture:
            black = picture.mode == "F" or picture.info.get("compression") in _BLACK_TIFFS
            if only_black and not black:
                return None
            picture.load()
            return png_of_picture(picture, what)
    except PICTURE_ERRORS:
        return None


def file_of_array(
    array: Any, what: str, media: Literal["image", "mask", "video"], *, alpha_mask: bool = False
) -> bytes:
    """Return an array as a file: (height, width, channels) as PNG, (frames, height, width, 3) as MP4.

    Args:
        array: of numpy, or what gives one by ``__array__`` (a tensor of torch in main memory): uint8, bool, or floats
            from 0 to 1.

    Raises:
        ValidationError: another shape, another type, or values out of range.
    """
    values = _numbers(array, what)
    shape = tuple(values.shape)
    if media == "video":
        if len(shape) != 4 or shape[3] != 3 or 0 in shape:
            raise ValidationError(f"{what}: an array of shape {shape}; a video is (frames, height, width, 3)")
        return _mp4(values, shape)
    if len(shape) == 4 and shape[0] == 1:
        values, shape = values[0], shape[1:]
    if len(shape) == 3 and shape[2] == 1:
        values, shape = values[:, :, 0], shape[:2]
    if 0 in shape or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (3, 4)):
        turned = "; the channels come last" if len(shape) == 3 and shape[0] in (1, 3, 4) else ""
        raise ValidationError(f"{what}: an array of shape {shape}; expected {_SHAPES}{turned}")
    return png_of_picture(_picture(values), what, alpha_mask=alpha_mask)


def _numbers(array: Any, what: str) -> Any:
    """Return the array as bytes from 0 to 255."""
    if not hasattr(array, "__array_interface__"):
        try:
            array = array.__array__()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValidationError(f"{what}: this {type(array).__name__} gives no array ({error})") from error
    kind, width = array.dtype.kind, array.dtype.itemsize
    if kind == "u" and width == 1:
        return array
    if kind == "b":
        return array.astype("uint8") * 255
    if kind == "f" and array.size:
        least, most = float(array.min()), float(array.max())
        if not (least >= 0 and most <= 1):  # NaN is neither
            raise ValidationError(f"{what}: floats from {least:g} to {most:g}; expected 0 to 1, or uint8 from 0 to 255")
        return (array.astype("float32") * 255).round().astype("uint8")
    if kind == "f":
        return array
    raise ValidationError(f"{what}: an array of {array.dtype}; expected uint8 (0 to 255), bool, or floats from 0 to 1")


def _picture(values: Any) -> Image.Image:
    """Return an array of bytes as a picture."""
    height, width = values.shape[:2]
    mode = {2: "L", 3: "RGB", 4: "RGBA"}[2 if len(values.shape) == 2 else values.shape[2]]
    return Image.frombytes(mode, (width, height), values.tobytes())


def _mp4(values: Any, shape: tuple[int, ...]) -> bytes:
    """Return frames as an MP4 that is hard to tell from them."""
    _, height, width, _ = shape
    exact = height % 2 == 0 and width % 2 == 0
    with io.BytesIO() as buffer:
        with av.open(buffer, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=RATE, options={"preset": "fast", "crf": "8"})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p" if exact else "yuv444p"
            for frame in values:
                made: Any = av.VideoFrame
                container.mux(stream.encode(made.from_image(_picture(frame))))
            container.mux(stream.encode(None))
        return buffer.getvalue()


def has_stream(content: str | bytes, kind: Literal["video", "audio"]) -> bool | None:
    """Return whether ffmpeg finds pictures, or sound, in a file; None if it does not read it at all."""
    only = {"format_whitelist": ",".join(_FFMPEG)}
    try:
        with ExitStack() as stack:
            file = io.BytesIO(content) if isinstance(content, bytes) else stack.enter_context(Path(content).open("rb"))
            container = stack.enter_context(av.open(file, options=only))
            return bool(container.streams.video if kind == "video" else container.streams.audio)
    except av.error.FFmpegError:
        return None
