"""The steps down when memory runs out: which, in which order, and that each one helps, is legal and can be run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from comfy_headless import VideoSettings, WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.lighter import StepDown, estimate_request, memory_at, place_of, steps_down
from comfy_headless.catalog.preset import IMAGES, Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.catalog.ways_down import merged
from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

PLACES = {"CheckpointLoaderSimple": "loading", "KSampler": "sampling", "VAEDecode": "decoding", "ImageScale": None}
KINDS = ("tiled_decode", "tile_size", "precision", "files", "frames", "width", "preset")
"""Which change comes before which."""
ONE = {preset.family: preset.name for preset in PRESETS.values()}
EVERY = [
    pytest.param(preset, task, id=f"{preset.name}-{task}", marks=[pytest.mark.slow] * (preset.name not in ONE.values()))
    for preset in PRESETS.values()
    for task in preset.tasks
]


def server(*names: str, folder: str = "", packs: bool = True, but: str = "") -> ServerFacts:
    """What a server has: all described files, or only those of some presets."""
    schemas = Schemas.snapshot(Schemas.packs()) if packs else Schemas.snapshot()
    own = [file for name in names for file in PRESETS[name].model_files().values()]
    listed: dict[str, set[str]] = {}
    for file in own or PRESETS.files.values():
        if file.name != but:
            listed.setdefault(file.folder, set()).add(folder + file.name)
    return ServerFacts(frozenset(schemas), {name: frozenset(files) for name, files in listed.items()})


ALL = server()


def images(task: Task) -> dict[str, Any]:
    return {name: f"{name}.png" for name in IMAGES[task]}


def down(name: str, failed_at: str | None, facts: ServerFacts | None = ALL, **asked: Any) -> tuple[StepDown, ...]:
    preset = PRESETS[name]
    task = next(iter(preset.tasks))
    vram_gb = preset.needs.recommended_from.value
    return steps_down(preset, task, {**images(task), **asked}, failed_at=failed_at, facts=facts, vram_gb=vram_gb)


def arguments(steps: tuple[StepDown, ...]) -> list[str]:
    return [step.argument for step in steps]


@pytest.mark.parametrize(
    ("name", "failed_at", "expected"),
    [
        ("ltx_quick", "CheckpointLoaderSimple", ['preset="animatediff_standard"']),
        ("ltx_quick", "SamplerCustom", ["frames=49", "width=544, height=352"]),
        ("ltx_quick", "VAEDecodeTiled", ["tile_size=128", "frames=49"]),
        ("wan_5b", "UNETLoader", ['precision="Q8_0"', 'preset="cogvideo_2b"']),
        (
            "wan_5b",
            "KSampler",
            [
                'precision="Q8_0"',
                "frames=61",
                "width=928, height=512, allow_untested=True",
                'preset="cogvideo_2b"',
            ],
        ),
        (
            "wan_5b",
            "VAEDecodeTiled",
            ["tile_size=256", "width=896, height=480, allow_untested=True", 'preset="wan_1.3b"'],
        ),
        ("hunyuan15_720p", "UNETLoader", ['precision="Q8_0"', 'preset="cogvideo_2b"']),
        ("hunyuan15_720p", "VAEDecodeTiled", ["tile_size=256", 'preset="cogvideo_2b"']),
        (
            "wan_14b",
            "KSamplerAdvanced",
            [
                'precision="Q5_K_M"',
                "frames=41",
                "width=592, height=336, allow_untested=True",
                'preset="wan_5b"',
            ],
        ),
        (
            "wan_14b",
            "VAEDecode",
            ["tiled_decode=True", "width=592, height=336, allow_untested=True", 'preset="wan_5b"'],
        ),
        ("wan_quality", "KSamplerAdvanced", ['precision="Q5_K_M"', "frames=41", "width=832, height=480"]),
        ("sdxl_fast", "VAEDecode", ["tiled_decode=True", "width=768, height=768"]),
    ],
)
def test_the_steps(name: str, failed_at: str, expected: list[str]) -> None:
    """Tiles, precision, frames, size, preset: those that help where it failed, the least loss first."""
    assert arguments(down(name, failed_at))[: len(expected)] == expected


@pytest.mark.parametrize(("preset", "task"), EVERY)
def test_every_step_helps_and_is_legal(preset: Preset, task: Task) -> None:
    """Of every preset, wherever it failed: less memory there, a graph that the server takes, one step of a kind."""
    asked = images(task)
    before = estimate_request(preset, task, asked)
    for failed_at, place in PLACES.items():
        steps = steps_down(preset, task, asked, failed_at=failed_at, facts=ALL, vram_gb=80)
        order = [next(kind for kind in KINDS if kind in step.changes) for step in steps]
        assert order == sorted(set(order), key=KINDS.index), arguments(steps)
        for step in steps:
            assert eval(f"dict({step.argument})") == step.changes
            assert step.option.startswith("--")
            if before.parts and step.estimate.parts:
                there, then = memory_at(place_of(failed_at), before), memory_at(place_of(failed_at), step.estimate)
                assert place_of(failed_at) == place
                assert (then or step.estimate.peak_gb) < (there or before.peak_gb)
            request = merged(asked, step.changes)
            WorkflowCompiler().compile(request.pop("preset", preset.name), "x", **request)


def test_frames_are_halved_but_never_below_a_second() -> None:
    """About half of them, by the rule of the model; one second is the least, and less is no step."""
    assert "frames=25" in arguments(down("ltx_quick", "SamplerCustom", frames=33))
    assert not [step for step in down("ltx_quick", "SamplerCustom", frames=25) if "frames" in step.changes]


def test_a_length_in_seconds_is_taken_back() -> None:
    """Frames take the place of seconds, a size that of a shape; both ways of typing say so."""
    steps = down("wan_quality", "KSamplerAdvanced", seconds=4, aspect="9:16")
    assert "frames=33, seconds=None" in arguments(steps)
    assert "width=480, height=832, aspect=None" in arguments(steps)
    options = [step.option for step in steps]
    assert "--frames 33 without --seconds" in options
    assert "--width 480 --height 832 without --aspect" in options


def test_settings_in_one_object() -> None:
    """What stands in settings= counts as if it were given by name."""
    steps = down("ltx_quick", "SamplerCustom", settings=VideoSettings(width=1024, height=576, frames=49))
    assert "frames=25" in arguments(steps)
    assert "width=736, height=416" in arguments(steps)


def test_tested_sizes_come_first() -> None:
    """The largest tested size of that shape that is clearly smaller; without any, half the area, untested."""
    size = next(step for step in down("wan_14b", "KSamplerAdvanced", width=720, height=1280) if "width" in step.changes)
    assert size.argument == "width=480, height=832"
    assert size.option == "--width 480 --height 832"
    untested = next(step for step in down("wan_14b", "KSamplerAdvanced") if "width" in step.changes)
    assert untested.option.endswith("--untested")
    known = next(step for step in down("wan_14b", "KSamplerAdvanced", allow_untested=True) if "width" in step.changes)
    assert "allow_untested" not in known.changes


def test_a_precision_must_lie_there() -> None:
    """Only what the server lists, for both experts; else a cast of a 16 bit file; in a sub-folder too."""

    def precisions(facts: ServerFacts | None, name: str) -> list[str]:
        found = down(name, "KSampler", facts)
        return [step.argument for step in found if {"precision", "files"} & step.changes.keys()]

    assert precisions(server("wan_14b"), "wan_14b") == []
    assert precisions(server("wan_5b"), "wan_5b") == ['precision="fp8_e4m3fn"']
    assert precisions(None, "wan_5b") == ['precision="fp8_e4m3fn"']
    assert precisions(server(packs=False), "wan_14b") == []
    assert precisions(server(folder="mine\\"), "wan_14b") == ['precision="Q5_K_M"']
    expert = PRESETS["wan_14b"].at("text").files["high_model"].weights
    half = [each.name for each in PRESETS.files.values() if (each.weights, each.precision) == (expert, "Q5_K_M")]
    assert len(half) == 1
    assert precisions(server(but=half[0]), "wan_14b") == ['precision="Q4_K_M"']


def test_a_cast_is_no_step_where_a_file_is_known_and_absent() -> None:
    """A precision that the graph would load from a file that is not there is left out."""
    facts = server("wan_quality")
    wide = [file for file in PRESETS["wan_quality"].at("text").files.values() if file.network]
    steps = down("wan_quality", "KSamplerAdvanced", facts)
    there = {name for names in facts.files.values() for name in names}
    for step in steps:
        request = merged({}, step.changes)
        compiled = WorkflowCompiler().compile(request.pop("preset", "wan_quality"), "x", **request)
        assert set(compiled.files.values()) <= there
    assert wide


@pytest.mark.slow
def test_a_lighter_preset() -> None:
    """It runs on that server, needs less, and its licence forbids no more; what it has no place for is taken back."""
    steps = down("wan_14b", "KSamplerAdvanced", server("wan_14b", "wan_5b"), shift=5.0, loras={"x.safetensors": 1.0})
    assert steps[-1].changes == {"preset": "wan_5b", "loras": None}
    assert steps[-1].option == "--preset wan_5b without --lora"
    assert [step for step in down("wan_14b", "KSamplerAdvanced", server("wan_14b")) if "preset" in step.changes] == []
    assert [step for step in down("wan_14b", "KSamplerAdvanced", None) if "preset" in step.changes] == []
    for preset in PRESETS.values():
        for step in down(preset.name, None):
            other = PRESETS[step.changes.get("preset", preset.name)]
            assert set(other.licence.excludes) <= set(preset.licence.excludes)
            assert other.makes == preset.makes


def test_a_card_that_is_too_small_for_the_lighter_one() -> None:
    """A preset that the card could not hold either is none."""
    preset = PRESETS["wan_14b"]
    steps = steps_down(preset, "text", {}, failed_at="KSampler", facts=server("wan_14b", "wan_5b"), vram_gb=3)
    assert not [step for step in steps if "preset" in step.changes]


@pytest.mark.parametrize(
    ("name", "ram_gb", "expected"),
    [("ltx_13b", 8.0, None), ("wan_14b", 28.7, None), ("wan_14b", 28.9, "wan_5b"), ("wan_14b", None, "wan_5b")],
)
def test_ram_that_is_too_small_for_the_lighter_one(name: str, ram_gb: float | None, expected: str | None) -> None:
    """A preset that needs more RAM than the server has is none, with the same tolerance as for VRAM."""
    facts = server(name, "wan_5b")._replace(ram_gb=ram_gb)
    asked = {} if expected else images("image")
    steps = steps_down(
        PRESETS[name], "image" if asked else "text", asked, failed_at="UNETLoader", facts=facts, vram_gb=24
    )
    assert [step.changes["preset"] for step in steps if "preset" in step.changes] == [expected] * bool(expected)


def test_tiles_that_are_asked_for_already() -> None:
    """Who decodes in tiles is not told to."""
    assert down("wan_14b", "VAEDecode")[0].changes == {"tiled_decode": True}
    assert not [step for step in down("wan_14b", "VAEDecodeTiled", tiled_decode=True) if "tiled_decode" in step.changes]
    smallest = down("wan_5b", "VAEDecodeTiled", tile_size=128)
    assert not [step for step in smallest if "tile_size" in step.changes]
    assert down("wan_5b", "VAEDecodeTiled", tile_size=300)[0].option == "--set tile_size=256"


@pytest.mark.parametrize(
    ("node_class", "place"),
    [
        *PLACES.items(),
        ("KSamplerAdvanced", "sampling"),
        ("SamplerCustomAdvanced", "sampling"),
        ("CogVideoSampler", "sampling"),
        ("VAEDecodeTiled", "decoding"),
        ("CogVideoDecode", "decoding"),
        ("VAEDecodeAudio", None),
        ("WanImageToVideo", "encoding"),
        ("VAEEncode", "encoding"),
        ("UnetLoaderGGUF", "loading"),
        ("CLIPTextEncode", None),
        (None, None),
    ],
)
def test_what_a_node_does(node_class: str | None, place: str | None) -> None:
    """Its class tells what takes memory there."""
    assert place_of(node_class) == place


def test_a_request_that_is_none() -> None:
    """What cannot be compiled is the caller's mistake here too."""
    with pytest.raises(ValidationError, match="frames=50"):
        down("wan_5b", "KSampler", frames=50)


def test_the_estimate_is_that_of_the_files_that_were_loaded() -> None:
    """Another precision in a role counts in the estimate, and only a smaller one is a step."""
    preset = PRESETS["wan_5b"]
    loaded: Mapping[str, str] = {"model": "Wan2.2-TI2V-5B-Q8_0.gguf"}
    wide, small = (estimate_request(preset, "text", {}, files=files) for files in ({}, loaded))
    assert small.peak_gb < wide.peak_gb
    steps = steps_down(preset, "text", {}, failed_at="KSampler", files=loaded, facts=ALL, vram_gb=24)
    assert steps[0].argument == 'precision="Q5_K_M"'
