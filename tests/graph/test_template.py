"""Templates: reading graphs of every shape, finding the input a marker means, binding values."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import is_link
from comfy_headless.graph.template import Template

SNAPSHOT = Schemas.snapshot()
TEXT = {"text": "a cat", "clip": ["4", 1]}
LOADER = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x.safetensors"}}


def node(class_type, title, **inputs):
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


def one(class_type, title, **inputs):
    """A template of one node, and a loader that its links may lead to."""
    return Template.read({"6": node(class_type, title, **inputs), "4": LOADER})


REFUSED = {
    "browser format": ({"nodes": [{"id": 6}], "links": [], "version": 0.4}, "browser format"),
    "empty browser format": ({"nodes": [], "links": []}, "browser format"),
    "list": ([1, 2], "w.json is a list"),
    "list as text": ("[1, 2]", "w.json is a list"),
    "empty": ({}, "it has no nodes"),
    "not JSON": ('{"1": \n oops}', "line 2, column 2"),
    "not text": (b"\xff\xfe\x00", "not JSON"),
    "NaN": ('{"1": {"class_type": "X", "inputs": {"a": NaN}}}', "NaN is no JSON number"),
    "deep": ("[" * 100_000, "nested too deeply"),
    "null inputs": ({"1": {"class_type": "X", "inputs": None}}, "node 1 (X): 'inputs' is null"),
    "no inputs": ({"1": {"class_type": "X"}}, "'inputs'"),
    "no class": ({"1": {"inputs": {}}}, "node 1 has no class_type; it has 'inputs'"),
    "title of another kind": (
        {"1": {"class_type": "X", "inputs": {}, "_meta": {"title": 5}}},
        "its title is a number",
    ),
    "meta of another kind": ({"1": {"class_type": "X", "inputs": {}, "_meta": []}}, "'_meta' is a list"),
    "not a node": ({"1": LOADER, "version": 0.4}, "node version is a number"),
    "id of another kind": ({1: LOADER}, "the id is a number"),
    "no JSON inside": ({"1": {"class_type": "X", "inputs": {"a": Path("x")}}}, "PosixPath"),
}


class TestShapes:
    """What people hand in."""

    @pytest.mark.parametrize("meta", [{}, {"_meta": None}, {"_meta": {}}, {"_meta": {"title": None}}])
    def test_a_node_needs_no_title(self, meta):
        """Missing or null meta is no title (g03, g04)."""
        assert dict(Template.read({"1": {"class_type": "KSampler", "inputs": {}, **meta}}).parameters) == {}

    @pytest.mark.parametrize(
        "wrap", [lambda g: g, lambda g: {"prompt": g}, json.dumps, lambda g: json.dumps(g).encode()]
    )
    def test_graph_text_and_wrapped_body_are_the_same(self, wrap):
        """A dict, its JSON, and both inside {"prompt": ...} give one template (g07)."""
        graph = {"6": node("CLIPTextEncode", "$prompt.text!", text="x")}
        template = Template.read(wrap(graph))
        assert template.graph == graph
        assert template.parameters["prompt"].bindings == (("6", "text"),)

    @pytest.mark.parametrize("case", REFUSED)
    def test_what_is_no_graph_is_refused(self, case):
        """The error says what it is and what was expected (g05, g06, g09, g11, a19)."""
        source, message = REFUSED[case]
        with pytest.raises(ValidationError) as error:
            Template.read(source, name="w.json")
        assert str(error.value).startswith("w.json")
        assert message in str(error.value)

    def test_a_large_graph_is_read_fast(self):
        """Reading is linear in the nodes: 5,000 nodes are no trouble."""
        graph = {str(i): node("X", f"$p{i}.a", a=i) for i in range(5000)}
        assert len(Template.read(graph).parameters) == 5000

    def test_one_parameter_on_many_nodes_is_read_fast(self):
        """So is one name on 5,000 nodes, as parameter and as output."""
        graph = {str(i): node("X", "$p.a, $output.x", a=i) for i in range(5000)}
        template = Template.read(graph)
        assert (len(template.parameters["p"].slots), len(template.outputs["x"])) == (5000, 5000)


class TestFields:
    """Which input a marker without a field means, and which ones there are."""

    def test_the_name_is_the_input_if_there_is_one(self):
        """`$width` on a node with an input `width` fills it (p15)."""
        template = one("EmptyLatentImage", "Size, $width!, $height!", width=512, height=512, batch_size=1)
        assert [p.bindings for p in template.parameters.values()] == [(("6", "width"),), (("6", "height"),)]

    def test_the_only_widget_is_meant_where_schemas_tell(self):
        """`$prompt` on CLIPTextEncode is its one required widget, text (p01, p04, a17)."""
        template = Template.read({"6": node("CLIPTextEncode", "$prompt!", **TEXT), "4": LOADER}, schemas=SNAPSHOT)
        assert template.parameters["prompt"].bindings == (("6", "text"),)
        assert template.bind({"prompt": "dog"})["6"]["inputs"] == {"text": "dog", "clip": ["4", 1]}

    def test_without_schemas_the_candidates_are_listed(self):
        """What cannot be known is asked for, with the answers (p01)."""
        with pytest.raises(ValidationError, match=r"node 6 \(CLIPTextEncode\).*position 1.*\$prompt\.text"):
            one("CLIPTextEncode", "$prompt!", **TEXT)

    def test_several_widgets_are_ambiguous(self):
        """With more than one fitting widget the marker must say which."""
        graph = {"1": node("EmptyLatentImage", "$side!", width=512, height=512, batch_size=1)}
        with pytest.raises(ValidationError, match=r"\$side\.width, \$side\.height, \$side\.batch_size"):
            Template.read(graph, schemas=SNAPSHOT)

    def test_an_upload_marker_means_the_loaders_file(self):
        """`$~input_image!` on LoadImage fills `image` (p11)."""
        parameter = one("LoadImage", "$~input_image!", image="default.png").parameters["input_image"]
        assert (parameter.bindings, parameter.upload) == ((("6", "image"),), True)

    @pytest.mark.parametrize("title", ["$image", "$first.image", "$picture"])
    def test_a_loaders_file_needs_no_upload_marker(self, title):
        """What names a file on a loader is uploaded with '~' or without it, as ComfyKit does it."""
        graph = {"6": node("LoadImage", title, image="default.png")}
        (parameter,) = Template.read(graph, schemas=SNAPSHOT).parameters.values()
        assert (parameter.bindings, parameter.upload, parameter.media) == ((("6", "image"),), True, "image")

    @pytest.mark.parametrize("flag", ["image_upload", "video_upload", "audio_upload", "file_upload"])
    def test_a_server_says_which_inputs_name_files(self, flag):
        """A loader that only the server knows is one by the flags of its input; one of made files is none."""
        spec = {flag: True, "image_folder": "input"}
        info = {"PackLoad": {"input": {"required": {"clip": [["a.mp4"], spec], "other": [["a"], {}]}}, "output": []}}
        graph = {"6": node("PackLoad", "$x.clip, $other", clip="a.mp4", other="a")}
        found = Template.read(graph, schemas=Schemas.from_object_info(info)).parameters
        assert (found["x"].media, found["other"].media) == (flag.removesuffix("_upload"), None)
        spec["image_folder"] = "output"
        assert Template.read(graph, schemas=Schemas.from_object_info(info)).parameters["x"].media is None

    def test_other_inputs_of_a_loader_are_plain(self):
        """Only the file's own input is one (m27, m28)."""
        graph = {"6": node("VHS_LoadVideo", "$cap.frame_load_cap, $clip.video", video="x.mp4", frame_load_cap=0)}
        found = Template.read(graph).parameters
        assert [each.media for each in found.values()] == [None, "video"]

    def test_words_behind_a_name_are_no_name(self):
        """A name with spaces is one where the input is named, or called so; else the words are refused."""
        assert one("X", "$my text", **{"my text": "a"}).parameters["my text"].bindings == (("6", "my text"),)
        graph = {"6": node("CLIPTextEncode", "$prompt what to show", **TEXT), "4": LOADER}
        with pytest.raises(ValidationError, match=r"position 1.*begins with ':'"):
            Template.read(graph, schemas=SNAPSHOT)

    def test_an_unknown_field_is_refused_with_the_nearest(self):
        """A field that the node does not have names those it has (p24 without '!')."""
        with pytest.raises(ValidationError, match=r"no input 'txt'; did you mean 'text'\? It has: text, clip"):
            one("CLIPTextEncode", "$prompt.txt!", **TEXT)

    def test_an_optional_input_that_was_not_saved_can_be_filled(self):
        """With schemas an input that the file leaves out is there all the same."""
        graph = {"2": node("CLIPLoader", "$device.device!", clip_name="t.safetensors", type="wan")}
        template = Template.read(graph, schemas=SNAPSHOT)
        assert template.bind({"device": "cpu"})["2"]["inputs"]["device"] == "cpu"

    def test_a_dotted_input_is_a_field(self):
        """Only the first dot splits, so dynamic inputs can be named (p32)."""
        template = one("SaveVideo", "$crf.codec.encoding.crf", **{"codec": "h264", "codec.encoding.crf": 23.0})
        assert template.bind({"crf": 30})["6"]["inputs"]["codec.encoding.crf"] == 30

    @pytest.mark.parametrize("value", [None, ["4", 0]])
    def test_an_optional_parameter_needs_a_saved_value(self, value):
        """Null or a wire is no default, so the marker must be required (t03, t05)."""
        with pytest.raises(ValidationError, match="needs '!'"):
            one("X", "$a", a=value)
        assert one("X", "$a!", a=value).bind({"a": 1})["6"]["inputs"]["a"] == 1

    def test_a_list_that_is_no_link_is_a_value(self):
        """A wire is exactly [existing id, slot]; other lists are defaults (t02)."""
        assert one("X", "$a", a=[1, 2]).parameters["a"].default == [1, 2]
        assert one("X", "$a", a=["nowhere", 0]).parameters["a"].default == ["nowhere", 0]

    def test_one_input_has_one_parameter(self):
        """Two names for one input would overwrite each other."""
        with pytest.raises(ValidationError, match=r"'width' is filled by \$a and by \$b"):
            one("X", "$a.width, $b.width", width=1)


