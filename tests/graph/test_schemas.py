"""Rules of the node schemas: the shipped snapshot, a live object_info, and what a machine has on disk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.file_inputs import FILE_INPUTS, INPUT_FILES, MODEL_INPUTS, content_type
from comfy_headless.graph.schemas import Schemas

SNAPSHOT = Schemas.snapshot()
PACKED = Schemas.snapshot(Schemas.packs())


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [
            value[key] for key in ("tooltip", "description", "placeholder", "text") if isinstance(value.get(key), str)
        ]
        return own + [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def test_snapshot_has_every_class() -> None:
    """The snapshot holds the 826 classes of ComfyUI 0.30.0 and says its version."""
    assert len(SNAPSHOT) == len(list(SNAPSHOT)) == 826
    assert SNAPSHOT.version == "0.30.0"
    assert "KSampler" in SNAPSHOT and "NoSuchNode" not in SNAPSHOT
    assert all(SNAPSHOT[name].name == name for name in SNAPSHOT)


def test_snapshot_ships_no_prose() -> None:
    """No class of the snapshot carries other people's sentences: no tooltip, description, search word, long default."""
    for name in PACKED:
        raw = PACKED.raw(name)
        assert not any(_texts(raw)), name
        assert not raw["search_aliases"] and not any(raw.get("output_tooltips") or ()), name
        assert not raw.get("price_badge"), name
        defaults = [item.default for item in PACKED[name].inputs if isinstance(item.default, str)]
        assert all(len(default) <= 80 for default in defaults), name


def test_node_schema_tells_types_ranges_and_choices() -> None:
    """A class tells its inputs in order, with category, type, range, default and choices, and its outputs."""
    sampler = SNAPSHOT["KSampler"]
    assert [item.name for item in sampler.inputs][:4] == ["model", "seed", "steps", "cfg"]
    steps, kind = sampler.input("steps"), sampler.input("sampler_name")
    assert steps is not None and (steps.type, steps.min, steps.max, steps.default) == ("INT", 1, 10000, 20)
    assert kind is not None and kind.type == "COMBO" and "euler" in (kind.choices or ())
    assert [(output.name, output.type) for output in sampler.outputs] == [("LATENT", "LATENT")]
    assert not sampler.output_node and sampler.core and sampler.display_name == "KSampler"
    assert sampler.input("no_such_input") is None


def test_hidden_inputs_and_output_nodes() -> None:
    """An output node is known as one, and what the server fills in itself is a hidden input."""
    save = SNAPSHOT["SaveVideo"]
    assert save.output_node
    assert {item.name for item in save.inputs if item.category == "hidden"} == {"prompt", "extra_pnginfo"}
    codec = save.input("codec")
    assert codec is not None and codec.dynamic and codec.choices == ("auto", "h264")


def test_unknown_class_is_a_key_error() -> None:
    """A class that is not there is a KeyError, as of any mapping, and ``get`` gives None."""
    with pytest.raises(KeyError, match="NoSuchNode"):
        SNAPSHOT["NoSuchNode"]
    assert SNAPSHOT.get("NoSuchNode") is None


def test_raw_is_an_object_info_entry() -> None:
    """``raw`` gives what ``/object_info`` gives, so that schemas read from it are the same."""
    text = json.dumps({name: PACKED.raw(name) for name in PACKED})
    again = Schemas.from_object_info(json.loads(text))
    assert len(again) == 826 + 216
    for name in PACKED:
        assert again[name].outputs == PACKED[name].outputs
        assert [item.name for item in again[name].inputs] == [item.name for item in PACKED[name].inputs]
        assert type(again[name].returns) is type(PACKED[name].returns)
    entry = SNAPSHOT.raw("LoraSave")
    assert entry["name"] == "LoraSave" and entry["input_order"]["required"][0] == "filename_prefix"


def test_file_lists_are_open_until_files_are_named() -> None:
    """In the snapshot a file input takes any name; `with_files` closes every list, also those of no file."""
    open_input = SNAPSHOT["UNETLoader"].input("unet_name")
    assert open_input is not None and open_input.open and open_input.choices == ()
    closed = PACKED.with_files({"diffusion_models": ["b.safetensors", "a.safetensors"]})
    for name, field in FILE_INPUTS:
        item = closed[name].input(field)
        assert item is not None and not item.open, (name, field)
    unet, vae = closed["UNETLoader"].input("unet_name"), closed["VAELoader"].input("vae_name")
    assert unet is not None and unet.choices == ("a.safetensors", "b.safetensors")
    assert vae is not None and vae.choices == ("pixel_space",)
    assert PACKED["UNETLoader"].input("unet_name") == open_input


def test_with_choices_reaches_both_ways_to_write_a_choice() -> None:
    """Choices given by hand show in the schema and in ``raw``, for old lists and for COMBO inputs."""
    keys = [("CheckpointLoaderSimple", "ckpt_name"), ("UpscaleModelLoader", "model_name")]
    given = SNAPSHOT.with_choices({key: ["x.pth"] for key in keys})
    for name, field in keys:
        item = given[name].input(field)
        assert item is not None and item.choices == ("x.pth",)
        assert "x.pth" in json.dumps(given.raw(name))
        assert "x.pth" not in json.dumps(SNAPSHOT.raw(name))
    assert given.is_open("VAELoader", "vae_name") and not given.is_open("CheckpointLoaderSimple", "ckpt_name")


