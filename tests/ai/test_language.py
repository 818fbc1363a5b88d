"""The main language of a text, short ones and mixed ones too."""

from __future__ import annotations

import pytest

from comfy_headless.ai.reading import read

from .labelled import labelled


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("sunset", "en"),
        ("a cat", "en"),
        ("ein Hund", "de"),
        ("un chien dans la rue", "fr"),
        ("un perro en la calle", "es"),
        ("um cachorro na rua", "pt"),
        ("un cane per strada", "it"),
        ("een hond op straat", "nl"),
        ("pies na ulicy", "pl"),
        ("sokakta bir köpek", "tr"),
        ("en hund på gatan och solnedgång", "sv"),
        ("pes na ulici, západ slunce", "cs"),
        ("seekor anjing di jalan", "id"),
        ("một con chó trên đường phố", "vi"),
        ("собака на улице, дождь и снег", "ru"),
        ("собака на вулиці, дощ і сніг", "uk"),
        ("猫", "zh"),
        ("猫が寝ている", "ja"),
        ("고양이", "ko"),
        ("बिल्ली", "hi"),
        ("قطة نائمة", "ar"),
        ("گربه‌ای که روی پنجره می‌خوابد", "fa"),
        ("חתול ישן", "he"),
        ("แมวนอนหลับ", "th"),
        ("μια γάτα", "el"),
        ("a street in Kyoto with a sign 営業中", "en"),
        ('a woman says "Guten Morgen, wie geht es dir?" to her dog', "en"),
        ("", "en"),
        ("16:9, 4k !!!", "en"),
    ],
)
def test_language(text: str, language: str) -> None:
    """Short prompts too are told apart, and names or quoted texts do not change the language."""
    assert read(text).language.code == language


@pytest.mark.parametrize("text", ["sunset", "ein Hund läuft durch die Stadt", "猫が寝ている", "", "1234"])
def test_how_sure(text: str) -> None:
    """A confidence lies between 0 and 1."""
    assert 0 <= read(text).language.confidence <= 1


def test_more_words_are_surer() -> None:
    """A sentence tells more than a word."""
    sentence = "a young woman walks slowly through the old town while it rains"
    assert read(sentence).language.confidence > read("sunset").language.confidence


@pytest.mark.slow
def test_accuracy_on_the_tuning_prompts() -> None:
    """What was reached on the prompts for tuning is not lost, on short ones neither."""
    right = [(len(prompt.text) < 40, read(prompt.text).language.code == prompt.language) for prompt in labelled()]
    short = [found for is_short, found in right if is_short]
    assert sum(found for _, found in right) / len(right) >= 0.975
    assert sum(short) / len(short) >= 0.95
