"""Rules of LoRAs on a graph's models: which model takes which, in which order, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.loras import add_loras
from comfy_headless.graph.transforms.wires import Changed, Wire, find_nodes, find_sources, links, set_inputs
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

LOADERS = {name: len(find_sources(template(name), "MODEL", ALL_PACKS)) for name in TEMPLATES}
OTHERS = [name for name in TEMPLATES if LOADERS[name] == 1]
EXPERTS = [name for name in TEMPLATES if LOADERS[name] == 2 and name.startswith("wan22_14b")]
SEVERAL = [name for name in TEMPLATES if LOADERS[name] == 2 and name not in EXPERTS]
COGVIDEO = [name for name in TEMPLATES if LOADERS[name] == 0]
PAIR = {"style_high_noise.safetensors": 0.9, "style_low_noise.safetensors": 0.6}
CLASSES = ("LoraLoader", "LoraLoaderModelOnly")


def behind(graph: Graph, wire: Wire) -> list[tuple[str, float]]:
    """The LoRAs that a model passes from ``wire`` on, with strengths, as long as nothing else takes it."""
    takers = [node_id for node_id in find_nodes(graph, CLASSES) if links(graph, node_id).get("model") == wire]
    if not takers:
        return []
    inputs = graph[takers[0]]["inputs"]
    assert len(takers) == 1 and inputs.get("strength_clip", inputs["strength_model"]) == inputs["strength_model"]
    return [(inputs["lora_name"], inputs["strength_model"]), *behind(graph, Wire(takers[0], 0))]


def chained(graph: Graph, node_id: str) -> list[tuple[str, float]]:
    """The LoRAs in the chain of a CogVideoX loader, from the first."""
    found: list[tuple[str, float]] = []
    wire = links(graph, node_id).get("lora")
    while wire is not None:
        inputs = graph[wire.node_id]["inputs"]
        found.insert(0, (inputs["lora"], inputs["strength"]))
        wire = links(graph, wire.node_id).get("prev_lora")
    return found


def added(name: str, loras: dict[str, float], **options: Any) -> Changed:
    return change(template(name), lambda graph: add_loras(graph, loras, **options))


@pytest.mark.parametrize("name", OTHERS)
@given(strengths=st.lists(st.floats(-100, 100), min_size=1, max_size=3))
@settings(max_examples=5)
def test_loras_stand_behind_the_loader_in_order(name: str, strengths: list[float]) -> None:
    """Every shipped template takes LoRAs: in the order given, with their strengths, before those that it has."""
    loras = {f"own/{position}.safetensors": strength for position, strength in enumerate(strengths)}
    (source,) = find_sources(template(name), "MODEL", ALL_PACKS)
    before = behind(template(name), source)
    assert behind(added(name, loras).graph, source) == [*loras.items(), *before]


@pytest.mark.parametrize("name", EXPERTS)
def test_each_half_goes_to_its_expert(name: str) -> None:
    """Of a pair each expert takes its half, at its own strength, and nothing is left to say."""
    graph, notes = added(name, PAIR)
    high, low = find_sources(graph, "MODEL", ALL_PACKS)
    assert "high_noise" in graph[high.node_id]["inputs"]["unet_name"]
    assert behind(graph, high)[0] == ("style_high_noise.safetensors", 0.9)
    assert behind(graph, low)[0] == ("style_low_noise.safetensors", 0.6)
    assert "style_low_noise.safetensors" not in dict(behind(graph, high)) and notes == ()


@pytest.mark.parametrize("loras", [PAIR, dict(reversed(PAIR.items()))], ids=["high first", "low first"])
def test_experts_are_told_by_name_not_by_place(loras: dict[str, float]) -> None:
    """Neither the order of the LoRAs nor that of the loaders decides; exchange the files and the halves follow."""
    graph = template("wan22_14b_text")
    one, other = find_sources(graph, "MODEL", ALL_PACKS)
    names = [graph[wire.node_id]["inputs"]["unet_name"] for wire in (one, other)]
    turned = set_inputs(set_inputs(graph, one.node_id, {"unet_name": names[1]}), other.node_id, {"unet_name": names[0]})
    made = change(turned, lambda given: add_loras(given, loras)).graph
    assert behind(made, one) == [("style_low_noise.safetensors", 0.6)]
    assert behind(made, other) == [("style_high_noise.safetensors", 0.9)]


def test_a_lora_for_neither_expert_goes_to_both() -> None:
    """A LoRA that names no expert goes to both, and a note says so."""
    graph, notes = added("wan22_14b_text", {"style.safetensors": 0.5})
    assert [behind(graph, wire) for wire in find_sources(graph, "MODEL", ALL_PACKS)] == [
        [("style.safetensors", 0.5)]
    ] * 2
    assert notes == ("style.safetensors names neither high nor low noise: both experts take it",)


def test_one_half_alone_is_noted() -> None:
    """Half a pair goes to its expert; the other expert stays as it is, and a note says so."""
    graph, notes = added("wan22_14b_text", {"style_high_noise.safetensors": 1})
    high, low = find_sources(graph, "MODEL", ALL_PACKS)
    assert behind(graph, high) == [("style_high_noise.safetensors", 1.0)] and behind(graph, low) == []
    (note,) = notes
    assert "style_high_noise.safetensors is for the high-noise expert" in note


def test_a_half_on_a_single_model_is_noted() -> None:
    """A graph with one model takes a half all the same, and a note says what the name says."""
    graph, notes = added("wan22_5b_text", {"style_low_noise.safetensors": 1.0})
    (note,) = notes
    assert "low-noise expert of two" in note and len(find_nodes(graph, CLASSES)) == 1


def test_clip_is_changed_where_the_loader_gives_it() -> None:
    """A checkpoint whose own text encoder is in use gives both through each LoRA; all users of either change over."""
    graph = added("animatediff_text", {"a.safetensors": 0.5, "b.safetensors": -1}).graph
    first, second = find_nodes(graph, ["LoraLoader"])[-2:]
    (source,) = find_sources(graph, "MODEL", ALL_PACKS)
    assert links(graph, first) == {"model": source, "clip": Wire(source.node_id, 1)}
    assert links(graph, second) == {"model": Wire(first, 0), "clip": Wire(first, 1)}
    encoders = find_nodes(graph, ["CLIPTextEncode"])
    assert encoders and all(links(graph, each)["clip"] == Wire(second, 1) for each in encoders)


def test_clip_of_another_loader_is_left_alone() -> None:
    """A checkpoint beside a text encoder of its own is changed in its model alone."""
    graph = added("ltxv_text", {"a.safetensors": 0.5}).graph
    assert not find_nodes(graph, ["LoraLoader"]) and find_nodes(graph, ["LoraLoaderModelOnly"])


@pytest.mark.parametrize("name", COGVIDEO)
def test_cogvideox_takes_them_its_own_way(name: str) -> None:
    """CogVideoXWrapper's loaders take a chain of LoRAs by an input; those that are there already come last."""
    loras = {"a.safetensors": 0.5, "b.safetensors": 1.0}
    once = added(name, loras)
    (source,) = find_sources(once.graph, "COGVIDEOMODEL", ALL_PACKS)
    assert chained(once.graph, source.node_id) == list(loras.items())
    twice = change(once.graph, lambda graph: add_loras(graph, {"c.safetensors": 2}))
    assert chained(twice.graph, source.node_id) == [("c.safetensors", 2.0), *loras.items()]


