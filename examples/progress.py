"""Watch a job: percent, node, step, time left, and the latest preview as a picture.

python progress.py "a sunset over the sea" [--server http://localhost:8188]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from comfy_headless import ComfyClient, Progress


def show(progress: Progress) -> None:
    """Print one line; keep the latest preview in a file."""
    step = f"step {progress.step} of {progress.steps}" if progress.steps else ""
    left = f"{progress.eta:.0f} s left" if progress.eta else ""
    print(f"{progress.progress:5.1f}%  {progress.title or 'waiting'}  {step}  {left}".rstrip())
    if progress.preview is not None:
        Path("preview.jpg").write_bytes(progress.preview)


parser = argparse.ArgumentParser(description="Make one video and watch it being made.")
parser.add_argument("prompt")
parser.add_argument("--server", help="address of ComfyUI; else COMFY_HEADLESS_URL, then http://localhost:8188")
given = parser.parse_args()

with ComfyClient(given.server) as client:
    result = client.generate_video(given.prompt, on_progress=show, out="videos/")
print(result.path)
