"""The labelled prompts: what is held out is what was held out from the beginning, and none of it is for tuning."""

from __future__ import annotations

import hashlib
from collections import Counter

from .labelled import DATA, labelled

HELD_OUT = "bbd8d7d72dae880c46c2fed5ab5987382f409bae559464afd733d54e36ccb954"


def test_held_out_prompts_are_those_of_the_beginning() -> None:
    """The file by which accuracy is told is the one that was written before any word list."""
    assert hashlib.sha256((DATA / "held_out.jsonl").read_bytes()).hexdigest() == HELD_OUT


def test_a_third_is_held_out() -> None:
    """No prompt is in both files, a third is held out, and there are at least 400 in twelve languages."""
    tuning, held_out = labelled(), labelled("held_out")
    assert not {each.text for each in tuning} & {each.text for each in held_out}
    assert len(tuning) + len(held_out) >= 400 and abs(len(held_out) * 3 - len(tuning) - len(held_out)) <= 3
    for prompts in (tuning, held_out):
        languages = Counter(each.language for each in prompts)
        assert sum(count >= 5 for count in languages.values()) >= 12
        assert min(Counter(each.intent for each in prompts).values()) > len(prompts) / 10
