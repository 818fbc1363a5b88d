"""What CogVideoX's nodes refuse when they run, seen on a real server with the pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfy_headless.simulator import Simulator
from comfy_headless.simulator.pack_limits import find_refusal
from comfy_headless.simulator.shapes import Walk
from tests.simulator.talk import Graph, node, talking


def cog_graph(model: str, *, image: bool, width: int = 720, height: int = 480, precision: str = "bf16") -> Graph:
    """Return a loader, a size and a sampler."""
    given = {"image_cond_latents": ["encode", 0]} if image else {"samples": ["latent", 0]}
    return {
        "load": node("DownloadAndLoadCogVideoModel", model=model, precision=precision),
        "picture": node("EmptyImage", width=width, height=height, batch_size=1, color=0),
        "encode": node("CogVideoImageEncode", vae=["load", 1], start_image=["picture", 0]),
        "latent": node("EmptyLatentImage", width=width, height=height, batch_size=1),
        "sample": node("CogVideoSampler", model=["load", 0], num_frames=49, steps=2, **given),
    }


def said(graph: Graph, node_id: str) -> str | None:
    """Return what a node says in refusing."""
    found = Walk(graph, Path("/nowhere")).node(node_id)
    assert found is not None
    refusal = find_refusal(found)
    return None if refusal is None else refusal.message


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": "THUDM/CogVideoX-5b-I2V", "image": True}, None),
        (
            {"model": "THUDM/CogVideoX-5b-I2V", "image": True, "width": 480, "height": 720},
            "THUDM/CogVideoX-5b-I2V makes 720x480 only, not 480x720",
        ),
        ({"model": "kijai/CogVideoX-5b-1.5-I2V", "image": True, "width": 1360, "height": 768}, None),
        ({"model": "THUDM/CogVideoX-5b", "image": False, "width": 480, "height": 720}, None),
        ({"model": "THUDM/CogVideoX-5b", "image": True}, "THUDM/CogVideoX-5b takes no image_cond_latents"),
        ({"model": "THUDM/CogVideoX-5b-I2V", "image": False}, "THUDM/CogVideoX-5b-I2V needs image_cond_latents"),
        ({"model": "kijai/CogVideoX-Fun-5b", "image": False}, None),
    ],
)
def test_a_model_takes_its_own_size_and_its_own_inputs(asked: dict[str, Any], message: str | None) -> None:
    """5b-I2V makes 720x480 only; an image is for the models that take one, and they need it."""
    assert said(cog_graph(**asked), "sample") == message


def test_15_is_not_run_in_fp16() -> None:
    """The loader refuses 1.5 in fp16, and the sampler of a graph without a loader refuses nothing."""
    graph = cog_graph("kijai/CogVideoX-5b-1.5-T2V", image=False, precision="fp16")
    assert said(graph, "load") == "1.5 models do not work in fp16"
    assert said(cog_graph("THUDM/CogVideoX-2b", image=False, precision="fp16"), "load") is None
    del graph["load"]
    assert said(graph, "sample") is None


def test_the_job_fails_at_that_node() -> None:
    """A server takes the graph, and the job ends with the node's error."""
    graph = cog_graph("THUDM/CogVideoX-5b", image=True)
    graph["clip"] = node("CLIPLoader", clip_name="t5.safetensors", type="sd3")
    graph["text"] = node("CogVideoTextEncode", clip=["clip", 0], prompt="a", strength=1.0, force_offload=True)
    settings = {"positive": ["text", 0], "negative": ["text", 0], "cfg": 6.0, "seed": 1, "scheduler": "CogVideoXDDIM"}
    graph["sample"]["inputs"] |= settings
    graph["show"] = node("PreviewAny", source=["sample", 0])
    with Simulator(files={"text_encoders": ["t5.safetensors"]}) as sim, talking(sim.url) as talk:
        entry = talk.run(graph)
    kind, error = entry["status"]["messages"][-1]
    assert (kind, error["node_id"], error["exception_type"]) == ("execution_error", "sample", "AssertionError")
    assert error["exception_message"] == "THUDM/CogVideoX-5b takes no image_cond_latents\n"
