"""Rules by which a file's name tells the expert of a two-expert model. The names are of public files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.graph.transforms.experts import Expert, find_lonely, read_experts

HIGH = [
    "wan2.2_i2v_lightx2v_4steps_lora_v1_high_noise.safetensors",
    "wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors",
    "Wan2.2-I2V-A14B-HighNoise-Q4_K_M.gguf",
    "Wan2.2-VACE-Fun-A14B-high-noise-Q4_K_S.gguf",
    "Wan2.2-Lightning_I2V-A14B-4steps-lora_HIGH_fp16.safetensors",
    "Wan2.2-I2V-A14B-4steps-lora-rank64-Seko-V1/high_noise_model.safetensors",
    "HighNoise/model.gguf",
    "LowNoise/model_high_noise.gguf",
    "wan22_i2v_14b_HN_lx2v_4step_lora_rank64_1022.safetensors",
    "SVI_Wan2.2-I2V-A14B_high_noise_lora_v2.0_pro.safetensors",
    "Wan2_2_Fun_VACE_A14B_HIGH_mbf16.safetensors",
]
NEITHER = [
    "lightx2v_T2V_14B_cfg_step_distill_v2_lora_rank64_bf16.safetensors",
    "wan2.2_ti2v_5B_fp16.safetensors",
    "ltx-2-19b-distilled-lora-384.safetensors",
    "low_poly_style.safetensors",
    "high-angle-shot.safetensors",
    "NSFW-22-H-e8.safetensors",
    "high_and_low.safetensors",
    "highlander.safetensors",
    "",
]


def swapped(name: str) -> str:
    pairs = [("high", "low"), ("High", "Low"), ("HIGH", "LOW"), ("HN", "LN")]
    for high, low in pairs:
        name = name.replace(low, "\0").replace(high, low).replace("\0", high)
    return name


@pytest.mark.parametrize("name", HIGH)
def test_both_ways_of_a_name(name: str) -> None:
    """A name says high noise, and the same name with the other word says low noise; the file's own name goes first."""
    assert read_experts([name]) == {name: Expert.HIGH}
    assert read_experts([swapped(name)]) == {swapped(name): Expert.LOW}


@pytest.mark.parametrize("name", NEITHER)
def test_a_name_that_does_not_tell(name: str) -> None:
    """A name that says neither, or both, or means something else by it, is for no expert in particular."""
    assert read_experts([name]) == {name: None}


def test_a_letter_tells_beside_its_partner() -> None:
    """A single H or L says something only when the same name with the other letter is there too."""
    high, low, other = "style-22-H-e8.safetensors", "style-22-L-e8.safetensors", "other-22-H-e8.safetensors"
    assert read_experts([high, low, other]) == {high: Expert.HIGH, low: Expert.LOW, other: None}


@pytest.mark.parametrize(
    ("names", "lonely"),
    [
        (["a_high_noise.safetensors"], ["a_high_noise.safetensors"]),
        (["a_high_noise.safetensors", "a_low_noise.safetensors"], []),
        (["a_000003250_low_noise.safetensors", "a_000003500_high_noise.safetensors"], []),
        (["a_1_low.safetensors", "a_2_high.safetensors", "b_low.safetensors"], ["b_low.safetensors"]),
        (["a_HIGH.safetensors", "b-of-another-name_LOW.safetensors"], []),
        (["a_high.safetensors", "a_low.safetensors", "b_low.safetensors"], ["b_low.safetensors"]),
        (["a.safetensors"], []),
    ],
)
def test_lonely_halves(names: list[str], lonely: list[str]) -> None:
    """A half is lonely if there are more of its kind than of the other, and none has its name with the other word."""
    assert find_lonely(read_experts(names)) == lonely


@given(st.lists(st.text(max_size=30), max_size=5, unique=True))
def test_any_names_are_read(names: list[str]) -> None:
    """Every name gets an answer, whatever it is made of."""
    read = read_experts(names)
    assert list(read) == names
    assert set(find_lonely(read)) <= set(names)
