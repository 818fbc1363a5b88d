"""What the handlers of one request tell the middlewares around them."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Note:
    """Notes on the request that is being answered.

    Args:
        prompt_id: the job it is about.
        file: the file that is sent.
        broken: whether the connection was broken in place of an answer.
    """

    prompt_id: str | None = None
    file: Path | None = None
    broken: bool = False


NOTE: ContextVar[Note] = ContextVar("note")
