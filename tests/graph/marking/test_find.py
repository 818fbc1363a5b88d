"""Rules of finding markers: what the shipped templates have is found again by class and wire alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from comfy_headless.config import presets_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.marking.find import Found, find_marks, with_titles
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.template import Template

SCHEMAS = Schemas.snapshot(Schemas.packs())
TEMPLATES = {path.stem: path for path in sorted((presets_folder() / "templates").glob("*.json"))}
OTHERS = {
    # Only a person knows that the further stage is one of super-resolution, and that both keep one scheduler.
    **{f"sr_{name}": f"second_{name}" for name in ("model", "shift", "steps", "split", "cfg")},
    "scheduler": "second_scheduler",
    # A model distilled to cfg 1 takes no other in either stage, so that its preset has one cfg for both.
    "cfg": "second_cfg",
    # Hunyuan's presets call it by what it does; the folder is clip_vision.
}
"""Names that a person chose otherwise, and what is found in their place."""


def graph_of(name: str) -> Graph:
    graph: Graph = json.loads(TEMPLATES[name].read_text(encoding="utf-8"))
    return graph


def stripped(graph: Mapping[str, Any]) -> Graph:
    """A graph as an editor exports it: with titles that say nothing."""
    return {node_id: {**node, "_meta": {"title": node["class_type"]}} for node_id, node in graph.items()}


def markers(template: Template) -> dict[tuple[str, str], tuple[str, bool, bool]]:
    """Of each input that is filled: name, whether it must be given, whether it is a file."""
    return {
        slot: (each.name, each.required, each.upload) for each in template.parameters.values() for slot in each.bindings
    }


def read(graph: Mapping[str, Any]) -> Template:
    return Template.read(graph, schemas=SCHEMAS)


def titled(graph: Graph) -> tuple[Found, Template]:
    found = find_marks(graph, SCHEMAS)
    return found, read(with_titles(graph, found))


@pytest.mark.parametrize("name", TEMPLATES)
def test_shipped_templates_are_found_again(name: str) -> None:
    """Without their titles they get the same markers at the same inputs, but for a few names."""
    shipped = read(graph_of(name))
    found, template = titled(stripped(graph_of(name)))
    wanted, got = markers(shipped), markers(template)
    assert wanted.keys() == got.keys()
    differing = {(wanted[slot][0], got[slot][0]) for slot in wanted if wanted[slot] != got[slot]}
    assert differing <= set(OTHERS.items())
    assert template.outputs == shipped.outputs
    assert template.warnings == () and found.notes == ()


def test_the_exceptions_are_needed() -> None:
    """No name stands among the exceptions that is found as it is."""
    met = set()
    for name in TEMPLATES:
        wanted, got = markers(read(graph_of(name))), markers(titled(stripped(graph_of(name)))[1])
        met |= {(wanted[slot][0], got[slot][0]) for slot in wanted}
    assert set(OTHERS.items()) <= met


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_graph_is_only_given_titles(name: str) -> None:
    """The given graph is left alone, the new one runs as before, and finding again changes nothing."""
    graph = stripped(graph_of(name))
    before = copy.deepcopy(graph)
    made = with_titles(graph, find_marks(graph, SCHEMAS))
    assert graph == before
    assert [(node["class_type"], node["inputs"]) for node in made.values()] == [
        (node["class_type"], node["inputs"]) for node in graph.values()
    ]
    assert not check(made, SCHEMAS).refused
    assert with_titles(made, find_marks(made, SCHEMAS)) == made


def changed(name: str, **classes: Mapping[str, Any]) -> Graph:
    """A template without titles, and with some inputs of the nodes of a class changed."""
    graph = stripped(graph_of(name))
    for class_type, inputs in classes.items():
        graph[node(graph, class_type)]["inputs"].update(inputs)
    return graph


def node(graph: Graph, class_type: str) -> str:
    """The first node of a class."""
    return next(node_id for node_id, each in graph.items() if each["class_type"] == class_type)


def sides(graph: Graph) -> tuple[str, str]:
    """The ids of the nodes with the prompt and with the negative one."""
    sampler = graph[node(graph, "KSampler")]["inputs"]
    return sampler["positive"][0], sampler["negative"][0]


def test_markers_that_are_there_stay() -> None:
    """A title keeps its words and its markers, and what they fill is not marked twice."""
    graph = changed("mochi_text")
    text, latent = sides(graph)[0], node(graph, "EmptyMochiLatentVideo")
    graph[text]["_meta"]["title"] = "Scene, $scene.text!: what is seen"
    graph[latent]["_meta"]["title"] = "costs $5"
    found, template = titled(graph)
    assert "scene" in template.parameters and "prompt" not in template.parameters
    assert found.titles[latent] == "costs $5, $width.width, $height.height, $frames.length"
    assert text not in found.titles


def test_a_marker_that_does_not_fit_is_an_error() -> None:
    """A wrong marker of the workflow's own is told, as everywhere."""
    graph = changed("mochi_text")
    graph[sides(graph)[0]]["_meta"]["title"] = "$scene.words"
    with pytest.raises(ValidationError, match="no input 'words'"):
        find_marks(graph, SCHEMAS)


