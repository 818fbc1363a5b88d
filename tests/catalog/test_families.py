"""Each preset and task is, node by node, what its family needs; and a broken copy is noticed."""

import copy

import pytest

from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from tests.catalog.semantics import IMAGE, NEGATIVE, PROMPT, SEED, expected, faults

CASES = [(name, task) for name, preset in VIDEO_PRESETS.items() for task in preset.tasks]


def compiled(name, task, **settings):
    """The graph of a preset with the words and numbers that the expected tree has."""
    images = {"image": f"in/{IMAGE}"} if task == "image" else {}
    return compile_workflow(name, PROMPT, negative_prompt=NEGATIVE, seed=SEED, **images, **settings)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_preset_is_what_its_family_needs(name, task):
    """Every class, wire, slot and value, from the saved video back to the loaders."""
    assert faults(compiled(name, task), expected(VIDEO_PRESETS[name], task)) == []


@pytest.mark.parametrize(("name", "task"), CASES)
def test_settings_arrive_where_they_belong(name, task):
    """Other values change the inputs of their name and nothing else."""
    changed = {"width": 256, "height": 320, "frames": 17, "fps": 12.0, "cfg": 2.5, "sampler": "heun", "tile_size": 256}
    assert (
        faults(compiled(name, task, allow_untested=True, **changed), expected(VIDEO_PRESETS[name], task, **changed))
        == []
    )


def broken(graph):
    """Every copy of ``graph`` with one thing wrong: a value, a wire, an input, a class, a node left out."""
    for key, node in graph.items():
        for name, value in node["inputs"].items():
            for wrong in _wrong(value, graph):
                copied = copy.deepcopy(graph)
                copied[key]["inputs"][name] = wrong
                yield f"{key}.{name} = {wrong!r}", copied
            copied = copy.deepcopy(graph)
            del copied[key]["inputs"][name]
            yield f"{key} without {name}", copied
        copied = copy.deepcopy(graph)
        copied[key]["class_type"] += "X"
        yield f"another class for {key}", copied
        model = node["inputs"].get("model")
        if model and node["class_type"] == "ModelSamplingSD3":
            copied = {other: copy.deepcopy(each) for other, each in graph.items() if other != key}
            for each in copied.values():
                each["inputs"] |= {name: model for name, value in each["inputs"].items() if value == [key, 0]}
            yield f"{key} left out", copied


def _wrong(value, graph):
    if isinstance(value, list):
        yield [value[0], value[1] + 1]
        yield from ([other, value[1]] for other in graph if other != value[0])
        yield ["nowhere", 0]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield value + 1
        yield str(value)
    else:
        yield f"{value} "


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_broken_copy_is_noticed(name, task):
    """Each mistake in a graph is found, those too that a server lets pass."""
    graph, tree = compiled(name, task), expected(VIDEO_PRESETS[name], task)
    mistakes = dict(broken(graph))
    assert len(mistakes) > 100
    assert [what for what, copied in mistakes.items() if not faults(copied, tree)] == []


def test_exchanged_prompts_are_noticed():
    """Positive and negative the wrong way round, at the sampler or before."""
    for name, task in CASES:
        graph, tree = compiled(name, task), expected(VIDEO_PRESETS[name], task)
        for node in graph.values():
            inputs = node["inputs"]
            if "positive" in inputs:
                inputs["positive"], inputs["negative"] = inputs["negative"], inputs["positive"]
                assert faults(graph, tree)
                inputs["positive"], inputs["negative"] = inputs["negative"], inputs["positive"]


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_server_would_accept_it(name, task):
    """The server's own verdict, offline: no problem at all, and the save node would run."""
    report = check(compiled(name, task), Schemas.snapshot())
    assert report.ok, report.problems
    assert len(report.accepted) == 1
