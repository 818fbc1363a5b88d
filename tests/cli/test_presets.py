"""`presets list`, `presets show` and `features`."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_headless import FEATURES, list_missing_features
from comfy_headless.catalog.presets import VIDEO_PRESETS
from tests.cli.program import Program


def test_the_list(program: Program) -> None:
    """Each preset is one line that begins with its name."""
    code, out, err = program("presets", "list")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(VIDEO_PRESETS)
    told = program("presets", "list", "--json").json["presets"]
    assert [one["name"] for one in told] == list(VIDEO_PRESETS)
    assert told[0]["summary"] == str(VIDEO_PRESETS[told[0]["name"]])


@pytest.mark.parametrize("name", list(VIDEO_PRESETS))
def test_one_preset(program: Program, name: str) -> None:
    """A preset is shown with its settings, its files and where they belong, and its licence."""
    preset = VIDEO_PRESETS[name]
    code, out, err = program("presets", "show", name)
    assert (code, err) == (0, "")
    for text in (
        *preset.settings,
        *preset.declared,
        preset.licence.name,
        *(file.name for file in preset.model_files().values()),
    ):
        assert text in out
    told = program("presets", "show", name, "--json").json
    assert (told["name"], told["path"]) == (name, str(preset.path))
    assert told["settings"]["frames"]["value"] == preset.value("frames")


def test_an_unknown_preset(program: Program) -> None:
    """An unknown name offers the nearest one."""
    code, out, err = program("presets", "show", "wan5b")
    assert (code, out) == (2, "")
    assert "no preset 'wan5b'; did you mean 'wan_5b'?" in err


def test_a_folder_of_ones_own(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets of COMFY_HEADLESS_PRESETS are listed like the built-in ones; a missing folder is an error."""
    own = folder / "own"
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(own))
    assert program("presets", "list").code == 2
    own.mkdir()
    text = VIDEO_PRESETS["wan_5b"].path.read_text(encoding="utf-8")
    (own / "mine.toml").write_text(text.replace('name = "wan_5b"', 'name = "mine"'), encoding="utf-8")
    assert "mine" in [line.split()[0] for line in program("presets", "list").out.splitlines()]


def test_features(program: Program) -> None:
    """Each extra is told with what installs it where it is missing."""
    code, out, err = program("features")
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()] == [
        [extra, "yes" if there else "no"] for extra, there in FEATURES.items()
    ]
    told = program("features", "--json").json
    assert told == {"features": dict(FEATURES), "missing": list_missing_features()}
