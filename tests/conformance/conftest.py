"""Fixtures: a real ComfyUI and the simulator, and `server`, which is each of them in turn.

Whatever needs the real one is marked `real_server`, and left out unless it is asked for (`pytest -m real_server`).
`COMFY_HEADLESS_TEST_URL` puts any other server in its place. `older_server` is a ComfyUI of another age;
`COMFY_HEADLESS_TEST_OLDER` names the folder of a third one to put in its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .comfyui.install import OLDER
from .comfyui.presets import place_presets
from .comfyui.server import RealServer
from .comfyui.weights import Folders

REAL = {"real_server", "real_server_folders", "older_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for the real server."""
    for item in items:
        if REAL & set(getattr(item, "fixturenames", ())):
            item.add_marker("real_server")


@pytest.fixture(scope="session")
def _own_server() -> Iterator[RealServer | None]:
    if os.environ.get("COMFY_HEADLESS_TEST_URL"):
        yield None
        return
    with RealServer() as server:
        place_presets(server.folders)
        yield server


@pytest.fixture(scope="session")
def real_server(_own_server: RealServer | None) -> str:
    """The address of a real ComfyUI: our own, or the one that `COMFY_HEADLESS_TEST_URL` names."""
    return _own_server.url if _own_server else os.environ["COMFY_HEADLESS_TEST_URL"].rstrip("/")


@pytest.fixture(scope="session")
def real_server_folders(_own_server: RealServer | None) -> Folders | None:
    """The folders of the real server; None if it is not ours."""
    return _own_server.folders if _own_server else None


@pytest.fixture(scope="session")
def older_server() -> Iterator[str]:
    """The address of the oldest ComfyUI that a package carries, with the same stand-ins."""
    with RealServer(version=os.environ.get("COMFY_HEADLESS_TEST_OLDER", OLDER)) as server:
        place_presets(server.folders)
        yield server.url


@pytest.fixture(scope="session")
def simulated_server() -> Iterator[str]:
    """The address of the simulator, without node packs, as the real server is."""
    from comfy_headless.simulator import Simulator

    with Simulator(port=0, packs=(), step_seconds=0.01) as simulator:
        yield simulator.url


@pytest.fixture(scope="session", params=["simulated", pytest.param("real", marks=pytest.mark.real_server)])
def server(request: pytest.FixtureRequest) -> str:
    """The address of the simulator, then of the real server."""
    address: str = request.getfixturevalue(f"{request.param}_server")
    return address
