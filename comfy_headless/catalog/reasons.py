"""Why a preset was taken, and the others not: sentences for people who do not know these models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from comfy_headless.catalog.candidates import Candidate, Machine, Wishes
from comfy_headless.catalog.preset import TASKS
from comfy_headless.catalog.vram import duration
from comfy_headless.graph.ages import UPDATE

How = Literal["best", "quickest", "lightest", "smallest"]

_THING: Final = {"video": "a video", "image": "an image"}


def gib(amount: float) -> str:
    """Return an amount of memory, such as ``8 GiB`` or ``15.6 GiB``."""
    return f"{round(amount, 1):g} GiB"


def purpose(taken: Candidate, wishes: Wishes) -> str:
    """Return what is to be made from what, such as ``a video from text``."""
    return f"{_THING[taken.preset.makes]} from {TASKS[wishes.task or 'text']}"


def reason(taken: Candidate, how: How, machine: Machine, wishes: Wishes) -> str:
    """Return why a preset was taken, how well it fits, and how long it takes.

    Args:
        how: what it is among those that were to choose from.
    """
    runs = machine.facts is not None and not taken.lacks
    those = [
        *(["that the server can run"] if runs else []),
        *([f"that are done within {duration(wishes.within)}"] if wishes.within is not None and taken.within else []),
    ]
    of_those = f", of those {' and '.join(those)}" if those else ""
    what = f"preset {taken.name!r}: the {how} for {purpose(taken, wishes)}"
    if machine.vram_gb is None:
        return f"{what}{of_those}, since nothing tells how much VRAM there is"
    line = f"{what} on {gib(machine.vram_gb)} of VRAM{of_those}; {time(taken)}"
    if taken.recommended or not taken.fits:
        return line
    least = f"{taken.preset.needs.recommended_from.value:g} GiB"
    return f"{line}. Tight: it is meant for {least}; with less, more of it waits in RAM, and it takes longer"


def time(each: Candidate) -> str:
    """Return how long a preset takes, in words that say how well that is known."""
    seconds = each.estimate.seconds
    if seconds is None:
        return "how long it takes is not known"
    known = "a rough estimate" if each.estimate.rough else "as finished runs showed"
    return f"it takes about {duration(seconds)} ({known})"


def why_not(each: Candidate, taken: Candidate, machine: Machine) -> str:
    """Return in a few words why a preset was not taken; nothing for the one that was."""
    if each.name == taken.name:
        return ""
    if each.refuses:
        return each.refuses.removeprefix(f"{each.name}: ")
    if not each.enough_ram:
        return f"needs {each.preset.needs.min_ram_gb.value:g} GiB of RAM"
    if not each.fits:
        return f"needs {gib(each.estimate.needed_gb)} of VRAM"
    if each.lacks and not taken.lacks:
        return f"the server lacks {absent(each)}"
    if machine.vram_gb is None:
        return "heavier"
    if taken.recommended and not each.recommended:
        return f"tight: meant for {each.preset.needs.recommended_from.value:g} GiB of VRAM"
    if not each.within:
        return "takes too long" if each.estimate.seconds is not None else "how long it takes is not known"
    return "ranked lower" if each.rank < taken.rank else "heavier"


def absent(each: Candidate) -> str:
    """Return in a few words what a server lacks for a preset, such as ``2 files (11.3 GB)``."""
    lines = each.filling.missing if each.filling else ()
    files = list({one.file.key: one.file for one in lines}.values())
    sizes = [file.size_gb for file in files]
    size = f" ({sum(known for known in sizes if known is not None):.1f} GB)" if files and None not in sizes else ""
    count = f"{len(files)} file{'s' if len(files) > 1 else ''}{size}"
    if len(lines) == len(each.lacks):
        return count
    if any(UPDATE in line for line in each.lacks):
        return f"a newer ComfyUI and {count}" if files else "a newer ComfyUI"
    nodes = f"the nodes of {', '.join(pack.name for pack in each.preset.packs)}" if each.preset.packs else "nodes"
    return f"{nodes} and {count}" if files else nodes


def alternatives(looked: Sequence[Candidate], taken: Candidate, limit: float) -> Iterator[str]:
    """Name what ranks higher and takes too long, or is not there; and what is quicker, where the one taken is slow.

    Args:
        limit: seconds; what takes longer is slow.
    """
    fitting = [each for each in looked if each.recommended and each.name != taken.name]
    above = [each for each in fitting if each.rank > taken.rank]
    slow = [each for each in above if not each.within and (taken.lacks or not each.lacks)]
    if slow:
        best = max(slow, key=lambda each: each.rank)
        seconds = best.estimate.seconds
        price = "how long it takes is not known" if seconds is None else f"it takes about {duration(seconds)} here"
        yield f"better: {best.name} ({best.preset.output()}), but {price}"
    away = [each for each in above if each.within and each.lacks and not taken.lacks]
    near = min(away, key=lambda each: (len(each.lacks), -each.rank), default=None)
    if near is not None:
        yield f"better: {near.name} ({near.preset.output()}, {_about(near)}){_price(near, taken)}"
    if not taken.fits or (taken.estimate.seconds or 0.0) <= limit:
        return
    quick = [each for each in fitting if each is not near and (each.estimate.seconds or limit + 1) <= limit]
    if quick:
        best = max(quick, key=lambda each: (not each.lacks, each.rank))
        yield f"quicker: {best.name} ({best.preset.output()}, {_about(best)}){_price(best, taken)}"


def fetched(taken: Candidate) -> Iterator[str]:
    """Say what is to be fetched before a preset runs."""
    if taken.lacks:
        yield "\n".join([f"the server lacks {absent(taken)}:", *(f"  {line}" for line in taken.lacks)])


def _about(each: Candidate) -> str:
    seconds = each.estimate.seconds
    return "time not known" if seconds is None else f"about {duration(seconds)}"


def _price(each: Candidate, taken: Candidate) -> str:
    """Say what the server lacks for it, where it has all for the one that was taken."""
    if taken.lacks or not each.lacks:
        return ""
    return "\n".join([f", but the server lacks {absent(each)}:", *(f"  {line}" for line in each.lacks)])
