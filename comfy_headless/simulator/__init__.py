"""A ComfyUI that runs no model: the same protocol, the same verdict on a graph, a marked placeholder as result.

``with Simulator() as sim: sim.url``. The names are imported on first use, since pytest imports this package (for its
plugin) also where aiohttp is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_headless import features

if TYPE_CHECKING:
    from comfy_headless.simulator.server import Simulator, serve

__all__ = ["Simulator", "serve"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    features.require("simulator", "the simulator")
    from comfy_headless.simulator import server

    value = globals()[name] = getattr(server, name)
    return value
