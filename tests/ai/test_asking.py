"""Ask a language model, in both protocols and by both shells: there is an answer in time, or the reason why not."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

from comfy_headless.ai.answer import SCHEMA, Answer
from comfy_headless.ai.asking import ask
from comfy_headless.ai.engine import Engine, EngineFailed, Message
from comfy_headless.ai.ollama import OllamaEngine
from comfy_headless.ai.openai import OpenAIEngine
from comfy_headless.errors import GenerationTimeoutError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Deadline, Flow, Now
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.post import post
from comfy_headless.transport.sync import SyncTransport
from tests.ai.speaking import (
    LONG,
    Speaker,
    Step,
    answers,
    breaks_off,
    echoes_key,
    is_huge,
    is_silent,
    refuses_form,
    resets,
    says,
    speaking,
    streams,
    trickles,
)
from tests.faults.clients import within

KEY: Final = "sk-hunter2"
GOOD: Final = {"enhanced": "A cat in the rain.", "negative": "blurry", "additions": ["rain"], "reasoning": ["Light."]}
TEXT: Final = json.dumps(GOOD)
BROKEN: Final = TEXT[:-9]
NOWHERE = Server("http://127.0.0.1:9", "c", Timing(grace=0.05))
BOTH = pytest.mark.parametrize("kind", ["sync", "async"])
SLOWLY = pytest.mark.slow
ENGINES = pytest.mark.parametrize("name", ["openai", "ollama"])
EITHER = pytest.mark.parametrize("name", ["openai", pytest.param("ollama", marks=SLOWLY)])
"""Tables whose rows are read by the same code mostly."""


def engine_at(speaker: Speaker, name: str = "openai", key: str | None = KEY) -> Engine:
    """The engine of that protocol."""
    return (OllamaEngine if name == "ollama" else OpenAIEngine)(speaker.url, model="m", key=key)


def drive(kind: str, flow: Flow[Any]) -> Any:
    """Perform a flow."""
    if kind == "async":
        return asyncio.run(AsyncTransport(NOWHERE).drive(flow))
    transport = SyncTransport(NOWHERE)
    try:
        return transport.drive(flow)
    finally:
        transport.close()


def fine(answer: Answer) -> Iterable[str]:
    """Find nothing wrong."""
    return ()


def asked(
    engine: Engine, check: Callable[[Answer], Iterable[str]] = fine, *, kind: str = "sync", timeout: float = LONG
) -> Answer:
    """Ask for a prompt."""
    told = [Message("system", "Write."), Message("user", '{"prompt": "a cat"}')]
    answer: Answer = drive(kind, ask(engine, told, check, post=post, timeout=timeout))
    return answer


@BOTH
@ENGINES
def test_what_is_sent(name: str, kind: str) -> None:
    """One POST with the messages, the form of the answer, and the key; Ollama is to leave the VRAM."""
    with speaking(says(TEXT)) as speaker:
        assert asked(engine_at(speaker, name), kind=kind).model_dump() == GOOD
    ((path, headers, body),) = speaker.asked
    assert headers["Authorization"] == f"Bearer {KEY}" and headers["Content-Type"] == "application/json"
    assert [each["role"] for each in body["messages"]] == ["system", "user"]
    assert (body["model"], body["stream"]) == ("m", False)
    if name == "ollama":
        assert (path, body["keep_alive"], body["format"]) == ("/api/chat", 0, SCHEMA)
        assert "think" not in body and body["options"]["num_ctx"] >= 8192
    else:
        assert path == "/v1/chat/completions"
        form = body["response_format"]
        assert (form["type"], form["json_schema"]["schema"]) == ("json_schema", SCHEMA)
        assert not body.keys() & {"temperature", "max_tokens", "seed"}


def test_nothing_lets_one_in_where_there_is_no_key() -> None:
    """Without a key there is no header for it."""
    with speaking(says(TEXT)) as speaker:
        asked(engine_at(speaker, key=None))
    assert "Authorization" not in speaker.asked[0].headers


IN_PARTS: Final = {"role": "assistant", "content": [{"type": "text", "text": TEXT}]}
READ: Final[dict[str, Step]] = {
    "streamed": streams(TEXT),
    "fenced": says(f"```json\n{TEXT}\n```"),
    "with a word before": says(f"Here you are:\n\n{TEXT}\nAnything else?"),
    "after thoughts": says(f'<think>\nMaybe {{"enhanced": 1}}?\n</think>\n\n{TEXT}'),
    "after thoughts that the template opened": says(f"so I write {BROKEN}.</think>{TEXT}"),
    "beside thoughts": says(TEXT, reasoning_content="Hm.", thinking="Hm."),
    "in parts": answers(200, {"choices": [{"message": IN_PARTS}], "message": IN_PARTS}),
    "without a form, which was refused": refuses_form(says(TEXT)),
    "on many lines": answers(
        200, json.dumps({"choices": [{"message": IN_PARTS}], "message": IN_PARTS}, indent=2).encode()
    ),
}


@pytest.mark.parametrize("what", READ)
@EITHER
def test_what_is_read(name: str, what: str) -> None:
    """An answer is found wherever models put it."""
    with speaking(READ[what]) as speaker:
        assert asked(engine_at(speaker, name)).model_dump() == GOOD
    forms = [each.body.get("response_format", each.body.get("format")) is not None for each in speaker.asked]
    assert forms == ([True, False] if what.startswith("without a form") else [True])


def test_what_only_decorates_may_be_missing() -> None:
    """A small model, or one without a form, often gives the prompt alone: nothing of it is asked for again."""
    with speaking(says('{"enhanced": "A cat."}')) as speaker:
        assert asked(engine_at(speaker)) == Answer(enhanced="A cat.", negative="", additions=[], reasoning=[])
    assert len(speaker.asked) == 1


def test_line_breaks_are_taken_out() -> None:
    """A prompt is one paragraph."""
    with speaking(says(json.dumps({**GOOD, "enhanced": "A cat.\n\n It rains.\n"}))) as speaker:
        assert asked(engine_at(speaker)).enhanced == "A cat. It rains."


MENDED: Final[dict[str, Step]] = {
    "broken JSON": says(BROKEN),
    "no JSON": says("A cat in the rain."),
    "another key": says(json.dumps({**GOOD, "seed": 5})),
    "no prompt": says('{"negative": "blurry", "additions": [], "reasoning": []}'),
    "another type": says(json.dumps({**GOOD, "additions": "rain"})),
    "nothing": says(""),
    "null": says(None),
    "only thoughts": says("", thinking="Hm.", reasoning_content="Hm."),
    "an open thought": says(f"<think>I would {TEXT}"),
    "cut off": says(TEXT[:30], ended="length"),
    "too deep": says('{"enhanced": ' + "[" * 100_000),
    "thoughts without end": says("<think>" * 50_000),
    "too long a text": says(json.dumps({**GOOD, "enhanced": "x" * 30_000})),
    "control signs": says(json.dumps({**GOOD, "enhanced": "A cat\x00\x1b[2J in the rain."})),
    "control signs beside": says(json.dumps({**GOOD, "reasoning": ["\x1b]0;x\x07"]})),
    "half a sign": says(json.dumps({**GOOD, "enhanced": "A cat \ud800"})),
    "a heading and a list": says(json.dumps({**GOOD, "enhanced": "A cat.\n\n# Rain\n- wet"})),
}


@pytest.mark.parametrize("what", MENDED)
@EITHER
def test_it_is_mended_once(name: str, what: str) -> None:
    """What is wrong is said to the model, which is asked once more; a second time ends it."""
    with speaking(MENDED[what], says(TEXT)) as speaker:
        assert asked(engine_at(speaker, name)).model_dump() == GOOD
        first, second = (each.body["messages"] for each in speaker.asked)
        assert second[: len(first)] == first and second[-1]["role"] == "user"
        assert second[-1]["content"].startswith("Your answer cannot be used:\n- ")
        if name == "ollama" and what == "only thoughts":
            assert speaker.asked[1].body["think"] is False
    with speaking(MENDED[what]) as speaker:
        with pytest.raises(EngineFailed, match="gave a wrong answer twice, last: "):
            asked(engine_at(speaker, name))
        assert len(speaker.asked) == 2


def test_a_template_without_a_system_message() -> None:
    """Its words go before the user's then, and the form of the answer stays."""
    refused = answers(400, {"error": {"message": "System role not supported"}})
    with speaking(refused, says(BROKEN), says(TEXT)) as speaker:
        assert asked(engine_at(speaker)).model_dump() == GOOD
    assert [each["role"] for each in speaker.asked[1].body["messages"]] == ["user"]
    assert speaker.asked[1].body["messages"][0]["content"] == 'Write.\n\n{"prompt": "a cat"}'
    assert [each["role"] for each in speaker.asked[2].body["messages"]] == ["user", "assistant", "user"]
    assert all("response_format" in each.body for each in speaker.asked)