@pytest.mark.parametrize("name", SEVERAL)
def test_several_models_need_a_word(name: str) -> None:
    """Models that are no pair: the error names both and how to choose; the chosen one takes the LoRA alone."""
    one, other = find_sources(template(name), "MODEL", ALL_PACKS)
    with pytest.raises(ValidationError, match=rf"(?s)node {one.node_id} .*node {other.node_id} .*loaders=\['1'\]"):
        add_loras(template(name), {"a.safetensors": 1.0})
    graph = added(name, {"a.safetensors": 1.0}, loaders=[other.node_id]).graph
    assert behind(graph, other) == [("a.safetensors", 1.0)] and behind(graph, one) == behind(template(name), one)


def test_chosen_loaders_are_obeyed() -> None:
    """What is chosen takes all that is given: a half goes to the other expert too, with a note."""
    graph, notes = added("wan22_14b_text", PAIR, loaders=["1"])
    assert behind(graph, Wire("1", 0)) == list(PAIR.items()) and behind(graph, Wire("2", 0)) == []
    assert len(notes) == 1 and "style_low_noise.safetensors" in notes[0]


def test_same_file_loaded_twice_is_one_model() -> None:
    """Two loaders of one file both take the LoRA, without being asked for."""
    graph = template("wan22_14b_text")
    name = graph["1"]["inputs"]["unet_name"]
    graph["2"]["inputs"]["unet_name"] = name
    made = change(graph, lambda given: add_loras(given, {"a.safetensors": 1.0})).graph
    assert behind(made, Wire("1", 0)) == behind(made, Wire("2", 0)) == [("a.safetensors", 1.0)]


