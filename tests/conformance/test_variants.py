"""Variants of presets and of graphs of one's own, run on both servers: the file that comes out, decoded.

Weights are miniature: they prove size, length, rate, codec and sound, and nothing about looks or speed.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from comfy_headless import ComfyClient, Result, compile_workflow
from comfy_headless.graph.transforms.codecs import CODECS, QUALITIES
from tests.catalog.semantics import PROMPT
from tests.graph.transforms.graphs import LOUD, STILL, TAKEN_APART, VIDEO, WEBM, node

from .decoded import Decoded, decode
from .making import PRESETS, Case, asked_for, cases, lowered

pytestmark = pytest.mark.slow

CASES = list({PRESETS[case.name].family: case for case in reversed(cases(packs=False))}.values())
"""One preset of each family that needs no node packs."""

WIDTH, HEIGHT, FRAMES, FPS, SOUND = 96, 64, 9, Fraction(24), (44100,)


def run(url: str, graph: dict[str, Any], folder: Path, **wishes: Any) -> Result:
    """Run a graph of one's own; its pictures are noise, on which a codec has to work."""
    picture = folder / "noise.png"
    Image.effect_noise((WIDTH, HEIGHT), 120).convert("RGB").save(picture)
    with ComfyClient(url) as client:
        stored = client.upload(picture)
        noisy = {"100": node("LoadImage", image=stored), "1": node("RepeatImageBatch", image=["100", 0], amount=FRAMES)}
        return client.run_workflow({**graph, **noisy}, out=folder / "made", **wishes)


def held(result: Result) -> Decoded:
    """What the one file holds."""
    assert result.path is not None
    return decode(result.path)


def codec_of(result: Result) -> str:
    """The name of the video's codec."""
    with av.open(str(result.path)) as file:
        return file.streams.video[0].codec_context.name


@pytest.mark.parametrize("case", [case for case in CASES if PRESETS[case.name].makes == "video"], ids=str)
def test_every_family_takes_all_at_once(simulated_server: str, real_server: str, case: Case, tmp_path: Path) -> None:
    """Decoded in tiles, twice as large, twice the frames, compressed little: the video is what it was, times two."""
    family = PRESETS[case.name].family
    wanted: dict[str, Any] = {
        "tiled_decode": True,
        "upscale": 2,
        "interpolate": 2,
        "quality": "high",
        "easy_cache": family != "mochi",
    }
    seen = []
    for place, url in (("simulated", simulated_server), ("real", real_server)):
        (tmp_path / place).mkdir()
        with ComfyClient(url) as client:
            result = client.generate_video(PROMPT, **asked_for(case, tmp_path / place, lowered(case)), **wanted)
        was, made = result.settings, held(result)
        assert made[:4] == (2 * was["width"], 2 * was["height"], 2 * was["frames"] - 1, 2 * was["fps"])
        assert bool(made.sound) == (family == "ltx2")
        seen.append((made, result.notes))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("case", [case for case in CASES if PRESETS[case.name].makes == "image"], ids=str)
def test_an_image_is_decoded_in_tiles_and_enlarged(server: str, case: Case, tmp_path: Path) -> None:
    """Image models take what is not about time: the picture is twice as large."""
    asked = lowered(case)
    compiled = compile_workflow(PRESETS[case.name], PROMPT, **asked, tiled_decode=True, upscale=2, allow_untested=True)
    with ComfyClient(server) as client:
        result = client.run_workflow(compiled, out=tmp_path / "made")
    with Image.open(str(result.path)) as picture:
        assert picture.size == (2 * asked["width"], 2 * asked["height"])


@pytest.mark.parametrize(
    ("graph", "wishes", "expected"),
    [
        (VIDEO, {"upscale": 4}, Decoded(4 * WIDTH, 4 * HEIGHT, FRAMES, FPS, ())),
        (VIDEO, {"upscale": 3}, Decoded(3 * WIDTH, 3 * HEIGHT, FRAMES, FPS, ())),
        (VIDEO, {"upscale": 1.3}, Decoded(124, 82, FRAMES, FPS, ())),
        (VIDEO, {"interpolate": 5}, Decoded(WIDTH, HEIGHT, 41, 5 * FPS, ())),
        (LOUD, {"upscale": 2, "interpolate": 2}, Decoded(2 * WIDTH, 2 * HEIGHT, 17, 2 * FPS, SOUND)),
        (LOUD, {"sound": False}, Decoded(WIDTH, HEIGHT, FRAMES, FPS, ())),
        (WEBM, {"interpolate": 3}, Decoded(WIDTH, HEIGHT, 25, Fraction(90), ())),
        (WEBM, {"codec": "h264"}, Decoded(WIDTH, HEIGHT, FRAMES, Fraction(30), ())),
    ],
)
def test_graphs_of_ones_own(
    server: str, graph: dict[str, Any], wishes: dict[str, Any], expected: Decoded, tmp_path: Path
) -> None:
    """Size, frames, rate and sound are what was asked for; sizes that H.264 refuses are made even."""
    assert held(run(server, graph, tmp_path, **wishes)) == expected


def test_a_loaded_video_is_interpolated(server: str, tmp_path: Path) -> None:
    """A rate that is known only when the graph runs is multiplied there; the sound stays."""
    video = run(server, LOUD, tmp_path).path
    assert video is not None
    with ComfyClient(server) as client:
        graph = {**TAKEN_APART, "1": node("LoadVideo", file=client.upload(video))}
        result = client.run_workflow(graph, interpolate=2, out=tmp_path / "twice")
    assert held(result) == Decoded(WIDTH, HEIGHT, 17, 2 * FPS, SOUND)


def test_pictures_are_upscaled(server: str, tmp_path: Path) -> None:
    """What is saved as pictures is as large as asked for, odd sizes too."""
    result = run(server, STILL, tmp_path, upscale=1.1)
    assert len(result.files) == FRAMES
    for path in result.files:
        with Image.open(path) as picture:
            assert picture.size == (106, 70)


@pytest.mark.parametrize("codec", ["auto", "h264", "vp9", "av1"])
def test_codecs(server: str, codec: str, tmp_path: Path) -> None:
    """The file has the codec, and the extension that goes with it."""
    result = run(server, VIDEO, tmp_path, codec=codec)
    assert held(result) == Decoded(WIDTH, HEIGHT, FRAMES, FPS, ())
    name = {"auto": "h264", "vp9": "vp9", "av1": "av1"}.get(codec, codec)
    assert name in codec_of(result).replace("libdav1d", "av1")
    assert Path(result.path or "").suffix == (".webm" if codec in ("vp9", "av1") else ".mp4")


@pytest.mark.parametrize("codec", ["h264", "vp9", "av1"])
def test_the_better_the_larger(real_server: str, codec: str, tmp_path: Path) -> None:
    """Each quality makes a larger file than the one below it, and a lower crf than a higher one."""
    words = [word for word in QUALITIES if word in CODECS[codec].crf]
    sizes = []
    for quality in (51, *words, 1):
        folder = tmp_path / str(quality)
        folder.mkdir()
        result = run(real_server, VIDEO, folder, codec=codec, quality=quality)
        sizes.append((result.path or folder).stat().st_size)
    by_crf = sizes[:-1] if "lossless" in words else sizes
    assert by_crf == sorted(by_crf)
    assert len(set(by_crf)) == len(by_crf)
    assert sizes[0] < sizes[-1]
