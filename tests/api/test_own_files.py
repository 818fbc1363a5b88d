"""What lies on a server is used: folders, separators, names and precisions; what is not known is never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient, GenerationRejectedError, Result, ValidationError
from comfy_headless.simulator import Simulator
from tests.faults.clients import Person

SMALL = {"width": 128, "height": 192, "frames": 9, "seed": 7, "allow_untested": True}
KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])

UMT5, VAE = "umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan2.2_vae.safetensors"
MODEL = "wan2.2_ti2v_5B_fp16.safetensors"
Q8, Q4 = "Wan2.2-TI2V-5B-Q8_0.gguf", "Wan2.2-TI2V-5B-Q4_K_M.gguf"


def server(*models: str, folder: str = "", encoder: str = UMT5, vae: str = VAE) -> dict[str, list[str]]:
    """The files of a server that has these models of Wan 2.2 5B, all in one sub-folder."""
    return {
        "diffusion_models": [f"{folder}{name}" for name in models],
        "text_encoders": [f"{folder}{encoder}"],
        "vae": [f"{folder}{vae}"],
    }


def make(kind: str, folder: Path, sim: Simulator, **given: Any) -> Result:
    """Make a small video with Wan 2.2 5B."""
    result = Person(kind, sim.url).call("generate_video", "a cat", out=folder, **{"preset": "wan_5b", **SMALL, **given})
    assert isinstance(result, Result)
    return result


def loaded(sim: Simulator, result: Result) -> dict[str, str]:
    """Which class loaded which model file, of the job that ran."""
    with ComfyClient(sim.url) as client:
        graph: Mapping[str, Any] = client.history(result.prompt_id)["prompt"][2]
    names = ("unet_name", "clip_name", "vae_name", "lora_name")
    return {
        node["class_type"]: node["inputs"][name] for node in graph.values() for name in names if name in node["inputs"]
    }


@KINDS
def test_the_own_names_cost_one_question(kind: str, tmp_path: Path) -> None:
    """Where the preset's own files lie at the top of their folders, the server is asked once what it has."""
    with Simulator(files=server(MODEL)) as sim:
        result = make(kind, tmp_path, sim)
        assert loaded(sim, result) == {"UNETLoader": MODEL, "CLIPLoader": UMT5, "VAELoader": VAE}
        assert [request.path for request in sim.requests].count("/object_info") == 1
    assert not [note for note in result.notes if "model" in note]


@KINDS
@pytest.mark.parametrize(
    ("windows", "folder", "listed"), [(False, "wan/2.2/", "wan/2.2/"), (True, "wan/2.2/", "wan\\2.2\\")]
)
def test_sub_folders(kind: str, windows: bool, folder: str, listed: str, tmp_path: Path) -> None:
    """A file in a sub-folder is named as the server lists it, with its own separator; the seed stays."""
    with Simulator(files=server(MODEL, folder=folder), windows=windows) as sim:
        result = make(kind, tmp_path, sim)
        assert loaded(sim, result) == {
            "UNETLoader": f"{listed}{MODEL}",
            "CLIPLoader": f"{listed}{UMT5}",
            "VAELoader": f"{listed}{VAE}",
        }
    assert result.seed == 7
    assert any(f"{listed}{MODEL}" in note for note in result.notes)
    assert result.path is not None and result.path.stat().st_size > 0


@KINDS
@pytest.mark.parametrize(("vram_gb", "taken"), [(48, Q8), (4, Q4)])
def test_only_gguf(kind: str, vram_gb: float, taken: str, tmp_path: Path) -> None:
    """Of several quantisations the best that fits beside what is computed; its loader comes with it, and it is said."""
    with Simulator(files=server(Q8, Q4), vram_gb=vram_gb) as sim:
        result = make(kind, tmp_path, sim)
        assert loaded(sim, result)["UnetLoaderGGUF"] == taken
    assert any(taken in note and MODEL in note for note in result.notes)


@KINDS
def test_gguf_without_its_pack(kind: str, tmp_path: Path) -> None:
    """A server without the pack does not list such files: the preset's own is named, with where it is had."""
    with Simulator(files=server(Q8), packs=()) as sim, pytest.raises(GenerationRejectedError) as caught:
        make(kind, tmp_path, sim)
    line = next(line for line in str(caught.value).splitlines() if line.startswith("  model: "))
    assert MODEL in line and "10 GB" in line and "ComfyUI/models/diffusion_models/" in line


@KINDS
def test_what_is_missing(kind: str, tmp_path: Path) -> None:
    """What nothing can take the place of is told in a line each: role, size, folder, where it is had."""
    with Simulator(files={"diffusion_models": ["myMerge.safetensors"]}) as sim:
        with pytest.raises(GenerationRejectedError) as caught:
            make(kind, tmp_path, sim)
        assert not sim.jobs
    told = [line.partition(":")[0].strip() for line in str(caught.value).splitlines() if "ComfyUI/models/" in line]
    assert sorted(told) == ["model", "text_encoder", "vae"]
    assert caught.value.node_errors


@KINDS
def test_a_merge_of_ones_own(kind: str, tmp_path: Path) -> None:
    """A file that nobody describes is taken if it is named, by its own name too, and never unasked."""
    with Simulator(files=server("sub/myMerge.safetensors")) as sim:
        with pytest.raises(GenerationRejectedError):
            make(kind, tmp_path, sim)
        for name in ("sub/myMerge.safetensors", "myMerge.safetensors"):
            result = make(kind, tmp_path, sim, files={"model": name})
            assert loaded(sim, result)["UNETLoader"] == "sub/myMerge.safetensors"


