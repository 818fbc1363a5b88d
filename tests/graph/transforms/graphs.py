"""Small graphs as users have them, one per way to make something of pictures."""

from __future__ import annotations

from typing import Any

from comfy_headless.graph.source import Graph


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A node with these inputs."""
    return {"class_type": class_type, "inputs": inputs}


PICTURES = node("EmptyImage", width=96, height=64, batch_size=9, color=0)
SOUND = node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2)
SAVED = {"filename_prefix": "video/x", "format": "auto", "codec": "auto"}
COMBINED = {
    "frame_rate": 16.0,
    "loop_count": 0,
    "filename_prefix": "x",
    "format": "video/h264-mp4",
    "pix_fmt": "yuv420p",
    "crf": 19,
    "pingpong": False,
    "save_output": True,
}

VIDEO: Graph = {
    "1": PICTURES,
    "2": node("CreateVideo", images=["1", 0], fps=24.0),
    "3": node("SaveVideo", video=["2", 0], **SAVED),
}
LOUD: Graph = {**VIDEO, "2": node("CreateVideo", images=["1", 0], fps=24.0, audio=["4", 0]), "4": SOUND}
WEBM: Graph = {
    "1": PICTURES,
    "2": node("SaveWEBM", images=["1", 0], filename_prefix="x", codec="vp9", fps=30.0, crf=20.0),
}
ANIMATED: Graph = {
    "1": PICTURES,
    "2": node(
        "SaveAnimatedWEBP", images=["1", 0], filename_prefix="x", fps=8.0, lossless=True, quality=80, method="default"
    ),
}
VHS: Graph = {
    "1": PICTURES,
    "4": SOUND,
    "2": node("VHS_VideoCombine", images=["1", 0], audio=["4", 0], **COMBINED),
}
STILL: Graph = {"1": PICTURES, "2": node("SaveImage", images=["1", 0], filename_prefix="x")}
LOADED: Graph = {"1": node("LoadVideo", file="a.mp4"), "2": node("SaveVideo", video=["1", 0], **SAVED)}
"""A video that is not made of pictures."""

TAKEN_APART: Graph = {
    "1": node("LoadVideo", file="a.mp4"),
    "2": node("GetVideoComponents", video=["1", 0]),
    "3": node("CreateVideo", images=["2", 0], fps=["2", 2], audio=["2", 1]),
    "4": node("SaveVideo", video=["3", 0], **SAVED),
}
"""A video whose frame rate comes by a wire."""
