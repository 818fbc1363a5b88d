"""The README and docs/ say what is: examples run, links lead somewhere, tables and the map agree with the code."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from comfy_headless import ComfyClient, ComfyHeadlessError, errors
from comfy_headless.catalog.presets import VIDEO_PRESETS, PresetLibrary
from comfy_headless.cli import main
from comfy_headless.cli.app import app
from comfy_headless.cli.endings import ENDINGS
from comfy_headless.media.probe import probe
from comfy_headless.simulator import Simulator, faults
from tests.catalog.page import TABLES, anew
from tests.cli.program import draw, environment, finish, process
from tests.cloud.comfy_api import KEY, comfy_api
from tests.cloud.runninghub_fake import KEY as HUB_KEY
from tests.cloud.runninghub_fake import SAVED, running_hub

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
EXAMPLES = sorted(set((ROOT / "examples").glob("*.py")) - {ROOT / "examples/service.py"})  # it has tests of its own
WORKFLOW = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
        "_meta": {"title": "Size, $width"},
    },
    "2": {"class_type": "PreviewAny", "inputs": {"source": ""}, "_meta": {"title": "$prompt.source!: what to show"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "own/picture"}},
}
COMFYUI = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from comfy_headless.simulator import serve
port = int(sys.argv[sys.argv.index("--port") + 1])
print(f"To see the GUI go to: http://127.0.0.1:{{port}}", flush=True)
serve(port=port)
"""
"""The ComfyUI that the pages start from its folder."""


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
LINES = [(block, line) for block in BLOCKS if block.language == "bash" for line in block.text.splitlines()]
COMMANDS = [(block, line.split(" && ")[-1]) for block, line in LINES if "comfy-headless" in line]


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    level = heading.split()[0]
    _, _, rest = (DOCS / page).read_text(encoding="utf-8").partition(f"\n{heading}\n")
    assert rest, f"{page} has no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The rows of a table below its header."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a simulated server."""
    with Simulator() as simulator:
        yield simulator.url


@pytest.fixture(scope="module")
def cloud(server: str) -> Iterator[str]:
    """Address of what speaks Comfy's API v2."""
    with comfy_api(server) as api:
        yield api.url


@pytest.fixture(scope="module")
def hub(server: str) -> Iterator[str]:
    """Address of what speaks RunningHub's API."""
    with running_hub(server, saved={SAVED: WORKFLOW}) as there:
        yield there.url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, cloud: str, hub: str) -> Path:
    """A current folder with the files that the pages speak of, and a server at the usual address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMFY_HEADLESS_URL", server)
    monkeypatch.setenv("COMFY_BASE_URL", cloud)
    monkeypatch.setenv("COMFY_API_KEY", KEY)
    monkeypatch.setenv("RUNNINGHUB_BASE_URL", hub)
    monkeypatch.setenv("RUNNINGHUB_API_KEY", HUB_KEY)
    monkeypatch.delenv("COMFY_HEADLESS_PRESETS", raising=False)
    draw(tmp_path / "first.png")
    (tmp_path / "workflow.json").write_text(json.dumps(WORKFLOW))
    monkeypatch.setenv("HOME", str(tmp_path))
    python = tmp_path / "ComfyUI/venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "ComfyUI/main.py").write_text(COMFYUI)
    (tmp_path / "ComfyUI/nodes.py").touch()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs(block: Block, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every Python block runs as it is printed, and no None where a newcomer expects a word."""
    if "def test_" in block.text:
        (folder / "test_page.py").write_text(block.text)
        words = [sys.executable, "-m", "pytest", "-q", "-p", "comfy_headless.simulator.pytest_plugin", "test_page.py"]
        variables = environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        done = subprocess.run(words, capture_output=True, text=True, env=variables, timeout=120)
        assert done.returncode == 0, done.stdout
    else:
        exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})
        assert block.page.name != "quickstart.md" or "None" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("block", "line"), COMMANDS, ids=[f"{block}: {line[:60]}" for block, line in COMMANDS])
