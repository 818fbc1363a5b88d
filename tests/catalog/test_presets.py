"""Presets: the built-in ones, a user's own, and every way a preset file can be wrong."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import comfy_headless
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.files import FILES
from comfy_headless.catalog.models import COMMON, ImageModel, VideoModel
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.presets import IMAGE_PRESETS, PRESETS, VIDEO_PRESETS, PresetLibrary, no_preset
from comfy_headless.catalog.reading import FAMILY
from comfy_headless.config import presets_folder, user_preset_folders
from comfy_headless.errors import ValidationError
from tests.catalog.invented import PRESET, graph, node, write

BUILTIN = sorted(
    path.stem
    for path in presets_folder().rglob("*.toml")
    if path.name not in ("family.toml", "files.toml", "networks.toml", "cards.toml")
)
EIGHT = {"draft", "fast", "quality", "hd", "portrait", "landscape", "cinematic", "square"}
VIDEOS = [name for name in BUILTIN if name in VIDEO_PRESETS]


class TestLibrary:
    """VIDEO_PRESETS and folders beside it."""

    def test_it_is_a_read_only_mapping(self):
        """Presets are had by name, each of them reads, and none can be put in."""
        assert {"wan_5b", "ltx_standard"} <= set(VIDEO_PRESETS)
        assert len(VIDEO_PRESETS) == len(list(VIDEO_PRESETS)) >= 2
        assert all(VIDEO_PRESETS[name].name == name for name in VIDEO_PRESETS)
        assert "ltx" not in VIDEO_PRESETS
        assert VIDEO_PRESETS.get("ltx") is None
        with pytest.raises(TypeError):
            VIDEO_PRESETS["mine"] = VIDEO_PRESETS["wan_5b"]

    def test_a_preset_is_read_once(self):
        """The second access gives the same object."""
        assert VIDEO_PRESETS["wan_5b"] is VIDEO_PRESETS["wan_5b"]

    @pytest.mark.parametrize("name", VIDEOS)
    def test_str_is_one_readable_line(self, name):
        """Family, tasks, size, length, needs and licence in one line."""
        line = str(VIDEO_PRESETS[name])
        assert "\n" not in line
        assert len(line) < 200
        assert re.search(r"\d+x\d+, \d+ frames at \d+ fps", line)
        assert "GB VRAM" in line

    @pytest.mark.parametrize("name", VIDEOS)
    def test_a_built_in_preset_stands_in_its_familys_folder(self, name):
        """presets/<family>/<preset>.toml, and the model is one of VideoModel."""
        preset = VIDEO_PRESETS[name]
        assert preset.path.parent.name == preset.family
        assert isinstance(preset.model, VideoModel)
        assert set(preset.tasks) & {"text", "image", "first_last"}

    @pytest.mark.parametrize("name", list(IMAGE_PRESETS))
    def test_a_preset_for_images_has_no_length(self, name):
        """It is one of IMAGE_PRESETS and not of VIDEO_PRESETS, of an ImageModel, and its line says the size alone."""
        preset = IMAGE_PRESETS[name]
        assert name not in VIDEO_PRESETS
        assert VIDEO_PRESETS.get(name) is None
        assert preset.path.parent.name == preset.family
        assert isinstance(preset.model, ImageModel)
        assert re.search(r"text to image, \d+x\d+, (draft|standard|quality), \d+ GB VRAM", str(preset))
        assert not {"frames", "fps", "seconds"} & set(preset.defaults("text"))

    def test_both_image_models_have_the_same_eight(self):
        """Each of the eight names is there for Z-Image, and with sdxl_ for SDXL, which ranks below all of those."""
        ranks = {name: preset.needs.rank.value for name, preset in IMAGE_PRESETS.items()}
        sdxl = {name for name in ranks if name.startswith("sdxl_")}
        assert {name.removeprefix("sdxl_") for name in sdxl} == ranks.keys() - sdxl == EIGHT
        assert max(ranks[name] for name in sdxl) < min(ranks[name] for name in EIGHT)
        assert len(set(ranks.values())) == len(ranks)

    @pytest.mark.parametrize("family", sorted({PRESETS[name].family for name in BUILTIN}))
    def test_no_source_is_unused(self, family):
        """Each line of [sources], of a preset or its family, is a source of something that stands there."""
        folder = presets_folder() / family
        texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.toml") if path.name != FILES}
        used = {name: set(re.findall(r'source = "(\w+)"', text)) for name, text in texts.items()}
        for name, text in texts.items():
            users = set().union(*used.values()) if name == FAMILY else used[name]
            assert set(tomllib.loads(text).get("sources", {})) <= users, name

    def test_a_users_folder_is_read_beside_the_built_in_ones(self, tmp_path):
        """A preset of one's own, with its own template, counts like the others."""
        write(tmp_path)
        library = PresetLibrary([tmp_path])
        assert set(library) == {*BUILTIN, "two_stages"}
        assert library["two_stages"].value("width") == 640
        assert library["wan_5b"].name == "wan_5b"

    def test_a_template_may_lie_beside_its_preset_or_be_a_built_in_one(self, tmp_path):
        """A template is looked for beside the TOML, in templates/, then among the shipped ones."""
        write(tmp_path)
        (tmp_path / "templates" / "two_stages_text.json").rename(tmp_path / "two_stages_text.json")
        assert PresetLibrary([tmp_path])["two_stages"].template("text").graph == graph()
        shipped, own = presets_folder() / "wan", tmp_path / "own"
        own.mkdir()
        for name in ("family.toml", "wan_5b.toml"):
            text = (shipped / name).read_text(encoding="utf-8").replace('"wan_5b"', '"my_wan"')
            (own / name.replace("wan_5b", "my_wan")).write_text(text, encoding="utf-8")
        library = PresetLibrary([tmp_path])
        assert library["my_wan"].template("image").graph == library["wan_5b"].template("image").graph

    def test_the_environment_names_folders(self, tmp_path):
        """COMFY_HEADLESS_PRESETS holds folders separated as in PATH; empty parts are none."""
        write(tmp_path / "one")
        write(tmp_path / "two", name="other")
        paths = os.pathsep.join(["", str(tmp_path / "one"), str(tmp_path / "two")])
        assert user_preset_folders({"COMFY_HEADLESS_PRESETS": paths}) == (tmp_path / "one", tmp_path / "two")
        assert user_preset_folders({}) == ()
        code = "from comfy_headless.catalog.presets import PRESETS as p; print(*p); print(p['other'].title)"
        done = run(code, Path(comfy_headless.__file__).parents[1], COMFY_HEADLESS_PRESETS=paths)
        assert {"two_stages", "other", *BUILTIN} == set(done[0].split())
        assert done[1] == "Invented"

    def test_a_built_in_preset_is_not_shadowed(self, tmp_path):
        """A second preset of a name is an error that names both files."""
        path = write(tmp_path, name="wan_5b")
        with pytest.raises(ValidationError) as error:
            list(PresetLibrary([tmp_path]))
        assert "two presets are named 'wan_5b'" in str(error.value)
        assert str(path) in str(error.value)
        assert str(presets_folder() / "wan" / "wan_5b.toml") in str(error.value)

    def test_a_name_that_is_like_no_other(self, tmp_path, monkeypatch):
        """It may be one of the caller's own: the error says where those are looked for."""
        monkeypatch.delenv("COMFY_HEADLESS_PRESETS", raising=False)
        assert str(no_preset("zebra", ["wan_5b"])).endswith("found in COMFY_HEADLESS_PRESETS (which is not set)")
        monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(tmp_path))
        assert str(no_preset("zebra", ["wan_5b"])).endswith(f"COMFY_HEADLESS_PRESETS ({tmp_path})")
        assert str(no_preset("wan5b", ["wan_5b"])) == "no preset 'wan5b'; did you mean 'wan_5b'? There are: wan_5b"

    def test_a_missing_folder_is_an_error(self, tmp_path):
        """A folder that is named must be there."""
        with pytest.raises(ValidationError, match=r"presets folder '.*nowhere' does not exist"):
            list(PresetLibrary([tmp_path / "nowhere"]))

    def test_an_edited_file_counts_at_once(self, tmp_path):
        """A change of the TOML or of a template is seen at the next access."""
        path = write(tmp_path)
        library = PresetLibrary([tmp_path])
        assert library["two_stages"].value("steps") == 40
        rewrite(path, "value = 40", "value = 30")
        assert library["two_stages"].value("steps") == 30
        rewrite(tmp_path / "templates" / "two_stages_text.json", '"scheduler": "simple"', '"scheduler": "beta"')
        assert library["two_stages"].template("text").graph["3"]["inputs"]["scheduler"] == "beta"

    def test_a_later_file_is_found(self, tmp_path):
        """A preset that is added while the program runs is there."""
        library = PresetLibrary([tmp_path])
        assert "two_stages" not in library
        write(tmp_path)
        assert library["two_stages"].title == "Invented"


