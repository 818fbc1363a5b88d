"""The look at finished files: no good clip is blamed, every fault is found."""

from __future__ import annotations

import re
import struct
from itertools import islice, product
from pathlib import Path
from random import Random

import av
import pytest
from PIL import Image

from comfy_headless.errors import MediaError
from comfy_headless.media.card import Card
from comfy_headless.media.encode import write_animation, write_audio, write_video
from comfy_headless.media.look import Finding, look
from comfy_headless.media.thumbnail import thumbnail
from comfy_headless.media.tone import Sound
from tests.media.clips import BAD, ENCODERS, FRAMES, GOOD, plain, random_bytes, scene, slow_pan, write

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

# Those that come nearest to a fault, in every encoder.
NEAR = ("darkest_night", "title_with_cursor", "breathing", "fog", "cartoon_with_tiny_figure")
SURE = ("green", "uniform noise", "noise that stands", "frozen scene", "frozen title")
# Of noise that is new in every frame, crf 40 leaves grey blobs.
GONE = ("uniform noise", "h264 crf 40")


def kinds(path: Path) -> list[str]:
    return [finding.what for finding in look(path)]


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_a_good_clip_is_not_blamed(tmp_path: Path, name: str) -> None:
    """A clip that shows something and in which something moves has no finding."""
    assert kinds(write(tmp_path, GOOD[name]())) == []


@pytest.mark.slow
@pytest.mark.parametrize("encoder", list(ENCODERS)[1:])
@pytest.mark.parametrize("name", NEAR)
def test_a_good_clip_is_not_blamed_in_any_encoder(tmp_path: Path, name: str, encoder: str) -> None:
    """Compression makes no fault out of a good clip."""
    assert kinds(write(tmp_path, GOOD[name](), encoder)) == []


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_found(tmp_path: Path, name: str) -> None:
    """Black, one colour, noise and a still picture are named as what they are, and as nothing else."""
    kind, clip = BAD[name]
    assert kinds(write(tmp_path, clip())) == [kind]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "encoder"), sorted(set(product(SURE, list(ENCODERS)[1:])) - {GONE}))
def test_a_fault_is_found_in_any_encoder(tmp_path: Path, name: str, encoder: str) -> None:
    """Compression hides no fault."""
    kind, clip = BAD[name]
    assert kinds(write(tmp_path, clip(), encoder)) == [kind]


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 17])
@pytest.mark.parametrize("name", ["slow_pan", "cartoon", "snow", "strobe", "title_with_dot"])
def test_a_short_clip_is_not_blamed(tmp_path: Path, name: str, frames: int) -> None:
    """Few frames are no fault, and one frame is never called frozen."""
    assert kinds(write(tmp_path, islice(GOOD[name](), frames))) == []


@pytest.mark.parametrize("group", [12, 24, 48])
def test_key_frames_in_between_are_no_motion(tmp_path: Path, group: int) -> None:
    """A still picture that is encoded anew again and again is still frozen, a slow pan is still not."""
    assert kinds(write(tmp_path, [scene()] * FRAMES, crf="28", g=str(group))) == ["frozen"]
    assert kinds(write(tmp_path, slow_pan(), crf="28", g=str(group))) == []


def test_a_long_clip_is_looked_at_near_its_key_frames(tmp_path: Path) -> None:
    """Past 600 frames only a few groups are decoded; a still is found, and motion between them is seen."""
    first, second = (scene((96, 64), seed) for seed in (1, 2))
    assert kinds(write(tmp_path, [first] * 900, g="60")) == ["frozen"]
    assert kinds(write(tmp_path, [first] * 450 + [second] * 450, g="60")) == []


