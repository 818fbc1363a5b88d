"""graph/ui/fitting.py and dealing.py: which value goes where, and what is found out of a list that does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert_with_warnings
from tests.graph.ui.drawing import Drawing, image_to_image, sampler

SNAPSHOT = Schemas.snapshot()
OWN = Schemas.from_object_info(
    {
        "Grader": {
            "input": {
                "required": {
                    "image": ["IMAGE", {}],
                    "gain": ["FLOAT", {"default": 1.5}],
                    "mode": ["COMBO", {"options": ["soft", "hard"], "default": "hard"}],
                    "note": ["STRING", {"default": "none"}],
                    "seed": ["INT", {"default": 3}],
                }
            },
            "output": ["IMAGE"],
            "python_module": "custom_nodes.grader",
        }
    }
)


def dealt(schemas: Schemas, drawing: Drawing, node_id: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The own values of a node, and what is said of the workflow."""
    graph, warnings = convert_with_warnings(drawing.saved(), schemas)
    return {key: value for key, value in graph[node_id]["inputs"].items() if not isinstance(value, list)}, warnings


SAMPLED = {"seed": 5, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, "fixed", 20, 8.0, "euler", "normal", 1.0], SAMPLED),
        ([5, True, 20, 8.0, "euler", "normal", 1.0], SAMPLED),
        ([5, "fixed", 20, 8.0, "euler", "normal", 1.0, "more", 9], SAMPLED),
        ([5, "fixed", 20, 8.0, "sample_euler", "normal", 1.0], SAMPLED),
        ([5, "fixed", 20], {**SAMPLED, "scheduler": "simple"}),
        (
            ["5", "fixed", 20, 10**9, "odd", "normal", 1.0],
            {**SAMPLED, "seed": "5", "cfg": 10**9, "sampler_name": "odd"},
        ),
        (dict(SAMPLED), SAMPLED),
    ],
)
def test_values_go_to_their_places(values: Any, expected: dict[str, Any]) -> None:
    """One for each place; too many are dropped, too few are defaults; nothing is converted; a dict counts by name."""
    assert dealt(SNAPSHOT, sampler(image_to_image(), values), "3") == (expected, ())


def test_a_list_without_the_place_of_the_control_is_found_out() -> None:
    """The types tell that the place after the seed is missing; a warning says what was done."""
    values, warnings = dealt(SNAPSHOT, sampler(image_to_image(), [5, 20, 8.0, "euler", "normal", 1.0]), "3")
    assert values == SAMPLED
    assert warnings == (
        "node 3 (KSampler): saved before control_after_generate was: its place is missing, the others are kept",
    )


def test_values_of_another_version_of_a_class_are_taken_by_name() -> None:
    """The node's inputs in the file name what each value was for; an input that is new keeps its default."""
    kinds = {"gone": ("INT", None), "gain": ("FLOAT", None), "mode": ("COMBO", None), "seed": ("INT", None)}
    drawing = Drawing().node(1, "Grader", [7, 0.25, "soft", 99, "fixed"], widgets=kinds)
    values, warnings = dealt(OWN, drawing, "1")
    assert values == {"gain": 0.25, "mode": "soft", "note": "none", "seed": 99}
    assert warnings == (
        "node 1 (Grader): the class had other inputs when this was saved: its values are taken by their names",
    )


def test_what_fits_no_way_is_told() -> None:
    """The page's own way is kept, with the value that cannot belong where it stands."""
    values, warnings = dealt(OWN, Drawing().node(1, "Grader", ["soft", 0.25, 7]), "1")
    assert values["gain"] == "soft"
    assert "3 values are saved for 5 inputs, and 'soft' stands where gain (FLOAT) is" in warnings[0]


def test_more_values_than_a_pack_s_class_has_are_told() -> None:
    """Its own code in the browser may have added inputs; of ComfyUI's own classes all is known."""
    drawing = Drawing().node(1, "Grader", [0.5, "soft", "x", 1, "fixed", "what?"])
    assert dealt(OWN, drawing, "1")[1] == (
        "node 1 (Grader): 6 values are saved for 5 inputs; the last ones count for nothing",
    )


def test_dummies_of_inputs_without_a_value_are_dropped() -> None:
    """Files before 1.16 have one for each; they are there if the number of values comes out even."""
    drawing = Drawing().node(1, "StringConcatenate", ["a", "b", ""], outputs=("STRING",))
    for values in (["dummy", "text/ComfyUI", "txt"], ["text/ComfyUI", "txt"]):
        saving = Drawing()
        saving.nodes, saving.links = [drawing.nodes[0]], []
        saving.node(2, "SaveText", values, {"text": ("STRING", (1, 0))})
        assert dealt(SNAPSHOT, saving, "2") == ({"filename_prefix": "text/ComfyUI", "format": "txt"}, ())


def test_what_a_choice_brings_follows_it() -> None:
    """The inputs of a dynamic choice take the values after its own; those of other choices have none."""
    drawing = Drawing().node(1, "ResizeImageMaskNode", ["scale by multiplier", 2.5, "area"])
    assert dealt(SNAPSHOT, drawing, "1")[0] == {
        "resize_type": "scale by multiplier",
        "resize_type.multiplier": 2.5,
        "scale_method": "area",
    }
