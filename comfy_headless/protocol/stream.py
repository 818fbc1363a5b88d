"""All that a client hears of its server, as events, and whom they are for.

Types are the server's own names, those of node packs too; ``OWN_TYPES`` are told by this package. A reader has a
mailbox of its own, bounded (``transport.mailbox``): one that falls behind loses pictures and steps first, and holds up
nobody.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.effects import Flow, Listen, Notify
from comfy_headless.protocol.frames import BACK, CLOSED, CONNECTED, EVERYTHING, LOST, OWN, QUEUED, Frame

logger = logging.getLogger("comfy_headless")

MOST: Final = 10_000
"""So many events may wait for a reader; beyond them the oldest are dropped."""

OWN_TYPES: Final = ("connected", "lost", "back", "ended", "dropped")

_CONNECTION: Final = frozenset({CONNECTED, LOST, BACK})
_INNER: Final = frozenset({QUEUED, CLOSED})
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One thing that a server said, or that became of the connection to it.

    Args:
        type: the server's own name (``status``, ``executing``, ``executed``, ...), ``preview`` for a picture, ``text``
            for what a node shows; ``connected``, ``lost``, ``back``, ``ended``, ``dropped`` are ours.
        data: what came with it, as the server sent it.
        prompt_id: the job that it is about, None if it is about none.
        node: id of the node that it is about.
        image: the picture file (JPEG or PNG) of a ``preview``.
        mime: ``image/jpeg`` or ``image/png``, of a ``preview``.
    """

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    prompt_id: str | None = None
    node: str | None = None
    image: bytes = field(default=b"", repr=False)
    mime: str = ""

    def to_dict(self, *, previews: bool = False) -> dict[str, Any]:
        """Return the event as JSON-ready data.

        Args:
            previews: give the picture as a data URL; else it is None.
        """
        shown = self.image if previews else b""
        return {
            "type": self.type,
            "data": dict(self.data),
            "prompt_id": self.prompt_id,
            "node": self.node,
            "image": f"data:{self.mime};base64,{b64encode(shown).decode()}" if shown else None,
            "mime": self.mime or None,
        }


def event_of(frame: Frame) -> ServerEvent:
    """Return a frame as callers see it."""
    node = frame.data.get("node", frame.data.get("node_id"))
    return ServerEvent(
        _name(frame.type),
        frame.data,
        frame.prompt_id,
        str(node) if isinstance(node, str | int) else None,
        frame.image,
        frame.mime,
    )


def _name(kind: str) -> str:
    return kind.removeprefix(OWN)


class Wish(Protocol):
    """Says which frames somebody wants."""

    def __call__(self, frame: Frame) -> bool:
        """Say whether ``frame`` is wanted."""


def wish(types: Iterable[str | None], prompt_id: str | None = None) -> Wish:
    """Return what a reader of these types wants; no type, or None among them, is all.

    Args:
        prompt_id: only what is about this job, and about the connection.

    Raises:
        ValidationError: a type is no name.
    """
    wanted = frozenset(types)
    for one in wanted:
        if one is not None and not (isinstance(one, str) and one):
            raise ValidationError(
                f"event type {one!r}: expected a name such as 'progress', 'executed' or 'status', or None for all"
            )
    named = None if not wanted or None in wanted else wanted

    def wants(frame: Frame) -> bool:
        if frame.type in _INNER:
            return frame.type == CLOSED
        if prompt_id is not None and frame.prompt_id != prompt_id and frame.type not in _CONNECTION:
            return False
        return named is None or _name(frame.type) in named

    return wants


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """A callback and what it is called for.

    Args:
        type: None is all.
        wants: what it is called for.
        once: it is called once.
    """

    type: str | None
    callback: Callable[[ServerEvent], Any]
    wants: Wish
    once: bool = False


def handler(
    type: str | None, callback: Callable[[ServerEvent], Any], *, prompt_id: str | None = None, once: bool = False
) -> Handler:
    """Return a handler; raises ValidationError."""
    if not callable(callback):
        raise ValidationError(f"callback {callback!r}: expected something to call with an event")
    return Handler(type, callback, wish((type,), prompt_id), once)


class Handlers:
    """The handlers of a client, in the order in which they came. Not locked: its owner is."""

    def __init__(self) -> None:
        self.all: tuple[Handler, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all)

    def add(self, one: Handler) -> None:
        """Add one."""
        self.all = (*self.all, one)

    def remove(self, one: Handler) -> bool:
        """Remove one; False if it is not there."""
        before, self.all = self.all, tuple(other for other in self.all if other is not one)
        return len(self.all) < len(before)

    def named(self, type: str | None, callback: Callable[..., Any]) -> tuple[Handler, ...]:
        """Return those that were added for this type and callback."""
        return tuple(one for one in self.all if one.type == type and one.callback == callback)

    def wanted(self, frame: Frame) -> bool:
        """Say whether any handler is called for a frame."""
        return frame.type == CLOSED or any(one.wants(frame) for one in self.all)


def deliver(handlers: Handlers, remove: Callable[[Handler], bool]) -> Flow[None]:
    """Call handlers with what comes, until nothing more does. What fails in one is logged once, and ends nothing.

    Args:
        remove: takes a handler away; False if it is gone already.
    """
    failed: set[Handler] = set()
    while True:
        frame: Frame | None = yield Listen(EVERYTHING, _HOUR)
        if frame is None:
            continue
        if frame.type == CLOSED:
            return
        event = event_of(frame)
        for one in handlers.all:
            if not one.wants(frame) or not (remove(one) if one.once else one in handlers.all):
                continue
            try:
                yield Notify(one.callback, event)
            except Exception:
                if one not in failed:
                    words = "a callback of %r events failed; it is called again at the next one"
                    logger.warning(
                        "a callback for one %r event failed" if one.once else words, event.type, exc_info=True
                    )
                failed = {*failed, one} & {*handlers.all}
