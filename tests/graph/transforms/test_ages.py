"""Graphs fitted to servers of other ages, told by fragments of their object_info."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.graph.ages import UPDATE
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.transforms.ages import fitted

from .graphs import VIDEO, node

V3 = {"deprecated": False, "experimental": False, "api_node": False}
SAVE_VIDEO: dict[str, Any] = {
    "input": {
        "required": {
            "video": ["VIDEO", {}],
            "filename_prefix": ["STRING", {"default": "video/ComfyUI"}],
            "format": ["COMBO", {"default": "auto", "options": ["auto", "mp4"]}],
            "codec": ["COMBO", {"default": "auto", "options": ["auto", "h264"]}],
        }
    },
    "output": [],
    "python_module": "comfy_extras.nodes_video",
    "output_node": True,
    **V3,
}
"""As 0.16.3 has it, and 0.3.31 had it first."""


def server(**classes: dict[str, Any] | None) -> Schemas:
    """ComfyUI 0.30.0 with these classes as another version has them; None: it has none."""
    ours = Schemas.snapshot()
    known = {name: ours.raw(name) for name in ours}
    return Schemas.from_object_info({name: raw for name, raw in {**known, **classes}.items() if raw is not None})


def saved(**inputs: Any) -> dict[str, Any]:
    """A graph whose video is saved so."""
    graph = {key: each for key, each in VIDEO.items() if each["class_type"] != "SaveVideo"}
    (maker,) = (key for key, each in graph.items() if each["class_type"] == "CreateVideo")
    return {**graph, "90": node("SaveVideo", video=[maker, 0], filename_prefix="x", format="auto", **inputs)}


def test_what_fits_stays_as_it_is() -> None:
    """On the server that a graph was written for it is the same object, without a word."""
    graph = saved(**{"codec": "h264", "codec.encoding": "re-encode", "codec.encoding.crf": 18})
    assert fitted(graph, Schemas.snapshot()) == (graph, (), ())
    assert fitted(graph, Schemas.snapshot()).graph is graph


def test_a_quality_that_older_servers_have_not() -> None:
    """It is left out with a note, the plain codec stays, and the graph that was given is not touched."""
    graph = saved(**{"codec": "h264", "codec.encoding": "re-encode", "codec.encoding.crf": 18})
    before = server(SaveVideo=SAVE_VIDEO)
    fit = fitted(graph, before, version="0.16.3")
    assert fit.graph["90"]["inputs"] == saved(codec="h264")["90"]["inputs"]
    assert fit.notes == (
        "node 90 (SaveVideo): codec.encoding.crf=18 has no effect: "
        "ComfyUI has it since 0.30.0, this server says 0.16.3",
    )
    assert fit.lacks == ()
    assert graph["90"]["inputs"]["codec.encoding.crf"] == 18
    assert check(fit.graph, before).ok


def test_what_older_servers_do_anyway_needs_no_word() -> None:
    """Their only quality is 23, as libx264 has it."""
    graph = saved(**{"codec": "h264", "codec.encoding": "re-encode", "codec.encoding.crf": 23})
    fit = fitted(graph, server(SaveVideo=SAVE_VIDEO))
    assert (fit.graph["90"]["inputs"], fit.notes) == (saved(codec="h264")["90"]["inputs"], ())


def without(class_type: str, *names: str) -> dict[str, Any]:
    """A class as a version has it that lacks these inputs."""
    raw = Schemas.snapshot().raw(class_type)
    sections = {
        section: {name: spec for name, spec in inputs.items() if name not in names}
        for section, inputs in raw["input"].items()
    }
    return {**raw, "input": sections}


@pytest.mark.parametrize(("strength", "notes"), [(1.0, 0), (0.6, 1)])
def test_a_value_that_an_older_class_does_not_take(strength: float, notes: int) -> None:
    """Its default is what the class did before; another value is worth a note."""
    graph = {"1": node("LTXVImgToVideo", width=64, height=64, length=9, batch_size=1, strength=strength)}
    fit = fitted(graph, server(LTXVImgToVideo=without("LTXVImgToVideo", "strength")), version="0.3.27")
    assert "strength" not in fit.graph["1"]["inputs"]
    assert len(fit.notes) == notes
    assert all("strength=0.6 has no effect: ComfyUI has it since 0.3.31" in note for note in fit.notes)


def test_a_wire_that_nothing_takes_is_lacking() -> None:
    """Without it the result would be another one, and the server would not say so."""
    graph = {
        "1": node("LoadImage", image="a.png"),
        "2": node("WanImageToVideo", start_image=["1", 0], width=64, height=64, length=5, batch_size=1),
    }
    fit = fitted(graph, server(WanImageToVideo=without("WanImageToVideo", "start_image")))
    assert fit.graph == graph
    assert fit.lacks == (
        f"node 2 (WanImageToVideo): nothing takes the wire 'start_image' there: newer versions have it: {UPDATE}",
    )


def test_classes_that_are_not_there_yet() -> None:
    """One line names them, and the version; those of node packs are not ours to date."""
    graph = {**saved(codec="auto"), "91": node("UnetLoaderGGUF", unet_name="x.gguf"), "92": node("ManualSigmas")}
    lacks = fitted(graph, server(SaveVideo=None, ManualSigmas=None), version="0.3.27", subject="mine").lacks
    assert lacks == (
        "mine needs the nodes ManualSigmas, SaveVideo, which ComfyUI has since 0.7.0; "
        f"this server says 0.3.27: {UPDATE}",
    )


def test_choices_that_are_not_there_yet() -> None:
    """A choice of ComfyUI's own is dated, a dynamic one too; a file's name is none, a wrong word is the caller's."""
    raw = Schemas.snapshot().raw("DualCLIPLoader")
    kinds = [each for each in raw["input"]["required"]["type"][0] if each != "hunyuan_video_15"]
    required = {**raw["input"]["required"], "type": [kinds], "clip_name1": [["a"]], "clip_name2": [["b"]]}
    resize = Schemas.snapshot().raw("ResizeImageMaskNode")
    spec = resize["input"]["required"]["resize_type"]
    options = [each for each in spec[1]["options"] if each["key"] != "scale to multiple"]
    there = server(
        DualCLIPLoader={**raw, "input": {**raw["input"], "required": required}},
        ResizeImageMaskNode={
            **resize,
            "input": {"required": {**resize["input"]["required"], "resize_type": [spec[0], {"options": options}]}},
        },
    )
    graph = {
        "1": node("DualCLIPLoader", clip_name1="not there", clip_name2="b", type="hunyuan_video_15"),
        "2": node("DualCLIPLoader", clip_name1="a", clip_name2="b", type="wrong"),
        "3": node("ResizeImageMaskNode", **{"resize_type": "scale to multiple", "resize_type.multiple": 2}),
    }
    fit = fitted(graph, there, version="0.3.64")
    assert fit.graph is graph
    assert fit.notes == ()
    assert fit.lacks == (
        "node 1 (DualCLIPLoader): type='hunyuan_video_15' is not there: ComfyUI has it since 0.3.71, this server says "
        f"0.3.64: {UPDATE}",
        "node 3 (ResizeImageMaskNode): resize_type='scale to multiple' is not there: ComfyUI has it since 0.9.2, this "
        f"server says 0.3.64: {UPDATE}",
    )


