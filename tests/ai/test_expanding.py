"""ai/expanding.py: which texts come of a template, the same ones of a seed, never another."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from comfy_headless import PromptTemplate, ValidationError, expand_prompt
from comfy_headless.ai.wildcards.drawing import draw, every
from comfy_headless.ai.wildcards.lists import GivenLists
from comfy_headless.ai.wildcards.rules import join

LISTS = {
    "animal": ["a cat", "a dog", "3::a {red|arctic} fox"],
    "places/city": ["Oslo", "Cádiz"],
    "places/wild": ["the fjord"],
    "meal": ["${animal} eats in __places/*__"],
}


def texts(template: str, **more: Any) -> list[str]:
    """All texts of a template."""
    return [each.text for each in expand_prompt(template, count=None, wildcards=LISTS, **more)]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a kite", ["a kite"]),
        ("", [""]),
        ("a {red|blue} kite", ["a red kite", "a blue kite"]),
        ("{a|{b|c}} {d|e}", ["a d", "a e", "b d", "b e", "c d", "c e"]),
        ("{very |}big", ["very big", "big"]),
        ("{|}", [""]),
        ("{0::a|2.5::b|.5::c|d}", ["b", "c", "d"]),
        ("{2$$a|b|c}", ["a, b", "a, c", "b, a", "b, c", "c, a", "c, b"]),
        ("{2$$ and $$a|b}", ["a and b", "b and a"]),
        ("{1-2$$+$$a|b}", ["a", "b", "a+b", "b+a"]),
        ("{-2$$a|b}", ["a", "b", "a, b", "b, a"]),
        ("{1-$$a|b}", ["a", "b", "a, b", "b, a"]),
        ("{0-1$$a|b}", ["", "a", "b"]),
        ("{3$$a|b}", ["a, b", "b, a"]),
        ("{2$$$$a|b}", ["ab", "ba"]),
        ("{2$$${x:1}|b}", ["1, b", "b, 1"]),
        ("__animal__", ["a cat", "a dog", "a red fox", "a arctic fox"]),
        ("in __places/*__", ["in Oslo", "in Cádiz", "in the fjord"]),
        ("in __**/c?ty__", ["in Oslo", "in Cádiz"]),
        ("{2$$__places/city__}", ["Oslo, Cádiz", "Cádiz, Oslo"]),
        ("${animal=A crab}__meal__", ["A crab eats in Oslo", "A crab eats in Cádiz", "A crab eats in the fjord"]),
        ("${s=!{hot|cold}}${s} as ${s}", ["hot as hot", "cold as cold"]),
        ("${s={hot|cold}}${s} as ${s}", ["hot as hot", "hot as cold", "cold as hot", "cold as cold"]),
        ("${a=!{1|2}}${b=!${a}${a}}${b}", ["11", "22"]),
        ("${b}${b=late}", ["late"]),
        ("${unset:{a|b}}", ["a", "b"]),
        ('{"a": 1}', ['"a": 1']),
        ("cost: $5 | 10_000 __ 3::4 # all \\(ok\\)", ["cost: $5 | 10_000 __ 3::4 # all \\(ok\\)"]),
        (r"\{a\|b\} $\{x\} \${5|6} \__y__ {2\::a} \\{b}", [f"{{a|b}} ${{x}} ${n} __y__ 2::a \\b" for n in (5, 6)]),
        ("two\nlines of {a\n|b}", ["two\nlines of a\n", "two\nlines of b"]),
    ],
)
def test_what_comes_of_a_template(template: str, expected: list[str]) -> None:
    """Each sign means what it means in sd-dynamic-prompts; a backslash takes its meaning; the rest stays."""
    assert texts(template) == expected


def test_a_seed_gives_the_same_text_for_ever() -> None:
    """These texts must never change: people keep seeds."""
    template = "{2$$a|b|c|d} ${s=!{hot|cold}}${s} {3::x|y} __animal__ in __places/*__"
    found = expand_prompt(template, seed=7, count=3, wildcards=LISTS)
    assert [each.text for each in found] == PINNED
    assert [each.seed for each in found] == [7, 8, 9]
    assert expand_prompt(template, seed=9, wildcards=LISTS)[0] == found[2]


PINNED = ["b, c cold x a arctic fox in Oslo", "a, d hot x a cat in the fjord", "d, a hot x a cat in Cádiz"]


def test_what_was_chosen_is_told() -> None:
    """The choices stand in the order of the template, those inside of a choice after it; str() is the text."""
    (prompt,) = expand_prompt("{b {c|c}|b {c|c}} __places/wild__ {one} {places}", seed=1, wildcards=LISTS)
    assert str(prompt) == prompt.text == "b c the fjord one places"
    assert prompt.choices == (("{b {c|c}|b {c|c}}", "b c"), ("{c|c}", "c"))
    assert prompt.choices[0].source == "{b {c|c}|b {c|c}}"


def test_different_ones_are_found() -> None:
    """count= gives different texts, each of its own seed; more of them begin with the same."""
    template = PromptTemplate("{a|b|c} {d|e}")
    six = template.expand(seed=3, count=6)
    assert len({each.text for each in six}) == 6 == template.combinations
    assert all(template.draw(each.seed or 0) == each for each in six)
    assert template.expand(seed=3, count=4) == six[:4]


def test_after_the_last_seed_comes_the_first() -> None:
    """Each prompt tells a seed that gives it again."""
    template = PromptTemplate("{a|b}{c|d}")
    found = template.expand(seed=2**64 - 1, count=4)
    assert [template.draw(each.seed or 0) for each in found] == found and found[1].seed is not None
    assert {each.seed for each in found[1:]} < set(range(50))


def test_a_seed_is_drawn_where_none_is_given() -> None:
    """The drawn seed is told, small enough for any reader of JSON, and gives the same prompt again."""
    template = PromptTemplate("{a|b}{c|d}{e|f}{g|h}")
    for seed in (None, "random", -1):
        (prompt,) = template.expand(seed=seed)
        assert prompt.seed is not None and 0 <= prompt.seed < 2**53
        assert template.draw(prompt.seed) == prompt


def test_weights_are_kept() -> None:
    """Of many draws each option has its share, alone and where several are taken."""
    template = PromptTemplate("{6::a|3::b|1::c}")
    found = Counter(template.draw(seed).text for seed in range(3000))
    assert [round(found[each] / 3000, 1) for each in "abc"] == [0.6, 0.3, 0.1]
    pairs = PromptTemplate("{2$$6::a|3::b|1::c}")
    first = Counter(pairs.draw(seed).text[0] for seed in range(3000))
    assert [round(first[each] / 3000, 1) for each in "abc"] == [0.6, 0.3, 0.1]


def test_several_are_taken_as_if_they_were_drawn_one_by_one() -> None:
    """Each draw is among what is left, in the order of the template: so docs/prompts.md says."""
    weights = {f"w{number}": number % 4 + 1 for number in range(23)}
    template = PromptTemplate("{11$$" + "|".join(f"{weight}::{word}" for word, weight in weights.items()) + "}")
    for seed in range(20):
        left, words = dict(weights), list[str]()
        for place in range(11):
            number = int.from_bytes(sha256(f"{seed}:{place}".encode()).digest(), "big") % sum(left.values())
            ends = accumulate(left.values())
            words.append(next(word for word, end in zip(left, ends, strict=True) if number < end))
            del left[words[-1]]
        assert template.draw(seed).text == ", ".join(words)


def test_variables_of_the_caller() -> None:
    """What a caller sets stands in place of what the template sets, and signs in it mean nothing."""
    assert texts("${a=!{x|y}}${a} ${b:z}", variables={"a": "{1|2} __x__ \\{"}) == ["{1|2} __x__ \\{ z"]
    assert texts("__meal__", variables={"animal": "he"})[0] == "he eats in Oslo"


@pytest.mark.parametrize(
    ("template", "more", "said"),
    [
        ("{a|b}", {"count": 3}, "count=3: the template has no more than 2"),
        ("{a|a}{a|a}", {"count": 2}, "only 1 different texts were found, and none in 1000 seeds"),
        ("{a|b}", {"count": 0}, "count=0: expected a whole number from 1 to 10000"),
        ("{a|b}" * 99, {"count": 10_001}, "count=10001"),
        ("{a|b}" * 99, {"count": None}, "the template has more than 10^29 combinations of up to 99 characters"),
        ("{a|b}" * 14, {"count": None}, "the template has 16384 combinations"),
        ("{-1::a|b}", {}, "a weight is 0 or more; write \\:: for the signs"),
        ("x", {"seed": -2}, "seed=-2: expected a whole number"),
        ("x", {"seed": "7"}, "seed='7'"),
        ("x", {"seed": True}, "seed=True"),
        ("x", {"variables": {"y": "z"}}, "variable 'y': the template has none of that name; it has none"),
        ("${animal:x}", {"variables": {"anmal": "z"}}, "variable 'anmal': the template has none of that name; did you"),
        ("${y}", {"variables": {"y": 3}}, "variables={'y': 3}: expected text"),
        (3, {}, "template=3: expected text"),
        ("x", {"wildcards": 3}, "wildcards=3: expected a folder"),
        ("x", {"wildcards": {"a": "text"}}, "wildcards={'a': ...}: expected a name and a list of texts"),
        ("x", {"wildcards": {"a": ["text", 3]}}, "wildcards={'a': ...}: 3 is no text"),
    ],
)
def test_what_cannot_be_asked(template: Any, more: dict[str, Any], said: str) -> None:
    """An error names what was given and what there is."""
    with pytest.raises(ValidationError) as caught:
        expand_prompt(template, **more)
    assert said in str(caught.value)


def test_lists_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMFY_HEADLESS_WILDCARDS names the folder where no other is given."""
    (tmp_path / "animal.txt").write_text("a cat\n")
    monkeypatch.setenv("COMFY_HEADLESS_WILDCARDS", str(tmp_path))
    assert expand_prompt("__animal__")[0].text == "a cat"
    monkeypatch.delenv("COMFY_HEADLESS_WILDCARDS")
    with pytest.raises(ValidationError, match=r"no folder of lists is named.*COMFY_HEADLESS_WILDCARDS"):
        expand_prompt("__animal__")


