"""The harness itself: the cache offline; the real server with its classes, its weights and a job on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from .comfyui.cache import COMPLETE, cache_folder, cached, digest
from .comfyui.install import VERSION
from .comfyui.server import get
from .comfyui.weights import Folders
from .decoded import Decoded, decode
from .miniature.stand_ins import stand_in

ROOT = Path(__file__).resolve().parents[2]
BUILDER = """
import sys, time
from tests.conformance.comfyui.cache import cached

def build(folder):
    (folder / "part").write_text("begun")
    print("building", flush=True)
    time.sleep(float(sys.argv[1]))
    (folder / "part").write_text("whole")

cached("thing", build)
print("there", flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMFY_HEADLESS_TEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def builder(seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILDER, str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """COMFY_HEADLESS_CACHE names the cache, as it was before pytest; else it lies in the user's cache folder."""
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", str(tmp_path / "of the tests"))
    monkeypatch.setenv("COMFY_HEADLESS_TEST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("COMFY_HEADLESS_TEST_CACHE")
    assert cache_folder() == tmp_path / "of the tests"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    for name in ("COMFY_HEADLESS_CACHE", "COMFY_HEADLESS_TEST_CACHE"):
        monkeypatch.setenv(name, "")
        assert cache_folder().name == "comfy-headless"
        assert not cache_folder().is_relative_to(ROOT)
        monkeypatch.delenv(name)


def test_a_part_is_built_once(cache: Path) -> None:
    """What is whole is not built again."""
    built: list[Path] = []
    assert cached("thing", built.append) == cached("thing", built.append) == cache / "thing"
    assert built == [cache / "thing"]


def test_a_failed_build_is_not_taken_for_a_good_one(cache: Path) -> None:
    """A build that fails leaves no mark, and the next one begins with an empty folder."""

    def fail(folder: Path) -> None:
        (folder / "part").touch()
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        cached("thing", fail)
    assert not (cached("thing", lambda folder: None) / "part").exists()


def test_a_killed_build_is_not_taken_for_a_good_one(cache: Path) -> None:
    """A build that is killed leaves neither a mark nor a lock behind."""
    with builder(60) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "building\n"
        killed.kill()
    assert not (cache / "thing" / COMPLETE).exists()
    with builder(0) as second:
        assert second.communicate(timeout=30)[0] == "building\nthere\n"
    assert (cache / "thing/part").read_text() == "whole"


def test_two_at_once_build_once(cache: Path) -> None:
    """Who comes second waits for the first and finds the thing whole."""
    with builder(0.5) as first, builder(0.5) as second:
        said = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert sorted(said) == ["building\nthere\n", "there\n"]
    assert (cache / "thing/part").read_text() == "whole"


def test_the_digest_changes_with_contents(tmp_path: Path) -> None:
    """A changed file or text is another part of the cache."""
    file = tmp_path / "requirements.txt"
    file.write_text("torch")
    before = digest([file], "3.11")
    assert before == digest([file], "3.11") != digest([file], "3.12")
    file.write_text("torch==2")
    assert digest([file], "3.11") != before


def test_stand_ins_are_of_the_same_kind() -> None:
    """A real name has the stand-in of its family; a name of another file kind, or of no family, has none."""
    assert stand_in("diffusion_models", "wan2.2_ti2v_5B_fp16.safetensors") == (
        "diffusion_models/tiny_wan22_5b.safetensors"
    )
    assert stand_in("diffusion_models", "wan2.2_ti2v_5B_Q4_K_M.gguf") is None
    assert stand_in("vae", "unheard_of.safetensors") is None


def test_placing_an_unknown_file_is_an_error(tmp_path: Path) -> None:
    """A file name without a stand-in fails the test that needs it instead of the server's loader."""
    folders = Folders(*[tmp_path] * 4)
    with pytest.raises(LookupError, match=r"no stand-in for vae/unheard_of\.safetensors"):
        folders.place({"1": {"class_type": "VAELoader", "inputs": {"vae_name": "unheard_of.safetensors"}}})


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


WAN_5B = {
    "unet": node("UNETLoader", unet_name="wan2.2_ti2v_5B_fp16.safetensors", weight_dtype="default"),
    "clip": node("CLIPLoader", clip_name="umt5_xxl_fp8_e4m3fn_scaled.safetensors", type="wan", device="default"),
    "vae": node("VAELoader", vae_name="wan2.2_vae.safetensors"),
    "text": node("CLIPTextEncode", text="a cat walking at night", clip=["clip", 0]),
    "latent": node("Wan22ImageToVideoLatent", vae=["vae", 0], width=64, height=96, length=9, batch_size=1),
    "sampler": node(
        "KSampler",
        model=["unet", 0],
        seed=1,
        steps=2,
        cfg=3.0,
        sampler_name="uni_pc",
        scheduler="simple",
        positive=["text", 0],
        negative=["text", 0],
        latent_image=["latent", 0],
        denoise=1.0,
    ),
    "decode": node("VAEDecode", samples=["sampler", 0], vae=["vae", 0]),
    "video": node("CreateVideo", images=["decode", 0], fps=24.0),
    "save": node("SaveVideo", video=["video", 0], filename_prefix="harness", format="mp4", codec="h264"),
}


def test_the_real_server_is_the_whole_one(real_server: str) -> None:
    """It is ComfyUI 0.30.0 with API nodes on: 826 classes, besides those that a foreign server adds."""
    assert get(f"{real_server}/system_stats")["system"]["comfyui_version"] == VERSION
    classes = get(f"{real_server}/object_info")
    assert len(classes) == 826 or os.environ.get("COMFY_HEADLESS_TEST_URL")
    assert {"KSampler", "SaveVideo", "GLSLShader", "GeminiNode"} <= set(classes)


def test_miniature_weights_make_a_video(real_server: str, real_server_folders: Folders | None, tmp_path: Path) -> None:
    """A graph with real file names runs on miniature weights to a file of the asked size, length and frame rate."""
    if real_server_folders:
        real_server_folders.place(WAN_5B)
    prompt_id = str(uuid.uuid4())
    body = json.dumps({"prompt": WAN_5B, "prompt_id": prompt_id}).encode()
    request = urllib.request.Request(f"{real_server}/prompt", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["node_errors"] == {}
    deadline = time.monotonic() + 120
    while not (entry := get(f"{real_server}/history/{prompt_id}").get(prompt_id)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"]
    (file,) = entry["outputs"]["save"]["images"]
    with urllib.request.urlopen(f"{real_server}/view?filename={file['filename']}&type=output", timeout=30) as answer:
        (tmp_path / "video.mp4").write_bytes(answer.read())
    assert decode(tmp_path / "video.mp4") == Decoded(64, 96, 9, Fraction(24), ())


@pytest.mark.real_server
@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's process in /proc")
def test_a_killed_run_leaves_no_server_behind(tmp_path: Path) -> None:
    """The server ends by itself when the process that started it is gone."""
    command = [sys.executable, "-m", "tests.conformance.comfyui", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as started:
        assert started.stdout is not None
        url = started.stdout.readline().strip()
        assert get(f"{url}/system_stats")["system"]["comfyui_version"] == VERSION
        started.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            get(f"{url}/system_stats")
        except OSError:
            return
        time.sleep(0.2)
    pytest.fail(f"{url} still answers")
