"""What is known of a job besides its files.

A label travels with the job (``extra_data`` of ``POST /prompt``; the server keeps it in its queue and history), so that
whoever takes the job up, from another process too, learns its preset, seed and settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.protocol.enhanced import EnhancedPrompt, enhanced_in

_KEY: Final = "comfy_headless"
_SECRET: Final = frozenset({"api_key_comfy_org", "auth_token_comfy_org"})
_MOST: Final = 2**64


class Label(NamedTuple):
    """What a result should carry besides the files, and what they are measured against.

    Args:
        sound: whether the video should have sound, None if that is not known.
        outputs: names of outputs (``cover`` for ``$output.cover``), each with the ids of the nodes that carry it.
        enhanced: how the prompt was improved before; None: it was not.
    """

    preset: str | None = None
    seed: int | None = None
    settings: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()
    sound: bool | None = None
    outputs: Mapping[str, tuple[str, ...]] = {}
    enhanced: EnhancedPrompt | None = None

    def names(self, node_id: str) -> tuple[str, ...]:
        """Return what the outputs of a node are called."""
        return tuple(name for name, nodes in self.outputs.items() if node_id in nodes)

    @property
    def asked(self) -> dict[str, Any]:
        """What a look at the video compares with: of a workflow of one's own only the sound is known.

        What upscales or interpolates changes what is decoded: n frames become (n - 1) * times + 1.
        """
        sizes = ("width", "height", "frames", "fps") if self.preset is not None else ()
        known = {name: self.settings[name] for name in sizes if _is_measure(self.settings.get(name))}
        factor, times = (self._times(name) for name in ("upscale", "interpolate"))
        for name in known.keys() & {"width", "height"}:
            known[name] = round(known[name] * factor / 2) * 2 if factor != 1 else known[name]
        if times != 1:
            known |= {"frames": (known["frames"] - 1) * times + 1} if "frames" in known else {}
            known |= {"fps": known["fps"] * times} if "fps" in known else {}
        return {**known, "sound": self.sound}

    def _times(self, name: str) -> Any:
        value = self.settings.get(name)
        return value if _is_measure(value) else 1

    @property
    def stem(self) -> str | None:
        """The file name without extension that says what made the video, None for a plain workflow."""
        return "_".join(str(part) for part in (self.preset, self.seed) if part is not None) if self.preset else None

    def extra_data(self) -> dict[str, Any]:
        """Return what the server is to keep with the job; the address of a language model is none of its business."""
        plain = {
            name: value if isinstance(value, str | int | float | bool | None) else json.dumps(value, default=str)
            for name, value in self.settings.items()
        }
        enhanced = None if self.enhanced is None else {**self.enhanced.to_dict(), "sent_to": None}
        return {_KEY: {**self._asdict(), "settings": plain, "enhanced": enhanced}}


class Ticket(NamedTuple):
    """A job that a server has; ``graph`` is the API-format workflow as it was queued."""

    prompt_id: str
    graph: Mapping[str, Any]
    label: Label = Label()


def graph_in(item: Any) -> Mapping[str, Any]:
    """Return the graph of an item of a server's queue or history; empty if there is none."""
    return item[2] if isinstance(item, list) and len(item) > 2 and isinstance(item[2], dict) else {}


def extra_in(item: Any) -> Mapping[str, Any]:
    """Return what the server keeps with a job; empty if there is nothing."""
    return without_keys(item[3]) if _has_extra(item) else {}


def without_keys(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a server keeps with a job without the keys of Comfy.org.

    The server takes them out since 0.8.0 or a little before; 0.3.64 does so in its history only, 0.3.39 nowhere.
    """
    return {name: value for name, value in extra.items() if name not in _SECRET}


def item_without_keys(item: Any) -> Any:
    """Return an item of a server's queue or history without the keys of Comfy.org."""
    return [*item[:3], without_keys(item[3]), *item[4:]] if _has_extra(item) else item


def entry_without_keys(entry: Any) -> Any:
    """Return an entry of a server's history without the keys of Comfy.org."""
    if isinstance(entry, dict) and "prompt" in entry:
        return {**entry, "prompt": item_without_keys(entry["prompt"])}
    return entry


def _has_extra(item: Any) -> bool:
    return isinstance(item, list) and len(item) > 3 and isinstance(item[3], dict)


def label_in(item: Any) -> Label:
    """Return the label that a job carries; what is not of our making is passed over."""
    told = extra_in(item).get(_KEY)
    if not isinstance(told, dict):
        return Label()
    preset, seed = told.get("preset"), told.get("seed")
    settings, notes, sound = told.get("settings"), told.get("notes"), told.get("sound")
    return Label(
        preset if isinstance(preset, str) else None,
        seed if isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < _MOST else None,
        {name: value for name, value in settings.items() if _is_plain(value)} if isinstance(settings, dict) else {},
        tuple(str(one) for one in notes) if isinstance(notes, list) else (),
        sound if isinstance(sound, bool) else None,
        _outputs(told.get("outputs")),
        enhanced_in(told.get("enhanced")),
    )


def _outputs(told: Any) -> dict[str, tuple[str, ...]]:
    found = {name: nodes for name, nodes in told.items() if isinstance(nodes, list)} if isinstance(told, dict) else {}
    return {name: tuple(node for node in nodes if isinstance(node, str)) for name, nodes in found.items()}


def _is_plain(value: Any) -> bool:
    """Say whether a value can be one of ours: a text, a finite number of sane size, true, false or null."""
    return abs(value) < _MOST if isinstance(value, int | float) else value is None or isinstance(value, str)


def _is_measure(value: Any) -> bool:
    """Say whether a value can be a size, a count or a rate."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9
