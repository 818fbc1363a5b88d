"""What the simulator says it runs on."""

from __future__ import annotations

import math
import sys
from typing import Any

import httpx
import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.simulator import Simulator

GIB = 2**30


def stats(**settings: Any) -> Any:
    """What /system_stats of such a simulator says."""
    with Simulator(**settings) as sim:
        return httpx.get(sim.url + "/system_stats").json()


def test_a_card_is_what_it_was_told() -> None:
    """VRAM and RAM come in bytes; without a name the card is called Simulated."""
    told = stats(vram_gb=12, ram_gb=32)
    assert told["system"]["comfyui_version"] == "0.30.0"
    assert (told["system"]["os"], told["system"]["ram_total"]) == (sys.platform, 32 * GIB)
    (card,) = told["devices"]
    assert (card["name"], card["type"], card["index"]) == ("cuda:0 Simulated : native", "cuda", 0)
    assert (card["vram_total"], card["vram_free"], card["torch_vram_total"]) == (12 * GIB, 12 * GIB, 0)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_what_has_no_memory_of_its_own_tells_its_ram(device: str) -> None:
    """Such a device has no number, is named by its type, and RAM counts as VRAM, as on the real server."""
    (told,) = stats(device=device, ram_gb=16, vram_gb=24)["devices"]
    assert (told["type"], told["name"], told["index"]) == (device, device, None)
    assert {told[key] for key in told if "vram" in key} == {16 * GIB}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("NVIDIA GeForce RTX 4090", "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync"),
        ("AMD Radeon RX 7900 XTX", "cuda:0 AMD Radeon RX 7900 XTX : native"),
    ],
)
def test_a_card_has_a_name(name: str, shown: str) -> None:
    """It stands between the device and its allocator; the one of NVIDIA's cards is cudaMallocAsync."""
    (card,) = stats(device_name=name)["devices"]
    assert card["name"] == shown


def test_a_server_can_have_several_cards() -> None:
    """Each has its number and its memory; a single name is that of all."""
    many = stats(vram_gb=[8, 24.5], device_name=["NVIDIA T4", "NVIDIA L4"])["devices"]
    assert [(card["index"], card["vram_total"]) for card in many] == [(0, 8 * GIB), (1, 24.5 * GIB)]
    assert [card["name"].split(" : ")[0] for card in many] == ["cuda:0 NVIDIA T4", "cuda:1 NVIDIA L4"]
    for named in ("NVIDIA L4", ("NVIDIA L4",)):
        assert [card["name"] for card in stats(vram_gb=(8, 8), device_name=named)["devices"]] == [
            "cuda:0 NVIDIA L4 : cudaMallocAsync",
            "cuda:1 NVIDIA L4 : cudaMallocAsync",
        ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *((name, value, "above 0") for name in ("vram_gb", "ram_gb") for value in (-3, 0, math.nan, math.inf, "8")),
        ("vram_gb", [], "one card or more"),
        ("device", "gpu", "cuda, cpu, mps"),
        ("device_name", ["a", "b"], "one for each of 1"),
        ("device_name", [], "one for each of 1"),
    ],
)
def test_hardware_that_no_machine_has_is_an_error(name: str, value: Any, expected: str) -> None:
    """The argument, its value and what is expected are named."""
    with pytest.raises(ValidationError) as raised:
        Simulator(**{name: value})
    assert str(raised.value).startswith(f"{name} {value!r}: expected ")
    assert expected in str(raised.value)


def test_each_card_of_several_is_checked() -> None:
    """The size that is none is named; only a card has a name."""
    with pytest.raises(ValidationError, match=r"^vram_gb -1: expected"):
        Simulator(vram_gb=(24, -1))
    with pytest.raises(ValidationError, match=r"^device_name 'x': expected none with device 'cpu'"):
        Simulator(device="cpu", device_name="x")
