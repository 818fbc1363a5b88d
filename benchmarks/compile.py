"""How long compiling takes: every preset and task, warm; and the first one in a fresh process.

    python benchmarks/compile.py

The limit is 50 ms for all of them together, warm. Exit code 1 when they are over it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.catalog.presets import PRESETS

LIMIT_MS = 50.0
ROUNDS = 50
FIRST = """
import time
start = time.perf_counter()
from comfy_headless.catalog.compiler import compile_workflow
imported = time.perf_counter()
compile_workflow("wan_5b", "a cat")
print((imported - start) * 1000, (time.perf_counter() - imported) * 1000)
"""


def milliseconds(name: str, **images: str) -> float:
    """Median of many compiles, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        compile_workflow(name, "a cat in the rain", **images)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> int:
    """Print a line per preset and task; return the exit code."""
    times: list[float] = []
    for name, preset in PRESETS.items():
        for task in preset.tasks:
            images = {"image": "start.png"} if task != "text" else {}
            images |= {"last_image": "end.png"} if task == "first_last" else {}
            took = milliseconds(name, **images)
            times.append(took)
            print(f"{name:20} {task:10} {took:.3f} ms")
    imported, first = subprocess.run(
        [sys.executable, "-c", FIRST], capture_output=True, text=True, check=True
    ).stdout.split()
    print(f"first in a fresh process: import {float(imported):.0f} ms, compile {float(first):.1f} ms")
    print(f"{len(times)} graphs of {len(PRESETS)} presets, warm: slowest {max(times):.3f} ms")
    print(f"all: {sum(times):.1f} ms (limit {LIMIT_MS:g} ms)")
    return int(sum(times) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