class TestOutputs:
    """Outputs are named on any node, at any position, beside parameters."""

    def test_parameters_and_outputs_stand_together(self):
        """A save node can be an output and have parameters (q07, q12, q13)."""
        template = one("SaveVideo", "$output.video, $prefix.filename_prefix", filename_prefix="x", video=["4", 0])
        assert dict(template.outputs) == {"video": ("6",)}
        assert list(template.parameters) == ["prefix"]

    @pytest.mark.parametrize("title", ["Save, $output.cover", " $output.cover", "$output.cover!", "$output.cover: it"])
    def test_position_and_ornaments_do_not_matter(self, title):
        """The name is the name (q02 to q06)."""
        assert dict(one("PreviewImage", title, images=["4", 0]).outputs) == {"cover": ("6",)}

    def test_any_class_can_be_an_output(self):
        """An output marker counts on every class (q11)."""
        assert dict(one("KSampler", "$output.final", seed=0).outputs) == {"final": ("6",)}

    def test_two_nodes_may_share_a_name(self):
        """Nothing is replaced (g16, g17)."""
        save = node("SaveImage", "$output.x", images=["4", 0])
        assert dict(Template.read({"1": save, "2": save}).outputs) == {"x": ("1", "2")}

    @pytest.mark.parametrize("class_type", ["PreviewImage", "SaveAudioMP3", "SaveWEBM", "SaveGLB", "VHS_VideoCombine"])
    def test_an_unmarked_output_node_has_its_id_as_name(self, class_type):
        """The title does not matter, not even whether there is one (q20 to q29, g01)."""
        assert dict(Template.read({"1": {"class_type": class_type, "inputs": {}}}).outputs) == {"1": ("1",)}

    def test_schemas_know_more_output_nodes(self):
        """With object_info every class that is an output node counts."""
        graph = {"1": {"class_type": "SaveLatent", "inputs": {}}}
        assert dict(Template.read(graph).outputs) == {}
        assert dict(Template.read(graph, schemas=SNAPSHOT).outputs) == {"1": ("1",)}

    def test_an_output_without_a_name(self):
        """ComfyKit reads '$output.' on its five classes as the node itself, and refuses it elsewhere (q08 to q10)."""
        assert dict(one("SaveImage", "$output.", images=["4", 0]).outputs) == {"6": ("6",)}
        for title in ("$output.", "$output"):
            with pytest.raises(ValidationError, match="an output needs a name"):
                one("PreviewImage", title, images=["4", 0])


