"""select_presets: filters one after the other, and how many each leaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless import ValidationError
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.catalog.selection import EUROPEAN_UNION, Wanted, fits, select_presets

VIDEOS = list(VIDEO_PRESETS.values())
EVERY = [*VIDEOS, *IMAGE_PRESETS.values()]
FAMILIES = sorted({preset.family for preset in EVERY})
PACKS = sorted({pack.name for preset in EVERY for pack in preset.packs})

WANTED = st.builds(
    Wanted,
    family=st.none() | st.sampled_from(FAMILIES),
    task=st.sampled_from([None, "text", "image", "first_last"]),
    tier=st.sampled_from([None, "draft", "standard", "quality"]),
    vram_gb=st.none() | st.floats(0.5, 100),
    licence=st.sampled_from([None, "apache", "Tencent"]),
    packs=st.none() | st.sets(st.sampled_from(PACKS)),
    region=st.sampled_from([None, "DE", "us", "EU", "UK"]),
    commercial=st.booleans(),
)


def names(wanted: Wanted) -> set[str]:
    return {preset.name for preset in select_presets(EVERY, wanted).presets}


@given(WANTED)
def test_filters_only_take_away(wanted: Wanted) -> None:
    """Every filter that is asked for is a step, each leaves no more than the one before, the last what is listed."""
    selection = select_presets(EVERY, wanted)
    asked = {name for name in Wanted.__slots__ if getattr(wanted, name) not in (None, False)}
    counts = [len(EVERY), *(step.left for step in selection.steps)]
    assert {step.filter for step in selection.steps} == asked
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == len(selection.presets)
    assert not {preset.name for preset in selection.presets} & {preset.name for preset in selection.limited}


@given(WANTED)
def test_every_filter_holds(wanted: Wanted) -> None:
    """What is left fits each filter by itself."""
    left = names(wanted)
    for name in Wanted.__slots__:
        assert left <= names(Wanted(**{name: getattr(wanted, name)}))


def test_the_order() -> None:
    """Families stand together, in each the lightest first."""
    found = [(preset.family, preset.needs.rank.value) for preset in select_presets(VIDEOS, Wanted()).presets]
    assert len(found) == len(VIDEOS)
    assert found == sorted(found)


@pytest.mark.parametrize(("vram_gb", "there"), [(7.3, True), (7.1, False), (8, True), (100, True)])
def test_a_card_has_a_little_less_than_its_name_says(vram_gb: float, there: bool) -> None:
    """VRAM is taken as where a preset is chosen for a server: a tenth less is enough."""
    assert ("wan_5b" in names(Wanted(vram_gb=vram_gb))) == there == fits(VIDEO_PRESETS["wan_5b"], vram_gb)


def test_the_lightest_is_named() -> None:
    """Where the VRAM was too little, the one that needs least of those that were left is told."""
    selection = select_presets(VIDEOS, Wanted(family="wan", vram_gb=1))
    assert selection.lightest is VIDEO_PRESETS["wan_1.3b"]
    assert select_presets(VIDEOS, Wanted(family="wan")).lightest is None


@pytest.mark.parametrize("region", ["DE", "fr", "EU", "GB", "UK", "KR"])
def test_a_region_that_a_licence_excludes(region: str) -> None:
    """Tencent's licence excludes the EU with all its members, the United Kingdom and South Korea, and no other."""
    gone = {preset.family for preset in VIDEOS} - {
        preset.family for preset in select_presets(VIDEOS, Wanted(region=region)).presets
    }
    assert gone == {"hunyuan", "hunyuan15"}
    assert names(Wanted(region="CH")) == names(Wanted(region="NO")) == names(Wanted())
    assert len(EUROPEAN_UNION) == 27


def test_business_within_limits_is_told_apart() -> None:
    """Those with limits are no part of the list, and pass all other filters too."""
    selection = select_presets(VIDEOS, Wanted(commercial=True, task="text", region="EU"))
    assert {preset.licence.commercial for preset in selection.presets} == {"yes"}
    assert {preset.licence.commercial for preset in selection.limited} == {"limited"}
    assert "ltx_standard" in {preset.name for preset in selection.limited}
    assert not {"hunyuan15", "svd"} & {preset.family for preset in selection.limited}


def test_packs_that_a_server_has() -> None:
    """A preset stays if all its packs are there; none are needed by the native families."""
    assert {preset.family for preset in VIDEOS} - {
        preset.family for preset in select_presets(VIDEOS, Wanted(packs=())).presets
    } == {"animatediff", "cogvideox"}
    assert "cogvideo" in names(Wanted(packs={"ComfyUI-CogVideoXWrapper"}))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(family="wn"), "no family 'wn'; did you mean 'wan'?"),
        (Wanted(packs={"CogVideoXWrapper"}), "no pack 'CogVideoXWrapper'; did you mean 'ComfyUI-CogVideoXWrapper'?"),
        (Wanted(region="Germany"), "region 'Germany': expected an ISO 3166 code such as DE, or EU"),
        (Wanted(region="É!"), "expected an ISO 3166 code"),
        (Wanted(vram_gb=0), "vram=0: expected GiB, more than 0"),
        (Wanted(vram_gb=float("nan")), "vram=nan: expected GiB"),
    ],
)
def test_what_there_is_not(wanted: Wanted, said: str) -> None:
    """A family, a pack or a region that there is not is an error, not an empty list."""
    with pytest.raises(ValidationError) as caught:
        select_presets(VIDEOS, wanted)
    assert said in str(caught.value)
