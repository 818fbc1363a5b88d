"""A simulated server on Windows: its sub-folders have a backslash, and nothing else will do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from comfy_headless import ComfyClient
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.folders import Folders, OutsideFolderError
from tests.simulator.talk import node, talking, video_graph

FILES = {"checkpoints": ["wan/b.safetensors", "wanA.safetensors", "other\\sub/c.safetensors", "a.safetensors"]}
LISTED = ["a.safetensors", "other\\sub\\c.safetensors", "wanA.safetensors", "wan\\b.safetensors"]


def loading(name: str) -> dict[str, Any]:
    """A graph that loads this checkpoint."""
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=name),
        "2": node("VAEDecode", samples=["3", 0], vae=["1", 2]),
        "3": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "4": node("PreviewImage", images=["2", 0]),
    }


def test_its_lists_have_backslashes() -> None:
    """However the names are given, every list shows them so, sorted as these texts; the system is win32."""
    with Simulator(windows=True, files={**FILES, "embeddings": ["x/y.pt"]}) as sim, talking(sim.url) as talk:
        assert talk.http.get("/models/checkpoints").json() == LISTED
        shown = talk.http.get("/object_info/CheckpointLoaderSimple").json()["CheckpointLoaderSimple"]
        assert shown["input"]["required"]["ckpt_name"][0] == LISTED
        assert talk.http.get("/embeddings").json() == ["x\\y"]
        assert talk.http.get("/system_stats").json()["system"]["os"] == "win32"


def test_it_takes_only_the_name_it_lists() -> None:
    """With a slash the value is not in the list, as on the real server."""
    with Simulator(windows=True, files=FILES) as sim, talking(sim.url) as talk:
        assert talk.run(loading("wan\\b.safetensors"))["status"]["status_str"] == "success"
        answer = talk.http.post("/prompt", json={"prompt": loading("wan/b.safetensors")})
        assert answer.status_code == 400
        (problem,) = answer.json()["node_errors"]["1"]["errors"]
        assert (problem["type"], problem["extra_info"]["received_value"]) == ("value_not_in_list", "wan/b.safetensors")


def test_elsewhere_a_backslash_is_a_letter() -> None:
    """Names are listed as they are given, and only so taken."""
    with Simulator(files=FILES) as sim, talking(sim.url) as talk:
        assert talk.http.get("/models/checkpoints").json() == sorted(FILES["checkpoints"])
        assert talk.run(loading("wan/b.safetensors"))["status"]["status_str"] == "success"
        answer = talk.http.post("/prompt", json={"prompt": loading("wan\\b.safetensors")})
        assert answer.json()["node_errors"]["1"]["errors"][0]["type"] == "value_not_in_list"


@pytest.mark.parametrize("prefix", ["deep/er/clip", "deep\\er\\clip"])
def test_results_lie_in_folders_with_backslashes(tmp_path: Path, prefix: str) -> None:
    """History names the sub-folder with a backslash, /view takes both, and the client brings the file."""
    with Simulator(windows=True) as sim, talking(sim.url) as talk, ComfyClient(sim.url) as client:
        (made,) = talk.run(video_graph(prefix=prefix))["outputs"]["3"]["images"]
        assert (made["filename"], made["subfolder"]) == ("clip_00001_.mp4", "deep\\er")
        assert (sim.output_folder / "deep/er/clip_00001_.mp4").is_file()
        whole = talk.fetch(made).content
        assert whole == (sim.output_folder / "deep/er/clip_00001_.mp4").read_bytes()
        assert talk.fetch({**made, "subfolder": "deep/er"}).content == whole
        assert httpx.get(f"{sim.url}/view", params={**made, "filename": "x\\clip_00001_.mp4"}).content == whole
        result = client.run_workflow(video_graph(prefix=prefix, color=1), out=tmp_path / "here")
        assert result.path == tmp_path / "here/deep/er/clip_00002_.mp4"
        assert result.path.stat().st_size > 0


def test_uploads_lie_in_folders_with_backslashes() -> None:
    """A sub-folder may be named with either separator, and comes back as it was named."""
    with Simulator(windows=True) as sim, talking(sim.url) as talk:
        for subfolder in ("in/ner", "in\\ner"):
            sent = {"image": ("a.png", subfolder.encode())}
            answer = talk.http.post("/upload/image", files=sent, data={"subfolder": subfolder, "overwrite": "1"})
            assert answer.json() == {"name": "a.png", "subfolder": subfolder, "type": "input"}
            assert (sim.input_folder / "in/ner/a.png").read_bytes() == subfolder.encode()


def test_a_prefix_that_leads_out_is_refused(tmp_path: Path) -> None:
    """With either separator."""
    folders = Folders(*(tmp_path / name for name in ("in", "out", "temp", "user", "base")), windows=True)
    for prefix in ("..\\x", "../x", "a\\..\\..\\x", "/etc/x"):
        with pytest.raises(OutsideFolderError):
            folders.slot(prefix, "output")
