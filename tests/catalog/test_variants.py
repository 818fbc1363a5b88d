"""Variants: one set of words for presets, calls and one's own workflows."""

import pytest

from comfy_headless.catalog.compiler import WorkflowCompiler, compile_workflow
from comfy_headless.catalog.own_workflow import compile_template
from comfy_headless.catalog.presets import VIDEO_PRESETS, PresetLibrary
from comfy_headless.catalog.variants import VARIANTS, Variants, parted
from comfy_headless.catalog.vary import parts_of
from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from tests.catalog.invented import write

SCHEMAS = Schemas.snapshot(Schemas.packs())
ASKED = {
    "precision": "fp8",
    "loras": {"kites.safetensors": 0.8},
    "easy_cache": True,
    "tiled_decode": True,
    "upscale": 2,
    "interpolate": 2,
    "codec": "h264",
    "quality": "high",
}


def classes(graph):
    """The classes of a graph's nodes."""
    return [node["class_type"] for node in graph.values()]


class TestWords:
    """What may be asked for."""

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"loras": {"a": "much"}}, "loras['a']='much': expected a number"),
            ({"upscale": 1}, "upscale=1: expected more than 1"),
            ({"upscale": True}, "upscale=True: expected a number, not true or false"),
            ({"interpolate": 1}, "interpolate=1: expected at least 2"),
            ({"interpolate": 2.5}, "interpolate=2.5: expected a whole number"),
            ({"quality": "great"}, "quality='great': expected low, medium, high, lossless, or a crf from 0 to 63"),
            ({"tilde": 1}, "unknown setting 'tilde'; did you mean 'tiled_decode'?"),
        ],
    )
    def test_a_wrong_one_is_named(self, wrong, message):
        """The word, the value, and what is expected."""
        with pytest.raises(ValidationError) as error:
            Variants(**wrong)
        assert message in str(error.value)

    def test_quality_may_be_text_that_is_a_number(self):
        """As the command line and a preset file have it."""
        assert Variants(quality="18").quality == 18

    def test_what_leaves_a_graph_alone_is_not_applied(self):
        """False for what is off anyway, True for sound; codec and quality are one step."""
        idle = {"easy_cache": False, "torch_compile": False, "tiled_decode": False, "sound": True, "loras": {}}
        assert parts_of(idle) == []
        assert parts_of({"quality": 18, "loras": {"a": 1}, "codec": "h264"}) == [
            {"loras": {"a": 1}},
            {"codec": "h264", "quality": 18},
        ]

    def test_they_are_parted_from_settings(self):
        """Each goes to its own; None is not given."""
        assert parted({"width": 64, "upscale": 2, "codec": None}) == ({"upscale": 2}, {"width": 64})
        assert set(VARIANTS) == set(Variants.model_fields)


