"""The compiler: which template, which values, which notes; and every wrong call an error before anything is sent."""

import copy
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.compiled import CompiledWorkflow, Upload
from comfy_headless.catalog.compiler import WorkflowCompiler, compile_workflow
from comfy_headless.catalog.models import VideoSettings
from comfy_headless.catalog.presets import VIDEO_PRESETS, PresetLibrary
from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import is_link
from comfy_headless.graph.template import Template
from tests.catalog.invented import node, write

COMPILER = WorkflowCompiler()


def one(graph, class_type):
    """The only node of a class."""
    (found,) = [node for node in graph.values() if node["class_type"] == class_type]
    return found["inputs"]


@pytest.fixture
def invented(tmp_path):
    """A compiler with the invented preset beside the built-in ones."""
    write(tmp_path)
    return WorkflowCompiler(PresetLibrary([tmp_path]))


class TestGraph:
    """What comes out."""

    @pytest.mark.parametrize("name", list(VIDEO_PRESETS))
    def test_a_graph_is_json_ready_and_whole(self, name):
        """Every preset and task gives a graph that JSON keeps as it is, without a dangling wire."""
        for task in VIDEO_PRESETS[name].tasks:
            images = {"image": "start.png"} if task != "text" else {}
            images |= {"last_image": "end.png"} if task == "first_last" else {}
            graph = compile_workflow(name, "a cat", **images)
            assert json.loads(json.dumps(graph)) == graph
            for each in graph.values():
                for value in each["inputs"].values():
                    assert not isinstance(value, list) or is_link(value, graph)

    def test_the_reference_call(self):
        """`compile_workflow(preset="ltx_standard", prompt="a sunset")` puts the prompt into the positive text."""
        graph = compile_workflow(preset="ltx_standard", prompt="a sunset")
        assert "a sunset" in [each["inputs"].get("text") for each in graph.values()]

    def test_what_was_used_is_told(self):
        """Settings are a plain mapping of the effective values, with the seed beside it."""
        done = COMPILER.compile("wan_5b", "a cat", seed=7, steps=30)
        assert isinstance(done, CompiledWorkflow)
        assert (done.preset, done.task, done.seed, done.notes, done.uploads) == ("wan_5b", "text", 7, (), ())
        common = {"width": 1280, "height": 704, "frames": 121, "fps": 24, "steps": 30, "cfg": 5, "sampler": "uni_pc",
                  "scheduler": "simple", "shift": 8, "seconds": 5.042}  # fmt: skip
        assert {name: done.settings[name] for name in common} == common
        assert type(done.settings) is dict
        assert one(done.graph, "KSampler")["seed"] == 7
        assert one(done.graph, "SaveVideo")["filename_prefix"] == "comfy_headless/wan_5b"

    def test_two_graphs_share_nothing(self):
        """Changing one result changes neither the next nor the preset."""
        first = compile_workflow("wan_5b", "a", seed=1)
        kept = copy.deepcopy(first)
        for each in first.values():
            each["inputs"].clear()
        assert compile_workflow("wan_5b", "a", seed=1) == kept

    def test_the_files_of_the_preset_go_into_the_loaders(self, invented):
        """A role's file name replaces what the template had."""
        assert one(invented.compile("two_stages", "x").graph, "UNETLoader")["unet_name"] == "invented.safetensors"


