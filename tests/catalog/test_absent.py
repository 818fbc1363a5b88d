"""A model file that a server lacks: what else there is, in which order, and where the file is had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from comfy_headless.catalog.absent import with_file_remedies
from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.graph.check import check
from comfy_headless.graph.report import Report
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from tests.graph.test_remedies import pasted

OWN = "wan2.2_ti2v_5B_fp16.safetensors"
MODEL = f"diffusion_models/{OWN}"
SOURCE = "Comfy-Org/Wan_2.2_ComfyUI_Repackaged"
FETCH = (
    f"curl -fL -C - --create-dirs -o models/{MODEL} https://huggingface.co/{SOURCE}/resolve/main/split_files/{MODEL}"
    "  # 10 GB to fetch; run it in the folder of that ComfyUI"
)
REST = {"text_encoders": ["umt5_xxl_fp8_e4m3fn_scaled.safetensors"], "vae": ["wan2.2_vae.safetensors"]}
PLACE = 'graph["1"]["inputs"]["unet_name"]'


def looked(graph: Graph, files: Mapping[str, list[str]]) -> tuple[Report, Schemas]:
    """The report on a graph for a server with these files, and its schemas."""
    schemas = Schemas.snapshot().with_files(files)
    facts = ServerFacts(frozenset(schemas), {folder: frozenset(names) for folder, names in files.items()})
    return with_file_remedies(check(graph, schemas), schemas, facts, PRESETS.files), schemas


def graph_of_wan() -> Graph:
    return compile_workflow("wan_5b", "x", seed=1)


@pytest.mark.parametrize(
    ("lists", "remedy"),
    [
        ({}, FETCH),
        (
            {"diffusion_models": [f"wan/{OWN}", "other.safetensors"]},
            f'{PLACE} = "wan/{OWN}"  # so the server lists it',
        ),
        (
            {"diffusion_models": [f"wan\\{OWN}"]},
            f'{PLACE} = "wan\\\\{OWN}"  # so the server lists it',
        ),
        (
            {"diffusion_models": [f"a\\{OWN.upper()}"]},
            f'{PLACE} = "a\\\\{OWN.upper()}"  # so the server lists it',
        ),
        (
            {"diffusion_models": [f"a/{OWN}", f"b/{OWN}"]},
            f'{PLACE} = "a/{OWN}"  # so the server lists it; it lies there as b/{OWN} too',
        ),
        (
            {"checkpoints": [f"sub/{OWN}"]},
            f"mv ComfyUI/models/checkpoints/sub/{OWN} ComfyUI/models/{MODEL}"
            "  # on the server: it lies in checkpoints/, which unet_name does not list",
        ),
        (
            {"checkpoints": [f"sub\\{OWN}"]},
            f'move "ComfyUI\\models\\checkpoints\\sub\\{OWN}" "ComfyUI\\models\\diffusion_models\\{OWN}"'
            "  # on the server: it lies in checkpoints/, which unet_name does not list",
        ),
        ({"diffusion_models": ["wan2.2_ti2v_5B_mine.safetensors"]}, FETCH),
    ],
)
def test_what_to_do_about_an_absent_file(lists: dict[str, list[str]], remedy: str) -> None:
    """The same file by the name that the server lists comes first, then its other folder, then where it is had."""
    report, _ = looked(graph_of_wan(), {**REST, **lists})
    (problem,) = report.problems
    assert (problem.kind, problem.severity, problem.remedy) == ("value_not_in_list", "refused", remedy)


def test_a_server_whose_folder_is_known() -> None:
    """Where the server's folder is on this machine, a command of this program fetches the file into it."""
    schemas = Schemas.snapshot().with_files(REST)
    facts = ServerFacts(frozenset(schemas), {folder: frozenset(names) for folder, names in REST.items()})
    report = check(graph_of_wan(), schemas)
    (problem,) = with_file_remedies(report, schemas, facts, PRESETS.files, Path("/my comfy")).problems
    assert problem.remedy == (
        f"comfy-headless models download {MODEL} --comfyui '/my comfy'"
        f"  # 10 GB from Hugging Face {SOURCE}: split_files/{MODEL}"
    )