def test_commands_run(block: Block, line: str, folder: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command runs as it is printed, with the simulated server in place of the one it names."""
    program, *words = shlex.split(line)
    assert program == "comfy-headless"
    if "PROMPT_ID" in words:
        with ComfyClient(server) as client:
            job = client.submit_video("x", preset="wan_5b", seconds=1)
        words = [job.prompt_id if word == "PROMPT_ID" else word for word in words]
    words = [server if before == "--server" else word for before, word in zip(["", *words], words, strict=False)]
    if words[0] in ("simulate", "serve"):
        words[1:2] = [str(folder / "ComfyUI")] if words[0] == "serve" else words[1:2]
        words[words.index("--port") + 1] = "0"
        started = process(*words, cwd=folder)
        assert started.stdout is not None
        assert started.stdout.readline().startswith("http://127.0.0.1:")
        started.send_signal(signal.SIGINT)
        assert finish(started).code == 0
        return
    code = main(words)
    written = capsys.readouterr()
    assert code == 0, written.err
    if "--json" in words:
        json.loads(written.out)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    """A link within the project leads to a file that is there."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link.split("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_text_exist(page: Path) -> None:
    """A command that the text speaks of is one of the program's."""
    group = typer.main.get_command(app)
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    known = set(group.commands) | {option for parameter in group.params for option in parameter.opts}  # type: ignore[attr-defined]
    named = [code.split()[1] for code in names(text) if code.startswith("comfy-headless ")]
    assert set(named) <= known


def test_every_option_is_documented() -> None:
    """docs/cli.md names every command and every option."""
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {"": command})
        said = text.split("\n## ")[0] + section("cli.md", f"## {name}")
        alike = name in ("image", "compile", "check", "run", "jobs", "presets")
        said += section("cli.md", "## generate") if alike else ""
        said += section("cli.md", "## image") if name in ("compile", "check") else ""
        options = {
            option
            for one in inner.values()
            for parameter in one.params
            for option in (*parameter.opts, *parameter.secondary_opts)
            if option.startswith("--")
        }
        assert {option for option in options if option not in said} == set(), name


