"""`presets list`, `presets show`, `presets schema` and `features`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from comfy_headless import FEATURES, list_missing_features
from comfy_headless.catalog.preset_schema import preset_schema
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.catalog.selection import Wanted, select_presets
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.vram import estimate_vram
from comfy_headless.cli.preset_page import page
from comfy_headless.cli.preset_table import table
from comfy_headless.cli.vram_page import estimate_page
from tests.cli.program import Program

EVERY = {**VIDEO_PRESETS, **IMAGE_PRESETS}
CHOSEN = select_presets(VIDEO_PRESETS.values(), Wanted()).presets


def first_words(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()]


def test_the_list(program: Program) -> None:
    """Where no terminal reads it, each preset is one line: name, what it makes, what it needs, what it may serve."""
    code, out, err = program("presets", "list")
    assert (code, err) == (0, "")
    assert first_words(out) == [preset.name for preset in CHOSEN]
    for preset, line in zip(CHOSEN, out.splitlines(), strict=True):
        needs = preset.needs
        assert f"  {preset.output()}  " in line
        assert f"  {needs.min_vram_gb.value:g} GiB VRAM, better {needs.rec_vram_gb.value:g}  " in line
        assert f"  commercial use {preset.licence.commercial}" in line
        assert line.endswith(f"  {preset.licence.name}")
    told = program("presets", "list", "--json").json
    assert [one["name"] for one in told["presets"]] == first_words(out)
    assert [one["summary"] for one in told["presets"]] == [str(preset) for preset in CHOSEN]
    assert (told["limited"], told["filters"]) == ([], [])


def test_the_list_of_images(program: Program) -> None:
    """Presets for images have a list of their own, and no length."""
    out = program("presets", "list", "--images").out
    assert sorted(first_words(out)) == sorted(IMAGE_PRESETS)
    told = program("presets", "list", "--images", "--json").json["presets"]
    assert {(one["frames"], one["fps"], one["makes"]) for one in told} == {(None, None, "image")}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("--family mochi", {"mochi", "mochi_short"}),
        ("--family wan --task first_last", {"wan_flf2v", "wan_14b_flf2v", "wan21_flf2v"}),
        ("--task image --vram 8 --packs none --commercial", {"wan_5b"}),
        ("--licence tencent --tier draft", {"hunyuan15_fast", "hunyuan15_480p_i2v"}),
        ("--licence tencent --tier draft --region CH", {"hunyuan15_fast", "hunyuan15_480p_i2v"}),
        ("--packs ComfyUI-CogVideoXWrapper --family cogvideox --vram 8", {"cogvideo_2b"}),
    ],
)
def test_filters(program: Program, words: str, names: set[str]) -> None:
    """Filters are combined, and the object says how many each left."""
    assert set(first_words(program("presets", "list", *words.split()).out)) == names
    told = program("presets", "list", *words.split(), "--json").json
    assert {one["name"] for one in told["presets"]} == names
    assert " ".join(step["filter"] for step in told["filters"]) != ""
    assert set(" ".join(step["filter"] for step in told["filters"]).split()) == set(words.split())
    assert told["filters"][-1]["left"] == len(names)


def test_nothing_is_left(program: Program) -> None:
    """An empty list is no error: it says which filter left how many, and what would be enough."""
    code, out, err = program("presets", "list", "--family", "wan", "--task", "image", "--vram", "4", "--region", "DE")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "no preset is left:",
        f"  --family wan leaves 14 of {len(VIDEO_PRESETS)}",
        "  --task image leaves 7 of 14",
        "  --vram 4 leaves none of 7",
        "  the lightest of them, wan_5b, needs 8 GiB",
    ]
    out = program("presets", "list", "--family", "wan", "--licence", "GPL", "--packs", "none").out
    assert out.splitlines()[-1] == "  --licence GPL leaves none of 14"


def test_what_a_business_may_do_within_limits(program: Program) -> None:
    """Such presets are no part of the list; they are told with the limits, beside it where programs read it."""
    code, out, err = program("presets", "list", "--commercial", "--family", "ltxv")
    assert (code, first_words(out)) == (0, ["ltx_flf2v"])
    assert "ltx_quick, ltx_standard, ltx_13b, ltx_quality\n    LTXV Open Weights License 0.X" in err
    assert "below 10 million US dollars of yearly revenue" in err
    told = program("presets", "list", "--commercial", "--family", "ltxv", "--json")
    assert [one["name"] for one in told.json["limited"]] == ["ltx_quick", "ltx_standard", "ltx_13b", "ltx_quality"]
    assert told.err == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--family wn", "no family 'wn'; did you mean 'wan'?"),
        ("--packs CogVideoX", "no pack 'CogVideoX'; did you mean 'ComfyUI-CogVideoXWrapper'?"),
        ("--region Germany", "expected an ISO 3166 code such as DE, or EU"),
        ("--vram much", "'much' is no number"),
        ("--vram -1", "vram=-1: expected GiB, more than 0"),
        ("--task video", "'first_last'"),
    ],
)
def test_filters_that_make_no_sense(program: Program, words: str, said: str) -> None:
    """What there is not is an error that names what there is."""
    code, out, err = program("presets", "list", *words.split())
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 400])
def test_the_table_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal, every preset has one that begins with its name, and nothing is lost."""
    lines = table(CHOSEN, width, vram_gb=8).splitlines()
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []
    text = " ".join(" ".join(lines).split())
    shown = [line.split()[0] for line in lines if line.startswith("  ") and line[2:3].strip()]
    assert [name for name in shown if name in VIDEO_PRESETS] == [preset.name for preset in CHOSEN]
    for preset in CHOSEN:
        assert preset.title in text
        assert preset.licence.name in text
        assert f"{preset.needs.min_vram_gb.value:g}" in text


