"""`image`: a prompt in, an image out, with the options that images have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from comfy_headless.catalog.presets import IMAGE_PRESETS
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import SpoilOutput
from tests.cli.program import Program

SMALL = ("--preset", "fast", "--width", "96", "--height", "128", "--steps", "3")


def test_a_prompt_in_an_image_out(program: Program, folder: Path) -> None:
    """The README's line makes an image without any server, and prints its path."""
    code, out, err = program("image", "a cat in the rain", "--preset", "hd", "--simulate", "--out", "cat.png")
    assert (code, out) == (0, "cat.png\n")
    assert "preset hd, seed " in err
    assert "2048x1152\n" in err
    with Image.open(folder / "cat.png") as picture:
        assert picture.size == (2048, 1152)


def test_several(program: Program, folder: Path, server: str) -> None:
    """--images makes as many, and prints each path; --set says the same in other words, and both are one too many."""
    words = ("image", "x", *SMALL, "--seed", "7", "--server", server)
    assert program(*words, "--images", "2").out.split() == ["fast_7.png", "fast_7-2.png"]
    assert len(program(*words, "--set", "images=3", "--json").json["files"]) == 3
    assert "images is given twice" in program(*words, "--set", "images=3", "--images", "3").err


def test_the_answer_in_json(program: Program, server: str) -> None:
    """--json prints the result as one object, of the same schema as that of a video."""
    code, out, err = program("image", "x", *SMALL, "--seed", "7", "--server", server, "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["status"], told["seed"], told["preset"], told["looked"]) == ("completed", 7, "fast", True)
    assert [one["kind"] for one in told["outputs"]] == ["image"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "image needs a PROMPT"),
        (("x", "--preset", "wan_5b"), "the preset 'wan_5b' makes a video: generate_video takes it"),
        (("x", "--preset", "potrait"), "did you mean 'portrait'?"),
        (("x", "--frames", "9"), "No such option: --frames"),
        (("x", "--codec", "h264"), "No such option: --codec"),
        (("x", *SMALL, "--out", "cat.mp4"), "the server will make .png, not .mp4"),
        (("x", *SMALL, "--images", "0"), "fast: images=0"),
    ],
)
def test_wrong_use(program: Program, server: str, words: tuple[str, ...], said: str) -> None:
    """What images do not have, or is misspelt, ends with code 2 and the way to go."""
    ran = program("image", *words, "--server", server)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_dry_run(program: Program, server: str) -> None:
    """What would be sent is said, also which preset would be taken; nothing is sent."""
    told = program("image", "x", "--aspect", "21:9", "--upscale", "2", "--server", server, "--dry-run", "--json").json
    assert (told["preset"], told["task"]) == ("quality", "text")
    assert {"ImageUpscaleWithModel", "SaveImage"} <= {node["class_type"] for node in told["graph"].values()}


def test_left_to_itself(program: Program, server: str) -> None:
    """--no-wait prints the id, and `jobs fetch` brings all images."""
    told = program("image", "x", *SMALL, "--seed", "7", "--images", "2", "--server", server, "--no-wait").out
    fetched = program("jobs", "fetch", told.strip(), "--server", server)
    assert fetched.out.split() == ["fast_7.png", "fast_7-2.png"]


def test_strict(program: Program) -> None:
    """--strict makes an error of a black image; the file is kept."""
    with Simulator(faults=[SpoilOutput("black")]) as sim:
        ran = program("image", "x", *SMALL, "--out", "dark.png", "--strict", "--server", sim.url)
    assert (ran.code, ran.out) == (1, "")
    assert "error: dark.png is made and kept, but looks wrong:\n" in ran.err


@pytest.mark.parametrize("name", list(IMAGE_PRESETS))
def test_compile(program: Program, name: str) -> None:
    """`compile` takes the presets for images too."""
    told = program("compile", "x", "--preset", name, "--images", "2", "--json").json
    latent = next(node for node in told["graph"].values() if "batch_size" in node["inputs"])
    assert (told["task"], latent["inputs"]["batch_size"]) == ("text", 2)
