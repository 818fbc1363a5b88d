"""Since when ComfyUI has what graphs use, and the lines that say so."""

from __future__ import annotations

import pytest

from comfy_headless.graph.ages import (
    UPDATE,
    age_line,
    ages,
    is_older,
    missing_class_remedy,
    since,
    told_since,
    version_in,
)
from comfy_headless.graph.schemas import Schemas


def test_every_own_class_is_dated() -> None:
    """All node classes of ComfyUI 0.30.0 but the partners' are in the table, each once, and no others."""
    schemas = Schemas.snapshot()
    own = {name for name in schemas if schemas[name].core and not schemas[name].module.startswith("comfy_api_nodes")}
    assert set(ages().classes) == own
    assert all(is_older(version, "0.30.1") for version in ages().classes.values())


def test_inputs_and_values_are_those_of_their_class() -> None:
    """What is dated besides is there in 0.30.0, and came after its class."""
    schemas = Schemas.snapshot()
    for place, version in ages().inputs.items():
        class_type, _, name = place.partition(".")
        assert schemas[class_type].input(name.partition(".")[0]) is not None
        assert is_older(since(class_type), version)
    for place, values in ages().values.items():
        class_type, _, name = place.partition(".")
        item = schemas[class_type].input(name)
        assert item is not None
        assert set(values) <= set(item.choices or ())
        assert all(is_older(since(class_type), version) for version in values.values())


def test_since() -> None:
    """A class, an input of it, a choice of that input; None for what is not known."""
    assert since("WanImageToVideo") == "0.3.16"
    assert since("SaveVideo", "codec.encoding.crf") == "0.30.0"
    assert since("DualCLIPLoader", "type", "hunyuan_video_15") == "0.3.71"
    assert (since("UnetLoaderGGUF"), since("SaveVideo", "nothing"), since("DualCLIPLoader", "type", "x")) == (None,) * 3


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ({"system": {"comfyui_version": "0.16.3"}}, "0.16.3"),
        ({"system": {"comfyui_version": "v0.3.64-12-gabc"}}, "v0.3.64-12-gabc"),
        ({"system": {"comfyui_version": "unknown"}}, None),
        ({"system": {"comfyui_version": 1}}, None),
        ({"system": []}, None),
        (None, None),
    ],
)
def test_the_version_of_a_server(told: object, version: str | None) -> None:
    """It is read where it begins with numbers; whatever else is said there is none."""
    assert version_in(told) == version


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("0.3.9", "0.3.64", True),
        ("0.16.3", "0.3.64", False),
        ("v0.3.64-12-gabc", "0.3.71", True),
        ("0.30", "0.30.0", True),
        ("0.30.0", "0.30.0", False),
        ("odd", "0.3.1", False),
        (None, "0.3.1", False),
    ],
)
def test_numbers_are_compared_as_numbers(version: str | None, than: str, older: bool) -> None:
    """A version that is not known is not older."""
    assert is_older(version, than) is older


def test_a_line_names_the_newest_first() -> None:
    """Who needs what, the version that has all of it, what the server says, what to do."""
    assert age_line("ltx2_quick", ["SaveVideo", "LTXVConcatAVLatent"], "0.3.27") == (
        "ltx2_quick needs the nodes LTXVConcatAVLatent, SaveVideo, which ComfyUI has since 0.8.0; "
        f"this server says 0.3.27: {UPDATE}"
    )
    many = ["EasyCache", "SaveVideo", "ManualSigmas", "CreateVideo", "NobodysNode"]
    assert age_line("x", many, None) == (
        "x needs the nodes ManualSigmas, EasyCache, SaveVideo and 1 more, which ComfyUI has since 0.7.0; "
        f"this server lacks them: {UPDATE}"
    )
    assert age_line("x", ["NobodysNode"], "0.3.27") is None


@pytest.mark.parametrize(
    ("classes", "version", "part"),
    [
        ([], "0.8.0", "x needs ComfyUI 0.16.0 or later to load its model; this server says 0.8.0"),
        (["LTXVConcatAVLatent"], "0.3.64", "has since 0.8.0, and 0.16.0 or later to load its model; this server"),
        (["FrameInterpolate"], "0.8.0", "which ComfyUI has since 0.20.1; this server says 0.8.0"),
        (["LTXVConcatAVLatent"], None, "which ComfyUI has since 0.8.0; this server lacks it"),
    ],
)
def test_a_line_names_what_the_model_needs_if_that_is_newer(classes: list[str], version: str, part: str) -> None:
    """So that one update is enough; a server that does not say its version is not held to be too old."""
    assert part in str(age_line("x", classes, version, needed="0.16.0"))
    assert age_line("x", [], None, needed="0.16.0") is None
    assert age_line("x", [], "0.16.0", needed="0.16.0") is None


@pytest.mark.parametrize(
    ("first", "version", "words"),
    [
        ("0.9.2", "0.8.0", "ComfyUI has it since 0.9.2, this server says 0.8.0"),
        ("0.9.2", "0.9.2", "ComfyUI has it since 0.9.2, this server says 0.9.2 and lacks it all the same"),
        ("0.9.2", None, "ComfyUI has it since 0.9.2"),
        (None, "0.8.0", "newer versions have it, this server says 0.8.0"),
    ],
)
def test_part_of_a_sentence(first: str | None, version: str | None, words: str) -> None:
    """As far as it is known."""
    assert told_since(first, version) == words


def test_a_class_that_should_be_there() -> None:
    """A server that is new enough did not load it; a class that ComfyUI never had has no line."""
    assert missing_class_remedy("FrameInterpolate", "0.24.1") == (
        "ComfyUI has FrameInterpolate since 0.20.1; this server says 0.24.1 and lacks it all the same: its log tells "
        "why it was not loaded (IMPORT FAILED)"
    )
    assert missing_class_remedy("FrameInterpolate") == (
        f"ComfyUI has FrameInterpolate since 0.20.1; this server lacks it: {UPDATE}"
    )
    assert missing_class_remedy("UnetLoaderGGUF", "0.16.3") is None
