"""Which engine improves prompts: argument, then the environment, then the one that needs no network.

Only what is named is ever asked. A key of the environment goes to the address of the environment alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final, TypeAlias, cast, get_args
from urllib.parse import urlsplit

from comfy_headless.ai.engine import SECONDS, Engine, base_url, read_key, read_seconds
from comfy_headless.ai.ollama import OLLAMA, PORT, OllamaEngine
from comfy_headless.ai.openai import OpenAIEngine
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest, shown
from comfy_headless.protocol.enhanced import EngineName

NAMES: Final[tuple[EngineName, ...]] = get_args(EngineName)

URL: Final = "COMFY_HEADLESS_AI_URL"
MODEL: Final = "COMFY_HEADLESS_AI_MODEL"
KEY: Final = "COMFY_HEADLESS_AI_KEY"
ENGINE: Final = "COMFY_HEADLESS_AI_ENGINE"
TIMEOUT: Final = "COMFY_HEADLESS_AI_TIMEOUT"

_ADDRESS: Final = re.compile(r"(?:[\w.-]+|\[[0-9a-f:.]+\]):\d{2,5}(?:/\S*)?", re.I)
"""``host:port``; the names of models have a colon too, and letters behind it (``qwen3:8b``)."""

EngineLike: TypeAlias = str | OpenAIEngine | OllamaEngine
"""What a caller can give: a name out of ``NAMES``, the address of a language model's server, or an engine."""


def engine_of(given: EngineLike | None = None, environ: Mapping[str, str] | None = None) -> Engine | None:
    """Return the engine that is meant; None for the embedded one.

    Args:
        given: None is what the environment names, else the embedded one.
        environ: None is this process's environment.

    Raises:
        ValidationError: there is no such engine, or its settings cannot be right. No key is shown.
    """
    if isinstance(given, (OpenAIEngine, OllamaEngine)):
        return given
    if given is not None and not isinstance(given, str):
        raise ValidationError(
            f"engine={shown(given)}: expected one of {', '.join(NAMES)}, an address, or an OpenAIEngine or OllamaEngine"
        )
    variables = {name: value.strip() for name, value in (os.environ if environ is None else environ).items()}
    url = variables.get(URL) or None
    if given is not None and ("://" in given or _ADDRESS.fullmatch(given.strip())):
        key = variables.get(KEY) if url is not None and _place(given) == _place(url) else None
        return _made(_kind_at(given), given, key or None, variables)
    name, source = (given, "engine=") if given is not None else (variables.get(ENGINE) or None, f"{ENGINE}=")
    if name is None:
        name = "embedded" if url is None else _kind_at(url)
    name = name.strip().lower()
    if name not in NAMES:
        address = "" if given is None else " Or give an address, such as http://localhost:8080/v1"
        raise ValidationError(f"{source}{shown(name)}; there are: {', '.join(NAMES)}{nearest(name, NAMES)}{address}")
    key = variables.get(KEY) if url is not None else None
    return None if name == "embedded" else _made(cast(EngineName, name), url, key or None, variables)


def _kind_at(url: str) -> EngineName:
    """Return which protocol is spoken at an address: Ollama's own at its port, which gives the VRAM back."""
    try:
        return "ollama" if urlsplit(base_url(url)).port == PORT else "openai"
    except ValueError:
        return "openai"


def _made(kind: EngineName, url: str | None, key: str | None, variables: Mapping[str, str]) -> Engine:
    """Return an engine with what the environment says of its model and time."""
    key = read_key(key, KEY)
    model = variables.get(MODEL) or None
    timeout = _seconds(variables.get(TIMEOUT))
    if kind == "ollama":
        if model is None:
            raise ValidationError(f"Ollama has many models: give {MODEL}, one of `ollama list`")
        return OllamaEngine(url or OLLAMA, model=model, key=key, timeout=timeout)
    if url is None:
        raise ValidationError(f"engine 'openai' has no address: give {URL}, such as http://localhost:8080/v1")
    return OpenAIEngine(url, model=model, key=key, timeout=timeout)


def _seconds(text: str | None) -> float:
    if not text:
        return SECONDS
    try:
        return read_seconds(float(text), TIMEOUT)
    except ValueError:
        raise ValidationError(f"{TIMEOUT}={shown(text)}: expected seconds, such as 60") from None


def _place(url: str) -> str:
    """Return an address in the one way in which it is compared; one host may have several, by their paths."""
    full = base_url(url, "/chat/completions", "/api/chat", "/chat", "/api", "/v1")
    parts = urlsplit(full)
    return parts._replace(netloc=parts.netloc.lower()).geturl()
