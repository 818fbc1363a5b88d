"""No preset named: what is taken for which server, that it is said, and what is said where nothing can be taken."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless import VIDEO_PRESETS, GenerationRejectedError, Result, ValidationError
from comfy_headless.catalog.preset import Preset
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator import Simulator
from tests.api.own_presets import shipped, write_own
from tests.faults.clients import Person

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

SMALL = {"width": 128, "height": 192, "frames": 9, "allow_untested": True}
PLAIN = {"width": None, "height": None, "frames": None, "allow_untested": False}
"""Takes back what is small: a preset as it is."""
KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])


def files_of(*presets: Preset) -> dict[str, list[str]]:
    """The files of presets, by folder."""
    found: dict[str, list[str]] = {}
    for preset in presets:
        for file in preset.at("text").files.values():
            found.setdefault(file.folder, []).append(file.name)
    return found


def choose(kind: str, folder: Path, sim: Simulator, **given: Any) -> Result:
    """Make a small video without naming a preset."""
    result = Person(kind, sim.url).call("generate_video", "a cat", out=folder, **{**SMALL, **given})
    assert isinstance(result, Result)
    return result


def best(vram_gb: float) -> str:
    """The shipped preset of the highest rank that makes a video from text and is recommended for so much."""
    fitting = [
        preset
        for preset in map(shipped, VIDEO_PRESETS)
        if "text" in preset.tasks and preset.needs.recommended_from.value <= vram_gb
    ]
    return max(fitting, key=lambda preset: preset.needs.rank.value).name


@KINDS
@pytest.mark.parametrize(
    ("vram_gb", "name", "better"),
    [
        pytest.param(24, "wan_fast", "wan_14b", marks=pytest.mark.slow),
        pytest.param(16, "hunyuan15_fast", "hunyuan15_720p", marks=pytest.mark.slow),
        (8, "ltx_quick", "wan_1.3b"),
    ],
)
def test_a_first_try(
    kind: str, vram_gb: float, name: str, better: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The best that is done in ten minutes on such a card; what would be better, and its price, is told with it."""
    with caplog.at_level(logging.INFO, "comfy_headless"), Simulator(vram_gb=vram_gb, packs=()) as sim:
        result = choose(kind, tmp_path, sim, **PLAIN)
    assert result.preset == name
    assert result.notes[0].startswith(f"preset {name!r}: the best for a video from text on {vram_gb} GiB of VRAM")
    assert "within 10 min" in result.notes[0]
    assert better == best(vram_gb)
    assert [note for note in result.notes if note.startswith(f"better: {better} (") and note.endswith(" here")]
    assert result.notes[0] in caplog.messages
    assert result.path == tmp_path / f"{name}_{result.seed}.mp4"


@KINDS
@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"seconds": 2, "aspect": "1:1"}, "wan_fast"),
        ({"width": 768, "height": 512, "frames": 97}, "ltx_quality"),
        ({"width": 848, "height": 480, "frames": 121}, "hunyuan15_fast"),
        ({"motion": 90}, None),
        ({"stps": 3}, None),
    ],
)
def test_what_is_asked_for_counts(kind: str, asked: dict[str, Any], name: str | None, tmp_path: Path) -> None:
    """A preset that cannot take the settings is passed over; where none can, the best one says what is wrong."""
    given = {**PLAIN, **asked}
    with Simulator(packs=()) as sim:
        if name is not None:
            assert choose(kind, tmp_path, sim, **given).preset == name
            return
        with pytest.raises(ValidationError) as caught:
            choose(kind, tmp_path, sim, **given)
        assert not sim.jobs
    assert f"no setting {next(iter(asked))!r}" in str(caught.value)


@pytest.mark.parametrize("vram_gb", [24, 16, 8])
def test_the_highest_rank_where_time_is_given(vram_gb: float, tmp_path: Path) -> None:
    """With time enough it is the best that is recommended for the server's VRAM."""
    with Simulator(vram_gb=vram_gb) as sim:
        assert choose("sync", tmp_path, sim, within=1e6).preset == best(vram_gb)


