"""Estimates of memory and time: against measurements, reports and another program's figures; and what must hold."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from comfy_headless import ValidationError
from comfy_headless.catalog.cards import FIXED_SECONDS, find_card
from comfy_headless.catalog.facts import TOLERANCE
from comfy_headless.catalog.memory import GIB
from comfy_headless.catalog.networks import Peak, Report
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.vram import VramEstimate, duration, estimate, estimate_vram
from tests.catalog.page import RUNS, of_peak, of_report

EVERY = [(name, task) for name, preset in PRESETS.items() for task in preset.tasks]
NETWORKS = PRESETS.networks
EFFICIENT = 70.0
"""TFLOPS that the seconds below were computed with."""

# Preset, GiB of its diffusion model (each expert), PFLOP, seconds of sampling at 70 TFLOPS, and the precision that was
# counted where it is not the preset's own: computed with ComfyUI 0.30.0's formulas by another program. That one counted
# four of the eight steps of super-resolution of hunyuan15_1080p; the template runs all eight, which are here.
FIGURES: list[tuple[str, float, float | None, float | None, str | None]] = [
    ("animatediff_quick", 1.6, None, None, None),
    ("animatediff_standard", 1.6, None, None, None),
    ("animatediff_long", 1.6, None, None, None),
    ("svd_short", 2.84, None, None, None),
    ("svd_xt", 2.84, None, None, None),
    ("ltx_quick", 1.79, 0.18, 3, None),
    ("ltx_standard", 3.58, 0.7, 10, None),
    ("ltx_quality", 12.15, 2.0, 29, None),
    ("ltx2_quick", 18.24, 2.4, 34, None),
    ("ltx2_standard", 19.56, 2.4, 34, None),
    ("ltx2_quality", 18.24, 15.5, 222, None),
    ("hunyuan15_fast", 7.75, 5.5, 79, None),
    ("hunyuan15_480p_i2v", 7.75, 11.1, 158, None),
    ("hunyuan15_720p", 7.75, 248.6, 3552, "fp8"),
    ("hunyuan15_quality", 15.51, 621.6, 8879, None),
    ("hunyuan15_1080p", 15.51, 364.8 + 4 * 29.05, 5212 + 4 * 415, None),
    ("hunyuan_fast", 11.94, 21.9, 313, "fp8"),
    ("hunyuan", 23.88, 603.3, 8618, None),
    ("wan_1.3b", 2.64, 16.8, 240, None),
    ("wan_5b", 9.31, 20.5, 292, None),
    ("wan_fast", 13.31, 6.7, 95, None),
    ("wan_fast_i2v", 13.31, 6.7, 95, None),
    ("wan_14b", 13.31, 66.5, 950, None),
    ("wan_quality", 13.31, 519.2, 7417, None),
    ("wan_quality_i2v", 13.31, 519.2, 7417, None),
    ("wan_flf2v", 13.31, 6.7, 95, None),
    ("mochi_short", 9.34, 36.1, 516, None),
    ("mochi", 18.68, 213.3, 3047, None),
    ("cogvideo_2b", 3.15, 11.9, 171, None),
    ("cogvideo", 10.38, 33.0, 472, None),
    ("cogvideo_1.5", 10.38, 147.7, 2110, None),
]


def parts(told: VramEstimate) -> dict[str, float]:
    """GiB by part."""
    return {part.name: part.gb for part in told.parts}


def of_files(told: VramEstimate) -> list[str]:
    """The files that take memory."""
    return [what for part in told.parts for what in part.what.split(", ")]


def own_library(folder: Path, **files: str) -> PresetLibrary:
    """All presets, and a folder of one's own with these files."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return PresetLibrary([folder])


@pytest.mark.parametrize("peak", NETWORKS.peaks, ids=lambda peak: f"{peak.width}-{peak.tile}-{peak.cast}")
def test_peaks_that_were_measured(peak: Peak) -> None:
    """The peak of a job is within a fifth of what a card with room showed, by the files that were loaded."""
    told = of_peak(peak)
    assert told.peak_gb == pytest.approx(peak.peak_gb, rel=0.2)
    assert {key.partition("/")[2] for key in peak.files} <= {what.split()[0] for what in of_files(told)}


