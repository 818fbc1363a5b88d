"""Who knows what a server says to a graph: `check`, and the official comfy-cli, on the corpus of the conformance suite.

    python -m venv elsewhere && elsewhere/bin/pip install comfy-cli==1.23.0
    python -m benchmarks.validators --comfy elsewhere/bin/comfy [--every 5]

Starts a ComfyUI 0.30.0, puts a file under every name of the corpus, and asks it, `check` and ``comfy workflow
validate`` about every graph. Good is a graph that the server runs whole. ``false`` counts good ones that a tool
refuses, ``missed`` bad ones that it takes; ``dies`` are graphs that the server takes and fails over, ``noticed`` those
of them of which the tool says so. comfy-cli is a program of its own, under the GPL: it is run by its own Python, which
must lie beside it. Exit code 1 when it is right anywhere `check` is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from comfy_headless.graph.check import Report, check
from comfy_headless.graph.schemas import Schemas
from tests.conformance.check_corpus import Case, half_broken
from tests.conformance.check_run import ask, blocked, files_of
from tests.conformance.check_whole import place_files, whole_graphs
from tests.conformance.comfyui.presets import place_presets
from tests.conformance.comfyui.server import RealServer

DRIVER = """
import contextlib, importlib.metadata, io, json, sys
(entry,) = importlib.metadata.entry_points(group="console_scripts", name="comfy")
comfy, more = entry.load(), sys.argv[1:]
for line in sys.stdin:
    sys.argv = ["comfy", "--json", "workflow", "validate", "--workflow", line.strip(), *more]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        try:
            comfy()
        except SystemExit:
            pass
    print(json.dumps(said.getvalue()), flush=True)
"""
"""Calls the program's entry point for each path on its stdin: starting it anew takes longer than its work."""


class Row(NamedTuple):
    """What was said of one graph.

    Args:
        good: whether the server runs all of it.
        dies: whether it takes it and fails over it, as ``tests/conformance/test_check_verdict.py`` has measured.
        comfy: the codes of the errors that comfy-cli finds; None where it gave no answer.
    """

    case: Case
    good: bool
    dies: bool
    check: bool
    comfy: tuple[str, ...] | None


def main() -> int:
    """Ask all three, print the table and where comfy-cli is wrong; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comfy", type=Path, required=True, help="the program comfy, in an environment of its own")
    parser.add_argument("--every", type=int, default=1, help="take one graph of so many, from each way to break one")
    parser.add_argument("--json", type=Path, help="where to write what was said of each graph")
    arguments = parser.parse_args()
    with RealServer() as server, httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        place_presets(server.folders)
        place_files(server.folders)
        live = Schemas.from_object_info(client.get("/object_info").json())
        cases = list(_thinned(half_broken(whole_graphs(), live), arguments.every))
        started = time.perf_counter()
        judged = list(_judge(cases, client, live))
        print(f"{len(cases)} graphs: server and check took {time.perf_counter() - started:.1f} s", flush=True)
        started = time.perf_counter()
        validated = list(_validate(cases, arguments.comfy, server))
        print(f"comfy-cli took {time.perf_counter() - started:.1f} s")
    rows = [
        Row(case, good, good and report.fails, not report.fails, said)
        for (case, good, report), said in zip(judged, validated, strict=True)
    ]
    if arguments.json:
        told = [{"name": row.case.name, "graph": row.case.graph, **row._asdict(), "case": None} for row in rows]
        arguments.json.write_text(json.dumps(told), encoding="utf-8")
    return _print(rows)


def _thinned(cases: Iterable[Case], every: int) -> Iterator[Case]:
    seen: dict[str, int] = {}
    for case in cases:
        seen[case.way] = seen.get(case.way, -1) + 1
        if seen[case.way] % every == 0:
            yield case


def _judge(cases: list[Case], client: httpx.Client, schemas: Schemas) -> Iterator[tuple[Case, bool, Report]]:
    exists = files_of(client, schemas)
    with blocked(client):
        for case in cases:
            status, answer = ask(case, client)
            if status == 200:
                client.post("/queue", json={"delete": [answer["prompt_id"]]})
            good = status == 200 and not answer["node_errors"]
            yield case, good, check(case.graph, schemas, file_exists=exists)


def _validate(cases: list[Case], comfy: Path, server: RealServer) -> Iterator[tuple[str, ...] | None]:
    with tempfile.TemporaryDirectory() as folder:
        home = {**os.environ, "HOME": folder, "DO_NOT_TRACK": "1"}
        where = ("--host", "127.0.0.1", "--port", str(server.port))
        command = [str(comfy.parent / "python"), "-c", DRIVER, *where]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=home) as process:
            assert process.stdin and process.stdout
            for number, case in enumerate(cases):
                path = Path(folder) / f"{number}.json"
                path.write_text(json.dumps(case.graph), encoding="utf-8")
                process.stdin.write(f"{path}\n")
                process.stdin.flush()
                yield _read(process.stdout.readline())
            process.stdin.close()


def _read(line: str) -> tuple[str, ...] | None:
    """Return the errors of one answer; none is a graph that it takes."""
    try:
        answer: dict[str, Any] = json.loads(json.loads(line))
        found = tuple(error["code"] for error in answer["data"]["errors"]) if answer["data"] else ()
    except (ValueError, KeyError, TypeError):
        return None
    return found or (() if answer["ok"] else (answer["error"]["code"],))


def _print(rows: list[Row]) -> int:
    print(f"{'':26}{'graphs':>7}{'bad':>6}{'dies':>6}   {'check':^22}   {'comfy-cli':^22}")
    print(f"{'':26}{'':>19}" + f"   {'false':>6}{'missed':>7}{'noticed':>9}" * 2)
    for way in [*dict.fromkeys(row.case.way for row in rows), None]:
        some = [row for row in rows if way in (None, row.case.way)]
        line = f"{'all' if way is None else way or 'whole':26}{len(some):7}"
        line += f"{sum(not row.good for row in some):6}{sum(row.dies for row in some):6}"
        print(line + _counts([(row, row.check) for row in some]) + _counts([(row, row.comfy == ()) for row in some]))
    behind = [row for row in rows if (row.comfy == ()) == _fine(row) != row.check]
    print(f"comfy-cli gave no answer to {sum(row.comfy is None for row in rows)} graphs")
    print(f"comfy-cli is right and check is wrong: {len(behind)}")
    for row in behind:
        print(f"  {row.case.name}: {row.comfy}")
    return int(bool(behind))


def _fine(row: Row) -> bool:
    return row.good and not row.dies


def _counts(said: list[tuple[Row, bool]]) -> str:
    false = sum(_fine(row) and not takes for row, takes in said)
    missed = sum(not row.good and takes for row, takes in said)
    noticed = sum(row.dies and not takes for row, takes in said)
    return f"   {false:6}{missed:7}{noticed:9}"


if __name__ == "__main__":
    sys.exit(main())
