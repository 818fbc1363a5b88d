"""Large JSON, read entry by entry, so that other threads go on in between.

Python's reader of JSON lets no other thread run until it is done: 17 MB of object_info (many node packs) stop an event
loop for 1.2 s, even if another thread reads it; so read, for 0.4 s at most, while Python looks for garbage (measured:
2 cores, Python 3.11).
"""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecoder
from typing import Any, Final

LARGE: Final = 3_000_000
"""Bytes; less (ComfyUI 0.30.0 without packs has 1.4 MB) is read in some 30 ms, sooner than beside other threads."""

_BEGIN: Final = re.compile(r"[ \t\n\r]*\{[ \t\n\r]*")
_COLON: Final = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_NEXT: Final = re.compile(r"[ \t\n\r]*,[ \t\n\r]*(?=\")")
_END: Final = re.compile(r"[ \t\n\r]*\}[ \t\n\r]*")


def read_json(body: bytes) -> Any:
    """Return what ``json.loads`` does; raises ValueError for what is no JSON, RecursionError where it is too deep."""
    if len(body) < LARGE:
        return json.loads(body)
    try:
        entries = _read_entries(body.decode())
    except ValueError:
        entries = None
    return json.loads(body) if entries is None else entries


def _read_entries(text: str) -> dict[str, Any] | None:
    """Return an object that has entries; None for whatever else it is."""
    read = JSONDecoder().raw_decode
    found = {}
    place = _BEGIN.match(text)
    while place is not None and text.startswith('"', place.end()):
        name, at = read(text, place.end())
        colon = _COLON.match(text, at)
        if colon is None:
            return None
        found[name], at = read(text, colon.end())
        if _END.fullmatch(text, at):
            return found
        place = _NEXT.match(text, at)
    return None
