"""What a workflow takes and gives, as a listing, as data, and as a JSON schema."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from comfy_headless.errors import ValidationError
from comfy_headless.graph.describing import described
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template

SNAPSHOT = Schemas.snapshot()
TEMPLATES = sorted((Path(__file__).parents[2] / "presets/templates").glob("wan*.json"))


def node(class_type, title, **inputs):
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


GRAPH = {
    "1": node("CheckpointLoaderSimple", "$model.ckpt_name", ckpt_name="sd.safetensors"),
    "2": node("CLIPTextEncode", "$prompt!: what it shows, in words", text="a cat", clip=["1", 1]),
    "3": node("EmptyLatentImage", "Size, $width, $side.height", width=512, height=640, batch_size=1),
    "4": node("LoadImage", "$~first_image!", image="default.png"),
    "5": node(
        "KSampler",
        "$seed, $sampler.sampler_name, $strength.denoise: how much is new",
        seed=0,
        steps=20,
        cfg=8.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
        model=["1", 0],
        positive=["2", 0],
        negative=["2", 0],
        latent_image=["3", 0],
    ),
    "6": node(
        "ImageScale", "$side.height", image=["4", 0], upscale_method="area", width=64, height=64, crop="disabled"
    ),
    "7": node("SaveImage", "$output.cover", images=["6", 0], filename_prefix="x"),
    "8": node("PreviewImage", "look", images=["6", 0]),
    "9": node("PackNode", "Words $here, $flag, $many.rows", flag=True, rows=[1, 2]),
}
LISTING = """\
cover.json

Parameters:
  model        a name that the server lists, default 'sd.safetensors'
               node 1 (CheckpointLoaderSimple): ckpt_name
  prompt       text, required
               what it shows, in words
               node 2 (CLIPTextEncode): text
  width        whole number, 16 to 16384, in steps of 8, default 512
               node 3 (EmptyLatentImage): width
  side         whole number, 16 to 16384, in steps of 8, default 640
               node 3 (EmptyLatentImage): height (default 640)
               node 6 (ImageScale): height (default 64)
  first_image  image file, required
               node 4 (LoadImage): image
  seed         whole number, 0 or more, or random, default 0
               node 5 (KSampler): seed
  sampler      choice, default 'euler'
               euler, euler_cfg_pp, euler_ancestral, euler_ancestral_cfg_pp, heun, heunpp2, exp_heun_2_x0,
               exp_heun_2_x0_sde, dpm_2, dpm_2_ancestral, lms, dpm_fast and 32 more
               node 5 (KSampler): sampler_name
  strength     number, 0 to 1, in steps of 0.01, default 1.0
               how much is new
               node 5 (KSampler): denoise
  flag         true or false, default True
               node 9 (PackNode): flag
  many         any value, default [1, 2]
               node 9 (PackNode): rows

Outputs:
  cover  image: node 7 (SaveImage)
  8      image, a preview: node 8 (PreviewImage)

warning: cover.json: node 9 (PackNode): '$here' in title 'Words $here, $flag, $many.rows' is not read as a marker, \
since a comma must come before it"""


@pytest.fixture(scope="module")
def description():
    return described(Template.read(GRAPH, name="cover.json", schemas=SNAPSHOT))


def test_the_listing_says_all_that_a_person_needs(description):
    """Type, range, choices, default or required, description and place of each parameter; each output."""
    assert str(description) == LISTING


def test_the_data_say_the_same(description):
    """to_dict is JSON-ready and holds every field."""
    told = json.loads(json.dumps(description.to_dict()))
    assert [each["name"] for each in told["parameters"] if each["required"]] == ["prompt", "first_image"]
    by_name = {each["name"]: each for each in told["parameters"]}
    assert by_name["side"] == {
        "name": "side",
        "type": "integer",
        "required": False,
        "default": 640,
        "minimum": 16,
        "maximum": 16384,
        "step": 8,
        "choices": None,
        "media": None,
        "random": False,
        "description": "",
        "inputs": [
            {"node_id": "3", "class_type": "EmptyLatentImage", "input": "height", "saved": 640},
            {"node_id": "6", "class_type": "ImageScale", "input": "height", "saved": 64},
        ],
    }
    assert (by_name["first_image"]["media"], by_name["seed"]["random"]) == ("image", True)
    assert told["outputs"][0] == {
        "name": "cover",
        "kind": "image",
        "preview": False,
        "nodes": [{"node_id": "7", "class_type": "SaveImage"}],
    }


def test_the_schema_is_one(description):
    """The schema is a JSON schema of 2020-12 that takes the defaults, and wants what is required."""
    schema = description.to_json_schema()
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema).is_valid
    given = {"prompt": "a cat", "first_image": "cat.png"}
    defaults = {name: each.default for name, each in description.parameters.items() if not each.required}
    assert valid(given) and valid({**given, **defaults})
    for wrong in ({"prompt": "a cat"}, {**given, "promt": ""}, {**given, "width": 8}, {**given, "sampler": "nosuch"}):
        assert not valid(wrong)
    assert all(valid({**given, "seed": seed}) for seed in (0, -1, "random", 2**64 - 1))
    assert schema["properties"]["prompt"] == {
        "type": "string",
        "description": "what it shows, in words",
        "examples": ["a cat"],
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_schema_is_one(path):
    """The shipped templates have schemas of their parameters."""
    Draft202012Validator.check_schema(described(Template.read(path.read_bytes())).to_json_schema())


VALUES = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-10, 700),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from(["euler", "heun", "random", "true", "512"]),
)
TEMPLATE = Template.read(GRAPH, schemas=SNAPSHOT)
VALID = Draft202012Validator(described(TEMPLATE).to_json_schema()).is_valid


@given(st.sampled_from(["prompt", "width", "side", "seed", "sampler", "strength", "flag"]), VALUES)
def test_what_the_schema_takes_can_be_bound(name, value):
    """A value that fits the schema fits the workflow; a seed's -1 and "random" are drawn before."""
    values = {"prompt": "a cat", "first_image": "cat.png", name: value}
    if VALID(values) and not (name == "seed" and value in (-1, "random")):
        TEMPLATE.bind(values)


