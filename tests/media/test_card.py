"""The test card and its files: what is written is what was asked for."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from comfy_headless.errors import MediaError
from comfy_headless.media.card import Card
from comfy_headless.media.encode import jpeg, write_animation, write_audio, write_image, write_video
from comfy_headless.media.probe import image_size, probe
from comfy_headless.media.tone import Sound


@pytest.mark.parametrize(
    ("suffix", "codec", "width", "height", "frames", "fps"),
    [(".mp4", "h264", 64, 48, 9, 16.0), (".webm", "vp9", 96, 64, 5, 23.976), (".webm", "av1", 64, 64, 3, 24.0)],
)
def test_a_video_has_the_asked_geometry(
    tmp_path: Path, suffix: str, codec: str, width: int, height: int, frames: int, fps: float
) -> None:
    """Width, height, frame count and frame rate of the decoded file are those given."""
    path = tmp_path / f"clip{suffix}"
    write_video(path, Card(width, height, frames, "a fox").pictures(), fps=fps, codec=codec)
    seen = probe(path)
    assert (seen.width, seen.height, seen.frames) == (width, height, frames)
    assert seen.fps == pytest.approx(fps, rel=0.002)
    assert seen.audio is None


def test_sound_is_as_long_as_asked_and_tags_are_kept(tmp_path: Path) -> None:
    """An mp4 with sound carries an audio stream of its length, and its metadata."""
    path = tmp_path / "clip.mp4"
    pictures = Card(64, 64, 24, "a bell").pictures()
    write_video(path, pictures, fps=24, sound=Sound(1.0), metadata={"prompt": '{"1": {}}'})
    seen = probe(path)
    assert seen.audio is not None
    assert seen.audio.duration == pytest.approx(1.0, abs=0.05)
    assert seen.metadata["prompt"] == '{"1": {}}'


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".opus"])
def test_sound_files_decode(tmp_path: Path, suffix: str) -> None:
    """Each sound format decodes to the asked length."""
    path = tmp_path / f"sound{suffix}"
    write_audio(path, Sound(1.5))
    sound = probe(path).audio
    assert sound is not None
    assert sound.duration == pytest.approx(1.5, abs=0.06)


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_animations_keep_their_frames(tmp_path: Path, suffix: str) -> None:
    """An animated picture holds every frame."""
    path = tmp_path / f"moving{suffix}"
    write_animation(path, Card(64, 64, 6, "a wave").pictures(), fps=8)
    with Image.open(path) as picture:
        assert getattr(picture, "n_frames", 1) == 6


def test_the_picture_moves_and_differs_by_seed_and_text() -> None:
    """No two frames are equal, and another seed or text gives another card."""
    frames = list(Card(64, 48, 5, "a fox").pictures())
    for earlier, later in itertools.pairwise(frames):
        assert ImageChops.difference(earlier, later).getbbox() is not None
    first = frames[0]
    for other in (Card(64, 48, 5, "a hen"), Card(64, 48, 5, "a fox", seed=1)):
        assert ImageChops.difference(first, next(other.pictures())).getbbox() is not None


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (8, 512), (512, 8)])
def test_any_size_and_text_can_be_drawn(width: int, height: int) -> None:
    """Tiny cards, long words and other scripts do not fail."""
    text = "a" * 500 + " \u732b \U0001f408 \n\t"
    assert [picture.size for picture in Card(width, height, 2, text).pictures()] == [(width, height)] * 2


def test_a_still_keeps_its_size_and_text_chunks(tmp_path: Path) -> None:
    """A png carries its metadata, and its size can be read without decoding."""
    path = tmp_path / "still.png"
    write_image(path, next(Card(40, 30).pictures()), metadata={"prompt": "{}"})
    assert image_size(path) == (40, 30)
    with Image.open(path) as picture:
        assert picture.info["prompt"] == "{}"
    assert jpeg(next(Card(40, 30).pictures())).startswith(b"\xff\xd8")


def test_what_cannot_be_written_or_read_is_a_media_error(tmp_path: Path) -> None:
    """An odd size for h264 and a file that is no video are MediaErrors that name the file."""
    with pytest.raises(MediaError, match=r"odd\.mp4"):
        write_video(tmp_path / "odd.mp4", Card(65, 65, 2).pictures(), fps=24)
    assert not (tmp_path / "odd.mp4").exists()
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        probe(text)
    with pytest.raises(MediaError, match=r"text\.mp4"):
        image_size(text)


@pytest.mark.slow
def test_a_large_clip_is_quick(tmp_path: Path) -> None:
    """1280x704 with 121 frames takes seconds, not minutes (about 1 s on an idle core)."""
    begun = time.process_time()
    write_video(tmp_path / "large.mp4", Card(1280, 704, 121, "a red fox " * 20).pictures(), fps=24, sound=Sound(5.0))
    assert time.process_time() - begun < 10