class TestBinding:
    """Values into inputs."""

    def test_each_input_keeps_its_own_default(self):
        """One parameter on two inputs, not given, changes neither (g12, a12, a16)."""
        template = Template.read({"1": node("A", "$s.a", a=1), "2": node("B", "$s.b", b=2)})
        assert template.bind({}) == template.graph
        bound = template.bind({"s": 7})
        assert (bound["1"]["inputs"]["a"], bound["2"]["inputs"]["b"]) == (7, 7)

    @pytest.mark.parametrize("titles", [("$s.a!", "$s.b"), ("$s.a", "$s.b!")])
    def test_required_if_any_marker_says_so(self, titles):
        """The '!' of one node counts for the parameter (a14, a15)."""
        template = Template.read({"1": node("A", titles[0], a=1), "2": node("B", titles[1], b=2)})
        with pytest.raises(ValidationError, match="required and not given: 's'"):
            template.bind({})

    @pytest.mark.parametrize("values", [{}, {"prompt": None}])
    def test_none_is_not_given(self, values):
        """None does not satisfy a required parameter (a01, a04)."""
        template = one("CLIPTextEncode", "$prompt.text!: what to show", **TEXT)
        with pytest.raises(ValidationError, match=r"required and not given: 'prompt' \(what to show\)"):
            template.bind(values)

    def test_none_leaves_the_default(self):
        """None for an optional parameter is the saved value."""
        assert one("CLIPTextEncode", "$prompt.text", **TEXT).bind({"prompt": None})["6"]["inputs"]["text"] == "a cat"

    def test_an_unknown_name_is_refused_with_the_nearest(self):
        """Nothing given is ignored (a05)."""
        with pytest.raises(ValidationError, match=r"no parameter 'promt'; did you mean 'prompt'\? It has: prompt"):
            one("CLIPTextEncode", "$prompt.text!", **TEXT).bind({"promt": "x"})

    def test_falsy_values_are_values(self):
        """0, False and the empty text are given values and defaults alike."""
        template = one("X", "$n, $flag, $text", n=0, flag=False, text="")
        assert template.bind({"n": 0, "flag": True, "text": ""})["6"]["inputs"] == {"n": 0, "flag": True, "text": ""}

    @pytest.mark.parametrize(("value", "expected"), [(640.0, 640), ("640", 640), (" 640 ", 640), (640, 640)])
    @pytest.mark.parametrize("schemas", [None, SNAPSHOT], ids=["graph alone", "schemas"])
    def test_numbers_are_converted_where_nothing_is_lost(self, value, expected, schemas):
        """640.0 and "640" are 640 (a08, a09)."""
        graph = {"5": node("EmptyLatentImage", "$width", width=512, height=512, batch_size=1)}
        bound = Template.read(graph, schemas=schemas).bind({"width": value})["5"]["inputs"]["width"]
        assert (bound, type(bound)) == (expected, int)

    @pytest.mark.parametrize(
        "value", ["abc", "", True, [512], ["4", 0], {}, float("nan"), float("inf"), b"640", "9" * 9999]
    )
    def test_other_values_are_refused_for_a_number(self, value):
        """What is surely no number is an error, a list never a wire (a06, a07)."""
        template = one("EmptyLatentImage", "$width", width=512)
        with pytest.raises(ValidationError, match="width="):
            template.bind({"width": value})

    @pytest.mark.parametrize(("value", "problem"), [(640.5, "whole number"), (8, "the least is 16"), (99999, "16384")])
    def test_schemas_hold_values_to_type_and_range(self, value, problem):
        """With schemas the node's own limits count."""
        graph = {"5": node("EmptyLatentImage", "$width", width=512, height=512, batch_size=1)}
        with pytest.raises(ValidationError, match=problem):
            Template.read(graph, schemas=SNAPSHOT).bind({"width": value})

    def test_schemas_hold_choices(self):
        """A name that is not in the list is refused with the nearest, unless any is welcome; file lists are open."""
        graph = {"1": node("KSamplerSelect", "$sampler.sampler_name", sampler_name="euler"),
                 "2": node("VAELoader", "$vae.vae_name", vae_name="a.safetensors")}  # fmt: skip
        template = Template.read(graph, schemas=SNAPSHOT)
        with pytest.raises(ValidationError, match=r"sampler='eulr': not one of the choices; did you mean 'euler'"):
            template.bind({"sampler": "eulr"})
        assert template.bind({"sampler": "res_2s"}, any_choice=True)["1"]["inputs"]["sampler_name"] == "res_2s"
        assert template.bind({"vae": "wan.safetensors"})["2"]["inputs"]["vae_name"] == "wan.safetensors"

    def test_a_whole_number_in_a_file_may_be_a_fraction(self):
        """Browsers save 7.0 as 7: without schemas a fraction is taken."""
        assert one("KSampler", "$cfg", cfg=7).bind({"cfg": 7.5})["6"]["inputs"]["cfg"] == 7.5

    @pytest.mark.parametrize(("value", "expected"), [("true", True), ("False", False), (True, True)])
    def test_words_for_true_and_false(self, value, expected):
        """A command line's true and false are meant."""
        assert one("X", "$flag", flag=False).bind({"flag": value})["6"]["inputs"]["flag"] is expected

    @pytest.mark.parametrize("value", [5, None.__class__, ["4", 0], True])
    def test_text_takes_text_only(self, value):
        """A list for a text is no wire (a06)."""
        with pytest.raises(ValidationError, match="expected text"):
            one("CLIPTextEncode", "$prompt.text", **TEXT).bind({"prompt": value})

    @pytest.mark.parametrize("value", [16, "16"])
    def test_choices_may_be_numbers(self, value):
        """A command line has text for a choice that is a number."""
        info = {"N": {"input": {"required": {"bits": [[8, 16, "auto"], {}]}}, "output": []}}
        template = Template.read({"1": node("N", "$bits", bits=8)}, schemas=Schemas.from_object_info(info))
        assert template.bind({"bits": value})["1"]["inputs"]["bits"] == 16

    def test_a_list_for_an_open_input_stays_a_value(self):
        """Where lists are legal they are wrapped so that the server reads no wire."""
        assert one("X", "$a", a=[1, 2]).bind({"a": ["4", 0]})["6"]["inputs"]["a"] == {"__value__": ["4", 0]}

    def test_an_upload_takes_a_path(self):
        """A path object for a file becomes text; anything else is refused."""
        template = one("LoadImage", "$~image!", image="x.png")
        assert template.bind({"image": Path("cat.png")})["6"]["inputs"]["image"] == "cat.png"
        with pytest.raises(ValidationError, match="expected the path of a file"):
            template.bind({"image": 5})

    def test_words_that_are_no_markers_are_warned_about(self):
        """A $word in plain text is said, with node and title (p16, p18)."""
        template = one("EmptyLatentImage", "Size $width!", width=512)
        assert dict(template.parameters) == {}
        assert "node 6" in template.warnings[0]
        assert "'$width'" in template.warnings[0]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAME = st.sampled_from(["a", "b", "c", "seed", "width", "my input", "x.y"])


