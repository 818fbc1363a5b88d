"""Workflows drawn by hand, each for one rule, and random ones: they become what ComfyUI's own page makes of them.

Those of the topic "saved again" are what the page saved of others, in its newest format.

`cases.json.gz` holds them by topic, with what the page (comfyui-frontend-package 1.47.12 on ComfyUI 0.30.0, in
Chromium) sent: ``why``, ``workflow``, ``api``, or its ``error``. Where it throws, or loses what was plainly meant, and
we do better, ``ours`` is what is right; `KINDER` says why. What cannot be sent is an error: `REFUSED`.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert

from .canonical import differences

FILE = Path(__file__).with_name("cases.json.gz")
TOPICS = (
    *("reading", "values", "special widgets", "dynamic inputs", "texts", "primitives", "reroutes", "modes"),
    *("subgraphs", "instances", "proxied widgets", "renumbering", "group nodes", "saved again", "random"),
)
BY_SHAPE = "the page reads links by the file's version and finds none; their shape says what they are"
DEEP_LINK = "the page loses the link to an input of an option of an option"
HOLE = "the page loses the link behind an empty place of a list inside an option"
LATE = "the page loses values of two instances inside a definition that stands before theirs in the file"
SHIFTED = "the page reckons with a value that early files do not have, and sends cfg 'euler'"
BY_NAME = "the page loses values that are saved by name"
KINDER = {
    "links_objects_in_v04": BY_SHAPE,
    "links_arrays_in_v1": BY_SHAPE,
    "no_version": BY_SHAPE,
    "version_as_text": BY_SHAPE,
    "definition_links_as_arrays": BY_SHAPE,
    "definition_version_04": BY_SHAPE,
    "missing_control_slot": SHIFTED,
    "advanced_sampler_no_control": SHIFTED,
    "two_in_one_definition": LATE,
    "pair_same_outer_first": LATE,
    "pair_one_outer_first": LATE,
    "values_as_dict": BY_NAME,
    "values_dict_with_dynamic_combo": BY_NAME,
    "instance_values_dict": BY_NAME,
    "webcam_capture": "the page throws without a picture; the server says what is missing",
    "dynamic_nested_linked": DEEP_LINK,
    "dynamic_nested_linked_full": DEEP_LINK,
    "autogrow_dynamic_in_subgraph": HOLE,
    "autogrow_dynamic_hole_at_root": HOLE,
    "null_filename_prefix": "the page throws; the input has a default",
    "texts_odd": "the page writes 'undefined' after a backslash at the very end",
    "primitive_no_output_links": "the page looks at the list of links of the primitive's output, which may be missing",
    "bypass_output_slot_beyond": "the page throws at an output that a bypassed node does not have",
    "subgraph_passthrough": "the page throws where a subgraph hands an input straight to an output",
    "inner_titles": "the page does not know markers: one in a subgraph's title is carried to the node inside",
    "group_config_hidden": "the page empties a widget that a group node hides",
}
REFUSED = {
    "unknown_class": r"node 70 \(NoSuchNodeXYZ\): there is no such class",
    "unknown_class_terminal": r"node 70 \(NoSuchNodeXYZ\): there is no such class",
    "link_id_missing": r"node 8 \(VAEDecode\): input 'vae': there is no link 8",
    "origin_node_missing": r"its link comes from node 4, which is not there",
    "cycle_of_bypassed": r"node 10 \(LoraLoaderModelOnly\): input 'model': its link goes in a circle",
    "subgraph_missing_definition": r"node 6 \(.*\): a subgraph that the file does not define",
    "definition_slot_index_beyond": r"node 6:101 \(CLIPTextEncode\): input 'text': the subgraph has no input 5",
    "group_definition_missing": r"node 6 \(workflow>enc\): a group node that the file does not define",
    "group_in_a_subgraph": r"node 6:101 \(workflow>enc\): a group node",
    "group_inside_group": r"node 13:10 \(workflow>enc\): a group node",
}


@cache
def _cases() -> dict[str, dict[str, Any]]:
    topics: dict[str, dict[str, Any]] = json.loads(gzip.decompress(FILE.read_bytes()))
    return topics


def _all_cases() -> dict[str, Any]:
    return {name: case for topic in _cases().values() for name, case in topic.items()}


@pytest.mark.parametrize("topic", TOPICS)
def test_conversion_is_the_pages(topic: str) -> None:
    """Each case of a topic becomes its graph: the same nodes, classes, inputs, links and titles."""
    schemas, wrong = Schemas.snapshot(), {}
    for name, case in _cases()[topic].items():
        if name not in REFUSED:
            made = convert(case["workflow"], schemas, name=name)
            found = differences(made, case.get("ours", case["api"]), case.get("volatile", ()))
            wrong |= {name: [case["why"], *found]} if found else {}
    assert not wrong, json.dumps(wrong, indent=1)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sent_is_an_error(name: str) -> None:
    """It names the node and what is wrong; the page throws, or sends what no server takes."""
    with pytest.raises(ValidationError, match=REFUSED[name]):
        convert(_all_cases()[name]["workflow"], Schemas.snapshot(), name=name)


def test_every_exception_is_named() -> None:
    """Wherever we do not what the page does, it is said why; and no two cases share a name."""
    cases = _all_cases()
    assert {name for name, case in cases.items() if "ours" in case} == KINDER.keys()
    assert {name for name, case in cases.items() if case["api"] is None} <= KINDER.keys() | REFUSED.keys()
    assert len(cases) == sum(map(len, _cases().values())) and set(TOPICS) == set(_cases())
