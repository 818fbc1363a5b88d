"""Where a local ComfyUI looks for models and where a new one goes, with and without an extra_model_paths.yaml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from comfy_headless.config import comfyui_folder
from comfy_headless.errors import ValidationError
from comfy_headless.models.tree import read_tree
from tests.models import tiny

CASES = {
    "two places for a folder": (
        "mine:\n  base_path: {base}\n  vae: models/vae\n  text_encoders: |\n    te/one\n    te/two\n",
        {
            "vae": ["{tree}/models/vae", "{base}/models/vae"],
            "text_encoders": ["{tree}/models/text_encoders", "{tree}/models/clip", "{base}/te/one", "{base}/te/two"],
        },
        {},
    ),
    "old names": (
        "mine:\n  base_path: {base}\n  unet: u\n  clip: c\n",
        {
            "diffusion_models": ["{tree}/models/unet", "{tree}/models/diffusion_models", "{base}/u"],
            "text_encoders": ["{tree}/models/text_encoders", "{tree}/models/clip", "{base}/c"],
        },
        {},
    ),
    "a default": (
        "mine:\n  base_path: {base}\n  is_default: true\n  loras: l\nother:\n  loras: /elsewhere\n",
        {"loras": ["{base}/l", "{tree}/models/loras", "/elsewhere"]},
        {"loras": "{base}/l"},
    ),
    "two defaults": (
        "mine:\n  is_default: true\n  loras: |\n    /one\n    /two\n",
        {"loras": ["/two", "/one", "{tree}/models/loras"]},
        {"loras": "/two"},
    ),
    "a default of the folder's own": (
        "mine:\n  base_path: {tree}\n  is_default: true\n  unet: models/diffusion_models\n",
        {"diffusion_models": ["{tree}/models/diffusion_models", "{tree}/models/unet"]},
        {"diffusion_models": "{tree}/models/diffusion_models"},
    ),
    "no base": ("mine:\n  vae: near/vae\n", {"vae": ["{tree}/models/vae", "{tree}/near/vae"]}, {}),
    "a base beside the file": (
        "mine:\n  base_path: near\n  vae: vae\n",
        {"vae": ["{tree}/models/vae", "{tree}/near/vae"]},
        {},
    ),
    "a base of the environment": (
        "mine:\n  base_path: $MODELS_HERE/x\n  vae: vae\n",
        {"vae": ["{tree}/models/vae", "{base}/x/vae"]},
        {},
    ),
    "an empty entry": ("mine:\nother:\n  vae: /v\n", {"vae": ["{tree}/models/vae", "/v"]}, {}),
    "comments": ("# as it is shipped\n", {}, {}),
    "a folder of its own": (
        "mine:\n  base_path: {base}\n  my_pack: p\n",
        {"my_pack": ["{tree}/models/my_pack", "{base}/p"]},
        {},
    ),
}
"""All but the last and the comments were compared with the folder_names_and_paths of a ComfyUI 0.30.0."""


@pytest.mark.parametrize("name", CASES)
def test_extra_paths(name: str, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read as ComfyUI reads it: bases, several lines, old names, a default that comes first."""
    text, places, defaults = CASES[name]
    monkeypatch.setenv("MODELS_HERE", str(tmp_path))
    spots = {"base": str(tmp_path), "tree": str(tree)}
    (tree / "extra_model_paths.yaml").write_text(text.format(**spots))
    read = read_tree(tree)
    assert read.named.keys() == places.keys()
    for folder, paths in places.items():
        assert [str(path) for path in read.places(folder)] == [path.format(**spots) for path in paths]
        own = tree / "models" / folder
        assert read.target(folder) == (Path(defaults[folder].format(**spots)) if folder in defaults else own)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mine: [", "not a YAML file"),
        ("- vae", r"\['vae'\]: expected names with folders below each"),
        ("mine: models", "mine: 'models': expected model folders and their paths"),
        ("mine:\n  vae: [a, b]\n", r"mine.vae=\['a', 'b'\]: expected a path, or several, one a line"),
        ("mine:\n  base_path: 3\n  vae: v\n", "mine.base_path=3: expected a path"),
    ],
)
def test_extra_paths_that_are_wrong(text: str, why: str, tree: Path) -> None:
    """What ComfyUI would not start with is told with the file's name and the key."""
    (tree / "extra_model_paths.yaml").write_text(text)
    with pytest.raises(ValidationError, match=f"extra_model_paths.yaml: {why}"):
        read_tree(tree)


