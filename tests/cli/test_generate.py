"""`generate`: a prompt in, a video out, and everything that can be wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_headless.media.probe import probe
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Interrupt, NodeFails, OutOfMemory, RefuseOutput, SpoilOutput
from tests.cli.program import Program, draw

SMALL = ("--preset", "wan_5b", "--width", "320", "--height", "192", "--frames", "9", "--steps", "3", "--untested")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A simulated server of the test's own, for faults."""
    with Simulator() as simulator:
        yield simulator


def test_a_prompt_in_a_video_out(program: Program, folder: Path) -> None:
    """The README's line makes a video without any server, and prints its path."""
    code, out, err = program("generate", "a sunset over the sea", "--simulate", "--out", "sunset.mp4")
    assert (code, out) == (0, "sunset.mp4\n")
    assert "simulated server" in err
    assert probe(folder / "sunset.mp4").frames > 48


def test_the_settings_arrive(program: Program, folder: Path, server: str) -> None:
    """Size, length and rate asked for are those of the file."""
    code, out, _ = program("generate", "x", *SMALL, "--fps", "16", "--server", server, "--out", "clip.mp4")
    assert (code, out) == (0, "clip.mp4\n")
    made = probe(folder / "clip.mp4")
    assert (made.width, made.height, made.frames, made.fps) == (320, 192, 9, 16)


def test_the_default_name(program: Program, folder: Path, server: str) -> None:
    """Without --out the file is <preset>_<seed>.mp4 here, and nothing is overwritten unless asked."""
    words = ("generate", "x", *SMALL, "--seed", "7", "--server", server)
    assert program(*words).out == "wan_5b_7.mp4\n"
    assert program(*words).out == "wan_5b_7-2.mp4\n"
    assert program(*words, "--overwrite").out == "wan_5b_7.mp4\n"
    assert program(*words, "--out", "clips/").out == "clips/wan_5b_7.mp4\n"


def test_a_first_image(program: Program, folder: Path, server: str) -> None:
    """--image is uploaded and chooses the task."""
    first = draw(folder / "first.png")
    told = program("generate", "it moves", *SMALL, "--image", first, "--server", server, "--json").json
    assert Path(told["path"]).is_file()
    assert told["settings"]["width"] == 320


