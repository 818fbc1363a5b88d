"""Answers as good language models write them are taken, and those to another prompt are not."""

from __future__ import annotations

from typing import Final

import pytest

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.ai.answer import Answer
from comfy_headless.ai.holding import check_answer
from comfy_headless.ai.instructing import Wish
from comfy_headless.ai.target import target_of

NEGATIVE: Final = "blurry, low resolution, distorted, jittery motion, compression artifacts, bad anatomy"
ANSWERS: Final = [
    (
        "vandal spraying a moustache on the portrait of the king, guards running in from the left",
        "A hooded vandal sprays a curling black moustache onto the large oil portrait of the king in a "
        "grand palace gallery. The hiss of the spray can echoes as the paint runs down the canvas. From "
        "the left, two uniformed guards come running in, boots skidding on polished marble, while warm "
        "light falls from tall windows.",
        "en",
    ),
    (
        (
            "No pans, no zooms, no cuts. One fixed wide frame for 12 seconds: my brother tries to fold a "
            "fitted sheet and loses."
        ),
        "In a single fixed wide frame, held for 12 seconds with no pans, no zooms and no cuts, my brother "
        "stands in a bright bedroom and tries to fold a fitted sheet. He tucks one corner into another, "
        "the elastic snaps back, the sheet balloons over his head, and finally he loses, bundling it in a "
        "heap and throwing it on the bed.",
        "en",
    ),
    (
        "liquid chrome morph, 4s loop",
        "A seamless 4s loop of liquid chrome as it morphs through smooth, rounded shapes, mirror-like "
        "reflections sliding over its surface against a dark studio background, soft rim light tracing "
        "every ripple.",
        "en",
    ),
    (
        "break a leg! – understudy runs on stage, trips over the cable, gets a standing ovation, applause, 4:3",
        "In a 4:3 frame, a nervous understudy runs on stage into the spotlight, trips over a thick cable "
        "and sprawls across the boards. A beat of silence, then the audience rises: a standing ovation "
        "and thunderous applause fill the theatre as the understudy laughs and bows. Break a leg!",
        "en",
    ),
    (
        (
            "Our cat Zoom sleeping on the laptop while a Zoom call is going on, she is the star, never mind "
            "the people on screen"
        ),
        "Our cat Zoom is sleeping curled up on the warm laptop keyboard while a Zoom call is going on. "
        "She is the star of the shot: her grey fur rises and falls with each breath, one ear twitching at "
        "the tinny voices, while the people on screen remain small and out of focus behind her.",
        "en",
    ),
    (
        "a kettle of vultures circling over the canyon, seen from far below, extreme wide shot",
        "Extreme wide shot from far below: a kettle of vultures is circling slowly over a vast red "
        "sandstone canyon, tiny dark shapes turning on rising thermals against a pale midday sky while "
        "heat shimmers along the rim.",
        "en",
    ),
    (
        "360 orbit around lego castle",
        "The camera makes a smooth 360 degree orbit around a detailed lego castle, its grey towers, "
        "drawbridge and tiny flags catching soft studio light as the shadows slide across the base plate.",
        "en",
    ),
    (
        (
            "my grandma in her kitchen with flour on her apron, medium shot, warm afternoon light, looks like "
            "a real photo. about 7 seconds long"
        ),
        "A medium shot, about 7 seconds long, of my grandma standing in her cosy kitchen with flour "
        "dusted over her apron. She kneads dough and looks up with a gentle smile as warm afternoon light "
        "pours through the window. It looks like a real photo.",
        "en",
    ),
    (
        "timelapse, Reykjavik, northern lights",
        "A timelapse of the northern lights over Reykjavik: green ribbons ripple across the night sky "
        "above the coloured roofs and the church tower, stars wheeling slowly while car lights streak "
        "along the harbour.",
        "en",
    ),
    (
        "abandoned mall, horror vibes",
        "An abandoned mall with heavy horror vibes: dead escalators, cracked tiles and flickering "
        "fluorescent tubes. A shopping trolley rolls slowly by itself through the dusty atrium as shadows "
        "creep along the shuttered shops.",
        "en",
    ),
    (
        "T-rex vs monster truck, 10s",
        "For 10s a towering T-rex faces a roaring monster truck in a muddy arena. The truck charges, the "
        "T-rex dodges, lashes its tail and clamps its jaws on the roll cage as mud sprays into the "
        "floodlights.",
        "en",
    ),
    (
        "die 90-jährige Hebamme Frau Schildkröt, Halbnah, lachend, Gegenlicht",
        "Halbnahe Aufnahme der 90-jährigen Hebamme Frau Schildkröt, die herzlich lachend in ihrer Stube "
        "sitzt. Das Gegenlicht vom Fenster umspielt ihr weißes Haar, Staub tanzt im Licht, und ihre Hände "
        "ruhen auf einer alten Ledertasche.",
        "de",
    ),
    (
        "Zeitraffer Wolken über Zugspitze",
        "Ein Zeitraffer: Wolken ziehen in weißen Bahnen über die Zugspitze, Licht und Schatten wandern "
        "über den Fels, und das Gipfelkreuz glänzt in der Abendsonne.",
        "de",
    ),
    (
        "Zeitraffer Wolken über Zugspitze",
        "A timelapse of clouds rushing in white bands over the Zugspitze, light and shadow wandering "
        "across the rock while the golden summit cross shines in the evening sun.",
        "en",
    ),
    (
        "画蛇添足的那位画师本人，搁笔苦笑，蛇不入镜，中景，水墨风",
        "中景，水墨风格。画蛇添足的那位画师本人坐在案前，缓缓搁笔，对着画纸苦笑摇头，蛇不入镜。淡墨晕染的背景中，竹影轻轻摇曳，烛光柔和。",
        "zh",
    ),
    (
        "Une baguette sur Mars",
        "Une baguette dorée repose sur le sol rouge et poussiéreux de Mars. Un vent léger soulève la "
        "poussière autour de sa croûte craquante tandis qu'un soleil pâle se lève derrière les collines.",
        "fr",
    ),
    (
        "un avocat trop mûr qu'on ouvre en deux, très gros plan, lumière du matin",
        "Très gros plan sur un avocat trop mûr qu'on ouvre lentement en deux avec un couteau. La chair "
        "brunie se sépare du noyau, luisante, dans la douce lumière du matin qui entre par la fenêtre.",
        "fr",
    ),
    (
        "トッピング全部のせラーメン、丼の下から上へティルトアップして煙と海苔の山を見せて",
        "トッピング全部のせのラーメン。カメラは丼の下から上へゆっくりティルトアップし、立ちのぼる煙と山のように積まれた海苔を見せる。温かい照明がスープの表面をきらめかせる。",
        "ja",
    ),
    (
        "Atardecer en la Patagonia, paneo de izquierda a derecha sobre el glaciar, horizontal para YouTube",
        "Atardecer en la Patagonia: la cámara hace un paneo lento de izquierda a derecha sobre el inmenso "
        "glaciar, cuyas grietas azules brillan bajo la luz dorada. Formato horizontal para YouTube.",
        "es",
    ),
    (
        "tortilla de patatas humeante",
        "Una tortilla de patatas humeante recién hecha descansa sobre un plato de cerámica; el vapor "
        "asciende lentamente bajo una luz cálida mientras un cuchillo corta la primera porción jugosa.",
        "es",
    ),
    (
        "a cat",
        "A fluffy cat sits on a sunlit windowsill, its tail slowly swaying as dust drifts through the "
        "warm morning light.",
        "en",
    ),
    (
        "a woman walks through the rain at night",
        "A woman in a long coat walks slowly through heavy rain at night along a neon-lit street, puddles "
        "rippling under her steps.",
        "en",
    ),
]
"""Prompt, answer, and the language of the answer."""


def found(prompt: str, answer: str, language: str, model: str) -> list[str]:
    """What is wrong with an answer to a prompt."""
    wish = Wish(analyze_prompt(prompt), target_of(model), language, None, None)
    return list(check_answer(wish, Answer(enhanced=answer, negative=NEGATIVE, additions=[], reasoning=[])))


@pytest.mark.parametrize("model", ["wan_5b", pytest.param("ltx2_standard", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("prompt", "answer", "language"), ANSWERS)
def test_a_good_answer_is_taken(prompt: str, answer: str, language: str, model: str) -> None:
    """It says all that the prompt says, with more around it."""
    assert found(prompt, answer, language, model) == []


@pytest.mark.slow
@pytest.mark.parametrize(("prompt", "answer", "language"), ANSWERS)
def test_an_answer_to_another_prompt_is_not_taken(prompt: str, answer: str, language: str) -> None:
    """It is about something else; of a translation nobody here can tell."""
    others = {other for other, _, _ in ANSWERS if other not in (prompt, "a cat")}
    others = {other for other in others if analyze_prompt(other).language == language}
    assert [other for other in others if not found(other, answer, language, "wan_5b")] == []
