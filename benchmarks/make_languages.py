"""Write comfy_headless/ai/words/languages.json: how likely letters follow each other in each language.

It is counted in the words that this project has of each language: those of languages.toml, which count most, those of
the film (words/video) and those of subjects (words/subjects). Run it again when they have grown:

    python benchmarks/make_languages.py
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from comfy_headless.ai.folding import lowered

WORDS = Path(__file__).resolve().parents[1] / "comfy_headless" / "ai" / "words"
WORD = re.compile(r"[^\W\d_]+")
LATIN = re.compile(r"^[a-zà-ɏḀ-ỿ]+$")
# How often a word of each source counts: the most frequent words make up half of a text.
OFTEN, SELDOM = 6, 1
FEWEST = 2
SMOOTHING = 0.5


def strings(value: Any) -> list[str]:
    """Return all texts of a table, however deep."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    return [value] if isinstance(value, str) else []


def words_of(language: str, frequent: str) -> Counter[str]:
    """Return the words of a language with how often they count."""
    counts: Counter[str] = Counter()
    for word in set(WORD.findall(lowered(frequent)[0])):
        counts[word] += OFTEN
    for folder in ("video", "subjects"):
        path = WORDS / folder / f"{language}.toml"
        if path.exists():
            listed = " ".join(strings(tomllib.loads(path.read_text(encoding="utf-8"))))
            whole = re.sub(r"\S*\*\S*", " ", lowered(listed)[0])  # stems are no words
            for word in set(WORD.findall(whole)):
                counts[word] += SELDOM
    return Counter({word: count for word, count in counts.items() if LATIN.match(word)})


def main() -> None:
    """Count, and write the table."""
    frequent = tomllib.loads((WORDS / "languages.toml").read_text(encoding="utf-8"))
    table: dict[str, dict[str, float]] = {}
    seen: Counter[str] = Counter()
    counted: dict[str, Counter[str]] = {}
    for language, text in frequent.items():
        counts: Counter[str] = Counter()
        for word, count in words_of(language, text).items():
            padded = f" {word} "
            for at in range(len(padded) - 2):
                counts[padded[at : at + 3]] += count
        counted[language] = counts
        seen.update(counts)
    kept = sorted(piece for piece, count in seen.items() if count >= FEWEST)
    for language, counts in counted.items():
        total = sum(counts[piece] for piece in kept) + SMOOTHING * len(kept)
        table[language] = {
            "": round(math.log(SMOOTHING / total), 1),
            **{p: round(math.log((counts[p] + SMOOTHING) / total), 1) for p in kept if counts[p]},
        }
    path = WORDS / "languages.json"
    path.write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(kept)} pieces, {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
