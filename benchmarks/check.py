"""How long `check` takes: a graph of some 60 nodes, warm; and what a server's object_info costs before the first one.

    python benchmarks/check.py [--object-info FILE]

FILE is the answer of a server's ``GET /object_info``; without it the shipped classes are written as one. The limits
are 5 ms for a whole graph, warm, and 60 ms to read and index the object_info. Ratios are to one round trip of the same
graph, or one reading of the same text, through Python's json: they hold on any machine. Exit code 1 over a limit.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.graph.check import check
from comfy_headless.graph.file_inputs import model_files
from comfy_headless.graph.schemas import Schemas

WARM_MS, READ_MS = 5.0, 60.0
ROUNDS = 51
LORAS = {f"lora {number:02}.safetensors": 0.5 for number in range(26)}
OTHERS = [f"somebody's {number:04}.safetensors" for number in range(1000)]
"""Files that the server has beside those that are asked for; each list is looked through."""


def milliseconds(function: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median time of a call, in milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def sixty_nodes() -> dict[str, Any]:
    """Return a graph of some 60 nodes: two stages, sound, many LoRAs, enlarged, more frames a second."""
    return (
        WorkflowCompiler().compile("ltx2_quality", "a lighthouse", seed=1, loras=LORAS, upscale=2, interpolate=2).graph
    )


def object_info() -> bytes:
    """Return the shipped classes as a server writes them."""
    schemas = Schemas.snapshot()
    return json.dumps({name: schemas.raw(name) for name in schemas}).encode()


def line(words: str, took: float, base: float, limit: float | None = None) -> bool:
    """Print one figure; return whether it is over its limit."""
    most = f", of at most {limit:g}" if limit else ""
    print(f"{words:44} {took:8.2f} ms   x {took / base:.1f}{most}")
    return limit is not None and took > limit


def main() -> int:
    """Print the figures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--object-info", type=Path, help="what a server answered to GET /object_info")
    arguments = parser.parse_args()
    body = arguments.object_info.read_bytes() if arguments.object_info else object_info()
    over = [*read(body), *warm(Schemas.from_object_info(json.loads(body)))]
    return int(any(over))


def read(body: bytes) -> list[bool]:
    """Print what it costs to read an object_info kept in several forms, to index it, and to read all of its classes."""
    raw = json.loads(body)
    base = milliseconds(lambda: json.loads(body))
    lines = gzip.compress(b"\n".join(json.dumps(each).encode() for each in raw.values()))
    quick, small = zlib.compress(body, 1), gzip.compress(body)
    print(f"object_info: {len(body)} bytes, {len(quick)} by zlib 1, {len(small)} by gzip; {len(raw)} classes")

    def every_class() -> None:
        schemas = Schemas.from_object_info(raw)
        for name in schemas:
            _ = schemas[name]

    return [
        line("read as JSON", base, base),
        line("read from zlib 1, indexed", milliseconds(lambda: index(zlib.decompress(quick))), base, READ_MS),
        line("read from gzip, indexed", milliseconds(lambda: index(gzip.decompress(small))), base, READ_MS),
        line("split into lines, one for each class", milliseconds(lambda: gzip.decompress(lines).split(b"\n")), base),
        line("every class made a schema", milliseconds(every_class, 11), base, READ_MS),
    ]


def index(text: bytes) -> Schemas:
    """Return the schemas of an object_info."""
    return Schemas.from_object_info(json.loads(text))


def warm(live: Schemas) -> list[bool]:
    """Print what it costs to check a graph: whole, and with every file of it missing."""
    graph = sixty_nodes()
    named = {(graph[node_id]["class_type"], name): [] for node_id, name in model_files(graph)}
    for (node_id, name), (_, file) in model_files(graph).items():
        named[graph[node_id]["class_type"], name].append(file)
    whole = live.with_choices({key: [*OTHERS, *files] for key, files in named.items()})
    broken = live.with_choices(dict.fromkeys(named, OTHERS))
    offline = Schemas.snapshot()
    base = milliseconds(lambda: json.loads(json.dumps(graph)))
    assert check(graph, whole).ok and check(graph, offline).ok
    missing = len(check(graph, broken).problems)
    print(f"graph: {len(graph)} nodes, each list of files has {len(OTHERS)} and more")
    return [
        line("through json and back", base, base),
        line("check, against a server", milliseconds(lambda: check(graph, whole)), base, WARM_MS),
        line("check, against the snapshot", milliseconds(lambda: check(graph, offline)), base, WARM_MS),
        line(f"check, {missing} files missing", milliseconds(lambda: check(graph, broken), 5), base),
    ]


if __name__ == "__main__":
    sys.exit(main())
