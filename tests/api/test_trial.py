"""Trying a preset from Python: the same rows by either transport, and what the call refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from comfy_headless import ValidationError
from comfy_headless.api.trial import try_preset, trying
from comfy_headless.catalog.audit import Checked, State
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.client.options import server_of
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.transport.aio import AsyncTransport


def without_times(rows: list[Checked]) -> list[Checked]:
    return [row._replace(seen="" if row.check == "runs" else row.seen) for row in rows]


async def tried_async(url: str, folder: Path) -> list[Checked]:
    server = server_of(url, "auto", Timing(), None)
    transport = AsyncTransport(server)
    try:
        return await transport.drive(trying(server, VIDEO_PRESETS["wan_5b"], ["text"], folder, folder))
    finally:
        await transport.close()


def test_both_transports_see_the_same(tmp_path: Path) -> None:
    """The flow gives the same rows on asyncio; progress is told of every run."""
    told: list[Progress] = []
    with Simulator() as simulator:
        rows = try_preset("wan_5b", server=simulator.url, tasks=["text"], on_progress=told.append).rows
        on_asyncio = asyncio.run(tried_async(simulator.url, tmp_path))
        assert len(simulator.jobs) == 8
    assert without_times(list(rows))[-len(on_asyncio) :] == without_times(on_asyncio)
    assert [each.progress for each in told].count(100) == 4


def test_offline_nothing_is_opened() -> None:
    """Without a server what can be known is checked, and the rest was not tried."""
    trial = try_preset("wan_5b")
    assert trial.ok and trial.path == VIDEO_PRESETS["wan_5b"].path
    assert {row.state for row in trial.rows} == {State.OK, State.NOT_TRIED}


@pytest.mark.parametrize(("named", "tasks"), [("wan5b", ()), ("wan_5b", ("first_last",)), ("none.toml", ())])
def test_what_is_refused(named: str, tasks: tuple[str, ...]) -> None:
    """An unknown preset, file or task is a ValidationError that says what there is."""
    with pytest.raises(ValidationError, match=r"did you mean 'wan_5b'|it has: text, image|no such file"):
        try_preset(named, tasks=tasks)  # type: ignore[arg-type]
