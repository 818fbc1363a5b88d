"""A picture that a job made, as an object of Pillow's."""

from __future__ import annotations

import io

from PIL import Image

from comfy_headless.errors import MediaError
from comfy_headless.media.probe import PICTURE_ERRORS


def open_image(data: bytes, name: str) -> Image.Image:
    """Return a picture, loaded whole; raises MediaError where it cannot be read."""
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except PICTURE_ERRORS as error:
        raise MediaError(f"{name!r} cannot be read as a picture: {error}") from error
    return picture
