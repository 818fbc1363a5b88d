"""Rules of other model files: which loader reads them, what is refused, and names as a server lists them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.files import GGUF_LOADERS, as_listed, with_files
from comfy_headless.graph.transforms.weights import with_precision
from comfy_headless.graph.transforms.wires import Changed, find_nodes, find_sources, set_inputs, users
from tests.graph.transforms.graphs import node
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

WAN = "wan22_5b_text"
DUAL = "hunyuan15_text"
MODEL, TEXT, VAE = ("1", "unet_name"), ("2", "clip_name"), ("3", "vae_name")


def places(graph: Graph) -> dict[tuple[str, str], str]:
    """The folder of each input that names a model file."""
    return {
        (node_id, name): MODEL_INPUTS[node["class_type"], name]
        for node_id, node in graph.items()
        for name in node["inputs"]
        if (node["class_type"], name) in MODEL_INPUTS
    }


def listing(graph: Graph) -> dict[str, set[str]]:
    """The model files that a graph names, by folder."""
    found: dict[str, set[str]] = {}
    for (node_id, name), folder in places(graph).items():
        found.setdefault(folder, set()).add(graph[node_id]["inputs"][name])
    return found


def placed(graph: Graph, files: dict[tuple[str, str], str]) -> Changed:
    """The graph with these files, checked by the shipped schemas."""
    return change(graph, lambda given: with_files(given, files))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_file_of_the_same_kind_changes_its_name_only(name: str) -> None:
    """Every input of every template takes another file, and nothing else of the graph changes."""
    graph = template(name)
    files = dict.fromkeys(places(graph), "my/own merge.safetensors")
    made = placed(graph, files)
    for (node_id, field), file in files.items():
        graph[node_id]["inputs"][field] = file
    assert made == Changed(graph)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if find_nodes(template(name), GGUF_LOADERS)])
def test_gguf_changes_the_loader_and_back(name: str) -> None:
    """GGUF files are read by the pack's node under the same id, title and wires; the way back restores the graph."""
    graph = template(name)
    loaders = find_nodes(graph, GGUF_LOADERS)
    swapped = [place for place in places(graph) if place[0] in loaders]
    made = placed(graph, {place: f"a/x{place[1]}-Q4_K_M.gguf" for place in swapped}).graph
    assert [made[each]["class_type"] for each in loaders] == [
        GGUF_LOADERS[graph[each]["class_type"]] for each in loaders
    ]
    assert all(made[each]["_meta"] == graph[each]["_meta"] for each in loaders)
    for kind in ("MODEL", "CLIP"):
        assert [users(made, wire) for wire in find_sources(made, kind, ALL_PACKS)] == [
            users(graph, wire) for wire in find_sources(graph, kind, ALL_PACKS)
        ]
    assert placed(made, {place: graph[place[0]]["inputs"][place[1]] for place in swapped}).graph == graph


def test_one_gguf_file_of_two_is_enough() -> None:
    """The loader of two text encoders becomes the pack's as soon as one is a GGUF file, and stays it until none is."""
    graph = template(DUAL)
    (loader,) = find_nodes(graph, ["DualCLIPLoader"])
    one = placed(graph, {(loader, "clip_name1"): "qwen-Q8_0.gguf"}).graph
    assert one[loader]["class_type"] == "DualCLIPLoaderGGUF"
    assert one[loader]["inputs"]["clip_name2"] == graph[loader]["inputs"]["clip_name2"]
    other = placed(one, {(loader, "clip_name2"): "other_fp16.safetensors"}).graph
    assert other[loader]["class_type"] == "DualCLIPLoaderGGUF"
    assert placed(other, {(loader, "clip_name1"): "qwen_fp8_scaled.safetensors"}).graph[loader]["class_type"] == (
        "DualCLIPLoader"
    )


def test_scaled_fp8_beside_gguf_is_refused() -> None:
    """ComfyUI-GGUF refuses scaled fp8 beside a GGUF file when it runs, so it is refused here."""
    graph = template(DUAL)
    (loader,) = find_nodes(graph, ["DualCLIPLoader"])
    files = {(loader, "clip_name1"): "qwen_fp8_scaled.safetensors", (loader, "clip_name2"): "byt5-Q8_0.gguf"}
    with pytest.raises(ValidationError, match=r"byt5-Q8_0.gguf and qwen_fp8_scaled.safetensors do not go together"):
        with_files(graph, files)


