"""Subject: the prompt's own words for what is shown."""

from __future__ import annotations

import pytest

from comfy_headless import analyze_prompt


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("An old fisherman slowly mends nets on a pier", "An old fisherman"),
        ("an elderly Japanese man", "an elderly Japanese man"),
        ("Steaming bowl of ramen", "Steaming bowl of ramen"),
        ("Cinematic wide shot, two running horses on the beach", "two running horses"),
        ("close-up of a red fox", "a red fox"),
        ("a paper boat on a stream", "a paper boat"),
        ("eine rote Katze schläft", "eine rote Katze"),
        ("un chat noir dort sur un toit", "un chat noir"),
        ("fractal zoom", None),
        ("two geese chase a postman", "two geese"),
        ("a chess grandmaster checkmates his rival", "a chess grandmaster"),
        ("Anna feeds 3 grey geese by the lake", "Anna"),
        ("Two hands shaking in front of a flag", "Two hands"),
        ("FPV drone dive down a skyscraper", "a skyscraper"),
        ('an intro "Zack\'s Garage" built by sparks', "an intro"),
        ("tense standoff between two cowboys, high noon", "two cowboys"),
        ("overcast day in a fishing village", "a fishing village"),
        ("Van Gogh style starry sky", "starry sky"),
        ("a flash of lightning", "a flash"),
        ("ein Sportwagen driftet um die Kurve", "ein Sportwagen"),
        ("ein melancholischer Jazzmusiker im Gegenlicht", "ein melancholischer Jazzmusiker"),
        ("un vieux port sous la pluie", "un vieux port"),
        ("lume di candela a Venezia", "Venezia"),
        ("할머니가 웃는다", "할머니"),
        ("the astronaut plants a flag", "the astronaut"),
        ("小女孩在雨中跳舞", "小女孩"),
        ("妻が台所で味噌汁を作っている", "妻"),
        ("किसान बैलों को पानी पिला रहा है", "किसान"),
    ],
)
def test_the_subject(text: str, subject: str | None) -> None:
    """It is the noun that the prompt is about, with what describes it: no verb, light, particle or quoted text."""
    assert analyze_prompt(text).subject == subject
