"""The tiny preset in a folder of its own, an empty ComfyUI, and no login of Hugging Face but one that a test sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_headless.catalog.presets import PresetLibrary
from tests.models import tiny


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment names a folder, a hub or a token."""
    for name in ("COMFY_HEADLESS_COMFYUI", "COMFY_HEADLESS_URL", "COMFY_HEADLESS_PRESETS", "HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def library(tmp_path: Path) -> PresetLibrary:
    """The shipped presets, and the tiny one."""
    return PresetLibrary([tiny.presets(tmp_path / "presets")])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The folder of a ComfyUI that has no model files."""
    return tiny.comfyui(tmp_path / "ComfyUI")
