"""What a prompt says it does not want, left out of its text."""

from __future__ import annotations

import pytest

from comfy_headless.ai.denying import without_denied
from comfy_headless.ai.reading import read


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("no people at all, a street at night", ["street", "night"], ["people"]),
        ("a square without text or logos, red roofs", ["square", "red"], ["text", "logos"]),
        ("ein Raum ohne Menschen, im Nebel", ["raum", "nebel"], ["menschen"]),
        ("une rue sans voitures, la nuit", ["rue", "nuit"], ["voitures"]),
        ("комната без людей, туман", ["комната", "туман"], ["людей"]),
        ("没有文字，一只猫", ["猫"], ["文字"]),
        ("文字なし、猫", ["猫"], ["文字"]),
        ("无人机飞过霓虹城市", ["霓虹"], []),
        ("a red cat", ["red", "cat"], []),
    ],
)
def test_what_is_left(text: str, kept: list[str], gone: list[str]) -> None:
    """A few words behind a "no", or before a "not wanted", go; what stands in other clauses stays."""
    left = without_denied(read(text))
    assert len(left) == len(read(text).whole)
    assert [word for word in kept if word not in left] == []
    assert [word for word in gone if word in left] == []
