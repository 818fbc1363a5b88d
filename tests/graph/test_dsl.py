"""Titles as ComfyKit reads them, case by case: what each title comes to here, on shipped schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from tests.dsl import cases_of

CASES = cases_of(__file__)
SCHEMAS = Schemas.snapshot()


def told(template: Template) -> dict[str, Any]:
    """A template in the words of the table."""
    parameters = []
    for parameter in template.parameters.values():
        about = {
            "required": parameter.required,
            "upload": parameter.upload,
            "description": parameter.description,
        }
        parameters.append(
            {
                "name": parameter.name,
                "inputs": [list(binding) for binding in parameter.bindings],
                "type": str(parameter.slots[0].limits.kind),
                **({} if parameter.required else {"default": parameter.default}),
                **{name: value for name, value in about.items() if value},
            }
        )
    outputs = {name: list(nodes) for name, nodes in template.outputs.items()}
    return {"parameters": parameters, **({"outputs": outputs} if outputs else {})}


@pytest.mark.parametrize("case", CASES)
def test_a_title_means_what_it_means_to_comfykit_or_better(case: str) -> None:
    """Each title gives the parameters, outputs, warning or error that the table says."""
    graph, ours = CASES[case].graph, CASES[case].ours
    if isinstance(graph, dict):  # links lead somewhere
        graph.update({each: {"class_type": "X", "inputs": {}} for each in ("4", "5", "8") if wanted(graph, each)})
    if "error" in ours:
        with pytest.raises(ValidationError) as error:
            Template.read(graph, schemas=SCHEMAS)
        assert ours["error"] in str(error.value)
        return
    template = Template.read(graph, schemas=SCHEMAS)
    assert told(template) == {name: value for name, value in ours.items() if name != "warning"}
    if "warning" in ours:
        assert ours["warning"] in template.warnings[0]
    else:
        assert template.warnings == ()


def wanted(graph: dict[str, Any], node_id: str) -> bool:
    """Whether a link of the graph leads to a node that is not drawn."""
    return node_id not in graph and f'["{node_id}", ' in json.dumps(graph)