def test_what_a_newer_server_wants_besides() -> None:
    """An input that 0.30.0 does not have is filled with the server's default, down to what it brings; with a note."""
    codec = [
        "COMFY_DYNAMICCOMBO_V3",
        {"options": [{"key": "fast", "inputs": {"required": {"gop": ["INT", {"default": 12}]}}}]},
    ]
    raw = Schemas.snapshot().raw("CreateVideo")
    required = {**raw["input"]["required"], "speed": codec, "tag": ["STRING", {"default": ""}], "odd": ["MODEL", {}]}
    graph = saved(codec="auto")
    (maker,) = (key for key, each in graph.items() if each["class_type"] == "CreateVideo")
    fit = fitted(graph, server(CreateVideo={**raw, "input": {**raw["input"], "required": required}}))
    added = {"speed": "fast", "tag": "", "speed.gop": 12}
    assert fit.graph[maker]["inputs"] == {**graph[maker]["inputs"], **added}
    assert fit.notes == tuple(
        f"node {maker} (CreateVideo): {name}={value!r} is taken: this server asks for it"
        for name, value in {"tag": "", "speed": "fast", "speed.gop": 12}.items()
    )


def test_what_a_caller_left_out_is_not_filled() -> None:
    """A required input that 0.30.0 has too is the caller's to give; the server refuses the graph."""
    graph = saved(codec="auto")
    del graph["90"]["inputs"]["format"]
    assert fitted(graph, server(SaveVideo=SAVE_VIDEO)).graph is graph


def test_classes_of_packs_are_left_alone() -> None:
    """A class of ours that a pack has put in its place may take whatever it likes."""
    pack = {**SAVE_VIDEO, "python_module": "custom_nodes.other"}
    graph = saved(**{"codec": "h264", "codec.encoding": "re-encode"})
    assert fitted(graph, server(SaveVideo=pack)) == (graph, (), ())
