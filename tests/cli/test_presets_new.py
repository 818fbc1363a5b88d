"""`presets new`: what is written, what is told, and what is refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from comfy_headless.catalog.presets import VIDEO_PRESETS
from tests.cli.program import ROOT, Program

MOCHI = ROOT / "examples" / "mochi_workflow.json"


def test_two_files_are_written(program: Program, folder: Path) -> None:
    """Without a folder they go into ./presets; stdout has their paths, stderr what was found and what comes next."""
    code, out, err = program("presets", "new", "mine", "--from", MOCHI)
    preset = Path("presets/mine.toml")
    assert (code, out.split()) == (0, [str(preset), "presets/templates/mine_text.json"])
    for told in (
        "prompt (node 4), negative_prompt (node 5)",
        "vae: vae/mochi_vae.safetensors\n",
        f"next: edit {preset}, then comfy-headless presets test {preset} --simulate",
    ):
        assert told in err
    data = tomllib.loads(preset.read_text(encoding="utf-8"))
    shipped = VIDEO_PRESETS["mochi_short"].template("text")
    assert data["files"] == {role: file.key for role, file in VIDEO_PRESETS["mochi_short"].at("text").files.items()}
    assert data["settings"]["frames"]["value"] == shipped.parameters["frames"].default
    assert data["rules"]["frames"] | {"tested": None} == {
        "step": 6, "remainder": 1, "minimum": 7, "source": "frames", "tested": None
    }  # fmt: skip
    assert data["prompt"]["negative"]["value"] == "blurred, still"


def test_the_folder_of_the_environment(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that COMFY_HEADLESS_PRESETS names takes it, and from then on its name suffices."""
    own = folder / "own"
    own.mkdir()
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(own))
    code, out, err = program("presets", "new", "mine", "--from", MOCHI)
    assert code == 0 and out.startswith(str(own)) and "presets test mine --simulate" in err
    assert "mine" in VIDEO_PRESETS


def test_nothing_is_overwritten(program: Program, folder: Path) -> None:
    """A file that is there is an error before anything is written, unless it may be replaced."""
    words = ("presets", "new", "mine", "--from", MOCHI)
    assert program(*words).code == 0
    path = Path("presets/mine.toml")
    path.write_text("edited", encoding="utf-8")
    code, out, err = program(*words)
    assert (code, out) == (2, "") and f"{path} is there already" in err
    assert path.read_text(encoding="utf-8") == "edited"
    assert program(*words, "--overwrite").code == 0
    assert path.read_text(encoding="utf-8") != "edited"


def test_a_dry_run(program: Program, folder: Path) -> None:
    """The preset is printed, and nothing is written."""
    code, out, _ = program("presets", "new", "mine", "--from", MOCHI, "--dry-run")
    assert code == 0 and tomllib.loads(out)["name"] == "mine"
    assert list(folder.iterdir()) == []


REFUSED = {
    "--from none.json": "No such file",
    "--from browser.json": "has no nodes",
    "--from broken.json": "not JSON",
    "--from silent.json": "no node saves a video or an image",
}


@pytest.mark.parametrize("words", REFUSED)
def test_workflows_that_are_refused(program: Program, folder: Path, words: str) -> None:
    """What is no workflow that saves something is an error that says so."""
    (folder / "browser.json").write_text(json.dumps({"nodes": [], "links": []}))
    (folder / "broken.json").write_text("{")
    (folder / "silent.json").write_text(json.dumps({"1": {"class_type": "EmptyImage", "inputs": {}}}))
    code, out, err = program("presets", "new", "mine", *words.split())
    assert (code, out) == (2, "") and REFUSED[words] in err
    assert not (folder / "presets").exists()


@pytest.mark.parametrize("name", ["wan_5b", "Mine", "../mine", ""])
def test_names_that_are_refused(program: Program, folder: Path, name: str) -> None:
    """A name is one of a file, and of no other preset."""
    code, _, err = program("presets", "new", name, "--from", MOCHI)
    assert code == 2 and "name " in err
    assert not (folder / "presets").exists()
