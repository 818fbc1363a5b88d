"""Many jobs at once on one client, against hand-written asyncio scripts on httpx and on aiohttp, in the same run.

usage: python benchmarks/many_jobs.py [--server http://127.0.0.1:8188] [--rounds 7] [--jobs 200]

Without ``--server`` a simulated server is started, in a process of its own. 200 jobs run on one ``AsyncComfyClient``,
50 jobs from 16 threads on one ``ComfyClient``; each against as many jobs of a script as a careful person writes it: one
kept socket whose frames are given out by prompt_id, POST /prompt, wait for the end, GET /history/{id}, GET /view into
a file. Rounds are interleaved, each in another order; a ratio is that of the medians, 1 is the script on httpx, more
is faster. Every file is looked at in every round: it must carry the word of its own job. A last round, not timed, goes
through a relay that counts WebSockets.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import httpx
from websockets.asyncio.client import connect

from comfy_headless import AsyncComfyClient, ComfyClient

THREADS: Final = 16
GATE: Final = 8
"""Requests in flight in the scripts: httpx is slower with all at once, and nobody shall win by that."""


class Job(NamedTuple):
    """A graph that no cache knows; its folder is its own, since the server scans a folder for each SaveImage."""

    word: str
    graph: dict[str, Any]


class Ending(NamedTuple):
    """One round of one way: seconds to the last file, and CPU seconds of this process."""

    seconds: float
    cpu: float


Waits = dict[str, "asyncio.Future[None]"]
RunAll = Callable[[list[Job]], Awaitable[Any]]
Way = Callable[[str, Path], AbstractAsyncContextManager[RunAll]]
"""Opens a client for the server at an address; gives what runs jobs on it, each into ``<word>.png`` in the folder."""


def make_job() -> Job:
    """Return a new job."""
    word = uuid.uuid4().hex
    empty = {"width": 64, "height": 64, "batch_size": 1, "color": random.randrange(0xFFFFFF)}
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": empty},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": f"many/{word}/x"}},
    }
    return Job(word, graph)


def take_in(message: str | bytes, waits: Waits) -> None:
    """Give one frame to the job it is about."""
    if isinstance(message, str):
        event = json.loads(message)
        data = event["data"]
        if event["type"] == "executing" and data["node"] is None and not (end := waits[data["prompt_id"]]).done():
            end.set_result(None)


def begin(job: Job, client_id: str, waits: Waits) -> tuple[str, asyncio.Future[None], dict[str, Any]]:
    """Register a job; give its id, what will tell its end, and the body that queues it."""
    prompt_id = str(uuid.uuid4())
    waits[prompt_id] = asyncio.get_running_loop().create_future()
    return prompt_id, waits[prompt_id], {"prompt": job.graph, "client_id": client_id, "prompt_id": prompt_id}


@asynccontextmanager
async def on_httpx(url: str, folder: Path) -> AsyncIterator[RunAll]:
    """Run jobs the way a hand-written script on httpx and websockets does."""
    client_id, waits, gate = uuid.uuid4().hex, Waits(), asyncio.Semaphore(GATE)

    async def read() -> None:
        async for message in socket:
            take_in(message, waits)

    async def one(job: Job) -> None:
        prompt_id, end, body = begin(job, client_id, waits)
        async with gate:
            (await http.post("/prompt", json=body)).raise_for_status()
        await end
        async with gate:
            entry = (await http.get(f"/history/{prompt_id}")).raise_for_status().json()[prompt_id]
        image = entry["outputs"]["2"]["images"][0]
        async with gate, http.stream("GET", "/view", params=image) as response:
            with (folder / f"{job.word}.png").open("wb") as file:
                async for chunk in response.raise_for_status().aiter_bytes():
                    file.write(chunk)

    async with (
        connect(f"ws{url[4:]}/ws?clientId={client_id}", max_size=None, compression=None) as socket,
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http,
        beside(read()),
    ):
        yield lambda jobs: asyncio.gather(*map(one, jobs))


@asynccontextmanager
async def on_aiohttp(url: str, folder: Path) -> AsyncIterator[RunAll]:
    """Run jobs the way a hand-written script on aiohttp does."""
    client_id, waits, gate = uuid.uuid4().hex, Waits(), asyncio.Semaphore(GATE)

    async def read() -> None:
        async for message in socket:
            take_in(message.data, waits)

    async def one(job: Job) -> None:
        prompt_id, end, body = begin(job, client_id, waits)
        async with gate, http.post("/prompt", json=body) as response:
            await response.read()
        await end
        async with gate, http.get(f"/history/{prompt_id}") as response:
            entry = (await response.json())[prompt_id]
        image = entry["outputs"]["2"]["images"][0]
        async with gate, http.get("/view", params=image) as response:
            with (folder / f"{job.word}.png").open("wb") as file:
                async for chunk in response.content.iter_any():
                    file.write(chunk)

    async with (
        aiohttp.ClientSession(url, raise_for_status=True) as http,
        http.ws_connect(f"/ws?clientId={client_id}", max_msg_size=0) as socket,
        beside(read()),
    ):
        yield lambda jobs: asyncio.gather(*map(one, jobs))


@asynccontextmanager
async def beside(reading: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let a socket be read meanwhile."""
    reader = asyncio.create_task(reading)
    try:
        yield
    finally:
        reader.cancel()


