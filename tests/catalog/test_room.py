"""Room in memory and on the disk: what is short, by how much, and what takes less."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.catalog.candidates import Machine
from comfy_headless.catalog.lighter import steps_down
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.catalog.room import disk_problem, largest_file, memory_problems
from comfy_headless.catalog.vram import estimate
from comfy_headless.graph.report import Problem


def _short(vram_gb: float | None, ram_gb: float | None, **settings: Any) -> list[Problem]:
    preset = PRESETS["wan_5b"]
    told = estimate(preset, settings, vram_gb=vram_gb)
    steps = steps_down(preset, "text", settings, vram_gb=vram_gb) if vram_gb else ()
    return memory_problems(preset, told, Machine(vram_gb, "a card", ram_gb=ram_gb), steps)


@pytest.mark.parametrize(
    ("vram_gb", "ram_gb", "kinds"),
    [
        (24.0, 64.0, []),
        (None, None, []),
        (4.0, 64.0, ["vram_too_small"]),
        (24.0, 8.0, ["ram_too_small"]),
        (4.0, 8.0, ["vram_too_small", "ram_too_small"]),
    ],
)
def test_what_is_short(vram_gb: float | None, ram_gb: float | None, kinds: list[str]) -> None:
    """Too little memory by estimate is a warning; what nobody knows is enough."""
    problems = _short(vram_gb, ram_gb)
    assert [each.kind for each in problems] == kinds
    assert all(each.severity == "warning" and each.remedy and not each.refused for each in problems)


def test_the_remedy_is_the_first_that_fits() -> None:
    """The option that is told fits the card, and stands there as it is typed."""
    (problem,) = _short(4.0, None)
    assert problem.details.startswith("wan_5b needs 5.2 GiB (computed") and problem.details.endswith("4.0: a card")
    option, _, rest = problem.remedy.partition("  # in Python: ")
    assert option == "--frames 61" and rest == "frames=61; needs 3.7 GiB then"
    assert estimate("wan_5b", {"frames": 61}, vram_gb=4.0).fits(4.0)


def test_where_none_fits_all_are_told() -> None:
    """Where no step is enough alone, the remedy is the command that says what fits, and each is told behind it."""
    (problem,) = _short(0.5, None)
    assert problem.remedy.startswith("comfy-headless recommend --vram-gb 0.5  # what fits there; not enough alone: --")


@pytest.mark.parametrize(
    ("makes", "settings", "least", "most"),
    [
        ("video", {"width": 1280, "height": 704, "frames": 121, "fps": 24}, 150e6, 200e6),
        ("video", {"width": 1280, "height": 704, "frames": 121, "fps": 24, "upscale": 2.0}, 600e6, 800e6),
        ("video", {"width": 1280, "height": 704, "frames": 121, "fps": 24, "interpolate": 2}, 300e6, 400e6),
        ("image", {"width": 1024, "height": 1024, "images": 4}, 16e6, 25e6),
        ("image", {"width": 1024, "height": 1024}, 4e6, 6e6),
    ],
)
def test_how_large_a_file_can_be(makes: str, settings: dict[str, Any], least: float, most: float) -> None:
    """The bound follows the number of pixels, those that are added too."""
    size = largest_file(makes, settings)
    assert size is not None and least < size < most


def test_a_size_that_is_not_known() -> None:
    """Without width and height there is no bound."""
    assert largest_file("video", {"frames": 3}) is None


@pytest.mark.slow
@pytest.mark.parametrize("crf", [0, 18])
def test_the_bound_holds_for_noise(crf: int, tmp_path: Path) -> None:
    """Nothing is larger than noise without loss: its file stays below the bound."""
    from comfy_headless.media.command import binary  # an extra, and the other tests here run without any

    source = "nullsrc=s=320x192:r=24,geq=random(1)*255:random(2)*255:random(3)*255"
    words = [binary(), "-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "9", "-pix_fmt", "yuv420p"]
    path = tmp_path / "noise.mp4"
    subprocess.run([*words, "-c:v", "libx264", "-crf", str(crf), str(path)], check=True, timeout=60)
    bound = largest_file("video", {"width": 320, "height": 192, "frames": 9, "fps": 24})
    assert bound is not None and path.stat().st_size < bound - 2**20


def test_room_on_the_disk() -> None:
    """A file that surely fits is no problem; one that may not names the folder, what is free and what may be needed."""
    assert disk_problem(100, 100, "/here") is None
    problem = disk_problem(200_000_000, 3_000_000, "/here")
    assert problem is not None and problem.severity == "warning"
    assert problem.details == "/here has 3 MB free, and the file may have up to 200 MB"
