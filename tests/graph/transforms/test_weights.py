"""Rules of another precision: which file is taken, which loader it needs, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.weights import with_precision
from comfy_headless.graph.transforms.wires import Changed, find_nodes, find_sources, set_inputs, users
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

MODELS = ("MODEL", "COGVIDEOMODEL")
NAMES = {"unet_name": "diffusion_models", "model": "diffusion_models", "ckpt_name": "checkpoints"}
REPOSITORIES = [name for name in TEMPLATES if name.startswith("cogvideox_repository")]
PLAIN = [name for name in TEMPLATES if {node["class_type"] for node in template(name).values()} & {"UNETLoader"}]
CHECKPOINTS = [
    name
    for name in TEMPLATES
    if {node["class_type"] for node in template(name).values()}
    & {"CheckpointLoaderSimple", "ImageOnlyCheckpointLoader"}
]
GGUF_NOTE = "GGUF files need the node pack ComfyUI-GGUF (https://github.com/city96/ComfyUI-GGUF)"


def loaders(graph: Graph) -> list[dict[str, Any]]:
    """The nodes that load the diffusion models."""
    return [graph[wire.node_id] for kind in MODELS for wire in find_sources(graph, kind, ALL_PACKS)]


def files(graph: Graph) -> list[tuple[str, str]]:
    """Folder and name of each diffusion model."""
    return [
        (folder, node["inputs"][name])
        for node in loaders(graph)
        for name, folder in NAMES.items()
        if name in node["inputs"]
    ]


def known(graph: Graph, *precisions: str) -> dict[tuple[str, str], dict[str, str]]:
    """A file of each diffusion model in each of these precisions."""
    return {
        (folder, file): {
            each: f"{file.rpartition('.')[0]}_{each}.{'gguf' if each[0] == 'Q' else 'safetensors'}"
            for each in precisions
        }
        for folder, file in files(graph)
    }


def loaded(name: str, precision: str, *precisions: str) -> Changed:
    graph = template(name)
    return change(graph, lambda given: with_precision(given, precision, known(graph, *precisions)))


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name not in REPOSITORIES])
@given(precision=st.sampled_from(["fp16", "fp8_scaled", "fp4_mixed", "BF16"]))
@settings(max_examples=4)
def test_every_template_takes_an_equivalent_file(name: str, precision: str) -> None:
    """Every model of a template becomes the file of that precision; nothing else of the graph changes."""
    graph = template(name)
    made, notes = loaded(name, precision, "fp16", "fp8_scaled", "fp4_mixed", "bf16")
    wanted = known(graph, precision.lower())
    assert [file for _, file in files(made)] == [wanted[key][precision.lower()] for key in files(graph)]
    old = [file for _, file in files(graph)]
    for node_id, node in graph.items():
        for key, value in node["inputs"].items():
            assert value in old or key in ("weight_dtype", "quantization") or made[node_id]["inputs"][key] == value
    assert all("instead of" in note for note in notes) and len(notes) == len(files(graph))


@pytest.mark.parametrize("name", PLAIN)
def test_gguf_changes_the_loader_and_back(name: str) -> None:
    """A GGUF file is loaded by ComfyUI-GGUF's node under the same id and title; the way back restores the graph."""
    graph = template(name)
    equivalents = known(graph, "Q4_K_M")
    made, notes = change(graph, lambda given: with_precision(given, "q4_k_m", equivalents))
    assert {node["class_type"] for node in loaders(made)} == {"UnetLoaderGGUF"} and GGUF_NOTE in notes
    assert all(list(node["inputs"]) == ["unet_name"] for node in loaders(made))
    assert [users(made, wire) for wire in find_sources(made, "MODEL", ALL_PACKS)] == [
        users(graph, wire) for wire in find_sources(graph, "MODEL", ALL_PACKS)
    ]
    back = {("diffusion_models", each["Q4_K_M"]): {"bf16": file} for (_, file), each in equivalents.items()}
    assert change(made, lambda given: with_precision(given, "bf16", back)).graph == graph


