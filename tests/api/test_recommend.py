"""get_recommended_preset: whose memory counts, what is asked of whom, and what is said of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import (
    ComfyUIOfflineError,
    Recommendation,
    ValidationError,
    get_recommended_preset,
)
from comfy_headless.api.recommend import machine_with
from comfy_headless.catalog.facts import Device, ServerFacts
from comfy_headless.health.ram import find_ram
from comfy_headless.simulator import Simulator
from tests.cli.program import environment
from tests.faults.clients import Person
from tests.health.machine import build, cards

NOBODY = "http://127.0.0.1:9"
TWO_CARDS = {"vram_gb": [8, 24], "device_name": ["NVIDIA GeForce RTX 3060 Ti", "NVIDIA GeForce RTX 4090"]}
_HERE = """
import json
from comfy_headless.api.recommend import machine_here
found = machine_here("nothing answers")
print(json.dumps([found.vram_gb, found.source, found.card, found.ram_gb]))
"""


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMFY_HEADLESS_URL", raising=False)
    monkeypatch.delenv("COMFY_HEADLESS_PRESETS", raising=False)


def explained(*given: Any, **more: Any) -> Recommendation:
    found = get_recommended_preset(*given, **more, explain=True)
    assert isinstance(found, Recommendation)
    return found


@pytest.mark.parametrize("given", [((16,), {}), ((), {"vram_gb": 16})])
def test_a_given_size(given: tuple[tuple[int, ...], Mapping[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A size that is given needs nobody else, by position or by name; the answer is a plain name."""
    monkeypatch.setenv("COMFY_HEADLESS_URL", NOBODY)
    sizes, named = given
    assert get_recommended_preset(*sizes, **named) == "hunyuan15_720p"
    found = explained(*sizes, **named)
    assert (found.name, found.vram_gb, found.vram_source, found.ram_gb) == ("hunyuan15_720p", 16, "as given", None)
    assert found.filling is None


