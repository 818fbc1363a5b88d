"""Rules of drafts: whatever graph is given, the reader takes the draft, it compiles, and it says what is left to do."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.catalog.audit import State, check_offline, compile_for, locate_preset
from comfy_headless.catalog.draft import Draft, draft_preset, written
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Pack
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.config import presets_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph

TEMPLATES = {path.stem: path for path in sorted((presets_folder() / "templates").glob("*.json"))}
SCHEMAS = Schemas.snapshot(Schemas.packs())
GIVEN = ("prompt", "negative_prompt", "image", "last_image", "seed", "filename_prefix")


def workflow(name: str) -> Graph:
    """A shipped template as an editor exports it: without markers."""
    graph: Graph = json.loads(TEMPLATES[name].read_text(encoding="utf-8"))
    return {node_id: {**node, "_meta": {"title": node["class_type"]}} for node_id, node in graph.items()}


def drafted(graph: Graph) -> Draft:
    return draft_preset("mine", graph, VIDEO_PRESETS.files, origin="workflow.json")


def read(draft: Draft, folder: Path) -> Preset:
    return locate_preset(str(draft.write(folder)[0])).read()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_workflow_becomes_a_preset(name: str, tmp_path: Path) -> None:
    """The draft of each template is read, compiles to a graph that passes, and keeps the workflow's values."""
    graph = workflow(name)
    draft = drafted(graph)
    preset = read(draft, tmp_path)
    assert (
        tuple(preset.tasks) == (draft.task,) == (next(t for t in ("first_last", "image", "text") if name.endswith(t)),)
    )
    compiled = compile_for(preset, draft.task)
    assert check(compiled.graph, SCHEMAS).ok
    free = {(mark.node_id, mark.input) for mark in draft.found.marks if mark.name in GIVEN}
    for node_id, node in graph.items():
        for field, value in node["inputs"].items():
            if (node_id, field) not in free:
                assert compiled.graph[node_id]["inputs"][field] == value, (node_id, field)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_left_to_do_is_told(name: str, tmp_path: Path) -> None:
    """Of a draft fails what a person must look up, and nothing else; without TODO nothing fails."""
    draft = drafted(workflow(name))
    path = draft.write(tmp_path)[0]
    located = locate_preset(str(path))
    told = {row.check: row for row in check_offline(located, located.read())}
    assert {row.check for row in told.values() if row.state is State.FAIL} - {"files"} == {"todo", "sources"}
    assert told["todo"].seen.startswith(f"{len(draft.todo)} left to look up\nmine.toml:1: #")
    path.write_text(draft.toml.replace("TODO", "looked up:"), encoding="utf-8")
    assert {row.state for row in check_offline(located, located.read())} == {State.OK}


def data(draft: Draft) -> dict[str, Any]:
    return tomllib.loads(draft.toml)


def test_what_must_be_given_has_a_value_in_the_workflow(tmp_path: Path) -> None:
    """A marker with an exclamation mark has no default; the draft takes what is saved, of a wire the node's own."""
    graph = workflow("mochi_text")
    drafts = drafted(graph)
    for mark in drafts.found.marks:
        if mark.name in ("width", "height", "frames", "fps", "steps", "cfg", "shift", "negative_prompt"):
            meta = graph[mark.node_id]["_meta"]
            meta["title"] += f", {mark._replace(required=True)}"
    again = drafted(graph)
    assert "!" in json.dumps(again.template)
    assert tomllib.loads(again.toml)["settings"] == tomllib.loads(drafts.toml)["settings"]
    assert read(again, tmp_path).tasks
    graph["side"] = {"class_type": "PrimitiveInt", "inputs": {"value": 640}, "_meta": {"title": "Side"}}
    node = next(mark.node_id for mark in again.found.marks if mark.name == "width")
    graph[node]["inputs"]["width"] = ["side", 0]
    assert tomllib.loads(drafted(graph).toml)["settings"]["width"]["value"] > 0


