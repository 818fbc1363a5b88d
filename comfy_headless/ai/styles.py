"""Styles that can be asked for by name: ``styles.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest, shown

DATA: Final = Path(__file__).with_name("styles.toml")


@dataclass(frozen=True, slots=True)
class Style:
    """A style.

    Args:
        look: phrases between commas, by language.
        images: English tags for images alone.
        colourless: phrases for prompts that name no colour, by language.
        negative: what spoils it, in English.
    """

    name: str
    look: Mapping[str, str]
    images: str = ""
    colourless: Mapping[str, str] | None = None
    negative: tuple[str, ...] = ()

    def phrases(self, language: str, *, tags: bool, colours: bool) -> str:
        """Return its phrases between commas, in English where there are none in that language.

        Args:
            tags: those for images too.
            colours: whether the prompt names colours.
        """
        known = language if language in self.look else "en"
        parts = [self.look[known]]
        if tags and known == "en" and self.images:
            parts.insert(0, self.images)
        if not colours and self.colourless is not None:
            parts.append(self.colourless[known])
        return {"zh": "，", "ja": "、", "ar": "، "}.get(known, ", ").join(parts)


@cache
def styles() -> Mapping[str, Style]:
    """Return all styles by name."""
    table = tomllib.loads(DATA.read_text(encoding="utf-8"))
    return {name: Style(name, **{**entry, "negative": tuple(entry["negative"])}) for name, entry in table.items()}


def style_named(name: str) -> Style:
    """Return the style of that name, in small or large letters.

    Raises:
        ValidationError: there is none, with those that there are.
    """
    if not isinstance(name, str):
        raise ValidationError(f"style={shown(name)}: expected the name of a style: {', '.join(styles())}")
    known = styles().get(name.strip().casefold())
    if known is None:
        raise ValidationError(f"no style {name!r}{nearest(name, styles())} There are: {', '.join(styles())}")
    return known
