"""ai/wildcards/syntax.py and rules.py: what cannot be read, and where it stands."""

from __future__ import annotations

import pytest

from comfy_headless.ai.wildcards.lists import GivenLists
from comfy_headless.ai.wildcards.rules import join
from comfy_headless.errors import ValidationError

LISTS = {
    "loop": ["__around__"],
    "around": ["fine", "__loop__"],
    "self": ["__s*__"],
    "braces": ["fine", "one {two"],
    "sets": ["${a=b}"],
    "empty": [],
    "never": ["0::a"],
    "numbers": [str(number) for number in range(200)],
}


def error_of(template: str) -> str:
    """What is said of a template that cannot be read."""
    with pytest.raises(ValidationError) as caught:
        join(template, {}, GivenLists(LISTS))
    return str(caught.value)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("a {b", "template, character 3 ('{b'): '{' is never closed; write \\{ for a brace that is meant"),
        ("one\ntwo {three", "template, line 2, character 5 ('{three'): '{' is never closed"),
        ("a} b", "template, character 2 ('} b'): '}' closes nothing; write \\} for a brace that is meant"),
        ("${a", "template, character 1 ('${a'): '${' is never closed; write $\\{ for a brace that is meant"),
        ("${1}", "template, character 1 ('${1}'): '${' begins a variable, and no name follows; write \\$ before"),
        ("${a b}", "'${a' goes on with ' '; expected } or :value or =value or =!value"),
        ("${a?=b}", "'${a' goes on with '?'"),
        ("{${a=b}|c}", "template, character 2 ('${a=b}|c}'): variable 'a' is set inside of braces; set it in the"),
        ("__sets__", "list 'sets', text 1, character 1 ('${a=b}'): variable 'a' is set in a list"),
        ("${a=1}${a=2}", "variable 'a' is set twice"),
        ("{3-1$$a|b}", "'3-1$$': 3 to 1 are none; the smaller number comes first"),
        ("{9999999999999$$a|b}", "no choice takes so many"),
        ("{1234567890123::a|b}", "weight '1234567890123': at most 12 digits"),
        ("{0::a|0::b}", "every option of '{0::a|0::b}' has the weight 0"),
        ("{" * 101 + "}" * 101, "template, character 101"),
        ("x" * 100_001, "template of 100001 characters: it may have 100000"),
    ],
)
def test_the_place_is_said(template: str, said: str) -> None:
    """What cannot be read is named with its line, its character and what to write."""
    assert said in error_of(template)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("__loop__", "__loop__ leads back to itself: __loop__ -> __around__ -> __loop__ (in wildcards=)"),
        ("__self__", "list 'self', text 1, character 1: __self__ leads back to itself: __self__ -> __self__"),
        ("${a=${b}}${b={x|${a}}}", "${a} leads back to itself: ${a} -> ${b} -> ${a}"),
        ("__braces__", "list 'braces', text 2, character 5 ('{two'): '{' is never closed"),
        ("a __emtpy__", "template, character 3: no list 'emtpy' in wildcards=; did you mean 'empty'?"),
        ("{0::__nowhere__|a|__elsewhere__}", "no list 'elsewhere'"),
        ("__../x__", "list '../x' leads out of the lists"),
        ("__/etc/passwd__", "list '/etc/passwd' leads out of the lists"),
        ("__colour(x=1)__", "no list 'colour(x=1)'"),
        ("__empty__", "list 'empty' in wildcards= has no lines to choose"),
        ("__never__", "list 'never' in wildcards= has no lines to choose"),
        ("${a}", "variable 'a' is not set; none is. Give variables={'a': ...} (--set a=...), or write ${a:otherwise}"),
        ("${name=x}${nmae}", "variable 'nmae' is not set; did you mean 'name'? Set are name."),
        ("${name=${gone}}", "variable 'gone' is not set"),
        ("{1-$$__numbers__}", "{1-$$__numbers__} puts up to 200 options together; 100 are the most"),
        ("{a|b}" * 1001, "put together of 1001 choices; 1000 are the most"),
        ("${x=" + "y" * 60_000 + "}${x}${x}", "could have 120000 characters; 100000 are the most"),
    ],
)
def test_what_no_draw_could_use(template: str, said: str) -> None:
    """An error in any option or list is found at once, whatever would be drawn; names are told with what there is."""
    assert said in error_of(template)


def test_what_grows_without_end_is_refused() -> None:
    """Variables that double each other are refused before they take time or memory."""
    doubling = "".join(f"${{v{n}=${{v{n - 1}}}${{v{n - 1}}}}}" for n in range(1, 99))
    for first in ("{|}", "xx"):
        assert "are the most" in error_of(f"${{v0={first}}}{doubling}${{v98}}")
    chain = "".join(f"${{v{n}={{${{v{n - 1}}}|a}}}}" for n in range(1, 99))
    assert "more than 100 choices, lists and variables inside of each other" in error_of(f"${{v0=a}}{chain}${{v98}}")


def test_many_choices_are_counted_and_not_written_down() -> None:
    """A hundred choices, inside of each other or beside, are counted exactly."""
    assert join("{a|" * 99 + "{a|b}" + "}" * 99, {}, GivenLists({})).ways == 101
    assert join("{a|b}" * 100, {}, GivenLists({})).ways == 2**100
    assert join("{2-3$$__numbers__}", {}, GivenLists(LISTS)).ways == 200 * 199 + 200 * 199 * 198