@asynccontextmanager
async def on_async_client(url: str, folder: Path) -> AsyncIterator[RunAll]:
    """Run jobs on one AsyncComfyClient."""
    async with AsyncComfyClient(url) as client:
        yield lambda jobs: asyncio.gather(
            *(client.run_workflow(job.graph, out=folder / f"{job.word}.png") for job in jobs)
        )


@asynccontextmanager
async def on_threads(url: str, folder: Path) -> AsyncIterator[RunAll]:
    """Run jobs from some threads on one ComfyClient."""
    with ComfyClient(url) as client, ThreadPoolExecutor(THREADS) as pool:
        loop = asyncio.get_running_loop()

        def one(job: Job) -> None:
            client.run_workflow(job.graph, out=folder / f"{job.word}.png")

        yield lambda jobs: asyncio.gather(*(loop.run_in_executor(pool, one, job) for job in jobs))


async def round_of(way: Way, url: str, count: int) -> Ending:
    """Run a job, to open what is kept, then ``count`` at once; AssertionError if one did not get its own file."""
    first, *jobs = [make_job() for _ in range(count + 1)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with way(url, folder) as run_all:
            await run_all([first])
            gc.collect()
            cpu, started = time.process_time(), time.perf_counter()
            await run_all(jobs)
            ending = Ending(time.perf_counter() - started, time.process_time() - cpu)
        assert len(list(folder.iterdir())) == count + 1, "a file too many or too few"
        for job in jobs:
            content = (folder / f"{job.word}.png").read_bytes()
            assert content.endswith(b"IEND\xaeB`\x82"), f"{job.word}: not whole"
            assert f"many/{job.word}/".encode() in content, f"{job.word}: the file of another job"
    return ending


@asynccontextmanager
async def relay(url: str, requests: Counter[str]) -> AsyncIterator[str]:
    """Pass connections on to ``url``, counting them by the path that they ask for first."""
    address = urlsplit(url)
    passing: set[asyncio.Task[Any] | None] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while block := await reader.read(65536):
                writer.write(block)
                await writer.drain()
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing.add(asyncio.current_task())
        if line := await reader.readline():
            requests[line.split(b"?")[0].split(b" ")[1].decode()] += 1
        there, back = await asyncio.open_connection(address.hostname, address.port)
        back.write(line)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.wait([task for task in passing if task is not None])


async def count_sockets(way: Way, url: str, count: int) -> int:
    """Return how many WebSockets a round of one way opens."""
    requests: Counter[str] = Counter()
    async with relay(url, requests) as address:
        await round_of(way, address, count)
    return requests["/ws"]


@contextmanager
def server_at(url: str | None) -> Iterator[str]:
    """Give the address of a server: of the one that is there, or of a simulated one."""
    if url is not None:
        yield url.rstrip("/")
        return
    command = [sys.executable, "-m", "comfy_headless", "simulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, "the simulated server did not start"
            yield address
        finally:
            process.send_signal(signal.SIGINT)


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=200)
    arguments = parser.parse_args()
    scripts: dict[str, Way] = {"script on httpx": on_httpx, "script on aiohttp": on_aiohttp}
    groups: list[tuple[int, dict[str, Way]]] = [
        (arguments.jobs, {**scripts, "AsyncComfyClient": on_async_client}),
        (max(1, arguments.jobs // 4), {**scripts, f"ComfyClient, {THREADS} threads": on_threads}),
    ]
    with server_at(arguments.server) as url:
        for count, ways in groups:
            taken: dict[str, list[Ending]] = {name: [] for name in ways}
            for number in range(arguments.rounds + 1):  # the first warms up and does not count
                for name in random.sample(list(ways), len(ways)):
                    ending = asyncio.run(round_of(ways[name], url, count))
                    if number:
                        taken[name].append(ending)
            report(count, taken, {name: asyncio.run(count_sockets(way, url, count)) for name, way in ways.items()})


def report(count: int, taken: dict[str, list[Ending]], sockets: dict[str, int]) -> None:
    """Print the table of as many jobs."""
    rate = {name: count / statistics.median(ending.seconds for ending in endings) for name, endings in taken.items()}
    base = rate["script on httpx"]
    print(f"{f'{count} jobs at once':26}{'jobs/s':>8}{'ratio':>7}{'slowest':>9}{'CPU ms a job':>14}{'sockets':>9}")
    for name, endings in taken.items():
        slowest = count / max(ending.seconds for ending in endings)
        cpu = statistics.median(ending.cpu for ending in endings) / count * 1000
        print(f"{name:26}{rate[name]:8.1f}{rate[name] / base:7.2f}{slowest:9.1f}{cpu:14.2f}{sockets[name]:9}")


if __name__ == "__main__":
    main()
