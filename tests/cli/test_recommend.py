"""``recommend``: the answer first, readable, for servers of every size with and without files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.api.recommend import get_recommended_preset
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.cli.recommend_page import page
from comfy_headless.simulator import Simulator
from tests.cli.program import Program, finish, process
from tests.cli.schemas import PROMISED, checked
from tests.cli.test_terminal import on_a_terminal

TEXT = [name for name, preset in VIDEO_PRESETS.items() if "text" in preset.tasks]
BIG = {"ram_gb": 128}


def files_of(*names: str) -> dict[str, list[str]]:
    """The files of presets, by folder."""
    found: dict[str, list[str]] = {}
    for name in names:
        for file in VIDEO_PRESETS[name].model_files().values():
            found.setdefault(file.folder, []).append(file.name)
    return found


def told(text: str) -> dict[str, str]:
    """What a page says under each word, in one line; what stands twice is put together."""
    found: dict[str, str] = {}
    label = ""
    for line in text.split("\n\n")[1].splitlines():
        word, _, rest = line.partition(" ")
        label = word or label
        found[label] = f"{found.get(label, '')} {rest.strip()}".strip()
    return found


def test_a_size_that_is_given(program: Program) -> None:
    """The answer is the first word; then what it is for, why, what it needs, and where to read which files it takes."""
    code, out, err = program("recommend", "--vram-gb", "8")
    assert (code, err) == (0, "")
    assert out.startswith("wan_1.3b: Wan 2.1 1.3B, 832x480, 81 frames at 16 fps\n\n")
    said = told(out)
    assert said["on"] == "8 GiB of VRAM, as given"
    assert said["why"].startswith("the best for a video from text on 8 GiB of VRAM; it takes about ")
    assert said["needs"] == (
        "3.3 GiB of VRAM at the least, better 8 (it fills 12.7 GiB where there is room), and 24 GiB of RAM"
    )
    assert said["files"] == "no server was asked; comfy-headless presets show wan_1.3b lists them"
    assert said["quicker"].startswith("animatediff_standard (512x512, 16 frames at 8 fps, about ")


def test_the_others(program: Program) -> None:
    """Below stand all others that make the same, the best first, each with what it needs and why it is not taken."""
    out = program("recommend", "--vram-gb", "12", "--ram-gb", "32").out
    table = out.split("\n\n")[2].splitlines()
    assert table[0].split() == ["THE", "OTHERS", "VRAM", "RAM", "TIME", "WHY", "NOT"]
    rows = {line.split()[0]: line for line in table[1:]}
    assert {*rows, "ltx_standard"} == set(TEXT)
    assert rows["wan_quality"].endswith("needs 96 GiB of RAM")
    assert rows["cogvideo_1.5"].endswith("needs 48 GiB of RAM")
    assert rows["wan_5b"].endswith("tight: meant for 24 GiB of VRAM")
    assert rows["ltx_quick"].endswith("ranked lower")


@pytest.mark.parametrize(
    ("size", "within", "words", "name", "why"),
    [
        pytest.param(
            {"vram_gb": 8, **BIG}, "", "", "wan_1.3b", "of those that the server can run", marks=pytest.mark.slow
        ),
        ({"vram_gb": 8, **BIG}, "10m", "", "animatediff_standard", "can run and that are done within 10 min"),
        pytest.param({"vram_gb": 16, **BIG}, "", "", "hunyuan15_720p", "it takes about", marks=pytest.mark.slow),
        ({"vram_gb": 16, **BIG}, "600", "", "hunyuan15_fast", "that are done within 10 min"),
        ({"vram_gb": 24, **BIG}, "", "", "wan_14b", "on 24 GiB of VRAM"),
        pytest.param(
            {"vram_gb": 24, **BIG},
            "",
            "--region DE --task image",
            "wan_14b",
            "a video from an image",
            marks=pytest.mark.slow,
        ),
        pytest.param({"vram_gb": 80, **BIG}, "", "", "wan_quality", "on 80 GiB of VRAM", marks=pytest.mark.slow),
        ({"vram_gb": 80, **BIG}, "", "--quality draft --commercial", "wan_fast", "of those that the server can run"),
        pytest.param(
            {"vram_gb": 80, "ram_gb": 16}, "", "", "animatediff_long", "on 80 GiB of VRAM", marks=pytest.mark.slow
        ),
        pytest.param(
            {"vram_gb": 24, "ram_gb": 64, "files": files_of("wan_5b")},
            "",
            "",
            "wan_5b",
            "the server can run",
            marks=pytest.mark.slow,
        ),
        ({"vram_gb": 8, "ram_gb": 64, "files": files_of("wan_5b")}, "", "", "wan_5b", "Tight: it is meant for 24 GiB"),
        ({"vram_gb": 8, "files": files_of("ltx_quick")}, "10m", "", "ltx_quick", "can run"),
        ({"device": "cpu"}, "", "", "animatediff_quick", "the lightest for a video from text"),
        ({"vram_gb": 2}, "", "", "animatediff_quick", "the smallest for a video from text on 2 GiB of VRAM"),
    ],
)
def test_servers(program: Program, size: Mapping[str, Any], within: str, words: str, name: str, why: str) -> None:
    """What a server's card, RAM and files come to; the object for programs says the same and is as promised."""
    with Simulator(**size) as sim:
        given = ["--server", sim.url, *(["--within", within] if within else []), *words.split()]
        code, out, err = program("recommend", *given)
        data = checked(PROMISED["recommend"], program("recommend", *given, "--json").out)
    assert (code, err) == (0, "")
    assert out.startswith(f"{name}: ")
    assert why in told(out)["why"]
    assert data["preset"] == name
    assert data["reason"].endswith(told(out)["why"])
    assert data["missing"] == []
    assert set(data["files"]) == set(VIDEO_PRESETS[name].at(data["task"]).files)
    assert [each["preset"] for each in data["candidates"] if not each["why_not"]] == [name]


