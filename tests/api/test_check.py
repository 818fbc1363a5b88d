"""check: what would go wrong with a preset or a workflow on a server, or without one, and what to do about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import comfy_headless
from comfy_headless import (
    ComfyUIOfflineError,
    GenerationRejectedError,
    ValidationError,
    check,
    check_models,
    compile_workflow,
    generate_video,
)
from comfy_headless.api.check import check_flow
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.graph.report import Report
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator import Simulator

WAN = "wan2.2_ti2v_5B_fp16.safetensors"
PICTURE: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}

TAKES_IMAGE: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "$~image"}},
    "2": PICTURE["2"],
}


@pytest.fixture(scope="module")
def whole() -> Iterator[str]:
    """Address of a server that has all."""
    with Simulator(ram_gb=128.0) as simulator:
        yield simulator.url


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """Address of a small server without model files and node packs."""
    with Simulator(files={}, packs=(), vram_gb=4.0, ram_gb=8.0) as simulator:
        yield simulator.url


def kinds(report: Report) -> list[str]:
    return [problem.kind for problem in report.problems]


@pytest.mark.parametrize("name", ["wan_5b", "svd_xt", "cogvideo", "fast"])
def test_a_preset_on_a_server_that_has_all(name: str, whole: str) -> None:
    """A preset of any kind, for images, from an image, with a node pack, is without a problem there."""
    assert str(check(preset=name, server=whole)) == "no problem"


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_without_a_problem(name: str, whole: str) -> None:
    """Each task of every preset is, offline and on a server that has all."""
    for task in PRESETS[name].tasks:
        assert check(preset=name, task=task).ok and check(preset=name, task=task, server=whole).ok


def test_a_preset_on_a_bare_server(bare: str) -> None:
    """A missing file comes with the line that fetches it, and memory that is short with what takes less."""
    report = check(preset="wan_5b", server=bare)
    assert report.fails and kinds(report) == [*["value_not_in_list"] * 3, "vram_too_small", "ram_too_small"]
    assert report.problems[0].remedy.startswith(
        f"curl -fL -C - --create-dirs -o models/diffusion_models/{WAN} https://"
    )
    assert report.problems[3].remedy == "--frames 61  # in Python: frames=61; needs 3.7 GiB then"


@pytest.mark.slow
def test_settings_count(bare: str) -> None:
    """What is asked for is what is checked: with fewer frames the card is large enough."""
    assert "vram_too_small" not in kinds(check(preset="wan_5b", server=bare, frames=61))


@pytest.mark.slow
def test_a_preset_whose_pack_is_missing(bare: str) -> None:
    """Nodes of a pack that the server lacks come with its repository."""
    report = check(preset="cogvideo", server=bare)
    remedies = {problem.remedy for problem in report.of("refused")}
    assert len(remedies) == 1 and remedies.pop().startswith(
        "git clone https://github.com/kijai/ComfyUI-CogVideoXWrapper"
    )


def test_a_preset_is_checked_as_it_would_be_sent() -> None:
    """Roles are filled with what the server has, under the names that it lists."""
    names = {file.folder: [] for file in PRESETS["wan_5b"].model_files().values()}
    for file in PRESETS["wan_5b"].model_files().values():
        names[file.folder].append(f"wan\\{file.name}")
    with Simulator(files=names, windows=True) as simulator:
        report = check(preset="wan_5b", server=simulator.url)
    assert report.ok and f"wan\\{WAN}" in json.dumps(report.graph).replace("\\\\", "\\")


def test_a_workflow_on_a_server(bare: str, tmp_path: Path) -> None:
    """A graph is checked as it is, from a dict or a file; its missing files are named too."""
    graph = compile_workflow("wan_5b", "x", seed=1)
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph))
    for workflow in (graph, str(path)):
        report = check(workflow, bare)
        assert kinds(report) == ["value_not_in_list"] * 3
        assert all(problem.remedy.startswith("curl -fL ") for problem in report.problems)


def test_one_line_for_one_file(bare: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check`, `models check` and a rejection name the same line, here and where the server's folder is known."""
    for folder in (None, tmp_path):
        if folder is not None:
            monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(folder))
        lines = {problem.remedy.partition("  #")[0] for problem in check(preset="wan_5b", server=bare).of("refused")}
        told = {each.get for each in check_models("wan_5b", server=bare).missing if each.get}
        assert {each.replace(" --preset wan_5b", "") for each in told} == lines
        with pytest.raises(GenerationRejectedError) as caught:
            generate_video("x", preset="wan_5b", server=bare)
        for line in (
            lines
            if folder is None
            else [f"fetch them: comfy-headless models download --preset wan_5b --comfyui {folder}"]
        ):
            assert line in str(caught.value)


