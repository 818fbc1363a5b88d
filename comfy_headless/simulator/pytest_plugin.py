"""The pytest fixture ``comfy_server``: a simulator of its own for each test that asks for one.

``@pytest.mark.comfy_server(vram_gb=8, faults=[...])`` gives it the simulator's arguments. This module imports pytest
only, since pytest loads it in every environment where the package is installed, also without the extra ``simulator``.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from comfy_headless.errors import FeatureMissingError

if TYPE_CHECKING:
    from comfy_headless.simulator import Simulator


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "comfy_server(**settings): arguments of the simulator behind `comfy_server`")


@pytest.fixture
def comfy_server(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A running simulator; ``comfy_server.url`` is its address."""
    missing = ""
    try:
        from comfy_headless.simulator import Simulator
    except FeatureMissingError as error:
        missing = str(error)
    if missing:
        pytest.fail(f"the fixture comfy_server cannot be used: {missing}", pytrace=False)
    marker = request.node.get_closest_marker("comfy_server")
    if marker is not None and (wrong := _wrong(marker, tuple(inspect.signature(Simulator).parameters))):
        pytest.fail(f"the marker comfy_server: {wrong}", pytrace=False)
    with Simulator(**(marker.kwargs if marker else {})) as simulator:
        yield simulator


def _wrong(marker: pytest.Mark, known: tuple[str, ...]) -> str:
    """Return what is wrong with the marker's arguments; "" for nothing."""
    names = f"known are {', '.join(known)}"
    if marker.args:
        return f"{marker.args[0]!r} is given without a name, such as vram_gb={marker.args[0]!r}; {names}"
    for name in marker.kwargs:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            return f"no argument {name!r}; {f'did you mean {near[0]!r}? ' if near else ''}{names}"
    return ""
