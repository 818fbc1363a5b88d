"""The pytest fixture ``comfy_server``: a simulator of its own for each test that asks for one.

``@pytest.mark.comfy_server(vram_gb=8, faults=[...])`` gives it the simulator's arguments. This module imports pytest
only, since pytest loads it in every environment where the package is installed, also without the extra ``simulator``.
"""

from __future__ import annotations

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
    with Simulator(**(marker.kwargs if marker else {})) as simulator:
        yield simulator
