"""Styles, light and mood: asked for in words, in any language; measured on the labelled prompts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import comfy_headless
from comfy_headless.ai.look import STYLES, find_look
from comfy_headless.ai.reading import read
from comfy_headless.ai.video.phrases import NOTHING

from .labelled import labelled

WORDS = Path(comfy_headless.__file__).parent / "ai" / "words" / "look"
LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko"}


def styles(text: str) -> list[str]:
    return find_look(read(text)).styles.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cinematic shot of a fishing boat at night", ["cinematic"]),
        ("an oil painting of a harbour", ["painting"]),
        ("watercolour of a cat", ["watercolor"]),
        ("8-bit knight, pixel art", ["pixel"]),
        ("1950s home movie on Super 8", ["vintage"]),
        ("a perfume ad, photorealistic", ["advertising", "photorealistic"]),
        ("Werbung für Schokolade, wie im Kino", ["advertising", "cinematic"]),
        ("un renard dans la neige, style dessin animé", ["cartoon"]),
        ("acuarela de un puerto con barcos", ["watercolor"]),
        ("кот на крыше, чёрно-белый нуар", ["noir"]),
        ("赛博朋克城市，霓虹灯", ["scifi", "cinematic"]),
        ("アニメ風の猫", ["anime"]),
        ("픽셀아트 고양이", ["pixel"]),
        ("suluboya bir kedi resmi", ["watercolor"]),
        ("steampunk airship above London", ["scifi"]),
        ("comic book panel, a superhero punches a robot", ["cartoon"]),
        ("bande dessinée, un renard court", ["cartoon"]),
        ("black-and-white detective in a rainy alley", ["noir"]),
        ("Schwarz-Weiß-Film, ein Detektiv raucht", ["noir"]),
        ("черно-белый фильм, детектив курит", ["noir"]),
        ("two cowboys, spaghetti western", ["cinematic"]),
        ("a policeman's face, 70s thriller", ["vintage"]),
        ("a black and white cat", []),
        ("a detective in a red car", []),
        ("a dog on a beach", []),
    ],
)
def test_styles_in_words(text: str, expected: list[str]) -> None:
    """A style is found where the prompt names it, the most telling first."""
    assert styles(text) == expected


def test_styles_of_the_labelled_prompts() -> None:
    """Of the styles that are found nine in ten are right, and five in six are found."""
    right = found = wanted = 0
    for prompt in labelled():
        here = styles(prompt.text)
        right += len(set(here) & set(prompt.styles))
        found += len(here)
        wanted += len(prompt.styles)
    assert right / found >= 0.9
    assert right / wanted >= 0.83


def test_light_and_mood_in_their_own_words() -> None:
    """Words of light and mood stand as the prompt has them, once each."""
    look = find_look(read("Golden Hour over a lake, serene, golden hour again; no neon, Serene"))
    assert look.light.value == ("Golden Hour",)
    assert look.mood.value == ("serene",)


@pytest.mark.parametrize("path", sorted(WORDS.glob("*.toml")), ids=lambda path: path.stem)
def test_word_lists_can_be_read(path: Path) -> None:
    """A file of words has known tables and known styles, and no entry twice in one table."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(data) <= {"styles", "lighting", "mood", "motion", "risks", "not"}
    assert set(data["styles"]["sure"]) <= {*STYLES, NOTHING}
    for table in ("styles", "risks"):
        listed = [
            entry.strip()
            for entries in data.get(table, {}).get("sure", {}).values()
            for entry in entries.replace("\n", ",").split(",")
            if entry.strip()
        ]
        assert sorted({entry for entry in listed if listed.count(entry) > 1}) == []


def test_the_languages() -> None:
    """Every main language has words of style, light, mood and risk, and words that take them back."""
    for language in LANGUAGES:
        data = tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8"))
        assert set(data) - {"motion"} == {"styles", "lighting", "mood", "risks", "not"}, language
        assert set(data["styles"]["sure"]) >= set(STYLES), language


@pytest.mark.parametrize(
    ("text", "light"),
    [
        ("Studio meadow, warm sunshine", ("warm sunshine",)),
        ("a submarine in red emergency light", ("red emergency light",)),
        ("a monk by the light of a candle", ("light of a candle",)),
        ("a corridor lit by a flickering fluorescent tube", ("flickering fluorescent tube",)),
        ("a standoff at high noon", ("high noon",)),
        ("a cat on a roof at night", ("at night",)),
        ("a city at night, neon lights", ("neon lights",)),
        ("eine Küche im warmen Licht der untergehenden Sonne", ("warmen Licht der untergehenden Sonne",)),
        ("une danseuse, lumière rouge", ("lumière rouge",)),
        ("niños jugando, luz dorada", ("luz dorada",)),
        ("una mano, luce di candela", ("luce di candela",)),
        ("весёлые дети, солнечный свет", ("солнечный свет",)),
        ("ponury zamek w świetle księżyca", ("świetle księżyca",)),
        ("मंद रोशनी में लड़की", ("मंद रोशनी",)),
        ("台所、朝の光", ("朝の光",)),
        ("医院，昏暗的灯光", ("昏暗的灯光",)),
        ("마을, 황금빛 햇살", ("황금빛 햇살",)),
        ("a man lights a cigarette in light rain beside a white fire truck", ()),
        ("a kitchen without red light", ()),
    ],
)
def test_light_with_what_describes_it(text: str, light: tuple[str, ...]) -> None:
    """Words of light that stand together are one, with their colour and their source."""
    assert find_look(read(text)).light.value == light


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("a policeman's terrified face, upbeat music", ("terrified", "upbeat")),
        ("comic book panel of a robot", ()),
        ("Burg am See, Gewitterstimmung", ("Gewitterstimmung",)),
        ("une femme effrayée", ("effrayée",)),
        ("испуганная женщина", ("испуганная",)),
    ],
)
def test_mood(text: str, mood: tuple[str, ...]) -> None:
    """Feelings are mood, of those shown and of the film; a comic book is a style."""
    assert find_look(read(text)).mood.value == mood
