"""How far a download is, as callers are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Phase = Literal["waiting", "checking", "fetching"]


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is.

    Args:
        file: ``folder/name`` of the file at work.
        number: of that file, from 1.
        count: of files.
        phase: ``waiting`` while another process is fetching it, ``checking`` reads what is there, ``fetching`` brings
            the rest.
        done: bytes of that file.
        size: bytes of all of it.
        total_done: bytes of all files.
        total: bytes of all of them.
    """

    file: str
    number: int
    count: int
    phase: Phase
    done: int
    size: int
    total_done: int
    total: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data, with ``"event": "download"``."""
        return {"event": "download", **{name: getattr(self, name) for name in self.__dataclass_fields__}}
