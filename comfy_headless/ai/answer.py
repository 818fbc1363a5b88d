"""What a language model answers, held to its form: one JSON object of four keys, found where models put it.

Models that think write their thoughts before it, others put it into a fenced block or say a word before it. All of that
is taken off; the object itself is read strictly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"enhanced": _TEXT, "negative": _TEXT, "additions": _TEXTS, "reasoning": _TEXTS},
    "required": ["enhanced", "negative", "additions", "reasoning"],
    "additionalProperties": False,
}
"""The form of an answer, in the part of JSON Schema that every server takes (OpenAI's strict mode has no lengths)."""

_BEGINS: Final = re.compile(r"<(?:think|thinking|thought|reasoning)>", re.I)
_ENDS: Final = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.I)
_MOST: Final = 20_000
_READ: Final = 64
"""Places where an object may begin that are tried."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Signs that steer a terminal or turn a line round, and halves of signs, which no server can be sent."""
_LISTED: Final = re.compile(r"(?:^|\n)\s*(?:#{1,6}|[-*•])\s|\n\s*\d+[.)]\s")
"""How a heading or a line of a list begins."""
_BREAK: Final = re.compile(r"\s*[\r\n]\s*")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("it has control signs")
    return text


def _paragraph(text: str) -> str:
    if _LISTED.search(text):
        raise ValueError("it has a heading or a list, and must be one paragraph")
    return _BREAK.sub(" ", text.strip())


_Line: TypeAlias = Annotated[str, Field(max_length=_MOST), AfterValidator(_plain)]


class Answer(BaseModel):
    """A prompt as a language model would have it; the prompt itself is what must be there.

    Args:
        enhanced: the prompt, in one line.
        negative: what must not be seen.
        additions: what it says that the original did not.
        reasoning: why, a sentence each.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    enhanced: Annotated[_Line, Field(min_length=1), AfterValidator(_paragraph)]
    negative: _Line = ""
    additions: Annotated[list[_Line], Field(max_length=100)] = []
    reasoning: Annotated[list[_Line], Field(max_length=100)] = []


class Unreadable(Exception):
    """What is wrong with an answer, a line each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_answer(text: str) -> Answer:
    """Return the answer that a text holds; raises Unreadable.

    >>> read_answer('<think>Hm {}.</think> {"enhanced": "A cat.", "negative": "", "additions": [], "reasoning": []}')
    Answer(enhanced='A cat.', negative='', additions=[], reasoning=[])
    """
    problems: tuple[str, ...] = ()
    for found in _objects(_without_thoughts(text)):
        try:
            return Answer.model_validate(found)
        except ValidationError as error:
            problems = problems or tuple(_complaints(error))
    raise Unreadable(*(problems or ("it is not one JSON object",)))


def _without_thoughts(text: str) -> str:
    """Return what stands behind the last thought; templates often open it before the answer begins."""
    after = max((found.end() for found in _ENDS.finditer(text)), default=0)
    opened = _BEGINS.search(text, after)
    return text[after : opened.start() if opened else None]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a text, from the first brace on."""
    decoder = json.JSONDecoder()
    place = text.find("{")
    for _ in range(_READ):
        if place < 0:
            return
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield found
        place = text.find("{", end)


def _complaints(error: ValidationError) -> Iterator[str]:
    """Yield what is wrong, without what stood there."""
    for each in error.errors(include_url=False, include_input=False)[:5]:
        where, said = ".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, ")
        yield f"{where!r} is missing" if each["type"] == "missing" else f"{where or 'the object'}: {said}"
