"""recommend: the preset for a machine and wishes, over the whole range of both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from comfy_headless import GenerationRejectedError, ValidationError
from comfy_headless.catalog.candidates import Candidate, Intent, Machine, Wishes
from comfy_headless.catalog.facts import TOLERANCE, ServerFacts
from comfy_headless.catalog.preset import TASKS, Preset
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, PresetLibrary
from comfy_headless.catalog.recommend import LEAST_GB, WITHIN, Recommendation, recommend
from comfy_headless.catalog.selection import excludes
from comfy_headless.catalog.vram import duration

TABLE = {
    4: "animatediff_quick",
    6: "ltx_quick",
    8: "wan_1.3b",
    12: "ltx_standard",
    16: "hunyuan15_720p",
    24: "wan_14b",
    32: "ltx2_standard",
    48: "ltx2_quality",
    80: "wan_quality",
}
"""What the maker of the presets recommends, by GiB."""
PAGE = Path(__file__).resolve().parents[2] / "docs/recommend.md"
ROWS = {f"| {least}"[:3] for least in TABLE}
EVERY: dict[str, Preset] = {**VIDEO_PRESETS, **IMAGE_PRESETS}
CLASSES = frozenset(
    node["class_type"]
    for preset in EVERY.values()
    for task in preset.tasks
    for node in preset.template(task).graph.values()
)
PLAIN = Wishes()
FEW = settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
"""An answer looks at thirty presets and takes 20 ms; wishes that none fits are many."""

VRAM = st.floats(0.5, 150)
RAM = st.none() | st.floats(4, 256)
WISHES = st.builds(
    Wishes,
    task=st.sampled_from([None, *TASKS]),
    intent=st.none() | st.sampled_from(get_args(Intent)),
    quality=st.sampled_from([None, "draft", "standard", "quality"]),
    region=st.sampled_from([None, "DE", "us", "KR"]),
    commercial=st.sampled_from([None, False, True]),
    within=st.none() | st.floats(20, 40_000),
    settings=st.sampled_from([{}, {"steps": 7}, {"seconds": 2}, {"codec": "vp9"}]),
)
THERE = st.none() | st.sets(st.sampled_from(sorted(EVERY)), max_size=8)
"""Presets whose files a server has; None is no server."""
LIBRARIES = pytest.mark.parametrize("library", [VIDEO_PRESETS, IMAGE_PRESETS], ids=["videos", "images"])


def facts(names: Iterable[str] | None) -> ServerFacts | None:
    """A server that has all node classes, and the files of these presets."""
    if names is None:
        return None
    files: dict[str, set[str]] = {}
    for name in names:
        for file in EVERY[name].model_files().values():
            files.setdefault(file.folder, set()).add(file.name)
    return ServerFacts(CLASSES, {folder: frozenset(listed) for folder, listed in files.items()})


def machine(vram_gb: float | None, ram_gb: float | None = None, there: Iterable[str] | None = None) -> Machine:
    return Machine(vram_gb, "test", ram_gb=ram_gb, facts=facts(there))


def answer(library: PresetLibrary, on: Machine, wishes: Wishes) -> Recommendation | None:
    """What is recommended; None where nothing fits the wishes."""
    try:
        return recommend(library, on, wishes)
    except ValidationError:
        return None


def taken(found: Recommendation) -> Candidate:
    return next(each for each in found.candidates if each.name == found.name)


def warned(found: Recommendation, words: str) -> bool:
    return any(words in warning for warning in found.warnings)


@pytest.mark.parametrize(("least", "above"), list(pairwise([*TABLE, 200])))
def test_the_table(least: float, above: float) -> None:
    """Without wishes and without a server, a row of the table holds from its number up, less a tenth."""
    for vram_gb in (least * TOLERANCE, least * 0.975, least, above * TOLERANCE - 0.01):
        found = recommend(VIDEO_PRESETS, machine(vram_gb), PLAIN)
        assert (found.name, found.tight, found.warnings) == (TABLE[least], False, ())


def test_the_table_is_documented() -> None:
    """docs/recommend.md shows the same rows, and what each preset makes."""
    rows = [line.split("|")[1:4] for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] in ROWS]
    shown = [(int(least), name.strip(" `"), makes.strip()) for least, name, makes in rows]
    assert shown == [(least, name, VIDEO_PRESETS[name].output()) for least, name in TABLE.items()]


@pytest.mark.parametrize("reported", [(15.6, "hunyuan15_720p"), (14.56, "hunyuan15_720p"), (22.28, "wan_14b")])
def test_what_cards_report(reported: tuple[float, str]) -> None:
    """A card of 16 GB that reports 15.6 GiB, a T4 that reports 14.56, and an L4 of 24 that reports 22.28."""
    assert recommend(VIDEO_PRESETS, machine(reported[0]), PLAIN).name == reported[1]


def test_ranks_follow_the_table() -> None:
    """A preset outside of the table ranks below that of its row, and above that of the row before."""
    rank = {least: VIDEO_PRESETS[name].needs.rank.value for least, name in TABLE.items()}
    assert sorted(rank.values()) == list(rank.values())
    for preset in VIDEO_PRESETS.values():
        own, least = preset.needs.rank.value, preset.needs.recommended_from.value
        if preset.name in TABLE.values():
            assert TABLE[int(least)] == preset.name
            continue
        row = max(size for size in TABLE if size <= least)
        assert max((rank[size] for size in TABLE if size < row), default=0) < own < rank[row], preset.name
    assert len({preset.needs.rank.value for preset in VIDEO_PRESETS.values()}) == len(VIDEO_PRESETS)


@given(st.floats(LEAST_GB * TOLERANCE, 150))
@FEW
def test_a_server_that_has_everything(vram_gb: float) -> None:
    """What is there changes nothing where all is there."""
    found = recommend(VIDEO_PRESETS, machine(vram_gb, there=EVERY), PLAIN, must_run=True)
    assert found.name == recommend(VIDEO_PRESETS, machine(vram_gb), PLAIN).name
    assert found.missing == ()


@pytest.mark.slow
@LIBRARIES
@given(st.tuples(VRAM, VRAM), RAM, WISHES, THERE)
@FEW
def test_more_vram_is_never_worse(
    library: PresetLibrary, sizes: tuple[float, float], ram_gb: float | None, wishes: Wishes, there: set[str] | None
) -> None:
    """Among answers that are not tight, and in time, more VRAM never gives a lower rank: on cards of known speed.

    The time on an unknown one follows from its size, and the largest are not the fastest: 128 GiB that are RAM.
    """
    less, more = (
        answer(library, machine(size, ram_gb, there)._replace(card="RTX 3090"), wishes) for size in sorted(sizes)
    )
    assume(less is not None and more is not None)
    assert less is not None
    assert more is not None
    few, many = taken(less), taken(more)
    assume(not less.tight and not more.tight and few.within and many.within)
    assert few.rank <= many.rank


@LIBRARIES
@given(VRAM, RAM, WISHES, THERE)
@FEW
def test_never_above_what_is_there(
    library: PresetLibrary, vram_gb: float, ram_gb: float | None, wishes: Wishes, there: set[str] | None
) -> None:
    """VRAM and RAM are enough, less a tenth; if for no preset, the smallest is named, and that it is too large."""
    found = answer(library, machine(vram_gb, ram_gb, there), wishes)
    assume(found is not None)
    assert found is not None
    enough = vram_gb >= found.estimate.needed_gb * TOLERANCE
    enough_ram = ram_gb is None or ram_gb >= taken(found).preset.needs.min_ram_gb.value * TOLERANCE
    assert (enough and enough_ram) != warned(found, "too little for every preset")
    assert found.tight == (not taken(found).recommended)
    assert ("Tight" in found.reason) == (found.tight and enough and enough_ram)


@LIBRARIES
@given(VRAM, RAM, WISHES, THERE)
@FEW
def test_wishes_are_kept(
    library: PresetLibrary, vram_gb: float, ram_gb: float | None, wishes: Wishes, there: set[str] | None
) -> None:
    """Task, tier, region and business hold for all that were looked at; the time is within, or it is said."""
    found = answer(library, machine(vram_gb, ram_gb, there), wishes)
    assume(found is not None)
    assert found is not None
    for preset in (each.preset for each in found.candidates):
        assert (wishes.task or "text") in preset.tasks
        assert wishes.quality in (None, preset.tier)
        assert wishes.region is None or not excludes(preset, wishes.region.upper())
        assert not wishes.commercial or preset.licence.commercial == "yes"
    seconds = found.estimate.seconds
    in_time = wishes.within is None or (seconds is not None and seconds <= wishes.within)
    assert in_time != warned(found, "nothing is known to be done within")
    assert [each.name for each in found.candidates if not each.why_not] == [found.name]
    ranks = [each.rank for each in found.candidates]
    assert ranks == sorted(ranks, reverse=True)


@given(VRAM, RAM, WISHES, THERE)
@FEW
def test_what_is_there_comes_first(
    vram_gb: float, ram_gb: float | None, wishes: Wishes, there: set[str] | None
) -> None:
    """Something is missing only where the server has nothing that fits; who must run gets that as an error."""
    on = machine(vram_gb, ram_gb, there)
    found = answer(VIDEO_PRESETS, on, wishes)
    assume(found is not None and there is not None)
    assert found is not None
    fitting = [each for each in found.candidates if each.fits and not each.lacks and not each.refuses]
    assert bool(fitting) == (not found.missing and taken(found).fits)
    if fitting:
        assert recommend(VIDEO_PRESETS, on, wishes, must_run=True).name == found.name
    else:
        with pytest.raises(GenerationRejectedError):
            recommend(VIDEO_PRESETS, on, wishes, must_run=True)


@pytest.mark.parametrize(
    "vram_gb", [pytest.param(size, marks=[pytest.mark.slow] * bool(size % 4)) for size in range(4, 97)]
)
def test_the_first_try_is_within_its_time(vram_gb: float) -> None:
    """From 4 to 96 GiB a first try takes ten minutes at most, or it is said that nothing does; the better is named."""
    found = recommend(VIDEO_PRESETS, machine(vram_gb), Wishes(within=WITHIN))
    seconds = found.estimate.seconds
    assert (seconds is not None and seconds <= WITHIN) != warned(found, "nothing is known to be done within 10 min")
    best = recommend(VIDEO_PRESETS, machine(vram_gb), PLAIN)
    if best.name != found.name and not found.tight:
        assert best.estimate.seconds is not None
        assert found.alternatives == (
            f"better: {best.name} ({taken(best).preset.output()}), but it takes about "
            f"{duration(best.estimate.seconds)} here",
        )
        quick = taken(found)
        assert best.alternatives == (
            f"quicker: {quick.name} ({quick.preset.output()}, about {duration(quick.estimate.seconds or 0)})",
        )


@pytest.mark.parametrize("name", [name for name in VIDEO_PRESETS if "text" in EVERY[name].tasks])
def test_the_files_of_one(name: str) -> None:
    """A server that has the files of one preset gets it, or one that makes do with the same files and ranks higher."""
    for vram_gb in (EVERY[name].needs.recommended_from.value, EVERY[name].needs.min_vram_gb.value):
        found = recommend(VIDEO_PRESETS, machine(vram_gb, there=[name]), PLAIN, must_run=True)
        able = {each.name for each in found.candidates if not each.lacks}
        assert name in able
        assert found.name in able
        assert found.name == name or len(able) > 1


def test_nothing_is_there() -> None:
    """A bare server gets the name of the best, and what to fetch; who must run gets the same as an error."""
    found = recommend(VIDEO_PRESETS, machine(8, there=()), Wishes(within=WITHIN))
    files = EVERY[found.name].at("text").files
    assert len(found.missing) == len(files)
    for (role, file), line in zip(files.items(), found.missing, strict=True):
        assert line == (
            f"{role}: {file.name} ({file.size_gb:g} GB) into ComfyUI/models/{file.folder}/, "
            f"from Hugging Face {file.repository}: {file.path}"
        )
    with pytest.raises(GenerationRejectedError) as caught:
        recommend(VIDEO_PRESETS, machine(8, there=()), Wishes(within=WITHIN), must_run=True)
    head, *lines, fetch = str(caught.value).splitlines()
    assert head == f"the server can run no preset yet; what is missing for {found.name!r}:"
    assert f"comfy-headless models download --preset {found.name} " in fetch
    assert lines == [f"  {line}" for line in found.missing]


@pytest.mark.parametrize("how", ["{}", "video/{}", "video\\{}"])
def test_files_in_folders_count(how: str) -> None:
    """A file counts as there in any sub-folder, with either separator."""
    files = {
        file.folder: frozenset({how.format(one.name) for one in EVERY["wan_1.3b"].model_files().values()})
        for file in EVERY["wan_1.3b"].model_files().values()
    }
    found = recommend(VIDEO_PRESETS, Machine(8, "x", facts=ServerFacts(CLASSES, files)), PLAIN, must_run=True)
    assert found.name == "wan_1.3b"
    assert found.filling is not None
    assert set(found.filling.files.values()) <= {name for names in files.values() for name in names}


def test_another_precision_counts() -> None:
    """A server that has the model in another precision has it, and what it takes is that of the file it has."""
    view = EVERY["wan_14b"].at("text")
    files: dict[str, set[str]] = {}
    smaller = 0
    for role, own in view.files.items():
        same = [
            each
            for each in VIDEO_PRESETS.files.values()
            if each.weights and (each.weights, each.folder) == (own.weights, own.folder) and each.precision == "Q4_K_M"
        ]
        smaller += bool(same) and role.endswith("model")
        files.setdefault(own.folder, set()).add((same or [own])[0].name)
    assert smaller
    has = ServerFacts(
        CLASSES | {"UnetLoaderGGUF", "CLIPLoaderGGUF"}, {folder: frozenset(names) for folder, names in files.items()}
    )
    found = recommend(VIDEO_PRESETS, Machine(24, "x", facts=has), PLAIN, must_run=True)
    assert found.name == "wan_14b"
    assert found.estimate.peak_gb < recommend(VIDEO_PRESETS, machine(24), PLAIN).estimate.peak_gb


@pytest.mark.parametrize("intent", get_args(Intent))
def test_intent_changes_nothing(intent: Intent) -> None:
    """What is to be seen is noted, and no more."""
    found = recommend(VIDEO_PRESETS, machine(16), Wishes(intent=intent))
    assert found.name == "hunyuan15_720p"
    assert found.warnings == (f"intent {intent!r} changes nothing: nobody has measured which preset is better at it",)


@pytest.mark.parametrize("vram_gb", [0.5, 2, 3, 3.59])
def test_below_the_table(vram_gb: float) -> None:
    """Under 4 GiB, less a tenth, it is the smallest, with a warning."""
    found = recommend(VIDEO_PRESETS, machine(vram_gb), PLAIN)
    assert (found.name, found.tight) == ("animatediff_quick", True)
    assert "the smallest for a video from text" in found.reason
    assert warned(found, "too little for every preset" if vram_gb < 2.7 else "below 4 GiB there is only the smallest")


def test_too_little_for_what_was_asked() -> None:
    """Where wishes leave out what would fit, the error names the smallest that they leave, and what it needs."""
    with pytest.raises(ValidationError, match="no preset that was asked for fits: the smallest of them, '") as caught:
        recommend(VIDEO_PRESETS, machine(24, ram_gb=8), Wishes(region="DE", task="first_last"))
    assert str(caught.value).endswith("there are 24 GiB of VRAM and 8 GiB of RAM")
    with pytest.raises(GenerationRejectedError, match="the server has 2 GiB of VRAM, too little for every preset"):
        recommend(VIDEO_PRESETS, machine(2, there=EVERY), PLAIN, must_run=True)
    with pytest.raises(GenerationRejectedError, match="the server has the files of 'wan_14b', which needs"):
        recommend(VIDEO_PRESETS, machine(8, there=["wan_14b"]), PLAIN, must_run=True)


def test_nothing_to_choose_from() -> None:
    """Where no preset has what is wished, the error repeats the wishes and names what has it within limits."""
    with pytest.raises(ValidationError) as caught:
        recommend(IMAGE_PRESETS, machine(8), Wishes(quality="standard", task="image", region="DE"))
    assert str(caught.value) == "no preset makes an image from an image with quality='standard', region='DE'"


@pytest.mark.parametrize("there", [None, ("wan_1.3b", "ltx_quick"), EVERY])
def test_no_gpu(there: Iterable[str] | None) -> None:
    """Where nothing tells the VRAM it is the lightest, of no known time, of what is there if anything is."""
    found = recommend(VIDEO_PRESETS, machine(None, there=there), Wishes(within=WITHIN))
    able = [EVERY[name] for name in there or EVERY if "text" in EVERY[name].tasks and EVERY[name].makes == "video"]
    assert found.name == min(able, key=lambda preset: preset.needs.rank.value).name
    assert found.reason.endswith("since nothing tells how much VRAM there is")
    assert (found.estimate.seconds, found.tight) == (None, False)


def test_what_finished_runs_showed() -> None:
    """A pace that was learned makes the time, and it is no longer called rough."""
    learned = Machine(8, "x", pace={"wan21_1.3b": 0.1})
    found = recommend(VIDEO_PRESETS, learned, Wishes(within=WITHIN))
    assert found.name == "wan_1.3b"
    assert "(as finished runs showed)" in found.reason


WRONG: list[tuple[Mapping[str, Any], str]] = [
    *(({"vram_gb": value}, "vram_gb=") for value in (0, -1, math.nan, math.inf, True, "8", [8])),
    *(({"ram_gb": value}, "ram_gb=") for value in (0, -1, math.nan, True, "8")),
    *(({"within": value}, "within=") for value in (0, -1, math.nan, math.inf, 10**400, True, "10m")),
    ({"task": "sound"}, "task='sound': expected text, image, first_last"),
    ({"quality": "best"}, "quality='best': expected draft, standard, quality"),
    ({"intent": "cat"}, "intent='cat': expected portrait, animal"),
    ({"commercial": "yes"}, "commercial='yes': expected True or False"),
    ({"region": 49}, "region=49: expected an ISO 3166 code"),
    ({"region": "Germany"}, "region 'Germany': expected an ISO 3166 code"),
]


@pytest.mark.parametrize(("given", "words"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_no_wish(given: Mapping[str, Any], words: str) -> None:
    """A wrong value is named with what was expected."""
    wishes = {name: value for name, value in given.items() if name in Wishes._fields}
    sizes = {"vram_gb": 8.0, **{name: value for name, value in given.items() if name not in wishes}}
    with pytest.raises(ValidationError) as caught:
        recommend(VIDEO_PRESETS, Machine(source="x", **sizes), Wishes(**wishes))
    assert words in str(caught.value)