PLAIN = st.text(st.characters(exclude_characters="{}|$_\\", exclude_categories=["Cs"]))
WORD = st.sampled_from(["a", "b", "", "c d"])
PIECES = st.recursive(
    WORD | st.sampled_from(["__places/city__", "${s}"]),
    lambda inner: st.builds(
        lambda takes, options: f"{{{takes}{'|'.join(options)}}}",
        st.sampled_from(["", "", "", "2$$", "1-2$$+$$"]),
        st.lists(st.lists(inner, max_size=2).map("".join), min_size=1, max_size=3),
    ),
    max_leaves=6,
)


@given(PLAIN)
def test_a_plain_text_stays_as_it_is(text: str) -> None:
    """Without signs a template has one text: itself."""
    template = PromptTemplate(text)
    assert (template.combinations, template.draw(0).text, template.all()[0].text) == (1, text, text)


@given(st.text() | st.text("{}|$_:=!\\a1-# \n", max_size=40), st.integers(0, 2**64 - 1))
@example("{" * 3000, 0)
@example("${a=" * 3000, 0)
@example("__" * 50_000, 0)
@example("{99999-$$a}", 0)
@example("{" + "1" * 90_000, 0)
@example("{1-99$$__animal__}", 0)
def test_no_text_breaks_it(text: str, seed: int) -> None:
    """Any text is a template, or an error that says why not."""
    try:
        template = PromptTemplate(text, wildcards=LISTS)
    except ValidationError as error:
        assert str(error)
    else:
        template.draw(seed)


@settings(max_examples=60)
@given(st.lists(PIECES, max_size=3).map("".join), st.sampled_from(["", "!"]), st.integers(0, 1000))
def test_what_is_drawn_is_among_all(text: str, once: str, seed: int) -> None:
    """Each text that is drawn is one of all, and there are as many ways as are counted."""
    rules = join(f"${{s={once}{{x|y}}}}{text}", {}, GivenLists(LISTS))
    if rules.ways <= 2000:
        ways = list(every(rules))
        assert len(ways) == rules.ways
        assert draw(rules, seed) in ways