@pytest.mark.parametrize("report", NETWORKS.reports, ids=lambda report: f"{report.network}-{report.width}")
def test_reports_of_small_cards(report: Report) -> None:
    """What ran on a card needs no more than that card."""
    assert of_report(report).needed_gb <= report.card_gb


def test_what_was_reported_or_measured_is_shown() -> None:
    """Each network of which something was reported or measured has a preset that runs it."""
    assert set(RUNS) == {each.network for each in NETWORKS.peaks} | {each.network for each in NETWORKS.reports}


def test_a_report_counts_for_what_was_run(tmp_path: Path) -> None:
    """A report lowers what is needed for as much or less with the same network, and never raises it."""
    plain = estimate_vram("wan_5b")
    report = (
        '[[report]]\nnetwork = "wan22_5b"\nwidth = 1280\nheight = 704\nframes = 121\ncard_gb = {}\nsource = "Ann"\n'
    )
    low = own_library(tmp_path, networks=report.format(3))
    assert (estimate_vram("wan_5b", presets=low).needed_gb, estimate_vram("wan_5b", presets=low).needed_source) == (
        3,
        "Ann",
    )
    assert estimate_vram("wan_5b", presets=low, frames=81).needed_gb == 3
    assert estimate_vram("wan_5b", presets=low, frames=125).needed_gb >= plain.needed_gb
    assert estimate_vram("wan_14b", presets=low).needed_gb == estimate_vram("wan_14b").needed_gb
    high = own_library(tmp_path, networks=report.format(90))
    assert estimate_vram("wan_5b", presets=high).needed_gb == plain.needed_gb


@pytest.mark.parametrize(("name", "model", "pflop", "seconds", "precision"), FIGURES, ids=lambda value: str(value))
def test_figures(name: str, model: float, pflop: float | None, seconds: float | None, precision: str | None) -> None:
    """Weights, operations and time are those that another program computed."""
    told = estimate_vram(name, precision=precision)
    held = [file for file in PRESETS[name].at(told.task).files.values() if file.network is not None]
    assert parts(told)["model"] == pytest.approx(model * max(1, len(held)), abs=0.02)
    assert told.pflop == (None if pflop is None else pytest.approx(pflop, rel=0.03))
    if seconds is not None and told.seconds is not None:
        card = find_card("RTX 4090", None)
        assert card is not None
        assert (told.seconds - FIXED_SECONDS) * card.tflops / EFFICIENT == pytest.approx(seconds, rel=0.02, abs=0.5)


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_every_preset(name: str, task: Task) -> None:
    """Each preset is estimated for each task: more than nothing, needed within what it says itself and the peak."""
    told, preset = estimate_vram(name, task=task), PRESETS[name]
    for gb in (told.needed_gb, told.peak_gb, told.ram_gb, *(part.gb for part in told.parts)):
        assert 0 < gb < 200 and math.isfinite(gb)
    assert told.needed_gb <= told.peak_gb
    assert told.needed_gb <= preset.needs.min_vram_gb.value
    assert told.fits(preset.needs.min_vram_gb.value) and not told.streams(told.peak_gb)
    assert all((told.preset == name, told.task == task, told.needed_source))
    assert told.pflop is None or preset.needs.seconds is None  # one truth: where operations are counted it is they
    assert told.seconds is not None or "the time is not known" in told.notes[-1]
    assert ("encoding" in parts(told)) == (task != "text")


def legal(name: str, task: Task, **given: Any) -> dict[str, Any]:
    """The settings of these that a preset takes, as hypothesis wants it told."""
    try:
        effective(PRESETS[name], task, given, allow_untested=True)
    except ValidationError:
        assume(False)
    return given


