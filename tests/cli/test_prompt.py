"""`prompt`: prompts out of a template, and what is said where none come."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.program import COMMAND, Program, environment
from tests.cli.schemas import checked

TEMPLATE = "a {red|blue} __animal__ in ${place:the snow}"


@pytest.fixture
def lists(folder: Path) -> Path:
    """A folder of lists."""
    (folder / "lists").mkdir()
    (folder / "lists/animal.txt").write_text("fox\nheron\n")
    return folder / "lists"


def test_expanded(program: Program, lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each prompt on stdout; stderr says of how many, and which seed gives them again."""
    ran = program("prompt", "expand", TEMPLATE, "--wildcards", "lists", "--seed", "7", "--count", "2")
    assert ran.code == 0 and len(set(ran.out.splitlines())) == 2
    assert ran.err == "2 of 4 combinations; again with --seed 7\n"
    again = program("prompt", "expand", TEMPLATE, "--wildcards", "lists", "--seed", "7", "--count", "2")
    assert again.out == ran.out
    monkeypatch.setenv("COMFY_HEADLESS_WILDCARDS", str(lists))
    drawn = program("prompt", "expand", TEMPLATE, "--set", "place=Oslo")
    assert drawn.out.endswith(" in Oslo\n") and drawn.err.startswith("1 of 4 combinations; again with --seed ")
    every = program("prompt", "expand", TEMPLATE, "--all")
    assert (len(every.out.splitlines()), every.err) == (4, "4 of 4 combinations\n")


def test_as_json(program: Program, lists: Path) -> None:
    """--json has texts, seeds and choices; a number that doubles do not hold exactly is left out."""
    ran = program("prompt", "expand", TEMPLATE, "--wildcards", "lists", "--seed", "7", "--json")
    told = checked("prompt-expand.schema.json", ran.out)
    (prompt,) = told["prompts"]
    assert (told["combinations"], prompt["seed"], ran.err) == (4, 7, "")
    assert [choice["source"] for choice in prompt["choices"]] == ["{red|blue}", "__animal__"]
    many = checked("prompt-expand.schema.json", program("prompt", "expand", "{a|b}" * 60, "--json").out)
    assert many["combinations"] is None


@pytest.mark.slow
def test_piped_in(folder: Path) -> None:
    """A template may come through a pipe, without the line break at its end; nothing, or no text, is said."""
    for piped, code, said in (
        ("a\u00e9\n{b|c}\r\n".encode(), 0, "a\u00e9\nb\na\u00e9\nc\n"),
        (b"\n", 2, "text '-': standard input is empty"),
        (b"caf\xe9", 2, "text '-': what is piped in is no UTF-8 at byte 3"),
        (b"x" * (2**20 + 1), 2, "text '-': more than 1048576 bytes are piped in"),
    ):
        words = [*COMMAND, "prompt", "expand", "-", "--all"]
        done = subprocess.run(words, input=piped, capture_output=True, cwd=folder, env=environment(), timeout=60)
        assert done.returncode == code and said in (done.stderr if code else done.stdout).decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{a"], "template, character 1 ('{a'): '{' is never closed"),
        (["__animal__"], "list 'animal': no folder of lists is named; give wildcards= (--wildcards), or set COMFY"),
        (["__anmial__", "--wildcards", "lists"], "did you mean 'animal'? There are animal."),
        (["__animal__", "--wildcards", "none"], "folder 'none' of lists is not there"),
        (["{a|b}", "--count", "3"], "count=3: the template has no more than 2"),
        (["{a|b}", "--count", "3", "--all"], "--all and --count 3: give one of them"),
        (["{a|b}", "--seed", "3", "--all"], "--all and --seed 3: give one of them"),
        (["${a}", "--set", "b=c"], "variable 'a' is not set. Set are b. Give variables={'a': ...} (--set a=...)"),
        (["${a:b}", "--set", "a"], "--set 'a': expected NAME=VALUE, such as --set animal='a cat'"),
        ([""], "'' is no text; give one, or - for what is piped in"),
        (["x", "--seed", "-3"], "seed=-3: expected a whole number from 0"),
    ],
)
def test_what_cannot_be_expanded(words: list[str], said: str, program: Program, lists: Path) -> None:
    """Wrong use is exit code 2, and stderr says what to write."""
    ran = program("prompt", "expand", *words)
    assert ran.code == 2 and said in ran.err.replace("\n", " ")