def test_a_stage_of_half_the_size() -> None:
    """The first stage follows from the size, whose step is then that of both."""
    told = data(drafted(workflow("ltxv_two_stage_text")))
    first = told["setting"]["first_width"]
    assert (first["from"], first["rule"], first["minimum"]) == ("width", "half", 64)
    assert (told["rules"]["size"]["multiple"], told["rules"]["size"]["minimum"]) == (64, 128)
    assert told["settings"]["width"]["value"] == 1216


def test_two_experts() -> None:
    """They are told apart by their names, and the step between them follows from all steps."""
    graph = workflow("wan22_14b_two_cfg_text")
    told = data(drafted(graph))
    assert {"high_model", "low_model"} <= told["files"].keys()
    assert told["setting"]["handover"]["share"] == 0.625 and told["setting"]["cfg_low"]["default"] == 3.0


def test_files_that_nobody_described() -> None:
    """They are described in place, with a guess at the precision that says so, and a TODO for the rest."""
    graph = workflow("mochi_text")
    loader = next(node for node in graph.values() if node["class_type"] == "UNETLoader")
    loader["inputs"]["unet_name"] = "new_model_fp8_scaled.safetensors"
    file = data(drafted(graph))["files"]["model"]
    assert (file["folder"], file["precision"]) == ("diffusion_models", "fp8_scaled")
    assert file["repository"].startswith("TODO") and "guessed from the file's name" in file["source"]
    loader["inputs"]["unet_name"] = "new_model.safetensors"
    assert data(drafted(graph))["files"]["model"]["precision"].startswith("TODO")


def test_steps_that_the_workflow_does_not_keep(tmp_path: Path) -> None:
    """Where the workflow's own values are between the steps of the input fields, the rule is smaller and says so."""
    graph = workflow("mochi_text")
    latent = next(node for node in graph.values() if node["class_type"] == "EmptyMochiLatentVideo")
    latent["inputs"].update(width=850, length=8)
    draft = drafted(graph)
    told = data(draft)
    assert told["rules"]["size"]["multiple"] == 2 and "not on it" in told["sources"]["size"]
    assert told["rules"]["frames"]["step"] == 1 and "not on it" in told["sources"]["frames"]
    assert read(draft, tmp_path).value("width") == 850


def test_a_size_that_comes_over_a_wire() -> None:
    """Where a node only holds the number, the rule is that of the input which its wire goes to."""
    graph = workflow("mochi_text")
    latent = next(node for node in graph.values() if node["class_type"] == "EmptyMochiLatentVideo")
    for number, side in enumerate(("width", "height", "length"), 90):
        graph[str(number)] = {"class_type": "PrimitiveInt", "inputs": {"value": latent["inputs"][side]}}
        latent["inputs"][side] = [str(number), 0]
    told, plain = data(drafted(graph)), data(drafted(workflow("mochi_text")))
    assert told["rules"]["size"] == plain["rules"]["size"] and told["rules"]["size"]["multiple"] == 16
    assert told["rules"]["frames"] == plain["rules"]["frames"]


def test_numbers_are_written_as_they_were_meant() -> None:
    """An editor adds up steps: 0.7000000000000002 is 0.7, in the preset and in its template."""
    graph = workflow("wan22_14b_lora_text")
    for node in graph.values():
        if "strength_model" in node["inputs"]:
            node["inputs"]["strength_model"] = 0.7000000000000002
    draft = drafted(graph)
    assert data(draft)["setting"]["lora_strength"]["default"] == 0.7
    assert "0000002" not in draft.toml + draft.template


def test_a_lora_for_model_and_text_encoder() -> None:
    """Its two strengths are two settings, also where they are equal."""
    graph = workflow("wan22_14b_lora_text")
    key, loader = next((key, node) for key, node in graph.items() if node["class_type"] == "LoraLoaderModelOnly")
    encoder = next(key for key, node in graph.items() if node["class_type"] == "CLIPLoader")
    strength = loader["inputs"]["strength_model"]
    graph[key] = {"class_type": "LoraLoader",
                  "inputs": {**loader["inputs"], "clip": [encoder, 0], "strength_clip": strength}}  # fmt: skip
    declared = data(drafted(graph))["setting"]
    assert declared["lora_strength"]["default"] == declared["lora_text_strength"]["default"] == strength