def test_the_rules_are_held() -> None:
    """What a look at the answer finds is said to the model; it is taken when nothing is found."""
    problems = [["the name 'Anna' is lost", "too long"], []]
    with speaking(says(TEXT)) as speaker:
        assert asked(engine_at(speaker), lambda answer: problems.pop(0)).enhanced == GOOD["enhanced"]
    shown, wrong = speaker.asked[1].body["messages"][-2:]
    assert shown == {"role": "assistant", "content": TEXT}
    assert "- the name 'Anna' is lost\n- too long\n" in wrong["content"]


def test_a_model_is_told_the_first_of_many_things() -> None:
    """A prompt of a thousand names is no reason to send a thousand lines."""
    with speaking(says(TEXT)) as speaker, pytest.raises(EngineFailed, match="last: it lost 0"):
        asked(engine_at(speaker), lambda _: [f"it lost {number}" for number in range(1000)])
    assert speaker.asked[1].body["messages"][-1]["content"].count("\n- ") == 20


FAILS: Final[dict[str, tuple[Step, str]]] = {
    "401": (answers(401, {"error": {"message": f"Incorrect API key provided: {KEY[:5]}***"}}), "it wants another key"),
    "403": (answers(403, b"<html>no</html>", "text/html"), "it wants another key .COMFY_HEADLESS_AI_KEY, "),
    "404": (answers(404, {"error": "model 'm' not found"}), "answered 404: model 'm' not found"),
    "400 again": (answers(400, {"error": {"message": "context too long"}}), "answered 400: context too long"),
    "422": (answers(422, {"detail": "no such model"}), "answered 422: no such model"),
    "500": (answers(500, {"error": {"message": "CUDA out of memory"}}), "answered 500: CUDA out of memory"),
    "502": (answers(502, b"<h1>Bad Gateway</h1>", "text/html"), "answered 502: <h1>Bad Gateway</h1>"),
    "no money": (
        answers(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
        "answered 429: You exceeded your quota",
    ),
    "an error in a 200": (answers(200, {"error": {"message": "model crashed"}}), "with an error: model crashed"),
    "HTML": (answers(200, b"<html>login</html>", "text/html"), "JSON|breaks off"),
    "another JSON": (answers(200, {"hello": 1}), "answered with no chat"),
    "a list": (answers(200, [1]), "answered with no chat"),
    "JSON that is too deep": (answers(200, b'{"a":' * 100_000), "JSON"),
    "no body": (answers(200, b""), "JSON|is empty"),
    "reset": (resets, "broke off"),
    "the half": (breaks_off, "broke off"),
    "too much": (is_huge, "gave more than a prompt: the answer has more than 1024 KiB"),
    "key echoed": (
        echoes_key(500),
        r"answered 500: bad request with Bearer \*\*\* at http://\*\*\*@host\?api_key=\*\*\*",
    ),
}


@pytest.mark.parametrize("what", FAILS)
@EITHER
def test_it_fails_with_a_reason(name: str, what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes that is no answer ends in one sentence; the key is neither in it, nor in a log or a traceback."""
    caplog.set_level(logging.DEBUG)
    step, words = FAILS[what]
    with speaking(step) as speaker, pytest.raises(EngineFailed, match=words) as caught:
        asked(engine_at(speaker, name))
    assert caught.value.sent and "\n" not in caught.value.why
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert KEY not in told and KEY[:5] not in caught.value.why


LEFT_OUT: Final = [("openai", "sync"), ("ollama", "sync"), ("ollama", "async")]


@pytest.mark.parametrize("what", ["refusal", "filter"])
def test_a_refusal_is_not_argued_with(what: str) -> None:
    """A model that does not want to is asked once."""
    step = says(None, refusal="I'm sorry.") if what == "refusal" else says("", ended="content_filter")
    with speaking(step) as speaker, pytest.raises(EngineFailed, match=r"refused: (I'm sorry\.|its content filter)"):
        asked(engine_at(speaker))
    assert len(speaker.asked) == 1


@pytest.mark.parametrize(
    ("name", "kind"), [("openai", "async"), *(pytest.param(*each, marks=SLOWLY) for each in LEFT_OUT)]
)
def test_a_model_that_loads_is_waited_for(name: str, kind: str) -> None:
    """503 and 429 are asked again, after what the server says, as long as there is time."""
    loading = answers(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})
    with speaking(loading, answers(429, {"error": "busy"}, Retry_After="0.6"), says(TEXT)) as speaker:
        assert asked(engine_at(speaker, name), kind=kind).enhanced == GOOD["enhanced"]
        assert len(speaker.asked) == 3
    with speaking(answers(429, {"error": "busy"}, Retry_After="3000")) as speaker:
        with pytest.raises(EngineFailed, match="answered 429: busy"):
            asked(engine_at(speaker, name), kind=kind)
        assert len(speaker.asked) == 1


SOMETIMES = pytest.mark.parametrize(
    ("kind", "what"),
    [("sync", "head"), ("async", "body")]
    + [
        pytest.param(*each, marks=SLOWLY)
        for each in (("sync", "silent"), ("sync", "body"), ("async", "silent"), ("async", "head"))
    ],
)
SLOW: Final[dict[str, Step]] = {"silent": is_silent, "head": trickles("head"), "body": trickles("body")}


@SOMETIMES
def test_the_deadline_holds(kind: str, what: str) -> None:
    """However slowly it drips, it ends in time, and the connection is cut: the model need not go on."""
    with speaking(SLOW[what]) as speaker:
        started = time.monotonic()
        with pytest.raises(EngineFailed, match=r"gave no whole answer in 0\.3 s"):
            asked(engine_at(speaker), kind=kind, timeout=0.3)
        assert time.monotonic() - started < LONG / 2
        assert speaker.gone.wait(LONG / 2)


@BOTH
def test_the_deadline_of_the_call_passes(kind: str) -> None:
    """It is no failure of the engine where the whole call has no time left."""

    def flow(engine: Engine) -> Flow[Any]:
        yield Deadline((yield Now()) + 0.1, 0.1)
        return (yield from ask(engine, [], fine, post=post, timeout=LONG))

    with speaking(is_silent) as speaker:
        with within(LONG / 2), pytest.raises(GenerationTimeoutError):
            drive(kind, flow(engine_at(speaker)))
        assert speaker.gone.wait(LONG / 2)


def test_a_cancelled_task_leaves_at_once() -> None:
    """The loop is not blocked meanwhile, and the connection is cut."""

    async def leave(speaker: Speaker) -> None:
        flow = ask(engine_at(speaker), [], fine, post=post, timeout=LONG)
        task = asyncio.create_task(AsyncTransport(NOWHERE).drive(flow))
        while not speaker.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with speaking(is_silent) as speaker:
        with within(LONG / 2):
            asyncio.run(leave(speaker))
        assert speaker.gone.wait(LONG / 2)


@BOTH
def test_an_answer_is_looked_at_beside_the_loop(kind: str) -> None:
    """On asyncio in a thread of its own: a look at a long answer holds nobody else up."""
    threads: list[threading.Thread] = []

    def look(answer: Answer) -> Iterable[str]:
        threads.append(threading.current_thread())
        return ()

    with speaking(says(TEXT)) as speaker:
        asked(engine_at(speaker), look, kind=kind)
    assert (threads == [threading.current_thread()]) is (kind == "sync")


@BOTH
def test_nothing_there(kind: str) -> None:
    """Where nothing listens nothing was sent, and it is said at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        engine = OpenAIEngine(f"http://127.0.0.1:{free.getsockname()[1]}/v1", key=KEY)
        with pytest.raises(EngineFailed, match="does not answer there") as caught:
            asked(engine, kind=kind)
    assert not caught.value.sent


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """Neither the text nor the key goes anywhere else."""
    with speaking(says(TEXT)) as other:
        redirect = answers(status, b"", Location=f"{other.url}/v1/chat/completions")
        with speaking(redirect) as speaker, pytest.raises(EngineFailed, match=f"answered {status} and leads elsewhere"):
            asked(engine_at(speaker))
    assert other.asked == []


def test_what_nobody_thought_of() -> None:
    """Any other error of an engine is its failure too."""

    def strange(*asked: Any) -> Any:
        raise LookupError("a codec")

    with pytest.raises(EngineFailed, match=r"failed \(LookupError\)"):
        drive("sync", ask(OpenAIEngine("http://127.0.0.1:9"), [], fine, post=strange, timeout=LONG))