def test_the_table_marks_what_is_recommended() -> None:
    """A mark stands at the VRAM of what is recommended for the card, and below is what it means."""
    lines = table(CHOSEN, 160, vram_gb=8).splitlines()
    row = {line.split()[0]: line for line in lines if line.strip()}
    assert "6/8*" in row["wan_1.3b"]
    assert "8/24 " in row["wan_5b"]
    assert lines[-1].startswith("* recommended for 8 GiB")
    assert "*" not in table(CHOSEN, 160)


def test_a_family_says_once_what_its_presets_share() -> None:
    """Licence and packs of a family stand above it, and again only at a preset that has others."""
    text = table([preset for preset in CHOSEN if preset.family == "ltxv"], 120)
    assert text.count("LTXV Open Weights License 0.X (commercial use: limited)") == 1
    assert "\n      OpenRAIL-M (commercial use: yes)\n" in text


@pytest.mark.parametrize("name", EVERY)
def test_one_preset(program: Program, name: str) -> None:
    """A preset is shown with its settings, files and where they belong, licence; every value with its source."""
    preset = EVERY[name]
    code, out, err = program("presets", "show", name)
    assert (code, err) == (0, "")
    views = [preset.at(task) for task in preset.tasks]
    files = [file for view in views for file in view.files.values()]
    for text in (
        *(name for view in views for name in (*view.settings, *view.declared)),
        *(item.source for view in views for item in (*view.settings.values(), *view.declared.values())),
        *(f"{file.folder}/{file.name}" for file in files),
        *(f"{file.repository}: {file.path}" for file in files),
        *preset.licence.limits,
        *preset.prompt.guidance,
        *(pack.repository for pack in preset.packs),
        preset.licence.name,
    ):
        assert text in out
    keys = set(re.findall(r"  \[(\w+)\]$", out, re.MULTILINE))
    below = out.partition("\nsources\n")[2]
    assert preset.licence.source in keys
    assert [key for key in keys if f"  {key} " not in below or preset.sources[key] not in below] == []


