"""The 33 faults of the field, with default settings: what comes of each, and how long it takes.

usage: python -m benchmarks.faults [--workers 8]     (from the checkout; needs the extra dev)

Each fault is met by both clients, with the socket and by polling. "+" is right: the bytes where they can be had, else
the right error with the server's words; every job ran once at most. The limit is 25 s, 45 s for the late answer.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from comfy_headless import ComfyHeadlessError, GenerationFailedError
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Break, Delay, LateHistory, Restart
from tests.faults.cases import CASES, Case
from tests.faults.clients import WAYS, Person

FULL_LENGTH: Final[Mapping[str, Case]] = {
    "history reset for a while": Case((Break(route="GET /history", seconds=5),)),
    "history HTML for a while": Case(
        (Answer(route="GET /history", status=200, body="<html>wait", content_type="text/html", seconds=4),)
    ),
    "history late": Case((LateHistory(late=1.5),)),
    "POST answer late": Case((Delay(route="POST /prompt", delay=20),)),
    "server restarts while it runs": Case((Restart(at="running", away=3),), GenerationFailedError, "restarted"),
    "server restarts before": Case((Restart(at="queued", away=3),), GenerationFailedError, "restarted"),
}
"""Cases as long as in the field, where the test suite has a short version."""


def meet(name: str, kind: str, transport: str) -> tuple[bool, float]:
    """Meet one fault; return whether it came right, and the seconds it took."""
    case = FULL_LENGTH.get(name, CASES[name])
    with tempfile.TemporaryDirectory() as folder, Simulator(faults=case.faults) as sim:
        out, started = Path(folder, "out"), time.perf_counter()
        try:
            result = Person(kind, sim.url, transport=transport).run(case.graph, out=f"{out}/")
        except ComfyHeadlessError as error:
            right = type(error) is case.error and bool(re.search(case.says, str(error), re.DOTALL))
        else:
            right = case.error is None and len(result.files) == case.files and case.check(result, out)
        seconds = time.perf_counter() - started
        right = right and all(runs == 1 for runs in sim.jobs_run.values())
        return right and not list(out.rglob("*.part")), seconds


def main() -> None:
    """Meet every fault in every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=8)
    arguments = parser.parse_args()
    with ThreadPoolExecutor(arguments.workers) as pool:
        met = {(name, *way): pool.submit(meet, name, *way) for name in CASES for way in WAYS}
    print(f"{'fault':34}" + "".join(f"{kind + ' ' + transport:>18}" for kind, transport in WAYS))
    for name in CASES:
        row = [met[name, *way].result() for way in WAYS]
        limit = 45 if name == "POST answer late" else 25
        cells = (f"{'+' if right and seconds < limit else 'WRONG'} {seconds:.1f} s" for right, seconds in row)
        print(f"{name:34}" + "".join(f"{cell:>18}" for cell in cells))
    good = sum(future.result()[0] for future in met.values())
    print(f"{good} of {len(met)} right, {len(CASES)} faults")


if __name__ == "__main__":
    main()