def test_another_precision_that_is_there() -> None:
    """The same network in another precision is offered before a download, the best first, and the download is told."""
    graph = compile_workflow("wan_fast", "x", seed=1)
    low = "wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors"
    node_id = next(each for each, node in graph.items() if node["inputs"].get("unet_name") == low)
    others = [
        file
        for file in PRESETS.files.values()
        if file.weights == PRESETS.files[f"diffusion_models/{low}"].weights and file.name != low
    ]
    plain = [file for file in others if not file.name.endswith(".gguf")]
    report, schemas = looked(graph, {"diffusion_models": [file.name for file in others]})
    remedy = next(each.remedy for each in report.problems if each.node_id == node_id)
    assert plain and remedy.startswith(f'graph["{node_id}"]["inputs"]["unet_name"] = "{plain[0].name}"  # the same in ')
    assert f"; its own: curl -fL -C - --create-dirs -o models/diffusion_models/{low} https://" in remedy
    mended = check(pasted(graph, report), schemas)
    assert not [each for each in mended.problems if each.node_id == node_id]


def test_another_name_of_the_same_file() -> None:
    """A file that lies there under another of its names is taken by that."""
    file = next(each for each in PRESETS.files.values() if each.also and each.folder == "diffusion_models")
    graph = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": file.name, "weight_dtype": "default"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    report, schemas = looked(graph, {"diffusion_models": [f"sub/{file.also[0]}"]})
    assert report.problems[0].remedy == f'{PLACE} = "sub/{file.also[0]}"  # the same file by another name'
    assert check(pasted(graph, report), schemas).ok


@pytest.mark.parametrize(
    ("there", "remedy"),
    [
        (
            ["styles/my_loras.safetensors", "far_off.safetensors"],
            'graph["1"]["inputs"]["vae_name"] = "styles/my_loras.safetensors"  # the nearest name there; or put '
            "my_lora.safetensors into ComfyUI/models/vae/",
        ),
        (
            ["zzz.ckpt"],
            "put my_lora.safetensors into ComfyUI/models/vae/: nothing there is called so, and no preset says where it "
            "is had",
        ),
    ],
)
def test_a_file_that_nobody_describes(there: list[str], remedy: str) -> None:
    """Of a file that no preset names, the nearest name is offered, or what to put where."""
    graph = {
        "1": {"class_type": "VAELoader", "inputs": {"vae_name": "my_lora.safetensors"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    report, _ = looked(graph, {"vae": there})
    assert [each.remedy for each in report.problems] == [remedy]


def test_a_loader_of_a_node_pack() -> None:
    """A file that a preset describes is known in the list of any loader, of packs that nobody has looked at too."""
    loader = {"input": {"required": {"model": [["a.safetensors"], {}]}}, "output": ["MODEL"], "output_node": True}
    schemas = Schemas.from_object_info({"PackLoader": {**loader, "python_module": "custom_nodes.pack"}})
    graph = {"1": {"class_type": "PackLoader", "inputs": {"model": OWN}}}
    report = with_file_remedies(check(graph, schemas), schemas, ServerFacts(frozenset(schemas), {}), PRESETS.files)
    assert report.problems[0].remedy == FETCH


def test_other_problems_keep_their_remedy() -> None:
    """Only problems with model files are looked at."""
    graph = graph_of_wan()
    graph["1"]["inputs"]["weight_dtype"] = "fp8_e4m3fm"
    report, _ = looked(graph, {**REST, "diffusion_models": [OWN]})
    assert [each.remedy[:43] for each in report.problems] == ['graph["1"]["inputs"]["weight_dtype"] = "fp8']