def test_a_workflow_with_values() -> None:
    """Parameters and variants go into the graph before it is checked."""
    graph = json.loads(json.dumps(PICTURE))
    graph["1"]["_meta"] = {"title": "Size, $width.width"}
    assert check(graph, params={"width": 64}).graph["1"]["inputs"]["width"] == 64
    with pytest.raises(ValidationError, match="width"):
        check(graph, params={"widht": 64})


@pytest.mark.slow
def test_images_that_will_be_uploaded_are_there(bare: str, whole: str, tmp_path: Path) -> None:
    """The picture of a preset is brought to the server before the job, so it is not missing."""
    assert check(preset="svd_xt", server=whole).ok
    mine = tmp_path / "mine.png"
    mine.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert check(preset="wan_5b", server=whole, image=mine).ok
    assert "custom_validation_failed" not in kinds(check(preset="svd_xt", server=bare))


def test_offline() -> None:
    """Without a server the shipped schemas count, and files are taken to be there."""
    assert check(preset="wan_5b").ok and check(preset="cogvideo").ok and check(PICTURE).ok
    graph = json.loads(json.dumps(PICTURE))
    graph["1"]["inputs"]["width"] = 0
    assert check(graph).fails


def test_the_outputs_that_are_asked_for() -> None:
    """Only those nodes count that the request keeps, as a server does it; they may come one by one."""
    graph = {**PICTURE, "3": {"class_type": "SaveImage", "inputs": {}}}
    assert check(graph).fails and check(graph, partial_execution_targets=iter(["2"])).ok


def test_an_object_info_in_place_of_a_server() -> None:
    """The second argument may be what a server answered, as it always could; so may object_info=."""
    info = {name: Schemas.snapshot().raw(name) for name in ("EmptyImage",)}
    for report in (
        check(PICTURE, info),
        check(PICTURE, object_info=info),
        check(PICTURE, Schemas.from_object_info(info)),
    ):
        assert kinds(report) == ["missing_node_type"]
        assert "ComfyUI 0.30.0 has SaveImage" in report.problems[0].remedy or "SaveImage" in report.problems[0].remedy


def test_a_server_that_is_too_old() -> None:
    """A preset whose nodes a server does not have yet names the version that has them, with the line that updates."""
    core = Schemas.snapshot()
    info = {name: core.raw(name) for name in core if name != "Wan22ImageToVideoLatent"}
    report = check(preset="wan_5b", object_info=info)
    assert report.fails and kinds(report)[0] == "server_too_old"
    assert "wan_5b needs the node Wan22ImageToVideoLatent, which ComfyUI has since" in report.problems[0].details
    assert report.problems[0].remedy.startswith("git -C ComfyUI pull && ")


def test_a_lora_of_another_model() -> None:
    """A LoRA that says it was made for another model is a warning, with the line that switches it off."""
    files = {file.folder: [] for file in PRESETS["wan_5b"].model_files().values()}
    for file in PRESETS["wan_5b"].model_files().values():
        files[file.folder].append(file.name)
    loras = {
        "right.safetensors": {"ss_base_model_version": "wan"},
        "wrong.safetensors": {"ss_base_model_version": "flux1"},
    }
    files["loras"] = [*loras, "silent.safetensors"]
    with Simulator(files=files, metadata={"loras": loras}) as simulator:
        for name, found in (("right", []), ("silent", []), ("wrong", ["lora_of_another_model"])):
            asked = {f"{name}.safetensors": 0.8}
            report = check(preset="wan_5b", server=simulator.url, loras=asked)
            assert kinds(report) == found and not report.fails
        assert report.problems[0].details == (
            "wrong.safetensors: its file says ss_base_model_version=flux1, and the model is wan22_5b"
        )
        assert report.problems[0].remedy.endswith(
            '["inputs"]["strength_model"] = 0.0  # or name a LoRA for wan22_5b there'
        )