@KINDS
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"modle": "x.safetensors"}, "no role 'modle'; did you mean 'model'?"),
        ({"model": "nothere.safetensors"}, "model='nothere.safetensors': the server lists no such file"),
        ({"model": VAE}, "vae/"),
        ({"model": 7}, "model=7: expected a file's name"),
    ],
)
def test_a_wrong_file(kind: str, files: Mapping[str, Any], words: str, tmp_path: Path) -> None:
    """A role or a file that is not there is the caller's mistake, and the error says what there is."""
    with Simulator(files=server(MODEL)) as sim:
        with pytest.raises(ValidationError) as caught:
            make(kind, tmp_path, sim, files=files)
        assert not sim.jobs
    assert words in str(caught.value)


@KINDS
def test_a_lora_in_a_sub_folder(kind: str, tmp_path: Path) -> None:
    """A LoRA by its own name is found where it lies."""
    files = {**server(MODEL), "loras": ["style/ink.safetensors"]}
    with Simulator(files=files) as sim:
        result = make(kind, tmp_path, sim, loras={"ink.safetensors": 0.8})
        assert loaded(sim, result)["LoraLoaderModelOnly"] == "style/ink.safetensors"


@KINDS
def test_without_a_preset(kind: str, tmp_path: Path) -> None:
    """Who has one model in another precision and folder gets a video at the first try."""
    with Simulator(files=server(Q4, folder="wan/"), vram_gb=8) as sim:
        result = make(kind, tmp_path, sim, preset=None, within=1e6)
    assert result.preset == "wan_5b"
    assert any(Q4 in note for note in result.notes)


@KINDS
def test_a_job_that_is_left(kind: str, tmp_path: Path) -> None:
    """A job that nobody waits for is filled in the same way."""
    with Simulator(files=server(Q4)) as sim:
        job = Person(kind, sim.url).call("generate_video", "a cat", preset="wan_5b", wait=False, **SMALL)
        assert sim.jobs == (job.prompt_id,)


@KINDS
def test_a_failed_result(kind: str, tmp_path: Path) -> None:
    """With raise_on_error=False what is missing stands in the result."""
    with Simulator(files={}) as sim:
        result = make(kind, tmp_path, sim, raise_on_error=False)
    assert result.status == "failed" and result.preset == "wan_5b" and result.seed == 7
    assert MODEL in str(result.error)


@KINDS
def test_one_that_lies_elsewhere_and_one_that_is_missing(kind: str, tmp_path: Path) -> None:
    """A file that could be had from a sub-folder does not hide what is missing, and where that is had."""
    files = {**server(f"sub/{MODEL}"), "vae": []}
    with Simulator(files=files) as sim:
        with pytest.raises(GenerationRejectedError) as caught:
            make(kind, tmp_path, sim)
        assert sim.jobs == ()
    assert [line for line in str(caught.value).splitlines() if "ComfyUI/models/" in line] == [
        f"  vae: {VAE} (1.41 GB) into ComfyUI/models/vae/, from Hugging Face Comfy-Org/Wan_2.2_ComfyUI_Repackaged: "
        f"split_files/vae/{VAE}"
    ]


@KINDS
@pytest.mark.slow
def test_the_best_precision_for_what_is_asked(kind: str, tmp_path: Path) -> None:
    """Which of several precisions is taken follows from the size that is asked for, with and without a preset."""
    asked = {"width": 1280, "height": 704, "frames": 121, "allow_untested": False}
    with Simulator(files=server(Q8, Q4), vram_gb=9.5, packs=("ComfyUI-GGUF",)) as sim:
        for preset in ("wan_5b", None):
            for given, taken in (({}, Q8), (asked, Q4)):
                result = make(kind, tmp_path, sim, preset=preset, wait=True, **given)
                assert loaded(sim, result)["UnetLoaderGGUF"] == taken


@KINDS
@pytest.mark.parametrize("asked", [{"files": {"model": MODEL}}, {"loras": {"a.safetensors": 1.0}}])
def test_what_belongs_to_one_model(kind: str, asked: dict[str, Any], tmp_path: Path) -> None:
    """Files and LoRAs are of one model, so whoever gives them names the preset."""
    with Simulator() as sim, pytest.raises(ValidationError, match="name the preset too"):
        make(kind, tmp_path, sim, preset=None, **asked)


@KINDS
@pytest.mark.parametrize("name", ["kind", "presets", "prompt_id", "request"])
def test_a_setting_by_an_inner_name(kind: str, name: str, tmp_path: Path) -> None:
    """What the code calls something inside is a setting like any other that nobody has."""
    with Simulator() as sim, pytest.raises(ValidationError, match=f"no setting '{name}'"):
        Person(kind, sim.url).call("generate_video", "a cat", preset="wan_5b", out=tmp_path, **{name: "x"})


@KINDS
def test_a_bare_server_without_an_error(kind: str, tmp_path: Path) -> None:
    """With raise_on_error=False a server that can run no preset gives a failed result too."""
    with Simulator(files={}) as sim:
        result = make(kind, tmp_path, sim, preset=None, raise_on_error=False)
    assert result.status == "failed" and "the server can run no preset yet" in str(result.error)
