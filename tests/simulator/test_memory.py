"""Memory that runs out on the simulated card, and what the server adds to such errors."""

from __future__ import annotations

import pytest

from comfy_headless import compile_workflow
from comfy_headless.graph.schemas import MODEL_INPUTS
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import NodeFails, OutOfMemory
from comfy_headless.simulator.words import step_count
from tests.simulator.talk import SAMPLER_FILES, image_graph, sampler_graph, talking

MEMORY_TIPS = (
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have "
    "accidentally set the batch_size to a large number."
)


@pytest.mark.parametrize("preset", ["wan_5b", "ltx_quick", "hunyuan15_720p"])
def test_memory_can_run_out_at_each_loader_sampler_and_decoder(preset: str) -> None:
    """The node is named, in the words of a real server, and the same job is run again when memory was freed."""
    graph = compile_workflow(preset, "a kite", seed=1)
    loaders = [each for each, node in graph.items() if any(key[0] == node["class_type"] for key in MODEL_INPUTS)]
    samplers = [each for each in graph if step_count(graph, each) is not None]
    decoders = [each for each, node in graph.items() if node["class_type"].startswith("VAEDecode")]
    assert len(loaders) >= 2 and samplers and decoders
    with Simulator() as sim, talking(sim.url) as talk:
        for place in (*loaders, *samplers, *decoders):
            sim.add(OutOfMemory(node=place))
            error = talk.run(graph)["status"]["messages"][-1][1]
            assert (error["node_id"], error["node_type"]) == (place, graph[place]["class_type"])
            assert error["exception_type"] == "torch.OutOfMemoryError"
            assert error["exception_message"] == f"Allocation on device \n{MEMORY_TIPS}"
            talk.http.post("/free", json={"unload_models": True, "free_memory": True})


def test_memory_can_run_out_at_every_sampler() -> None:
    """With a step and no node it is whatever samples, in every job."""
    with Simulator(files=SAMPLER_FILES, faults=[OutOfMemory(step=1, times=None)]) as sim, talking(sim.url) as talk:
        for seed in (1, 2):
            error = talk.run(sampler_graph(seed=seed))["status"]["messages"][-1][1]
            assert (error["node_type"], error["exception_type"]) == ("KSampler", "torch.OutOfMemoryError")
        assert talk.run(image_graph())["status"]["status_str"] == "success"


def test_a_sampler_of_wrong_shapes_gets_its_tip() -> None:
    """The server adds it at a sampler, and nowhere else."""
    faults = [NodeFails(node="KSampler"), NodeFails(node="VAEDecode")]
    with Simulator(files=SAMPLER_FILES, faults=faults) as sim, talking(sim.url) as talk:
        told = [talk.run(sampler_graph())["status"]["messages"][-1][1]["exception_message"] for _ in range(2)]
    assert told[0].startswith(NodeFails().message + '\n\n\nTIPS: If you have any "Load CLIP"')
    assert told[1] == NodeFails().message + "\n"
