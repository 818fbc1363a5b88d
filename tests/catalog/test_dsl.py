"""Values for markers as ComfyKit applies them, case by case: what would be sent here, or the error before."""

from __future__ import annotations

import pytest

from comfy_headless.catalog.own_workflow import compile_template
from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from tests.dsl import cases_of

CASES = cases_of(__file__)


@pytest.mark.parametrize("case", CASES)
def test_values_go_where_comfykit_puts_them_or_better(case: str) -> None:
    """Each set of values gives the inputs or the error that the table says, before anything is sent."""
    graph, ours = CASES[case].graph, CASES[case].ours
    graph.setdefault("4", {"class_type": "X", "inputs": {}})  # where links lead to
    template = Template.read(graph, schemas=Schemas.snapshot())
    params = CASES[case].given.get("params", {})
    if "error" in ours:
        with pytest.raises(ValidationError) as error:
            compile_template(template, params)
        assert ours["error"] in str(error.value)
        return
    compiled = compile_template(template, params)
    for node_id, inputs in ours["sent"].items():
        for name, value in inputs.items():
            found = compiled.graph[node_id]["inputs"][name]
            if value == "<drawn>":
                assert 0 <= found == compiled.seed
            else:
                assert (found, type(found)) == (value, type(value))
        assert compiled.graph[node_id]["inputs"].keys() == inputs.keys()


def test_a_seed_is_drawn_within_what_its_nodes_take() -> None:
    """-1 asks for a seed that every input which gets it takes."""
    graph = {
        "1": {"class_type": "KSampler", "inputs": {"seed": 5}, "_meta": {"title": "$seed"}},
        "2": {"class_type": "Small", "inputs": {"seed": 5}, "_meta": {"title": "$seed"}},
    }
    small = {"input": {"required": {"seed": ["INT", {"min": 3, "max": 6}]}}, "output": [], "python_module": "nodes"}
    schemas = Schemas.from_object_info({"KSampler": Schemas.snapshot().raw("KSampler"), "Small": small})
    template = Template.read(graph, schemas=schemas)
    for asked in (-1, "random", "-1"):
        compiled = compile_template(template, {"seed": asked})
        assert compiled.seed in range(3, 7)
        assert [node["inputs"]["seed"] for node in compiled.graph.values()] == [compiled.seed] * 2


def test_a_saved_minus_one_that_a_node_takes_is_left_alone() -> None:
    """Where no schema forbids -1, it may mean something else."""
    graph = {"1": {"class_type": "Seed (rgthree)", "inputs": {"seed": -1}}}
    compiled = compile_template(Template.read(graph), {})
    assert (compiled.graph, compiled.seed, compiled.notes) == (graph, None, ())


def test_a_drawn_seed_is_told() -> None:
    """The note and the seed of the result say what was drawn for a saved -1; it is the same in each node."""
    graph = {each: {"class_type": "KSampler", "inputs": {"seed": -1}} for each in "12"}
    compiled = compile_template(Template.read(graph), {})
    assert [node["inputs"]["seed"] for node in compiled.graph.values()] == [compiled.seed] * 2
    assert str(compiled.seed) in compiled.notes[0]
    assert "node 1, 2" in compiled.notes[0]