@st.composite
def graphs(draw):
    """Graphs with links between their own nodes, and markers on some saved values."""
    ids = draw(st.lists(st.from_regex(r"[0-9]{1,3}(:[0-9])?", fullmatch=True), min_size=1, max_size=6, unique=True))
    links = st.tuples(st.sampled_from(ids), st.integers(0, 3)).map(list)
    graph = {}
    for node_id in ids:
        inputs = draw(st.dictionaries(NAME, links | JSON, max_size=4))
        saved = [name for name, value in inputs.items() if value is not None and not is_link(value, dict.fromkeys(ids))]
        chosen = draw(st.lists(st.sampled_from(saved), unique=True)) if saved else []
        title = ", ".join(f"$p_{draw(st.sampled_from('xyz'))}_{number}_{node_id.replace(':', '_')}.{name}"
                          for number, name in enumerate(chosen))  # fmt: skip
        graph[node_id] = {"class_type": draw(st.sampled_from(["A", "B"])), "inputs": inputs, "_meta": {"title": title}}
    return graph


@given(graphs(), st.data())
def test_binding_changes_only_what_is_bound(graph, data):
    """The input stays as it was, the same values give the same graph, and no wire dangles or appears."""
    before = copy.deepcopy(graph)
    template = Template.read(graph)
    assert template.graph == before
    names = (
        data.draw(st.lists(st.sampled_from(sorted(template.parameters)), unique=True)) if template.parameters else []
    )
    values = {name: template.parameters[name].default for name in names}
    values |= {name: data.draw(st.integers(0, 99)) for name in names if type(values[name]) is int}
    bound = template.bind(values)
    again = Template.read(bound).bind(values)
    json.dumps(bound)
    assert graph == before
    assert again == bound == template.bind(values)
    bound_fields = {binding for name in values for binding in template.parameters[name].bindings}
    for node_id, each in graph.items():
        for name, value in each["inputs"].items():
            if (node_id, name) not in bound_fields:
                assert bound[node_id]["inputs"][name] == value
            assert is_link(value, graph) == is_link(bound[node_id]["inputs"][name], bound)
    bound["new"] = {}
    assert "new" not in template.graph