def test_a_given_size_and_a_server() -> None:
    """With both the size is the given one, RAM and files are the server's, and its card says nothing of the time."""
    with Simulator(**TWO_CARDS, ram_gb=64, files={}) as sim:
        found = explained(16, server=sim.url)
        assert explained(16, server=sim.url, ram_gb=20).ram_gb == 20
        assert found.vram_source == f"as given; files as {sim.url} has them"
    assert (found.name, found.vram_gb, found.ram_gb) == ("hunyuan15_720p", 16, 64)
    assert len(found.missing) == 4
    assert found.estimate.card == "a card of 16 GiB"


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_the_server_that_is_named(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest of a server's cards counts, whose name makes the time, and its RAM."""
    with Simulator(**TWO_CARDS, ram_gb=48) as sim:
        if how == "variable":
            monkeypatch.setenv("COMFY_HEADLESS_URL", sim.url)
        found = explained(server=sim.url if how == "argument" else None)
        assert found.vram_source == f"NVIDIA GeForce RTX 4090 of {sim.url}, the largest of 2"
    assert (found.vram_gb, found.ram_gb) == (24, 48)
    assert found.estimate.card == "RTX 4090"
    assert found.name == "wan21_14b"  # those that rank higher need 64 GiB of RAM


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_a_named_server_that_is_not_there(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a server is not answered for another machine."""
    if how == "variable":
        monkeypatch.setenv("COMFY_HEADLESS_URL", NOBODY)
    with pytest.raises(ComfyUIOfflineError):
        get_recommended_preset(server=NOBODY if how == "argument" else None)


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_both_clients(kind: str) -> None:
    """A client asks its own server."""
    with Simulator(**TWO_CARDS, ram_gb=128) as sim:
        person = Person(kind, sim.url)
        assert person.call("get_recommended_preset") == "wan_14b"
        assert person.call("get_recommended_preset", 8) == "wan_1.3b"
        found = person.call("get_recommended_preset", explain=True, within=600, task="image")
        assert (found.vram_gb, found.estimate.task) == (24, "image")
        with pytest.raises(ValidationError, match="makes='sound': expected video, image"):
            person.call("get_recommended_preset", makes="sound")


def test_a_server_on_cpu() -> None:
    """A server without a GPU gets the lightest, and its RAM is no VRAM."""
    with Simulator(device="cpu", ram_gb=512) as sim:
        found = explained(server=sim.url)
        assert found.vram_source == f"{sim.url} tells no GPU"
    assert (found.name, found.vram_gb, found.ram_gb) == ("animatediff_quick", None, 512)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync", "NVIDIA GeForce RTX 4090"),
        ("cuda:1 NVIDIA A100 80GB PCIe MIG 3g.40gb : native", "NVIDIA A100 80GB PCIe MIG 3g.40gb"),
        ("cuda:0 Radeon RX 7900 XTX", "Radeon RX 7900 XTX"),
        ("mps", "mps"),
        ("", ""),
    ],
)
def test_names_of_cards(name: str, said: str) -> None:
    """A card is called as people call it."""
    facts = ServerFacts(frozenset(), {}, (Device(name, 24.0),))
    assert machine_with(facts, "http://x").source == f"{said} of http://x"


@pytest.mark.parametrize("makes", ["video", "image"])
def test_images(makes: Any) -> None:
    """The presets for images are chosen from in the same way."""
    found = explained(24, makes=makes)
    assert {each.preset.makes for each in found.candidates} == {makes}


@pytest.mark.parametrize("value", [0, -1, float("nan"), True, "16"])
def test_sizes_that_are_none(value: Any) -> None:
    """What is no amount of memory is refused before anybody is asked."""
    for name in ("vram_gb", "ram_gb"):
        with pytest.raises(ValidationError, match=f"{name}=.*: expected GiB, more than 0"):
            get_recommended_preset(server=NOBODY, **{name: value})


def test_wrong_wishes_are_found_before_anybody_is_asked() -> None:
    """A wish that is none is an error of its own, not that of a server."""
    with pytest.raises(ValidationError, match="intent='cat'"):
        get_recommended_preset(server=NOBODY, intent="cat")  # type: ignore[call-overload]
    with pytest.raises(ValidationError, match=r"makes=\['video'\]: expected video, image"):
        get_recommended_preset(server=NOBODY, makes=["video"])  # type: ignore[call-overload]
    with pytest.raises(ValidationError, match="within=a number of 1329 bits: expected seconds"):
        get_recommended_preset(16, within=10**400)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a driver's library that says what it is told."""
    return build(tmp_path_factory.mktemp("nvml"))


def here(folder: Path, **told: str) -> Any:
    """What is said of a machine whose driver says this."""
    variables = environment(LD_LIBRARY_PATH=str(folder), **told)
    command = [sys.executable, "-W", "error", "-c", _HERE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables, timeout=60)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("told", "vram_gb", "source"),
    [
        (cards(8, 16, name="NVIDIA L"), 16, "NVIDIA L 1 of this machine, the largest of 2, since nothing answers"),
        (cards(24), 24, "NVIDIA RTX 0 of this machine, since nothing answers"),
        (
            {**cards(24, 8), "nvmlDeviceGetMemoryInfo_0": "!15"},
            8,
            "NVIDIA RTX 1 of this machine (GPU 0 does not count: nvmlDeviceGetMemoryInfo says 'GPU is lost' "
            "(NVML error 15)), since nothing answers",
        ),
        (
            {
                **cards(80),
                "nvmlDeviceGetMigMode_0": "1",
                "nvmlDeviceGetMaxMigDeviceCount_0": "1",
                "nvmlDeviceGetName_100": "NVIDIA A100 MIG 3g.40gb",
                "nvmlDeviceGetMemoryInfo_100": str(40 << 30),
            },
            40,
            "NVIDIA A100 MIG 3g.40gb of this machine, since nothing answers",
        ),
    ],
    ids=["two", "one", "one lost", "mig"],
)
def test_this_machine(library: Path, told: Mapping[str, str], vram_gb: float, source: str) -> None:
    """Without a server the largest GPU that NVML knows counts, a MIG instance as one of its own, with this RAM."""
    found = here(library, **told)
    assert found[:2] == [vram_gb, source]
    assert found[2] in source
    assert found[3] == find_ram().total_gb


def test_no_gpu_here(library: Path) -> None:
    """Where NVML knows none a size is assumed, and why is said; RAM is then unknown."""
    vram_gb, source, card, ram_gb = here(library, nvmlDeviceGetCount="0")
    assert (vram_gb, card, ram_gb) == (8.0, None, None)
    assert source == (
        "assumed, since nothing answers, and this machine tells no GPU: the NVIDIA driver has no GPU. "
        "vram_gb= or --vram-gb names another size"
    )


def test_nobody_is_named(library: Path) -> None:
    """Without any argument a server at the usual address is asked; if none is there, this machine's driver."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8188)) == 0:
            pytest.skip("something listens at port 8188 of this machine")
    code = "from comfy_headless import *; print(get_recommended_preset(explain=True).vram_source)"
    variables = environment(LD_LIBRARY_PATH=str(library), **cards(24))
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables, timeout=60)
    assert done.stdout == "NVIDIA RTX 0 of this machine, since no ComfyUI answers at http://localhost:8188\n"