def test_the_advanced_loader_stays() -> None:
    """From one GGUF file to another the node stays what it is, with its settings."""
    values = {"dequant_dtype": "target", "patch_dtype": "default", "patch_on_device": False}
    graph = {**template(WAN), "1": node("UnetLoaderGGUFAdvanced", unet_name="a-Q4_K_M.gguf", **values)}
    made = placed(graph, {MODEL: "a-Q8_0.gguf"}).graph
    assert made["1"] == node("UnetLoaderGGUFAdvanced", unet_name="a-Q8_0.gguf", **values)


@pytest.mark.parametrize(
    ("file", "dtype"),
    [
        ("merge.safetensors", "fp8_e4m3fn"),
        ("x_bf16.safetensors", "fp8_e4m3fn"),
        ("x_fp8_scaled.safetensors", "default"),
        ("x_nvfp4.safetensors", "default"),
    ],
)
def test_a_cast_ends_with_a_file_that_needs_none(file: str, dtype: str) -> None:
    """``weight_dtype`` stays for what is wide, or says nothing, and ends for what is quantised already."""
    graph = set_inputs(template(WAN), "1", {"weight_dtype": "fp8_e4m3fn"})
    assert placed(graph, {MODEL: file}).graph["1"]["inputs"] == {"unet_name": file, "weight_dtype": dtype}


def test_a_text_encoder_leaves_the_cpu_with_a_note() -> None:
    """The pack's loader knows no device; that it held the model on the CPU is said."""
    graph = set_inputs(template(WAN), "2", {"device": "cpu"})
    made, notes = placed(graph, {TEXT: "umt5-Q8_0.gguf"})
    assert "device" not in made["2"]["inputs"] and notes == (
        "node 2 (CLIPLoader) held its model on the CPU; CLIPLoaderGGUF cannot",
    )


@pytest.mark.parametrize(
    ("name", "place", "file", "said"),
    [
        ("ltxv_text", ("1", "ckpt_name"), "x-Q4_K_M.gguf", r"a GGUF file, .* not checkpoints that hold text encoder"),
        (WAN, VAE, "vae.gguf", r"node 3 \(VAELoader\): vae_name='vae.gguf': a GGUF file, and nothing"),
        (WAN, MODEL, "svdq-int4_r32-wan.safetensors", "read by Nunchaku's own loaders"),
        (WAN, MODEL, "flux1-nf4-v2.safetensors", "read by the loaders of a node pack for bitsandbytes"),
        (WAN, ("99", "x"), "x.safetensors", "the graph has no node '99'; it has 1, 2"),
        (WAN, ("1", "ckpt_name"), "x.safetensors", "input 'ckpt_name' is not there; inputs with text: unet_name"),
    ],
)
def test_what_nothing_loads_there(name: str, place: tuple[str, str], file: str, said: str) -> None:
    """A file that no loader could read in that place is an error that says why; so is a place that there is not."""
    graph = template(name)
    with pytest.raises(ValidationError, match=said):
        with_files(graph, {place: file})


def test_a_wire_is_no_place() -> None:
    """An input that takes a wire names no file."""
    graph = template(WAN)
    node_id, name = next(
        (each, name) for each in graph for name, value in graph[each]["inputs"].items() if value == ["1", 0]
    )
    with pytest.raises(ValidationError, match="is a wire"):
        with_files(graph, {(node_id, name): "x"})