class TestTask:
    """Text or image to video under one name."""

    @pytest.mark.parametrize("path", ["in/start.png", Path("in/start.png"), r"C:\pictures\start.png"])
    def test_an_image_takes_the_image_template(self, path):
        """LoadImage gets the base name; the upload says which input waits for the server's name."""
        done = COMPILER.compile("wan_5b", "a cat", image=path)
        load = next(key for key, each in done.graph.items() if each["class_type"] == "LoadImage")
        assert done.task == "image"
        assert done.graph[load]["inputs"]["image"] == "start.png"
        assert done.uploads == (Upload(load, "image", Path(path)),)

    @pytest.mark.parametrize("path", ["", "folder/", "..", 5, True, ["a.png"], {"a": 1}, object(), "s3://a/b.png"])
    def test_an_image_is_a_file(self, path):
        """What is no way to a file is refused; the file itself is not opened here."""
        with pytest.raises(ValidationError, match=r"no path|no file|is not fetched"):
            compile_workflow("wan_5b", image=path)

    def test_an_image_too_many(self, tmp_path):
        """An image for a text-only preset names presets that take one."""
        write(tmp_path, change=[('image = "two_stages_image"\n', ""), *MOTIONLESS])
        compiler = WorkflowCompiler(PresetLibrary([tmp_path]))
        with pytest.raises(ValidationError) as error:
            compiler.compile("two_stages", "x", image="a.png")
        message = str(error.value)
        assert "two_stages takes no image, but one image is given; presets that fit: " in message
        assert "wan_5b" in message

    def test_an_image_too_few(self, tmp_path):
        """No image for an image preset names presets that need none."""
        write(tmp_path, change=[('text = "two_stages_text"\n', "")])
        compiler = WorkflowCompiler(PresetLibrary([tmp_path]))
        with pytest.raises(
            ValidationError, match=r"takes one image, but no image is given; presets that fit: .*wan_5b"
        ):
            compiler.compile("two_stages", "x")

    def test_a_last_image(self):
        """A second image needs a preset for it, and never comes alone."""
        with pytest.raises(ValidationError, match="takes no image or one image, but two images are given"):
            compile_workflow("wan_5b", image="a.png", last_image="b.png")
        with pytest.raises(ValidationError, match="last_image is given without image"):
            compile_workflow("wan_5b", last_image="b.png")

    def test_first_and_last_image(self, tmp_path):
        """A preset with a template for two images gets both, each an upload of its own."""
        two = {"1": node("LoadImage", "$~image.image!", image="x"),
               "2": node("LoadImage", "$~last_image.image!", image="x"),
               "3": node("SaveVideo", "$output.video", filename_prefix="x")}  # fmt: skip
        (tmp_path / "pair.json").write_text(json.dumps(two), encoding="utf-8")
        write(tmp_path, change=[('image = "two_stages_image"', 'first_last = "pair"'), *MOTIONLESS])
        done = WorkflowCompiler(PresetLibrary([tmp_path])).compile("two_stages", image="a/1.png", last_image="a/2.png")
        assert (done.task, one({"1": done.graph["2"]}, "LoadImage")["image"]) == ("first_last", "2.png")
        assert done.uploads == (Upload("1", "image", Path("a/1.png")), Upload("2", "image", Path("a/2.png")))


MOTIONLESS = [('[setting.motion]\ntype = "integer"\ndefault = 127\nminimum = 1\nmaximum = 255\nsource = "paper"\n', "")]


class TestTexts:
    """Prompts, and what becomes of them where a model has no use for one."""

    def test_a_preset_without_text_ignores_a_prompt_and_says_so(self, invented):
        """The image template takes no text: the prompt is dropped with a note, an empty one without."""
        assert invented.compile("two_stages", "a cat", image="a.png").notes == (
            "two_stages takes no text: the prompt is ignored",
        )
        assert invented.compile("two_stages", image="a.png").notes == ()

    def test_an_empty_prompt_is_noted(self):
        """An empty prompt is legal, and said."""
        assert COMPILER.compile("wan_5b").notes == ("the prompt is empty",)

    def test_the_negative_prompt(self):
        """The preset's own one unless the caller gives another, an empty one too."""
        preset = VIDEO_PRESETS["wan_5b"]
        negative = next(key for key, each in preset.template("text").graph.items()
                        if "$negative_prompt" in each["_meta"]["title"])  # fmt: skip
        for own, expected in [(None, preset.prompt.negative.value), ("rain", "rain"), ("", "")]:
            assert compile_workflow("wan_5b", "x", negative_prompt=own)[negative]["inputs"]["text"] == expected

    def test_a_negative_prompt_without_effect_is_noted(self, invented):
        """At cfg 1 ComfyUI does not look at it; a preset may have none at all."""
        done = COMPILER.compile("ltx_standard", "x", negative_prompt="rain")
        assert done.notes == ("at cfg 1 the negative prompt has no effect",)
        assert COMPILER.compile("ltx_standard", "x", negative_prompt="rain", cfg=3).notes == ()
        assert "takes no negative prompt" in invented.compile("two_stages", "x", negative_prompt="rain").notes[0]

    @pytest.mark.parametrize("prompt", [None, 5, ["a"], b"a"])
    def test_a_prompt_is_text(self, prompt):
        """Another kind is an error."""
        with pytest.raises(ValidationError, match=r"prompt=.*expected text"):
            compile_workflow("wan_5b", prompt)


