"""docs/server.md says what is."""

from __future__ import annotations

import re

from comfy_headless import AsyncComfyClient, ComfyClient

from .page import PAGE, anew

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_of_routes_is_as_it_is_now() -> None:
    """Every call and every route that is left out stand there: python -m tests.client.page writes them."""
    assert anew(TEXT) == TEXT


def test_every_call_that_is_named_is_there() -> None:
    """The page names no call that a client has not, so none of another library's is without its equivalent."""
    named = set(re.findall(r"`client\.(\w+)", TEXT)) | set(re.findall(r"\bclient\.(\w+)\(", TEXT))
    assert len(named) > 50
    assert [
        name for name in sorted(named) if not (hasattr(ComfyClient, name) and hasattr(AsyncComfyClient, name))
    ] == []
