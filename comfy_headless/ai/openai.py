"""An engine that speaks OpenAI's protocol: llama.cpp's server, vLLM, LM Studio, OpenAI itself, and many more.

Only what all of them take is sent: OpenAI's models that think refuse ``temperature`` and ``max_tokens``, LM Studio
refuses the format ``json_object``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any
from urllib.parse import urlsplit

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
    json_of,
    lines_of,
    post_json,
    read_key,
    read_model,
    read_seconds,
    text_of,
)
from comfy_headless.protocol.effects import Reply
from comfy_headless.protocol.enhanced import EngineName


@dataclass(frozen=True, slots=True)
class OpenAIEngine:
    """A language model behind OpenAI's protocol.

    Args:
        url: base address, such as ``http://localhost:8080/v1``; without a path ``/v1`` is meant.
        model: which one; None where the server has one only, as llama.cpp's.
        key: sent as ``Authorization: Bearer``, to this address alone.
        timeout: seconds that it may take in all.

    Raises:
        ValidationError: one of them cannot be right.
    """

    url: str
    _: KW_ONLY
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    timeout: float = SECONDS

    def __post_init__(self) -> None:
        url = base_url(self.url, "/chat/completions")
        object.__setattr__(self, "url", url if urlsplit(url).path else f"{url}/v1")
        object.__setattr__(self, "timeout", read_seconds(self.timeout))
        read_key(self.key)
        read_model(self.model)

    @property
    def name(self) -> EngineName:
        """Which protocol it speaks."""
        return "openai"

    def question(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, *, thinking: bool | None = None
    ) -> Question:
        """Return what to send; the protocol has no word for thinking that all servers take."""
        body: dict[str, Any] = {"messages": [each._asdict() for each in messages], "stream": False}
        if self.model is not None:
            body["model"] = self.model
        if schema is not None:
            named = {"name": "enhanced_prompt", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return post_json(self.url, "/chat/completions", self.key, body)

    def read(self, reply: Reply) -> Said:
        """Read an answer of status 200, or a stream of them; raises EngineFailed where it is none."""
        streamed = reply.body.lstrip().startswith((b"data:", b"event:", b":"))
        parts = _events(reply.text) if streamed else [json_of(reply, self.key)]
        said, refusals, thought, ended = list[str](), list[str](), False, ""
        for part in parts:
            complaint = complaint_in(part)
            if complaint is not None:
                raise EngineFailed(f"answered with an error: {harmless(complaint, self.key)}")
            choice = _choice(part, reply, self.key)
            message = choice.get("delta" if streamed else "message")
            message = message if isinstance(message, dict) else {}
            said.append(text_of(message.get("content")))
            refusals.append(text_of(message.get("refusal")))
            thought = thought or bool(message.get("reasoning_content") or message.get("reasoning"))
            ended = choice.get("finish_reason") or ended
        refusal = "".join(refusals) or ("its content filter" if ended == "content_filter" else "")
        return Said("".join(said), ended == "length", harmless(refusal, self.key) if refusal else None, thought)


def _events(text: str) -> list[Any]:
    """Return the data of server-sent events."""
    lines = (line[len("data:") :].strip() for line in text.splitlines() if line.startswith("data:"))
    return lines_of("\n".join(line for line in lines if line != "[DONE]"))


def _choice(part: Any, reply: Reply, key: str | None) -> dict[str, Any]:
    choices = part.get("choices") if isinstance(part, dict) else None
    if not isinstance(choices, list):
        raise EngineFailed(f"answered with no chat completion: {first_line(reply, key)}")
    return choices[0] if choices and isinstance(choices[0], dict) else {}  # a stream may end with usage alone
