"""What an error says when memory ran out: what was estimated, what there was, and the ways down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from comfy_headless.catalog.lighter import Place, StepDown, graph_steps, memory_at, place_of
from comfy_headless.catalog.vram import VramEstimate, duration
from comfy_headless.errors import OutOfMemoryError
from comfy_headless.graph.source import Graph

AGAIN: Final = "the same again in the memory that was freed"
"""What is run where no step down is known."""


def explained(
    error: OutOfMemoryError,
    estimate: VramEstimate | None,
    vram_gb: float | None,
    free_gb: float | None,
    steps: Iterable[StepDown],
    tried: Iterable[StepDown],
    *,
    again: bool = False,
    refused: Mapping[str, str] = {},
) -> OutOfMemoryError:
    """Return the error with all that is known besides the server's words.

    Args:
        estimate: what the job was estimated to take; None if nobody can tell.
        vram_gb: GiB of the card, None if unknown.
        free_gb: of these, what is free.
        steps: what can be changed, in order.
        tried: what was changed already.
        again: whether the same was run again.
        refused: what the server did not take, and why.
    """
    place = place_of(error.node_type)
    ways = [_told(step, place) for step in steps]
    before = ", ".join(step.argument for step in tried)
    lines = [
        str(error),
        *([_estimated(estimate, place)] if estimate else []),
        *([_there(vram_gb, free_gb)] if vram_gb is not None else []),
        *([f"tried already: {AGAIN}"] if again else []),
        *([f"tried already: {before}"] if before else []),
        *(f"refused: {what}: {why}" for what, why in refused.items()),
        "next steps down:" if ways else "nothing is known that would take less there",
        *(f"  {way}" for way in ways),
    ]
    return _with(
        error,
        lines,
        estimate=_amounts(estimate, place) if estimate else None,
        vram_gb=_rounded(vram_gb),
        vram_free_gb=_rounded(free_gb),
        steps=tuple(_data(step, place) for step in steps),
        tried=tuple(_data(step, place) for step in tried),
    )


def explained_graph(error: OutOfMemoryError, graph: Graph) -> OutOfMemoryError:
    """Return the error of a workflow of one's own, with what its graph has a place for; no estimate is made."""
    steps = graph_steps(graph, error.node_type)
    lines = [str(error), *(["next steps down:"] if steps else []), *(f"  {argument}" for argument, _ in steps)]
    unknown = dict.fromkeys(("needed_gb", "peak_gb", "ram_gb", "node_gb", "seconds"))
    return _with(error, lines, steps=tuple({"argument": one, "option": other, **unknown} for one, other in steps))


def _with(error: OutOfMemoryError, lines: Iterable[str], **known: Any) -> OutOfMemoryError:
    return OutOfMemoryError(
        "\n".join(lines),
        prompt_id=error.prompt_id,
        node_id=error.node_id,
        node_type=error.node_type,
        server_message=error.server_message,
        exception_type=error.exception_type,
        **known,
    )


def _estimated(estimate: VramEstimate, place: Place | None) -> str:
    here = memory_at(place, estimate)
    there = f"{here:.1f} GiB for {place}; " if here is not None else ""
    return f"estimated: {there}{_overall(estimate)}"


def _there(vram_gb: float, free_gb: float | None) -> str:
    free = f", {free_gb:.1f} of them free" if free_gb is not None else ""
    return f"there are {vram_gb:.1f} GiB of VRAM{free}"


def _told(step: StepDown, place: Place | None) -> str:
    """Return a step as one line: as it is typed, then what it takes."""
    here = memory_at(place, step.estimate)
    there = f"{here:.1f} GiB for {place}; " if here is not None else ""
    seconds = step.estimate.seconds
    time = f"; about {duration(seconds)}" if seconds is not None else ""
    return f"{step.argument}: {there}{_overall(step.estimate)}{time}"


def _overall(estimate: VramEstimate) -> str:
    return f"{estimate.needed_gb:.1f} GiB at the least, {estimate.peak_gb:.1f} with everything loaded"


def _data(step: StepDown, place: Place | None) -> dict[str, Any]:
    return {"argument": step.argument, "option": step.option, **_amounts(step.estimate, place)}


def _amounts(estimate: VramEstimate, place: Place | None) -> dict[str, float | None]:
    return {
        "needed_gb": _rounded(estimate.needed_gb),
        "peak_gb": _rounded(estimate.peak_gb),
        "ram_gb": _rounded(estimate.ram_gb),
        "node_gb": _rounded(memory_at(place, estimate)),
        "seconds": _rounded(estimate.seconds),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
