"""Tags in a prompt: words that models of images know, and models of videos read as any others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_LORA: Final = re.compile(r"<lora:[^<>]{1,80}>", re.IGNORECASE)
_TAGS: Final = re.compile(
    r"\([^()]{1,60}:\d?\.\d+\)|\b(?:masterpiece|(?:best|high|top) quality|highres|[1-6](?:girl|boy)s?)\b",
    re.IGNORECASE,
)
_TOLD: Final = 3


def notes_on_tags(text: str, name: str) -> Iterator[str]:
    """Yield what to know of tags in a prompt for a model that wants whole sentences.

    Args:
        name: of the model.

    >>> list(notes_on_tags("(masterpiece:1.2), 1girl", "wan"))
    ['tags and weights are words like any others to wan: (masterpiece:1.2), 1girl']
    """
    if loras := _LORA.findall(text):
        yield f"{', '.join(loras[:_TOLD])} loads no LoRA and is read as words: loras= (--lora) loads one"
    if tags := [*dict.fromkeys(_TAGS.findall(_LORA.sub(" ", text)))]:
        yield f"tags and weights are words like any others to {name}: {', '.join(tags[:_TOLD])}"
