"""What is saved: with which codec, compressed how much, and with or without sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, copy_json
from comfy_headless.graph.transforms.codecs import CODECS, Quality, check_codec, crf_of
from comfy_headless.graph.transforms.makers import told_classes
from comfy_headless.graph.transforms.wires import Changed, Wire, add_node, find_nodes, links, named, prune, rewire
from comfy_headless.graph.values import Kind, Limits, fit, shown

WEBM: Final = ("vp9", "av1")
"""The codecs of SaveWEBM; SaveVideo has H.264 alone (ComfyUI 0.30.0, nodes_video.py)."""


def encode(
    graph: Graph, codec: str | None = None, quality: Quality | None = None, *, schemas: Schemas | None = None
) -> Changed:
    """Save the videos of a graph with this codec and quality; None leaves what the graph says.

    VP9 and AV1 are saved by SaveWEBM, in place of CreateVideo and SaveVideo; H.264 by these, in place of SaveWEBM.

    Args:
        codec: ``"auto"``, ``"h264"``, ``"h265"`` (VideoHelperSuite alone has it), ``"vp9"`` or ``"av1"``.
        quality: ``"low"``, ``"medium"``, ``"high"``, ``"lossless"``, or a crf, of which 0 is the best.
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: an unknown codec or quality, one that the saving node does not have, sound that it cannot
            save, or no video is saved.
    """
    check_codec(codec)
    nodes = find_nodes(graph, _ENCODERS)
    if not nodes:
        raise ValidationError(
            f"{_asked(codec, quality)}: no place for it; it goes to {', '.join(_ENCODERS)}, and {told_classes(graph)}"
        )
    changed: Graph = copy_json(graph)
    for node_id in nodes:
        changed = _ENCODERS[graph[node_id]["class_type"]](changed, node_id, codec, quality)
    if codec in WEBM:
        changed = prune(changed, schemas or Schemas.snapshot(Schemas.packs()))
    return Changed(changed, _lossless_note(changed))


def mute(graph: Graph, *, schemas: Schemas | None = None) -> Changed:
    """Leave the sound out of the videos, and out of the graph the nodes that nothing but it needs.

    Args:
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: a video is saved as it comes, with whatever sound it has.
    """
    for node_id in find_nodes(graph, ("SaveVideo",)):
        origin = _origin(graph, node_id)
        if graph[origin]["class_type"] not in ("SaveVideo", "CreateVideo"):
            raise ValidationError(
                f"sound=False: {named(graph, node_id)} saves the video of {named(graph, origin)}, with its sound; "
                "only what CreateVideo and VHS_VideoCombine are given can be left out"
            )
    changed: Graph = copy_json(graph)
    loud = [each for each in find_nodes(graph, ("CreateVideo", "VHS_VideoCombine")) if "audio" in links(graph, each)]
    if not loud:
        return Changed(changed, ("sound=False: there was no sound",))
    for node_id in loud:
        del changed[node_id]["inputs"]["audio"]
    return Changed(prune(changed, schemas or Schemas.snapshot(Schemas.packs())))


def _origin(graph: Graph, node_id: str) -> str:
    """Return the node that the video of a node comes from, past those that pass one on."""
    seen = {node_id}
    while (video := links(graph, node_id).get("video")) is not None and video.node_id not in seen:
        node_id = video.node_id
        seen.add(node_id)
    return node_id


def _encode_video(graph: Graph, node_id: str, codec: str | None, quality: Quality | None) -> Graph:
    inputs = graph[node_id]["inputs"]
    if codec in WEBM:
        return _video_to_webm(graph, node_id, str(codec), quality)
    if codec == "h265":
        raise _without(graph, node_id, codec, "auto and h264")
    if quality is None and codec in (None, inputs.get("codec")):
        return graph
    plain = {name: value for name, value in inputs.items() if name.partition(".")[0] != "codec"}
    return _put(graph, node_id, "SaveVideo", {**plain, **_codec_of_video(codec, quality)})


def _codec_of_video(codec: str | None, quality: Quality | None) -> dict[str, Any]:
    """Return SaveVideo's codec; the server does not check it, and the node fails over any other form."""
    if quality is None:
        return {"codec": codec}
    return {"codec": "h264", "codec.encoding": "re-encode", "codec.encoding.crf": crf_of("h264", quality)}


