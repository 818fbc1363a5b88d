"""A preset with tiny files, in a folder as a user would have it; their contents; and an empty ComfyUI."""

from __future__ import annotations

import random
from pathlib import Path

from comfy_headless.config import presets_folder

REPOSITORY = "somebody/tiny"
MODEL, Q4 = "diffusion_models/tiny_fp16.safetensors", "diffusion_models/tiny_Q4_K_M.gguf"
VAE, TEXT = "vae/tiny_vae.safetensors", "text_encoders/tiny_text.safetensors"
SIZES = {MODEL: 300_000, Q4: 90_000, VAE: 40_000, TEXT: 120_000}
CONTENTS = {key: random.Random(key).randbytes(size) for key, size in SIZES.items()}
ON_HUB = {f"{REPOSITORY}/files/{key.partition('/')[2]}": content for key, content in CONTENTS.items()}
"""The same as the hub has them."""

_PRECISIONS = {MODEL: "fp16", Q4: "Q4_K_M", VAE: "fp16", TEXT: "fp8_scaled"}
_ALSO = {VAE: '["tiny_vae_of_somebody.safetensors"]'}


def presets(folder: Path, repository: str = REPOSITORY) -> Path:
    """Write the preset ``tiny``, which is wan_5b with tiny files."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (presets_folder() / "wan/wan_5b.toml").read_text(encoding="utf-8").replace('"wan_5b"', '"tiny"')
    before, _, after = text.partition("[files]\n")
    needs = after[after.index("[needs]") :]
    files = f'[files]\nmodel = "{MODEL}"\nvae = "{VAE}"\ntext_encoder = "{TEXT}"\n\n'
    (folder / "tiny.toml").write_text(before + files + needs, encoding="utf-8")
    described = []
    for key, size in SIZES.items():
        kind, _, name = key.partition("/")
        lines = {
            "name": f'"{name}"',
            "folder": f'"{kind}"',
            "repository": f'"{repository}"',
            "path": f'"files/{name}"',
            "size_gb": str(size / 1e9),
            "precision": f'"{_PRECISIONS[key]}"',
            "source": '"invented"',
            **({"weights": '"tiny"'} if key in (MODEL, Q4) else {}),
            **({"also": _ALSO[key]} if key in _ALSO else {}),
        }
        described.append("\n".join(["[[file]]", *(f"{name} = {value}" for name, value in lines.items())]))
    (folder / "files.toml").write_text("\n\n".join(described), encoding="utf-8")
    return folder


def comfyui(folder: Path, *there: str) -> Path:
    """Make the folder of a ComfyUI, with files of the preset."""
    (folder / "models").mkdir(parents=True)
    (folder / "main.py").touch()
    for key in there:
        put(folder / "models" / key, CONTENTS[key])
    return folder


def put(path: Path, content: bytes) -> Path:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
