"""`presets test`: the table, its exit code, and what a preset that is wrong shows."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import NodeFails
from tests.cli.program import Program, finish, process
from tests.cli.test_presets_new import MOCHI
from tests.faults.clients import until


def states(program: Program, *words: object) -> dict[str, str]:
    """Each check that was made, and how it ended."""
    told = program("presets", "test", *words, "--json").json
    return {f"{one['task'] or 'all'}: {one['check']}": one["state"] for one in told["checks"]}


def test_offline(program: Program) -> None:
    """Without a server all is checked that can be, and the rest was not tried; nothing failed, so the code is 0."""
    code, out, err = program("presets", "test", "wan_5b", "--task", "text")
    assert (code, err) == (0, "")
    assert "text: accepted" in out and "image:" not in out
    assert out.splitlines()[-1] == "6 ok, 7 not tried"
    assert "not tried  text: size" in out and "no server is named" in out


@pytest.mark.parametrize("name", ["wan_5b", pytest.param("mochi_short", marks=pytest.mark.slow)])
def test_a_shipped_preset_holds(program: Program, name: str) -> None:
    """On the simulator every check of a shipped preset is ok."""
    assert set(states(program, name, "--simulate").values()) == {"ok"}


@pytest.mark.slow
def test_what_was_made_is_kept(program: Program, folder: Path) -> None:
    """The files of the runs lie in the folder that is named, one folder for each."""
    assert program("presets", "test", "wan_5b", "--simulate", "--task", "text", "--keep", "kept").code == 0
    names = {path.name: [file.suffix for file in path.iterdir()] for path in (folder / "kept").iterdir()}
    ends = ("smallest", "more", "frames_between", "size_between")
    assert names == {f"wan_5b_text_{end}": [".mp4"] for end in ends}


def drafted(program: Program, *changes: tuple[str, str]) -> Path:
    """A draft, with pieces of its text replaced."""
    assert program("presets", "new", "mine", "--from", MOCHI, "--out", "own", "--overwrite").code == 0
    path = Path("own/mine.toml")
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
def test_rules_that_are_wrong(program: Program, folder: Path) -> None:
    """A rule that allows what the node changes fails, with what was asked and what came."""
    loose = (("step = 6\nremainder = 1", "step = 1\nremainder = 0"), ("multiple = 16", "multiple = 2"))
    code, out, _ = program("presets", "test", drafted(program, *loose), "--simulate")
    assert code == 1
    assert "any, at least 7: asked 9 got 7, asked 10 got 7: the rule allows what is not made" in out
    assert "asked 66x68 got 64x64" in out or "asked 64x66 got 64x64" in out


def test_a_draft_is_runnable_and_not_done(program: Program, folder: Path) -> None:
    """A draft runs at once; its TODO are listed with file and line, and fail."""
    path = drafted(program)
    told = states(program, path, "--simulate")
    assert {name for name, state in told.items() if state != "ok"} == {"all: todo", "all: sources"}
    code, out, _ = program("presets", "test", path)
    assert code == 1 and 'mine.toml:5: title = "TODO' in out


def test_a_preset_that_cannot_be_read(program: Program, folder: Path) -> None:
    """The reader's own words are told, and the rest was not tried."""
    path = drafted(program, ("step = 6", "step = 0"))
    for words in ([path, "--simulate"], [path]):
        code, out, _ = program("presets", "test", *words)
        assert code == 1
        assert out.startswith("FAIL       reads") and "rules.frames.step = 0" in out
        assert "the preset cannot be read" in out and "no server is named" not in out


def test_a_server_that_lacks_something(program: Program, folder: Path) -> None:
    """Missing files are named with the place they belong in, and nothing is run."""
    with Simulator(files={}) as simulator:
        code, out, _ = program("presets", "test", "wan_5b", "--server", simulator.url, "--task", "text")
        assert simulator.requests and not any("prompt" in each.path for each in simulator.requests)
    assert code == 1
    assert "wan2.2_vae.safetensors (1.4" in out and "into ComfyUI/models/vae/" in out
    assert "the server lacks something" in out


def test_a_lacking_file_that_nobody_looked_up(program: Program, folder: Path) -> None:
    """Where the file is had is not guessed from a TODO."""
    vae = 'vae = "vae/mochi_vae.safetensors"\n'
    table = '[files.vae]\nname = "v.safetensors"\nfolder = "vae"\nrepository = "TODO owner/name"\npath = "TODO"\n'
    path = drafted(program, (vae, ""), ("[licence]", f'{table}precision = "fp16"\nsource = "TODO"\n\n[licence]'))
    with Simulator() as simulator:
        out = program("presets", "test", path, "--server", simulator.url).out
    assert "v.safetensors into ComfyUI/models/vae/, from where its preset does not say yet" in out


@pytest.mark.slow
def test_runs_that_fail(program: Program, folder: Path) -> None:
    """What a server says against the smallest run is told; what builds on it was not tried, and nothing is kept."""
    with Simulator(faults=[NodeFails("shapes do not fit", node="KSampler")]) as simulator:
        told = states(program, "wan_5b", "--server", simulator.url, "--task", "text", "--keep", folder / "kept")
    assert told["text: runs"] == "fail" and not (folder / "kept").exists()
    assert {told[f"text: {name}"] for name in ("size", "frames", "fps", "sound")} == {"not tried"}


@pytest.mark.parametrize("words", ["wan5b", "none.toml", "wan_5b --task first_last", "wan_5b --simulate --server x"])
def test_wrong_use(program: Program, folder: Path, words: str) -> None:
    """An unknown preset, file or task is an error, and no table."""
    code, out, err = program("presets", "test", *words.split())
    assert (code, out) == (2, "") and err.startswith("error:")


@pytest.mark.slow
def test_an_interrupt_cancels_the_run(folder: Path) -> None:
    """Ctrl-C cancels the run that is under way, says so, and starts no other."""
    with Simulator(step_seconds=0.5) as simulator:
        started = process("presets", "test", "wan_5b", "--server", simulator.url, cwd=folder)
        until(lambda: bool(simulator.jobs_run))
        started.send_signal(signal.SIGINT)
        code, out, err = finish(started)
        assert (code, out) == (130, "")
        assert f"prompt {simulator.jobs[0]}: cancelled on the server" in err
        assert len(simulator.jobs) == 1


@pytest.mark.slow
def test_progress_is_on_stderr(folder: Path) -> None:
    """Each run is announced on stderr with its values; stdout has the table alone."""
    ran = finish(process("presets", "test", "wan_5b", "--task", "text", "--simulate", cwd=folder))
    assert ran.code == 0, ran.err
    assert "text, frames between (3 of 4): width 64, height 96, frames 10" in ran.err
    assert ran.out.startswith("ok  reads")
    assert json.loads(finish(process("presets", "test", "wan_5b", "--json", cwd=folder)).out)["ok"] is True
