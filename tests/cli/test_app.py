"""The program as a whole: version, help, wrong words, exit codes, pipes, faults of its own."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_headless import __version__, errors
from comfy_headless.cli import endings
from tests.cli.program import ROOT, Program, environment, finish, process

JOBS = ("jobs list", "jobs watch", "jobs cancel", "jobs fetch")
COMMANDS = (
    "generate",
    *JOBS,
    "presets list",
    "presets show",
    "prompt analyze",
    "prompt enhance",
    "prompt expand",
    "compile",
    "run",
    "simulate",
    "features",
)
WRONG = (
    ("generat",),
    ("--widht", "5"),
    ("generate", "x", "--widht", "5"),
    ("generate", "x", "--width", "wide"),
    ("generate", "x", "--width"),
    ("generate", "x", "y"),
    ("presets",),
    ("presets", "show"),
    ("jobs",),
    *(tuple(words.split()) for words in JOBS[1:]),
    ("prompt",),
    ("prompt", "analyze"),
    ("prompt", "enhance"),
    ("prompt", "expand"),
    ("compile", "x"),
    ("run",),
    ("simulate", "--device", "abacus"),
)


def test_version(program: Program) -> None:
    """--version prints the version, as JSON too."""
    assert program("--version") == (0, f"comfy-headless {__version__}\n", "")
    assert program("--version", "--json").json == {"version": __version__}


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(program: Program, command: str, flag: str) -> None:
    """Every command explains itself, and the program tells its exit codes."""
    code, out, err = program(*command.split(), flag)
    assert (code, err) == (0, "")
    assert "Usage: comfy-headless" in out
    assert "130 interrupted" in " ".join(out.split()) or command


def test_no_command_shows_the_help(program: Program) -> None:
    """Without a command the help is shown, and the exit code is that of wrong use."""
    code, out, _ = program()
    assert code == 2
    assert "generate" in out
    assert program("--json").json["error"]["type"] == "ValidationError"


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_words(program: Program, words: tuple[str, ...]) -> None:
    """Wrong use is exit code 2 and one block that names the help, without a traceback."""
    code, out, err = program(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.rstrip().endswith("--help")
    assert len(err.splitlines()) == 1


NUMBERS = ("width", "height", "frames", "seconds", "fps", "steps", "cfg", "shift", "seed")
TYPED = [
    *(("generate x", f"--{name}") for name in (*NUMBERS, "timeout")),
    *(("compile x --preset wan_5b", f"--{name}") for name in NUMBERS),
    ("run x.json", "--timeout"),
    ("jobs list", "--limit"),
    ("jobs fetch x", "--timeout"),
    *(("simulate", f"--{name}") for name in ("port", "vram-gb", "ram-gb", "step-seconds")),
]


@pytest.mark.parametrize(("command", "option"), TYPED, ids=[" ".join(pair) for pair in TYPED])
def test_a_number_that_is_none(program: Program, command: str, option: str) -> None:
    """The error names the option and what was typed."""
    code, _, err = program(*command.split(), option, "abc")
    assert code == 2
    assert err.startswith(f"error: Invalid value for '{option}': 'abc' is no ")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("generate x --preset wan_5b --simulate", "--out"),
        ("generate x --preset wan_5b --simulate", "--image"),
        ("generate x --preset wan_5b --simulate", "--last-image"),
        ("run x.json --simulate", "--out"),
        ("compile x --preset wan_5b", "--out"),
        ("simulate --port 99999", "--output-folder"),
    ],
)
def test_an_empty_path(program: Program, folder: Path, command: str, option: str) -> None:
    """A path that is empty, as an unset variable leaves it, is an error and not the current folder."""
    code, _, err = program(*command.split(), option, "")
    assert code == 2
    assert err.startswith(f"error: Invalid value for '{option}'")
    assert ": '' is no path" in err
    assert list(folder.iterdir()) == []


def test_a_wrong_choice(program: Program) -> None:
    """The error names what was typed and what there is, without words of the libraries below."""
    told = "error: Invalid value for '--device': 'gpu' is not one of 'cuda', 'cpu', 'mps'."
    assert program("simulate", "--device", "gpu").err.startswith(told)


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_words_in_json(program: Program, words: tuple[str, ...]) -> None:
    """With --json wrong use is one object on stdout too, wherever the flag stands."""
    for all_words in ((*words, "--json"), ("--json", *words)):
        code, out, err = program(*all_words)
        assert (code, err) == (2, "")
        assert json.loads(out)["error"]["type"] == "ValidationError"


@pytest.mark.parametrize("words", [("presets", "list"), ("presets", "show", "wan_5b"), ("features",)], ids=" ".join)
def test_shared_flags_stand_anywhere(program: Program, words: tuple[str, ...]) -> None:
    """--json and --debug mean the same before the command, before the sub-command, and after both."""
    told = program(*words, "--json")
    for place in range(len(words)):
        assert program(*words[:place], "--json", *words[place:]) == told
        assert program(*words[:place], "--debug", "--json", *words[place:]).json == told.json


def test_a_shared_flag_after_two_dashes_is_a_word(program: Program) -> None:
    """What follows -- is no flag."""
    told = program("compile", "--preset", "wan_5b", "--json", "--", "--json")
    assert "--json" in [node["inputs"].get("text") for node in told.json["graph"].values()]


def test_a_near_name_is_offered(program: Program) -> None:
    """A misspelt command or option names the nearest one."""
    assert "'generate'" in program("generat").err
    assert "--width" in program("generate", "x", "--widht", "5").err


def test_every_error_has_an_exit_code() -> None:
    """The table gives each error of the package the documented code."""
    codes = {
        name: next(ending.code for ending in endings.ENDINGS if issubclass(kind, ending.error))
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.ComfyHeadlessError)
    }
    assert codes == {
        "ComfyHeadlessError": 1,
        "ComfyUIConnectionError": 3,
        "ComfyUIOfflineError": 3,
        "FeatureMissingError": 2,
        "GenerationFailedError": 1,
        "GenerationRejectedError": 4,
        "GenerationTimeoutError": 5,
        "MediaError": 1,
        "ModelDownloadError": 1,
        "OutOfMemoryError": 1,
        "ResultSaveError": 1,
        "ResultSuspectError": 1,
        "ValidationError": 2,
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_without_the_extra_one_line_says_how_to_get_it(folder: Path, as_json: bool) -> None:
    """Without typer and rich the program says what to install: one line, or one object, and exit code 2."""
    words = ["features", "--json"] if as_json else ["features"]
    bare = "import sys; sys.path.insert(0, sys.argv.pop(1)); from comfy_headless.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-S", "-c", bare, str(ROOT), *words], capture_output=True, text=True, cwd=folder, timeout=60
    )
    assert done.returncode == 2
    told = json.loads(done.stdout)["error"]["message"] if as_json else done.stderr
    assert "pip install" in told
    assert "[cli]" in told
    assert len((done.stdout + done.stderr).splitlines()) == 1 or as_json
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", ["presets show wan_5b", "presets list --json", "generate --help"])
def test_a_reader_that_goes_away(folder: Path, words: str) -> None:
    """A closed pipe ends nothing with a traceback."""
    started = process(*words.split(), cwd=folder)
    assert started.stdout is not None
    started.stdout.close()
    started.stdout = None
    assert "Traceback" not in (done := finish(started)).err
    assert "Exception" not in done.err


@pytest.mark.slow
def test_a_job_outlives_the_reader_of_its_progress(folder: Path, server: str) -> None:
    """A closed stderr does not lose the video."""
    started = process("generate", "x", "--preset", "wan_5b", "--server", server, "--out", "x.mp4", cwd=folder)
    assert started.stderr is not None
    started.stderr.close()
    started.stderr = None
    assert finish(started).code == 0
    assert (folder / "x.mp4").stat().st_size > 1000


@pytest.mark.slow
def test_a_fault_of_the_program_is_a_block_too(folder: Path) -> None:
    """An exception that nobody expected is told as a fault of the program, its traceback only with --debug."""
    (folder / "broken.py").write_text(
        "import sys\nfrom comfy_headless.cli import app, extras, main\n"
        "app.app.registered_commands[-1].callback = lambda: (lambda terminal: 1 / 0)\nsys.exit(main())\n"
    )
    for flags, traceback in (([], False), (["--debug"], True), (["--json"], False)):
        done = subprocess.run(
            [sys.executable, "broken.py", *flags, "features"],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) == traceback
        if "--json" in flags:
            assert json.loads(done.stdout)["error"]["type"] == "ZeroDivisionError"
        else:
            assert "error: ZeroDivisionError: division by zero\ntry: this is a fault of comfy-headless" in done.stderr


def test_debug_names_the_request_that_broke(program: Program) -> None:
    """A refused connection is a line of the log too."""
    assert "GET /system_stats broke: refused: " in program("generate", "x", "--server", "localhost:9", "--debug").err