def test_one_gguf_to_another_keeps_the_loader() -> None:
    """From one GGUF file to another the node stays what it is, with its settings."""
    graph = template("wan22_5b_text")
    values = {"dequant_dtype": "default", "patch_dtype": "default", "patch_on_device": False}
    graph["1"] = {"class_type": "UnetLoaderGGUFAdvanced", "inputs": {"unet_name": "a-Q4_K_M.gguf", **values}}
    table = {("diffusion_models", "a-Q4_K_M.gguf"): {"Q4_K_M": "a-Q4_K_M.gguf", "Q8_0": "a-Q8_0.gguf"}}
    made = change(graph, lambda given: with_precision(given, "Q8_0", table)).graph
    assert made["1"] == {"class_type": "UnetLoaderGGUFAdvanced", "inputs": {"unet_name": "a-Q8_0.gguf", **values}}


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["fp8_e4m3fn", "fp8_scaled", "fp8"], "fp8"),
        (["fp8_e5m2", "fp8_e4m3fn", "fp8_scaled"], "fp8_scaled"),
        (["fp8_e5m2", "fp8_e4m3fn"], "fp8_e4m3fn"),
        (["fp8_e5m2"], "fp8_e5m2"),
    ],
)
def test_fp8_takes_the_best_that_there_is(there: list[str], taken: str) -> None:
    """``fp8`` is the file of just that name, else the scaled one, else e4m3fn, else what begins with it."""
    ((_, file),) = files(loaded("wan22_5b_text", "fp8", *there).graph)
    assert file == f"wan2.2_ti2v_5B_fp16_{taken}.safetensors"


@pytest.mark.parametrize("precision", ["fp8", "fp8_e4m3fn"])
def test_fp8_without_a_file_is_a_cast(precision: str) -> None:
    """Without an fp8 file a 16-bit one is cast while it loads, with a note; asking for 16 bits undoes that."""
    cast, notes = loaded("wan22_5b_text", precision)
    assert cast["1"]["inputs"] == {"unet_name": "wan2.2_ti2v_5B_fp16.safetensors", "weight_dtype": "fp8_e4m3fn"}
    assert len(notes) == 1 and "casts it to fp8_e4m3fn while it loads" in notes[0]
    back, notes = change(cast, lambda given: with_precision(given, "fp16", {}))
    assert back == template("wan22_5b_text") and notes == ("wan2.2_ti2v_5B_fp16.safetensors is fp16 already",)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.startswith("cogvideox")])
def test_cogvideox_casts_by_its_own_input(name: str) -> None:
    """CogVideoXWrapper's loaders cast by ``quantization``, those that load whole repositories too."""
    made, notes = change(template(name), lambda given: with_precision(given, "fp8", {}))
    assert loaders(made)[0]["inputs"] == {**loaders(template(name))[0]["inputs"], "quantization": "fp8_e4m3fn"}
    assert len(notes) == 1
    assert with_precision(made, "bf16", {}).graph == template(name)


def test_what_it_is_already_stays() -> None:
    """A model that is of that precision stays as it is, settings of its loader included; the note says so."""
    graph = set_inputs(template("mochi_text"), "1", {"weight_dtype": "fp8_e4m3fn_fast"})
    assert with_precision(graph, "fp8", {}) == Changed(
        graph, ("mochi_preview_fp8_scaled.safetensors is fp8_scaled already",)
    )


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if name.startswith("ltx2")])
def test_every_reader_of_the_checkpoint_follows(name: str) -> None:
    """LTX-2's sound and text come out of the same checkpoint: all nodes that name it name the new one."""
    made = loaded(name, "fp4", "fp4_mixed").graph
    named = {
        node["inputs"][key]
        for node in made.values()
        for key in node["inputs"]
        if MODEL_INPUTS.get((node["class_type"], key)) == "checkpoints"
    }
    assert named == {file for _, file in files(made)} and len(named) == 1


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_have_no_gguf(name: str) -> None:
    """A checkpoint cannot be had as GGUF, listed or not, and the reason is said."""
    graph = template(name)
    with pytest.raises(ValidationError, match="ComfyUI-GGUF loads diffusion models by themselves, not checkpoints"):
        with_precision(graph, "Q4_K_M", {})
    with pytest.raises(ValidationError, match=r"_Q4_K_M.gguf is a GGUF file.*not checkpoints"):
        with_precision(graph, "Q4_K_M", known(graph, "Q4_K_M"))


