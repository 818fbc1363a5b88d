"""What a server has is read from whatever it answers: what is not as expected is passed over, never an error."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.facts import GIB, Device, read_devices, read_facts, read_free_gb

SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(["input", "required", "optional", "options", "devices", "system", "name", "type"])
KEYS |= st.sampled_from(["vram_total", "vram_free", "ram_total", "unet_name", "UNETLoader", "VAELoader", "vae_name"])
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
SPECS = JSON | st.tuples(JSON, JSON).map(list) | st.tuples(st.just("COMBO"), JSON).map(list)
GROUPS = JSON | st.dictionaries(KEYS, SPECS, max_size=3)
NODES = JSON | st.fixed_dictionaries({"input": JSON | st.fixed_dictionaries({"required": GROUPS, "optional": GROUPS})})
INFOS = JSON | st.fixed_dictionaries({"UNETLoader": NODES, "VAELoader": NODES})
DEVICES = st.fixed_dictionaries({"name": JSON, "type": JSON, "vram_total": JSON, "vram_free": JSON})
STATS = JSON | st.fixed_dictionaries({"devices": st.lists(DEVICES | JSON, max_size=3), "system": JSON})
ODD_SIZES = [10**400, 1e6 * GIB, math.inf, -math.inf, math.nan, -1, 0, None, True, "24 GB", []]


def stats_of(*devices: Any) -> dict[str, Any]:
    """An answer of ``/system_stats``."""
    return {"system": {"ram_total": 64 * GIB}, "devices": list(devices)}


def card(total: Any, free: Any = 0, **more: Any) -> dict[str, Any]:
    """A device."""
    return {"name": "cuda:0 card", "type": "cuda", "vram_total": total, "vram_free": free, **more}


@given(INFOS, STATS)
def test_any_json_is_read(object_info: Any, system_stats: Any) -> None:
    """Whatever JSON a server answers, sizes are above zero and such as machines have, and names are text."""
    facts = read_facts(object_info, system_stats)
    sizes = [device.vram_gb for device in facts.devices] + ([] if facts.ram_gb is None else [facts.ram_gb])
    assert all(0 < size < 1e6 for size in sizes)
    assert all(isinstance(name, str) for names in facts.files.values() for name in names)
    assert all(isinstance(device.name, str) for device in facts.devices)
    assert read_devices(system_stats) == facts.devices
    free = read_free_gb(system_stats)
    assert free is None or (0 <= free < 1e6 and facts.devices)


@pytest.mark.parametrize(
    "node",
    [
        5,
        {"input": None},
        {"input": {"required": 5}},
        {"input": {"required": {"unet_name": ["COMBO", None]}}},
        {"input": {"required": {"unet_name": ["COMBO", {"options": 5}]}}},
        {"input": {"required": {"unet_name": ["COMBO"]}}},
        {"input": {"required": {"unet_name": [{"a": 1}, 5]}}},
    ],
)
def test_a_node_that_lists_nothing(node: Any) -> None:
    """A node that is not described as nodes are lists no file, and is there."""
    facts = read_facts({"UNETLoader": node, "VAELoader": {"input": {"required": {"vae_name": [["a.pt", 5]]}}}}, {})
    assert (facts.files["diffusion_models"], facts.files["vae"]) == (frozenset(), frozenset({"a.pt"}))
    assert facts.node_classes == {"UNETLoader", "VAELoader"}


@pytest.mark.parametrize("size", ODD_SIZES)
def test_a_size_that_no_machine_has(size: Any) -> None:
    """A size that is no number above zero, or more than any machine has, is not known."""
    facts = read_facts({}, {"system": {"ram_total": size}, "devices": [card(size), card(8 * GIB)]})
    assert (facts.ram_gb, facts.devices) == (None, (Device("cuda:0 card", 8.0),))


def test_what_is_free() -> None:
    """The device with most memory says what is free, the CPU never; nothing free is known too."""
    small, large, cpu = card(8 * GIB, 7 * GIB), card(24 * GIB, 20 * GIB), card(64 * GIB, 60 * GIB, type="cpu")
    assert read_free_gb(stats_of(small, large, cpu)) == 20.0
    assert read_free_gb(stats_of(card(8 * GIB, 0))) == 0.0
    for odd in (-1, None, True, False, 10**400, math.nan, "7"):
        assert read_free_gb(stats_of(small, card(24 * GIB, odd))) is None
    assert read_free_gb(stats_of(cpu)) is None
    assert read_free_gb({"devices": 5}) is None
    assert read_free_gb(None) is None
