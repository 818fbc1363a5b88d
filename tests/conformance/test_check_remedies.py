"""What `check` says to do, held to a real ComfyUI: it takes what was mended, and what it says of LoRAs is read."""

from __future__ import annotations

import copy
import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from comfy_headless import check, compile_workflow
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.graph.report import Report
from comfy_headless.graph.source import Graph
from tests.graph.test_remedies import pasted

from .comfyui.weights import Folders

IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}
SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "remedy"}}
PICTURE: Graph = {"1": IMAGE, "2": SAVE}
VIDEO: Graph = {
    "1": IMAGE,
    "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 4.0}},
    "3": {"class_type": "SaveVideo", "inputs": {"video": ["2", 0], "filename_prefix": "remedy", "format": "auto"}},
}
ROUNDS = 4


def changed(graph: Graph, node_id: str, **inputs: Any) -> Graph:
    """The graph with some inputs of a node set, or taken away by None."""
    other = copy.deepcopy(graph)
    given = {**other[node_id]["inputs"], **inputs}
    other[node_id]["inputs"] = {name: value for name, value in given.items() if value is not None}
    return other


BROKEN: dict[str, Graph] = {
    "too small": changed(PICTURE, "1", width=0),
    "no number": changed(PICTURE, "1", width="wide"),
    "missing value": changed(PICTURE, "1", height=None),
    "missing link": changed(PICTURE, "2", images=None),
    "wrong link": changed(PICTURE, "1", width=["2", 0]),
    "no such node": changed(PICTURE, "2", images=["9", 0]),
    "no such output": changed(PICTURE, "2", images=["1", 7]),
    "misspelt class": {**PICTURE, "1": {**IMAGE, "class_type": "emptyimage"}},
    "no output": {"1": IMAGE},
    "dropped output": {**PICTURE, "3": {"class_type": "PreviewImage", "inputs": {}}},
    "no codec": VIDEO,
    "another codec": changed(VIDEO, "3", codec="av1"),
    "sampler": changed(compile_workflow("wan_5b", "x", seed=1), "8", sampler_name="eular"),
    "file further down": changed(compile_workflow("wan_5b", "x", seed=1), "3", vae_name="wan/wan2.2_vae.safetensors"),
}


def mended(graph: Graph, url: str) -> tuple[Graph, Report]:
    """The graph with what is said pasted, until nothing ends the job."""
    report = check(graph, url)
    for _ in range(ROUNDS):
        if not report.fails:
            break
        graph = pasted(graph, report)
        report = check(graph, url)
    return graph, report


@pytest.mark.parametrize("name", BROKEN)
def test_the_server_takes_what_was_mended(name: str, real_server: str) -> None:
    """A broken graph is refused, or fails; with the remedies pasted the server takes all of it."""
    broken = BROKEN[name]
    assert check(broken, real_server).fails
    graph, report = mended(broken, real_server)
    assert not report.fails, str(report)
    prompt_id = str(uuid.uuid4())
    answer = httpx.post(f"{real_server}/prompt", json={"prompt": graph, "prompt_id": prompt_id}, timeout=30)
    httpx.post(f"{real_server}/api/jobs/{prompt_id}/cancel", timeout=30)
    assert answer.status_code == 200 and not answer.json().get("node_errors"), answer.text


@pytest.mark.parametrize("name", ["wan_5b", "ltx_quick", "hunyuan15_480p_i2v", "fast"])
def test_a_preset_is_checked_as_the_server_takes_it(name: str, real_server: str) -> None:
    """A preset whose files lie on the server is without what ends a job."""
    report = check(preset=name, server=real_server)
    assert not report.fails, str(report)


def test_a_file_that_the_server_lacks(real_server: str) -> None:
    """A file that is not there comes with the command that fetches it."""
    file = PRESETS.files["vae/wan_2.1_vae.safetensors"]
    graph = changed(compile_workflow("wan_5b", "x", seed=1), "3", vae_name="mochi_vae_of_nobody.safetensors")
    report = check(graph, real_server)
    assert [problem.kind for problem in report.of("refused")] == ["value_not_in_list"]
    assert report.problems[0].remedy.startswith('graph["3"]["inputs"]["vae_name"] = "') and file.folder == "vae"


def test_what_a_lora_says_of_itself(real_server: str, real_server_folders: Folders | None) -> None:
    """The server reads the head of a LoRA file; one that was made for another model is a warning."""
    if real_server_folders is None:
        pytest.skip("the server is not ours: nothing can be laid into its folders")
    head = json.dumps({"__metadata__": {"ss_base_model_version": "hunyuan_video"}}).encode()
    path = Path(real_server_folders.models) / "loras" / "of_hunyuan.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    report = check(preset="wan_5b", server=real_server, loras={"of_hunyuan.safetensors": 0.8})
    (problem,) = (each for each in report.problems if each.kind == "lora_of_another_model")
    assert not report.fails and problem.severity == "warning"
    assert "ss_base_model_version=hunyuan_video, and the model is wan22_5b" in problem.details
