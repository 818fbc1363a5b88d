"""What a file is, by its first bytes. What Pillow and ffmpeg write is held to it in tests/media/test_given.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.signatures import format_of


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", "AVIF"),
        (b"\x00\x00\x00\x18ftypqt  \x00\x00\x00\x00qt  ", "QuickTime"),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A ", "M4A"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isom", "MP4"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "WAV"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", "AVI"),
        (b"RIFF\x24\x00\x00\x00ACON", None),
        (b"FORM\x00\x00\x00\x00AIFFCOMM", "AIFF"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "WebM"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", "Matroska"),
        (b"OggS\x00\x02\x80theora", "Ogg video"),
        (b"\xff\xfb\x90\x00", "MP3"),
        (b"\xff\xf1\x50\x80", "AAC"),
        (b"G" + bytes(187) + b"G", "MPEG-TS"),
        (b"  <!DOCTYPE html><p>", "HTML"),
        (b"<?xml version='1.0'?><svg>", "SVG"),
        (b"<?xml version='1.0'?><rss>", None),
        (b"hello there", None),
        (b"", None),
    ],
)
def test_heads(head: bytes, name: str | None) -> None:
    """Brands and containers are told apart; what is no format is none."""
    found = format_of(head)
    assert (found.name if found else None) == name


@given(st.binary(max_size=64))
def test_any_bytes(head: bytes) -> None:
    """No bytes are too odd for it."""
    found = format_of(head)
    assert found is None or found.suffix.startswith(".")
