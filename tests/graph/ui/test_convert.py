"""graph/ui/convert.py: what is sent, and what it is called."""

from __future__ import annotations

import copy

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert, is_ui_format
from tests.graph.ui.drawing import image_to_image, sampler

SCHEMAS = Schemas.snapshot()


def test_a_plain_workflow() -> None:
    """Each node is sent with its values by name, its links and its title; the file is left as it was."""
    drawn = sampler(image_to_image(), title="Sampler, $seed.seed").saved()
    kept = copy.deepcopy(drawn)
    graph = convert(drawn, SCHEMAS)
    assert graph["3"] == {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
        "_meta": {"title": "Sampler, $seed.seed"},
    }
    assert graph["6"]["_meta"]["title"] == "CLIP Text Encode (Prompt)"
    assert drawn == kept


def test_which_files_are_in_the_browser_s_format() -> None:
    """A file whose nodes are a list is in the browser's format; a graph is not."""
    assert is_ui_format({"nodes": [], "links": []})
    assert not is_ui_format({"1": {"class_type": "KSampler", "inputs": {}}})
    assert not is_ui_format([{"nodes": []}])