def test_a_length_and_a_rate_that_nothing_tells(tmp_path: Path) -> None:
    """A video whose length or rate is no setting is a preset too, and has a line to choose by."""
    graph = workflow("mochi_text")
    for node in graph.values():
        node["inputs"].pop("fps", None)
    draft = drafted(graph)
    assert "no input that would be 'fps'" in draft.found.notes
    preset = read(draft, tmp_path)
    assert preset.output() == "848x480, 85 frames"
    assert "848x480, 85 frames, standard" in str(preset)


ODD = st.sampled_from([0, -1, 7, 3.5, "x", True, None, [], {}, ["1", 0], ["8", 5], ["zz", 0]])
CLASSES = st.sampled_from(["KSampler", "EmptyLatentImage", "Nobody's", "LoadImage", "SaveVideo", "CLIPTextEncode"])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_graphs_that_are_damaged(data: st.DataObject) -> None:
    """Whatever is missing or odd in a graph, it becomes a draft that is TOML, or an error that says why not."""
    graph = workflow(data.draw(st.sampled_from(["wan22_14b_lora_image", "ltxv_two_stage_text", "sdxl_text"])))
    for _ in range(data.draw(st.integers(1, 4))):
        node_id = data.draw(st.sampled_from(list(graph)))
        inputs = graph[node_id]["inputs"]
        match data.draw(st.sampled_from(["node", "input", "value", "class"])):
            case "node" if len(graph) > 1:
                del graph[node_id]
            case "input" if inputs:
                del inputs[data.draw(st.sampled_from(list(inputs)))]
            case "value" if inputs:
                inputs[data.draw(st.sampled_from(list(inputs)))] = data.draw(ODD)
            case "class":
                graph[node_id]["class_type"] = data.draw(CLASSES)
    try:
        draft = drafted(graph)
    except ValidationError:
        return
    assert tomllib.loads(draft.toml)["tasks"] == {draft.task: draft.template_name}


def test_nodes_that_nobody_knows() -> None:
    """A class of no known pack becomes a pack to look up, which names it."""
    graph = workflow("mochi_text")
    graph["90"] = {"class_type": "TheirNode", "inputs": {"vae": [next(iter(graph)), 0]}}
    packs = data(drafted(graph))["packs"]
    assert [pack["name"] for pack in packs] == ["TODO the pack that brings TheirNode"]


def test_packs_that_are_known() -> None:
    """A pack that is described already is taken over with its source."""
    pack = Pack(name="ComfyUI-CogVideoXWrapper", repository="x/y", licence="MIT", source="read")
    draft = draft_preset("mine", workflow("cogvideox_text"), VIDEO_PRESETS.files, {pack.name: pack})
    told = data(draft)
    assert told["packs"] == [{**pack.model_dump(), "source": "comfyui_cogvideoxwrapper"}]
    assert told["sources"]["comfyui_cogvideoxwrapper"] == "read"


def test_a_workflow_that_saves_nothing() -> None:
    """A preset without an output would be none."""
    graph = workflow("mochi_text")
    saver = next(node_id for node_id, node in graph.items() if node["class_type"] == "SaveVideo")
    del graph[saver]
    with pytest.raises(ValidationError, match="no node saves a video or an image"):
        drafted(graph)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_are_written_to_be_read(name: str) -> None:
    """What is written is the graph, one key a line and each wire on one."""
    graph: Graph = json.loads(TEMPLATES[name].read_text(encoding="utf-8"))
    text = written(graph)
    assert json.loads(text) == graph
    assert len(text.splitlines()) == len(TEMPLATES[name].read_text(encoding="utf-8").splitlines())