@pytest.mark.slow
def test_the_head_of_a_lora_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server's folder is known and here, the file itself is read: the shapes of its tensors tell."""
    head = json.dumps({"a.lora_A.weight": {"dtype": "F16", "shape": [4, 5120], "data_offsets": [0, 40960]}}).encode()
    folder = tmp_path / "models" / "loras"
    folder.mkdir(parents=True)
    (folder / "big.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(tmp_path))
    files = {file.folder: [file.name] for file in PRESETS["wan_5b"].model_files().values()}
    with Simulator(files={**files, "loras": ["big.safetensors"]}) as simulator:
        report = check(preset="wan_5b", server=simulator.url, loras={"big.safetensors": 1.0})
    assert kinds(report) == ["lora_of_another_model"]
    assert report.problems[0].details == ("big.safetensors: its layers are 5120 wide, and those of wan22_5b are 3072")


def test_room_for_the_file(tmp_path: Path) -> None:
    """A file that is larger than what is free where it is to go is a warning."""
    free = shutil.disk_usage(tmp_path).free
    assert check(preset="wan_5b", out=tmp_path / "new" / "clip.mp4").ok
    side = 4096
    frames = int(free / (side * side * 1.5)) * 4 + 1
    report = check(preset="wan_5b", out=tmp_path, width=side, height=side, frames=frames, allow_untested=True)
    assert "disk_too_small" in kinds(report) and str(tmp_path) in report.problems[-1].details


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "nothing to check"),
        ({"workflow": PICTURE, "preset": "wan_5b"}, "give a workflow, or preset="),
        ({"preset": "wan5b"}, "no preset 'wan5b'; did you mean"),
        ({"preset": 3}, "expected the name of a preset"),
        ({"preset": "wan_5b", "task": "first_last"}, "has no task 'first_last'"),
        ({"preset": "wan_5b", "params": {"a": 1}}, "a preset has settings"),
        ({"preset": "wan_5b", "widht": 1}, "widht"),
        ({"workflow": PICTURE, "task": "text"}, "that is for a preset"),
        ({"workflow": "none.json"}, "No such file"),
        ({"preset": "wan_5b", "image": "/nope.png"}, "image='/nope.png': No such file"),
        ({"preset": "wan_flf2v", "last_image": __file__}, "last_image=.* is no image"),
        ({"preset": "wan_5b", "out": "clip.png"}, "the server will make .mp4, not .png"),
        ({"workflow": PICTURE, "out": "clip.mp4"}, "the server will make .png, not .mp4"),
        ({"workflow": TAKES_IMAGE, "image": "/nope.png"}, "image='/nope.png': No such file"),
        ({"workflow": PICTURE, "partial_execution_targets": "12"}, "='12': expected a list of ids"),
        ({"workflow": PICTURE, "partial_execution_targets": ["9"]}, "has no node '9'; its nodes: 1, 2"),
        ({"workflow": PICTURE, "partial_execution_targets": []}, "it is empty; its nodes: 1, 2"),
        ({"workflow": PICTURE, "server": "http://127.0.0.1:9", "object_info": {}}, "give one of them"),
    ],
)
def test_what_cannot_be_checked(asked: dict[str, Any], words: str) -> None:
    """A call that asks for nothing, or for two things, or that could not be sent so, is an error that names it."""
    with pytest.raises(ValidationError, match=words):
        check(**asked)


def test_a_server_that_is_not_there() -> None:
    """A server that is named and does not answer is an error, as for every other call."""
    with pytest.raises(ComfyUIOfflineError):
        check(PICTURE, "http://127.0.0.1:9")


def test_the_public_name() -> None:
    """``comfy_headless.check`` is this function, and the flow has its arguments."""
    assert comfy_headless.check is check and check_flow.__doc__


def test_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be known of the disk, since the current folder was deleted, ends no check."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert check(preset="wan_5b").ok
