"""A LoRA and the model it is loaded onto: what its file says of itself, and what nobody can know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.catalog.lora_fit import MADE_FOR, LoraUse, lora_clash, lora_remedy, loras_to_ask, read_head
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.errors import ValidationError


@pytest.mark.parametrize(
    ("metadata", "network", "clash"),
    [
        ({"modelspec.architecture": "wan2.1/lora"}, "wan22_5b", False),
        ({"modelspec.architecture": "hunyuan-video/lora"}, "wan22_14b", True),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "wan21_14b_t2v", True),
        ({"ss_base_model_version": "wan_2.2_5b"}, "wan22_14b", True),
        ({"ss_base_model_version": "wan_2.2_5b"}, "wan22_5b", False),
        ({"ss_base_model_version": "wan_2.1"}, "wan22_14b", False),
        ({"ss_base_model_version": "wan_2.1"}, "wan22_5b", True),
        ({"ss_base_model_version": "wan"}, "wan21_1.3b", False),
        ({"ss_base_model_version": "hunyuan_video"}, "hunyuan_13b", False),
        ({"ss_base_model_version": "hunyuan_video"}, "hunyuan15_8b", True),
        ({"ss_base_model_version": "SDXL_base_v1-0"}, "hunyuan_13b", True),
        ({"ss_base_model_version": "ltx2"}, "ltx2.3_22b", False),
        ({"ss_base_model_version": "sd_1.5"}, "animatediff_sd15", False),
        ({"ss_base_model_version": "of another world"}, "wan22_5b", False),
        ({"ss_network_dim": "32"}, "wan22_5b", False),
        ({"ss_base_model_version": None}, "wan22_5b", False),
        ({}, "wan22_5b", False),
        (None, "wan22_5b", False),
    ],
)
def test_what_its_file_says(metadata: dict[str, Any] | None, network: str, clash: bool) -> None:
    """A LoRA that says what it was made for clashes with other networks; what says nothing that is known never does."""
    words = lora_clash(metadata, network)
    assert (words is not None) is clash
    assert words is None or words.endswith(f", and the model is {network}")


def test_the_shapes_of_its_tensors() -> None:
    """Where the file can be read, a LoRA whose layers all have other widths clashes; no layers are no verdict."""
    small = {"diffusion_model.blocks.0.self_attn.q.lora_A.weight": (16, 1536), "x.alpha": ()}
    assert lora_clash({}, "wan21_14b_t2v", tensors=small, width=5120) == (
        "its layers are 1536 wide, and those of wan21_14b_t2v are 5120"
    )
    assert lora_clash({}, "wan21_1.3b", tensors=small, width=1536) is None
    assert lora_clash({}, "wan21_14b_t2v", tensors={"x.alpha": ()}, width=5120) is None


def test_every_word_leads_to_networks_that_are_there() -> None:
    """Each start of a name in the table is that of a described network, and each word is written in small letters."""
    starts = {start for fitting in MADE_FOR.values() for start in fitting if start}
    assert [start for start in starts if not any(name.startswith(start) for name in PRESETS.networks.networks)] == []
    assert [word for word in MADE_FOR if word != word.casefold()] == []


def test_which_loras_are_asked() -> None:
    """Those on a model whose network is described, each with that network; one that is switched off is not."""
    graph = compile_workflow("wan_5b", "x", seed=1, loras={"mine.safetensors": 0.8})
    (use,) = loras_to_ask(graph, PRESETS.files)
    assert (use.name, use.network, use.input) == ("mine.safetensors", "wan22_5b", "lora_name")
    graph[use.node_id]["inputs"]["strength_model"] = 0.0
    assert loras_to_ask(graph, PRESETS.files) == ()
    graph[use.node_id]["inputs"]["strength_model"] = 1.0
    graph["1"]["inputs"]["unet_name"] = "unheard_of.safetensors"
    assert loras_to_ask(graph, PRESETS.files) == ()


def test_experts_keep_their_loras_apart() -> None:
    """Each LoRA of a pair is asked for at its own expert."""
    graph = compile_workflow("wan_fast", "x", seed=1)
    assert {use.network for use in loras_to_ask(graph, PRESETS.files)} == {"wan22_14b"}


def test_the_remedy_switches_it_off() -> None:
    """The line sets the LoRA's strength to nothing."""
    use = LoraUse("7", "LoraLoaderModelOnly", "lora_name", "x", "wan22_5b")
    line = 'graph["7"]["inputs"]["strength_model"] = 0.0  # or name a LoRA for wan22_5b there'
    assert lora_remedy(use) == line


def test_the_head_of_a_file(tmp_path: Path) -> None:
    """Metadata and shapes are read from the head alone; what is no safetensors file is an error that names it."""
    head = {
        "__metadata__": {"ss_base_model_version": "wan"},
        "a.lora_A.weight": {"dtype": "F16", "shape": [16, 1536], "data_offsets": [0, 49152]},
    }
    text = json.dumps(head).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    read = read_head(path)
    assert read.metadata == {"ss_base_model_version": "wan"} and read.tensors == {"a.lora_A.weight": (16, 1536)}
    for data in (b"", b"PK\x03\x04 and so on", (2**40).to_bytes(8, "little"), (4).to_bytes(8, "little") + b"nono"):
        path.write_bytes(data)
        with pytest.raises(ValidationError, match="no safetensors file"):
            read_head(path)
    with pytest.raises(ValidationError, match="No such file"):
        read_head(tmp_path / "none")
