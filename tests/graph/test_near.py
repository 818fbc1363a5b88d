"""Rules of the names that are most like one."""

from __future__ import annotations

import difflib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.graph.near import find_near

DICE = random.Random(1)
WORDS = ("wan", "ltx", "flux", "high", "low", "noise", "rank64", "fast", "real", "light", "detail", "film", "grain")
FILES = sorted({"_".join(DICE.sample(WORDS, DICE.randint(2, 5))) + ".safetensors" for _ in range(1000)})
LETTERS = st.text(alphabet="abcdef_1", max_size=12)


@given(name=LETTERS, known=st.lists(LETTERS, max_size=60))
def test_a_short_list_is_compared_name_by_name(name: str, known: list[str]) -> None:
    """Of few names the answer is difflib's own."""
    assert find_near(name, known) == difflib.get_close_matches(name, known, n=1)


@pytest.mark.parametrize("known", [["KSampler", "VAEDecode"], ["KSampler", *FILES]], ids=["few", "many"])
def test_case_is_no_difference(known: list[str]) -> None:
    """A name is found in any case, and given as it is spelt."""
    assert find_near("ksAMPLR", known) == ["KSampler"]


@pytest.mark.parametrize("number", range(0, len(FILES), len(FILES) // 4))
def test_a_slip_in_a_long_list_is_found(number: int) -> None:
    """Of a thousand names that share words and ends, what is found is as like as the likest, or nearly."""
    name = FILES[number]
    for slip in (name.replace("_", "-", 1), name[:3] + name[4:], f"{name[:5]}x{name[5:]}"):
        likest = difflib.get_close_matches(slip, FILES, n=1)
        assert _alike(slip, find_near(slip, FILES)) > 0.95 * _alike(slip, likest)


def _alike(name: str, found: list[str]) -> float:
    return difflib.SequenceMatcher(None, name, found[0]).ratio()


@pytest.mark.parametrize("name", ["", "q", "qq", "zzzzzzzzz", "qqq.bin"])
def test_nothing_is_like_it(name: str) -> None:
    """A name like none of a thousand has no nearest one."""
    assert find_near(name, FILES) == []


def test_several_come_nearest_first() -> None:
    """With ``n`` the next ones follow, none below the cutoff."""
    known = [*FILES, "a lighthouse.png", "a lighthouse 2.png"]
    assert find_near("a lighthouse.png", known, n=3) == ["a lighthouse.png", "a lighthouse 2.png"]
