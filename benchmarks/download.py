"""Resident memory that a large result adds to the client.

usage: python benchmarks/download.py --server http://127.0.0.1:8188 --output FOLDER [--mib 400]

FOLDER is the server's output folder: a trivial job is run, its file is replaced there by a large one, and the job is
taken up again. The figure is the rise of the process's peak resident memory over that of a small job before it.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from comfy_headless import AsyncComfyClient, ComfyClient

GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 1}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "large"}},
}


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


async def take_up(url: str, prompt_id: str, out: Path) -> None:
    """Download on asyncio."""
    async with AsyncComfyClient(url) as client:
        await client.wait_for_completion(prompt_id, out=out)


def main() -> None:
    """Run both clients and print the rise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--mib", type=int, default=400)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ComfyClient(arguments.server) as client:
        prompt_id = client.queue_prompt(GRAPH)
        small = client.wait_for_completion(prompt_id, out=f"{name}/small/")
        asyncio.run(take_up(arguments.server, prompt_id, Path(name, "small")))
        large = arguments.output / small.outputs[0].subfolder / small.outputs[0].filename
        block = bytes(range(256)) * 4096
        with large.open("wb") as file:
            for _ in range(arguments.mib):
                file.write(block)
        for way in ("sync", "async"):
            before, started, out = peak_mib(), time.perf_counter(), Path(name, f"{way}.png")
            if way == "sync":
                client.wait_for_completion(prompt_id, out=out)
            else:
                asyncio.run(take_up(arguments.server, prompt_id, out))
            seconds = time.perf_counter() - started
            size = out.stat().st_size / 1024**2
            print(f"{way:6} {size:.0f} MiB on disk in {seconds:.1f} s, peak rose by {peak_mib() - before:.1f} MiB")
            out.unlink()
        large.unlink()


if __name__ == "__main__":
    main()