@pytest.mark.parametrize(
    ("picture", "found"),
    [
        (plain((0, 0, 0)), ["black"]),
        (plain((127, 127, 127)), ["one_colour"]),
        (random_bytes(3), ["noise"]),
        (scene(), []),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
def test_a_picture_is_looked_at_too(tmp_path: Path, picture: Image.Image, found: list[str], suffix: str) -> None:
    """A still file can be black, one colour or noise; it is never frozen."""
    path = tmp_path / f"picture.{suffix}"
    picture.save(path)
    assert kinds(path) == found


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_an_animation_is_looked_at_as_a_clip(tmp_path: Path, suffix: str) -> None:
    """Animated png, webp and gif: the card moves, a repeated picture does not."""
    path = tmp_path / f"moving.{suffix}"
    write_animation(path, Card(96, 64, 20, "a kite").pictures(), fps=8)
    assert kinds(path) == []
    first, second = scene((96, 64)), scene((96, 64))
    second.putpixel((3, 3), (250, 0, 0))  # Pillow joins frames that are equal
    first.save(path, save_all=True, append_images=[second, first, second], duration=100)
    assert kinds(path) == ["frozen"]
    first.save(path, save_all=True, append_images=[first, first], duration=100)  # is stored as a still
    assert [finding.what for finding in look(path, frames=3, fps=10)] == ["frozen"]
    assert kinds(path) == []


@pytest.mark.parametrize(("width", "height"), [(2, 2), (16, 16), (18, 200), (66, 34)])
def test_any_size_is_looked_at(tmp_path: Path, width: int, height: int) -> None:
    """Clips smaller than a cell or a crop, and odd shapes, are read; black is black at any size."""
    path = tmp_path / "small.mp4"
    write_video(path, Card(width, height, 20, "a bee").pictures(), fps=24)
    assert set(kinds(path)) <= {"one_colour", "frozen"}
    write_video(path, [Image.new("RGB", (width, height))] * 20, fps=24)
    assert kinds(path) == ["black"]


def test_what_was_asked_is_compared(tmp_path: Path) -> None:
    """Width, height, frames, rate and sound: nothing if they agree or were not asked, a finding each if not."""
    path = tmp_path / "clip.mp4"
    write_video(path, Card(96, 64, 24, "a drum").pictures(), fps=24, sound=Sound(1.0))
    assert look(path) == ()
    assert look(path, width=96, height=64, frames=24, fps=24, sound=True) == ()
    assert look(path, fps=23.976) == ()
    off = look(path, width=128, height=64, frames=25, fps=25, sound=False)
    assert [finding.what for finding in off] == ["size", "frames", "fps", "sound"]
    assert [finding.message for finding in off] == [
        "the picture is 96x64, asked was 128x64",
        "there are 24 frames, asked were 25",
        "the clip plays at 24 frames a second, asked was 25",
        "there is sound, asked was none",
    ]


def test_sound_that_is_missing_or_too_short_is_found(tmp_path: Path) -> None:
    """Asked sound must be there and last as long as the picture."""
    path = tmp_path / "clip.mp4"
    pictures = list(Card(64, 64, 48, "a horn").pictures())
    write_video(path, pictures, fps=24)
    assert [finding.message for finding in look(path, sound=True)] == ["there is no sound, asked was sound"]
    write_video(path, pictures, fps=24, sound=Sound(0.5))
    (finding,) = look(path, sound=True)
    assert finding.what == "sound"
    assert finding.message.startswith("the sound lasts 0.5")
    assert look(path) == ()


def test_a_sound_file_has_no_picture_to_look_at(tmp_path: Path) -> None:
    """Sound alone is fine, unless a picture was asked for."""
    path = tmp_path / "bell.flac"
    write_audio(path, Sound(1.0))
    assert look(path, sound=True) == ()
    assert [finding.message for finding in look(path, width=64, height=64)] == ["there is no picture in the file"]


def test_a_finding_is_one_line(tmp_path: Path) -> None:
    """`str(finding)` says what, why and what to try, on one line."""
    (finding,) = look(write(tmp_path, [plain((0, 0, 0))] * 5))
    assert str(finding).startswith("all frames are black: NaN in the sampler")
    assert "; start ComfyUI with --fp32-vae" in str(finding)
    (finding,) = look(write(tmp_path, [plain((127, 127, 127))]))
    assert str(finding).startswith("the picture is one colour (#7d7d7d): ")
    assert "\n" not in str(finding)
    assert str(Finding("size", "a", "b", "c")) == "a: b; c"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A file without a frame that decodes is no finding but a MediaError."""
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(MediaError, match=r"empty\.mp4"):
        look(path)


@pytest.mark.parametrize("suffix", ["mp4", "webm", "webp", "png", "gif"])
def test_a_damaged_file_is_read_or_is_an_error(tmp_path: Path, suffix: str) -> None:
    """Bytes that are changed or missing never end in anything but a verdict or a MediaError."""
    path, random, refused = tmp_path / f"clip.{suffix}", Random(7), 0
    pictures = Card(64, 48, 20, "a vase").pictures()
    if suffix in ("mp4", "webm"):
        write_video(path, pictures, fps=24, codec="h264" if suffix == "mp4" else "vp9")
    else:
        write_animation(path, pictures, fps=8)
    whole = path.read_bytes()
    for number in range(12):
        damaged = bytearray(whole[: random.randrange(len(whole)) if number % 3 == 0 else None])
        for _ in range(number if damaged else 0):
            damaged[random.randrange(min(len(damaged), 400))] = random.randrange(256)
        path.write_bytes(damaged)
        try:
            look(path)
        except MediaError:
            refused += 1
    assert refused > 2


def test_colours_that_cannot_be_converted(tmp_path: Path) -> None:
    """A frame that decodes, but says of itself what no converter knows, is an error too."""
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=8, options={"vendor": "apl0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv422p10le"
        frames = [av.VideoFrame.from_image(picture) for picture in Card(64, 48, 6, "a vase").pictures()]
        container.mux([packet for frame in (*frames, None) for packet in stream.encode(frame)])
    header = re.compile(rb"(icpf.{16}).", re.DOTALL)  # then the matrix of its colours
    path.write_bytes(header.sub(lambda found: found[1] + b"\xff", path.read_bytes()))
    with pytest.raises(MediaError, match=r"clip\.mov"):
        look(path)
    with pytest.raises(MediaError, match=r"clip\.mov"):
        thumbnail(path)


def test_a_second_picture_without_a_size(tmp_path: Path) -> None:
    """A tiff that announces another picture and does not say how large it is cannot be read."""
    path = tmp_path / "picture.tiff"
    scene().save(path)
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (tags,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * tags, len(content))
    path.write_bytes(content + bytes(6))
    with pytest.raises(MediaError, match=r"picture\.tiff"):
        look(path)