def listed(graph: Graph, files: dict[str, Any]) -> Changed:
    """The graph named as listed, which the server then takes."""
    made = change(graph, lambda given: as_listed(given, files))
    report = check(made.graph, ALL_PACKS.with_files(files, ["start.png", "end.png", "example.png"]))
    assert not [each for each in report.problems if each.input in {name for _, name in places(graph)}], str(report)
    return made


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_files_in_sub_folders(name: str, separator: str) -> None:
    """Every file that lies in a sub-folder is named as the server lists it, on Windows in other letters too."""
    graph = template(name)
    there = listing(graph)
    files = {folder: [f"my{separator}own{separator}{each}" for each in names] for folder, names in there.items()}
    made, notes = listed(graph, files)
    assert notes == ()
    for (node_id, field), _ in places(graph).items():
        assert made[node_id]["inputs"][field] == f"my{separator}own{separator}{graph[node_id]['inputs'][field]}"
    shouted = {folder: [each.upper() for each in names] for folder, names in files.items()}
    found = as_listed(graph, shouted).graph != graph
    assert found == (separator == "\\")


@given(st.sampled_from(list(TEMPLATES)))
def test_what_is_listed_stays(name: str) -> None:
    """A graph that the server takes as it is stays as it is, and so does what it does not have at all."""
    graph = template(name)
    assert as_listed(graph, listing(graph)) == Changed(graph)
    assert as_listed(graph, {}) == Changed(graph)
    assert as_listed(graph, {folder: ["other.safetensors"] for folder in listing(graph)}) == Changed(graph)


@pytest.mark.parametrize(
    ("asked", "there", "taken", "said"),
    [
        ("a/x.pt", ["x.pt", "b/x.pt", "c/a/x.pt"], "c/a/x.pt", ""),
        ("a\\x.pt", ["a/x.pt", "x.pt"], "a/x.pt", ""),
        ("a/x.pt", ["x.pt"], "x.pt", ""),
        ("x.pt", ["long/x.pt", "b/x.pt", "a/x.pt"], "a/x.pt", "x.pt lies in vae/ as a/x.pt and as b/x.pt, long/x.pt"),
        ("a/x.pt", ["b/x.pt"], "b/x.pt", "a/x.pt is not in vae/; b/x.pt, of the same name, was taken"),
        ("x.pt", ["x.pt", "a/x.pt"], "x.pt", ""),
        ("x.pt", ["A/X.PT"], "x.pt", ""),
        ("x.pt", ["A\\X.PT", "b\\x.pt"], "b\\x.pt", ""),
        ("pixel_space", ["a/pixel_space"], "pixel_space", ""),
    ],
)
def test_which_of_several(asked: str, there: list[str], taken: str, said: str) -> None:
    """The name that shares most folders, then the shortest, then the first; what may be another file is said."""
    graph = set_inputs(template(WAN), "3", {"vae_name": asked})
    made, notes = as_listed(graph, {"vae": there})
    assert made["3"]["inputs"]["vae_name"] == taken
    assert bool(notes) == bool(said) and said in "".join(notes)


def test_another_name_of_a_file() -> None:
    """A file that lies there under another known name is taken, and said; its own name comes first."""
    graph = set_inputs(template(WAN), "3", {"vae_name": "a/x.pt"})
    names = {("vae", "x.pt"): ("y.pt", "z.pt"), ("loras", "x.pt"): ("w.pt",)}
    made, notes = as_listed(graph, {"vae": ["b/z.pt", "w.pt"]}, other_names=names)
    assert made["3"]["inputs"]["vae_name"] == "b/z.pt" and notes == ("a/x.pt goes by the name b/z.pt there",)
    assert as_listed(graph, {"vae": ["b/z.pt", "x.pt"]}, other_names=names).graph["3"]["inputs"]["vae_name"] == "x.pt"
    assert as_listed(graph, {"vae": ["w.pt"]}, other_names=names) == Changed(graph)


def test_another_precision_of_a_file_in_a_sub_folder() -> None:
    """A precision is found for a file however the server lists it; what it is already keeps its sub-folder."""
    file = template(WAN)["1"]["inputs"]["unet_name"]
    table = {("diffusion_models", file): {"fp16": file, "Q8_0": "x-Q8_0.gguf"}}
    for name in (f"wan\\{file}", f"a/b/{file}"):
        graph = set_inputs(template(WAN), "1", {"unet_name": name})
        made = change(graph, lambda given: with_precision(given, "q8_0", table)).graph
        assert made["1"]["inputs"] == {"unet_name": "x-Q8_0.gguf"}
        assert with_precision(graph, "fp16", table).graph == graph
