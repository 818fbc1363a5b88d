"""Make a preset's video or image on a server, small, and hold what was made to what was asked for.

Size and length are lowered through the settings, and the steps where the graph has them. Miniature weights prove
nothing about looks; that the graph is the family's is said by ``tests/catalog/semantics``.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from PIL import Image

from comfy_headless import AsyncComfyClient, ComfyClient, Progress, Result
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from tests.catalog.semantics import (
    FAMILIES,
    IMAGE,
    LAST_IMAGE,
    NEGATIVE,
    PROMPT,
    SEED,
    expected,
    faults,
    takes_negative,
)

from .decoded import Decoded, decode

PRESETS = PresetLibrary()
ORDERED = sorted(PRESETS, key=lambda name: (list(FAMILIES).index(PRESETS[name].family), name))
"""By family: on a real server the first graph of one loads slowly, and the next ones do not."""


class Case(NamedTuple):
    """A preset and one of its tasks."""

    name: str
    task: Task

    def __str__(self) -> str:
        return f"{self.name}-{self.task}"

    @property
    def file_name(self) -> str:
        """How the file is called that is asked for."""
        return {"video": "video.mp4", "image": "image.png"}[PRESETS[self.name].makes]


class Made(NamedTuple):
    """One thing made: its result, the graph that the server ran, the images' names there, and what was told."""

    result: Result
    graph: dict[str, Any]
    images: Mapping[str, str]
    told: list[Progress]

    @property
    def decoded(self) -> Decoded:
        """What the file holds; an image is one frame without a rate."""
        path = self.result.path
        assert path is not None
        if path.suffix != ".png":
            return decode(path)
        with Image.open(path) as picture:
            picture.load()
            return Decoded(*picture.size, 1, Fraction(0), ())

    @property
    def last_steps(self) -> dict[str | None, tuple[int | None, int | None]]:
        """Of each node that counts steps, the last one told, and how many it has."""
        return {each.title: (each.step, each.steps) for each in self.told if each.steps}


def cases(*, packs: bool) -> list[Case]:
    """Every preset and task that needs node packs, or none."""
    return [Case(name, task) for name in ORDERED for task in PRESETS[name].tasks if bool(PRESETS[name].packs) == packs]


def one_of_each_family() -> list[Case]:
    """For each family and task, the first preset."""
    first = {
        (PRESETS[case.name].family, case.task): case for case in reversed([*cases(packs=False), *cases(packs=True)])
    }
    return list(reversed(first.values()))


def lowered(case: Case, *, taller: bool = False) -> dict[str, Any]:
    """The smallest settings that still tell width from height, and this size from another run's."""
    at = PRESETS[case.name].at(case.task)
    wanted: dict[str, Any] = {"steps": 3}
    if "fps" in at.settings:
        wanted["fps"] = at.settings["fps"].value + 1  # the asked one, not the saved one
    if not at.rules.size.only:
        size = at.rules.size
        first = -(-max(size.minimum, 64) // size.multiple) * size.multiple
        step = -(-16 // size.multiple) * size.multiple
        wanted |= {"width": first, "height": first + step * (2 if taller else 1)}
    if at.rules.frames is not None:
        wanted["frames"] = at.rules.frames.nearest(9)
    return {key: value for key, value in wanted.items() if key in at.settings and not at.settings[key].fixed}


def a_picture(folder: Path, name: str) -> Path:
    """An image that no server has yet, of another size than any video here."""
    path = folder / name
    picture = Image.linear_gradient("L").resize((80, 56)).convert("RGB")
    picture.putpixel((0, 0), tuple(secrets.token_bytes(3)))
    picture.save(path)
    return path


def images_of(task: Task, folder: Path) -> dict[str, Path]:
    """The images that a task takes."""
    names = {"text": {}, "image": {"image": IMAGE}, "first_last": {"image": IMAGE, "last_image": LAST_IMAGE}}[task]
    return {name: a_picture(folder, file) for name, file in names.items()}


def asked_for(case: Case, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the one call."""
    words = {"negative_prompt": NEGATIVE} if takes_negative(PRESETS[case.name], case.task) else {}
    return {
        "preset": case.name,
        "seed": SEED,
        "out": folder / case.file_name,
        "allow_untested": True,
        **words,
        **images_of(case.task, folder),
        **settings,
    }


def make(url: str, case: Case, folder: Path) -> Made:
    """Make it with the blocking client, while the input folder holds another image of that name."""
    told: list[Progress] = []
    forget(url)
    with ComfyClient(url) as client:
        asked = asked_for(case, folder, lowered(case))
        for name in ("image", "last_image"):
            if name in asked:
                (folder / "other").mkdir(exist_ok=True)
                other = folder / "other" / asked[name].name
                Image.new("RGB", (8, 8), "red").save(other)
                client.upload(other)
        call = client.generate_image if PRESETS[case.name].makes == "image" else client.generate_video
        result = call(PROMPT, on_progress=told.append, **asked)
        stored = {client.upload(asked[name]): asked[name].name for name in ("image", "last_image") if name in asked}
        return Made(result, ran(client.history(result.prompt_id)), stored, told)


async def make_async(url: str, case: Case, folder: Path) -> Made:
    """Make a taller one with the client on asyncio."""
    told: list[Progress] = []
    forget(url)
    async with AsyncComfyClient(url) as client:
        asked = asked_for(case, folder, lowered(case, taller=True))
        call = client.generate_image if PRESETS[case.name].makes == "image" else client.generate_video
        result = await call(PROMPT, on_progress=told.append, **asked)
        given = [asked[name] for name in ("image", "last_image") if name in asked]
        stored = {await client.upload(path): path.name for path in given}
        return Made(result, ran(await client.history(result.prompt_id)), stored, told)


def forget(url: str) -> None:
    """Empty the server's cache of results, so that a graph runs again."""
    httpx.post(f"{url}/free", json={"free_memory": True}).raise_for_status()


def ran(entry: dict[str, Any] | None) -> dict[str, Any]:
    """The graph in a history entry."""
    assert entry is not None
    graph: dict[str, Any] = entry["prompt"][2]
    return graph


def own_names(made: Made) -> dict[str, Any]:
    """The graph that ran, with our names of the images in the place of the server's."""
    graph = copy.deepcopy(made.graph)
    for node in graph.values():
        if node["class_type"] == "LoadImage":
            node["inputs"]["image"] = made.images[node["inputs"]["image"]]
    return graph


def hold(made: Made, case: Case, settings: Mapping[str, Any]) -> None:
    """Hold what was made to what was asked for: result, file, graph and progress."""
    preset = PRESETS[case.name]
    result, held = made.result, made.result.settings
    assert result.status == "completed"
    assert (result.preset, result.seed) == (case.name, SEED)
    assert {key: held[key] for key in settings} == settings
    decoded = made.decoded
    assert decoded[:4] == (held["width"], held["height"], held.get("frames", 1), Fraction(held.get("fps", 0)))
    assert bool(decoded.sound) == (preset.family == "ltx2")
    assert faults(own_names(made), expected(preset, case.task, **settings)) == []
    percents = [each.progress for each in made.told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    steps = held.get("steps", preset.value("steps"))
    each = {held["handover"], steps - held["handover"]} if "handover" in held else {steps}
    assert {(count, count) for count in each if count > 1} <= set(made.last_steps.values())
