"""Suggested presets: those of the catalog, less what cannot make what the prompt asks for, with the reason."""

from __future__ import annotations

import pickle

import pytest

from comfy_headless import (
    IMAGE_PRESETS,
    VIDEO_PRESETS,
    ComfyUIOfflineError,
    ValidationError,
    VideoModel,
    analyze_prompt,
    get_recommended_preset,
)
from comfy_headless.graph.outputs import sound_made
from comfy_headless.simulator import Simulator


@pytest.mark.parametrize(
    ("prompt", "preset"),
    [
        ("portrait of an old fisherman", "portrait"),
        ("a valley with a river at dawn", "landscape"),
        ("a teapot", "square"),
        ("a valley with a river, cinematic", "cinematic"),
        ("portrait of an old fisherman, 1:1", "square"),
        ("a valley with a river, 9:16", "portrait"),
        ("a teapot, 21:9", "cinematic"),
        ("a teapot, 16:9", "landscape"),
        ("a teapot, 16:9, cinematic", "cinematic"),
    ],
)
def test_images(prompt: str, preset: str) -> None:
    """What is asked for counts first, then the look, then what the picture is about; each is a preset that is there."""
    suggested = analyze_prompt(prompt).suggested_preset
    assert suggested == preset
    assert suggested in IMAGE_PRESETS and suggested.reason


def test_images_of_a_family() -> None:
    """For a family of image models the preset of that family is named."""
    assert analyze_prompt("a teapot", model="sdxl").suggested_preset == "sdxl_square"
    assert analyze_prompt("a teapot", model="sdxl_hd").suggested_preset == "sdxl_square"
    assert analyze_prompt("a teapot", model="z_image").suggested_preset == "square"


@pytest.mark.parametrize("vram_gb", [None, 4, 6, 8, 12, 16, 24, 48])
def test_videos_are_those_of_the_table(vram_gb: float | None) -> None:
    """A prompt without wishes gets what the catalog recommends for the card, for 8 GiB where none is named."""
    suggested = analyze_prompt("a cat on a roof", vram_gb=vram_gb).suggested_video_preset
    assert suggested == get_recommended_preset(8 if vram_gb is None else vram_gb)
    assert suggested.reason.startswith("the best for a video from text on ")


def test_a_length_that_was_not_tested() -> None:
    """A preset that was never tested with the length goes, and the reason names it."""
    suggested = analyze_prompt("a cat on a roof, 10 seconds").suggested_video_preset
    fps, frames = VIDEO_PRESETS[suggested].value("fps"), VIDEO_PRESETS[suggested].at("text").rules.frames
    assert frames is not None and frames.tested is not None and frames.tested.holds(10 * fps)
    assert "it makes 10 s, as asked for" in suggested.reason
    assert "'wan_1.3b' would be taken otherwise" in suggested.reason


def test_a_length_that_nothing_makes() -> None:
    """Where no preset makes it, the aspect is heard alone, and the reason says what is not."""
    suggested = analyze_prompt("a cat on a roof, 30 minutes, 9:16").suggested_video_preset
    assert "it makes 9:16, as asked for" in suggested.reason
    assert "no preset was tested with 1800 s" in suggested.reason


def test_sound() -> None:
    """Sound that is asked for is made where the card is large enough; else the reason says what would be."""
    text = 'a man looks up and says "good morning"'
    large = analyze_prompt(text, vram_gb=24).suggested_video_preset
    assert sound_made(VIDEO_PRESETS[large].template("text").graph)
    assert "it makes the sound that is asked for" in large.reason
    small = analyze_prompt(text).suggested_video_preset
    assert small == get_recommended_preset(8)
    assert "it makes no sound, which is asked for; 'ltx2_quick' does, with 12 GiB of VRAM or more" in small.reason


def test_a_family() -> None:
    """With a model the preset is one of its family; where it makes nothing from text alone, that is said."""
    suggested = analyze_prompt("a cat on a roof", model="hunyuan15", vram_gb=8).suggested_video_preset
    assert VIDEO_PRESETS[suggested].family == "hunyuan15"
    assert "the best of 'hunyuan15' on 8 GiB of VRAM" in suggested.reason
    assert suggested == analyze_prompt("a cat on a roof", model=VideoModel.HUNYUAN_15, vram_gb=8).suggested_video_preset
    svd = analyze_prompt("a cat on a roof", model="svd").suggested_video_preset
    assert svd == get_recommended_preset(8) and "no preset of 'svd' makes a video from text alone" in svd.reason


def test_a_preset_that_is_named() -> None:
    """A preset that the analysis is for is suggested, with what it cannot do, or only slowly."""
    suggested = analyze_prompt('a baker says "hi", 9:16, 6 seconds', model="wan_5b").suggested_video_preset
    assert suggested == "wan_5b"
    assert suggested.reason == (
        "the one that was named (tight: it is meant for 24 GiB of VRAM); it makes no sound, which is "
        "asked for; it makes 9:16, as asked for; none of 'wan' was tested with 6 s"
    )
    loud = analyze_prompt('a baker says "hi"', model="ltx2_standard").suggested_video_preset
    assert loud == "ltx2_standard" and "it makes the sound that is asked for" in loud.reason


def test_a_server() -> None:
    """With a server its card and its files count, and it is asked when the suggestion is read."""
    with Simulator(files={"diffusion_models": []}) as server:
        analysis = analyze_prompt("a cat on a roof", server=server.url)
        assert server.requests == ()
        assert analysis.suggested_video_preset == get_recommended_preset(server=server.url)


def test_a_server_that_is_not_there() -> None:
    """Nobody is asked by the analysis; reading the suggestion finds that nothing answers."""
    analysis = analyze_prompt("a cat on a roof", server="http://127.0.0.1:9")
    assert analysis.suggested_preset == "quality"
    with pytest.raises(ComfyUIOfflineError):
        analysis.suggested_video_preset  # noqa: B018


def test_a_server_that_is_none() -> None:
    """An address that is none is the error that every call has."""
    with pytest.raises(ValidationError):
        analyze_prompt("a cat", server="ftp://x").suggested_video_preset  # noqa: B018


def test_a_suggestion_is_a_string() -> None:
    """It is a name like any other, with a reason, and stays so when it travels."""
    suggested = analyze_prompt("a teapot").suggested_preset
    assert {suggested: 1}["square"] == 1
    again = pickle.loads(pickle.dumps(suggested))
    assert (again, again.reason) == (suggested, suggested.reason)