@pytest.mark.parametrize("name", [name for name in PLAIN if len(loaders(template(name))) == 2])
@pytest.mark.parametrize("lacking", [0, 1])
def test_both_change_or_neither(name: str, lacking: int) -> None:
    """If one of two models lacks the precision, nothing changes; the error says what there is of each."""
    graph = template(name)
    equivalents = known(graph, "fp4_mixed", "Q8_0")
    key = files(graph)[lacking]
    equivalents[key] = {"bf16": key[1], "Q8_0": "x.gguf"}
    with pytest.raises(ValidationError, match=rf"not to be had for {key[1]}") as caught:
        with_precision(graph, "fp4_mixed", equivalents)
    ids = [wire.node_id for wire in find_sources(graph, "MODEL", ALL_PACKS)]
    assert f"node {ids[lacking]} (UNETLoader): {key[1]} as Q8_0, bf16" in str(caught.value)
    assert f"node {ids[1 - lacking]} (UNETLoader): {files(graph)[1 - lacking][1]} as " in str(caught.value)


def test_a_precision_that_is_not_there() -> None:
    """What cannot be had is an error with what can, and a cast where that is a way."""
    graph = template("wan22_5b_text")
    with pytest.raises(
        ValidationError, match=r"precision='Q4_K_S'.*did you mean 'Q4_K_M'\? There is .* as Q4_K_M, fp16, or as fp8"
    ) as caught:
        with_precision(graph, "Q4_K_S", known(graph, "Q4_K_M"))
    assert "checkpoints" not in str(caught.value)
    with pytest.raises(ValidationError, match=r"svd_xt.safetensors as it is$"):
        with_precision(template("svd_image"), "fp8", {})


@pytest.mark.parametrize(
    "file", ["a_fp8_scaled.safetensors", "svdq-int4.safetensors", "a-Q4_0.gguf", "x_nvfp4.safetensors"]
)
def test_quantised_files_are_not_cast(file: str) -> None:
    """A file that its name calls quantised is not cast once more."""
    graph = set_inputs(template("wan22_5b_text"), "1", {"unet_name": file})
    with pytest.raises(ValidationError, match="There is node 1") as caught:
        with_precision(graph, "fp8_e4m3fn", {})
    assert "cast" not in str(caught.value)


def test_a_graph_without_a_model_is_refused() -> None:
    """A graph that loads no diffusion model says what it has; a loader that nobody knows is named."""
    picture = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    with pytest.raises(ValidationError, match="it has EmptyImage, SaveImage"):
        with_precision(picture, "fp8", {})
    graph = template("wan22_5b_text")
    graph["1"]["class_type"] = "UnetLoaderOfSomePack"
    with pytest.raises(ValidationError, match=r"node 1 \(UnetLoaderOfSomePack\) loads a model, but only UNETLoader"):
        with_precision(graph, "fp8", {}, schemas=Schemas.snapshot())
    graph = set_inputs(template("wan22_5b_text"), "1", {"unet_name": ["2", 0]})
    with pytest.raises(ValidationError, match=r"its unet_name is \['2', 0\]"):
        with_precision(graph, "fp8", {})


def test_text_encoders_and_vaes_stay() -> None:
    """Files of other folders stay as they are, though equivalents of them are known."""
    graph = template("wan22_5b_text")
    others = {
        ("text_encoders", graph["2"]["inputs"]["clip_name"]): {"fp8": "x"},
        ("vae", graph["3"]["inputs"]["vae_name"]): {"fp8": "x"},
    }
    made = with_precision(graph, "fp8", {**others, **known(graph, "fp8")}).graph
    assert [made[each] for each in find_nodes(graph, ["CLIPLoader", "VAELoader"])] == [graph["2"], graph["3"]]
