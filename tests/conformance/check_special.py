"""Requests for `check_corpus` that no general way of breaking a graph makes: one class's own rules, odd bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .check_graphs import Graph, base_graphs, empty_image, node, save

Request = tuple[str, Any, Any]
"""Name, graph, and ``partial_execution_targets`` or None."""

SHOW_FIRST = node("PreviewAny", source=["1", 0])


def special_requests() -> Iterator[Request]:
    """Yield them all."""
    yield from _with_targets()
    named = {**_old_classes(), **_no_graphs(), **_files(), **_own_checks(), **_autogrow()}
    yield from ((name, graph, None) for name, graph in named.items())


def _with_targets() -> Iterator[Request]:
    two = base_graphs()["two_outputs"]
    for number, targets in enumerate((["4"], ["4", "5"], ["99"], [], ["2"], "345", {"4": 1}, 3)):
        yield f"targets {number}", two, targets
    yield "two bad outputs of three", {**two, "3": save("99"), "1": empty_image(width=0)}, None


def _old_classes() -> dict[str, Graph]:
    bare = node("SDV_img2vid_Conditioning", "Old", width=64)
    mapped = node("T2IAdapterLoader", "Old", t2i_adapter_name="a.safetensors")
    untitled = node("T2IAdapterLoader", t2i_adapter_name="a.safetensors")
    return {
        f"old class {number} {len(more)}": {"1": first, "2": SHOW_FIRST, **more}
        for number, first in enumerate((bare, mapped, untitled, node("T2IAdapterLoader", "Old")))
        for more in ({}, {"3": empty_image(), "4": save("3")})
    }


def _no_graphs() -> dict[str, Any]:
    bodies = (
        {},
        [],
        None,
        1,
        "text",
        {"1": 1},
        {"1": []},
        {"1": None},
        {"nodes": [], "version": 0.4},
        {"1": "class_type"},
        {"1": {}},
        {"1": {"class_type": []}},
        {"1": {"inputs": {}}},
        {"1": {"class_type": "SaveImage", "inputs": []}},
        {"1": {"class_type": "SaveImage", "inputs": None}},
        {"1": {"class_type": ["a"], "inputs": {}}},
        {"1": {"class_type": "X", "_meta": None}},
        {"1": {"class_type": "X", "_meta": {}}},
        {"1": {"_meta": {"title": "T"}, "inputs": {}}},
        {"1": {"_meta": {"title": ""}}},
    )
    return {f"no graph {number}": body for number, body in enumerate(bodies)}


def _files() -> dict[str, Graph]:
    names = (
        *("nope.png", "", ".", "..", "../x.png", "/etc/passwd", "nope.png [input]", "a\0b"),
        *(5, None, True, {"a": 1}, ["2", 0], ["1", 0], [1, 0], {"__value__": "nope.png"}, {"__value__": ["1", 0]}),
    )
    found: dict[str, Graph] = {
        "file not given": {"1": node("LoadImage"), "2": save("1")},
        "file not given, deep": {
            "1": node("LoadVideo"),
            "2": node("GetVideoComponents", video=["1", 0]),
            "3": save("2"),
        },
    }
    for number, name in enumerate(names):
        found[f"file {number}"] = {"1": node("LoadImage", image=name), "2": save("1")}
        found[f"mask file {number}"] = {"1": node("LoadImageMask", image=name, channel="blue"), "2": SHOW_FIRST}
        found[f"sound file {number}"] = {"1": node("LoadAudio", audio=name), "2": SHOW_FIRST}
        mesh = node("Load3D", model_file=name, image="x", width=-4)
        found[f"mesh file {number}"] = {"1": mesh, "2": SHOW_FIRST}
    return found


def _own_checks() -> dict[str, Graph]:
    found: dict[str, Graph] = {}
    for number, ratio in enumerate(("16:9", "9", "a:b", "0:4", "1:9", "9:1", 5, ["1", 0], ["3", 0])):
        # The seed is out of range, so that no server runs it: it would call a paid service.
        flux = node(
            "FluxProUltraImageNode", prompt="x", seed=-1, aspect_ratio=ratio, raw=False, prompt_upsampling=False
        )
        found[f"ratio {number}"] = {"1": flux, "2": save("1"), "3": node("PrimitiveString", value="16:9")}
    camera = base_graphs()["own_checks"]["3"]["inputs"]
    changes = ({"pan": "x"}, {"pan": ["9", 0]}, {"zoom": 99.0, "pan": 1e-12}, {"camera_control_type": "no"})
    for number, change in enumerate(changes):
        moved = node("KlingCameraControls", **{**camera, **change})
        found[f"camera {number}"] = {"1": moved, "2": SHOW_FIRST, "9": node("PrimitiveFloat", value=1.0)}
    for count in (0, 1, 2, 5):
        some = dict(list(camera.items())[:count])
        found[f"camera given {count}"] = {"1": node("KlingCameraControls", **some), "2": SHOW_FIRST}
    for number, task in enumerate(("x", ["2", 0], ["1", 0])):
        convert = node("TripoConversionNode", original_model_task_id=task, format="GLTF", quad=True)
        found[f"task {number}"] = {"1": convert, "2": empty_image()}
    return found


def _autogrow() -> dict[str, Graph]:
    found = {}
    for given in ([], [0], [1], [0, 2], [0, 99]):
        links = {f"images.image{number}": ["1", 0] for number in given}
        found[f"autogrow {given}"] = {"1": empty_image(), "2": node("BatchImagesNode", **links), "3": save("2")}
    return found