@given(
    st.sampled_from([each for each in EVERY if parts(estimate_vram(each[0], task=each[1]))]),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(0, 30),
    st.sampled_from([(64, 0, 0), (0, 64, 0), (0, 0, 8), (64, 64, 24)]),
)
def test_more_never_takes_less(
    which: tuple[str, Task], width: int, height: int, frames: int, more: tuple[int, int, int]
) -> None:
    """More pixels or frames never take less memory or time."""
    name, task = which
    own = {key: PRESETS[name].defaults(task).get(key) for key in ("width", "height", "frames")}
    sizes = (width * 64, height * 64, frames * 8 + (own["frames"] or 0) % 8)
    wanted = [
        {key: value for key, value in zip(own, values, strict=True) if own[key] is not None}
        for values in (sizes, tuple(size + step for size, step in zip(sizes, more, strict=True)))
    ]
    small, large = (estimate_vram(name, task=task, **legal(name, task, **each)) for each in wanted)
    for figure in ("needed_gb", "peak_gb", "ram_gb", "seconds", "pflop"):
        assert (getattr(small, figure) or 0) <= (getattr(large, figure) or 0) + 1e-9
    assert small.needed_gb <= small.peak_gb and large.needed_gb <= large.peak_gb


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_what_makes_it_lighter(name: str, task: Task) -> None:
    """Smaller weights take no more than larger ones, tiles no more than what there is without."""
    sizes = [estimate_vram(name, task=task, precision=each) for each in ("fp16", "Q8_0", "fp8", "Q4_K_M")]
    for larger, smaller in pairwise(sizes):
        assert smaller.peak_gb <= larger.peak_gb and smaller.ram_gb <= larger.ram_gb
        assert smaller.needed_gb <= larger.needed_gb
    plain, tiled = (estimate_vram(name, task=task, tiled_decode=each) for each in (None, True))
    assert tiled.peak_gb <= plain.peak_gb and tiled.needed_gb <= plain.needed_gb
    assert estimate_vram(name, task=task, tiled_decode=False) == plain


def test_tiles() -> None:
    """The template's own tiles count, by its settings where it has any; the variant is for whole pictures."""
    assert parts(estimate_vram("wan_5b", tile_size=256))["decoding"] < parts(estimate_vram("wan_5b"))["decoding"]
    assert estimate_vram("wan_5b", tiled_decode=True) == estimate_vram("wan_5b")
    whole, tiled = estimate_vram("svd_xt"), estimate_vram("svd_xt", tiled_decode=True)
    assert parts(tiled)["decoding"] < parts(whole)["decoding"]
    assert [part.what for part in (whole.parts[-2], tiled.parts[-2])] == [
        "0.87 of ComfyUI's formula, whole pictures",
        "0.87 of ComfyUI's formula, tiles of 512 pixels",
    ]
    assert estimate_vram("wan_5b", tile_size=64).needed_gb <= estimate_vram("wan_5b").needed_gb


def test_weights() -> None:
    """A checkpoint's VAE counts once, both experts count, fp32 is loaded in 16 bit, and text encoders count."""
    files = PRESETS.files
    quick = parts(estimate_vram("ltx_standard"))
    own = sum(file.size_gb or 0.0 for file in PRESETS["ltx_standard"].at("text").files.values()) * 1e9 / GIB
    assert quick["model"] + quick["vae"] + quick["text encoder"] == pytest.approx(own, rel=0.01)
    assert parts(estimate_vram("wan_14b"))["model"] == pytest.approx(2 * 14288491584 / GIB, rel=1e-6)
    svd = parts(estimate_vram("svd_xt"))
    size = (files["checkpoints/svd_xt.safetensors"].size_gb or 0.0) * 1e9 / GIB
    assert svd["model"] + svd["vae"] + svd["other"] == pytest.approx(size / 2, rel=1e-6)
    assert parts(estimate_vram("wan_fast"))["loras"] > 0
    assert any("is not known: it is left out" in note for note in estimate_vram("ltx_quality").notes)


