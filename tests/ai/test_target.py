"""What a prompt is written for."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_headless.ai.target import FILM, IMAGE, target_of
from comfy_headless.catalog.models import ImageModel, VideoModel
from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.errors import ValidationError
from tests.catalog.invented import write


@pytest.mark.parametrize(
    ("name", "form", "tokenizer", "limit", "negative"),
    [
        ("wan_quality", "paragraph", "umt5", 512, True),
        ("wan_fast", "paragraph", "umt5", 512, False),
        ("wan", "paragraph", "umt5", 512, True),
        (VideoModel.WAN, "paragraph", "umt5", 512, True),
        ("ltxv", "paragraph", "t5", 256, True),
        ("ltx_standard", "paragraph", "t5", 256, False),
        ("ltx2", "paragraph", "gemma3", 1024, True),
        ("hunyuan", "paragraph", "llama3", 256, False),
        (VideoModel.HUNYUAN_15, "paragraph", "qwen25", 995, True),
        ("hunyuan15", "paragraph", "qwen25", 995, True),
        ("mochi", "paragraph", "t5", 256, True),
        ("cogvideo_2b", "paragraph", "t5", 226, True),
        ("cogvideo_1.5", "paragraph", "t5", 224, True),
        ("cogvideox", "paragraph", "t5", 224, True),
        ("animatediff", "phrases", "clip", None, True),
        (ImageModel.SDXL, "phrases", "clip", None, True),
        ("z_image", "paragraph", "qwen25", 504, False),
        ("svd", "none", None, None, False),
    ],
)
def test_names(name: str, form: str, tokenizer: str | None, limit: int | None, negative: bool) -> None:
    """A preset, a family and a kind of model are found; at cfg 1 a negative prompt has no effect."""
    target = target_of(name)
    assert (target.name, target.form, target.tokenizer) == (str(name), form, tokenizer)
    assert (target.limit, target.takes_negative) == (limit, negative)
    assert target.assumed == ()


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_negative_prompt_that_has_no_effect(name: str) -> None:
    """Where a negative prompt has no effect, none is usual."""
    target = target_of(name)
    assert target.takes_negative or target.negative == ""


def test_languages() -> None:
    """What the makers name is read, and more where the text encoder knows more."""
    assert [target_of(name).reads("de") for name in ("cogvideo", "ltxv", "wan", "hunyuan", "ltx2")] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_no_model() -> None:
    """Without a model an image is meant."""
    assert target_of(None) is IMAGE
    assert FILM.makes == "video"


def test_a_name_that_is_not_there() -> None:
    """A wrong name is an error that names the nearest one and all families; all presets where none is near."""
    with pytest.raises(
        ValidationError, match=r"no preset or family 'wann'; did you mean 'wan'\? Families: .*mochi"
    ) as it:
        target_of("wann")
    assert len(str(it.value)) < 300 and "hunyuan15, " in str(it.value) and "hunyuan_15" not in str(it.value)
    with pytest.raises(ValidationError, match=r"'qqqq'\. Families: .*; presets: .*wan_5b"):
        target_of("qqqq")
    with pytest.raises(ValidationError, match="model=3: expected the name of a preset"):
        target_of(3)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="no preset or family 'other'"):
        target_of(VideoModel.OTHER)


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    """A preset that says nothing of how it wants to be asked is taken as it is, and what is assumed is said."""
    write(tmp_path, change=[('family = "invented"', 'family = "mine"')])
    target = target_of("two_stages", presets=PresetLibrary([tmp_path]))
    assert (target.form, target.tokenizer, target.limit, target.reads("fi")) == ("paragraph", None, None, True)
    assert [line.partition(": ")[2] for line in target.assumed] == [
        "a paragraph is assumed",
        "the length in tokens is not known",
    ]