class TestSeed:
    """Drawn, told, and exact."""

    @pytest.mark.parametrize("seed", [None, -1, "random"])
    def test_a_seed_is_drawn_and_told(self, seed):
        """Each compile draws another, small enough for every JSON reader, and the graph has it."""
        done = [COMPILER.compile("ltx_standard", "x", seed=seed) for _ in range(5)]
        assert len({each.seed for each in done}) == 5
        assert all(0 <= each.seed < 2**53 for each in done)
        assert all(one(each.graph, "SamplerCustom")["noise_seed"] == each.seed for each in done)

    @pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
    def test_a_given_seed_is_kept(self, seed):
        """0 too."""
        assert COMPILER.compile("ltx_standard", "x", seed=seed).seed == seed

    @pytest.mark.parametrize("seed", [-2, 1.5, True, "seven", 2**64, [1]])
    def test_other_seeds_are_refused(self, seed):
        """The error names the value."""
        with pytest.raises(ValidationError, match="seed="):
            compile_workflow("ltx_standard", "x", seed=seed)


UNTESTED = [
    ({"width": 832, "height": 480}, "832x480 (tested: 1280x704 or 704x1280)"),
    ({"frames": 125}, "frames=125 (tested: at most 121)"),
    ({"seconds": 8}, "frames=193 (tested: at most 121)"),
    ({"fps": 16}, "fps=16 (tested: 24)"),
]


WRONG = [
    ({"steps": 0}, "steps=0: expected at least 1"),
    ({"frames": -1}, "frames=-1: expected at least 1"),
    ({"cfg": math.nan}, "cfg=nan"),
    ({"cfg": 1000}, "cfg=1000.0: too big, the most is 100"),
    ({"width": 640.5}, "width=640.5: expected a whole number"),
    ({"width": True}, "width=True"),
    ({"width": 1000}, "nearest: 992 or 1024"),
    ({"height": 720}, "nearest: 704 or 736"),
    ({"width": 10**9}, "at most 16384"),
    ({"width": 10**99}, "a number of 329 bits"),
    ({"frames": 120}, "it must be 4n+1; nearest: 117 or 121"),
    ({"frames": 97, "seconds": 4}, "give one of them"),
    ({"seconds": 1e7}, "possible are 1 to 16381 frames"),
    ({"fps": 1000, "allow_untested": True}, "fps=1000.0: too big, the most is 120"),
    ({"stepz": 3}, "no setting 'stepz'; did you mean 'steps'? It has: width, height"),
    ({"seeed": 3}, "no setting 'seeed'; did you mean 'seed'?"),
    ({"duration": 3}, "no setting 'duration'; did you mean 'seconds'?"),
    ({"frame_rate": 3}, "no setting 'frame_rate'; did you mean 'fps'?"),
    ({"overwite": True}, "no setting 'overwite'; did you mean 'overwrite'?"),
    ({"motion_bucket_id": 3}, "no setting 'motion_bucket_id'"),
    ({"scheduler": "simpel"}, "did you mean 'simple'"),
    ({"tile_size": 8}, "tile_size=8: too small, the least is 64"),
    ({"allow_untested": "yes"}, "allow_untested='yes': expected True or False"),
    ({"prompt_id": 3}, "no setting 'prompt_id'"),
]


