"""Which file fills each role: tables of what servers list, what is taken of it, what is said, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.precisions import QUALITY, rank
from comfy_headless.catalog.preset import AtTask
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.catalog.roles import Filling, fill, place_file
from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.listed import file_name
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.transforms.files import as_listed

ALL_PACKS = Schemas.snapshot(Schemas.packs())
CORE = Schemas.snapshot()
ALL = [(name, task) for name, preset in PRESETS.items() for task in preset.tasks]
UMT5, VAE = "umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan2.2_vae.safetensors"
FP16, Q4, Q8 = "wan2.2_ti2v_5B_fp16.safetensors", "Wan2.2-TI2V-5B-Q4_K_M.gguf", "Wan2.2-TI2V-5B-Q8_0.gguf"
HIGH, LOW = "Wan2.2-T2V-A14B-HighNoise-", "Wan2.2-T2V-A14B-LowNoise-"

Files = Mapping[str, list[str]]


def at(name: str, task: Task = "text") -> AtTask:
    """A preset at one task."""
    return PRESETS[name].at(task)


def own(name: str, task: Task = "text") -> dict[str, list[str]]:
    """The preset's own files, by folder."""
    found: dict[str, list[str]] = {}
    for file in at(name, task).files.values():
        found.setdefault(file.folder, []).append(file.name)
    return found


def with_models(name: str, *models: str) -> Files:
    """The preset's own files, but these for its diffusion models."""
    return {**own(name), "diffusion_models": list(models)}


def facts(files: Files, schemas: Schemas = ALL_PACKS) -> ServerFacts:
    """A server with these files."""
    return ServerFacts(frozenset(schemas), {folder: frozenset(names) for folder, names in files.items()})


def filled(name: str, files: Files, task: Task = "text", schemas: Schemas = ALL_PACKS, **how: object) -> Filling:
    """The roles of a preset on a server with these files; if all are filled, the server takes the graph."""
    filling = fill(at(name, task), PRESETS.files, facts(files, schemas), **how)
    assert {*filling.roles, *(each.role for each in filling.missing)} == {*at(name, task).files}
    if not filling.missing:
        images = {"text": {}, "image": {"image": "a.png"}, "first_last": {"image": "a.png", "last_image": "b.png"}}
        compiled = WorkflowCompiler(PRESETS).compile(name, "a kite", **images[task], files=filling.files)
        report = check(compiled.graph, schemas.with_files(files, ["a.png", "b.png"]))
        assert report.ok, str(report)
        assert compiled.files == filling.files
    return filling


@pytest.mark.parametrize(("name", "task"), ALL)
def test_own_files_need_no_words(name: str, task: Task) -> None:
    """Every preset is filled by its own files, and nothing is said of it."""
    filling = filled(name, own(name, task), task)
    assert (filling.missing, filling.notes) == ((), ())
    assert filling.files == {role: file.name for role, file in at(name, task).files.items()}
    assert {each.how for each in filling.roles.values()} <= {"own"}


@pytest.mark.parametrize(("name", "task"), ALL)
def test_nothing_there(name: str, task: Task) -> None:
    """Of a server without files each role is told in one line: size, place, and where it is had."""
    filling = filled(name, {}, task)
    assert filling.roles == {}
    for each in filling.missing:
        assert each.line == f"{each.role}: {place_file(each.file)}"
        assert "\n" not in each.line and f"into ComfyUI/models/{each.file.folder}/, from " in each.line


@pytest.mark.parametrize(("name", "task"), ALL)
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_sub_folders(name: str, task: Task, separator: str) -> None:
    """Files in sub-folders, of Linux and of Windows, are named as listed, with a line each."""
    files = {
        folder: [separator.join(["video", "my own", each]) for each in names]
        for folder, names in own(name, task).items()
    }
    filling = filled(name, files, task)
    assert filling.missing == ()
    assert filling.notes == tuple(f"{role}: {each.listed}" for role, each in filling.roles.items())
    shouted = {folder: [each.upper() for each in names] for folder, names in files.items()}
    there = fill(at(name, task), PRESETS.files, facts(shouted)).missing == ()
    assert there == (separator == "\\" or not filling.roles)


@pytest.mark.parametrize(
    ("name", "files", "roles"),
    [
        ("ltx_quick", {"checkpoints": own("ltx_quick")["checkpoints"]}, ["text_encoder"]),
        ("wan_14b", {"vae": own("wan_14b")["vae"]}, ["text_encoder", "high_model", "low_model"]),
        ("wan_5b", {"checkpoints": own("ltx_quick")["checkpoints"]}, ["text_encoder", "vae", "model"]),
        ("hunyuan15_720p", {"diffusion_models": [FP16]}, ["model", "text_encoder", "second_text_encoder", "vae"]),
    ],
)
def test_what_is_short(name: str, files: Files, roles: list[str]) -> None:
    """What is missing is named by its role; a file of another preset fills none."""
    assert sorted(each.role for each in filled(name, files).missing) == sorted(roles)


