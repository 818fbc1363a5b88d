"""A preset on a server of another age, from the call to the graph that it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_headless import GenerationRejectedError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator import Simulator
from tests.api.test_choice import SMALL, without
from tests.faults.clients import Person
from tests.graph.transforms.test_ages import SAVE_VIDEO

pytestmark = pytest.mark.slow
"""Takes its time, all together."""
KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
OLDER = {**{name: Schemas.snapshot().raw(name) for name in Schemas.snapshot()}, "SaveVideo": SAVE_VIDEO}


@KINDS
def test_a_graph_is_sent_as_the_server_takes_it(kind: str, tmp_path: Path) -> None:
    """SaveVideo without a crf gets none, and the result says so; one that has it gets it, without a word."""
    seen = []
    for object_info in (OLDER, None):
        with Simulator(object_info=object_info) as sim:
            person = Person(kind, sim.url)
            result = person.call("generate_video", "x", preset="wan_5b", **SMALL, quality="high", out=tmp_path)
            graph = person.call("history", result.prompt_id)["prompt"][2]
        (save,) = (node for node in graph.values() if node["class_type"] == "SaveVideo")
        seen.append((save["inputs"].get("codec.encoding.crf"), [note for note in result.notes if "no effect" in note]))
    older, ours = seen
    assert ours == (18, [])
    assert older[0] is None
    assert [note.partition(": ")[2].partition(":")[0] for note in older[1]] == ["codec.encoding.crf=18 has no effect"]


@KINDS
def test_a_preset_that_is_named_says_what_it_needs(kind: str, tmp_path: Path) -> None:
    """It is refused before anything is sent, with the version that has its nodes."""
    with Simulator(object_info=without("Wan22ImageToVideoLatent")) as sim:
        with pytest.raises(GenerationRejectedError) as refused:
            Person(kind, sim.url).call("generate_video", "x", preset="wan_5b", **SMALL, out=tmp_path)
        assert Person(kind, sim.url).call("jobs") == ()
    assert "wan_5b needs the node Wan22ImageToVideoLatent, which ComfyUI has since 0.3.46" in str(refused.value)
