"""Every shipped preset, run as compiled under the real file names: the file, the graph that ran, what was told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from comfy_headless import ComfyClient
from comfy_headless.media.picture import size
from comfy_headless.simulator import Simulator

from .making import PRESETS, Case, cases, hold, lowered, make, make_async, one_of_each_family

SAVING = {"SaveImage", "SaveVideo"}
JPEG = b"\xff\xd8\xff"
NAMED = "COMFY_HEADLESS_TEST_URL"
REPRESENTATIVE = [Case("wan_5b", "image"), Case("wan_fast", "text"), Case("ltx2_quick", "text"), Case("fast", "text")]


def each(found: list[Case]) -> pytest.MarkDecorator:
    """Run a test for each of these."""
    return pytest.mark.parametrize("case", found, ids=str)


@each(cases(packs=False))
def test_both_servers_make_what_was_asked_for(
    simulated_server: str, real_server: str, case: Case, tmp_path: Path
) -> None:
    """The file is the asked one, the graph that ran is the family's, and the simulator says what the real server does.

    Random weights may make noise, which the look at the file says; it is the only thing that may be said of one.
    """
    seen = []
    for place, url in (("simulated", simulated_server), ("real", real_server)):
        (tmp_path / place).mkdir()
        made = make(url, case, tmp_path / place)
        hold(made, case, lowered(case))
        result = made.result
        outputs = [(each.kind, each.node_id, each.subfolder, Path(each.filename).suffix) for each in result.outputs]
        assert [line for line in result.warnings if place == "simulated" or " noise: " not in line] == []
        # without the node that saves: the history may tell the end before its frame comes
        titles = [title for title in dict.fromkeys(each.title for each in made.told) if title not in SAVING]
        seen.append((made.decoded, dict(result.settings), result.notes, outputs, made.last_steps, titles))
        assert not set(made.images) & set(made.images.values()), "the server had other images of these names"
    assert seen[0] == seen[1]


@pytest.fixture(scope="module")
def server_with_packs() -> Iterator[str]:
    """The address of a simulator with every node pack that presets name."""
    with Simulator() as simulator:
        yield simulator.url


@pytest.mark.slow
@each([*(case for case in one_of_each_family() if not PRESETS[case.name].packs), *cases(packs=True)])
def test_the_simulator_makes_what_was_asked_for(server_with_packs: str, case: Case, tmp_path: Path) -> None:
    """One of each family, and every preset that needs node packs, by their schemas."""
    made = make(server_with_packs, case, tmp_path)
    hold(made, case, lowered(case))
    assert made.result.files == [tmp_path / case.file_name]


@pytest.mark.real_server
@pytest.mark.parametrize("name", list(dict.fromkeys(case.name for case in cases(packs=True))))
def test_a_preset_runs_where_its_packs_are(name: str, tmp_path: Path) -> None:
    """On a server that has the packs and the files, a preset that needs them makes what was asked for."""
    preset, url = PRESETS[name], os.environ.get(NAMED, "")
    needed = " and ".join(pack.name for pack in preset.packs)
    if not url:
        pytest.skip(f"needs {needed} and real weights: {NAMED} names a server that has them")
    with ComfyClient(url) as client:
        there = set(client.object_info())
    for task in preset.tasks:
        classes = {node["class_type"] for node in preset.template(task).graph.values()}
        if classes - there:
            pytest.skip(f"needs {needed}: {url} has no {', '.join(sorted(classes - there))}")
        case = Case(name, task)
        (tmp_path / task).mkdir()
        hold(make(url, case, tmp_path / task), case, lowered(case))


@each(REPRESENTATIVE)
def test_a_preset_on_asyncio(server: str, case: Case, tmp_path: Path) -> None:
    """The client on asyncio makes the same of another size."""
    made = asyncio.run(make_async(server, case, tmp_path))
    hold(made, case, lowered(case, taller=True))


@pytest.mark.parametrize("preset", ["fast", "sdxl_fast"])
def test_several_images(server: str, preset: str, tmp_path: Path) -> None:
    """One job makes as many images as were asked for, each another one, numbered."""
    settings = {"width": 64, "height": 80, "steps": 2, "images": 3, "allow_untested": True}
    with ComfyClient(server) as client:
        result = client.generate_image("a cat", preset=preset, seed=5, out=tmp_path / "cat.png", **settings)
    assert [path.name for path in result.files] == ["cat.png", "cat-2.png", "cat-3.png"]
    pictures = [Image.open(path) for path in result.files]
    assert [picture.size for picture in pictures] == [(64, 80)] * 3
    assert len({picture.tobytes() for picture in pictures}) == 3


@each([case for case in REPRESENTATIVE if case.task == "text" and PRESETS[case.name].makes == "video"])
def test_previews(server: str, case: Case, tmp_path: Path) -> None:
    """Who listens is sent a picture with the steps, whatever the server was started with; none is a result.

    Its longer side has 512 pixels, and its shape is that of the result.
    """
    made = make(server, case, tmp_path)
    pictures = [each.preview for each in made.told if each.preview is not None]
    assert pictures
    assert all(picture.startswith(JPEG) for picture in pictures)
    width, height = made.decoded.width, made.decoded.height
    shape = (round(512 * width / max(width, height)), round(512 * height / max(width, height)))
    assert {size(picture) for picture in pictures} == {shape}
    assert [output.kind for output in made.result.outputs] == [PRESETS[case.name].makes]
    assert [path.name for path in tmp_path.iterdir()] == [case.file_name]