@pytest.mark.parametrize(("vram_gb", "name"), [(8, "wan_1.3b"), (16, "hunyuan15_720p"), (24, "wan_14b")])
def test_a_bare_server(program: Program, vram_gb: float, name: str) -> None:
    """A server without model files gets the best for its card, and a line for each file: its role, size, and whence."""
    with Simulator(vram_gb=vram_gb, **BIG, files={}) as sim:
        code, out, _ = program("recommend", "--server", sim.url)
    files = VIDEO_PRESETS[name].at("text").files
    assert code == 0
    assert out.startswith(f"{name}: ")
    said = told(out)["missing"]
    assert said.startswith(f"the server lacks {len(files)} files (")
    assert all(
        f"- {role}: {file.name} ({file.size_gb:g} GB) into ComfyUI/models/{file.folder}/, from Hugging Face" in said
        for role, file in files.items()
    )


def test_one_download_away(program: Program) -> None:
    """Who has one model is told which better one is how large a download away, and what is quicker."""
    with Simulator(vram_gb=24, ram_gb=64, files=files_of("wan_5b")) as sim:
        said = told(program("recommend", "--server", sim.url).out)
    assert "but the server lacks 2 files (14.5 GB): - vae: wan_2.1_vae.safetensors" in said["better"]
    assert "but the server lacks" in said["quicker"]


def test_nothing_is_quick_enough(program: Program) -> None:
    """Where nothing that is there is in time, that is said, with what would be."""
    with Simulator(vram_gb=8, ram_gb=32, files=files_of("wan_1.3b")) as sim:
        out = program("recommend", "--server", sim.url, "--within", "5m").out
    said = told(out)
    assert out.startswith("wan_1.3b: ")
    assert said["why"].startswith(
        "the quickest for a video from text on 8 GiB of VRAM, of those that the server can run"
    )
    assert said["note"] == "nothing is known to be done within 5 min here"
    assert "but the server lacks" in said["quicker"]