def _video_to_webm(graph: Graph, node_id: str, codec: str, quality: Quality | None) -> Graph:
    video = links(graph, node_id).get("video")
    maker = graph[video.node_id] if video is not None else None
    if video is None or maker is None or maker["class_type"] != "CreateVideo":
        giver = "no node" if video is None else named(graph, video.node_id)
        raise ValidationError(
            f"codec={codec!r}: SaveWEBM takes pictures, and {named(graph, node_id)} takes a video from {giver}; "
            "expected CreateVideo there"
        )
    if "audio" in links(graph, video.node_id):
        raise ValidationError(
            f"codec={codec!r}: SaveWEBM saves no sound, and {named(graph, video.node_id)} has it; "
            "sound=False leaves it out, h264 keeps it"
        )
    webm = {
        "images": maker["inputs"].get("images"),
        "filename_prefix": graph[node_id]["inputs"].get("filename_prefix"),
        "codec": codec,
        "fps": maker["inputs"].get("fps"),
        "crf": crf_of(codec, quality),
    }
    return _put(rewire(graph, Wire(node_id, 0), video), node_id, "SaveWEBM", webm)


def _encode_webm(graph: Graph, node_id: str, codec: str | None, quality: Quality | None) -> Graph:
    inputs = graph[node_id]["inputs"]
    if codec == "h265":
        raise _without(graph, node_id, codec, "vp9 and av1")
    if codec in ("auto", "h264"):
        return _webm_to_video(graph, node_id, codec, quality)
    own = inputs.get("codec")
    wanted = str(codec or own)
    if quality is None and wanted == own:
        return graph
    return _put(graph, node_id, "SaveWEBM", {**inputs, "codec": wanted, "crf": crf_of(wanted, quality)})


def _webm_to_video(graph: Graph, node_id: str, codec: str, quality: Quality | None) -> Graph:
    inputs = graph[node_id]["inputs"]
    pictures = {name: inputs[name] for name in ("images", "fps") if name in inputs}
    changed, video = add_node(graph, "CreateVideo", pictures, "Video")
    images = links(graph, node_id).get("images")
    if images is not None:
        changed = rewire(changed, Wire(node_id, 0), images)
    saved = {"video": [video, 0], "filename_prefix": inputs.get("filename_prefix"), "format": "auto"}
    return _put(changed, node_id, "SaveVideo", {**saved, **_codec_of_video(codec, quality)})


def _encode_combined(graph: Graph, node_id: str, codec: str | None, quality: Quality | None) -> Graph:
    inputs = graph[node_id]["inputs"]
    own = next((name for name, each in CODECS.items() if each.vhs == inputs.get("format")), None)
    wanted = own if codec in (None, "auto") else codec
    if wanted is None:
        raise ValidationError(
            f"{_asked(codec, quality)}: {named(graph, node_id)} has format={shown(inputs.get('format'))}; it goes to "
            f"{', '.join(each.vhs for each in CODECS.values())}, or with one of the codecs {', '.join(CODECS)}"
        )
    if quality is None and wanted == own:
        return graph
    crf = fit(crf_of(wanted, quality), Limits(Kind.INTEGER), f"quality={shown(quality)} for {named(graph, node_id)}")
    changed = {**inputs, "crf": crf}
    if wanted != own:
        # The formats share this one; their other inputs have defaults, but for the colour depth (VHS 1.7.9).
        changed |= {"format": CODECS[wanted].vhs, "pix_fmt": "yuv420p"}
        changed |= {"input_color_depth": "8bit"} if wanted == "av1" else {}
    return _put(graph, node_id, "VHS_VideoCombine", changed)


_ENCODERS: Final[Mapping[str, Callable[[Graph, str, str | None, Quality | None], Graph]]] = {
    "SaveVideo": _encode_video,
    "SaveWEBM": _encode_webm,
    "VHS_VideoCombine": _encode_combined,
}


def _put(graph: Graph, node_id: str, class_type: str, inputs: Mapping[str, Any]) -> Graph:
    """Return the graph with that class and exactly these inputs in a node's place."""
    changed: Graph = copy_json(graph)
    changed[node_id].update(class_type=class_type, inputs=copy_json(dict(inputs)))
    return changed


def _without(graph: Graph, node_id: str, codec: str, has: str) -> ValidationError:
    return ValidationError(
        f"codec={codec!r}: {named(graph, node_id)} takes {has}; only VHS_VideoCombine of VideoHelperSuite takes {codec}"
    )


def _asked(codec: str | None, quality: Quality | None) -> str:
    asked = {"codec": codec, "quality": quality}
    return ", ".join(f"{name}={shown(value)}" for name, value in asked.items() if value is not None) or "codec, quality"


def _lossless_note(graph: Graph) -> tuple[str, ...]:
    crfs = [graph[each]["inputs"].get("codec.encoding.crf") for each in find_nodes(graph, ("SaveVideo",))]
    return (
        ("quality: lossless H.264 is its profile High 4:4:4 Predictive, which many players lack",) if 0 in crfs else ()
    )