def test_the_objects_of_json_are_documented(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs/cli.md lists the keys of each command's object."""
    table = rows(section("cli.md", "## JSON"))
    said = {names(command)[0]: names(keys) for command, keys, _ in table if names(command)}
    told = {
        "generate": "generate x --preset wan_5b --seconds 1",
        "generate --no-wait": "generate x --preset wan_5b --seconds 1 --no-wait",
        "generate --dry-run": "generate x --preset wan_5b --dry-run",
        "compile": "compile x --preset wan_5b",
        "features": "features",
    }
    for command, words in told.items():
        assert main([*words.split(), "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out)) == said[command]
    assert main(["presets", "list", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["presets"][0]
    assert said["presets list"] == ["presets", *first, "limited", "filters", "filter", "left"]
    assert main(["presets", "schema", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == said["presets schema"]
    assert main(["jobs", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert said["jobs list"] == ["server", "jobs", *told["jobs"][0]]
    assert main(["jobs", "fetch", told["jobs"][0]["prompt_id"], "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == said["generate"]
    assert main(["jobs", "cancel", told["jobs"][0]["prompt_id"], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert said["jobs cancel"] == ["server", "jobs", *told["jobs"][0]]


def test_the_errors_are_documented() -> None:
    """docs/errors.md draws the hierarchy of the code and gives the exit codes of the table."""
    drawn = next(block.text for block in BLOCKS if block.page.name == "errors.md" and block.language == "text")
    assert drawn.strip() in (errors.__doc__ or "")
    said = {names(row[0])[0]: int(row[1]) for row in rows((DOCS / "errors.md").read_text(encoding="utf-8"))}
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ComfyHeadlessError)]
    assert said == {
        kind.__name__: next(ending.code for ending in ENDINGS if issubclass(kind, ending.error))
        for kind in kinds
        if kind is not ComfyHeadlessError
    }


@pytest.mark.parametrize("name", sorted({table.page for table in TABLES}))
def test_the_tables_are_as_they_are_now(name: str) -> None:
    """docs/presets.md and docs/vram.md list every preset, peak and report: python -m tests.catalog.page writes them."""
    assert anew(DOCS / name) == (DOCS / name).read_text(encoding="utf-8")


def test_the_families_are_documented() -> None:
    """docs/presets.md says what each family is good for, and the README where each begins."""
    families = {preset.family for preset in VIDEO_PRESETS.values()}
    assert {names(row[0])[0] for row in rows(section("presets.md", "## The families"))} == families
    said = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Presets\n")[2].partition("\n## ")[0]
    least = {
        family: min(preset.needs.min_vram_gb.value for preset in VIDEO_PRESETS.values() if preset.family == family)
        for family in families
    }
    assert {names(row[0])[0]: float(row[3].split()[0]) for row in rows(said)} == least


def test_a_preset_of_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset that docs/presets.md shows is one, and makes a video."""
    shown = [block for block in BLOCKS if block.page.name == "presets.md" and block.language in ("toml", "json")]
    own = folder / "own"
    own.mkdir()
    for name, block in zip(("plain_colour.toml", "plain_colour_text.json", "files.toml"), shown, strict=True):
        (own / name).write_text(block.text)
    assert "diffusion_models/my_wan_fp8_scaled.safetensors" in PresetLibrary([own]).files
    assert PresetLibrary([own])["plain_colour"].title == "A plain colour"
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(own))
    words = ["--preset", "plain_colour", "--set", "colour=77", "--frames", "8", "--out", "colour.mp4"]
    assert main(["generate", "x", *words]) == 0
    made = probe(folder / "colour.mp4")
    assert (made.width, made.height, made.frames, made.fps) == (320, 192, 8, 8)


def test_the_simulator_is_documented() -> None:
    """docs/simulator.md lists every argument and every fault."""
    arguments = {name for row in rows(section("simulator.md", "## In Python")) for name in names(row[0])}
    assert arguments == set(inspect.signature(Simulator).parameters)
    listed = {name for row in rows(section("simulator.md", "## Let it fail")) for name in names(row[1])}
    assert listed == {kind.__name__ for kind in faults.Fault.__subclasses__()}


def test_the_house_is_drawn_as_it_is() -> None:
    """docs/house.md shows every module of the package in its room, and no other."""
    drawn, room = set(), ""
    tree = next(block.text for block in BLOCKS if block.page.name == "house.md")
    for line in tree.partition("comfy_headless/\n")[2].partition("\ntests/")[0].splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        room = name if name.endswith("/") else room if indent > 2 else ""
        if name.endswith(".py"):
            drawn.add(f"{room}{name}")
    package = ROOT / "comfy_headless"
    built = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    assert drawn == {name for name in built if not name.endswith("/__init__.py")}


def test_the_two_commands_of_the_readme() -> None:
    """The blocks that CI takes from the README are there, one line each."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^<!-- ci: (\w+) -->\n```bash\n([^\n]+)\n```$", text, re.MULTILINE))
    assert list(found) == ["video", "tests"]


def test_the_picture_is_small() -> None:
    """The README's picture is there and not heavy."""
    assert 0 < (DOCS / "sunset.png").stat().st_size <= 300_000


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(example: Path, folder: Path, server: str) -> None:
    """Each example runs, with the server from the environment and by --server, and leaves what it promises."""
    words = {"async_many": ["rain", "snow", "wind"], "contact_sheet": ["clip.mp4", "sheet.png"]}.get(
        example.stem, ["x"]
    )
    if example.stem == "contact_sheet":
        assert main(["generate", "x", "--preset", "wan_5b", "--seconds", "1", "--out", "clip.mp4"]) == 0
    named = [] if example.stem == "contact_sheet" else ["--server", server]
    for more, url in (([], server), (named, "http://127.0.0.1:9")):
        done = subprocess.run(
            [sys.executable, "-W", "error", str(example), *words, *more],
            capture_output=True,
            text=True,
            env=environment(COMFY_HEADLESS_URL=url),
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    made = [path for path in folder.rglob("*") if path.suffix == ".mp4" or path.name in ("sheet.png", "preview.jpg")]
    assert len(made) >= (6 if example.stem == "async_many" else 2)


def test_no_page_is_left_out() -> None:
    """The README leads to every page of docs/, and docs/cli.md to every schema."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in text] == []
    assert {path.suffix for path in DOCS.iterdir() if path.name != "json"} == {".md", ".png"}
    linked = set(re.findall(r"\(json/([^)]+)\)", (DOCS / "cli.md").read_text(encoding="utf-8")))
    assert {path.name for path in (DOCS / "json").iterdir()} == linked
