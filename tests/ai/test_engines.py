"""Which engine is meant: argument, environment, embedded; and what is shown of one."""

from __future__ import annotations

import pickle

import pytest

from comfy_headless.ai.engines import engine_of
from comfy_headless.ai.ollama import OllamaEngine
from comfy_headless.ai.openai import OpenAIEngine
from comfy_headless.errors import ValidationError

KEY = "sk-hunter2"
HERE = "http://localhost:8080/v1"
OLLAMA = "http://localhost:11434"


@pytest.mark.parametrize(
    ("given", "environ", "engine"),
    [
        (None, {}, None),
        (None, {"COMFY_HEADLESS_AI_KEY": KEY, "COMFY_HEADLESS_AI_MODEL": "m"}, None),
        (None, {"COMFY_HEADLESS_AI_ENGINE": "embedded", "COMFY_HEADLESS_AI_URL": HERE}, None),
        ("embedded", {"COMFY_HEADLESS_AI_URL": HERE}, None),
        (None, {"COMFY_HEADLESS_AI_URL": HERE}, OpenAIEngine(HERE)),
        (None, {"COMFY_HEADLESS_AI_URL": f" {HERE}\n"}, OpenAIEngine(HERE)),
        (None, {"COMFY_HEADLESS_AI_URL": "localhost:8080"}, OpenAIEngine(HERE)),
        (
            None,
            {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_KEY": KEY, "COMFY_HEADLESS_AI_TIMEOUT": "7"},
            OpenAIEngine(HERE, key=KEY, timeout=7),
        ),
        (None, {"COMFY_HEADLESS_AI_URL": OLLAMA, "COMFY_HEADLESS_AI_MODEL": "q"}, OllamaEngine(model="q")),
        (None, {"COMFY_HEADLESS_AI_URL": f"{OLLAMA}/v1/", "COMFY_HEADLESS_AI_MODEL": "q"}, OllamaEngine(model="q")),
        (None, {"COMFY_HEADLESS_AI_ENGINE": "ollama", "COMFY_HEADLESS_AI_MODEL": "q"}, OllamaEngine(model="q")),
        (
            None,
            {"COMFY_HEADLESS_AI_ENGINE": "openai", "COMFY_HEADLESS_AI_URL": f"{OLLAMA}/v1"},
            OpenAIEngine(f"{OLLAMA}/v1"),
        ),
        ("OpenAI", {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_ENGINE": "ollama"}, OpenAIEngine(HERE)),
        (HERE, {}, OpenAIEngine(HERE)),
        ("localhost:8080", {}, OpenAIEngine(HERE)),
        (" 10.0.0.1:8080/v1", {"COMFY_HEADLESS_AI_KEY": KEY}, OpenAIEngine("http://10.0.0.1:8080/v1")),
        ("localhost:11434", {"COMFY_HEADLESS_AI_MODEL": "q"}, OllamaEngine(model="q")),
        ("[::1]:8080", {}, OpenAIEngine("http://[::1]:8080/v1")),
        (HERE, {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_KEY": KEY}, OpenAIEngine(HERE, key=KEY)),
        (
            "http://other:8080",
            {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_KEY": KEY},
            OpenAIEngine("http://other:8080/v1"),
        ),
        (
            f"{HERE}/mine",
            {"COMFY_HEADLESS_AI_URL": f"{HERE}/yours", "COMFY_HEADLESS_AI_KEY": KEY},
            OpenAIEngine(f"{HERE}/mine"),
        ),
        ("ollama", {"COMFY_HEADLESS_AI_KEY": KEY, "COMFY_HEADLESS_AI_MODEL": "q"}, OllamaEngine(model="q")),
        (OpenAIEngine("http://other"), {"COMFY_HEADLESS_AI_KEY": KEY}, OpenAIEngine("http://other/v1")),
    ],
)
def test_which_engine_is_meant(given: object, environ: dict[str, str], engine: object) -> None:
    """The argument counts before the environment; without either nothing is asked; a key goes where it belongs."""
    assert engine_of(given, environ) == engine  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "environ", "words"),
    [
        ("gpt", {}, r"engine='gpt'; there are: embedded, openai, ollama"),
        ("", {}, r"engine=''; .*Or give an address, such as http://localhost:8080/v1"),
        ("qwen3:8b", {}, r"engine='qwen3:8b'; there are: embedded, openai, ollama"),
        (None, {"COMFY_HEADLESS_AI_ENGINE": "olama"}, r"COMFY_HEADLESS_AI_ENGINE='olama'.*did you mean 'ollama'"),
        (7, {}, "engine=7: expected one of embedded, openai, ollama, an address, or"),
        ("openai", {}, "engine 'openai' has no address: give COMFY_HEADLESS_AI_URL"),
        ("ollama", {}, "give COMFY_HEADLESS_AI_MODEL, one of `ollama list`"),
        (None, {"COMFY_HEADLESS_AI_URL": "ftp://x"}, "'ftp://x' is not an address"),
        (None, {"COMFY_HEADLESS_AI_URL": f"http://me:{KEY}@x"}, r"url='http://\*\*\*@x': a login in the address"),
        (None, {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_TIMEOUT": "soon"}, "AI_TIMEOUT='soon': expected sec"),
        (None, {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_TIMEOUT": "0"}, "AI_TIMEOUT=0.0: expected seconds"),
        (None, {"COMFY_HEADLESS_AI_URL": HERE, "COMFY_HEADLESS_AI_KEY": f"{KEY}\nX: y"}, "COMFY_HEADLESS_AI_KEY: its"),
    ],
)
def test_what_cannot_be_right(given: object, environ: dict[str, str], words: str) -> None:
    """A wrong name, address, key or time is an error that names it and shows no key."""
    with pytest.raises(ValidationError, match=words) as caught:
        engine_of(given, environ)  # type: ignore[arg-type]
    assert KEY not in str(caught.value)


def test_ollama_has_many_models() -> None:
    """One must be named."""
    with pytest.raises(ValidationError, match="model=None: Ollama has many"):
        OllamaEngine("http://x")


def test_what_is_shown_of_an_engine() -> None:
    """Its repr holds no key; it can be compared, and goes to another process."""
    for engine in (OpenAIEngine(HERE, model="m", key=KEY), OllamaEngine(model="m", key=KEY)):
        assert KEY not in repr(engine) and "model='m'" in repr(engine)
        assert KEY not in repr(engine.question([], None))
        assert pickle.loads(pickle.dumps(engine)) == engine


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": ""}, "url='': expected the address"),
        ({"url": "http://a b"}, "is not an address"),
        ({"url": HERE, "key": ""}, "key=: expected a key, got nothing"),
        ({"url": HERE, "key": 5}, "key=: expected a key, got int"),
        ({"url": HERE, "model": " "}, "model=' ': expected the name"),
        ({"url": HERE, "timeout": float("nan")}, "timeout=nan: expected seconds"),
    ],
)
def test_arguments_of_an_engine(arguments: dict[str, object], words: str) -> None:
    """What cannot be right is said when the engine is made."""
    with pytest.raises(ValidationError, match=words):
        OpenAIEngine(**arguments)  # type: ignore[arg-type]
