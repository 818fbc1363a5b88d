"""Moments of a clip side by side in one picture: python contact_sheet.py clip.mp4 sheet.png [--moments 4]

Needs the extra `media`. The picture in the README was made with it.
"""

from __future__ import annotations

import argparse

import av
from PIL import Image

WIDTH, GAP = 400, 8

parser = argparse.ArgumentParser(description="Put moments of a clip side by side.")
parser.add_argument("clip")
parser.add_argument("sheet")
parser.add_argument("--moments", type=int, default=4)
given = parser.parse_args()

with av.open(given.clip) as file:
    frames = [frame.to_image() for frame in file.decode(video=0)]
last = max(1, given.moments - 1)
picks = [frames[round(number * (len(frames) - 1) / last)] for number in range(given.moments)]
height = WIDTH * frames[0].height // frames[0].width
sheet = Image.new("RGB", (len(picks) * (WIDTH + GAP) - GAP, height), "white")
for number, picture in enumerate(picks):
    sheet.paste(picture.resize((WIDTH, height), Image.Resampling.LANCZOS), (number * (WIDTH + GAP), 0))
sheet.save(given.sheet, optimize=True)
print(f"{given.sheet}: {len(picks)} of {len(frames)} frames")
