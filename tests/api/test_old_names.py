"""What users of comfy-headless 3.x write: names that still work, and names that are gone."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import comfy_headless
from comfy_headless import AsyncComfyClient, ComfyClient, ValidationError, WorkflowCompiler, check, compile_workflow
from comfy_headless.simulator import Simulator
from tests.cli.program import draw


def test_init_image_is_image() -> None:
    """``init_image=`` of 3.x goes wherever ``image=`` does; both at once are an error."""
    asked = {"prompt": "a cat", "seed": 7}
    today = compile_workflow("wan_5b", image="first.png", **asked)  # type: ignore[arg-type]
    assert compile_workflow("wan_5b", init_image="first.png", **asked) == today  # type: ignore[arg-type]
    assert compile_workflow("wan_5b", init_image=None, **asked) == compile_workflow("wan_5b", **asked)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"init_image='a\.png' and image='b\.png': the same by two names"):
        compile_workflow("wan_5b", "a cat", init_image="a.png", image="b.png")


def test_init_image_is_image_on_a_server(tmp_path: Path) -> None:
    """A call that makes something uploads it; both at once are an error before anything is sent."""
    draw(tmp_path / "first.png")
    with Simulator() as simulator, ComfyClient(simulator.url) as client:
        asked = {"preset": "wan_5b", "seconds": 1, "seed": 7}
        old, today = (
            client.submit_video("x", **asked, **{name: tmp_path / "first.png"}) for name in ("init_image", "image")
        )
        assert old.graph == today.graph
        with pytest.raises(ValidationError, match="the same by two names"):
            client.submit_video("x", **asked, init_image=tmp_path / "first.png", image=tmp_path / "first.png")
        assert len(client.jobs()) == 2


def test_a_compiled_workflow_is_called_workflow() -> None:
    """``compiled.workflow`` is its graph."""
    compiled = WorkflowCompiler().compile("wan_5b", "a cat", seed=7)
    assert compiled.workflow is compiled.graph


@pytest.mark.parametrize("name", ["generate_3d", "generate_audio", "run_inference", "launch"])
def test_a_name_that_is_gone_says_what_to_use(name: str) -> None:
    """Imported from the package, or as a method of a client, it is one sentence with the way that there is."""
    with pytest.raises(ImportError, match=rf"^comfy-headless 4 has no {name}: .*use|run_workflow.*coming-from\.md"):
        getattr(importlib.import_module("comfy_headless"), name)
    assert name not in dir(comfy_headless)
    for client in (ComfyClient, AsyncComfyClient):
        with pytest.raises(AttributeError, match=rf"^comfy-headless 4 has no {name}: "):
            getattr(client("http://127.0.0.1:9"), name)


def test_a_misspelt_name_is_none() -> None:
    """A client has the attributes that it has."""
    with pytest.raises(AttributeError, match="'ComfyClient' object has no attribute 'generate_vidoe'"):
        ComfyClient("http://127.0.0.1:9").generate_vidoe  # type: ignore[attr-defined]  # noqa: B018


def test_a_check_takes_it_too(tmp_path: Path) -> None:
    """What would be sent is checked, by the old name too."""
    draw(tmp_path / "first.png")
    assert check(preset="wan_5b", init_image=tmp_path / "first.png", server=None) is not None


def test_a_workflow_takes_it_too(tmp_path: Path) -> None:
    """``init_image=`` fills the marker ``$~image`` of a workflow of one's own."""
    draw(tmp_path / "first.png")
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "$~image"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    with Simulator() as sim, ComfyClient(sim.url) as client:
        assert client.run_workflow(graph, init_image=tmp_path / "first.png", out=tmp_path).images


@pytest.mark.parametrize("name", ["get_image", "get_video", "get_file"])
def test_files_are_had_otherwise(name: str) -> None:
    """A method of 3.x that fetched a file names what does so today."""
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': result.outputs have .path and .data"):
        getattr(ComfyClient("http://127.0.0.1:9"), name)
