"""`prompt`: prompts out of a template, and what is said where none come."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.cli.prompt_analyze_page import page
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
        (
            ["__animal__", "--wildcards", "none"],
            "/none' of lists (wildcards=, --wildcards or COMFY_HEADLESS_WILDCARDS) is not there",
        ),
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


ASKED = 'a slow pan over a city at night, "go", vertical, 6 seconds'


def test_analyzed(program: Program) -> None:
    """A line for each thing that is known, what nothing is said of, and what to take; nobody is asked."""
    ran = program("prompt", "analyze", ASKED, "--model", "cogvideo", "--vram-gb", "12")
    assert (ran.code, ran.err) == (0, "")
    told = dict(re.split(r"  +", line, maxsplit=1) for line in ran.out.splitlines())
    assert told["intent"].startswith("scene") and told["camera"].startswith("pan")
    assert told["duration"].startswith("6 s") and told["aspect"].startswith("9:16")
    assert told["quoted"] == '"go"' and "shot" in told["not said"]
    assert re.fullmatch(r"at most \d+ of 226, as cogvideo counts them \(t5\)", told["tokens"])
    assert told["image preset"].startswith("portrait: ")
    assert told["video preset"].startswith("cogvideo: the one that was named (tight: it is meant for 16 GiB")


def test_analyzed_for_a_server(program: Program, server: str) -> None:
    """A server that is named is asked what it has; one that does not answer is exit code 3."""
    told = checked("prompt-analyze.schema.json", program("prompt", "analyze", "x", "--server", server, "--json").out)
    assert told["server"] == server and "this server" not in told["suggested_preset"]["reason"]
    gone = program("prompt", "analyze", "x", "--server", "http://127.0.0.1:9")
    assert (gone.code, gone.out) == (3, "")


def test_what_is_likely_to_go_wrong(program: Program) -> None:
    """Risks are told with what to do about them, and a page is as wide as it must be."""
    ran = program("prompt", "analyze", "a sunset", "--model", "svd_xt")
    assert "risk: no_text_input  svd_xt takes no text" in ran.out
    page_lines = page(analyze_prompt(ASKED), {}, 60).splitlines()
    assert len(page_lines) > 8 and max(map(len, page_lines)) <= 60


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "--model", "cogvidoe"], "no preset or family 'cogvidoe'; did you mean 'cogvideo'"),
        (["x", "--vram-gb", "0"], "--vram-gb=0"),
        (["x", "--vram-gb", "much"], "'much' is no number"),
        ([""], "'' is no text; give one, or - for what is piped in"),
    ],
)
def test_what_cannot_be_analyzed(words: list[str], said: str, program: Program) -> None:
    """Wrong use is exit code 2, and stderr says what there is."""
    ran = program("prompt", "analyze", *words)
    assert ran.code == 2 and said in ran.err.replace("\n", " ")


def test_enhanced(program: Program) -> None:
    """stdout has the prompt for the model and nothing else; stderr what is not to be seen, and why."""
    ran = program("prompt", "enhance", 'a fox says "hm"', "--model", "wan_5b", "--style", "cinematic")
    assert ran.code == 0 and ran.out.startswith('a fox says "hm"') and len(ran.out) > 40
    assert ran.err.startswith("negative: ") and "\nwhy: " in ran.err
    assert re.search(r"\ntokens: at most \d+ of 512, as wan_5b counts them\n", ran.err)
    told = checked(
        "prompt-enhance.schema.json", program("prompt", "enhance", "a fox", "--length", "short", "--json").out
    )
    assert (told["original"], told["engine"], told["sent_to"]) == ("a fox", "embedded", None)
    assert "note: svd_xt takes no text" in program("prompt", "enhance", "a fox", "--model", "svd_xt").err


def test_a_language_model_that_is_not_there(program: Program) -> None:
    """The embedded enhancer steps in, and the note says why."""
    words = ("--engine", "http://127.0.0.1:9/v1", "--timeout", "2")
    ran = program("prompt", "enhance", "a fox", "--style", "cinematic", *words)
    assert ran.code == 0 and ran.out == program("prompt", "enhance", "a fox", "--style", "cinematic").out
    assert "the language model (openai) " in ran.err and "embedded enhancer was used" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "--style", "detialed"], "no style 'detialed'; did you mean 'detailed'?"),
        (["x", "--length", "0"], "length=0: expected words at the most, or short, medium, long"),
        (["x", "--length", "9" * 5000], "expected words at the most"),
        (["x", "--model", "cogvidoe"], "no preset or family 'cogvidoe'"),
        (["x", "--engine", "olama"], "'olama'; there are: embedded, openai, ollama"),
        (["x", "--timeout", "soon"], "'soon' is no number"),
        (["x", "--timeout", "0"], "--timeout=0.0: expected seconds"),
        (["x", "--language", "English"], "language='English': expected two letters of ISO 639-1"),
        (["a cat \udcff"], "'a cat \\udcff' is no UTF-8 at sign 7"),
    ],
)
def test_what_cannot_be_enhanced(words: list[str], said: str, program: Program) -> None:
    """Wrong use is exit code 2, and stderr says what there is."""
    ran = program("prompt", "enhance", *words)
    assert ran.code == 2 and said in ran.err.replace("\n", " ")
