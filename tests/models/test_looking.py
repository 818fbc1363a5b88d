"""What is there of a preset's files: in a folder, on a simulated server, under other names, cut off."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.errors import ComfyUIOfflineError, ValidationError
from comfy_headless.models.listing import list_models
from comfy_headless.models.looking import check_models
from comfy_headless.simulator import Simulator
from tests.cli.program import environment
from tests.models import tiny


def listed(preset: str, library: PresetLibrary, tree: Path) -> dict[str, str | None]:
    """By what name each file is there."""
    return {each.file.key: each.listed for each in check_models(preset, comfyui=tree, library=library).files}


def test_nothing_there(library: PresetLibrary, tree: Path) -> None:
    """Each missing file has one line to paste, which names it, the preset and the folder."""
    check = check_models("tiny", comfyui=tree, library=library)
    assert (check.ok, check.place, check.missing_gb) == (False, str(tree), pytest.approx(0.00046))
    assert {each.file.key for each in check.missing} == {tiny.MODEL, tiny.VAE, tiny.TEXT}
    for each in check.missing:
        words = ["comfy-headless", "models", "download", each.file.key, "--preset", "tiny", "--comfyui", str(tree)]
        assert each.get == shlex.join(words)
        assert (each.tasks, each.listed, each.precision) == (("text", "image"), None, None)
        assert each.get in str(check)


def test_lines_to_paste_name_extra_paths(library: PresetLibrary, tree: Path, tmp_path: Path) -> None:
    """A file of extra paths that was named is part of each line, so that it fetches to the same place."""
    more = tmp_path / "my paths.yaml"
    more.write_text("mine:\n  vae: /v\n")
    (line, *_) = (each.get for each in check_models("tiny", comfyui=tree, extra_paths=[more], library=library).missing)
    assert line is not None and line.endswith(f"--comfyui {tree} --extra-paths '{more}'")


def test_all_there(library: PresetLibrary, tree: Path) -> None:
    """Files in sub-folders, by another usual name and in another precision count, and that is said."""
    tiny.put(tree / "models/vae/tiny_vae_of_somebody.safetensors", tiny.CONTENTS[tiny.VAE])
    tiny.put(tree / "models/clip/my/tiny_text.safetensors", tiny.CONTENTS[tiny.TEXT])
    tiny.put(tree / "models/unet/tiny_Q4_K_M.gguf", tiny.CONTENTS[tiny.Q4])
    check = check_models("tiny", comfyui=tree, library=library)
    assert check.ok and check.missing_gb == 0 and str(check) == f"{tree} has every model file of tiny"
    assert {each.file.key: (each.listed, each.precision, each.note, each.get) for each in check.files} == {
        tiny.VAE: ("tiny_vae_of_somebody.safetensors", "fp16", "is there as tiny_vae_of_somebody.safetensors", None),
        tiny.TEXT: ("my/tiny_text.safetensors", "fp8_scaled", "is there as my/tiny_text.safetensors", None),
        tiny.MODEL: ("tiny_Q4_K_M.gguf", "Q4_K_M", "tiny_Q4_K_M.gguf, Q4_K_M, serves in its place", None),
    }


def test_a_file_that_is_cut_off(library: PresetLibrary, tree: Path) -> None:
    """A file far smaller than it should be, or a link that leads nowhere, is not there; its path is named."""
    cut = tiny.put(tree / "models/vae/tiny_vae.safetensors", b"x" * 1000)
    (tree / "models/text_encoders").mkdir()
    (tree / "models/text_encoders/tiny_text.safetensors").symlink_to("nowhere")
    check = check_models("tiny", comfyui=tree, library=library)
    notes = {each.file.key: each.note for each in check.missing}
    assert notes[tiny.VAE] == (
        f"{cut} is not whole: 1,000 bytes where 40 kB are expected; delete it, and fetch it again"
    )
    assert notes[tiny.TEXT] == (
        f"{tree}/models/text_encoders/tiny_text.safetensors leads nowhere; delete it, and fetch it again"
    )
    assert notes[tiny.MODEL] == ""


def test_a_folder_that_no_loader_lists(library: PresetLibrary, tree: Path, tmp_path: Path) -> None:
    """A preset's file in such a folder is taken to be there on a server; in a folder here it is looked for."""
    for name in ("tiny.toml", "files.toml"):
        path = tmp_path / "presets" / name
        path.write_text(path.read_text().replace('"vae/', '"my_pack/').replace('folder = "vae"', 'folder = "my_pack"'))
    key = "my_pack/tiny_vae.safetensors"
    assert listed("tiny", library, tree)[key] is None
    tiny.put(tree / "models" / key, tiny.CONTENTS[tiny.VAE])
    assert listed("tiny", library, tree)[key] == "tiny_vae.safetensors"