@pytest.mark.parametrize("name", EVERY)
def test_one_preset_as_data(program: Program, name: str) -> None:
    """The object has the file's values, and what they come to for each task."""
    preset = EVERY[name]
    told = program("presets", "show", name, "--json").json
    assert (told["name"], told["path"]) == (name, str(preset.path))
    assert list(told["by_task"]) == list(preset.tasks)
    for task, view in told["by_task"].items():
        assert view["settings"] == effective(preset, task, {}).values
        assert {file["role"]: file["name"] for file in view["files"]} == {
            role: file.name for role, file in preset.at(task).files.items()
        }
    first = next(iter(preset.tasks))
    only = program("presets", "show", name, "--task", first, "--json").json["by_task"]
    assert only == {first: told["by_task"][first]}


def test_a_task_of_a_preset(program: Program) -> None:
    """What differs between tasks stands once for each, and alone where one task is asked for."""
    both = program("presets", "show", "hunyuan15_quality").out
    assert re.search(r"^  shift +9  \(from text\)  \[optimal\]\n  shift +7  \(from an image\)", both, re.MULTILINE)
    assert "hunyuanvideo1.5_720p_t2v_fp16" in both
    assert "hunyuanvideo1.5_720p_i2v_fp16" in both
    image = program("presets", "show", "hunyuan15_quality", "--task", "image").out
    assert re.search(r"^  shift +7  \[optimal\]$", image, re.MULTILINE)
    assert "hunyuanvideo1.5_720p_t2v_fp16.safetensors" not in image
    code, _, err = program("presets", "show", "hunyuan15_quality", "--task", "first_last")
    assert code == 2
    assert "preset 'hunyuan15_quality' has no task 'first_last'; it has: text, image" in err


def test_other_precisions_of_a_file(program: Program) -> None:
    """A file is shown with the same network in other precisions."""
    files = VIDEO_PRESETS.files
    other = files.equivalents()["diffusion_models", "wan2.2_ti2v_5B_fp16.safetensors"]
    out = program("presets", "show", "wan_5b").out
    assert len(other) > 1
    for precision, name in other.items():
        assert precision == "fp16" or f"also in {precision}: {name}" in out
    told = program("presets", "show", "wan_5b", "--json").json["by_task"]["text"]["files"]
    assert next(file for file in told if file["role"] == "model")["equivalents"] == other


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("name", ["hunyuan15_1080p", "animatediff_lcm", "ltx2_quality"])
def test_a_page_fits_the_terminal(name: str, width: int) -> None:
    """Lines end between words; only a word that is wider than the terminal reaches over its edge."""
    preset = VIDEO_PRESETS[name]
    text = page(preset, tuple(preset.tasks), VIDEO_PRESETS.files, width).rpartition("\n\n")[0]
    wide = [line for line in text.splitlines() if len(line) > width]
    assert [line for line in wide if len(line.split()) > 3] == []


@pytest.mark.parametrize("kind", ["preset", "family", "files"])
def test_the_schema(program: Program, folder: Path, kind: str) -> None:
    """It is printed, or written where it was asked for; without a word it is that of a preset."""
    code, out, err = program("presets", "schema", kind)
    assert (code, err) == (0, "")
    assert json.loads(out) == preset_schema(kind)  # type: ignore[arg-type]
    code, path, err = program("presets", "schema", kind, "--out", "kind.schema.json")
    assert (code, path, err) == (0, "kind.schema.json\n", "")
    assert (folder / "kind.schema.json").read_text() == out
    assert kind != "preset" or program("presets", "schema").out == out


def test_a_schema_that_cannot_be_written(program: Program, folder: Path) -> None:
    """The error names the path and what is wrong with it."""
    code, out, err = program("presets", "schema", "--out", folder)
    assert (code, out) == (2, "")
    assert f"out={str(folder)!r}: Is a directory" in err


