"""Pictures as a broken run makes them, for trying out what looks at results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, TypeAlias

from PIL import Image

from comfy_headless.media.card import Card

Pictures: TypeAlias = Iterator[Image.Image]

_GREY: Final = (127, 127, 127)


def _black(card: Card) -> Pictures:
    for _ in range(card.frames):
        yield Image.new("RGB", (card.width, card.height))


def _one_colour(card: Card) -> Pictures:
    for _ in range(card.frames):
        yield Image.new("RGB", (card.width, card.height), _GREY)


def _frozen(card: Card) -> Pictures:
    still = next(card.pictures())
    for _ in range(card.frames):
        yield still.copy()


def _noise(card: Card) -> Pictures:
    random = Random(card.seed)
    for _ in range(card.frames):
        yield Image.frombytes("RGB", (card.width, card.height), random.randbytes(3 * card.width * card.height))


def _still_noise(card: Card) -> Pictures:
    still = next(_noise(card))
    for _ in range(card.frames):
        yield still.copy()


_KINDS: Final[Mapping[str, Callable[[Card], Pictures]]] = {
    "black": _black,
    "one_colour": _one_colour,
    "frozen": _frozen,
    "noise": _noise,
    "still_noise": _still_noise,
}


def pictures(card: Card, kind: str | None) -> Pictures:
    """Yield the card's frames, or as many that are "black", "one_colour", "frozen", "noise" or "still_noise"."""
    spoiled = _KINDS.get(kind or "")
    return card.pictures() if spoiled is None else spoiled(card)
