"""One call, one video: python one_call.py "a sunset over the sea" [--server http://localhost:8188]"""

from __future__ import annotations

import argparse

from comfy_headless import ComfyHeadlessError, generate_video

parser = argparse.ArgumentParser(description="Make one video.")
parser.add_argument("prompt")
parser.add_argument("--server", help="address of ComfyUI; else COMFY_HEADLESS_URL, then http://localhost:8188")
given = parser.parse_args()

try:
    result = generate_video(given.prompt, server=given.server, out="videos/")
except ComfyHeadlessError as error:
    parser.exit(1, f"{error}\n")
print(f"{result.path} ({result.preset}, seed {result.seed}, {result.duration:.1f} s)")
for line in (*result.notes, *result.warnings):
    print(f"  {line}")
