"""Decode the frames of a ComfyUI WebSocket.

Layouts are those of ComfyUI 0.30.0 (unchanged since 0.3.64; measured): text frames are ``{"type", "data"}``; binary
frames are ``>I`` event code, then 1 = ``>I`` image type and an image, 3 = ``>I`` length, node id and UTF-8 text,
4 = ``>I`` length, JSON metadata and an image. Unknown frames are no errors: they come from custom nodes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OWN: Final = "comfy_headless."
"""How the types begin of the frames that are made here, so that no server's are taken for them."""

LOST: Final = f"{OWN}lost"
"""The socket dropped."""

CONNECTED: Final = f"{OWN}connected"
"""Told to who listens to everything: the socket is open, for the first time since."""

BACK: Final = f"{OWN}back"
"""The socket is open again."""

QUEUED: Final = f"{OWN}queued"
"""A job is on its way to the server (``sure``: it is there)."""

ENDED: Final = f"{OWN}ended"
"""A job ended while nobody heard it; the history says how."""

DROPPED: Final = f"{OWN}dropped"
"""A reader was so slow that ``count`` frames were dropped."""

CLOSED: Final = f"{OWN}closed"
"""Nothing more comes."""

EVERYTHING: Final = ""
"""In place of a prompt_id: the frames of all jobs, and of none."""

PREVIEW: Final = "preview"
END_TYPES: Final = frozenset({"execution_success", "execution_error", "execution_interrupted"})


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame: the server's type and data, or ``preview`` with an image (``mime``, ``image``)."""

    type: str
    prompt_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    image: bytes = b""
    mime: str = ""

    @property
    def ends(self) -> bool:
        """True if the server says that the job has ended (history decides how)."""
        return self.type in END_TYPES or (self.type == "executing" and self.data.get("node") is None)


class FrameReader:
    """Decodes the frames of one connection and names the job each belongs to.

    Frames without a prompt_id (previews of type 1, texts, the ``executing`` after a reconnect) belong to the job
    that ran last on this connection: a server runs one job at a time.
    """

    def __init__(self) -> None:
        self._running: str | None = None

    def read(self, message: str | bytes) -> Frame | None:
        """Decode one message; None for what is not ours to understand (malformed or unknown binary frames)."""
        frame = _read_text(message) if isinstance(message, str) else _read_binary(message)
        if frame is None:
            return None
        if frame.prompt_id is not None:
            self._running = frame.prompt_id
            return frame
        if frame.type in (PREVIEW, "executing", "text"):
            return Frame(frame.type, self._running, frame.data, frame.image, frame.mime)
        return frame


def _read_text(message: str) -> Frame | None:
    try:
        content = json.loads(message)
    except ValueError:
        return None
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        return None
    data = content.get("data")
    if not isinstance(data, dict):
        data = {}
    prompt_id = data.get("prompt_id")
    return Frame(content["type"], prompt_id if isinstance(prompt_id, str) else None, data)


def _read_binary(message: bytes) -> Frame | None:
    if len(message) < 8:
        return None
    code, number = struct.unpack_from(">II", message)
    rest = message[8:]
    match code:
        case 1:
            return Frame(PREVIEW, image=rest, mime="image/png" if number == 2 else "image/jpeg")
        case 3:
            node, text = (part.decode("utf-8", "replace") for part in (rest[:number], rest[number:]))
            return Frame("text", data={"node": node, "text": text})
        case 4:
            try:
                metadata = json.loads(rest[:number])
            except ValueError:
                return None
            if not isinstance(metadata, dict):
                return None
            mime, prompt_id = metadata.get("image_type"), metadata.get("prompt_id")
            return Frame(
                PREVIEW,
                prompt_id if isinstance(prompt_id, str) else None,
                {"node": metadata.get("display_node_id") or metadata.get("node_id")},
                rest[number:],
                mime if isinstance(mime, str) else "image/jpeg",
            )
    return None
