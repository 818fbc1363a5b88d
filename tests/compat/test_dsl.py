"""The cases of ComfyKit that are about the class itself."""

from __future__ import annotations

import asyncio

import pytest

from comfy_headless.compat.comfykit import ComfyKit
from comfy_headless.simulator import Simulator
from tests.dsl import cases_of

from .test_comfykit import FLOW

CASES = cases_of(__file__)


@pytest.mark.parametrize("case", ["r30", "r31"])
def test_it_closes_after_a_local_run(case: str) -> None:
    """``async with`` ends without an error, whatever the executor."""

    async def once(url: str) -> str:
        async with ComfyKit(comfyui_url=url, **CASES[case].given.get("kit", {})) as kit:
            return (await kit.execute_json({key: FLOW[key] for key in ("5", "9")}, {"width": 64, "height": 64})).status

    with Simulator() as sim:
        assert asyncio.run(once(sim.url)) == "completed"