def test_a_file_of_extra_paths_that_is_named(tree: Path, tmp_path: Path) -> None:
    """Files that ComfyUI is given by its command line count beside the one in its folder."""
    (tree / "extra_model_paths.yaml").write_text("mine:\n  vae: /one\n")
    more = tmp_path / "desktop.yaml"
    more.write_text("mine:\n  vae: two\n")
    assert read_tree(tree, extra_paths=[more]).places("vae") == (tree / "models/vae", Path("/one"), tmp_path / "two")
    with pytest.raises(ValidationError, match=r"none.yaml: cannot be read: No such file"):
        read_tree(tree, extra_paths=[tmp_path / "none.yaml"])


def test_files_by_the_names_that_comfyui_lists(tree: Path, tmp_path: Path) -> None:
    """Sub-folders, links to folders, a circle of links, both folders of one kind; the first of a name counts."""
    one = tiny.put(tree / "models/unet/x.safetensors", b"1")
    tiny.put(tree / "models/diffusion_models/x.safetensors", b"2")
    two = tiny.put(tree / "models/diffusion_models/wan/y.safetensors", b"3")
    three = tiny.put(tmp_path / "far/z.safetensors", b"4")
    (tree / "models/diffusion_models/far").symlink_to(three.parent)
    (three.parent / "back").symlink_to(tree / "models/diffusion_models")
    assert read_tree(tree).files("diffusion_models") == {
        "x.safetensors": one,
        "wan/y.safetensors": two,
        "far/z.safetensors": tree / "models/diffusion_models/far/z.safetensors",
    }
    assert read_tree(tree).target("diffusion_models") == tree / "models/diffusion_models"


def test_what_is_a_comfyui(tmp_path: Path) -> None:
    """An install, a base folder without code and the desktop app's folder are; else it is said what was expected."""
    for signs in (("main.py",), ("custom_nodes",), ("models/checkpoints",)):
        folder = tmp_path / signs[0].replace("/", "_")
        (folder / "models").mkdir(parents=True)
        (folder / signs[0]).mkdir()
        assert read_tree(folder).folder == folder
    near = re.escape(str(tmp_path / "portable/ComfyUI"))
    tiny.comfyui(tmp_path / "portable/ComfyUI")
    for wrong in (tmp_path / "portable", tmp_path / "portable/ComfyUI/models"):
        with pytest.raises(ValidationError, match=f"expected the folder of a ComfyUI.*; did you mean '{near}'"):
            read_tree(wrong)
    with pytest.raises(ValidationError, match="none': there is no such folder"):
        read_tree(tmp_path / "none")
    with pytest.raises(ValidationError, match=r"main.py': it is no folder; did you mean"):
        read_tree(tmp_path / "portable/ComfyUI/main.py")
    with pytest.raises(ValidationError, match="no ComfyUI folder is named"):
        read_tree()


def test_the_folder_of_the_environment(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument counts first, then COMFY_HEADLESS_COMFYUI; the user's home may stand as a tilde."""
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(tree))
    assert read_tree().folder == tree
    assert comfyui_folder("/other") == Path("/other")
    assert comfyui_folder(None, {"COMFY_HEADLESS_COMFYUI": "~/x"}) == Path.home() / "x"
    assert comfyui_folder("", {}) is None
