"""Make a thumbnail: one frame of a clip, or a picture, made small."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

from comfy_headless.errors import MediaError, ValidationError
from comfy_headless.media.probe import reading, scan
from comfy_headless.media.samples import samples

_FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def thumbnail(path: Path, out: Path | None = None, *, at: float | None = None, width: int = 320) -> Path:
    """Write a small picture of a clip or picture and return its path.

    Args:
        path: a video or picture.
        out: a png or jpeg; None is ``<name>.thumbnail.jpg`` beside ``path``. A file of that name is replaced.
        at: seconds from the start; None takes the frame that shows most, of 16 spread over the clip.
        width: pixels; the height follows. A smaller picture is not enlarged.

    Raises:
        MediaError: the file cannot be read, has no picture, or ``out`` cannot be written.
        ValidationError: ``at`` is not within the clip, ``width`` is not positive, ``out`` is no png or jpeg.
    """
    path = Path(path)
    out = Path(out) if out is not None else path.with_name(f"{path.stem}.thumbnail.jpg")
    kind = _FORMATS.get(out.suffix.lower())
    if kind is None:
        raise ValidationError(f"a thumbnail is written as {', '.join(_FORMATS)}, not as {out.name!r}")
    if width < 1:
        raise ValidationError(f"width of a thumbnail is {width}, it must be 1 or more")
    found, timeline = scan(path)
    if not found.frames:
        raise MediaError(f"no thumbnail of {path}: it has no picture", path=str(path))
    if at is not None and not 0 <= at <= found.duration:
        raise ValidationError(f"at={at} is not within {path.name}, which lasts {found.duration:.2f} s")
    best, most = None, -1.0
    with reading(path):
        for sample in samples(path, timeline, at=at):
            detail = sample.glance().detail
            if detail > most:
                best, most = sample.picture(min(width, found.width)), detail
    assert best is not None  # samples yields at least one frame, or raises
    _write(best, out, kind)
    return out


def _write(picture: Image.Image, out: Path, kind: str) -> None:
    try:
        picture.save(out, format=kind, quality=85)
    except OSError as error:
        raise MediaError(f"cannot write {out}: {error.strerror or error}", path=str(out)) from error