@pytest.mark.parametrize(
    ("name", "there", "vram_gb", "taken"),
    [
        ("wan_5b", [Q4], None, [Q4]),
        ("wan_5b", [Q4, Q8], None, [Q8]),
        ("wan_5b", [Q4, Q8], 8.0, [Q8]),
        ("wan_5b", [Q4, Q8], 4.0, [Q4]),
        ("wan_5b", [Q4, Q8], 1.0, [Q4]),
        ("wan_5b", [Q8, FP16], 4.0, [FP16]),
        ("wan_14b", [f"{HIGH}Q8_0.gguf", f"gguf/{LOW}Q8_0.gguf"], 12.0, [f"{HIGH}Q8_0.gguf", f"gguf/{LOW}Q8_0.gguf"]),
        (
            "wan_14b",
            [f"{HIGH}Q8_0.gguf", f"{HIGH}Q4_K_M.gguf", f"w\\{LOW}Q4_K_M.gguf"],
            None,
            [f"{HIGH}Q4_K_M.gguf", f"w\\{LOW}Q4_K_M.gguf"],
        ),
        (
            "wan_14b",
            ["wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors", f"{HIGH}Q4_K_M.gguf", f"{LOW}Q4_K_M.gguf"],
            None,
            [f"{HIGH}Q4_K_M.gguf", f"{LOW}Q4_K_M.gguf"],
        ),
        (
            "wan_14b",
            ["wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors", f"{LOW}Q4_K_M.gguf"],
            None,
            ["wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors", f"{LOW}Q4_K_M.gguf"],
        ),
        (
            "hunyuan15_720p",
            ["h\\hunyuanvideo1.5_720p_t2v-Q4_K_M.gguf"],
            16.0,
            ["h\\hunyuanvideo1.5_720p_t2v-Q4_K_M.gguf"],
        ),
    ],
)
def test_other_precisions(name: str, there: list[str], vram_gb: float | None, taken: list[str]) -> None:
    """The own name first, then the best precision that fits, else the smallest; two experts in one if they can."""
    filling = filled(name, with_models(name, *there), vram_gb=vram_gb)
    models = {role: each for role, each in filling.roles.items() if role.endswith("model")}
    assert [each.listed for each in models.values()] == taken and filling.missing == ()
    for role, each in models.items():
        assert each.file is not None
        name_of = at(name).files[role].name
        different = f"{role}: {each.listed}, {each.file.precision}, in place of {name_of}"
        assert (different in filling.notes) == (each.listed != name_of)


def test_the_room_beside_the_weights_counts() -> None:
    """What a job needs beside the weights is taken off the card before a precision is chosen."""
    files = with_models("wan_5b", Q4, Q8)
    assert filled("wan_5b", files, vram_gb=8.0, room_gb=2.0).files["model"] == Q8
    assert filled("wan_5b", files, vram_gb=8.0, room_gb=4.0).files["model"] == Q4


def test_two_precisions_of_a_text_encoder() -> None:
    """A text encoder in another precision is taken, with its own loader, and said."""
    files = {**own("wan_5b"), "text_encoders": ["umt5/umt5_xxl_fp16.safetensors"]}
    filling = filled("wan_5b", files, vram_gb=8.0)
    assert filling.notes == (f"text_encoder: umt5/umt5_xxl_fp16.safetensors, fp16, in place of {UMT5}",)


def test_gguf_needs_its_loader() -> None:
    """On a server without ComfyUI-GGUF a GGUF file fills nothing, and the line says that it is there all the same."""
    files = with_models("wan_5b", f"a/{Q4}")
    (missing,) = filled("wan_5b", files, schemas=CORE).missing
    file = at("wan_5b").files["model"]
    pack = "the node pack ComfyUI-GGUF (GitHub city96/ComfyUI-GGUF)"
    assert missing.line == f"model: {place_file(file)}. a/{Q4} is there, but needs {pack}"
    with pytest.raises(ValidationError, match="the server has no UnetLoaderGGUF: the node pack ComfyUI-GGUF"):
        filled("wan_5b", files, schemas=CORE, given={"model": Q4})
    unknown = ServerFacts(frozenset(), facts(files).files)
    assert fill(at("wan_5b"), PRESETS.files, unknown).files["model"] == f"a/{Q4}"


