"""What a file holds is said without decoding it, and what cannot be read is an error with ffmpeg's words."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import ffmpeg
import pytest
from PIL import Image

from comfy_headless.errors import MediaError
from comfy_headless.media.card import Card
from comfy_headless.media.command import binary, run
from comfy_headless.media.encode import write_animation, write_audio, write_video
from comfy_headless.media.probe import Audio, probe
from comfy_headless.media.tone import Sound
from tests.media.clips import ENCODERS, scene, slow_pan, write

pytestmark = pytest.mark.slow


def card(path: Path, *, frames: int = 24, sound: Sound | None = None, width: int = 96, height: int = 64) -> Path:
    write_video(path, Card(width, height, frames, "a cat").pictures(), fps=24, sound=sound)
    return path


def test_a_video_with_sound(tmp_path: Path) -> None:
    """Everything of an mp4: container, length, size, count, rate, codecs, bytes."""
    path = card(tmp_path / "clip.mp4", sound=Sound(1.0))
    seen = probe(path)
    assert (seen.container, seen.codec, seen.width, seen.height) == ("mp4", "h264", 96, 64)
    assert (seen.frames, seen.fps, seen.size) == (24, 24.0, path.stat().st_size)
    assert seen.duration == pytest.approx(1.0, abs=0.05)
    assert seen.audio == Audio("aac", 48000, 2, pytest.approx(1.0, abs=0.05))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_frames_are_counted_in_every_container(tmp_path: Path, encoder: str) -> None:
    """The count is that of the frames, though none is decoded; the container is the file's own."""
    path = write(tmp_path, itertools.islice(slow_pan(), 19), encoder)
    seen = probe(path)
    assert (seen.frames, seen.width, seen.height, seen.audio) == (19, 320, 192, None)
    assert seen.fps == pytest.approx(24, rel=0.005)
    assert seen.duration == pytest.approx(19 / 24, abs=0.06)
    assert seen.container == ("matroska" if path.suffix == ".mkv" else path.suffix[1:])


@pytest.mark.parametrize(("angle", "size"), [(90, (64, 96)), (-90, (64, 96)), (180, (96, 64)), (0, (96, 64))])
def test_a_stored_rotation_is_honoured(tmp_path: Path, angle: int, size: tuple[int, int]) -> None:
    """Width and height are those of the picture as it is shown."""
    plain, turned = card(tmp_path / "plain.mp4"), tmp_path / "turned.mp4"
    run(ffmpeg.input(str(plain), display_rotation=angle).output(str(turned), c="copy"), turned)
    seen = probe(turned)
    assert (seen.width, seen.height, seen.frames) == (*size, 24)


@pytest.mark.parametrize(("suffix", "codec"), [(".flac", "flac"), (".mp3", "mp3"), (".opus", "opus")])
def test_sound_alone(tmp_path: Path, suffix: str, codec: str) -> None:
    """A sound file has no frames and no size in pixels."""
    path = tmp_path / f"sound{suffix}"
    write_audio(path, Sound(1.5))
    seen = probe(path)
    assert (seen.width, seen.height, seen.frames, seen.fps) == (0, 0, 0, 0.0)
    assert seen.codec.startswith(codec)
    assert seen.audio is not None
    assert seen.audio.duration == seen.duration == pytest.approx(1.5, abs=0.06)


def test_the_cover_of_a_song_is_no_picture(tmp_path: Path) -> None:
    """A picture that is attached to sound has no frames to count or to look at."""
    sound, cover, path = tmp_path / "plain.mp3", tmp_path / "cover.png", tmp_path / "song.mp3"
    write_audio(sound, Sound(1.0))
    scene((64, 64)).save(cover)
    streams = (ffmpeg.input(str(sound)), ffmpeg.input(str(cover)))
    run(ffmpeg.output(*streams, str(path), c="copy", **{"disposition:v": "attached_pic"}), path)
    assert (probe(path).frames, probe(path).width, probe(path).codec) == (0, 0, probe(sound).codec)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "gif", "bmp"])
def test_a_still_picture(tmp_path: Path, name: str) -> None:
    """A picture has one frame and no time."""
    path = tmp_path / f"still.{name}"
    Image.new("RGB", (40, 30), (9, 99, 199)).save(path)
    seen = probe(path)
    assert (seen.container, seen.codec, seen.width, seen.height) == (name, name, 40, 30)
    assert (seen.frames, seen.fps, seen.duration, seen.audio) == (1, 0.0, 0.0, None)


