"""What nodes of packs refuse when they run, although the server took the graph.

Read in CogVideoXWrapper fdb8abd (nodes.py, model_loading.py, embeddings.py) and seen there with miniature weights.
"""

from __future__ import annotations

from comfy_headless.simulator.faults import NodeFails
from comfy_headless.simulator.measured import Node

_TAKES_IMAGE = ("i2v", "interpolation", "fun", "img2vid")
_LEARNED = ("THUDM/CogVideoX-5b-I2V", 720, 480)
"""The model whose places in the picture are learned, and the one size that they are of."""


def find_refusal(node: Node) -> NodeFails | None:
    """Return how the node fails over what it is given, or None."""
    match node.class_type:
        case "CogVideoSampler":
            return _refuse_sampling(node)
        case "DownloadAndLoadCogVideoModel":
            if node.inputs.get("precision") == "fp16" and "1.5" in _model(node):
                return NodeFails("1.5 models do not work in fp16", exception_type="ValueError")
    return None


def _refuse_sampling(node: Node) -> NodeFails | None:
    loader, image = node.source("model"), node.inputs.get("image_cond_latents")
    if loader is None:
        return None
    model = _model(loader)
    takes_image = any(word in model.lower() for word in _TAKES_IMAGE)
    if image is not None and not takes_image:
        return NodeFails(f"{model} takes no image_cond_latents", exception_type="AssertionError")
    if image is None and takes_image and "fun" not in model.lower():
        return NodeFails(f"{model} needs image_cond_latents", exception_type="AssertionError")
    name, width, height = _LEARNED
    shape = node.shape("image_cond_latents", "samples")
    if model == name and shape is not None and (shape.width, shape.height) != (width, height):
        asked = f"{shape.width}x{shape.height}"
        return NodeFails(f"{model} makes {width}x{height} only, not {asked}", exception_type="ValueError")
    return None


def _model(loader: Node) -> str:
    return str(loader.inputs.get("model", ""))
