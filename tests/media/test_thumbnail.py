"""A thumbnail is a small picture of the frame that is asked for, or of one that shows something."""

from __future__ import annotations

from pathlib import Path

import ffmpeg
import pytest
from PIL import Image, ImageStat

from comfy_headless.errors import MediaError, ValidationError
from comfy_headless.media.command import run
from comfy_headless.media.encode import write_animation, write_audio
from comfy_headless.media.thumbnail import thumbnail
from comfy_headless.media.tone import Sound
from tests.media.clips import FRAMES, fade_from_black, plain, scene, write

pytestmark = pytest.mark.slow
"""Takes its time, all together."""


def light(path: Path) -> float:
    with Image.open(path) as picture:
        return ImageStat.Stat(picture.convert("L")).mean[0]


def shades() -> list[Image.Image]:
    """Each frame is five levels lighter than the one before."""
    return [plain((5 * number,) * 3) for number in range(FRAMES)]


def test_the_frame_that_shows_most_is_taken(tmp_path: Path) -> None:
    """Of a clip that fades in, the thumbnail is not the black beginning."""
    path = thumbnail(write(tmp_path, fade_from_black()))
    assert path == tmp_path / "clip.thumbnail.jpg"
    assert light(path) > 80
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 192))


@pytest.mark.parametrize("options", [{}, {"g": "12"}, {"bf": "3", "preset": "medium"}])
@pytest.mark.parametrize(("at", "frame"), [(0, 0), (0.5, 12), (1.03, 24), (1.999, 47), (2.0, 47)])
def test_the_frame_at_a_time(tmp_path: Path, at: float, frame: int, options: dict[str, str]) -> None:
    """The frame is the one on the screen at that time, wherever the key frames are."""
    clip = write(tmp_path, shades(), **options)
    path = thumbnail(clip, tmp_path / "there.png", at=at, width=64)
    assert light(path) == pytest.approx(5 * frame, abs=2)
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 38))


def test_the_frame_at_a_time_of_an_animation(tmp_path: Path) -> None:
    """An animated webp has times too."""
    path = tmp_path / "moving.webp"
    write_animation(path, shades()[:20], fps=10)
    assert light(thumbnail(path, tmp_path / "there.png", at=1.05)) == pytest.approx(50, abs=3)


def test_a_rotated_clip_stands_upright(tmp_path: Path) -> None:
    """A stored rotation is applied: what was on top is now on the left, counted against the clock."""
    source, turned = write(tmp_path, [scene()] * 3), tmp_path / "turned.mp4"
    run(ffmpeg.input(str(source), display_rotation=90).output(str(turned), c="copy"), turned)
    shown = tmp_path / "shown.png"
    run(ffmpeg.input(str(turned)).output(str(shown), vframes=1), shown)
    with Image.open(thumbnail(turned, tmp_path / "own.png", width=192)) as own, Image.open(shown) as right:
        assert own.size == right.size == (192, 320)
        assert own.tobytes() == right.convert("RGB").tobytes()


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    """The width is a limit, and a picture is its own thumbnail's source."""
    path = tmp_path / "small.png"
    scene((50, 40)).save(path)
    with Image.open(thumbnail(path)) as picture:
        assert picture.size == (50, 40)


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    """Times outside the clip, other formats and no width are ValidationErrors that say what is possible."""
    clip = write(tmp_path, shades()[:24])
    for words, arguments in (
        ("not within clip.mp4, which lasts 1.00 s", {"at": 1.5}),
        ("not within", {"at": -1.0}),
        (r"\.png, \.jpg, \.jpeg, not as 'a\.gif'", {"out": tmp_path / "a.gif"}),
        ("width", {"width": 0}),
    ):
        with pytest.raises(ValidationError, match=words):
            thumbnail(clip, **arguments)


def test_what_has_no_picture_or_no_place(tmp_path: Path) -> None:
    """Sound, a missing file and a folder that is not there are MediaErrors."""
    sound = tmp_path / "bell.flac"
    write_audio(sound, Sound(0.5))
    with pytest.raises(MediaError, match="no picture"):
        thumbnail(sound)
    with pytest.raises(MediaError, match="No such file"):
        thumbnail(tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="cannot write"):
        thumbnail(write(tmp_path, shades()[:3]), tmp_path / "none" / "a.png")