def test_every_name_that_is_known_is_taken() -> None:
    """Each described file fills the roles of its network under each name that it goes by, and the server takes it."""
    for name in ("wan_14b", "wan_5b", "ltx_quick", "hunyuan15_720p"):
        for role, mine in at(name).files.items():
            same = [
                file
                for file in PRESETS.files.values()
                if file.folder == mine.folder
                and (file.key == mine.key or (mine.weights and file.weights == mine.weights))
            ]
            for listed in (each for file in same for each in (file.name, *file.also)):
                files = {**own(name), mine.folder: [*own(name)[mine.folder], f"x/{listed}"]}
                files[mine.folder].remove(mine.name)
                filling = filled(name, files)
                assert filling.files[role] == f"x/{listed}"
                assert bool(filling.notes) and file_name(listed) in filling.notes[0]


def test_a_merge_is_taken_when_it_is_named() -> None:
    """A file that nobody describes is never taken unasked; who names it gets it, by its own name or its whole path."""
    files = with_models("wan_14b", "merges\\myMerge_wan14b_high.safetensors", "merges\\myMerge_wan14b_low.safetensors")
    assert [each.role for each in filled("wan_14b", files).missing] == ["high_model", "low_model"]
    given = {"high_model": "myMerge_wan14b_high.safetensors", "low_model": "merges/mymerge_wan14b_LOW.safetensors"}
    filling = filled("wan_14b", files, given=given)
    assert filling.missing == ()
    assert filling.roles["high_model"].file is None and filling.roles["high_model"].how == "given"
    assert filling.notes == tuple(
        f"{half}_model: merges\\myMerge_wan14b_{half}.safetensors, as given, in place of "
        f"wan2.2_t2v_{half}_noise_14B_fp8_scaled.safetensors"
        for half in ("high", "low")
    )


def test_the_other_expert_follows_the_one_that_is_named() -> None:
    """If one expert is named in a precision, the other is taken in that one too, though its own file is there."""
    files = with_models("wan_14b", *own("wan_14b")["diffusion_models"], f"{HIGH}Q8_0.gguf", f"{LOW}Q8_0.gguf")
    filling = filled("wan_14b", files, given={"high_model": f"{HIGH}Q8_0.gguf"})
    assert filling.files["low_model"] == f"{LOW}Q8_0.gguf"


@pytest.mark.parametrize(
    ("name", "named", "said"),
    [
        ("wan_5b", {"modle": Q4}, r"wan_5b has no role 'modle'; did you mean 'model'\? It has: "),
        ("wan_5b", {"model": ""}, "files: model='': expected a file's name, as the server lists it"),
        ("wan_5b", {"model": 3}, "files: model=3: expected a file's name"),
        ("wan_5b", ["model"], r"files=\['model'\]: expected a role and a file's name for each"),
        (
            "wan_5b",
            {"model": "wan2.2_ti2v_5B_bf16.safetensors"},
            rf"model='wan2.2_ti2v_5B_bf16.safetensors': the server lists no such file in diffusion_models/; "
            rf"did you mean '{FP16}'\? It has .*{Q4}, .*{FP16}",
        ),
        ("wan_5b", {"model": VAE}, rf"It has .*\. {VAE} lies in vae/, where this role is not read from"),
        ("wan_5b", {"vae": "mine"}, r"no such file in vae/\. It has wan2.2_vae.safetensors$"),
        (
            "wan_5b",
            {"model": f"{HIGH}Q8_0.gguf"},
            r"Q8_0.gguf holds wan22_14b, and the role is for wan22_5b; wan_5b cannot use it",
        ),
        (
            "ltx_quick",
            {"checkpoint": "ltx-Q8_0.gguf"},
            "a GGUF file, and nothing that loads those can take its loader's",
        ),
        ("ltx_quick", {"text_encoder": UMT5}, "holds umt5_xxl, and the role is for t5xxl"),
    ],
)
def test_a_wrong_wish_is_an_error(name: str, named: object, said: str) -> None:
    """A role that there is not, a file that is not there, one that is known to be another network: each is named."""
    files = {
        **own(name),
        "diffusion_models": [FP16, Q4, f"{HIGH}Q8_0.gguf"],
        "checkpoints": ["ltx-Q8_0.gguf"],
        "text_encoders": [UMT5],
    }
    with pytest.raises(ValidationError, match=said):
        fill(at(name), PRESETS.files, facts(files), given=named)  # type: ignore[arg-type]


def test_gguf_beside_scaled_fp8() -> None:
    """A text encoder that goes with the other's GGUF file is taken, though its own name would come first.

    If there is none, the graph is refused before anything is sent.
    """
    scaled, half = "llava_llama3_fp8_scaled.safetensors", "llava_llama3_fp16.safetensors"
    wish = {"second_text_encoder": "clip_l-Q8_0.gguf"}
    files = {**own("hunyuan"), "text_encoders": [scaled, half, "clip_l-Q8_0.gguf"]}
    assert filled("hunyuan", files).files["text_encoder"] == scaled
    assert filled("hunyuan", files, given=wish).files["text_encoder"] == half
    files["text_encoders"].remove(half)
    with pytest.raises(ValidationError, match=f"clip_l-Q8_0.gguf and {scaled} do not go together"):
        filled("hunyuan", files, given=wish)