@pytest.mark.parametrize(
    ("key", "listed"),
    [
        (("LoadImage", "image"), ("a.png", "b.WEBP.webp")),
        (("LoadVideo", "file"), ("c.mp4",)),
        (("LoadAudio", "audio"), ("c.mp4", "d.wav")),
        (("LoadLatent", "latent"), ("e.latent",)),
        (("GeminiInputFiles", "file"), ("f.txt",)),
        (("Load3D", "model_file"), ("none", "3d/g.glb")),
        (("VHS_LoadVideo", "video"), ("c.mp4",)),
        (("ADE_LoadCameraPoses", "pose_filename"), ("f.txt",)),
        (("LoadImageDataSetFromFolder", "folder"), ("3d", "sub")),
    ],
)
def test_input_folder_is_listed_by_kind(key: tuple[str, str], listed: tuple[str, ...]) -> None:
    """Each loader lists the top of the input folder by content type, as the server does."""
    inputs = ["a.png", "b.WEBP.webp", "c.mp4", "d.wav", "e.latent", "f.txt", "3d/g.glb", "sub/h.png"]
    item = PACKED.with_files({}, inputs)[key[0]].input(key[1])
    assert item is not None and item.choices == listed


def test_every_file_input_is_a_choice_of_the_snapshot() -> None:
    """What the tables call a file input exists and is a choice, and no model folder is misspelt."""
    for name, field in FILE_INPUTS:
        item = PACKED[name].input(field)
        assert item is not None and item.type == "COMBO", (name, field)
    lists = {(name, item.name) for name in PACKED for item in PACKED[name].inputs if item.choices == ()}
    assert {key for key in lists if PACKED[key[0]].pack} <= FILE_INPUTS
    assert MODEL_INPUTS[("CLIPLoader", "clip_name")] == "text_encoders"
    assert not MODEL_INPUTS.keys() & INPUT_FILES.keys()
    assert content_type("x.unknown-ending") is None


def test_incomplete_object_info_is_read() -> None:
    """A pack's entry that leaves keys away is read with what it has."""
    schemas = Schemas.from_object_info({"Odd": {"input": {"required": {"a": ["INT"]}}, "output": ["X"]}})
    odd = schemas["Odd"]
    assert [item.name for item in odd.inputs] == ["a"] and odd.outputs[0].name == "X"
    assert odd.display_name == "Odd" and not odd.output_node and not odd.core
    assert Schemas.from_object_info({"Bare": {}})["Bare"].inputs == ()


def test_packs_add_their_classes() -> None:
    """Each pack brings its own classes to ComfyUI's, each with its module; the core alone has none of them."""
    counts = dict(zip(Schemas.packs(), (145, 25, 40, 6), strict=True))
    for pack, count in counts.items():
        schemas = Schemas.snapshot([pack])
        brought = schemas.keys() - SNAPSHOT.keys()
        assert len(brought) == count and len(schemas) == 826 + count
        assert {schemas[name].pack for name in brought} == {pack}
        assert {Schemas.pack_of(name) for name in brought} == {pack}
        assert not any(schemas[name].core for name in brought)
    assert Schemas.snapshot(["ComfyUI-GGUF"]) is Schemas.snapshot(("ComfyUI-GGUF", "ComfyUI-GGUF"))
    assert SNAPSHOT["KSampler"].pack is None and Schemas.pack_of("KSampler") is None


def test_a_pack_that_is_not_shipped_is_an_error() -> None:
    """The error names the pack and those there are; a name alone is one pack."""
    with pytest.raises(ValidationError, match="node pack 'ComfyUI-Nope'; there are ComfyUI-AnimateDiff-Evolved, "):
        Schemas.snapshot(["ComfyUI-GGUF", "ComfyUI-Nope"])
    assert "UnetLoaderGGUF" in Schemas.snapshot("ComfyUI-GGUF")


def test_only_the_gguf_loaders_list_gguf_files() -> None:
    """ComfyUI's own loaders list no .gguf file, the pack's model loader nothing else, its text encoders both."""
    names = ["a.gguf", "b.safetensors"]
    schemas = PACKED.with_files({"diffusion_models": names, "text_encoders": names})
    found = {
        key: schemas[key[0]].input(key[1])
        for key in [("UNETLoader", "unet_name"), ("UnetLoaderGGUF", "unet_name"), ("CLIPLoaderGGUF", "clip_name")]
    }
    assert [item.choices for item in found.values() if item] == [("b.safetensors",), ("a.gguf",), ("a.gguf", names[1])]


def test_a_graph_is_checked_with_pack_nodes() -> None:
    """With the pack its nodes are held to their ranges and wires; without it the class is missing."""
    graph: dict[str, Any] = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 2, "color": 0}},
        "2": {
            "class_type": "VHS_VideoCombine",
            "inputs": {
                "images": ["1", 0],
                "frame_rate": 8.0,
                "loop_count": 0,
                "filename_prefix": "clip",
                "format": "video/h264-mp4",
                "pingpong": False,
                "save_output": True,
            },
        },
    }
    assert check(graph, PACKED).ok
    (missing,) = check(graph).problems
    assert missing.kind == "missing_node_type" and missing.class_type == "VHS_VideoCombine"
    graph["2"]["inputs"] |= {"loop_count": 101, "format": "video/avi"}
    assert [item.kind for item in check(graph, PACKED).problems] == ["value_bigger_than_max", "value_not_in_list"]


def test_a_class_is_read_once() -> None:
    """However often graphs with a class are checked, its schema is read once, and no other class's at all."""
    read: list[str] = []

    def load(name: str) -> dict[str, Any]:
        read.append(name)
        return SNAPSHOT.raw(name)

    schemas = Schemas(dict.fromkeys(SNAPSHOT), load)
    image = {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    for _ in range(3):
        assert check({"1": image, "2": save, "3": save, "4": save}, schemas).ok
    assert sorted(read) == ["EmptyImage", "SaveImage"]
