"""An engine that speaks Ollama's own protocol, which can give the VRAM back: the video model needs it next.

``think`` is left out at first: with ``think: false`` some models are let off the format (ollama issues 14645 and 15260,
0.17 to 0.20), without it others put all they say into their thoughts and give no content (qwen3-next, 0.30). Then it is
asked again with ``think: false``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

from comfy_headless.ai.engine import (
    SECONDS,
    EngineFailed,
    Message,
    Question,
    Said,
    base_url,
    complaint_in,
    first_line,
    harmless,
    lines_of,
    post_json,
    read_key,
    read_model,
    read_seconds,
    text_of,
)
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.effects import Reply
from comfy_headless.protocol.enhanced import EngineName

OLLAMA: Final = "http://localhost:11434"
"""Where Ollama listens by default."""

PORT: Final = 11434

_CONTEXT: Final = 8192
"""Tokens of context that are asked for: Ollama's default is 4096 or less, and it drops what does not fit unsaid."""

_MOST: Final = 4096
"""Tokens that it may say, thoughts included: a model that never ends is cut there."""


@dataclass(frozen=True, slots=True)
class OllamaEngine:
    """A language model behind Ollama's protocol; it leaves the VRAM as soon as it has answered.

    Args:
        url: base address, such as ``http://localhost:11434``.
        model: which one, such as ``qwen3:8b``; one must be named.
        key: sent as ``Authorization: Bearer``, to this address alone, for a proxy that wants one.
        timeout: seconds that it may take in all, loading the model among them.

    Raises:
        ValidationError: one of them cannot be right.
    """

    url: str = OLLAMA
    _: KW_ONLY
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    timeout: float = SECONDS

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", base_url(self.url, "/chat", "/api", "/v1"))
        object.__setattr__(self, "timeout", read_seconds(self.timeout))
        read_key(self.key)
        if read_model(self.model) is None:
            raise ValidationError("model=None: Ollama has many; name one of `ollama list`")

    @property
    def name(self) -> EngineName:
        """Which protocol it speaks."""
        return "ollama"

    def question(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, *, thinking: bool | None = None
    ) -> Question:
        """Return what to send."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [each._asdict() for each in messages],
            "stream": False,
            "keep_alive": 0,
            "options": {"num_ctx": _CONTEXT, "num_predict": _MOST},
        }
        if schema is not None:
            body["format"] = schema
        if thinking is not None:
            body["think"] = thinking
        return post_json(self.url, "/api/chat", self.key, body)

    def read(self, reply: Reply) -> Said:
        """Read an answer of status 200, or a stream of them; raises EngineFailed where it is none."""
        said, thought, ended = list[str](), False, ""
        for part in _parts(reply):
            complaint = complaint_in(part)
            if complaint is not None:
                raise EngineFailed(f"answered with an error: {harmless(complaint, self.key)}")
            message = part.get("message") if isinstance(part, dict) else None
            if not isinstance(message, dict):
                raise EngineFailed(f"answered with no chat: {first_line(reply, self.key)}")
            said.append(text_of(message.get("content")))
            thought = thought or bool(message.get("thinking"))
            ended = part.get("done_reason") or ended
        return Said("".join(said), ended == "length", None, thought)


def _parts(reply: Reply) -> list[Any]:
    try:
        return [reply.json()]
    except ValueError:
        return lines_of(reply.text)