def test_gguf_beside_scaled_fp8_is_not_taken_unasked(tmp_path: Path) -> None:
    """Where nothing else is there, the role of the GGUF file is told as missing."""
    view = at("hunyuan")
    clip_l = view.files["second_text_encoder"].model_copy(update={"weights": "clip_l"})
    (tmp_path / "files.toml").write_text(
        '[[file]]\nname = "clip_l-Q8_0.gguf"\nfolder = "text_encoders"\nrepository = "me/x"\npath = "x"\n'
        'precision = "Q8_0"\nweights = "clip_l"\nsource = "mine"\n',
        encoding="utf-8",
    )
    view = replace(view, files={**view.files, "second_text_encoder": clip_l})
    there = facts({**own("hunyuan"), "text_encoders": ["clip_l-Q8_0.gguf", "llava_llama3_fp8_scaled.safetensors"]})
    filling = fill(view, ModelFiles([tmp_path]), there)
    assert [each.role for each in filling.missing] == ["second_text_encoder"]


def test_a_long_list_is_cut() -> None:
    """Of many files a few are shown, and how many more there are."""
    with pytest.raises(ValidationError, match=r"x07.safetensors and 92 more$"):
        files = with_models("wan_5b", *(f"x{number:02}.safetensors" for number in range(100)))
        filled("wan_5b", files, given={"model": "nothing like it"})


def test_several_places_of_one_name() -> None:
    """A file that lies in two sub-folders is taken from the nearer, and the other is told."""
    files = {**own("wan_5b"), "vae": [f"long/{VAE}", f"b/{VAE}"]}
    assert filled("wan_5b", files).notes == (
        f"vae: b/{VAE}",
        f"vae: {VAE} lies in vae/ as b/{VAE} and as long/{VAE}; the first was taken",
    )


@given(st.sampled_from(ALL), st.lists(st.sampled_from(sorted(PRESETS.files)), unique=True), st.floats(2, 100))
def test_what_fills_a_role_is_there(case: tuple[str, Task], keys: list[str], vram_gb: float) -> None:
    """Whatever a server has: what is taken is listed there and of the role's network, and the rest is told."""
    name, task = case
    files: dict[str, list[str]] = {}
    for key in keys:
        files.setdefault(PRESETS.files[key].folder, []).append(PRESETS.files[key].name)
    for role, each in filled(name, files, task, vram_gb=vram_gb).roles.items():
        mine = at(name, task).files[role]
        assert each.file is not None and each.listed in files[mine.folder]
        assert each.file == mine or each.file.weights == mine.weights is not None


def test_every_precision_has_its_place() -> None:
    """Each precision that a file is described in is in the table, in any letters."""
    words = {word for line in QUALITY for word in line}
    assert {file.precision for file in PRESETS.files.values()} <= words
    assert rank("q8_0") == rank("Q8_0") < rank("fp8_scaled") < rank("Q2_K") < rank("whatever")


@pytest.mark.parametrize("lower", ["fp16", "Q8_0"])
def test_a_precision_of_a_file_that_is_named(lower: str) -> None:
    """A variant of precision finds the network of a file in a sub-folder, and its loader goes along."""
    done = WorkflowCompiler().compile("wan_5b", "x", files={"model": f"video\\{Q4}"}, precision=lower)
    assert done.files["model"] == {"fp16": FP16, "Q8_0": Q8}[lower]
    loader = {"fp16": "UNETLoader", "Q8_0": "UnetLoaderGGUF"}[lower]
    assert loader in [node["class_type"] for node in done.graph.values()]


def test_a_precision_under_another_name() -> None:
    """A precision that was asked for is found under each name that its file goes by, listed or given."""
    tried = 0
    for name in ("wan_1.3b", "wan_5b", "wan21_14b", "mochi", "hunyuan"):
        own_file = at(name).files["model"]
        same = [each for each in PRESETS.files.values() if each.weights == own_file.weights and each.weights]
        for file, other in ((each, other) for each in same for other in each.also):
            done = WorkflowCompiler().compile(name, "x", precision=file.precision)
            taken = as_listed(done.graph, {file.folder: [f"a/{other}"]}, other_names=PRESETS.files.other_names()).graph
            assert f"a/{other}" in [node["inputs"].get("unet_name") for node in taken.values()]
            given = {"model": f"a/{other}"}
            assert WorkflowCompiler().compile(name, "x", precision=file.precision, files=given).files["model"] == (
                f"a/{other}"
            )
            tried += 1
    assert tried