@pytest.mark.parametrize("loaders", [["3"], [], ["1", "no"]])
def test_loaders_that_are_none(loaders: list[str]) -> None:
    """A loader that the graph does not have is an error that names those that it has."""
    with pytest.raises(ValidationError, match=r"loaders=.*node 1 \(UNETLoader\): wan2.2_ti2v_5B_fp16.safetensors"):
        add_loras(template("wan22_5b_text"), {"a.safetensors": 1.0}, loaders=loaders)


@pytest.mark.parametrize(
    ("strength", "problem"),
    [(101, "the most is 100"), (-100.5, "the least is -100"), (math.nan, "finite"), (True, "expected a number")],
)
def test_strengths_are_held_to_the_node(strength: float, problem: str) -> None:
    """A strength that the node does not take is refused with its limits."""
    with pytest.raises(ValidationError, match=f"a.safetensors.*{problem}"):
        add_loras(template("wan22_5b_text"), {"a.safetensors": strength})
    with pytest.raises(ValidationError, match=r"a.safetensors.*the most is 10$"):
        add_loras(template("cogvideox_text"), {"a.safetensors": 11})


def test_names_find_their_file() -> None:
    """A name may lack its extension, and a server's list finds the folder; without a match it stays to be refused."""
    key = ("LoraLoaderModelOnly", "lora_name")
    server = ALL_PACKS.with_choices({key: ["a.safetensors", "wan/b.safetensors", "x/c.pt", "y/c.pt"]})
    names = {"a": 1.0, "b.safetensors": 1.0, "c.pt": 1.0, "d": 1.0}
    (source,) = find_sources(template("wan22_5b_text"), "MODEL", ALL_PACKS)
    made = add_loras(template("wan22_5b_text"), names, schemas=server).graph
    assert [name for name, _ in behind(made, source)] == ["a.safetensors", "wan/b.safetensors", "c.pt", "d.safetensors"]
    with pytest.raises(ValidationError, match=r"a.safetensors is given twice, as 'a.safetensors'"):
        add_loras(template("wan22_5b_text"), {"a": 1.0, "a.safetensors": 1.0})


def test_a_lora_that_is_there_already_is_noted() -> None:
    """A LoRA that the graph has is added once more, and a note says where it was."""
    graph = template("wan21_lora_text")
    (node_id,) = find_nodes(graph, CLASSES)
    name = graph[node_id]["inputs"]["lora_name"]
    (note,) = added("wan21_lora_text", {name: 0.5}).notes
    assert f"{name} was in the graph already, at node {node_id}" in note


def test_no_loras_change_nothing() -> None:
    """An empty mapping gives the same graph, on any graph."""
    for name in TEMPLATES:
        assert added(name, {}) == Changed(template(name), ())


def test_a_graph_without_a_model_is_refused() -> None:
    """A graph that loads no model says what it has instead; so does a loader of a pack that takes no LoRAs."""
    picture = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    with pytest.raises(ValidationError, match="it has EmptyImage, SaveImage"):
        add_loras(picture, {"a": 1.0})
    graph = template("cogvideox_repository_text")
    graph["1"]["class_type"] = "DownloadAndLoadCogVideoGGUFModel"
    with pytest.raises(ValidationError, match=r"node 1 \(DownloadAndLoadCogVideoGGUFModel\) takes no LoRAs"):
        add_loras(graph, {"a": 1.0})
    graph["1"]["class_type"] = "CogVideoLoaderOfSomePack"
    with pytest.raises(ValidationError, match=r"node 1 \(CogVideoLoaderOfSomePack\) takes no LoRAs"):
        add_loras(graph, {"a": 1.0})


def test_loaders_of_unknown_packs_are_known_by_their_wire() -> None:
    """A class that no schema tells of is a model loader if a model comes out of it and none goes in."""
    graph = template("wan22_5b_text")
    graph["1"] = {"class_type": "UnetLoaderOfSomePack", "inputs": {"unet_name": "x.gguf"}}
    made = add_loras(graph, {"a": 1.0}, schemas=Schemas.snapshot()).graph
    assert behind(made, Wire("1", 0)) == [("a.safetensors", 1.0)]


def test_titles_hold_no_marker() -> None:
    """A name with a dollar or a comma makes a title, not a marker of a template."""
    graph = added("wan22_5b_text", {"a,$prompt.text!.safetensors": 1.0}).graph
    (node_id,) = find_nodes(graph, CLASSES)
    assert graph[node_id]["_meta"]["title"] == "LoRA a  prompt.text!.safetensors"
