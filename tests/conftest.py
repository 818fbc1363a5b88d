"""What holds for every test: hypothesis times nothing, since machines are shared and noisy; no worker stands idle.

What was collected stays to the end, so that no search for garbage goes through it.
What is learned and remembered while tests run goes to a folder of the run's own, not to the user's.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_OURS = "COMFY_HEADLESS_TEST_CACHE" not in os.environ  # a worker of xdist has its folder from the one that started it
if _OURS:
    os.environ["COMFY_HEADLESS_TEST_CACHE"] = os.environ.get("COMFY_HEADLESS_CACHE", "")
    os.environ["COMFY_HEADLESS_CACHE"] = tempfile.mkdtemp(prefix="comfy-headless-tests-")


def pytest_collection_finish() -> None:
    """Keep the tests themselves out of every later search for garbage."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Remove what the run has remembered."""
    if _OURS:
        shutil.rmtree(os.environ["COMFY_HEADLESS_CACHE"], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a worker that has nothing left take tests from another: some of ours wait for seconds."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None
