"""Pictures that a job made, as objects of Pillow's."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from comfy_headless import MediaError, Output
from comfy_headless.media.opened import open_image


def test_a_picture_is_one_of_pillows(tmp_path: Path) -> None:
    """``output.image`` is loaded whole, and does not hold the file open; what cannot be read names the file."""
    held = io.BytesIO()
    Image.new("RGB", (6, 4), (10, 20, 30)).save(held, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(held.getvalue())
    picture = Output("image", "a.png", "", "9", "", path).image
    path.unlink()
    assert (picture.size, picture.getpixel((5, 3))) == ((6, 4), (10, 20, 30))
    for broken in (b"", b"no picture", held.getvalue()[:40]):
        with pytest.raises(MediaError, match=r"'a\.png' cannot be read as a picture: "):
            open_image(broken, "a.png")
