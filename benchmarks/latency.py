"""Submit to bytes on disk for a trivial graph on a real ComfyUI, against a hand-written script in the same run.

usage: python benchmarks/latency.py --server http://127.0.0.1:8188 [--rounds 40]

The baseline is what a careful person writes: one kept httpx client, a WebSocket per job, POST /prompt, wait for
``executing`` with node null, GET /history, a streamed download. It is the baseline of both clients. Rounds are
interleaved, each in another order; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from comfy_headless import AsyncComfyClient, ComfyClient


def graph() -> dict[str, Any]:
    """Return a graph that no cache knows; its folder is its own, since the server scans a folder for each SaveImage."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": random.randrange(0xFFFFFF)},
        },
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": f"latency/{uuid.uuid4().hex}/x"},
        },
    }


def by_hand(http: httpx.Client, url: str, folder: Path) -> None:
    """Run one job the way a hand-written script does."""
    client_id = uuid.uuid4().hex
    with connect(f"ws{url[4:]}/ws?clientId={client_id}", max_size=None) as socket:
        answer = http.post("/prompt", json={"prompt": graph(), "client_id": client_id}).json()
        prompt_id = answer["prompt_id"]
        while True:
            message = socket.recv()
            if isinstance(message, str):
                event = json.loads(message)
                data = event["data"]
                if event["type"] == "executing" and data["node"] is None and data["prompt_id"] == prompt_id:
                    break
    entry = http.get(f"/history/{prompt_id}").json()[prompt_id]
    image = entry["outputs"]["2"]["images"][0]
    with http.stream("GET", "/view", params=image) as response, (folder / image["filename"]).open("wb") as file:
        for chunk in response.iter_bytes():
            file.write(chunk)


async def measure(url: str, rounds: int) -> dict[str, list[float]]:
    """Return the times of each way, in seconds; the first three rounds warm up and do not count."""
    times: dict[str, list[float]] = {"by hand": [], "sync": [], "async": []}
    with tempfile.TemporaryDirectory() as name, httpx.Client(base_url=url) as http, ComfyClient(url) as client:
        folder = Path(name)
        async with AsyncComfyClient(url) as async_client:
            for number in range(rounds + 3):
                for way in random.sample(list(times), len(times)):
                    started = time.perf_counter()
                    match way:
                        case "by hand":
                            by_hand(http, url, folder)
                        case "sync":
                            client.run_workflow(graph(), out=folder / f"{number}-sync.png")
                        case "async":
                            await async_client.run_workflow(graph(), out=folder / f"{number}-async.png")
                    if number >= 3:
                        times[way].append(time.perf_counter() - started)
    return times


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    times = asyncio.run(measure(arguments.server.rstrip("/"), arguments.rounds))
    print(f"{'':10}{'median ms':>10}{'min ms':>10}{'ratio':>8}   ({arguments.rounds} rounds)")
    for way, taken in times.items():
        ratio = statistics.median(one / base for one, base in zip(taken, times["by hand"], strict=True))
        print(f"{way:10}{statistics.median(taken) * 1000:10.1f}{min(taken) * 1000:10.1f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
