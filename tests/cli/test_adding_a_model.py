"""The way that docs/adding-a-model.md tells, gone from the workflow to the tested preset."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from comfy_headless.simulator import Simulator
from tests.cli.program import ROOT, Program

PAGE = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")
DRAFT = Path("my_presets/my_mochi.toml")


class Shown(NamedTuple):
    """A command of the page, and the lines that it shows of the answer."""

    words: list[str]
    answer: list[str]


def shown() -> Iterator[Shown]:
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        first, *answer = block.splitlines()
        yield Shown(shlex.split(first.removeprefix("$ comfy-headless ")), answer)


def squeezed(text: str) -> str:
    return re.sub(r" +", " ", text)


def test_the_way(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command answers as the page shows it; with the TODO done, nothing fails, and the preset makes a video."""
    new, first, measured = shown()
    shutil.copytree(ROOT / "examples", folder / "examples")
    ran = program(*new.words)
    assert ran.code == 0 and ran.out.splitlines() == new.answer
    ran = program(*first.words)
    assert ran.code == 1 and all(squeezed(line) in squeezed(ran.out) for line in first.answer), ran.out
    done = re.sub(r"TODO", "looked up:", DRAFT.read_text(encoding="utf-8"))
    DRAFT.write_text(done, encoding="utf-8")
    with Simulator() as simulator:
        ran = program(*measured.words[:-1], simulator.url)
        assert ran.code == 0 and all(squeezed(line) in squeezed(ran.out) for line in measured.answer), ran.out
        assert "asked 13 got 13" in ran.out and "asked 8 got 7 (floored)" in ran.out
        monkeypatch.setenv("COMFY_HEADLESS_PRESETS", "my_presets")
        words = (
            "--preset",
            "my_mochi",
            "--untested",
            "--width",
            64,
            "--height",
            64,
            "--frames",
            7,
            "--out",
            "kite.mp4",
        )
        assert program("generate", "a red kite", *words, "--server", simulator.url).code == 0
    assert (folder / "kite.mp4").exists()