@pytest.mark.parametrize(("vram_gb", "fits"), [(15.6, True), (14.3, False)])
def test_a_card_reports_less_than_it_is_sold_as(
    vram_gb: float, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preset for 16 GB is taken on a card of 16 GB, which reports a little less, and not on one of 15."""
    needs = (
        ("min_vram_gb = { value = 8", "min_vram_gb = { value = 16"),
        ("recommended_from = { value = 24", "recommended_from = { value = 16"),
        ("550", "9999"),
    )
    write_own(tmp_path / "own", "for_16", *needs)
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(tmp_path / "own"))
    with Simulator(vram_gb=vram_gb) as sim:
        assert (choose("sync", tmp_path, sim, within=1e6).preset == "for_16") is fits


@KINDS
def test_too_little_vram_for_all(kind: str, tmp_path: Path) -> None:
    """The error says what there is, and what the smallest needs; nothing is queued."""
    with Simulator(vram_gb=2) as sim, pytest.raises(GenerationRejectedError) as caught:
        choose(kind, tmp_path, sim, **PLAIN)
    assert str(caught.value).startswith("the server has 2 GiB of VRAM and 64 GiB of RAM, too little for every preset;")
    assert "'animatediff_quick', needs 3.1 GiB of VRAM and 8 GiB of RAM" in str(caught.value)


@KINDS
def test_a_preset_that_is_named_is_not_held_to_the_vram(kind: str, tmp_path: Path) -> None:
    """Who names one gets it: the server is asked what it has, once, and not held to a size."""
    with Simulator(vram_gb=4) as sim:
        assert choose(kind, tmp_path, sim, preset="ltx_standard").status == "completed"
        assert [request.path for request in sim.requests].count("/object_info") == 1


@KINDS
def test_a_server_on_cpu(kind: str, tmp_path: Path) -> None:
    """Its RAM is no VRAM: the lightest preset, and that is said."""
    able = [preset for preset in map(shipped, VIDEO_PRESETS) if "text" in preset.tasks]
    lightest = min(able, key=lambda preset: preset.needs.rank.value).name
    with Simulator(device="cpu", ram_gb=512) as sim:
        result = choose(kind, tmp_path, sim)
    assert result.preset == lightest
    assert result.notes[0] == (
        f"preset {lightest!r}: the lightest for a video from text, of those that the server can run, since nothing "
        "tells how much VRAM there is"
    )


@KINDS
@pytest.mark.parametrize(
    "name", ["wan_1.3b", *(pytest.param(name, marks=pytest.mark.slow) for name in ("wan_5b", "hunyuan_fast"))]
)
def test_only_the_files_of_one(kind: str, name: str, tmp_path: Path) -> None:
    """A server that has the files of one preset gets that one, on any card that can hold it."""
    for vram_gb in (24, shipped(name).needs.min_vram_gb.value):
        with Simulator(files=files_of(shipped(name)), vram_gb=vram_gb, packs=()) as sim:
            assert choose(kind, tmp_path, sim, **PLAIN).preset == name


@KINDS
def test_a_bare_server(kind: str, tmp_path: Path) -> None:
    """Without model files the error lists those of the best preset, where each is had, and what fetches them."""
    with Simulator(files={}) as sim:
        with pytest.raises(GenerationRejectedError) as caught:
            choose(kind, tmp_path, sim, **PLAIN)
        assert [request.path for request in sim.requests if request.method == "POST"] == []
    wanted = shipped("wan_fast")
    head, *lines, fetch = str(caught.value).splitlines()
    assert f"comfy-headless models download --preset {wanted.name} " in fetch
    assert head == f"the server can run no preset yet; what is missing for {wanted.name!r}:"
    assert lines == [
        f"  {role}: {file.name} ({file.size_gb:g} GB) into ComfyUI/models/{file.folder}/, from Hugging Face "
        f"{file.repository}: {file.path}"
        for role, file in wanted.at("text").files.items()
    ]


@KINDS
def test_one_file_too_few(kind: str, tmp_path: Path) -> None:
    """Only what is missing is listed, for the preset that is one file short."""
    wanted = shipped("wan_14b")
    *there, missing = [(file.folder, file.name) for file in wanted.at("text").files.values()]
    files: dict[str, list[str]] = {}
    for folder, name in there:
        files.setdefault(folder, []).append(name)
    with (
        Simulator(files=files) as sim,
        pytest.raises(GenerationRejectedError) as caught,
    ):
        choose(kind, tmp_path, sim, **PLAIN)
    assert len(str(caught.value).splitlines()) == 3
    assert missing[1] in str(caught.value)


def without(*classes: str) -> Mapping[str, Any]:
    """The node schemas of a server that lacks some classes."""
    schemas = Schemas.snapshot()
    return {name: schemas.raw(name) for name in schemas if name not in classes}


@KINDS
def test_missing_nodes(kind: str, tmp_path: Path) -> None:
    """A preset whose nodes the server lacks is passed over; if all are, the error names the nodes."""
    wanted = shipped(best(24))
    lacking = next(
        node["class_type"] for node in wanted.template("text").graph.values() if "Latent" in node["class_type"]
    )
    with Simulator(object_info=without(lacking)) as sim:
        assert choose(kind, tmp_path, sim).preset not in (wanted.name, None)
    with (
        Simulator(object_info=without("SaveVideo", "CreateVideo")) as sim,
        pytest.raises(GenerationRejectedError) as caught,
    ):
        choose(kind, tmp_path, sim)
    (line,) = str(caught.value).splitlines()[1:]
    assert line.endswith(
        " needs the nodes CreateVideo, SaveVideo, which ComfyUI has since 0.3.31; this server says 0.30.0 and lacks "
        "them all the same: its log tells why they were not loaded (IMPORT FAILED)"
    )


@KINDS
def test_an_image_decides_which_presets_there_are(kind: str, tmp_path: Path) -> None:
    """With an image only presets that begin with one are looked at, with two those that also end with one."""
    image = tmp_path / "start.png"
    Image.new("RGB", (8, 8)).save(image)
    with Simulator() as sim:
        result = choose(kind, tmp_path, sim, image=image)
        assert "from an image" in result.notes[0]
        result = choose(kind, tmp_path, sim, image=image, last_image=image)
        assert "from a first and a last image" in result.notes[0]