def test_other_files_and_precisions() -> None:
    """Other files count with their own precision; a precision that is asked for counts whatever the file has."""
    gguf = next(each for each in PRESETS.files.values() if each.network == "wan22_5b" and each.precision == "Q4_K_M")
    plain, small = estimate_vram("wan_5b"), estimate_vram("wan_5b", files={"model": gguf})
    assert parts(small)["model"] == pytest.approx(4999787712 * 4.85 / 8 / GIB)
    assert estimate_vram("wan_5b", precision="Q4_K_M").peak_gb == small.peak_gb < plain.peak_gb
    assert (small.seconds, small.needed_gb) == (plain.seconds, plain.needed_gb)
    quick = estimate_vram("ltx_quick", precision="bf16")
    assert parts(quick)["model"] == pytest.approx(2 * parts(estimate_vram("ltx_quick"))["model"])
    assert parts(estimate_vram("cogvideo", precision="fp8"))["model"] == pytest.approx(10.38 / 2, abs=0.01)


def test_what_is_not_modelled_is_said() -> None:
    """Variants that nothing is known about stand in the notes."""
    told = estimate_vram("wan_5b", upscale=2, loras={"a": 1.0}, easy_cache=True)
    assert told.notes == ("not modelled: upscale, loras, easy_cache",)
    assert estimate_vram("wan_5b").notes == ()


def test_time() -> None:
    """Time follows the card, and what finished runs showed; steps, passes and images count."""
    here, there = estimate_vram("wan_5b"), estimate_vram("wan_5b", card="NVIDIA GeForce RTX 3060", vram_gb=12)
    assert (here.card, there.card, here.rough) == ("RTX 4090", "RTX 3060", True)
    assert here.seconds is not None and there.seconds is not None and here.seconds < there.seconds
    assert estimate_vram("wan_5b", vram_gb=24).card == "a card of 24 GiB"
    learned = estimate_vram("wan_5b", pace={"wan22_5b": 2.0, "mochi_10b": 1.0}, card="unheard of")
    assert learned.pflop is not None and not learned.rough
    assert learned.seconds == pytest.approx(FIXED_SECONDS + 2.0 * learned.pflop)
    unknown = estimate_vram("wan_5b", card="unheard of")
    assert (unknown.seconds, unknown.card) == (None, "a card that is not known")
    assert unknown.notes == ("the time is not known: nothing tells how fast the card is",)
    half = estimate_vram("wan_5b", steps=10, cfg=1.0)
    assert half.pflop is not None and half.pflop == pytest.approx(learned.pflop / 4)
    image = [estimate_vram("sdxl_fast", **more).seconds or 0.0 for more in ({}, {"images": 3}, {"cfg": 1.0})]
    assert image[1:] == pytest.approx([image[0] * 3, image[0] / 2])


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("wan5b", {}, "no preset 'wan5b'; did you mean 'wan_5b'?"),
    (5, {}, "preset=5: expected a preset's name, or a Preset"),  # type: ignore[list-item]
    ("wan_5b", {"task": "first_last"}, "preset 'wan_5b' has no task 'first_last'; it has: text, image"),
    ("wan_5b", {"task": ["text"]}, "preset 'wan_5b' has no task ['text']; it has: text, image"),
    ("wan_5b", {"files": {"modle": None}}, "files: wan_5b has no role 'modle'; did you mean 'model'? It has: "),
    ("wan_5b", {"files": {5: None}}, "files: wan_5b has no role 5. It has: "),
    ("wan_5b", {"files": 5}, "files=5: expected a ModelFile for each role"),
    ("wan_5b", {"pace": 5}, "pace=5: expected seconds for each name of work"),
    ("wan_5b", {"presets": 5}, "presets=5: expected a PresetLibrary"),
    ("wan_5b", {"seed": 5}, "seed=5: no estimate depends on it; leave it out"),
    ("wan_5b", {"image": "a.png"}, "image='a.png': no estimate depends on it; task='image' says that there is one"),
    ("wan_5b", {"files": {"model": "x"}}, "files: model='x': expected a ModelFile"),
    ("wan_5b", {"framse": 5}, "wan_5b has no setting 'framse'; did you mean 'frames'?"),
    ("wan_5b", {"frames": 82}, "frames=82"),
    ("wan_5b", {"precision": "banana"}, "precision='banana': its size is not known"),
    ("wan_5b", {"tiled_decode": "x"}, "tiled_decode"),
    ("wan_5b", {"card": 4090}, "card=4090: expected the name of a card"),
    *[("wan_5b", {"vram_gb": value}, f"vram_gb={value}: expected GiB") for value in (0, -1, math.nan, math.inf, True)],
]


