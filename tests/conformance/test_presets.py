"""Every shipped preset, run as compiled under the real file names: the file, the graph that ran, what was told.

Size and length are lowered through the settings, and the steps where the graph has them. Miniature weights prove
nothing about looks; that the graph is the family's is said by ``tests/catalog/semantics.py``.
"""

from __future__ import annotations

import asyncio
import copy
import secrets
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from PIL import Image

from comfy_headless import VIDEO_PRESETS, AsyncComfyClient, ComfyClient, Progress, Result
from comfy_headless.media.picture import size
from tests.catalog.semantics import IMAGE, NEGATIVE, PROMPT, SEED, expected, faults

from .decoded import Decoded, decode

CASES = [(name, task) for name, preset in VIDEO_PRESETS.items() for task in preset.tasks]
JPEG = b"\xff\xd8\xff"


class Made(NamedTuple):
    """One video made: its result, the graph that the server ran, the image's name there, and what was told."""

    result: Result
    graph: dict[str, Any]
    image: str | None
    told: list[Progress]

    @property
    def decoded(self) -> Decoded:
        """What the file holds."""
        assert self.result.path is not None
        return decode(self.result.path)

    @property
    def last_steps(self) -> dict[str | None, tuple[int | None, int | None]]:
        """Of each node that counts steps, the last one told, and how many it has."""
        return {each.title: (each.step, each.steps) for each in self.told if each.steps}