def test_files_that_lie_elsewhere(program: Program) -> None:
    """A file in a sub-folder of a Windows server counts, and which is told."""
    files = {folder: [f"video/{name}" for name in names] for folder, names in files_of("wan_1.3b").items()}
    with Simulator(vram_gb=8, ram_gb=32, files=files, windows=True) as sim:
        said = told(program("recommend", "--server", sim.url).out)
    assert "video\\wan2.1_t2v_1.3B_fp16.safetensors" in said["file"]


@pytest.mark.parametrize(
    "vram_gb", [8, pytest.param(16, marks=pytest.mark.slow), pytest.param(24, marks=pytest.mark.slow)]
)
def test_generate_takes_what_is_recommended(program: Program, vram_gb: float) -> None:
    """Without a preset, generate takes what recommend names for ten minutes, and notes the same reason."""
    with Simulator(vram_gb=vram_gb, **BIG) as sim:
        found = program("recommend", "--server", sim.url, "--within", "10m", "--json").json
        plan = program("generate", "x", "--server", sim.url, "--dry-run", "--json").json
    assert plan["preset"] == found["preset"]
    assert plan["notes"][: 1 + len(found["alternatives"])] == [found["reason"], *found["alternatives"]]


def test_images(program: Program) -> None:
    """--images chooses among the presets for images."""
    out = program("recommend", "--vram-gb", "12", "--images").out
    assert out.split(":")[0] in IMAGE_PRESETS
    assert "for an image from text" in told(out)["why"]


@pytest.mark.parametrize(("typed", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("0.5m", 30)])
def test_lengths_of_time(program: Program, typed: str, seconds: float) -> None:
    """--within takes seconds, or a number with a unit."""
    assert program("recommend", "--vram-gb", "8", "--within", typed, "--json").json["within"] == seconds


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--within 1d", 2, "'1d' is no length of time; expected seconds, or such as 90s, 10m, 1.5h"),
        ("--within 0", 2, "within=0.0: expected seconds, more than 0"),
        ("--vram-gb 0", 2, "vram_gb=0.0: expected GiB, more than 0"),
        ("--vram-gb nan", 2, "vram_gb=nan: expected GiB, more than 0"),
        ("--vram-gb 8GB", 2, "'8GB' is no number"),
        ("--vram-gb 8 --region Germany", 2, "expected an ISO 3166 code such as DE, or EU"),
        (
            "--vram-gb 4 --task first_last",
            2,
            "no preset that was asked for fits: the smallest of them, 'ltx_flf2v'",
        ),
        ("--server http://127.0.0.1:9", 3, "http://127.0.0.1:9"),
    ],
)
def test_what_goes_wrong(program: Program, words: str, code: int, message: str) -> None:
    """A wrong value, wishes that nothing fits, and a server that is named and not there end as everywhere."""
    ran = program("recommend", *words.split())
    assert (ran.code, ran.out) == (code, "")
    assert message in " ".join(ran.err.split())


def test_the_real_program(folder: Path, server: str) -> None:
    """As a process of its own, with the server in the environment."""
    code, out, err = finish(process("recommend", "--within", "10m", cwd=folder, COMFY_HEADLESS_URL=server))
    assert (code, err) == (0, "")
    assert f"of {server}" in told(out)["on"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_as_wide_as_the_terminal(width: int) -> None:
    """No line is wider than the terminal, but for a name that cannot be parted."""
    found = get_recommended_preset(8, ram_gb=32, within=600, explain=True)
    lines = page(found, width).splitlines()
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []
    assert "\n".join(lines).split() == page(found, width).split()


def test_on_a_terminal(folder: Path) -> None:
    """On a terminal of 80 columns sentences go on below their first word, and the table keeps its columns."""
    written = on_a_terminal("recommend", "--vram-gb", "8", "--within", "10m", cwd=folder)
    lines = written.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("wan_1.3b ") and line.endswith("takes too long") for line in lines)
