"""graph/ui/texts.py: dynamic prompts and names of files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert_with_warnings
from comfy_headless.graph.ui.texts import with_names, without_choices
from tests.graph.ui.drawing import image_to_image, sampler


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a {big} cat /* hidden */ on \\{mat\\} {a {nested}} // tail\nnext", "a big cat  on {mat} a nested \nnext"),
        ("see http://x.y/z", "see http:"),
        ("50%, a|b} and (1.2)", "50%, a|b} and (1.2)"),
        ("ends with \\", "ends with \\"),
        ("never {closed", "never closed"),
    ],
)
def test_comments_and_braces_go(text: str, sent: str) -> None:
    """Comments are left out, one choice is certain, escaped signs are plain."""
    assert without_choices(text) == (sent, "")


@pytest.mark.parametrize(
    ("text", "sent"), [("{red|blue} kite", "red kite"), ("{a|{b|c}} {{d|e}|f}", "a d"), ("{|x}y", "y")]
)
def test_of_a_choice_the_first_is_taken(text: str, sent: str) -> None:
    """The same each time, with a warning: the page draws one."""
    made = without_choices(text)
    assert (made.text, "the first is taken" in made.warning) == (sent, True)


@given(st.text(alphabet="{}|\\/* ab\n", max_size=60))
def test_any_text_has_a_first_choice(text: str) -> None:
    """No text is too odd, and what comes out of one without these signs is the text."""
    made = without_choices(text).text
    assert len(made) <= len(text)
    assert any(sign in text for sign in "{}|\\/") or made == text


def test_names_of_files_hold_values() -> None:
    """By node and input, signs that no name may have as ``_``; what nobody knows stays, with a warning."""
    drawing = sampler(image_to_image())
    drawing.nodes[-1]["widgets_values"] = ["%KSampler.seed%_%KSampler.cfg%_%Words.text%_%width%_%nope.x%"]
    drawing.nodes[2].update(title="Words", widgets_values=["a/b:c"])
    graph, warnings = convert_with_warnings(drawing.saved(), Schemas.snapshot())
    assert graph["9"]["inputs"]["filename_prefix"] == "5_8_a_b_c_%width%_%nope.x%"
    assert warnings == (
        "node 9 (SaveImage): filename_prefix: %nope.x% stays as it is: nothing here is known by that name",
    )


def test_dates_are_left_to_the_server() -> None:
    """What the page takes from its clock, the server takes from its own; a form that it has not stays."""
    assert (
        with_names("%date:yyyy-MM-dd%/%date:hhmmss%", lambda *_: None).text
        == "%year%-%month%-%day%/%hour%%minute%%second%"
    )
    made = with_names("%date:yy%", lambda *_: None)
    assert (made.text, bool(made.warning)) == ("%date:yy%", True)
