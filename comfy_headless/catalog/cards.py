"""How fast a card computes: ``cards.toml``, found by the name that a server or NVML gives a card.

A number here is a promise that most runs keep: a card's rate times what networks really get of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Final, NamedTuple

import pydantic
from pydantic import Field

from comfy_headless.catalog.complaints import complaints
from comfy_headless.catalog.facts import TOLERANCE
from comfy_headless.catalog.files import CARDS, read_toml
from comfy_headless.catalog.preset_file import DottedName, Number
from comfy_headless.catalog.rules import Line, Part
from comfy_headless.config import presets_folder
from comfy_headless.errors import ValidationError

EFFICIENCY: Final = 0.42
"""What a network gets of a card's rate: fitted to the runs in ``cards.toml``, which says how."""
FIXED_SECONDS: Final = 10.0
"""What a run takes whatever it computes: two short runs in ``cards.toml`` (ltxv_2b), and what is left of two of
different size on one card (wan22_5b on the RTX 5090: 8.4)."""
REFERENCE: Final = "RTX 4090"
"""The card that the times in presets are for."""

_OTHER_CARDS: Final = frozenset({"ti", "super", "d", "laptop", "mobile", "max"})
"""What makes another card of a name that it follows: an RTX 4090 Laptop GPU is no RTX 4090."""
_NO_CARDS: Final = frozenset({"cpu", "mps"})
"""Devices of ComfyUI (comfy/model_management.py, get_torch_device_name) whose name does not tell how fast they are."""
_SLICES: Final = 7
"""Of a card cut up by MIG: an A100 or H100 has seven (NVIDIA MIG user guide); fewer are larger."""
_SHARED: Final = re.compile(r"(\d+)[abcq]")
"""A share of a card, by the GB of memory that it has: the last part of ``NVIDIA A40-8Q`` and ``GRID A100-4C`` (NVIDIA
vGPU software user guide, virtual GPU types)."""
_GIVEN_AWAY: Final = frozenset({"r", "tm"})

Count = Annotated[int, Field(ge=1)]


class Card(NamedTuple):
    """A card, as far as its time is concerned.

    Args:
        name: in words.
        tflops: that a network gets of it.
        rough: nothing that ran on this very card, or on one like it, is behind that.
        source: of its rate.
    """

    name: str
    tflops: float
    rough: bool
    source: str


class KnownCard(Part):
    """A card.

    Args:
        name: words of the name that NVML and torch call it by.
        tflops: its rate in fp16 or bf16 with fp32 accumulation, dense.
        vram_gb: GB, as its maker counts them.
        rough: no run on such a card is behind the efficiency.
    """

    name: Line
    tflops: Number
    vram_gb: Number
    rough: bool = False
    source: Line


class Size(Part):
    """A card that is not known but for its memory.

    Args:
        least_gb: GiB that it has at least.
        tflops: the rate of the slowest usual card of that size.
    """

    least_gb: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(alias="from")
    tflops: Number
    source: Line


class Run(Part):
    """A run that somebody timed.

    Args:
        passes: through the network in each step: 2 with a negative prompt.
        card: its name, of those above.
        seconds: that the whole took.
    """

    network: DottedName
    width: Count
    height: Count
    frames: Count
    steps: Count
    passes: Count
    card: Line
    seconds: Number
    source: Line


class CardsToml(Part):
    """What ``cards.toml`` may hold."""

    card: tuple[KnownCard, ...]
    size: tuple[Size, ...]
    run: tuple[Run, ...] = ()


def read_cards(data: Mapping[str, object], where: str) -> CardsToml:
    """Read what a ``cards.toml`` holds.

    Args:
        where: the file, for errors.

    Raises:
        ValidationError: it is wrong, describes a card twice, or a run names a card that it does not describe.
    """
    try:
        found = CardsToml.model_validate(data)
    except pydantic.ValidationError as error:
        raise ValidationError(f"{where}: " + "; ".join(line for _, line in complaints(error, CardsToml))) from error
    seen: set[tuple[str, float]] = set()
    for card in found.card:
        if (card.name, card.vram_gb) in seen:
            raise ValidationError(f"{where}: card {card.name!r} of {card.vram_gb:g} GB is described twice")
        seen.add((card.name, card.vram_gb))
    names = {card.name for card in found.card}
    for run in found.run:
        if run.card not in names:
            raise ValidationError(f"{where}: a run on {run.card!r}: no card of that name is described")
    return found


@cache
def cards() -> CardsToml:
    """Return what is known of cards: the ``cards.toml`` that is shipped.

    Raises:
        ValidationError: it is wrong.
    """
    path = presets_folder() / CARDS
    return read_cards(read_toml(path), str(path))


def find_card(name: str | None, vram_gb: float | None) -> Card | None:
    """Return how fast a card is; None where nothing tells, as for a CPU.

    Args:
        name: as people, NVML or a server say it, such as ``cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync``.
        vram_gb: GiB of it. They choose where cards of one name differ, and are all there is of an unknown one.
    """
    words = _words(name or "")
    if words and words[0] in _NO_CARDS:
        return None
    found = _longest(words, vram_gb)
    if found is not None:
        share = _share(words, found.vram_gb)
        rate = found.tflops * EFFICIENCY * (share or 1)
        return Card(found.name, rate, found.rough or share is not None, found.source)
    if vram_gb is None or not vram_gb > 0:
        return None
    fitting = [size for size in cards().size if vram_gb >= size.least_gb * TOLERANCE]
    best = max(fitting, key=lambda size: size.least_gb)
    return Card(f"a card of {vram_gb:.3g} GiB", best.tflops * EFFICIENCY, True, best.source)


def _words(name: str) -> list[str]:
    return [word for word in re.findall(r"[a-z0-9]+", name.lower()) if word not in _GIVEN_AWAY]


@cache
def _by_words() -> tuple[tuple[tuple[str, ...], KnownCard], ...]:
    return tuple((tuple(_words(card.name)), card) for card in cards().card)


def _longest(words: Sequence[str], vram_gb: float | None) -> KnownCard | None:
    """The card whose name is the longest in ``words``; of one name the nearest in memory, without it the slowest."""
    named = [(len(own), card) for own, card in _by_words() if _holds(words, own)]
    longest = max((length for length, _ in named), default=0)
    alike = [card for length, card in named if length == longest]
    if vram_gb is None:
        return min(alike, key=lambda card: card.tflops, default=None)
    return min(alike, key=lambda card: (abs(card.vram_gb - vram_gb), card.tflops), default=None)


def _holds(words: Sequence[str], own: Sequence[str]) -> bool:
    """Whether ``own`` is in ``words``, in one piece, with nothing behind it that makes it another card."""
    return any(
        tuple(words[start : start + len(own)]) == tuple(own) and not _OTHER_CARDS & set(words[start + len(own) :])
        for start in range(len(words) - len(own) + 1)
    )


def _share(words: Sequence[str], card_gb: float) -> float | None:
    """The part of a card that a MIG slice or a virtual GPU of it is; None where it is whole.

    A virtual GPU may get more while its neighbours are idle: nobody can count on that.
    """
    if "mig" in words:
        parts = [int(found[1]) for word in words[words.index("mig") :] if (found := re.fullmatch(r"(\d)g", word))]
        return (parts[0] if parts else 1) / _SLICES
    sizes = [int(found[1]) for word in words if (found := _SHARED.fullmatch(word))]
    return min(max(sizes[-1], 0.5) / card_gb, 1.0) if sizes else None  # 0Q has half a GB
