"""generate_image: the file, its name, several at once, what is refused, and what is said of what was made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless import (
    IMAGE_PRESETS,
    ComfyClient,
    ComfyWSClient,
    GenerationRejectedError,
    Result,
    ResultSuspectError,
    ValidationError,
    generate_image,
    generate_video,
)
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Spoiled, SpoilOutput
from tests.faults.clients import Person

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
SMALL = {"preset": "fast", "width": 96, "height": 128, "seed": 7}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A simulated server for all tests here."""
    with Simulator() as simulator:
        yield simulator


def sizes(result: Result) -> list[tuple[int, int]]:
    """The size of each file, decoded."""
    found = []
    for path in result.files:
        with Image.open(path) as picture:
            picture.load()
            found.append(picture.size)
    return found


def make(kind: str, sim: Simulator, **given: Any) -> Result:
    """Make a small image."""
    result = Person(kind, sim.url).call("generate_image", "a cat", **{**SMALL, **given})
    assert isinstance(result, Result)
    return result


@KINDS
def test_an_image(kind: str, sim: Simulator, tmp_path: Path) -> None:
    """The file has the asked size and name; the result is the same kind of thing as that of a video."""
    result = make(kind, sim, out=tmp_path / "cat.png")
    assert (result.status, result.preset, result.seed, result.path) == ("completed", "fast", 7, tmp_path / "cat.png")
    assert sizes(result) == [(96, 128)]
    assert [output.kind for output in result.images] == ["image"]
    assert result["images"] == result.images == list(result.outputs)
    assert (result.video, result.warnings, result.looked) == (None, (), True)
    assert {"frames", "fps", "seconds"}.isdisjoint(result.settings)


@KINDS
@pytest.mark.parametrize("overwrite", [False, True])
def test_several_images(kind: str, overwrite: bool, sim: Simulator, tmp_path: Path) -> None:
    """They are numbered in the order they were made; what is there is replaced one by one, or kept."""
    first = make(kind, sim, images=3, out=tmp_path / "cat.png")
    assert [path.name for path in first.files] == ["cat.png", "cat-2.png", "cat-3.png"]
    assert len({path.read_bytes() for path in first.files}) == 3
    second = make(kind, sim, images=2, seed=8, out=tmp_path / "cat.png", overwrite=overwrite)
    assert len(second.images) == 2
    assert len(list(tmp_path.iterdir())) == (3 if overwrite else 5)
    folder = make(kind, sim, images=2, out=f"{tmp_path}/more/")
    assert [path.relative_to(tmp_path).as_posix() for path in folder.files] == ["more/fast_7.png", "more/fast_7-2.png"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in ("draft", "cinematic") else pytest.mark.slow) for name in IMAGE_PRESETS],
)
def test_each_preset_makes_its_size(name: str, sim: Simulator, tmp_path: Path) -> None:
    """As it is, a preset makes the size that it says, and nothing is off."""
    result = generate_image("a cat", preset=name, out=tmp_path, server=sim.url, strict=True)
    preset = IMAGE_PRESETS[name]
    assert sizes(result) == [(preset.value("width"), preset.value("height"))]
    assert result.notes == ()


def test_shape_and_variants(sim: Simulator, tmp_path: Path) -> None:
    """aspect and the variants that have a place change the image; the ones for videos are refused."""
    common = {"preset": "sdxl_fast", "server": sim.url, "out": tmp_path}
    result = generate_image("a cat", aspect="21:9", upscale=2, tiled_decode=True, easy_cache=True, **common)
    assert sizes(result) == [(3072, 1280)]
    assert result.warnings == ()
    for wish in ({"interpolate": 2}, {"codec": "h264"}, {"quality": "high"}):
        with pytest.raises(ValidationError, match=f"sdxl_fast: {next(iter(wish))}=.*no place for it"):
            generate_image("a cat", **wish, **common)
    with pytest.raises(ValidationError, match=r"presets that can: cinematic, .*square$"):
        generate_image("a cat", precision="fp8", **common)


@KINDS
def test_left_to_itself(kind: str, sim: Simulator, tmp_path: Path) -> None:
    """wait=False gives the job as soon as the server has it, and its result is the image."""
    if kind == "sync":
        with ComfyClient(sim.url) as client:
            job = client.generate_image("a cat", wait=False, out=tmp_path, **SMALL)
            result = job.result()
    else:

        async def leave() -> Result:
            async with ComfyWSClient(sim.url) as client:
                job = await client.generate_image("a cat", wait=False, out=tmp_path, **SMALL)
                return await job.result()

        result = asyncio.run(leave())
    assert result.path == tmp_path / "fast_7.png"


