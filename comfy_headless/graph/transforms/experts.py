"""Which expert of a two-expert model a file is for, as its name says.

Wan 2.2 A14B denoises with one model while there is much noise and with another when there is little, so its models and
LoRAs come in pairs, and nothing but the name tells the halves apart. Ways of writing it that were seen on Hugging Face:
``..._lora_v1_high_noise`` (Comfy-Org), ``HighNoise/...-HighNoise-Q4_K_M`` (QuantStack), ``...-lora_HIGH_fp16`` (Kijai),
``...-Seko-V1/high_noise_model`` (lightx2v), ``..._14b_HN_lx2v...``, ``...-22-H-e8``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import zip_longest
from typing import Final


class Expert(StrEnum):
    """The expert for much noise, which begins, or the one for little, which ends."""

    HIGH = "high"
    LOW = "low"

    @property
    def other(self) -> Expert:
        """The other of the two."""
        return Expert.LOW if self is Expert.HIGH else Expert.HIGH


_SURE: Final = {
    **dict.fromkeys(("high", "hn", "highnoise"), Expert.HIGH),
    **dict.fromkeys(("low", "ln", "lownoise"), Expert.LOW),
}
_IN_PAIRS: Final = {**_SURE, "h": Expert.HIGH, "l": Expert.LOW}
"""A letter says something only where the same name with the other letter stands beside it."""

_NOT_OF_NOISE: Final = frozenset(
    {"angle", "contrast", "detail", "details", "fps", "frame", "key", "light", "motion", "poly", "quality", "res"}
    | {"resolution", "speed", "vram"}
)
"""What follows ``high`` or ``low`` in names that mean something else: ``low_poly``, ``high-angle``."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def read_experts(names: Iterable[str]) -> dict[str, Expert | None]:
    """Return the expert that each name is for; None for one that names neither, or both.

    Args:
        names: file names that belong together: what one of them leaves open, another may tell.
    """
    names = list(names)
    patterns = {name: _pattern(_words(_stem(name))) for name in names}
    told: dict[str, Expert | None] = {}
    for name in names:
        expert, rest = patterns[name]
        partner = expert is not None and any((expert.other, rest) == each for each in patterns.values())
        told[name] = expert if partner else _read(name)
    return told


def find_lonely(experts: dict[str, Expert | None]) -> list[str]:
    """Return the names of halves whose other half is not among them."""
    halves = {name: expert for name, expert in experts.items() if expert is not None}
    given = list(halves.values())
    if given.count(Expert.HIGH) == given.count(Expert.LOW):
        return []
    keys = {name: (expert, _without_counts(name)) for name, expert in halves.items()}
    return [name for name, (expert, key) in keys.items() if (expert.other, key) not in keys.values()]


def _read(name: str) -> Expert | None:
    """Read one name by itself: the file's own, and where that says nothing, the folder's that it lies in."""
    for part in reversed(name.replace("\\", "/").split("/")):
        words = _words(_stem(part))
        said = {_SURE[word] for word, after in zip_longest(words, words[1:]) if _says(word, after)}
        if said:
            return said.pop() if len(said) == 1 else None
    return None


def _says(word: str, after: str | None) -> bool:
    return word in _SURE and after not in _NOT_OF_NOISE


def _pattern(words: list[str]) -> tuple[Expert | None, tuple[str, ...]]:
    """Return which expert the words name, once and for all, and the words with a gap in its place."""
    places = [place for place, word in enumerate(words) if word in _IN_PAIRS]
    found = {_IN_PAIRS[words[place]] for place in places}
    rest = tuple("" if place in places else word for place, word in enumerate(words))
    return (found.pop() if len(found) == 1 else None), rest


def _without_counts(name: str) -> tuple[str, ...]:
    """Return the words of a name but the numbers: the halves may come from different steps of a training."""
    return tuple(word for word in _pattern(_words(_stem(name)))[1] if not word.isdecimal())


def _stem(name: str) -> str:
    head, dot, tail = name.rpartition(".")
    return head if dot and tail.lower() in ("safetensors", "gguf", "sft", "pt", "pth", "ckpt", "bin") else name


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
