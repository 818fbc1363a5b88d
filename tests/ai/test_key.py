"""The key of a language model's server: wherever the server repeats it, it stands in no error, log or traceback."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Final

import pytest

from comfy_headless.ai.asking import ask
from comfy_headless.ai.engine import Engine, EngineFailed, Message
from comfy_headless.ai.ollama import OllamaEngine
from comfy_headless.ai.openai import OpenAIEngine
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.post import post
from comfy_headless.transport.sync import SyncTransport
from tests.ai.speaking import LONG, Step, answers, says, speaking

KEY: Final = 'hunter2-very-private"0123456789'
"""With a sign that JSON writes otherwise."""
ENGINES: Final[dict[str, Callable[..., Engine]]] = {"openai": OpenAIEngine, "ollama": OllamaEngine}
REPEATED: Final[dict[str, Step]] = {
    "no answer": answers(200, {"headers": {"authorization": f"Bearer {KEY}"}}),
    "a stream of something else": answers(200, f"data: {json.dumps({'key': KEY})}\n\n".encode(), "text/event-stream"),
    "kind of content": answers(200, b"hello", f"text/{KEY}"),
    "an error in a 200": answers(200, {"error": {"message": "y" * 185 + KEY}}),
    "an error at the cut": answers(500, {"error": {"message": "y" * 185 + KEY}}),
    "plain text at the cut": answers(500, b"x" * 185 + KEY.encode(), "text/plain"),
    "plain text behind many": answers(500, KEY.encode() * 60 + b"x" * 290 + KEY.encode(), "text/plain"),
    "name of a field": says(json.dumps({KEY: 1})),
    "long name of a field": says(json.dumps({"k" * 185 + KEY: 1})),
    "refusal": says(None, refusal=f"Not with {KEY}."),
}


@pytest.mark.parametrize("what", REPEATED)
@pytest.mark.parametrize("name", ENGINES)
def test_it_is_shown_nowhere(name: str, what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the whole key nor its beginning; what is said is one line without control signs."""
    caplog.set_level(logging.DEBUG)
    transport = SyncTransport(Server("http://127.0.0.1:9", "c", Timing(grace=0.05)))
    with speaking(REPEATED[what]) as speaker, pytest.raises(EngineFailed) as caught:
        engine = ENGINES[name](speaker.url, model="m", key=KEY)
        transport.drive(ask(engine, [Message("user", "a cat")], lambda _: (), post=post, timeout=LONG))
    transport.close()
    own = [record.getMessage() for record in caplog.records if record.name == "comfy_headless"]  # httpcore logs headers
    told = "".join(traceback.format_exception(caught.value)) + "".join(own)
    assert KEY[:7] not in told and caught.value.why.isprintable() and len(caught.value.why) < 500


def test_a_kind_of_content_with_control_signs() -> None:
    """What a server names its content is said without them."""
    transport = SyncTransport(Server("http://127.0.0.1:9", "c", Timing(grace=0.05)))
    with speaking(answers(200, b"hello", "text/\x1b[31mred")) as speaker, pytest.raises(EngineFailed) as caught:
        engine = OpenAIEngine(speaker.url)
        transport.drive(ask(engine, [Message("user", "a cat")], lambda _: (), post=post, timeout=LONG))
    transport.close()
    assert caught.value.why.isprintable()