@KINDS
@pytest.mark.parametrize(
    ("spoiled", "word"), [("black", "is black"), ("noise", "is noise"), ("size", "asked was 96x128")]
)
def test_every_image_is_looked_at(kind: str, spoiled: Spoiled, word: str, tmp_path: Path) -> None:
    """What is off with one of them is a warning that names it; strict makes it an error, and keeps the file."""
    with Simulator(faults=[SpoilOutput(spoiled, times=None)]) as sim:
        result = make(kind, sim, images=2, out=tmp_path)
        assert result.looked
        assert [line.split(": ")[0] for line in result.warnings] == ["fast_7.png", "fast_7-2.png"]
        assert all(word in line for line in result.warnings)
        with pytest.raises(ResultSuspectError, match="is made and kept, but looks wrong"):
            make(kind, sim, out=tmp_path / "strict.png", strict=True)
    assert (tmp_path / "strict.png").exists()


@KINDS
def test_the_best_that_the_server_has(kind: str, tmp_path: Path) -> None:
    """Without a preset it is that of the highest rank; a server that has one of the two models gets that one."""
    checkpoint = {"checkpoints": ["sd_xl_base_1.0.safetensors"]}
    for given, name in (({}, "quality"), ({"vram_gb": 8}, "fast"), ({"files": checkpoint}, "sdxl_quality")):
        with Simulator(**given) as sim:
            result = Person(kind, sim.url).call("generate_image", "a cat", out=tmp_path)
        assert result.preset == name
        assert result.notes[0].startswith(f"preset {name!r}: the best for an image from text")


def test_a_server_that_has_neither_model(tmp_path: Path) -> None:
    """The error lists what is missing for the best one, with its place and source."""
    with Simulator(files={}) as sim, pytest.raises(GenerationRejectedError) as caught:
        generate_image("a cat", out=tmp_path, server=sim.url)
    lines = str(caught.value).splitlines()
    assert lines[0] == "the server can run no preset yet; what is missing for 'quality':"
    assert "models download --preset quality " in lines[-1]
    assert len(lines) == 2 + len(IMAGE_PRESETS["quality"].model_files())


def test_each_kind_has_its_own_presets(sim: Simulator, tmp_path: Path) -> None:
    """A preset of the other kind, and what only videos have, is refused with the way to go; nothing is sent."""
    common, before = {"server": sim.url, "out": tmp_path}, len(sim.requests)
    with pytest.raises(ValidationError, match=r"^the preset 'wan_5b' makes a video: generate_video takes it"):
        generate_image("a cat", preset="wan_5b", **common)
    with pytest.raises(ValidationError, match=r"^the preset 'hd' makes an image: generate_image takes it"):
        generate_video("a cat", preset="hd", **common)
    with pytest.raises(ValidationError, match=r"no preset 'potrait'; did you mean 'portrait'\? There are: .*sdxl_hd"):
        generate_image("a cat", preset="potrait", **common)
    with pytest.raises(ValidationError, match=r"^hd has no setting 'batch'; did you mean 'images'\?"):
        generate_image("a cat", preset="hd", batch=4, **common)
    with pytest.raises(ValidationError, match=r"^hd has no setting 'seconds'"):
        generate_image("a cat", preset="hd", seconds=4, **common)
    with pytest.raises(ValidationError, match=r"^hd takes no image, but one image is given; presets that fit: none$"):
        generate_image("a cat", preset="hd", image=picture(tmp_path), **common)
    with pytest.raises(ValidationError, match=r"^no preset makes an image from an image$"):
        generate_image("a cat", image=picture(tmp_path), **common)
    with pytest.raises(ValidationError, match=r"out='.*cat.mp4': the server will make .png, not .mp4"):
        generate_image("a cat", preset="hd", server=sim.url, out=tmp_path / "cat.mp4")
    assert [each.path for each in sim.requests[before:]] == ["/system_stats", "/object_info"], (
        "of the one without a preset"
    )


def picture(folder: Path) -> Path:
    """An image file."""
    path = folder / "in.png"
    Image.new("RGB", (16, 16)).save(path)
    return path
