"""Plugins of both clients, and outputs that are fetched later, on the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from comfy_headless import (
    AsyncComfyClient,
    ComfyClient,
    Event,
    Finished,
    GenerationFailedError,
    OutputReady,
    Plugin,
    Result,
    ValidationError,
)
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import NodeFails

GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0}},
    "2": {
        "class_type": "SaveImage",
        "inputs": {"images": ["1", 0], "filename_prefix": "own/picture"},
        "_meta": {"title": "$output.cover"},
    },
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}

Run = Callable[..., Any]


def run_sync(url: str, call: Callable[[Any], Any], **options: Any) -> Any:
    with ComfyClient(url, **options) as client:
        return call(client)


def run_async(url: str, call: Callable[[Any], Any], **options: Any) -> Any:
    async def main() -> Any:
        async with AsyncComfyClient(url, **options) as client:
            return await call(client)

    return asyncio.run(main())


@pytest.fixture(params=[run_sync, run_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Make one call with each client."""
    chosen: Run = request.param
    return chosen


class Stamp(Plugin):
    """Names what is saved, keeps what it hears."""

    def __init__(self, *, broken: tuple[str, ...] = ()) -> None:
        self.broken, self.events, self.results = broken, list[Event](), list[Result]()

    def before_submit(self, graph: dict[str, Any]) -> None:
        self._fail("before_submit")
        graph["2"]["inputs"]["filename_prefix"] = "stamped"

    def on_event(self, event: Event) -> None:
        self._fail("on_event")
        self.events.append(event)

    def after_result(self, result: Result) -> None:
        self._fail("after_result")
        self.results.append(result)

    def _fail(self, name: str) -> None:
        if name in self.broken:
            raise RuntimeError(f"{name} is broken")


class AsyncStamp(Stamp):
    """The same with coroutines."""

    async def before_submit(self, graph: dict[str, Any]) -> None:  # type: ignore[override]
        super().before_submit(graph)

    async def on_event(self, event: Event) -> None:  # type: ignore[override]
        super().on_event(event)

    async def after_result(self, result: Result) -> None:  # type: ignore[override]
        super().after_result(result)


@pytest.mark.parametrize("kind", [Stamp, AsyncStamp])
def test_a_plugin_sees_a_job_from_graph_to_result(run: Run, kind: type[Stamp], tmp_path: Path) -> None:
    """It changes what is sent, hears the outputs and the end, and is given the result with its files."""
    stamp = kind()
    with Simulator() as simulator:
        result = run(simulator.url, lambda client: client.run_workflow(GRAPH, out=tmp_path), plugins=[stamp])
    assert stamp.results == [result]
    assert result.path == tmp_path / "stamped_00001_.png"
    assert [event for event in stamp.events if isinstance(event, OutputReady | Finished)] == [
        OutputReady(result.images[0]),
        Finished("done"),
    ]
    assert (result.callback_error, GRAPH["2"]["inputs"]) == (
        None,
        {"images": ["1", 0], "filename_prefix": "own/picture"},
    )


def test_every_door_asks_the_plugins(tmp_path: Path) -> None:
    """A graph that is queued as it is, and a job that is left and taken up, pass them too."""
    stamp = Stamp()
    with Simulator() as simulator, ComfyClient(simulator.url, plugins=[stamp]) as client:
        queued = client.wait_for_completion(client.queue_prompt(GRAPH))
        left = client.submit(GRAPH).result(tmp_path)
    assert [each.images[0].filename for each in (queued, left)] == ["stamped_00001_.png"] * 2  # the second was cached
    assert stamp.results == [queued, left]


def test_a_plugin_that_fails_before_sends_nothing(run: Run) -> None:
    """Its exception comes out as it is, and the server has no job."""
    with Simulator() as simulator:
        for call in (lambda client: client.run_workflow(GRAPH), lambda client: client.queue_prompt(GRAPH)):
            with pytest.raises(RuntimeError, match="before_submit is broken"):
                run(simulator.url, call, plugins=[Stamp(broken=("before_submit",))])
        with ComfyClient(simulator.url) as client:
            assert client.jobs() == ()