def prompts(graph: Graph) -> set[tuple[str, str]]:
    """The node and the name of each text that is found."""
    return {(mark.node_id, mark.name) for mark in titled(graph)[0].marks if "prompt" in mark.name}


def test_prompts_are_told_apart_by_wire() -> None:
    """Which text is the negative one says the wire, through ConditioningZeroOut and combining nodes."""
    graph = changed("mochi_text")
    first, second = sides(graph)
    sampler = graph[node(graph, "KSampler")]["inputs"]
    sampler.update(positive=[second, 0], negative=["90", 0])
    graph["90"] = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": [second, 0]}}
    assert prompts(graph) == {(second, "prompt")}
    sampler["negative"] = ["91", 0]
    graph["91"] = {
        "class_type": "ConditioningCombine",
        "inputs": {"conditioning_1": ["90", 0], "conditioning_2": [first, 0]},
    }
    assert prompts(graph) == {(second, "prompt"), (first, "negative_prompt")}


def test_values_behind_primitives() -> None:
    """A value that comes by wire is marked where it stands."""
    graph = changed("mochi_text", EmptyMochiLatentVideo={"width": ["90", 0]})
    graph[sides(graph)[0]]["inputs"]["text"] = ["91", 0]
    graph["90"] = {"class_type": "PrimitiveInt", "inputs": {"value": 848}}
    graph["91"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a cat"}}
    _, template = titled(graph)
    assert template.parameters["width"].bindings == (("90", "value"),)
    assert template.parameters["prompt"].bindings == (("91", "value"),)


def test_one_rate_for_model_and_file() -> None:
    """Where the file has another rate than the model was told, both are set to the file's; made frames are left."""
    graph = changed("ltxv_text", CreateVideo={"fps": 24.0}, LTXVConditioning={"frame_rate": 30.0})
    told, file = node(graph, "LTXVConditioning"), node(graph, "CreateVideo")
    found, template = titled(graph)
    assert {each[0] for each in template.parameters["fps"].bindings} == {told, file} and found.fps == 24
    assert found.notes == (f"node {told}: frame_rate = 30, where fps is 24: set to it",)
    graph[file]["inputs"]["fps"] = 60.0
    found, template = titled(graph)
    assert template.parameters["fps"].bindings == ((told, "frame_rate"),) and found.fps == 30
    assert found.notes == (f"node {file}: fps = 60, where fps is 30: left as it is",)


def test_no_rate_is_a_multiple_of_zero() -> None:
    """A model that is told a rate of 0 is set to the file's."""
    found, template = titled(changed("ltxv_text", LTXVConditioning={"frame_rate": 0}))
    assert len(template.parameters["fps"].bindings) == 2 and found.fps == 30


def test_what_has_no_word_is_told() -> None:
    """A second picture and a size of its own are left as they are, and said."""
    graph = changed("wan21_image", WanImageToVideo={"width": 800, "height": 480, "clip_vision_output": ["92", 0]})
    graph["90"] = {"class_type": "LoadImage", "inputs": {"image": "b.png"}}
    graph["91"] = {
        "class_type": "ImageScale",
        "inputs": {"image": ["90", 0], "upscale_method": "area", "width": 300, "height": 200, "crop": "disabled"},
    }
    graph["92"] = {
        "class_type": "CLIPVisionEncode",
        "inputs": {"clip_vision": [node(graph, "CLIPVisionLoader"), 0], "image": ["91", 0], "crop": "none"},
    }
    found, _ = titled(graph)
    assert "node 90 (LoadImage): left as it is: a preset takes one image, and one last image" in found.notes
    assert "node 91: 300x200 is no known part of 800x480: left as it is" in found.notes


def test_classes_that_nobody_knows() -> None:
    """A sampler and a text node of an unknown pack are understood by the names of their inputs."""
    graph: Graph = {
        "1": {"class_type": "TheirText", "inputs": {"positive_prompt": "a cat", "negative_prompt": "bad"}},
        "2": {"class_type": "TheirLatent", "inputs": {"width": 64, "height": 32, "length": 9}},
        "3": {
            "class_type": "TheirSampler",
            "inputs": {
                "positive": ["1", 0],
                "negative": ["1", 1],
                "latent": ["2", 0],
                "seed": 3,
                "steps": 4,
                "cfg": 1.0,
            },
        },
        "4": {"class_type": "CreateVideo", "inputs": {"images": ["3", 0], "fps": 8.0}},
        "5": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["4", 0], "filename_prefix": "x", "format": "auto", "codec": "auto"},
        },
    }
    _, template = titled(graph)
    assert set(template.parameters) == {
        *("prompt", "negative_prompt", "width", "height", "frames", "seed", "steps", "cfg", "fps", "filename_prefix")
    }
    assert template.outputs == {"video": ("5",)}