def test_a_server() -> None:
    """A server is asked for its lists; its lines to paste are of curl, for a machine without this program."""
    with Simulator() as simulator:
        assert check_models(["wan_5b", "fast"], server=simulator.url).ok
    with Simulator(files={}) as simulator:
        check = check_models("wan_5b", task="text", server=simulator.url)
        assert check.place == simulator.url and not check.ok
    vae = next(each for each in check.missing if each.file.folder == "vae")
    assert vae.get == (
        "curl -fL -C - --create-dirs -o models/vae/wan2.2_vae.safetensors "
        f"https://huggingface.co/{vae.file.repository}/resolve/main/{vae.file.path}"
    )
    with pytest.raises(ComfyUIOfflineError):
        check_models("wan_5b", server="http://127.0.0.1:9")


LOADED = """
import sys
from comfy_headless import check_models, list_models
check_models("wan_5b", comfyui=sys.argv[1])
list_models("wan_5b", comfyui=sys.argv[1])
print(sorted({"huggingface_hub", "yaml", "httpx", "hf_xet"} & set(sys.modules)))
"""


def test_a_look_needs_no_extra(tree: Path) -> None:
    """Listing and checking a folder loads neither huggingface_hub nor yaml, nor anything that speaks HTTP."""
    command = [sys.executable, "-W", "error", "-c", LOADED, str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_the_folder_of_the_environment_comes_before_a_server(
    library: PresetLibrary, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither is named, the folder of COMFY_HEADLESS_COMFYUI counts; a server that is named counts before it."""
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(tree))
    assert check_models("tiny", library=library).place == str(tree)
    with Simulator() as simulator:
        assert check_models("wan_5b", server=simulator.url).place == simulator.url


def test_wrong_names(library: PresetLibrary, tree: Path) -> None:
    """A preset or task that is none, and two places at once, are the caller's mistake."""
    with pytest.raises(ValidationError, match=r"no preset 'tinny'; did you mean 'tiny'\?"):
        check_models("tinny", comfyui=tree, library=library)
    with pytest.raises(ValidationError, match="preset 'tiny' has no task 'first_last'; it has: text, image"):
        check_models("tiny", task="first_last", comfyui=tree, library=library)
    with pytest.raises(ValidationError, match="server and comfyui: give one of them"):
        check_models("tiny", server="http://127.0.0.1:9", comfyui=tree, library=library)
    with pytest.raises(ValidationError, match="extra paths belong to a folder; a server knows its own"):
        check_models("tiny", server="http://127.0.0.1:9", extra_paths=["x.yaml"], library=library)
    with pytest.raises(ValidationError, match="no ComfyUI folder is named"):
        check_models("tiny", extra_paths=["x.yaml"], library=library)


def test_the_list(library: PresetLibrary, tree: Path) -> None:
    """Of a preset: its files, who needs them, and the same networks in other precisions; what is there, if looked."""
    tiny.put(tree / "models/vae/deep/tiny_vae.safetensors", tiny.CONTENTS[tiny.VAE])
    found = list_models("tiny", library=library)
    assert found.place is None
    assert {each.file.key: (each.presets, each.in_place_of) for each in found.files} == {
        tiny.MODEL: (("tiny",), ()),
        tiny.Q4: ((), ("tiny_fp16.safetensors",)),
        tiny.TEXT: (("tiny",), ()),
        tiny.VAE: (("tiny",), ()),
    }
    assert {each.licences for each in found.files} == {("Apache-2.0",)}
    there = {each.file.key: each.listed for each in list_models("tiny", comfyui=tree, library=library).files}
    assert there == {tiny.MODEL: None, tiny.Q4: None, tiny.TEXT: None, tiny.VAE: "deep/tiny_vae.safetensors"}


def test_the_whole_list() -> None:
    """Without a preset every described file is there once; those of variants name the option, all others a licence."""
    files = list_models().files
    keys = [each.file.key for each in files]
    assert len(keys) == len(set(keys)) and set(keys) >= set(PRESETS.files)
    assert {each.variant for each in files} == {None, "--upscale 2", "--upscale 4", "--interpolate"}
    assert all(each.licences for each in files if each.presets or each.in_place_of)