@pytest.mark.parametrize(("name", "given", "words"), WRONG)
def test_what_makes_no_sense(name: str, given: dict[str, Any], words: str) -> None:
    """What is not possible is an error that names it, and what there is."""
    with pytest.raises(ValidationError) as caught:
        estimate_vram(name, **given)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["task", "card", "vram_gb", "files", "pace", "presets"])
def test_settings_may_be_called_anything(name: str) -> None:
    """A setting that is called as an argument of the estimate is looked for among the preset's like any other."""
    with pytest.raises(ValidationError, match=f"wan_5b has no setting '{name}'"):
        estimate("wan_5b", {name: "text"}, task="text", card="RTX 3060")
    assert estimate("wan_5b", {"frames": 49}) == estimate_vram("wan_5b", frames=49)


def test_a_preset_without_a_network(tmp_path: Path) -> None:
    """Where no network is described a preset's own needs are repeated, and that is said."""
    text = PRESETS["wan_5b"].path.read_text(encoding="utf-8").replace('name = "wan_5b"', 'name = "mine"')
    text = text.replace("wan2.2_ti2v_5B_fp16", "mine")
    file = (
        '[[file]]\nname = "mine.safetensors"\nfolder = "diffusion_models"\nrepository = "me/mine"\n'
        'path = "x"\nprecision = "fp16"\nsource = "me"\n'
    )
    library = own_library(tmp_path, mine=text, files=file)
    told, needs = estimate_vram("mine", presets=library), PRESETS["wan_5b"].needs
    assert (told.needed_gb, told.peak_gb, told.ram_gb) == (
        needs.min_vram_gb.value,
        needs.rec_vram_gb.value,
        needs.min_ram_gb.value,
    )
    assert told.needed_source == library["mine"].sources[needs.min_vram_gb.source]
    assert "no network is described" in told.notes[0]
    unknown = own_library(tmp_path, mine=text, files=file + 'network = "wan22_5c"\n')
    with pytest.raises(ValidationError, match=r"network = 'wan22_5c': no networks.toml describes it; did you mean"):
        estimate_vram("mine", presets=unknown)


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    """A network in a folder of one's own is estimated like the others, by data alone."""
    text = PRESETS["wan_5b"].path.read_text(encoding="utf-8").replace('name = "wan_5b"', 'name = "mine"')
    text = text.replace("wan2.2_ti2v_5B_fp16", "mine")
    wan = NETWORKS.networks["wan22_5b"].model_dump(exclude_none=True)
    twice = {
        **wan,
        "name": "mine",
        "token_parameters": 2 * wan["token_parameters"],
        "parameters": wan["parameters"] // 2,
    }
    network = "[[network]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in twice.items())
    file = (
        '[[file]]\nname = "mine.safetensors"\nfolder = "diffusion_models"\nrepository = "me/mine"\n'
        'path = "x"\nprecision = "fp16"\nnetwork = "mine"\nsource = "me"\n'
    )
    library = own_library(tmp_path, mine=text, files=file, networks=network)
    told, plain = estimate_vram("mine", presets=library), estimate_vram("wan_5b")
    assert parts(told)["model"] == pytest.approx(parts(plain)["model"] / 2)
    assert parts(told)["sampling"] == parts(plain)["sampling"]
    assert told.pflop is not None and plain.pflop is not None and told.pflop > 1.4 * plain.pflop
    assert estimate_vram(library["mine"], presets=library) == told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "3 s"), (99.4, "99 s"), (100, "2 min"), (2375, "40 min"), (5900, "98 min"), (7417, "2.1 h")],
)
def test_durations(seconds: float, said: str) -> None:
    """A time is told in one unit."""
    assert duration(seconds) == said


def test_a_smaller_card() -> None:
    """A card fits down to a tenth less than its name says."""
    told = estimate_vram("wan_14b")
    assert told.fits(told.needed_gb * TOLERANCE) and not told.fits(told.needed_gb * TOLERANCE - 0.01)
    assert told.streams(8) and not told.streams(80)