def rewrite(path, old, new):
    """Change a file, and its time for certain."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    before = path.stat().st_mtime_ns
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def run(code, checkout, **environ):
    """Run Python with that checkout first on its path; give its lines."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COMFY_HEADLESS")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**clean, "PYTHONPATH": str(checkout), **environ}, cwd=checkout,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.slow
def test_an_edited_preset_is_seen_in_an_editable_install(tmp_path):
    """An editable install is a line in a .pth file: what is edited in the checkout is what counts.

    hatchling 1.33 also copies ``presets`` into site-packages/comfy_headless; that copy must not win.
    """
    checkout = Path(comfy_headless.__file__).parents[1]
    copy = tmp_path / "checkout"
    for name in ("comfy_headless", "presets"):
        shutil.copytree(checkout / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=120)
    base = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=base))
    site.joinpath("_editable.pth").write_text(f"{copy}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    shutil.copytree(copy / "presets", site / "comfy_headless" / "presets")
    python = Path(sysconfig.get_path("scripts", scheme="venv", vars=base)) / Path(sys.executable).name
    code = "from comfy_headless.catalog.presets import VIDEO_PRESETS as v; print(v['wan_5b'].value('steps'))"

    def steps():
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        done = subprocess.run(
            [python, "-c", code], env=clean, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    assert steps() == "20"
    rewrite(copy / "presets" / "wan" / "wan_5b.toml", "steps = { value = 20", "steps = { value = 21")
    assert steps() == "21"


FILE = PRESET[PRESET.index("[files.model]") : PRESET.index("\n\n[needs]")]

WRONG = {
    "not TOML": ('tier = "draft"', "tier = draft", ["not a TOML file", "line 7"]),
    "unknown key": ('tier = "draft"', 'tier = "draft"\ncolour = "red"', ["unknown key 'colour'", "There are: name,"]),
    "unknown table": ("[rules.size.tested]", "[rules.size.testet]",
                      ["unknown key 'rules.size.testet'; did you mean 'tested'? There are: multiple"]),
    "unknown key of a file": ("folder = ", "fodler = ", ["'files.model.folder' is missing",
                              "unknown key 'files.model.fodler'; did you mean 'folder'?"]),
    "unknown key of a setting": ("maximum = 255", "maxmum = 255",
                                 ["unknown key 'setting.motion.maxmum'; did you mean 'maximum'?"]),
    "missing key": ('title = "Invented"\n', "", ["'title' is missing"]),
    "unknown tier": ('tier = "draft"', 'tier = "dreft"', ["tier = 'dreft'", "'draft', 'standard' or 'quality'"]),
    "unknown model": ('model = "WAN"', 'model = "WON"', ["model = 'WON': no such model; there are: LTXV"]),
    "unknown task": ('image = "two_stages_image"', 'picture = "two_stages_image"',
                     ["unknown key 'tasks.picture': expected 'text', 'image' or 'first_last'"]),
    "another name": ('name = "two_stages"', 'name = "two"', ["name = 'two', expected the file's own name"]),
    "missing template": ('text = "two_stages_text"', 'text = "two_stages_txt"',
                         ["tasks.text = 'two_stages_txt': no such template; did you mean 'two_stages_text'?"]),
    "no source": ('cfg = { value = 3.5, source = "paper" }',
                  "cfg = { value = 3.5 }", ["'settings.cfg.source' is missing"]),
    "a value without its table": ('cfg = { value = 3.5, source = "paper" }', "cfg = 3.5",
                                  ["settings.cfg = 3.5: expected a table of value, source, fixed"]),
    "unknown source": ('cfg = { value = 3.5, source = "paper" }', 'cfg = { value = 3.5, source = "papr" }',
                       ["two_stages.toml: settings.cfg.source = 'papr' is not in [sources]; there are: paper"]),
    "a file that nobody describes": (FILE, '[files]\nmodel = "diffusion_models/wan2.2_ti2v_5B_fp1.safetensors"',
                                     ["files.model = 'diffusion_models/wan2.2_ti2v_5B_fp1.safetensors': no files.toml",
                                      "did you mean 'diffusion_models/wan2.2_ti2v_5B_fp16.safetensors'?"]),
    "a file of no kind": (FILE, "[files]\nmodel = 7", ["files.model = 7"]),
    "unknown setting": ("cfg = {", "cgf = {", ["settings.cgf: no such setting; did you mean 'cfg'?"]),
    "text for a number": ("steps = { value = 40", 'steps = { value = "many"', ["steps='many': expected a whole"]),
    "true for a number": ("steps = { value = 40", "steps = { value = true", ["settings.steps.value", "True"]),
    "steps 0": ("steps = { value = 40", "steps = { value = 0", ["steps=0: expected at least 1"]),
    "impossible width": ("width = { value = 640", "width = { value = 650", ["width=650", "nearest: 640 or 704"]),
    "untested width": ("width = { value = 640", "width = { value = 704", ["704x384 (tested: 640x384 or 384x640)"]),
    "impossible length": ("frames = { value = 33", "frames = { value = 34", ["frames=34", "nearest: 33 or 37"]),
    "sampler that no node has": ('value = "euler"', 'value = "eulr"', ["sampler='eulr'", "did you mean 'euler'"]),
    "out of the node's range": ("cfg = { value = 3.5", "cfg = { value = 350", ["cfg=350.0: too big, the most is 100"]),
    "impossible default": ("default = 127", "default = 300", ["motion=300: too big, the most is 255"]),
    "default of another kind": ("default = 127", 'default = "much"', ["motion='much': expected a whole number"]),
    "from nowhere": ('from = "steps"', 'from = "stps"', ["handover follows from 'stps'"]),
    "unknown rule": ('rule = "handover"', 'rule = "third"', ["handover.rule = 'third'", "'two_thirds' or 'handover'"]),
    "default and from": ("default = 127", 'default = 127\nfrom = "steps"\nrule = "half"', ["either a default or"]),
    "neither": ("default = 127\n", "", ["setting.motion", "either a default or 'from' and 'rule'"]),
    "rule without from": ('from = "steps"\n', "", ["'from' and 'rule' go together"]),
    "setting without marker": ("[setting.motion]", "[setting.motions]", ["$motion.motion_bucket_id", "'motions'"]),
    "role without marker": ("[files.model]", "[files.modell]", ["$model.unet_name is not known",
                            "'modell'", "in [files]"]),
    "common name declared": ("[setting.motion]", "[setting.shift]", ["the name 'shift' is used twice"]),
    "one name twice": ("[setting.motion]", "[setting.model]", ["the name 'model' is used twice"]),
    "negative size": ("size_gb = 1.0", "size_gb = -1.0", ["files.model.size_gb = -1.0"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_preset_file_names_file_key_and_what_exists(case, tmp_path):
    """Nothing in a preset file is ignored or guessed."""
    old, new, messages = WRONG[case]
    path = write(tmp_path, change=[(old, new)])
    with pytest.raises(ValidationError) as error:
        PresetLibrary([tmp_path])["two_stages" if path.stem == "two_stages" else path.stem]
    assert str(tmp_path) in str(error.value)
    for message in messages:
        assert message in str(error.value)


def changed(task, number, **parts):
    """The template with one node changed or added."""
    nodes = graph(image=task == "image")
    nodes[number] = {**nodes.get(number, {}), **parts}
    return {task: nodes}


TEMPLATES = {
    "unknown marker": (changed("text", "9", **node("X", "$motin.a", a=1)),
                       ["two_stages_text.json: node 9: marker $motin.a is not known", "did you mean 'motion'?"]),
    "malformed marker": (changed("text", "7", _meta={"title": "$prompt!.text"}),
                         ["two_stages_text.json: node 7 (CLIPTextEncode)", "position 9"]),
    "no output": (changed("text", "6", _meta={"title": "Save"}), ["no title says which output is meant"]),
    "image in a text template": (changed("text", "9", **node("LoadImage", "$~image.image!", image="x.png")),
                                 ["tasks.text", "takes no $image"]),
    "no image in an image template": (changed("image", "7", _meta={"title": "Image"}), ["needs a marker $~image"]),
    "browser format": ({"text": {"nodes": [], "links": []}}, ["browser format", "convert_workflow"]),
}  # fmt: skip


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_template_that_does_not_fit_its_preset_is_refused(case, tmp_path):
    """Every marker has a value, every value a marker, and the images are those of the task."""
    templates, messages = TEMPLATES[case]
    write(tmp_path, **templates)
    with pytest.raises(ValidationError) as error:
        PresetLibrary([tmp_path])["two_stages"]
    for message in messages:
        assert message in str(error.value)


def test_a_setting_that_only_a_fixed_schedule_knows_needs_no_marker(tmp_path):
    """A fixed setting may be without a marker; any other may not."""
    schedule = graph()
    schedule["3"]["_meta"]["title"] = schedule["3"]["_meta"]["title"].replace("$steps.steps, ", "")
    image = graph(image=True)
    image["3"]["_meta"]["title"] = schedule["3"]["_meta"]["title"]
    write(tmp_path, text=schedule, image=image)
    with pytest.raises(ValidationError, match=r"'steps' has no marker \$steps"):
        PresetLibrary([tmp_path])["two_stages"]
    write(tmp_path, text=schedule, image=image, change=[("value = 40,", 'value = 40, fixed = "it is a list",')])
    assert PresetLibrary([tmp_path])["two_stages"].defaults("text")["steps"] == 40


def test_a_size_may_be_there_as_its_half_only(tmp_path):
    """A template whose upscaler makes the size has no marker for it; what it doubles is nobody's choice."""
    nodes = graph()
    nodes["4"]["_meta"]["title"] = "The whole"
    image = graph(image=True)
    image["4"]["_meta"]["title"] = "The whole"
    half = ('rule = "half"', 'rule = "half"\nfixed = "it is doubled exactly"')
    write(tmp_path, text=nodes, image=image, change=[half])
    compiler = WorkflowCompiler(PresetLibrary([tmp_path]))
    compiled = compiler.compile("two_stages", "x", width=640)
    assert compiled.graph["2"]["inputs"]["width"] == 320
    assert compiler.compile("two_stages", "x", width=640, half_width=320).graph["2"] == compiled.graph["2"]
    with pytest.raises(ValidationError, match="half_width=256 is not possible, only 320: it is doubled exactly"):
        compiler.compile("two_stages", "x", width=640, half_width=256)


def test_the_file_format_has_a_json_schema():
    """Editors can check a preset file: the schema lists the keys as the file spells them."""
    schema = Preset.model_json_schema(by_alias=True)
    assert {"name", "tasks", "settings", "setting", "rules", "sources"} <= set(schema["properties"])
    assert {"from", "rule", "default"} <= set(schema["$defs"]["Declared"]["properties"])
    assert "seconds" in COMMON
