"""What engines share: a language model at an address, what is asked there, and why it did not help.

An engine asks nobody itself: it says what to send, and reads what came. What lets one in goes to its address alone, and
is shown nowhere.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from comfy_headless.config import server_url, shown_url
from comfy_headless.errors import ValidationError, without_secrets
from comfy_headless.graph.values import shown
from comfy_headless.protocol.access import header_problem
from comfy_headless.protocol.effects import Reply, json_body
from comfy_headless.protocol.enhanced import EngineName

SECONDS: Final = 120.0
"""How long an engine may take in all, where nobody says: a model of 20 GB is read from a disk before its first word."""

_LONGEST: Final = 3600.0
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_WORDS: Final = 200


class Message(NamedTuple):
    """One message of a conversation with a language model.

    Args:
        role: "system", "user" or "assistant".
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be sent to an engine's address.

    Args:
        route: the whole address.
    """

    route: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Question({self.route!r}, {len(self.body)} bytes)"


class Said(NamedTuple):
    """What a language model said.

    Args:
        cut: it was not done when it had to end.
        refusal: why it does not want to; None: it did not say so.
        thought: it thought aloud beside.
    """

    text: str
    cut: bool = False
    refusal: str | None = None
    thought: bool = False


class EngineFailed(Exception):
    """Why an engine gave nothing, in a sentence without secrets.

    Args:
        sent: the text may have gone there.
    """

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.why, self.sent = why, sent


class Engine(Protocol):
    """A language model that can be asked."""

    @property
    def name(self) -> EngineName:
        """Which protocol it speaks."""

    @property
    def url(self) -> str:
        """Its base address."""

    @property
    def key(self) -> str | None:
        """What lets one in there."""

    @property
    def timeout(self) -> float:
        """Seconds that it may take in all."""

    def question(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, *, thinking: bool | None = None
    ) -> Question:
        """Return what to send.

        Args:
            schema: what the answer has to be, as a JSON schema; None leaves it to the messages.
            thinking: False asks a model that thinks not to; None leaves it as it is.
        """

    def read(self, reply: Reply) -> Said:
        """Read an answer of status 200; raises EngineFailed where it is none."""


def post_json(url: str, path: str, key: str | None, value: Mapping[str, Any]) -> Question:
    """Return a question whose body is JSON."""
    headers = (("Authorization", f"Bearer {key}"),) if key else ()
    return Question(f"{url}{path}", json_body(value), (("Content-Type", "application/json"), *headers))


def base_url(url: str, *ends: str) -> str:
    """Return the base address of an engine, without what may stand at its end.

    Raises:
        ValidationError: it is no address, or carries a login.
    """
    if not isinstance(url, str) or not url.strip():
        raise ValidationError(f"url={shown(url)}: expected the address of a language model's server")
    try:
        full = server_url(url)
    except ValidationError:
        example = "http://localhost:8080/v1"
        raise ValidationError(f"url={shown_url(url)!r} is not an address; expected something like {example}") from None
    if "@" in full.partition("//")[2].partition("/")[0]:
        raise ValidationError(f"url={shown_url(url)!r}: a login in the address is not sent there; give key=")
    for end in ends:
        full = full.removesuffix(end)
    return full


def read_key(key: str | None, source: str = "key=") -> str | None:
    """Return a key that can be sent; raises ValidationError, which shows nothing of it."""
    if key is None:
        return None
    if not isinstance(key, str) or not key:
        raise ValidationError(f"{source}: expected a key, got {'nothing' if key == '' else type(key).__name__}")
    problem = header_problem("Authorization", key)
    if problem is not None:
        raise ValidationError(f"{source}: {problem}")
    return key


def read_seconds(value: float, name: str = "timeout") -> float:
    """Return how long an engine may take; raises ValidationError."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not (number and 0 < value <= _LONGEST):
        raise ValidationError(f"{name}={shown(value)}: expected seconds, above 0 and at most {_LONGEST:g}")
    return float(value)


def read_model(model: str | None) -> str | None:
    """Return the name of a language model; raises ValidationError."""
    if model is None or (isinstance(model, str) and model.strip()):
        return model
    raise ValidationError(f"model={shown(model)}: expected the name of a language model")


def json_of(reply: Reply, key: str | None) -> Any:
    """Return an answer's JSON; raises EngineFailed where it is none."""
    try:
        return reply.json()
    except ValueError:
        kind = reply.headers.get("content-type", "no type").partition(";")[0]
        raise EngineFailed(f"answered without JSON ({harmless(kind, key)})") from None


def lines_of(text: str) -> list[Any]:
    """Return what each line of a stream holds as JSON; raises EngineFailed for a line that is none."""
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise EngineFailed("answered with a stream that breaks off or is no JSON") from None


def text_of(value: Any) -> str:
    """Return a message's content as text: it is text, null, or a list of parts that have one."""
    if isinstance(value, list):
        return "".join(text_of(part.get("text")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def complaint_in(value: Any) -> str | None:
    """Return what an answer complains of, in whichever way servers say it; None if it does not."""
    if not isinstance(value, dict):
        return None
    told = next((value[name] for name in ("error", "detail") if value.get(name)), None)
    if told is None and value.get("object") == "error":
        told = value.get("message")
    if isinstance(told, dict):
        told = told.get("message") or told.get("code") or told.get("type")
    return None if told is None else str(told)


def in_words(reply: Reply, key: str | None) -> str:
    """Say in a line what an answer was that is none of status 200. Nothing of the key is in it."""
    if 300 <= reply.status < 400:
        return f"answered {reply.status} and leads elsewhere, where nothing is sent"
    if reply.status in (401, 403, 407):  # OpenAI repeats a part of the key
        return f"answered {reply.status}: it wants {'another' if key else 'a'} key (COMFY_HEADLESS_AI_KEY, or key=)"
    try:
        told = complaint_in(reply.json())
    except ValueError:
        told = None
    return f"answered {reply.status}: {harmless(told, key) if told else first_line(reply, key)}"


def first_line(reply: Reply, key: str | None) -> str:
    """Return how an answer begins. What lets one in is taken out before anything is cut: no half of it is left."""
    lines = _masked(reply.text, key).strip().splitlines()
    return harmless(lines[0] if lines else "(empty body)", key)


def harmless(text: str, key: str | None, most: int = _WORDS) -> str:
    """Return words of a server in one line, cut to a length, without what lets one in."""
    line = _CONTROL.sub(" ", _masked(text, key)).strip()
    return without_secrets(line if len(line) <= most else f"{line[:most]} ...")


def _masked(text: str, key: str | None) -> str:
    """Return a text without a key, as it is and as JSON writes it."""
    for written in (key, json.dumps(key)[1:-1]) if key else ():
        text = text.replace(written, "***")
    return text