def test_a_photo_on_its_side(tmp_path: Path) -> None:
    """The orientation in a jpeg counts as a rotation does."""
    path, exif = tmp_path / "photo.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    assert (probe(path).width, probe(path).height) == (30, 40)


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_an_animation(tmp_path: Path, suffix: str) -> None:
    """Animated pictures have frames, a rate and a length."""
    path = tmp_path / f"moving.{suffix}"
    write_animation(path, Card(64, 64, 12, "a wave").pictures(), fps=10)
    seen = probe(path)
    assert (seen.frames, seen.fps, seen.duration) == (12, pytest.approx(10), pytest.approx(1.2))
    first, second = Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8), "red")
    first.save(path, save_all=True, append_images=[first, first, second, first], duration=100)
    seen = probe(path)
    assert (seen.frames, seen.fps, seen.duration) == (5, pytest.approx(10), pytest.approx(0.5))


def test_names_that_ffmpeg_takes_for_something_else(tmp_path: Path) -> None:
    """A colon, a dash in front, a percent sign and other scripts are parts of a name."""
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        for name in ("concat:a.mp4", "-i.mp4", "100%d.mp4", "\u732b [1].mp4"):
            card(tmp_path / name, frames=3)
            assert probe(Path(name)).frames == 3
    finally:
        os.chdir(here)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    """Both are MediaErrors that name the path."""
    with pytest.raises(MediaError, match=r"none\.mp4: No such file") as missing:
        probe(tmp_path / "none.mp4")
    assert missing.value.path == str(tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="cannot read"):
        probe(tmp_path)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.png", "a.mp3"])
@pytest.mark.parametrize("content", [b"", b"this is no media file", bytes(5000)])
def test_an_empty_file_and_one_of_other_content(tmp_path: Path, name: str, content: bytes) -> None:
    """What is no media is a MediaError with ffmpeg's words."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"Invalid data found when processing input|neither picture nor sound") as no:
        probe(path)
    assert name in str(no.value)


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    """A clip that lacks its end, in front or behind its index, a webm and a picture: each is told from a whole one."""
    late = write(tmp_path, slow_pan())
    early = tmp_path / "early.mp4"
    run(ffmpeg.input(str(late)).output(str(early), c="copy", movflags="+faststart"), early)
    webm = write(tmp_path, slow_pan(), "vp9")
    picture = tmp_path / "still.png"
    scene().save(picture)
    for path, words in (
        (late, "moov atom not found"),
        (early, "cut off"),
        (webm, "cut off, .* s are announced"),
        (picture, "truncated"),
    ):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(MediaError, match=words) as error:
            probe(path)
        assert path.name in str(error.value)


def test_vp8_frames_that_are_never_shown_do_not_count(tmp_path: Path) -> None:
    """Alternate reference frames of vp8 are packets of their own, and no frames."""
    source, path = write(tmp_path, slow_pan()), tmp_path / "clip8.webm"
    options = {"c:v": "libvpx", "auto-alt-ref": 1, "lag-in-frames": 16, "b:v": "300k", "cpu-used": 4}
    run(ffmpeg.input(str(source)).output(str(path), **options), path)
    assert probe(path).frames == 48


def test_frames_before_the_beginning_do_not_count(tmp_path: Path) -> None:
    """An mp4 that was cut without encoding keeps frames that its edit list hides."""
    source, path = write(tmp_path, slow_pan()), tmp_path / "cut.mp4"
    run(ffmpeg.input(str(source), ss=1).output(str(path), c="copy"), path)
    assert probe(path).frames == 24


def test_the_command_is_the_systems_or_the_one_that_comes_along(tmp_path: Path) -> None:
    """There is a binary, and what it says at a failure is in the error."""
    assert Path(binary()).is_file()
    path = tmp_path / "none.mp4"
    with pytest.raises(MediaError, match="No such file") as error:
        run(ffmpeg.input(str(path)).output("-", format="null"), path)
    assert "No such file" in error.value.details


@pytest.mark.parametrize("rate", [12, 48])
def test_an_odd_size_and_another_rate_go_through_a_command(tmp_path: Path, rate: int) -> None:
    """Odd sizes are made even in a filter, and the rate is kept by fps_mode, since -vsync is gone."""
    source, path = tmp_path / "odd.webm", tmp_path / "even.mp4"
    write_video(source, Card(97, 65, 24, "a cat").pictures(), fps=24, codec="vp9")
    assert (probe(source).width, probe(source).height) == (97, 65)
    stream = ffmpeg.input(str(source)).filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2")
    run(stream.output(str(path), r=rate, fps_mode="cfr", pix_fmt="yuv420p"), path)
    seen = probe(path)
    assert (seen.width, seen.height, seen.fps) == (96, 64, rate)