class TestPresets:
    """On presets."""

    def test_many_at_once(self):
        """All that do not exclude each other, and the graph is still one that a server takes."""
        done = WorkflowCompiler().compile("wan_5b", "a kite", seed=1, **ASKED)
        assert check(done.graph, SCHEMAS).ok
        assert {"LoraLoaderModelOnly", "EasyCache", "ImageUpscaleWithModel", "FrameInterpolate"} <= {
            *classes(done.graph)
        }
        assert {name: done.settings[name] for name in ASKED} == ASKED
        assert done.settings["width"] == 1280
        assert compile_workflow("wan_5b", "a kite", seed=1, **ASKED) == done.graph

    def test_a_variant_without_a_place_names_presets_that_have_one(self):
        """A checkpoint has no GGUF loader, and Wan has; what no preset can has no such list."""
        with pytest.raises(ValidationError, match=r"ltx_quick: precision='Q8_0'.*presets that can: .*wan_1.3b"):
            compile_workflow("ltx_quick", "a kite", precision="Q8_0")
        with pytest.raises(ValidationError) as error:
            compile_workflow("wan_5b", "a kite", precision="Q9_Z")
        assert "presets that can" not in str(error.value)

    def test_a_preset_file_switches_them_on(self, tmp_path):
        """[variants] holds for every call that does not say otherwise."""
        on = '[variants]\nquality = { value = "low", source = "paper" }\n\n[rules.size]'
        write(tmp_path, change=[("[rules.size]", on)])
        compiler = WorkflowCompiler(PresetLibrary([tmp_path]))
        saved = compiler.compile("two_stages", "a kite").graph["6"]["inputs"]
        other = compiler.compile("two_stages", "a kite", quality="lossless").graph["6"]["inputs"]
        assert saved["codec.encoding.crf"] > other["codec.encoding.crf"] == 0

    @pytest.mark.parametrize("wrong", ['sharpness = { value = 1, source = "paper" }',
                                       'upscale = { value = "much", source = "paper" }'])  # fmt: skip
    def test_a_wrong_one_in_a_preset_file(self, wrong, tmp_path):
        """The error names the file, the table and the word."""
        path = write(tmp_path, change=[("[rules.size]", f"[variants]\n{wrong}\n\n[rules.size]")])
        with pytest.raises(ValidationError) as error:
            PresetLibrary([tmp_path])["two_stages"]
        assert str(path) in str(error.value)
        assert "[variants]" in str(error.value)
        assert wrong.split()[0] in str(error.value)


def own(**titles):
    """A user's workflow: that of a preset, its titles without markers but those given."""
    graph = VIDEO_PRESETS["wan_5b"].template("text").graph
    for node_id, node in graph.items():
        node["_meta"]["title"] = titles.get(node["class_type"], f"node {node_id}")
    return Template.read(graph, schemas=SCHEMAS)


class TestOwnWorkflows:
    """On a workflow of one's own, without a preset."""

    def test_variants_need_no_marker(self):
        """Places are found by class and wire."""
        done = compile_template(own(), {}, ASKED)
        assert check(done.graph, SCHEMAS).ok
        assert "FrameInterpolate" in classes(done.graph)
        assert done.settings["interpolate"] == 2

    def test_length_and_shape_follow_the_nodes_own_steps(self):
        """4n+1 frames and multiples of 32, as Wan22ImageToVideoLatent says itself."""
        marked = own(Wan22ImageToVideoLatent="$width.width, $height.height, $frames.length", CreateVideo="$fps.fps")
        done = compile_template(marked, {}, {"seconds": 2, "aspect": "1:1"})
        latent = next(node for node in done.graph.values() if node["class_type"] == "Wan22ImageToVideoLatent")
        assert (latent["inputs"]["width"], latent["inputs"]["height"], latent["inputs"]["length"]) == (960, 960, 49)
        assert done.notes == ("seconds=2: 49 frames at 24 fps are 2.04 s", "aspect=1:1: 960x960")

    @pytest.mark.parametrize(
        ("wishes", "message"),
        [
            ({"seconds": 2}, "seconds=2: workflow has no parameter 'frames' for it (a marker $frames in a title)"),
            ({"image": "a.png"}, "image='a.png': workflow has no parameter 'image' for it"),
            ({"steps": 3}, "steps=3: that is no argument"),
            ({"upscale": 0.5}, "upscale=0.5: expected more than 1"),
        ],
    )
    def test_what_it_has_no_place_for(self, wishes, message):
        """The error names the wish and the marker that it needs."""
        with pytest.raises(ValidationError) as error:
            compile_template(own(), {}, wishes)
        assert message in str(error.value)

    def test_a_wish_and_its_parameter(self):
        """Seconds and frames at once are refused."""
        marked = own(Wan22ImageToVideoLatent="$frames.length", CreateVideo="$fps.fps")
        with pytest.raises(ValidationError, match="seconds=2 and frames=5: give one of them"):
            compile_template(marked, {"frames": 5}, {"seconds": 2})
