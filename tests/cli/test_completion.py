"""Completion: the scripts for the shells, and what they offer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from comfy_headless.catalog.presets import IMAGE_PRESETS, PRESETS, VIDEO_PRESETS
from comfy_headless.cli.completion import SHELLS
from tests.cli.program import COMMAND, Program, environment

OFFERED = {
    "gen": ["generate"],
    "--json gen": ["generate"],
    "rec": ["recommend"],
    "recommend --task f": ["first_last"],
    "recommend --intent a": ["animal", "action", "abstract"],
    "presets ": ["list", "new", "schema", "show", "test"],
    "prompt ": ["analyze", "enhance", "expand"],
    "prompt enhance --style cine": ["cinematic"],
    "generate x --style cine": ["cinematic"],
    "image x --style cine": ["cinematic"],
    "prompt enhance --length ": ["short", "medium", "long"],
    "prompt enhance --language e": ["el", "en", "es"],
    "prompt enhance --engine o": ["openai", "ollama"],
    "prompt analyze --model cog": [
        "cogvideo",
        "cogvideox",
        *(name for name in PRESETS if name.startswith("cogvideo_")),
    ],
    "presets --json s": ["schema", "show"],
    "presets show ": list(PRESETS),
    "presets show wan_5": ["wan_5b"],
    "presets list --family h": ["hunyuan", "hunyuan15"],
    "presets list --packs n": ["none"],
    "presets list --task f": ["first_last"],
    "presets schema fa": ["family"],
    "generate --see": ["--seed"],
    "generate 'a red sun' --preset ": list(VIDEO_PRESETS),
    "image 'a red sun' --preset s": [name for name in IMAGE_PRESETS if name.startswith("s")],
    "compile --preset l": [name for name in PRESETS if name.startswith("l")],
    "generate x --sampler euler_a": ["euler_ancestral", "euler_ancestral_cfg_pp"],
    "compile x --scheduler kl": ["kl_optimal"],
    "generate --preset wan_5b --set tile_s": ["tile_size="],
    "generate --preset wan_5b --set image": [],
    "generate --preset ltx_standard --set image": ["image_strength=", "image_compression="],
    "generate --set image_": ["image_strength=", "image_compression=", "image_interleave=", "image_noise="],
    "generate --preset nonsense --set tile_s": ["tile_size="],
    "generate --preset wan_14b --file ": ["high_model=", "low_model=", "text_encoder=", "vae="],
    "image --preset sdxl_fast --file ch": ["checkpoint="],
    "simulate --device ": ["cuda", "cpu", "mps"],
    "generate --image ": [],
}


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "offered"), OFFERED.items(), ids=OFFERED)
def test_completed_words(folder: Path, typed: str, offered: list[str]) -> None:
    """Commands, options, and the values that are known are completed, without asking any server."""
    words = f"comfy-headless {typed}"
    place = len(words.replace("a red sun", "prompt").split()) - (not words.endswith(" "))
    variables = environment(_COMFY_HEADLESS_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(place))
    done = subprocess.run(COMMAND, cwd=folder, env=variables, capture_output=True, text=True, timeout=60)
    assert sorted(done.stdout.split()) == sorted(offered)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_broken_preset_file_stays_silent(folder: Path) -> None:
    """What is wrong with a preset of one's own is no matter while a name is typed."""
    (folder / "mine.toml").write_text("name = ")
    for typed in ("presets show ", "generate --set "):
        variables = environment(
            _COMFY_HEADLESS_COMPLETE="complete_bash",
            COMP_WORDS=f"comfy-headless {typed}",
            COMP_CWORD="3",
            COMFY_HEADLESS_PRESETS=str(folder),
        )
        done = subprocess.run(COMMAND, cwd=folder, env=variables, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script(program: Program, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    """A shell that is named gets its script, whatever shell is around; without a name it is that of $SHELL."""
    monkeypatch.setenv("SHELL", "/bin/other")
    code, out, err = program("--show-completion", shell)
    assert (code, err) == (0, "")
    assert "_COMFY_HEADLESS_COMPLETE" in out
    assert program("--json", "--show-completion", shell).json == {"shell": shell, "script": out.rstrip("\n")}
    monkeypatch.setenv("SHELL", f"/usr/local/bin/{shell}")
    assert program("--show-completion") == (code, out, err)


@pytest.mark.parametrize("flag", ["--show-completion", "--install-completion"])
def test_no_such_shell(program: Program, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    """A shell that is unknown, or cannot be known, is an error that names those there are."""
    monkeypatch.delenv("SHELL", raising=False)
    for words, said in (
        (["bsh"], "error: shell 'bsh': name one of bash, zsh"),
        ([], "error: no shell in $SHELL: name"),
        ([""], "error: shell '': name"),
        (["bash", "zsh"], "takes one shell, not 'bash zsh'"),
    ):
        code, out, err = program(flag, *words)
        assert (code, out) == (2, "")
        assert said in err


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".bash_completions/comfy-headless.sh"),
        ("zsh", ".zfunc/_comfy-headless"),
        ("fish", ".config/fish/completions/comfy-headless.fish"),
    ],
)
def test_installing(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch, shell: str, place: str) -> None:
    """The script that is shown is put where the shell finds it, and its path is the answer."""
    monkeypatch.setenv("HOME", str(folder))
    shown = program("--show-completion", shell).out
    code, out, err = program("--install-completion", shell)
    assert (code, out) == (0, f"{folder / place}\n")
    assert "begins in the next shell" in err
    assert (folder / place).read_text().strip() == shown.strip()


def test_a_home_that_cannot_be_written(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what failed, and how to get the script otherwise."""
    (folder / "file").touch()
    monkeypatch.setenv("HOME", str(folder / "file"))
    code, _, err = program("--install-completion", "fish")
    assert code == 1
    assert "cannot install completion for fish: " in err
    assert "--show-completion fish" in err


@pytest.mark.slow
def test_in_a_real_bash(program: Program, folder: Path) -> None:
    """The script completes in bash: a preset after a prompt in quotes, and file names where there is nothing else."""
    command = folder / "comfy-headless"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m comfy_headless "$@"\n')
    command.chmod(0o755)
    script = program("--show-completion", "bash").out + (
        "complete -p comfy-headless\n"
        'offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _comfy_headless_completion "$1"; echo ${COMPREPLY[*]}\n}\n'
        "offer comfy-headless gen\n"
        "offer comfy-headless generate \"'it is raining'\" --preset wan_5\n"
        "offer comfy-headless generate --image fir\n"
    )
    path = f"{folder}:{environment()['PATH']}"
    words = ["bash", "--norc", "-c", script]
    done = subprocess.run(words, env=environment(PATH=path), capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [
        "complete -o default -F _comfy_headless_completion comfy-headless",
        "generate",
        "wan_5b",
        "",
    ]
    assert done.stderr == ""