def test_a_plugin_that_fails_later_loses_nothing(run: Run, tmp_path: Path) -> None:
    """The job ends well, the result says what became of the plugin, and the next plugin hears all."""
    broken, stamp = Stamp(broken=("on_event", "after_result")), Stamp()
    with Simulator() as simulator:
        result = run(simulator.url, lambda client: client.run_workflow(GRAPH, out=tmp_path), plugins=[broken, stamp])
    assert result.success
    assert result.path is not None
    assert result.callback_error == "Stamp.on_event: RuntimeError: on_event is broken"
    assert result.warnings == ("Stamp.on_event failed and was not called again: RuntimeError: on_event is broken",)
    assert stamp.results == [result]


def test_a_plugin_that_fails_at_the_end(tmp_path: Path) -> None:
    """What goes wrong in ``after_result`` stands in the result that the caller is given."""
    broken = Stamp(broken=("after_result",))
    with Simulator() as simulator, ComfyClient(simulator.url, plugins=[broken]) as client:
        result = client.run_workflow(GRAPH, out=tmp_path)
    assert result.callback_error == "Stamp.after_result: RuntimeError: after_result is broken"
    assert result.files[0].exists()


def test_a_failed_job_is_told(run: Run) -> None:
    """A plugin hears why; ``after_result`` is for jobs that ended well."""
    stamp = Stamp()
    with Simulator(faults=[NodeFails(times=None)]) as simulator:
        with pytest.raises(GenerationFailedError) as caught:
            run(simulator.url, lambda client: client.run_workflow(GRAPH), plugins=[stamp])
        failed = run(simulator.url, lambda client: client.run_workflow(GRAPH, raise_on_error=False), plugins=[stamp])
    assert stamp.events[-1] == Finished("failed", failed.error)
    assert (failed.status, stamp.results) == ("failed", [])
    assert str(caught.value).startswith("node ")


def test_what_is_no_plugin(run: Run) -> None:
    """A client refuses it when it is made."""
    with pytest.raises(ValidationError, match=r"Plugin is a class: give Plugin\(\)"):
        run("http://127.0.0.1:9", lambda client: client, plugins=[Plugin])


def test_outputs_are_fetched_when_they_are_asked_for(run: Run, tmp_path: Path) -> None:
    """After its client is closed too: bytes, a copy, a picture; previews as well; each by connections of its own."""
    with Simulator() as simulator:
        result = run(simulator.url, lambda client: client.run_workflow(GRAPH, out=tmp_path))
        later = run(simulator.url, lambda client: client.wait_for_completion(result.prompt_id))
        (one,), (preview,) = later.images_by_var["cover"], later.previews
        assert (one.path, one.data) == (None, result.images[0].data)
        assert asdict(later)["outputs"][0]["filename"] == deepcopy(later).outputs[0]["filename"] == one.filename
        assert deepcopy(later).outputs[0].data == one.data
        assert asyncio.run(one.fetch()) == one.data
        assert one.image.size == preview.image.size == (64, 48)
        assert one.save(tmp_path / "copies").read_bytes() == one.data
        assert (preview.folder_type, preview.node_id) == ("temp", "3")


def test_the_callers_own_http_client_fetches(tmp_path: Path) -> None:
    """Where a client was given one, outputs go through it too."""
    asked: list[str] = []
    with Simulator() as simulator, httpx.Client(event_hooks={"request": [lambda r: asked.append(r.url.path)]}) as http:
        with ComfyClient(simulator.url, http=http) as client:
            result = client.wait_for_completion(client.queue_prompt(GRAPH))
        asked.clear()
        assert result.images[0].data
        assert asked == ["/view"]


def test_a_callback_of_3x(run: Run, tmp_path: Path) -> None:
    """Two arguments: the share that is done, never falling, to 1.0, and a sentence."""
    told: list[tuple[float, str]] = []
    with Simulator() as simulator:
        run(
            simulator.url,
            lambda client: client.run_workflow(
                GRAPH, out=tmp_path, on_progress=lambda pct, msg: told.append((pct, msg))
            ),
        )
    shares = [pct for pct, _ in told]
    assert (shares, told[-1]) == (sorted(shares), (1.0, "Completed"))