class TestSettings:
    """What the caller may change."""

    def test_settings_reach_every_input_of_their_name(self):
        """One frame rate goes to the conditioning and to the file."""
        graph = compile_workflow("ltx_standard", "x", fps=25)
        assert one(graph, "LTXVConditioning")["frame_rate"] == one(graph, "CreateVideo")["fps"] == 25

    def test_settings_as_an_object(self):
        """VideoSettings is a way to carry them, whole or spread; None is not given."""
        settings = VideoSettings(steps=30, cfg=4.5)
        for values in ({"settings": settings}, settings.model_dump()):
            done = COMPILER.compile("wan_5b", "x", **values)
            assert (done.settings["steps"], done.settings["cfg"], done.settings["width"]) == (30, 4.5, 1280)
        with pytest.raises(ValidationError, match="steps: given twice"):
            compile_workflow("wan_5b", "x", settings=settings, steps=20)
        with pytest.raises(ValidationError, match=r"settings=\{'steps': 3\}: expected VideoSettings"):
            compile_workflow("wan_5b", "x", settings={"steps": 3})

    @pytest.mark.parametrize(("seconds", "frames"), [(4, 97), (5, 121), (1, 25), (2.5, 61)])
    def test_seconds_find_the_nearest_legal_length(self, seconds, frames):
        """The frame count is the nearest legal one, and noted."""
        done = COMPILER.compile("wan_5b", "x", seconds=seconds)
        assert done.settings["frames"] == one(done.graph, "Wan22ImageToVideoLatent")["length"] == frames
        assert done.notes == (f"seconds={seconds:g}: {frames} frames at 24 fps are {frames / 24:.2f} s",)
        assert done.settings["seconds"] == pytest.approx(frames / 24, abs=0.001)

    def test_declared_settings(self, invented):
        """What only a family has is bound to the marker of its name, within its range."""
        done = invented.compile("two_stages", image="a.png", motion=10)
        assert one(done.graph, "SVD_img2vid_Conditioning")["motion_bucket_id"] == done.settings["motion"] == 10
        assert invented.compile("two_stages", image="a.png").settings["motion"] == 127
        with pytest.raises(ValidationError, match="motion=300: too big, the most is 255"):
            invented.compile("two_stages", image="a.png", motion=300)
        with pytest.raises(ValidationError, match="setting 'motion' only for the task 'image', not for 'text'"):
            invented.compile("two_stages", "x", motion=10)

    def test_derived_settings_follow(self, invented):
        """Half of the size, and the hand-over of two experts, move along; a caller's own value wins."""
        done = invented.compile("two_stages", "x", width=384, height=640, steps=20)
        assert one(done.graph, "EmptyLTXVLatentVideo")["width"] == 192
        assert one(done.graph, "EmptyLTXVLatentVideo")["height"] == 320
        assert one(done.graph, "KSamplerAdvanced")["end_at_step"] == done.settings["handover"] == 12
        assert invented.compile("two_stages", "x", handover=5).settings["handover"] == 5
        with pytest.raises(ValidationError, match=r"handover of steps.*1 cannot be shared"):
            invented.compile("two_stages", "x", steps=1)

    @pytest.mark.parametrize(("values", "line"), UNTESTED)
    def test_an_untested_value_needs_a_word(self, values, line):
        """It is an error that says how to try; with allow_untested it is a note."""
        with pytest.raises(ValidationError) as error:
            compile_workflow("wan_5b", "x", **values)
        assert f"not tested: {line}" in str(error.value)
        assert "allow_untested=True (--untested)" in str(error.value)
        done = COMPILER.compile("wan_5b", "x", allow_untested=True, **values)
        assert f"untested: {line}" in done.notes

    def test_a_sampler_of_another_pack_needs_a_word(self):
        """Names that ComfyUI itself does not have are refused with the nearest, or noted."""
        with pytest.raises(ValidationError, match="sampler='eulr': not one of the choices; did you mean 'euler'"):
            compile_workflow("wan_5b", "x", sampler="eulr")
        done = COMPILER.compile("wan_5b", "x", sampler="res_2s", allow_untested=True)
        assert one(done.graph, "KSampler")["sampler_name"] == "res_2s"
        assert "sampler='res_2s'" in done.notes[0]

    def test_a_fixed_schedule(self):
        """A distilled model has its steps as a list: another number is an error that says so."""
        with pytest.raises(ValidationError, match=r"steps=20 is not possible, only 8: .*a fixed list of 8 sigmas"):
            compile_workflow("ltx_standard", "x", steps=20)
        with pytest.raises(ValidationError, match="steps=20"):
            compile_workflow("ltx_standard", "x", steps=20, allow_untested=True)
        assert COMPILER.compile("ltx_standard", "x", steps=8).settings["steps"] == 8

    @pytest.mark.parametrize(("values", "message"), WRONG, ids=lambda v: str(v)[:50])
    def test_a_wrong_setting_is_refused(self, values, message):
        """The error names the value and what would be right."""
        with pytest.raises(ValidationError) as error:
            compile_workflow("wan_5b", "x", **values)
        assert message in str(error.value)

    def test_a_setting_that_a_model_does_not_have(self):
        """A common name that this model has no use for is an error, not ignored."""
        with pytest.raises(
            ValidationError, match=r"ltx_standard has no setting 'shift': its model takes none\. It has: "
        ):
            compile_workflow("ltx_standard", "x", shift=5)

    @pytest.mark.parametrize(("name", "message"), [
        ("ltx_standart", "no preset 'ltx_standart'; did you mean 'ltx_standard'? There are: "),
        ("wan_5B", "did you mean 'wan_5b'?"), (None, "preset=None: expected"), (5, "preset=5: expected"),
    ])  # fmt: skip
    def test_an_unknown_preset(self, name, message):
        """The nearest name, and all there are."""
        with pytest.raises(ValidationError) as error:
            compile_workflow(name, "x")
        assert message in str(error.value)

    VALUE = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.lists(st.integers(), max_size=2)
    )

    @given(st.dictionaries(st.sampled_from(["width", "height", "frames", "fps", "steps", "cfg", "sampler", "shift",
                                            "seconds", "tile_size", "seed", "image", "other"]), VALUE, max_size=4),
           st.booleans())  # fmt: skip
    def test_any_call_compiles_or_is_refused(self, values, allow_untested):
        """No value ends in anything but a sound graph or a ValidationError."""
        try:
            done = COMPILER.compile("wan_5b", "x", allow_untested=allow_untested, **values)
        except ValidationError:
            return
        latent = one(done.graph, "Wan22ImageToVideoLatent")
        assert latent["width"] % 32 == latent["height"] % 32 == 0
        assert latent["length"] % 4 == 1
        json.dumps(done.graph, allow_nan=False)


