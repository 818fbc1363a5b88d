"""Miniature weights of the model families, made once into the cache, and placed under the real files' names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from comfy_headless.graph.file_inputs import MODEL_INPUTS

from ..miniature.stand_ins import stand_in
from .cache import cached, digest, run
from .install import Installation

GENERATOR = Path(__file__).resolve().parents[1] / "miniature"
FAMILIES = (
    *("t5xxl", "clip_l", "wan", "ltxv", "ltx2", "hunyuan", "hunyuan15", "mochi", "svd", "cogvideox"),
    *("sd15", "sdxl", "flux", "z_image", "qwen_image", "upscalers", "frame_interpolation"),
)
"""What is generated: all that `miniature/` has."""


def weights(comfyui: Installation) -> Path:
    """The folder of miniature weights; generates them first if need be (all of `FAMILIES` at once)."""

    def generate(folder: Path) -> None:
        script = str(GENERATOR / "generate.py")
        run([str(comfyui.python), script, str(comfyui.source), str(folder), *FAMILIES], folder)

    sources = [path for path in GENERATOR.glob("*.py") if path.name != "stand_ins.py"]
    return cached(f"miniature-{digest(sources, comfyui.source.parent.name, *FAMILIES)}", generate)


class Folders(NamedTuple):
    """The folders of a running server, and the weights that stand in for real files."""

    models: Path
    input: Path
    output: Path
    weights: Path

    def place(self, graph: Mapping[str, Any]) -> None:
        """Put a stand-in under every model file name of a graph; a server sees it at once."""
        for node in graph.values():
            for name, value in node["inputs"].items():
                folder = MODEL_INPUTS.get((node["class_type"], name))
                if folder and isinstance(value, str):
                    self.place_file(folder, value)

    def place_file(self, folder: str, name: str) -> None:
        """Put a stand-in under the name of one model file."""
        tiny = stand_in(folder, name)
        if tiny is None or not (self.weights / tiny).is_file():
            raise LookupError(f"no stand-in for {folder}/{name}: see STAND_INS in stand_ins.py, FAMILIES in weights.py")
        target = self.models / folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_symlink():
            target.symlink_to(self.weights / tiny)
