"""Decode the one video below a folder, every frame of it, and print what it is: it plays.

usage: python check_video.py FOLDER     (needs av, which the extra `media` brings)
"""

from __future__ import annotations

import sys
from pathlib import Path

import av

found = list(Path(sys.argv[1]).glob("*.mp4"))
if len(found) != 1:
    sys.exit(f"expected one video in {sys.argv[1]}, found {len(found)}")
with av.open(str(found[0])) as file:
    video = file.streams.video[0]
    frames = sum(1 for _ in file.decode(video))
    size = f"{video.width}x{video.height}"
    sys.stdout.write(f"{found[0].name}: {size}, {frames} frames at {video.average_rate} per second\n")
sys.exit(int(frames == 0))
