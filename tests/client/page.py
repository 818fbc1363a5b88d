"""The tables of docs/server.md: ``python -m tests.client.page`` writes them anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from comfy_headless.client.calls import Calls
from comfy_headless.protocol.route_table import LEFT_OUT, ROUTES

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/server.md"


def routes() -> Iterator[tuple[str, ...]]:
    """Each call with its route, and the first sentence of what it says of itself."""
    yield "route", "call", "what it does"
    yield ("---",) * 3
    for route in ROUTES:
        said = (inspect.getdoc(getattr(Calls, route.call)) or "").splitlines()[0]
        yield f"`{route.method} {route.path}`", f"`{route.call}`", said.replace("|", "\\|").replace("``", "`")


def left_out() -> Iterator[tuple[str, ...]]:
    """Each route that has no call, and why."""
    yield "route", "why there is no call"
    yield ("---",) * 2
    for pattern, reason in LEFT_OUT.items():
        method, _, path = pattern.partition(" ")
        yield f"`{'all methods' if method == '*' else method} {path or '/*'}`", reason


def anew(text: str) -> str:
    """The text of the page with its tables as they are now."""
    for name, rows in (("routes", routes()), ("left out", left_out())):
        before, mark, after = text.partition(f"<!-- {name} -->\n")
        assert mark
        written = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        text = before + mark + written + re.sub(r"\A(\|.*\n)*", "", after)
    return text


def main() -> None:
    """Put the tables into the page."""
    PAGE.write_text(anew(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
