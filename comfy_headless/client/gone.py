"""Names of comfy-headless 3.x that are gone, each with what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

_OWN: Final = "save one that does it in ComfyUI and call run_workflow(file, params)"

GONE: Final[Mapping[str, str]] = {
    "generate_3d": f"there are no presets for 3D: {_OWN}; result.meshes holds what it makes",
    "generate_audio": f"there are no presets for sound alone: {_OWN}; result.audios holds what it makes",
    "run_inference": f"there are no presets for captions, tags or masks: {_OWN}; result.texts and result.images hold "
    "what it makes",
    "launch": "the web page of 3.x is no part of it any more: use ComfyUI's own page, or comfy-headless at the "
    "command line",
}
"""Why, and what to use."""

_FETCHED: Final = ("get_image", "get_video", "get_file")


def gone(name: str) -> str:
    """Return the sentence for a name that is gone."""
    return f"comfy-headless 4 has no {name}: {GONE[name]} (docs/coming-from.md)"


class Gone:
    """Lets a client say what takes the place of a method that it had in 3.x."""

    if not TYPE_CHECKING:  # a type checker would take any misspelt name for one that this knows

        def __getattr__(self, name: str) -> Any:
            words = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in GONE:
                words = gone(name)
            elif name in _FETCHED:
                words += ": result.outputs have .path and .data, client.view(filename, subfolder) has any file there"
            raise AttributeError(words, name=name, obj=self)
