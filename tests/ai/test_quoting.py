"""Texts in quotation marks."""

from __future__ import annotations

import pytest

from comfy_headless.ai.quoting import ends_open, find_quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('She says "Hello, world" to him', ["Hello, world"]),
        ("a 'small' thing, and \"it's fine\"", ["small", "it's fine"]),
        ("“He says ‘no’ now”", ["He says ‘no’ now", "no"]),
        ("ein Schild „Geöffnet“ und ‚zu‘", ["Geöffnet", "zu"]),
        ("le mot « Bonjour », puis ‹ oui ›", ["Bonjour", "oui"]),
        ("»Åben« og «Stengt»", ["Åben", "Stengt"]),
        ("skylt ”Öppet”", ["Öppet"]),
        ("看板に「営業中」と『本』", ["営業中", "本"]),
        ('写着“开门”的门，写着"关"字，《活着》', ["开门", "关", "活着"]),
        ('ילד אומר ו"שלום", ו״כן״', ["שלום", "כן"]),
        ('كتب و"مرحبا"', ["مرحبا"]),
        ('เขียนว่า"เปิด"', ["เปิด"]),
    ],
)
def test_marks(text: str, expected: list[str]) -> None:
    """The marks of every language are known, also where no space stands before them."""
    assert [found.text for found in find_quoted(text)] == expected


@pytest.mark.parametrize(
    "text", ["don't stop, dogs' toys and cats' ears", 'a 24" monitor and a 30" one', 'say "hello', '""', "", 'צה"ל']
)
def test_no_marks(text: str) -> None:
    """Apostrophes, inches, abbreviations and a mark that nothing closes quote nothing."""
    assert find_quoted(text) == ()


def test_places() -> None:
    """A quoted text says where it stands, marks included."""
    (found,) = find_quoted('sign "A", dark')
    assert 'sign "A", dark'[found.start : found.end] == '"A"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a sign that says "OPEN', True),
        ("ein Schild „OFFEN", True),
        ("看板「営業中", True),
        ("une enseigne « OUVERT", True),
        ("a sign 'OPEN", True),
        ('牌子上写着"营业', True),
        ('one "A" and "B', True),
        ('says: "', True),
        ('a sign "OPEN"', False),
        ("ein „Haus“ am See", False),
        ('„OPEN" Schild', False),
        ("»Hallo« sagt er", False),
        ("rock 'n' roll of the '90s", False),
        ("in the dogs' house, 'tis late", False),
        ('a 5\'10" man, 24"', False),
        ('רמב"ם', False),
        ("", False),
    ],
)
def test_an_open_mark(text: str, expected: bool) -> None:
    """A mark that nothing closes is open up to the end; an apostrophe and inches are no marks."""
    assert ends_open(text) is expected


def test_open_marks_cost_no_more_than_their_number() -> None:
    """A text of nothing but marks is looked through once."""
    assert ends_open("„a " * 30_000)
