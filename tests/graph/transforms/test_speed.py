"""Rules of EasyCache and of compiling."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.speed import DEAF, EASY_CACHE, easy_cache, torch_compile
from comfy_headless.graph.transforms.wires import Changed, Wire, find_nodes, find_wires, nodes_above, splice, users
from tests.graph.transforms.graphs import STILL, node
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

TRANSFORMS = {"EasyCache": easy_cache, "TorchCompileModel": torch_compile}
SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "CFGGuider", "BasicGuider", "DualCFGGuider")
SAMPLED = [name for name in TEMPLATES if find_nodes(template(name), SAMPLERS)]
REFUSED = {
    name
    for name in SAMPLED
    if "mochi" in name
    or find_nodes(template(name), ["ADE_LoopedUniformContextOptions"])
    or "context" in TEMPLATES[name]
}

SAMPLING: Graph = {
    "1": node("UNETLoader", unet_name="wan.safetensors", weight_dtype="default"),
    "2": node("CLIPLoader", clip_name="umt5.safetensors", type="wan"),
    "3": node("CLIPTextEncode", clip=["2", 0], text="a cat"),
    "4": node("ModelSamplingSD3", model=["1", 0], shift=8.0),
    "5": node("EmptyHunyuanLatentVideo", width=64, height=64, length=9, batch_size=1),
    "6": node("BasicScheduler", model=["4", 0], scheduler="simple", steps=20, denoise=1.0),
    "7": node("BasicGuider", model=["4", 0], conditioning=["3", 0]),
    "8": node("KSamplerSelect", sampler_name="euler"),
    "9": node("RandomNoise", noise_seed=1),
    "10": node(
        "SamplerCustomAdvanced",
        noise=["9", 0],
        guider=["7", 0],
        sampler=["8", 0],
        sigmas=["6", 0],
        latent_image=["5", 0],
    ),
    "11": node("SaveLatent", samples=["10", 0], filename_prefix="x"),
}
"""A guider and a scheduler that take the same model."""


def changed_inputs(graph: Graph, node_id: str, **inputs: object) -> Graph:
    """The graph with other inputs of one node."""
    return {**graph, node_id: {**graph[node_id], "inputs": graph[node_id]["inputs"] | inputs}}


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("class_type", TRANSFORMS)
def test_every_template_is_sped_up(class_type: str, name: str) -> None:
    """The node is the last before each sampler and guider, one for each wire; both experts have their own."""
    graph = template(name)
    if class_type == "EasyCache" and name in REFUSED:
        with pytest.raises(ValidationError, match=r"^easy_cache: "):
            easy_cache(graph)
        return
    made, _ = change(graph, TRANSFORMS[class_type])
    taken = {tuple(graph[each]["inputs"]["model"]) for each in find_nodes(graph, SAMPLERS)}
    added = find_nodes(made, [class_type])
    assert {tuple(made[each]["inputs"]["model"]) for each in added} == taken
    assert len(added) == len(taken)
    for node_id in find_nodes(graph, SAMPLERS):
        source = made[made[node_id]["inputs"]["model"][0]]
        assert source["class_type"] == class_type
        assert source["inputs"]["model"] == graph[node_id]["inputs"]["model"]
    assert {wire.node_id for wire in find_wires(made, "MODEL", ALL_PACKS)} >= set(added)
    again = change(made, TRANSFORMS[class_type])
    assert again.graph == made
    assert f"node {added[0]} ({class_type}) is there already" in again.notes


def test_templates_that_are_refused() -> None:
    """Mochi and the long AnimateDiff are among the templates, so that what is refused is tried."""
    assert {"mochi_text"} <= REFUSED


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_only_what_samples_gets_the_node(transform: Callable[[Graph], Changed]) -> None:
    """A scheduler keeps the model as it was; the settings are the node's own defaults."""
    made, _ = change(SAMPLING, transform)
    assert made["6"] == SAMPLING["6"]
    assert made["7"]["inputs"]["model"] == ["12", 0]
    defaults = {item.name: item.default for item in ALL_PACKS["EasyCache"].inputs if item.name != "model"}
    assert defaults == EASY_CACHE


@pytest.mark.parametrize(
    ("graph", "few"),
    [
        (SAMPLING, False),
        (changed_inputs(SAMPLING, "6", steps=8), True),
        (changed_inputs(SAMPLING, "6", steps=9), False),
        ({**SAMPLING, "6": node("ManualSigmas", sigmas="1., 0.7, 0.4, 0.0")}, True),
    ],
)
def test_few_steps_are_told(graph: Graph, few: bool) -> None:
    """A model that takes eight steps or fewer gains little, which a note says."""
    notes = change(graph, easy_cache).notes
    assert bool(notes) == few
    assert not few or "steps leave little to skip" in notes[0]


def test_the_steps_of_experts_count_apart() -> None:
    """Of a sampler that takes a part of the steps, only that part counts; one with many is enough to gain."""
    name = "wan22_14b_text"
    graph = template(name)
    first, second = find_nodes(graph, ["KSamplerAdvanced"])
    for node_id, (start, end) in {first: (0, 2), second: (2, 10_000)}.items():
        graph = changed_inputs(graph, node_id, steps=4, start_at_step=start, end_at_step=end)
    assert change(graph, easy_cache).notes[0].startswith("easy_cache: 2 steps")
    many = changed_inputs(graph, second, steps=20)
    assert change(many, easy_cache).notes == ()


@pytest.mark.parametrize("kind", DEAF)
def test_models_that_never_ask(kind: str) -> None:
    """Where EasyCache would do nothing it is refused; compiling is not."""
    graph = changed_inputs(SAMPLING, "2", type=kind)
    with pytest.raises(ValidationError, match=rf"^easy_cache: {DEAF[kind]} skips no step"):
        easy_cache(graph)
    change(graph, torch_compile)


def test_windows() -> None:
    """With a video made in windows EasyCache would mix them; it is refused with the node that makes them."""
    inputs = {item.name: item.default for item in ALL_PACKS["WanContextWindowsManual"].inputs if item.required}
    inputs = {**inputs, "context_schedule": "standard_static", "fuse_method": "pyramid"}
    inputs.pop("model")
    graph, added = splice(SAMPLING, Wire("4", 0), "WanContextWindowsManual", inputs, "x", into="model")
    with pytest.raises(ValidationError, match=rf"^easy_cache: node {added} \(WanContextWindowsManual\) .*windows"):
        easy_cache(graph)


def test_both_together() -> None:
    """Both may be there, which is reported to do little; a note says so."""
    together = torch_compile(easy_cache(SAMPLING).graph)
    assert any("issue 14795" in note for note in together.notes)
    assert find_nodes(together.graph, ["EasyCache", "TorchCompileModel"]) == ["12", "13"]
    assert users(together.graph, Wire("12", 0))[0].node_id == "13"
    assert any("issue 14795" in note for note in easy_cache(torch_compile(SAMPLING).graph).notes)
    assert not any("issue 14795" in note for note in torch_compile(SAMPLING).notes)
    assert {"12", "13"} <= nodes_above(together.graph, ["7"])


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_nothing_samples(transform: Callable[[Graph], Changed]) -> None:
    """Without a sampler the error says what would be one, and what is there."""
    with pytest.raises(ValidationError, match=r"no place.*KSampler.*the graph has EmptyImage, SaveImage$"):
        transform(STILL)
