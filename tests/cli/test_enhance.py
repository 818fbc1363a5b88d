"""--enhance and --style: the prompt is improved for the preset that is taken, and it is shown what was made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.ai.speaking import is_silent, says, speaking
from tests.cli.program import Program
from tests.cli.schemas import checked

GENERATE: Final = ("generate", "a red fox runs", "--preset", "wan_5b")
SMALL: Final = ("--width", "320", "--height", "192", "--frames", "5", "--untested", "--no-progress")
WRITTEN: Final = "In soft morning light a red fox runs through dewy grass."


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no engine."""
    for name in ("URL", "MODEL", "KEY", "ENGINE", "TIMEOUT"):
        monkeypatch.delenv(f"COMFY_HEADLESS_AI_{name}", raising=False)


@pytest.mark.parametrize("words", [("--enhance",), ("--style", "cinematic"), ("--enhance", "--style", "cinematic")])
def test_a_dry_run_shows_it(words: tuple[str, ...], program: Program) -> None:
    """Both texts, in words and as JSON; a style alone is enough."""
    ran = program(*GENERATE, *words, "--dry-run", "--seed", "7")
    assert ran.code == 0 and 'enhanced  "a red fox runs' in ran.out and "negative  " in ran.out
    assert "nodes; --json prints it" in ran.out  # compile knows no --enhance
    data = checked("dry-run.schema.json", program(*GENERATE, *words, "--dry-run", "--seed", "7", "--json").out)
    assert data["prompt"] == "a red fox runs" and data["enhanced"]["model"] == "wan_5b"
    assert data["enhanced"]["enhanced"] in json.dumps(data["graph"], ensure_ascii=False)
    assert data["enhanced"]["sent_to"] is None


def test_a_dry_run_shows_the_negative_prompt_that_goes(program: Program) -> None:
    """One of the caller's own stays, and is shown."""
    words = (*GENERATE, "--enhance", "--negative-prompt", "rain", "--dry-run", "--seed", "7")
    assert 'negative  "rain"' in program(*words).out
    assert checked("dry-run.schema.json", program(*words, "--json").out)["enhanced"]["negative"] == "rain"


def test_what_the_prompt_asks_for_and_is_not_made(program: Program) -> None:
    """Length and aspect are no part of the improvement: a note says what makes them."""
    words = ("generate", "a cat plays with a ball, vertical, 2 seconds", "--preset", "wan_5b", "--enhance", "--dry-run")
    told = program(*words).out
    assert "asks for 2 s, and 5.04 s are made; seconds=2 (--seconds 2) makes that" in told
    assert "asks for 9:16, and 1280x704 is made; width=704, height=1280 (--width 704 --height 1280) makes that" in told
    assert "asks for" not in program(*words, "--seconds", "2", "--width", "704", "--height", "1280").out


def test_without_it_the_prompt_stays(program: Program) -> None:
    """Nothing is improved unasked."""
    data = checked("dry-run.schema.json", program(*GENERATE, "--dry-run", "--json").out)
    assert data["enhanced"] is None and "a red fox runs" in json.dumps(data["graph"])


def test_a_style_that_is_none(program: Program) -> None:
    """It is an error that says which there are."""
    ran = program(*GENERATE, "--style", "cinematc", "--dry-run")
    assert ran.code == 2 and "did you mean 'cinematic'" in ran.err
    ran = program(*GENERATE, "--style")
    assert ran.code == 2 and "See comfy-headless generate --help" in ran.err


def test_a_language_model(program: Program, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it wrote is made, and it is said where the prompt went; one that fails is said and costs nothing."""
    answer = {"enhanced": WRITTEN, "negative": "", "additions": [], "reasoning": []}
    words = (*GENERATE, *SMALL, "--enhance", "--server", server, "--out", tmp_path / "a.mp4")
    with speaking(says(json.dumps(answer))) as speaker:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        ran = program(*words)
        assert ran.code == 0 and f"enhanced: {WRITTEN}" in ran.err
        assert f"the prompt was sent to the language model at {speaker.url}/v1" in ran.err
        dry = program(*GENERATE, "--enhance", "--dry-run").out
        assert dry.startswith("dry run: nothing was queued; the prompt went to the language model\n")
        assert f"sent to   {speaker.url}/v1" in dry
    assert program(*GENERATE, "--dry-run").out.startswith("dry run: nothing was sent\n")
    with speaking(is_silent) as speaker:
        monkeypatch.setenv("COMFY_HEADLESS_AI_URL", speaker.url)
        monkeypatch.setenv("COMFY_HEADLESS_AI_TIMEOUT", "0.1")
        queued = checked("queued.schema.json", program(*words[:-2], "--no-wait", "--json").out)
    assert queued["enhanced"]["engine"] == "embedded"
    assert "gave no whole answer in 0.1 s (COMFY_HEADLESS_AI_TIMEOUT gives" in queued["enhanced"]["notes"][-1]
