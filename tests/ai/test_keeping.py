"""What a text must keep when it is written anew."""

from __future__ import annotations

import pytest

from comfy_headless.ai.keeping import counted, denied_in, facts_of, lost


@pytest.mark.parametrize(
    ("language", "text", "numbers"),
    [
        ("en", "2:30 minutes, 24 fps, 35mm, 1,000 birds, ½ cup", ("2:30", "24", "35", "1,000", "½")),
        ("ar", "٣ قطط و ۱۲ طائر", ("3", "12")),
        ("hi", "२४ घंटे", ("24",)),
        ("zh", "时长１０秒", ("10",)),
        ("en", "a cat", ()),
    ],
)
def test_numbers(language: str, text: str, numbers: tuple[str, ...]) -> None:
    """Numbers in the digits of any script are facts, in ASCII digits."""
    assert facts_of(text, language).numbers == numbers


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("en", "Outside, Anna meets Mr. Smith of NASA in Rome. Then rain", ("Anna", "Smith", "NASA", "Rome")),
        ("en", "Wide shot in HD, POV. I'm here", ()),
        ("en", "A Beautiful Sunset Over The Ocean", ()),
        ("en", 'a sign that says "Best Pizza"', ()),
        ("de", "ein Hund, das Haus, Anna aus Köln", ("Anna", "Köln")),
        ("ru", "девочка и Анна в Москве", ("Анна", "Москве")),
        ("zh", "长城上的猫", ()),
        ("en", "Godzilla walks through Tokyo at night", ("Godzilla", "Tokyo")),
        ("en", "John and a dog. London wakes up. Fluffy clouds", ("John", "London")),
        ("en", "Close-up of a frog. Dancing cranes. Spooky trees. Don't move", ()),
        ("en", "Anna's dog barks. It's late. There's Bob's cat. Let's go", ("Anna's", "Bob's")),
        ("tr", "Zeynep'in kedisi uyuyor", ("Zeynep'in",)),
        ("de", "Heidi läuft. Katzen schlafen. Langsam wird es hell", ("Heidi",)),
        ("fr", "Marie court. Un chien dort", ("Marie",)),
        ("ru", "Анна кормит гусей. Кошка спит", ("Анна",)),
        ("ja", "ネオンの街", ()),
    ],
)
def test_names(language: str, text: str, names: tuple[str, ...]) -> None:
    """A capital makes a name, at the beginning of a sentence where it is no other word; terms and titles do not."""
    assert facts_of(text, language).names == names


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "three red cats"),
        ("de", "drei rote Katzen"),
        ("fr", "trois chats rouges"),
        ("es", "tres gatos rojos"),
        ("it", "tre gatti rossi"),
        ("pt", "três gatos vermelhos"),
        ("nl", "drie rode katten"),
        ("pl", "trzy czerwone koty"),
        ("ru", "три красных кота"),
        ("uk", "три червоні коти"),
        ("tr", "üç kırmızı kedi"),
        ("hi", "तीन लाल बिल्लियाँ"),
        ("zh", "三只红色的猫"),
        ("ja", "赤い猫が三匹"),
        ("ko", "빨간 고양이 세 마리"),
        ("cs", "tři červené kočky"),
        ("sv", "tre röda katter"),
    ],
)
def test_colours_and_counts(language: str, text: str) -> None:
    """A colour and a count in words are the same facts in every language."""
    facts = facts_of(text, language)
    assert (facts.colours, facts.counts) == ((0,), (3,))
    assert lost(facts, "3 red cats sit on a wall", "en") == ()
    assert lost(facts, "4 blue cats sit on a wall", "en") != ()


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ('3 cats, "OPEN"', 'Three cats below a sign "OPEN"', ()),
        ('3 cats, "OPEN"', "13 cats below an open sign", ("the quoted text 'OPEN' in quotation marks", "the number 3")),
        ("two dogs", "2 dogs run", ()),
        ("1,000 birds", "1000 birds", ()),
        ("2.5 metres", "25 metres", ("the number 2.5",)),
        ("then Anna runs", "Then Anna's friend runs", ()),
        ("then Zoë runs", "Then ZOE runs", ()),
        ("then Anna runs", "then a girl runs", ("the name 'Anna'",)),
        ("of Rusty the fox", "of a fox on rusted logs", ("the name 'Rusty'",)),
        ("with Maria", "with Mario", ("the name 'Maria'",)),
        ("of John", "of Johanna", ("the name 'John'",)),
        ("in Paris", "in a parish", ("the name 'Paris'",)),
        ("in Tokyo", "a Tokyo-style bar", ()),
        ('a mug, "a"', "a mug that says nothing", ("the quoted text 'a' in quotation marks",)),
        ('a sign "OPEN 24/7"', "a sign OPEN 24/7", ("the quoted text 'OPEN 24/7' in quotation marks",)),
        ('a sign "OPEN", lit', "a sign that says “OPEN.”", ()),
        ("a golden ring", "a gold ring", ()),
        ("a blue car", "a red car", ("the colour 'blue'",)),
    ],
)
def test_what_is_lost(before: str, after: str, gone: tuple[str, ...]) -> None:
    """What another text lacks is named; other spellings of a number, a name and a colour are the same fact."""
    assert lost(facts_of(before, "en"), after) == gone


@pytest.mark.parametrize(
    ("language", "before", "after", "kept"),
    [
        ("ru", "девочка Анна в Москве", "улица Москвы, на ней Анну ждут", True),
        ("ru", "девочка Анна", "девочка Анфиса", False),
        ("fi", "talvi, Helsingissä", "Helsinki talvella", True),
        ("tr", "gece, İstanbul'da", "İstanbul gecesi", True),
        ("de", "das Haus von Anna", "Annas Haus", True),
        ("de", "das Haus von Maria", "das Haus von Mario", False),
        ("fr", "le chat de Marie", "le chat de Marion", False),
    ],
)
def test_forms_of_names(language: str, before: str, after: str, kept: bool) -> None:
    """A name may have another ending where names have endings, and only there."""
    assert (lost(facts_of(before, language), after) == ()) is kept


@pytest.mark.parametrize(
    ("language", "text", "denied"),
    [
        ("en", "a street without any people, no cars; the dog doesn't bark", {"people", "cars", "bark"}),
        ("en", "the camera is not, in a word, moving", set()),
        ("en", "fixed shot, no camera movement, no big dogs; nothing moves", {"movement", "dogs", "moves"}),
        ("de", "ein Himmel ohne eine Wolke", {"wolke"}),
        ("ru", "улица без людей", {"людей"}),
        ("ja", "人のいない街", None),
    ],
)
def test_what_is_denied(language: str, text: str, denied: set[str] | None) -> None:
    """The word that a denial stands before is known to be not there."""
    found = denied_in(text, language)
    assert (None if found is None else found.denied) == denied


def test_a_name_in_another_alphabet() -> None:
    """It is written in any way there."""
    assert lost(facts_of("девочка и Анна в Москве", "ru"), "a girl and Anna in Moscow", "en") == ()


def test_translated_names() -> None:
    """A name stays in another language; German nouns, which have capitals too, may become other words."""
    assert lost(facts_of("luego Marta corre", "es"), "then a girl runs", "en") == ("the name 'Marta'",)
    assert lost(facts_of("mit Hund und Katze", "de"), "with dog and cat", "en") == ()


def test_counted_words() -> None:
    """A number is known with the word that it counts."""
    assert list(counted("Two dogs chase 12 birds in 1990", "en")) == [(2, "dogs"), (12, "birds")]
