"""Motion: the verbs of a prompt, in many languages."""

from __future__ import annotations

import pytest

from comfy_headless import analyze_prompt


@pytest.mark.parametrize(
    ("text", "motion"),
    [
        ("A turtle crosses the road", ("crosses",)),
        ("a golden retriever puppy yawns", ("yawns",)),
        ("an espresso machine drips", ("drips",)),
        ("a man sits and stands up; nobody runs", ("sits", "stands")),
        ("a samurai slices a raindrop", ("slices",)),
        ("a chess grandmaster checkmates his rival", ("checkmates",)),
        ("a robot that zorbles", ("zorbles",)),
        ("three kids building a sandcastle", ("building",)),
        ("a lighthouse, waves crashing", ("crashing",)),
        ("particles forming a heart", ("forming",)),
        ("ein Hund bellt laut", ("bellt",)),
        ("ein Falke stößt auf eine Taube herab", ("stößt",)),
        ("Стара вантажівка їде дорогою", ("їде",)),
        ("пожилая женщина вяжет у окна", ("вяжет",)),
        ("kırmızı araba hızla gidiyor", ("gidiyor",)),
        ("Kot unosi się w stacji orbitalnej", ("unosi się",)),
        ("une vieille femme nourrit les pigeons", ("nourrit",)),
        ("una anciana amasa el pan", ("amasa",)),
        ("妻が味噌汁を作っている", ("作っている",)),
        ("할머니가 웃는다", ("웃는다",)),
        ("소년이 연을 날리고 있다", ("날리고",)),
        ("少年が自転車で坂を下る", ("下る",)),
        ("女孩抱着猫", ("抱着",)),
        ("une fillette souffle les bougies", ("souffle les bougies",)),
        ("रोबोट चल रहा है", ("चल रहा",)),
    ],
)
def test_verbs_say_what_moves(text: str, motion: tuple[str, ...]) -> None:
    """A verb is found by the word lists, by its form, or by where it stands."""
    assert analyze_prompt(text).motion == motion


@pytest.mark.parametrize(
    "text",
    [
        "a crowd in a stadium",
        "a charcoal drawing of a dancer",
        "a happy child, half speed",
        "a cat and a dog",
        "a tall building beside a hot spring",
        "no cars driving by",
        "a tracking shot of a red car",
        "un chat noir sur un toit",
        "ein alter Mann mit Hut",
        "una torre alta y una casa",
    ],
)
def test_nouns_and_looks_are_no_motion(text: str) -> None:
    """Who moves is no movement, nor are the film's looks, feelings, speed, or what is said not to be there."""
    assert analyze_prompt(text).motion == ()


def test_motion_is_not_the_cameras() -> None:
    """What moves are people and things; what the camera does is its own field."""
    analysis = analyze_prompt("a horse runs and jumps, then jumps again; the camera lifts into a crane shot")
    assert analysis.motion == ("runs", "jumps")
    assert "crane" in analysis.camera
