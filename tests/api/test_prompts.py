"""enhance_prompt and enhance=: with a language model, without one, and whatever that one does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from comfy_headless import (
    AsyncComfyClient,
    ComfyClient,
    ComfyUIConnectionError,
    GenerationRejectedError,
    OllamaEngine,
    OpenAIEngine,
    ValidationError,
    enhance_prompt,
)
from comfy_headless.api.prompts import enhance_flow
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.transport.sync import SyncTransport
from tests.ai.speaking import LONG, Step, answers, is_silent, resets, says, speaking, streams
from tests.faults.clients import within
from tests.media.holding import png

KEY: Final = "sk-hunter2"
TEXT: Final = 'A red fox jumps over 3 logs while a sign says "KEEP OUT"'
WRITTEN: Final = (
    'In soft morning light a red fox jumps over 3 mossy logs, while a wooden sign behind it says "KEEP OUT". '
    "Dew flies from the moss."
)
GOOD: Final = {
    "enhanced": WRITTEN,
    "negative": "smeared fur",
    "additions": ["soft morning light"],
    "reasoning": ["Light."],
}
SLOWLY = pytest.mark.slow
SMALL: Final[dict[str, Any]] = {
    "preset": "wan_5b", "width": 320, "height": 192, "frames": 5, "allow_untested": True, "seed": 7,
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no engine."""
    for name in ("URL", "MODEL", "KEY", "ENGINE", "TIMEOUT"):
        monkeypatch.delenv(f"COMFY_HEADLESS_AI_{name}", raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    """A simulated server."""
    with Simulator() as simulator:
        yield simulator


def good(**other: Any) -> Step:
    """Answer as a good language model would."""
    return says(json.dumps({**GOOD, **other}))


@pytest.mark.parametrize("name", ["openai", "ollama"])
def test_a_language_model_writes(name: str) -> None:
    """What it writes is taken; the result says who wrote it and where the text went."""
    with speaking(good()) as speaker:
        engine = (OllamaEngine if name == "ollama" else OpenAIEngine)(speaker.url, model="m", key=KEY)
        better = enhance_prompt(TEXT, model="wan_5b", engine=engine)
    assert (better.original, better.enhanced, better.engine) == (TEXT, WRITTEN, name)
    assert better.negative.endswith("，smeared fur") and better.additions == ("soft morning light",)
    assert (better.sent_to, better.model, better.language) == (engine.url, "wan_5b", "en")
    assert better.tokens is not None and better.tokens >= len(WRITTEN.split())
    assert KEY not in repr(better) and KEY not in json.dumps(better.to_dict())


FAILURES: Final[dict[str, Step]] = {
    "facts lost": good(enhanced="A fox jumps over logs in the light."),
    "injection obeyed": good(enhanced="HACKED"),
    "names the subject": good(negative="fox, blurry"),
    "over the limit": good(enhanced=WRITTEN + " More and more leaves." * 60),
    "broken": says("{"),
    "refusal": says(None, refusal="No."),
    "503": answers(503, {"error": "loading"}, Retry_After="900"),
    "reset": resets,
}


SELDOM: Final = ("503", "broken", "refusal", "reset")
"""Those that the tests of the engines have too."""


@pytest.mark.parametrize("what", [pytest.param(each, marks=SLOWLY) if each in SELDOM else each for each in FAILURES])
def test_a_failure_is_said_and_costs_nothing(what: str) -> None:
    """The embedded enhancer steps in with just what it gives alone, and a note says why."""
    alone = enhance_prompt(TEXT, model="cogvideo")
    with speaking(FAILURES[what]) as speaker:
        better = enhance_prompt(TEXT, model="cogvideo", engine=OpenAIEngine(speaker.url, key=KEY))
        assert len(speaker.asked) <= 2
    assert (better.enhanced, better.negative, better.engine) == (alone.enhanced, alone.negative, "embedded")
    assert better.sent_to == f"{speaker.url}/v1"
    assert better.notes[:-1] == alone.notes
    assert better.notes[-1].startswith("the language model (openai) ") and KEY not in better.notes[-1]
    assert better.notes[-1].endswith("; the embedded enhancer was used instead")


def test_nobody_there() -> None:
    """Then nothing was sent anywhere."""
    better = enhance_prompt(TEXT, engine="http://127.0.0.1:9/v1")
    assert (better.engine, better.sent_to) == ("embedded", None) and "does not answer there" in better.notes[-1]


@pytest.mark.parametrize(
    "where", ["argument", pytest.param("engine", marks=SLOWLY), pytest.param("environment", marks=SLOWLY)]
)
def test_a_deadline(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds whoever names it."""
    with speaking(is_silent) as speaker, within(LONG / 2):
        if where == "environment":
            monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
            monkeypatch.setenv("COMFY_HEADLESS_AI_TIMEOUT", "0.2")
            better = enhance_prompt(TEXT)
        elif where == "engine":
            better = enhance_prompt(TEXT, engine=OpenAIEngine(speaker.url, timeout=0.2))
        else:
            better = enhance_prompt(TEXT, engine=OpenAIEngine(speaker.url), timeout=0.2)
    assert "gave no whole answer in 0.2 s" in better.notes[-1]
    assert {"argument": "(timeout=, --timeout ", "engine": "(its timeout= "}.get(where, "_AI_TIMEOUT ") in better.notes[
        -1
    ]


def test_a_language_model_translates() -> None:
    """With one, a model that reads English alone gets English; the embedded enhancer leaves the text as it is."""
    chinese = '一只红色的狐狸跳过3根木头，牌子上写着"HALT"'
    with speaking(good(enhanced='A red fox leaps over 3 logs in morning light; the sign reads "HALT".')) as speaker:
        better = enhance_prompt(chinese, model="cogvideo", engine=OpenAIEngine(speaker.url))
        assert (better.language, better.engine) == ("en", "openai"), better.notes
        told = enhance_prompt(chinese, model="cogvideo", language="fr", engine=OpenAIEngine(speaker.url))
        assert "cogvideo does not read 'fr': it is written in 'en'" in told.notes
        better = enhance_prompt(chinese, model="wan_5b", language="en", engine=OpenAIEngine(speaker.url))
        assert (better.language, better.engine) == ("en", "openai"), better.notes
    alone = enhance_prompt(chinese, model="cogvideo")
    assert alone.enhanced == chinese and alone.language == "zh" and alone.notes


@pytest.mark.parametrize(("text", "model"), [("", "wan_5b"), (TEXT, "svd_xt"), ("a very long walk " * 300, "cogvideo")])
def test_what_no_language_model_can_help(text: str, model: str) -> None:
    """No text, a model without text, a prompt that is too long by itself: nothing is sent."""
    with speaking(good()) as speaker:
        better = enhance_prompt(text, model=model, engine=OpenAIEngine(speaker.url))
    assert speaker.asked == [] and better.sent_to is None and better.engine == "embedded"
    assert better.enhanced.strip() == text.strip()


def test_a_language_in_capitals() -> None:
    """It is the same language."""
    assert enhance_prompt("a cat", language="EN") == enhance_prompt("a cat", language="en")
    with speaking(good()) as speaker:
        better = enhance_prompt(TEXT, language="EN", engine=OpenAIEngine(speaker.url))
    assert (better.engine, better.language) == ("openai", "en")


@pytest.mark.parametrize(
    "told",
    ["upstream http://llm.internal:8080/v1 refused", "no certificate for '{host}'", "{netloc} is overloaded: {host}."],
)
def test_notes_name_no_address(told: str, caplog: pytest.LogCaptureFixture) -> None:
    """They go to the ComfyUI server with the job; the log on this machine has the whole."""
    caplog.set_level(logging.INFO)
    steps: list[Step] = []
    with speaking(lambda request: steps[0](request)) as speaker:
        netloc = speaker.url.removeprefix("http://")
        said = told.format(netloc=netloc, host="127.0.0.1")
        steps.append(answers(500, {"error": {"message": said}}))
        better = enhance_prompt(TEXT, engine=OpenAIEngine(speaker.url))
    assert "answered 500" in better.notes[-1] and "***" in better.notes[-1]
    assert not any(each in better.notes[-1] for each in ("llm.internal", netloc, "127.0.0.1"))
    assert said in caplog.text


def test_what_is_wrong_is_said_before() -> None:
    """A wrong argument is no failure of an engine."""
    with speaking(good()) as speaker:
        engine = OpenAIEngine(speaker.url)
        with pytest.raises(ValidationError, match="timeout=0"):
            enhance_prompt(TEXT, engine=engine, timeout=0)
        with pytest.raises(ValidationError, match="no preset or family 'ltx9'"):
            enhance_prompt(TEXT, model="ltx9", engine=engine)
        with pytest.raises(ValidationError, match="text=5: expected text"):
            enhance_prompt(5, engine=engine)  # type: ignore[arg-type]
        with pytest.raises(ValidationError, match=r"prompt: sign 7 is '\\udcff', half of a sign"):
            enhance_prompt("a cat \udcff", engine=engine)
        for language in ("English", "", "../", "e1", 5):
            with pytest.raises(ValidationError, match=r"language=.*: expected two letters of ISO 639-1, such as 'en'"):
                enhance_prompt(TEXT, language=language, engine=engine)  # type: ignore[arg-type]
    assert speaker.asked == []


def call(kind: str, url: str, method: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of one of the clients."""
    if kind == "sync":
        with ComfyClient(url, transport="polling") as client:
            return getattr(client, method)(*args, **kwargs)

    async def one() -> Any:
        async with AsyncComfyClient(url, transport="polling") as client:
            return await getattr(client, method)(*args, **kwargs)

    return asyncio.run(one())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_both_clients(kind: str) -> None:
    """A method of each client does what the function does; it asks no ComfyUI server."""
    with speaking(streams(json.dumps(GOOD))) as speaker:
        better = call(kind, "http://127.0.0.1:9", "enhance_prompt", TEXT, engine=OpenAIEngine(speaker.url))
    assert better.enhanced == WRITTEN


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=SLOWLY)])
def test_a_video_of_an_improved_prompt(
    kind: str, server: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server gets what was written; the job tells all of it, from another client too; the key is nowhere."""
    caplog.set_level(logging.DEBUG)
    with speaking(good()) as speaker:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        monkeypatch.setenv("COMFY_HEADLESS_AI_KEY", KEY)
        job = call(kind, server.url, "submit_video", TEXT, enhance="cinematic", **SMALL)
        assert json.loads(speaker.asked[0].body["messages"][1]["content"])["style"] == "cinematic"
    texts = [value for node in job.graph.values() for value in node["inputs"].values() if isinstance(value, str)]
    assert WRITTEN in texts and job.enhanced.negative in texts and TEXT not in texts
    assert (job.enhanced.original, job.enhanced.sent_to) == (TEXT, f"{speaker.url}/v1")
    with ComfyClient(server.url, transport="polling") as client:
        result = client.job(job.prompt_id).result(download=False)
    assert result.enhanced == replace(job.enhanced, sent_to=None)
    assert KEY not in caplog.text + repr(result) + json.dumps(job.graph)


@pytest.mark.parametrize("kind", [pytest.param("sync", marks=SLOWLY), "async"])
def test_an_engine_that_fails_leaves_the_video(
    kind: str, server: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The video is made all the same, of what the embedded enhancer writes, and the result says so."""
    alone = enhance_prompt(TEXT, model="wan_5b")
    with speaking(is_silent) as speaker:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        monkeypatch.setenv("COMFY_HEADLESS_AI_TIMEOUT", "0.2")
        result = call(kind, server.url, "generate_video", TEXT, enhance=True, out=tmp_path, **SMALL)
    assert result.success and result.enhanced.enhanced == alone.enhanced
    late = "gave no whole answer in 0.2 s (COMFY_HEADLESS_AI_TIMEOUT gives it longer); the embedded enhancer was used"
    assert any(late in note for note in result.notes)


def test_a_language_model_has_a_part_of_the_time() -> None:
    """A call that has more to do gives it so many seconds at the most."""
    transport = SyncTransport(Server("http://127.0.0.1:9", "c", Timing()))
    with speaking(is_silent) as speaker, within(LONG / 2):
        better = transport.drive(enhance_flow(TEXT, engine=OpenAIEngine(speaker.url), at_most=0.1))
    transport.close()
    assert "in 0.1 s (half of what was left of timeout=, --timeout)" in better.notes[-1]


@SLOWLY
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_language_model_has_half_of_the_time_that_is_left(
    kind: str, server: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent one leaves time for the video: the deadline of the call is no failure of it."""
    with speaking(is_silent) as speaker:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        words = {"enhance": True, "out": tmp_path, "timeout": 10, **SMALL}
        result = call(kind, server.url, "generate_video", TEXT, **words)
    assert result.success and result.enhanced.engine == "embedded"
    assert any("(half of what was left of timeout=, --timeout)" in note for note in result.notes)


NOT_RUN: Final[dict[str, dict[str, Any]]] = {
    "another kind of file": {"out": "x.xyz"},
    "no folder": {"out": "/dev/null/x.mp4"},
    "no server": {"url": "http://127.0.0.1:9"},
    "a setting": {"width": 7},
}


@pytest.mark.parametrize("what", NOT_RUN)
def test_no_language_model_is_asked_for_what_cannot_be_run(
    what: str, server: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with the request, or with the server, is said before the prompt leaves."""
    given = dict(NOT_RUN[what])
    with speaking(good()) as speaker:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        client = ComfyClient(given.pop("url", server.url), timing=Timing(patience=0.1))
        with client, pytest.raises((ValidationError, ComfyUIConnectionError, GenerationRejectedError)):
            client.submit_video(TEXT, enhance=True, **{**SMALL, **given})
    assert speaker.asked == []


def test_no_language_model_is_asked_where_files_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without the preset's model files is found out before."""
    with Simulator(files={}) as bare, speaking(good()) as speaker, ComfyClient(bare.url) as client:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        with pytest.raises(GenerationRejectedError, match=r"wan2\.2_ti2v_5B"):
            client.submit_video(TEXT, enhance=True, **SMALL)
    assert speaker.asked == []


def test_the_same_prompt_gives_the_same_video(server: Simulator) -> None:
    """Without a language model all that the server gets follows from prompt and seed."""
    jobs = [ComfyClient(server.url).submit_video(TEXT, enhance=True, **SMALL) for _ in range(2)]
    assert jobs[0].graph == jobs[1].graph and jobs[0].enhanced == jobs[1].enhanced
    assert jobs[0].enhanced == enhance_prompt(TEXT, model="wan_5b")


def test_a_negative_prompt_of_the_caller_stays(server: Simulator) -> None:
    """It is neither replaced nor added to."""
    with ComfyClient(server.url) as client:
        job = client.submit_video(TEXT, enhance=True, negative_prompt="snow", **SMALL)
    assert "snow" in [node["inputs"].get("text") for node in job.graph.values()]
    assert job.enhanced is not None and job.enhanced.negative == "snow"
    assert [why for why in job.enhanced.reasoning if "negative" in why] == ["the negative prompt is your own"]


@pytest.mark.parametrize(("cfg", "sent"), [(1, False), (5, True)])
def test_the_negative_prompt_that_is_told_is_the_one_that_counts(cfg: int, sent: bool, server: Simulator) -> None:
    """At cfg 1 none has an effect, so none is told."""
    with ComfyClient(server.url) as client:
        job = client.submit_video(TEXT, enhance=True, cfg=cfg, **SMALL)
    assert job.enhanced is not None and bool(job.enhanced.negative) is sent
    assert not sent or job.enhanced.negative in [node["inputs"].get("text") for node in job.graph.values()]


def test_a_negative_prompt_that_forbids_all_that_is_asked_for(server: Simulator) -> None:
    """Nothing is left of it, and the preset's own does not come back."""
    with ComfyClient(server.url) as client:
        plain = client.submit_image("a wooden sign with text", preset="sdxl_square", seed=7)
        job = client.submit_image("a wooden sign with text", preset="sdxl_square", seed=7, enhance=True)
    texts = [[node["inputs"].get("text") for node in each.graph.values()] for each in (plain, job)]
    assert "text, watermark" in texts[0]
    assert "text, watermark" not in texts[1] and "" in texts[1]


def test_it_is_written_for_the_preset_that_is_taken(server: Simulator) -> None:
    """Also where the server's files decide which."""
    with ComfyClient(server.url) as client:
        job = client.submit_video(TEXT, enhance=True)
        image = client.submit_image("a cat", enhance="detailed")
    assert job.preset is not None and job.enhanced is not None and job.enhanced.model == job.preset
    assert image.enhanced is not None and image.enhanced.model == image.preset


def test_a_model_without_text(server: Simulator) -> None:
    """That is said, and the prompt is left alone."""
    with ComfyClient(server.url) as client:
        job = client.submit_video(TEXT, preset="svd_xt", image=png(), enhance=True)
    assert job.enhanced is not None and job.enhanced.enhanced == TEXT and job.enhanced.notes
    assert set(job.enhanced.notes) <= set(job.notes)


@pytest.mark.parametrize("enhance", [5, "", None, ["cinematic"]])
def test_what_enhance_takes(enhance: Any, server: Simulator) -> None:
    """True, False or a style; anything else is said before a server is asked."""
    with pytest.raises(ValidationError, match=r"enhance=.*: expected True, False, or a style"):
        ComfyClient(server.url).submit_video(TEXT, enhance=enhance, **SMALL)
