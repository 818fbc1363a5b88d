"""The main language of a prompt."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple


class Language(NamedTuple):
    """A language as ISO 639-1, and how sure that is, from 0 to 1."""

    code: str
    confidence: float


_SCRIPTS = {
    "ja": "\u3040-\u30ff\u31f0-\u31ff",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "hi": "\u0900-\u097f",
    "ar": "\u0600-\u06ff",
    "he": "\u0590-\u05ff",
    "th": "\u0e00-\u0e7f",
    "el": "\u0370-\u03ff",
    "ru": "\u0400-\u052f",
}
_SCRIPT = re.compile("|".join(f"(?P<{code}>[{letters}])" for code, letters in _SCRIPTS.items()))


def language_of(text: str) -> Language:
    """Return the main language of ``text``, which is lower case; English where nothing tells."""
    letters = sum(map(str.isalpha, text))
    found = Counter(match.lastgroup or "" for match in _SCRIPT.finditer(text[:20_000]))
    if found["ja"] * 10 > found["zh"]:
        found["ja"] += found["zh"]
    code, count = found.most_common(1)[0] if found else ("", 0)
    return Language(code, 0.9) if count * 3 > letters else Language("en", 0.5)
