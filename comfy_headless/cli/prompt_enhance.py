"""``comfy-headless prompt enhance``: a prompt as the model at hand wants it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.ai.engine import read_seconds
from comfy_headless.ai.enhanced import EnhancedPrompt
from comfy_headless.api.prompts import enhance_prompt
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import engine_names, language_names, length_names, prompt_model_names, style_names
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.text_argument import Text, text_of

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        'comfy-headless prompt enhance "a cat" --style detailed',
        'comfy-headless prompt enhance "a fox runs through snow" --model wan_5b --json',
    ]
)
_WORDS: Final = re.compile(r"[0-9]{1,9}")


def enhance(
    prompt: Text,
    style: Annotated[
        str | None, typer.Option(help="Such as cinematic or detailed.", autocompletion=style_names)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A preset or a family that it is written for.", autocompletion=prompt_model_names),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="At the most; or short, medium, long. Without it what the model's makers name.",
            autocompletion=length_names,
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="ISO 639-1, such as en. Only a language model translates.", autocompletion=language_names),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="embedded, openai, ollama, or an address; without it COMFY_HEADLESS_AI_ENGINE or _URL, then embedded.",
            autocompletion=engine_names,
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(**o.NUMBER, help="Seconds that a language model may take in all.")
    ] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Print a prompt as the model at hand wants it; every name, number and quoted text of it stays.

    The prompt goes nowhere, unless a language model is named. Its negative prompt and the reasons stand on stderr.
    """
    asked = {
        "style": style,
        "model": model,
        "length": int(length) if length is not None and _WORDS.fullmatch(length) else length,
        "language": language,
        "engine": engine,
        "timeout": None if timeout is None else read_seconds(timeout, "--timeout"),
    }
    return partial(_enhance, prompt, asked)


def _enhance(prompt: str, asked: dict[str, Any], terminal: Terminal) -> Answer:
    found = enhance_prompt(text_of(prompt, "prompt enhance"), **asked)
    for line in _told(found):
        terminal.note(line)
    for note in found.notes:
        terminal.note(note, label="note: ")
    return Answer(found.to_dict(), found.enhanced)


def _told(found: EnhancedPrompt) -> Iterator[str]:
    if found.negative:
        yield f"negative: {found.negative}"
    yield from (f"why: {reason}" for reason in found.reasoning)
    if found.tokens is not None:
        limit = f" of {found.limit}" if found.limit is not None else ""
        yield f"tokens: at most {found.tokens}{limit}, as {found.model} counts them"
    if found.sent_to is not None:
        yield f"sent to {found.sent_to}"
