"""Time and memory of probing a clip and of looking at it, for three lengths; each measured in a process of its own.

usage: python benchmarks/look.py [--folder FOLDER] [--width 1280 --height 720] [--rounds 3]

Clips of 5 s (one key frame), 60 s and 10 min are made in FOLDER, h264 at crf 23, and kept if it is given. "all frames"
is what decoding the whole clip costs on one thread; the peak is resident memory above that of the imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import ffmpeg

from comfy_headless.media.command import run
from comfy_headless.media.look import look
from comfy_headless.media.probe import probe
from comfy_headless.media.thumbnail import thumbnail

SECONDS = (5, 60, 600)


def make(folder: Path, seconds: int, width: int, height: int) -> Path:
    """Return a test picture of that length; ten minutes are a minute repeated, without encoding."""
    path = folder / f"{seconds}s_{width}x{height}.mp4"
    if path.exists():
        return path
    if seconds > 60:
        minute = make(folder, 60, width, height)
        source = ffmpeg.input(str(minute), stream_loop=seconds // 60 - 1)
        run(source.output(str(path), c="copy"), path)
    else:
        source = ffmpeg.input(f"testsrc2=size={width}x{height}:rate=24:duration={seconds}", format="lavfi")
        run(source.output(str(path), vcodec="libx264", crf=23, preset="veryfast", pix_fmt="yuv420p"), path)
    return path


def decode(path: Path) -> None:
    """Decode every frame on one thread."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for _ in container.decode(video=0):
            pass


WORK: dict[str, Callable[[Path], object]] = {
    "probe": probe,
    "look": look,
    "thumbnail": lambda path: thumbnail(path, path.with_suffix(".jpg")),
    "all frames": decode,
}


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


def measure(work: str, path: Path, rounds: int) -> dict[str, float]:
    """Return the best wall and processor time of the rounds, and the rise of the peak."""
    before, walls, processors = peak_mib(), [], []
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.process_time()
        WORK[work](path)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {"wall": min(walls), "processor": min(processors), "peak": peak_mib() - before}


def main() -> None:
    """Print a line for each clip and each work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("WORK", "CLIP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], Path(arguments.one[1]), arguments.rounds)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        print(f"{'clip':20} {'work':12} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9}")
        for seconds in SECONDS:
            clip = make(folder, seconds, arguments.width, arguments.height)
            for work in WORK:
                rounds = 1 if work == "all frames" else arguments.rounds
                command = [sys.executable, __file__, "--one", work, str(clip), "--rounds", str(rounds)]
                got = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
                line = f"{got['wall']:8.3f} {got['processor']:8.3f} {got['peak']:9.1f}"
                print(f"{clip.stem:20} {work:12} {line}", flush=True)


if __name__ == "__main__":
    main()