GRAPH = {
    "1": node("CLIPTextEncode", "$prompt.text!", text=""),
    "2": node("RandomNoise", "$seed.noise_seed", noise_seed=3),
    "3": node("LoadImage", "$~image", image="kept.png"),
}


class TestTemplates:
    """A template without a preset."""

    def test_its_parameters_are_the_values(self):
        """Prompt and parameters are bound; what is not given stays; the files are told."""
        done = COMPILER.compile(Template.read(GRAPH), "a cat", image=Path("in/cat.png"))
        assert done.graph["1"]["inputs"]["text"] == "a cat"
        assert done.graph["3"]["inputs"]["image"] == "cat.png"
        assert done.uploads == (Upload("3", "image", Path("in/cat.png")),)
        assert (done.seed, done.preset, done.task) == (3, None, None)
        assert done.settings == {"prompt": "a cat", "image": "in/cat.png", "seed": 3}

    def test_a_default_file_is_not_uploaded(self):
        """What the workflow itself names lies on the server already."""
        assert COMPILER.compile(Template.read(GRAPH), "x").uploads == ()

    @pytest.mark.parametrize("seed", [-1, "random"])
    def test_a_seed_is_drawn_on_request_only(self, seed):
        """-1 and "random" draw one, for noise_seed too; an explicit 0 stays."""
        done = COMPILER.compile(Template.read(GRAPH), "x", seed=seed)
        assert done.seed == done.graph["2"]["inputs"]["noise_seed"] != 3
        assert COMPILER.compile(Template.read(GRAPH), "x", seed=0).graph["2"]["inputs"]["noise_seed"] == 0

    def test_a_missing_or_unknown_value(self):
        """Required and not given, or not there at all: an error."""
        with pytest.raises(ValidationError, match="required and not given: 'prompt'"):
            COMPILER.compile(Template.read(GRAPH))
        with pytest.raises(ValidationError, match="no parameter 'width'"):
            COMPILER.compile(Template.read(GRAPH), "x", width=3)