@given(st.sampled_from(["width", "side", "strength"]), st.integers(-10, 20000) | st.floats(-2, 2))
def test_what_the_schema_refuses_cannot_be_bound(name, value):
    """A number that does not fit the schema does not fit the workflow."""
    values = {"prompt": "a cat", "first_image": "cat.png", name: value}
    if not VALID(values):
        with pytest.raises(ValidationError):
            TEMPLATE.bind(values)


KINDS = {
    "SaveVideo": "video",
    "SaveWEBM": "video",
    "VHS_VideoCombine": "video",
    "SaveImage": "image",
    "MaskPreview": "image",
    "SaveAudioMP3": "audio",
    "SaveGLB": "mesh",
    "Preview3D": "mesh",
    "SaveText": "text",
    "SaveLatent": "other",
    "PackSaveAudioFile": "audio",
}


@pytest.mark.parametrize("class_type", KINDS)
def test_outputs_have_the_kind_of_their_node(class_type):
    """The class tells, else what is wired into it, else its name."""
    template = Template.read({"1": node(class_type, "$output.made")}, schemas=SNAPSHOT)
    assert described(template).outputs["made"].kind == KINDS[class_type]


def test_a_server_adds_what_only_it_knows():
    """Choices of files and descriptions come from a server's own object_info."""
    raw = {
        "LoadIt": {
            "input": {"required": {"file": [["a.pt", "b.pt"], {"tooltip": "Which  file."}], "n": ["INT", {"max": 3}]}},
            "output": [],
        }
    }
    template = Template.read(
        {"1": node("LoadIt", "$file, $n", file="a.pt", n=1)}, schemas=Schemas.from_object_info(raw)
    )
    file, number = described(template).parameters.values()
    assert (file.choices, file.description) == (("a.pt", "b.pt"), "Which file.")
    assert next(iter(number.lines())) == "whole number, at most 3, default 1"


def test_one_parameter_of_two_inputs_takes_what_both_take():
    """Ranges and choices meet; kinds that differ are any value."""
    spec = {
        "required": {"a": ["INT", {"min": 1, "max": 9}], "b": ["FLOAT", {"min": 4, "max": 20}], "t": ["STRING", {}]}
    }
    raw = {"N": {"input": {**spec, "optional": {"c": [["x", "y"]], "d": [["y", "z"]]}}, "output": []}}
    title = "$n.a, $n.b, $c.c, $c.d, $m.t, $m.o"
    graph = {"1": node("N", title, a=5, b=5, t="", c="y", d="y", o=1)}
    found = described(Template.read(graph, schemas=Schemas.from_object_info(raw))).parameters
    assert (found["n"].type, found["n"].minimum, found["n"].maximum) == ("integer", 4, 9)
    assert (found["c"].choices, found["m"].type) == (("y",), "any")


def test_inputs_of_a_dynamic_choice_are_known():
    """An input that a dynamic choice brings has its range too (p32)."""
    inputs = {"resize_type": "scale dimensions", "resize_type.width": 512, "scale_method": "area"}
    graph = {"1": node("ResizeImageMaskNode", "$width.resize_type.width, $how.resize_type", **inputs)}
    found = described(Template.read(graph, schemas=SNAPSHOT)).parameters
    assert (found["width"].maximum, found["how"].choices[:2]) == (16384, ("scale dimensions", "scale by multiplier"))


def test_a_long_listing_is_cut():
    """Of a parameter, or an output, on many nodes the first twelve are listed."""
    graph = {str(i): node("X", "$a.a, $output.o", a=1) for i in range(20)}
    text = str(described(Template.read(graph)))
    assert "and 8 more nodes" in text
    assert text.count("node ") == 24


def test_no_markers_are_said():
    """A workflow without markers says how one looks."""
    text = str(described(Template.read({"1": node("SaveImage", "x", filename_prefix="a")})))
    assert "No parameters: no title has a marker such as $prompt.text!" in text
    assert "image: node 1 (SaveImage)" in text
