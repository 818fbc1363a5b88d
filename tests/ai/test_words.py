"""The lists of words that tell what a prompt is about can be read, and say one thing of each word."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from importlib.resources import files

import pytest

from comfy_headless.ai.subject_words import CONTENT, STRUCTURE

SUBJECTS = files("comfy_headless.ai").joinpath("words", "subjects")
LANGUAGES = sorted(file.name.removesuffix(".toml") for file in SUBJECTS.iterdir() if file.name.endswith(".toml"))
OWN_SHORTEST = 3
"""Letters that an entry with a ``*`` has at least, where one letter is one sound."""
MARKS = " '-.·&:/+"
"""What may stand in an entry beside letters, marks on letters and digits."""


def entries(language: str) -> dict[str, list[str]]:
    """Read the file of one language: kind -> entries in their order."""
    text = SUBJECTS.joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return {
        kind: [each.strip() for each in re.split("[,\n]", value) if each.strip()]
        for kind, value in tomllib.loads(text).items()
    }


def script_of(word: str) -> str:
    """Name the script of a word by its first letter."""
    return next((unicodedata.name(letter).split()[0] for letter in word if letter.isalpha()), "")


def shortest(word: str) -> int:
    """Say how many letters a stem needs: syllables and Chinese characters say more than letters."""
    return 1 if script_of(word) in ("CJK", "HANGUL", "HIRAGANA", "KATAKANA", "THAI") else OWN_SHORTEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_words(language: str) -> None:
    """A file has words for every kind of what is shown, and no kind that the readers do not know."""
    found = entries(language)
    assert [kind for kind in CONTENT if not found.get(kind)] == []
    assert set(found) <= {*CONTENT, *STRUCTURE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_stands_twice(language: str) -> None:
    """A word stands once under a kind; only the English list, the widest, puts words under two kinds."""
    found = entries(language)
    twice = [(kind, word) for kind, words in found.items() for word, count in Counter(words).items() if count > 1]
    assert twice == []
    if language != "en":
        kinds = Counter(word for words in found.values() for word in words)
        assert [word for word, count in kinds.items() if count > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_entries_are_clean(language: str) -> None:
    """Entries are lower case and NFKC, of letters, digits and few signs, with a `*` at an end of a word only."""
    for words in entries(language).values():
        for word in words:
            assert word == unicodedata.normalize("NFKC", word).lower()
            bare = word.removeprefix("*").removesuffix("*")
            stray = [sign for sign in bare if sign not in MARKS and unicodedata.category(sign)[0] not in "LMN"]
            assert (word, stray) == (word, [])
            assert bare == bare.strip()
            assert "  " not in bare


@pytest.mark.parametrize("language", LANGUAGES)
def test_stems_are_long_enough(language: str) -> None:
    """A stem or an ending is long enough not to be found in every second word."""
    for words in entries(language).values():
        for word in words:
            if "*" in word:
                assert len(word.strip("*")) >= shortest(word), word