def lowered(name: str, *, taller: bool = False) -> dict[str, Any]:
    """The smallest settings that still tell width from height, and this size from another run's."""
    preset = VIDEO_PRESETS[name]
    size, frames = preset.rules.size, preset.rules.frames
    first = -(-max(size.minimum, 64) // size.multiple) * size.multiple
    wanted = {
        "width": first,
        "height": first + size.multiple * (2 if taller else 1),
        "frames": frames.nearest(9),
        "fps": preset.value("fps") + 1,  # the asked one, not the saved one
        "steps": 3,
    }
    return {key: value for key, value in wanted.items() if key in preset.settings and not preset.settings[key].fixed}


def a_picture(folder: Path) -> Path:
    """An image that no server has yet, of another size than any video here."""
    path = folder / IMAGE
    picture = Image.linear_gradient("L").resize((80, 56)).convert("RGB")
    picture.putpixel((0, 0), tuple(secrets.token_bytes(3)))
    picture.save(path)
    return path


def images_of(task: str, folder: Path) -> dict[str, Path]:
    """The images that a task takes."""
    names = {"text": (), "image": ("image",), "first_last": ("image", "last_image")}[task]
    return {name: a_picture(folder) for name in names}


def asked_for(task: str, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the one call."""
    return {
        "negative_prompt": NEGATIVE,
        "seed": SEED,
        "out": folder / "video.mp4",
        "allow_untested": True,
        **images_of(task, folder),
        **settings,
    }


def make(url: str, name: str, task: str, folder: Path) -> Made:
    """Make a video with the blocking client, while the input folder holds another image of that name."""
    told: list[Progress] = []
    forget(url)
    with ComfyClient(url) as client:
        Image.new("RGB", (8, 8), "red").save(folder / IMAGE)
        client.upload(folder / IMAGE)
        asked = asked_for(task, folder, lowered(name))
        result = client.generate_video(PROMPT, preset=name, on_progress=told.append, **asked)
        image = client.upload(asked["image"]) if "image" in asked else None
        return Made(result, ran(client.history(result.prompt_id)), image, told)


async def make_async(url: str, name: str, task: str, folder: Path) -> Made:
    """Make a taller video with the client on asyncio."""
    told: list[Progress] = []
    forget(url)
    async with AsyncComfyClient(url) as client:
        asked = asked_for(task, folder, lowered(name, taller=True))
        result = await client.generate_video(PROMPT, preset=name, on_progress=told.append, **asked)
        image = await client.upload(asked["image"]) if "image" in asked else None
        return Made(result, ran(await client.history(result.prompt_id)), image, told)


def forget(url: str) -> None:
    """Empty the server's cache of results, so that a graph runs again."""
    httpx.post(f"{url}/free", json={"free_memory": True}).raise_for_status()


def ran(entry: dict[str, Any] | None) -> dict[str, Any]:
    """The graph in a history entry."""
    assert entry is not None
    graph: dict[str, Any] = entry["prompt"][2]
    return graph


def with_image_called(graph: dict[str, Any], stored: str | None) -> dict[str, Any]:
    """The graph with the name that semantics expects, once each LoadImage is found to hold the server's."""
    graph = copy.deepcopy(graph)
    for node in graph.values():
        if node["class_type"] == "LoadImage":
            assert node["inputs"]["image"] == stored
            node["inputs"]["image"] = IMAGE
    return graph


def hold(made: Made, name: str, task: str, settings: Mapping[str, Any]) -> None:
    """Hold a made video to what was asked for, its result, its graph and its progress."""
    preset = VIDEO_PRESETS[name]
    result = made.result
    assert result.status == "completed"
    assert (result.preset, result.seed) == (name, SEED)
    assert {key: result.settings[key] for key in settings} == settings
    held = result.settings
    sound = made.decoded.sound
    assert made.decoded == Decoded(held["width"], held["height"], held["frames"], Fraction(held["fps"]), sound)
    assert faults(with_image_called(made.graph, made.image), expected(preset, task, **settings)) == []
    percents = [each.progress for each in made.told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    steps = held.get("steps", preset.value("steps"))
    assert (steps, steps) in made.last_steps.values()


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_preset_makes_what_was_asked_for(server: str, name: str, task: str, tmp_path: Path) -> None:
    """The decoded file has the asked width, height, frames and rate; the graph that ran is the family's."""
    made = make(server, name, task, tmp_path)
    hold(made, name, task, lowered(name))
    assert made.result.files == [tmp_path / "video.mp4"]
    if task != "text":
        assert made.image != IMAGE, "the server had another image of that name"


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_preset_on_asyncio(server: str, name: str, task: str, tmp_path: Path) -> None:
    """The client on asyncio makes the same of another size."""
    made = asyncio.run(make_async(server, name, task, tmp_path))
    hold(made, name, task, lowered(name, taller=True))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_both_servers_agree(simulated_server: str, real_server: str, name: str, task: str, tmp_path: Path) -> None:
    """File, settings, notes, outputs, graph and progress are the same on the simulator and the real server.

    Random weights may make noise, which the look at the video says; it is the only thing that may be said of one.
    """
    seen = []
    for place, url in (("simulated", simulated_server), ("real", real_server)):
        (tmp_path / place).mkdir()
        made = make(url, name, task, tmp_path / place)
        result = made.result
        outputs = [(each.kind, each.node_id, each.subfolder, Path(each.filename).suffix) for each in result.outputs]
        assert [line for line in result.warnings if place == "simulated" or "frames are noise" not in line] == []
        graph = with_image_called(made.graph, made.image)
        titles = list(dict.fromkeys(each.title for each in made.told))
        seen.append(
            (
                made.decoded,
                dict(result.settings),
                result.notes,
                outputs,
                graph,
                made.last_steps,
                titles,
            )
        )
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", VIDEO_PRESETS)
def test_previews(server: str, name: str, tmp_path: Path) -> None:
    """Who listens is sent a picture with the steps, whatever the server was started with; none is a result.

    Its longer side has 512 pixels, and its shape is that of the video.
    """
    made = make(server, name, next(iter(VIDEO_PRESETS[name].tasks)), tmp_path)
    pictures = [each.preview for each in made.told if each.preview is not None]
    assert pictures
    assert all(picture.startswith(JPEG) for picture in pictures)
    width, height = made.decoded.width, made.decoded.height
    shape = (round(512 * width / max(width, height)), round(512 * height / max(width, height)))
    assert {size(picture) for picture in pictures} == {shape}
    assert [output.kind for output in made.result.outputs] == ["video"]
    assert [path.name for path in tmp_path.iterdir() if path.name != IMAGE] == ["video.mp4"]
