"""How far a job is, from the frames of its socket.

Percent is the share of weighted nodes that are done. A sampler outweighs the rest, since it is where the time goes
(weights are rough on purpose: what matters is that the number never falls and reaches 100 at the end). Nodes that
the server has cached count as done. ``progress_state`` carries the whole map each time, so lost frames cost nothing.
Frames come from custom nodes too: what is not of the known shape is passed over, a job never ends by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.frames import PREVIEW, Frame

_WEIGHTS: Final = (("Sampler", 30.0), ("Decode", 6.0), ("Upscale", 6.0), ("Save", 2.0), ("Encode", 2.0))


class ProgressTracker:
    """Turns frames into ``Progress``; holds what one job has told so far."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        nodes = {node_id: node for node_id, node in graph.items() if isinstance(node, Mapping)}
        self._titles = {node_id: _title(node) for node_id, node in nodes.items()}
        self._weights = {node_id: _weight(node) for node_id, node in nodes.items()}
        self._done: dict[str, float] = {}
        self._steps: dict[str, tuple[int, int]] = {}
        self._node: str | None = None
        self._percent = 0.0
        self._told: float | None = None
        self._now = 0.0
        self._pace_from: tuple[float, float] | None = None
        self._seen: tuple[float, str | None, int | None, int | None] | None = None

    def waits(self, position: int) -> Progress:
        """Return the progress of a job that waits behind ``position`` others."""
        return Progress(self._percent, queue_position=position)

    def starts(self) -> Progress:
        """Return the progress of a job of which is known only that it runs (without a socket no more is)."""
        return Progress(self._percent)

    def ends(self) -> Progress:
        """Return the progress of a finished job."""
        self._percent = 100.0
        return Progress(100.0, self._node, self._titles.get(self._node or ""), eta=0.0)

    def see(self, frame: Frame, now: float) -> Progress | None:
        """Take in a frame; return what to tell, or None if it says nothing new."""
        self._now = now
        preview = None
        match frame.type:
            case "execution_cached":
                nodes = frame.data.get("nodes")
                for node_id in nodes if isinstance(nodes, list) else ():
                    self._finish(node_id)
            case "executing":
                self._move_to(frame.data.get("display_node") or frame.data.get("node"))
            case "executed":
                self._finish(frame.data.get("display_node") or frame.data.get("node"))
            case "progress":
                self._count(frame.data.get("node") or self._node, frame.data)
            case "progress_state":
                self._read_state(frame.data.get("nodes"))
            case _ if frame.type == PREVIEW:
                preview = frame.image
            case _:
                return None
        return self._news(preview)

    def told(self, share: float, now: float, node: str | None, step: int | None, steps: int | None) -> Progress | None:
        """Take in what a server computed itself; return what to tell, or None if it says nothing new.

        Args:
            share: of the whole job, 0 to 1.
            node: at work, None where that is not told; ``step`` of its ``steps`` is done.
        """
        self._now, self._told = now, share
        if self._pace_from is None and share > 0:
            self._pace_from = (now, share)
        self._move_to(node)
        if node is not None and step is not None and steps:
            self._steps[node] = (step, steps)
        return self._news(None)

    def _news(self, preview: bytes | None) -> Progress | None:
        self._percent = max(self._percent, min(99.0, round(100 * self._share(), 1)))
        title = self._titles.get(self._node or "")
        seen = (self._percent, self._node, *self._steps.get(self._node or "", (None, None)))
        if preview is None and seen == self._seen:
            return None
        self._seen = seen
        return Progress(self._percent, self._node, title, seen[2], seen[3], self._eta(), preview)

    def _finish(self, node_id: Any) -> None:
        if isinstance(node_id, str):
            self._done[node_id] = 1.0

    def _move_to(self, node_id: Any) -> None:
        if isinstance(node_id, str):
            if self._node not in (None, node_id):
                self._done[self._node or ""] = 1.0
            self._node = node_id

    def _count(self, node_id: Any, data: Mapping[str, Any]) -> None:
        value, most = data.get("value"), data.get("max")
        if isinstance(node_id, str) and _is_number(value) and _is_number(most) and most > 0:
            if self._done.get(node_id, 0.0) < 1.0:  # a last frame of a node may come when the next ones are done
                self._node = node_id
            self._done[node_id] = max(self._done.get(node_id, 0.0), min(1.0, value / most))
            if most > 1:
                self._steps[node_id] = (int(value), int(most))
                if self._pace_from is None and value >= 1:
                    self._pace_from = (self._now, self._share())

    def _read_state(self, nodes: Any) -> None:
        for node_id, state in (nodes if isinstance(nodes, dict) else {}).items():
            if not isinstance(state, dict):
                continue
            shown = state.get("display_node_id") or node_id
            if state.get("state") == "finished":
                self._finish(shown)
            elif state.get("state") == "running":
                self._count(shown, state)

    def _share(self) -> float:
        if self._told is not None:
            return self._told
        whole = sum(self._weights.values())
        done = sum(self._weights.get(node_id, 0.0) * share for node_id, share in self._done.items())
        return done / whole if whole else 0.0

    def _eta(self) -> float | None:
        """Estimate from the pace since the first step that was counted: what came before says nothing of it."""
        if self._pace_from is None:
            return None
        since, share = self._pace_from
        made = self._share() - share
        if made < 0.005:
            return None
        return round((self._now - since) / made * max(0.0, 1.0 - self._share()), 1)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and abs(value) < 1e15


def _title(node: Mapping[str, Any]) -> str:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    shown = [part.strip() for part in title.split(",")] if isinstance(title, str) else []
    return next((part for part in shown if part and not part.startswith("$")), str(node.get("class_type")))


def _weight(node: Mapping[str, Any]) -> float:
    name = str(node.get("class_type"))
    if name.endswith("Select"):
        return 1.0
    return next((weight for word, weight in _WEIGHTS if word in name), 1.0)
