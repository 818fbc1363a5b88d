"""Workflows that a server has: which routes are asked, and what is said where there is none, by values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Flow, Now, Reply
from comfy_headless.protocol.routes_templates import saved_names, saved_workflow, server_template, template_names
from comfy_headless.protocol.timing import Timing

SERVER = Server("http://x", "c", Timing())
INDEX = [
    {"moduleName": "default", "templates": [{"name": "video_wan2_2"}, {"name": "image_flux"}, {}, 5]},
    {"templates": None},
    "junk",
]
THERE: Mapping[str, Any] = {
    "/templates/video_wan2_2.json": {"nodes": [1]},
    "/templates/index.json": INDEX,
    "/workflow_templates": {"Some Pack": ["an example"]},
    "/api/workflow_templates/Some%20Pack/an%20example.json": {"nodes": [2]},
    "/userdata": [{"path": "portrait.json", "size": 5}, {"path": "old/sunset.json"}, {"path": ".index.txt"}],
    "/userdata/workflows%2Fportrait.json": {"nodes": [3]},
    "/userdata/workflows%2Fold%2Fsunset.json": {"nodes": [4]},
}


def played(flow: Flow[Any], there: Mapping[str, Any] = THERE) -> Any:
    """Answer a flow's calls from a table of routes."""
    effect = next(flow)
    try:
        while True:
            if isinstance(effect, Now):
                effect = flow.send(0.0)
                continue
            assert isinstance(effect, Call)
            value = there.get(effect.route, 404)
            status, body = (value, b"") if isinstance(value, int) else (200, json.dumps(value).encode())
            effect = flow.send(Reply(status, {}, body))
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize(
    ("flow", "node"),
    [
        (server_template(SERVER, "video_wan2_2"), 1),
        (server_template(SERVER, "Some Pack/an example"), 2),
        (saved_workflow(SERVER, "portrait"), 3),
        (saved_workflow(SERVER, "portrait.json"), 3),
        (saved_workflow(SERVER, "old/sunset"), 4),
    ],
)
def test_it_is_read(flow: Flow[bytes], node: int) -> None:
    """ComfyUI's templates, the examples of packs, and what a user saved, each from its own place."""
    assert json.loads(played(flow)) == {"nodes": [node]}


def test_all_names() -> None:
    """They are listed as they are given."""
    assert played(template_names(SERVER)) == ("video_wan2_2", "image_flux", "Some Pack/an example")
    assert played(saved_names(SERVER)) == ("portrait", "old/sunset")


@pytest.mark.parametrize(
    ("flow", "there", "words"),
    [
        (
            server_template(SERVER, "video_wan22"),
            THERE,
            r"no template 'video_wan22'; did you mean 'video_wan2_2'\? There are: Some Pack/an example, image_flux",
        ),
        (server_template(SERVER, "Some Pack/none"), THERE, "no template 'Some Pack/none'"),
        (
            server_template(SERVER, "x"),
            {"/workflow_templates": {}},
            "no templates: the package comfyui-workflow-templat",
        ),
        (
            server_template(SERVER, "x"),
            {"/templates/x.json": 403},
            "the template 'x': GET /templates/x.json answered 403",
        ),
        (saved_workflow(SERVER, "potrait"), THERE, r"no saved workflow 'potrait'; did you mean 'portrait'\?"),
        (saved_workflow(SERVER, "x"), {}, r"no saved workflow 'x'\. There are: none"),
        (saved_workflow(SERVER, "x"), {"/userdata/workflows%2Fx.json": 403}, "403"),
        (saved_workflow(SERVER, "x"), {"/userdata": 403}, "403"),
    ],
)
def test_there_is_none(flow: Flow[bytes], there: Mapping[str, Any], words: str) -> None:
    """The nearest name and all that there are; a server that forbids it is not one that lacks it."""
    with pytest.raises(ComfyUIConnectionError, match=words):
        played(flow, there)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../b", "../x", "a\0b", "\\..\\x"])
def test_names_that_lead_away(name: str) -> None:
    """A name stays in its folder."""
    for flow in (server_template(SERVER, name), saved_workflow(SERVER, name)):
        with pytest.raises(ValidationError, match="expected"):
            played(flow)