def test_the_answer_in_json(program: Program, server: str) -> None:
    """--json prints the result as one object, and nothing on stderr."""
    code, out, err = program("generate", "x", *SMALL, "--seed", "7", "--server", server, "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["status"], told["seed"], told["preset"]) == ("completed", 7, "wan_5b")
    assert told["files"] == [told["path"]]
    assert (told["server"], told["simulated"]) == (server, False)
    assert any("untested" in note for note in told["notes"])


def test_progress_goes_to_stderr(program: Program, server: str) -> None:
    """Percent, node and step are told on stderr; --json is silent unless --progress is given."""
    words = ("generate", "x", *SMALL, "--server", server)
    told = program(*words).err
    assert re.search(r"^ *\d+\.\d% +KSampler \(node \d+\), step 3 of 3", told, re.MULTILINE)
    assert "100.0%" in told
    assert "100.0%" not in program(*words, "--no-progress").err
    assert "100.0%" not in program(*words, "--json").err
    assert "100.0%" in program(*words, "--json", "--progress").err


def test_what_should_be_known_is_said(program: Program, server: str) -> None:
    """The preset that was chosen, and values outside of what was tested, are told on stderr, each once."""
    err = program("generate", "x", "--server", server).err
    assert err.count("the best for a video from text") == 1
    assert "note: untested: 320x192" in program("generate", "x", *SMALL, "--server", server).err


def test_what_the_look_found_is_a_warning(program: Program, simulator: Simulator) -> None:
    """A black video is there, and a warning on stderr says so; what was known before stays a note."""
    simulator.add(SpoilOutput("black", times=2))
    code, out, err = program("generate", "x", *SMALL, "--server", simulator.url, "--out", "dark.mp4")
    assert (code, out) == (0, "dark.mp4\n")
    assert re.search(r"^warning: .*black", err, re.MULTILINE)
    assert re.search(r"^note: untested", err, re.MULTILINE)
    code, out, err = program("generate", "x", *SMALL, "--server", simulator.url, "--json")
    told = json.loads(out)
    assert (code, err, told["looked"]) == (0, "", True)
    assert "black" in " ".join(told["warnings"])
    assert "untested" in " ".join(told["notes"])


def test_strict(program: Program, folder: Path, simulator: Simulator) -> None:
    """--strict makes an error of what the look finds; the file is kept and its path is named."""
    simulator.add(SpoilOutput("black", times=2))
    words = ("generate", "x", *SMALL, "--server", simulator.url, "--out", "dark.mp4", "--strict")
    code, out, err = program(*words)
    assert (code, out) == (1, "")
    assert "error: dark.mp4 is made and kept, but looks wrong:\n" in err
    assert "black" in err
    told = program(*words, "--json").json["error"]
    assert (told["type"], told["path"]) == ("ResultSuspectError", "dark-2.mp4")
    assert "black" in told["warnings"][0]
    assert probe(folder / told["path"]).frames == 9
    assert program(*words[:-3], "--out", "good.mp4", "--strict").code == 0


def test_no_wait(program: Program, folder: Path, server: str) -> None:
    """--no-wait prints the id as soon as the server has the job, and says what brings the files."""
    words = ("generate", "x", *SMALL, "--seed", "7", "--server", server, "--no-wait")
    code, out, err = program(*words)
    prompt_id = out.strip()
    assert code == 0
    assert err.splitlines()[-1].endswith(f"comfy-headless jobs fetch {prompt_id} --server {server}")
    assert "note: untested: 320x192" in err
    assert program("jobs", "fetch", prompt_id, "--server", server).out == "wan_5b_7.mp4\n"
    code, out, err = program(*words, "--json")
    told = json.loads(out)
    assert (code, err, told["seed"], told["preset"], told["server"]) == (0, "", 7, "wan_5b", server)
    assert told["settings"]["frames"] == 9
    assert program("jobs", "cancel", told["prompt_id"], "--server", server).code == 0


WRONG = {
    "--no-wait and --simulate: the simulated server ends with this command": ["--no-wait", "--simulate"],
    "--no-wait and --timeout: nobody waits for the job here": ["--no-wait", "--timeout", "3"],
    "--no-wait and --strict": ["--no-wait", "--strict"],
    "--no-wait and --progress": ["--no-wait", "--progress"],
    "--no-wait and --out": ["--no-wait", "--out", "x.mp4"],
    "give it to comfy-headless jobs fetch": ["--no-wait", "--overwrite"],
    "use --strict": ["--set", "strict=1"],
    "use --no-wait": ["--set", "wait=0"],
    "no preset 'wan5b'; did you mean 'wan_5b'?": ["--preset", "wan5b"],
    "width=1000 is not possible: it must be a multiple of 32; nearest: 992 or 1024": ["--width", "1000"],
    "frames=50 is not possible": ["--frames", "50"],
    "steps=0: expected at least 1": ["--steps", "0"],
    "frames=-9: expected at least 1": ["--frames", "-9"],
    "(--untested)": ["--width", "320"],
    "wan_5b has no setting 'motion'": ["--set", "motion=3"],
    "expected NAME=VALUE": ["--set", "motion"],
    "steps is given twice: --steps 3 and --set steps=4": ["--steps", "3", "--set", "steps=4"],
    "is given twice: '1' and '2'": ["--set", "a=1", "--set", "a=2"],
    "use --image": ["--set", "image=x.png"],
    "image='none.png': No such file": ["--image", "none.png"],
    "image='empty.png' is empty": ["--image", "empty.png"],
    "is no image": ["--image", "text.png"],
    "seed=-2": ["--seed", "-2"],
    "timeout=0": ["--timeout", "0"],
    "the server will make .mp4, not .avi": ["--out", "x.avi"],
    "cannot write to": ["--out", "empty.png/x.mp4"],
    "is not an address": ["--server", "ftp://x"],
    "give one of them": ["--server", "localhost:1", "--simulate"],
}


@pytest.mark.parametrize(("message", "words"), WRONG.items(), ids=[" ".join(words) for words in WRONG.values()])
def test_wrong_use(
    program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch, message: str, words: list[str]
) -> None:
    """What is wrong is said before anything is sent, as a block and as an object, with exit code 2."""
    monkeypatch.setenv("COMFY_HEADLESS_URL", "http://127.0.0.1:9")  # nothing answers there: asking it would be code 3
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("not an image")
    preset = [] if "--preset" in words else ["--preset", "wan_5b"]
    code, out, err = program("generate", "x", *preset, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    code, out, err = program("generate", "x", *preset, *words, "--json")
    assert (code, err) == (2, "")
    assert message in json.loads(out)["error"]["message"]


def test_no_prompt(program: Program) -> None:
    """A prompt or an image is needed."""
    assert "needs a PROMPT" in program("generate").err
    assert program("generate", "--json").code == 2


def test_nobody_answers(program: Program) -> None:
    """An address where nothing answers is exit code 3, and the message says how to go on."""
    code, out, err = program("generate", "x", "--server", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert "http://127.0.0.1:9" in err
    assert "comfy-headless simulate" in err
    told = program("generate", "x", "--server", "http://127.0.0.1:9", "--json").json["error"]
    assert (told["type"], told["may_still_run"]) == ("ComfyUIOfflineError", False)


def test_the_server_refuses(program: Program, simulator: Simulator) -> None:
    """A refused graph is exit code 4, with the server's own words."""
    simulator.add(RefuseOutput())
    code, _, err = program("generate", "x", *SMALL, "--server", simulator.url)
    assert code == 4
    assert err.splitlines()[0].startswith("error: ")
    simulator.add(RefuseOutput())
    told = program("generate", "x", *SMALL, "--server", simulator.url, "--json").json["error"]
    assert told["type"] == "GenerationRejectedError"
    assert told["node_errors"]


def test_a_missing_file_is_named(program: Program) -> None:
    """Which files, and where they belong; one exit code, whether a preset is named or not."""
    with Simulator(files={}) as bare:
        for words in ((), ("--dry-run",), SMALL):
            code, _, err = program("generate", "x", *words, "--server", bare.url)
            assert code == 4
            assert "ComfyUI/models/" in err


def test_the_server_fails(program: Program, simulator: Simulator) -> None:
    """A node that fails is exit code 1, with its name and the server's message."""
    simulator.add(NodeFails("shapes do not fit", node="KSampler"))
    code, out, err = program("generate", "x", *SMALL, "--server", simulator.url)
    assert (code, out) == (1, "")
    assert re.search(r"^error: node \d+ \(KSampler\) failed on the server: RuntimeError: shapes do not fit", err, re.M)
    assert "Traceback" not in err


def test_out_of_memory(program: Program, simulator: Simulator) -> None:
    """Running out of memory is exit code 1 and says what takes less, in options and not in arguments."""
    simulator.add(OutOfMemory(node="KSampler"))
    code, _, err = program("generate", "x", *SMALL, "--server", simulator.url)
    assert code == 1
    assert "next steps down:\n  --precision " in err.replace("\n         ", "\n")
    assert "precision=" not in err
    assert "try: one of these, or all by itself: --on-oom lighter" in err


def test_out_of_memory_goes_down(program: Program, simulator: Simulator) -> None:
    """--on-oom lighter ends with a file and says what was changed; --no-wait has nobody who could go down."""
    simulator.add(OutOfMemory(node="VAEDecodeTiled"))
    words = ["generate", "x", *SMALL, "--server", simulator.url, "--on-oom", "lighter"]
    code, out, err = program(*words)
    assert (code, out.count(".mp4")) == (0, 1)
    assert "warning: out of memory at node" in err and "tile_size=256" in err.replace("\n", "")
    assert program(*words, "--no-wait").code == 2


def test_cancelled_by_another(program: Program, simulator: Simulator) -> None:
    """A job that somebody else stops is exit code 1 and says so."""
    simulator.add(Interrupt())
    code, _, err = program("generate", "x", *SMALL, "--server", simulator.url)
    assert code == 1
    assert "interrupted on the server: somebody cancelled the job" in err


def test_timed_out(program: Program) -> None:
    """A deadline that passes is exit code 5; the prompt was cancelled on the server."""
    with Simulator(step_seconds=1.0) as slow:
        code, _, err = program("generate", "x", *SMALL, "--server", slow.url, "--timeout", "0.5")
        assert code == 5
        assert "cancelled on the server" in err
        assert "try: give it longer" in err


def test_debug_shows_the_traceback(program: Program) -> None:
    """--debug adds the traceback, and the block still ends it."""
    err = program("generate", "x", "--server", "http://127.0.0.1:9", "--debug").err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("error: ")


def test_what_became_of_the_frames_is_told(program: Program, folder: Path) -> None:
    """The summary says how much larger and smoother than sampled a video is, and the file is so."""
    words = "--preset wan_5b --width 320 --height 192 --frames 9 --untested --upscale 2 --interpolate 3"
    code, _, err = program("generate", "rain", "--simulate", "--out", "rain.mp4", *words.split())
    assert code == 0
    assert "320x192, 9 frames at 24 fps, 2 times as large, 3 times the frames" in err
    found = probe(folder / "rain.mp4")
    assert (found.width, found.height, found.frames, found.fps) == (640, 384, 25, 72)
    assert "warning" not in err


def test_how_long_it_may_take(program: Program, server: str) -> None:
    """--within chooses among presets where none is named, in --dry-run too; with --preset it is a mistake."""
    quick, slow = (
        program("generate", "x", "--server", server, "--dry-run", *words).out for words in ((), ("--within", "2h"))
    )
    assert "preset   wan_fast (text)" in quick and "preset   wan_14b (text)" in slow
    code, _, err = program("generate", "x", "--server", server, "--preset", "wan_5b", "--within", "10m")
    assert code == 2 and "within=600" in err
    code, _, err = program("generate", "x", "--server", server, "--within", "soon")
    assert code == 2 and "'soon'" in err