def test_memory_and_time(program: Program) -> None:
    """``--vram`` says what a job takes, with the settings, the card and the memory that are asked about."""
    code, out, err = program("presets", "show", "wan_5b", "--vram")
    told = estimate_vram("wan_5b")
    assert (code, err) == (0, "")
    assert out.startswith("wan_5b, from text: as it is (1280x704, 121 frames at 24 fps)\n")
    assert f"needed    {told.needed_gb:.1f} GiB of VRAM" in out and "(RTX 4090): 20.5 PFLOP, and 10 s" in out
    for part in told.parts:
        assert re.search(rf"^  {part.name} +{part.gb:.1f}  {re.escape(part.what)}$", out, re.MULTILINE)
    words = ["--task", "image", "--card", "RTX 3060", "--vram-gb", "12", "--width", "832", "--height", "480"]
    asked = program("presets", "show", "wan_5b", "--vram", *words, "--precision", "fp8", "--set", "tile_size=256").out
    assert "from an image: with width 832, height 480, tile_size 256, precision fp8" in asked
    assert "(RTX 3060)" in asked and "12 GiB    enough" in asked and "encoding" in asked
    data = program("presets", "show", "wan_5b", "--vram", *words, "--json").json
    assert (data["settings"]["width"], data["fits"], data["streams"]) == (832, True, True)
    assert data["peak_gb"] == estimate_vram("wan_5b", task="image", width=832, height=480).peak_gb


@pytest.mark.parametrize(("gb", "said"), [("3", "too little"), ("16", "not for everything at once"), ("80", "room")])
def test_whether_memory_is_enough(program: Program, gb: str, said: str) -> None:
    """With the memory of a card it is said whether it is enough."""
    assert f"{gb} GiB " in (out := program("presets", "show", "wan_5b", "--vram", "--vram-gb", gb).out)
    assert said in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--frames 49", "are for --vram, which is missing"),
        ("--card T4", "are for --vram, which is missing"),
        ("--vram --frames 50", "frames=50"),
        ("--vram --vram-gb 0", "vram_gb=0"),
        ("--vram --task first_last", "has no task 'first_last'"),
        ("--vram --set task=image", "wan_5b has no setting 'task'"),
    ],
)
def test_questions_that_make_no_sense(program: Program, words: str, said: str) -> None:
    """What cannot be estimated is an error that names it."""
    code, out, err = program("presets", "show", "wan_5b", *words.split())
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("width", [40, 80])
def test_an_estimate_fits_the_terminal(width: int) -> None:
    """Lines end between words; only a file's name reaches over the edge."""
    text = estimate_page(estimate_vram("wan_fast", task="image"), "as it is", 12, width)
    wide = [line for line in text.splitlines() if len(line) > width]
    assert [line for line in wide if not line.rstrip(",").endswith(".safetensors")] == []


def test_an_unknown_preset(program: Program) -> None:
    """An unknown name offers the nearest one."""
    code, out, err = program("presets", "show", "wan5b")
    assert (code, out) == (2, "")
    assert "no preset 'wan5b'; did you mean 'wan_5b'?" in err


def test_a_folder_of_ones_own(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets of COMFY_HEADLESS_PRESETS are listed like the built-in ones; a missing folder is an error."""
    own = folder / "own"
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(own))
    assert program("presets", "list").code == 2
    own.mkdir()
    text = VIDEO_PRESETS["wan_5b"].path.read_text(encoding="utf-8")
    (own / "mine.toml").write_text(text.replace('name = "wan_5b"', 'name = "mine"'), encoding="utf-8")
    assert "mine" in [line.split()[0] for line in program("presets", "list").out.splitlines()]


def test_features(program: Program) -> None:
    """Each extra is told with what installs it where it is missing."""
    code, out, err = program("features")
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()] == [
        [extra, "yes" if there else "no"] for extra, there in FEATURES.items()
    ]
    told = program("features", "--json").json
    assert told == {"features": dict(FEATURES), "missing": list_missing_features()}
