"""``models list``, ``models check``, ``models download``: what a person reads, what a program reads, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT

import pytest

from comfy_headless.simulator import Simulator
from tests.cli.program import Program, finish, process
from tests.cli.schemas import LINE, PROMISED, VALIDATORS, checked, mutants
from tests.models import tiny
from tests.models.hub import SIGNATURE, Cut, Hub, Slow, Status

LACKS = """\
tiny at {tree}:
  MISSING  text_encoders/tiny_text.safetensors  120 kB, fp8_scaled
  there    vae/tiny_vae.safetensors
  MISSING  diffusion_models/tiny_fp16.safetensors  300 kB, fp16
to fetch what is missing (420 kB):
comfy-headless models download --preset tiny --comfyui {tree}
or one by one:
comfy-headless models download text_encoders/tiny_text.safetensors --preset tiny --comfyui {tree}
comfy-headless models download diffusion_models/tiny_fp16.safetensors --preset tiny --comfyui {tree}
"""
PLANNED = """\
{hub}/somebody/tiny/resolve/{commit}/files/tiny_text.safetensors
  to {tree}/models/text_encoders/tiny_text.safetensors, 120 kB
{hub}/somebody/tiny/resolve/{commit}/files/tiny_fp16.safetensors
  to {tree}/models/diffusion_models/tiny_fp16.safetensors, 300 kB
to fetch: 420 kB
"""
FETCHED = """\
{tree}/models/text_encoders/tiny_text.safetensors
{tree}/models/diffusion_models/tiny_fp16.safetensors
"""


@pytest.fixture
def tree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ComfyUI with one of the files of the preset tiny, which is a user's own."""
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(tiny.presets(folder / "presets")))
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(tiny.comfyui(folder / "ComfyUI", tiny.VAE)))
    return folder / "ComfyUI"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub at the address that huggingface_hub takes from the environment."""
    with Hub(tiny.ON_HUB).running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def test_from_missing_to_there(program: Program, tree: Path, hub: Hub) -> None:
    """A check says what is missing, the plan where it comes from, the download where it is; then nothing is missing."""
    spots = {"tree": tree, "hub": hub.url, "commit": "0123456789abcdef0123456789abcdef01234567"}
    ran = program("models", "check", "--preset", "tiny")
    assert (ran.code, ran.out) == (1, LACKS.format(**spots)), ran
    ran = program("models", "download", "--preset", "tiny", "--dry-run")
    assert (ran.code, ran.out, ran.err) == (0, PLANNED.format(**spots), f"{tiny.VAE} is there\n"), ran
    assert not (tree / "models/text_encoders").exists()
    ran = program("models", "download", "--preset", "tiny")
    assert (ran.code, ran.out) == (0, FETCHED.format(**spots)), ran
    assert "100%  2 of 2: diffusion_models/tiny_fp16.safetensors, 300 kB of 300 kB\n" in ran.err
    assert program("models", "check", "--preset", "tiny").code == 0
    ran = program("models", "download", "--preset", "tiny")
    assert (ran.code, ran.out) == (0, f"nothing to fetch: {tree} has every file\n")


def test_the_folder_of_a_server_here(program: Program, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server's folder is known the lines fetch into it; else they are for that folder, wherever it is."""
    asked = ("models", "check", "--preset", "tiny", "--server")
    with Simulator(files={}) as simulator:
        out = program(*asked, simulator.url).out
        assert f"comfy-headless models download --preset tiny --comfyui {tree}\n" in out and "curl" not in out
        monkeypatch.delenv("COMFY_HEADLESS_COMFYUI")
        out = program(*asked, simulator.url).out
        assert ", in the ComfyUI folder of the server:\ncurl -fL " in out


def test_the_lines_to_paste_run(program: Program, tree: Path, hub: Hub) -> None:
    """Each line of a check is a command that fetches its file."""
    lines = program("models", "check", "--preset", "tiny").out.splitlines()
    for line in lines[lines.index("or one by one:") + 1 :]:
        assert program(*line.split()[1:]).code == 0
    assert program("models", "check", "--preset", "tiny").code == 0


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_the_object_of_a_download(program: Program, tree: Path, hub: Hub, more: tuple[str, ...]) -> None:
    """With --json it is one object of its schema, which refuses anything less, more or of another type."""
    ran = program("models", "download", "--preset", "tiny", "--precision", "Q4_K_M", "--json", *more)
    data = checked(PROMISED["models download"], ran.out)
    assert ran.err == "" and data["dry_run"] == bool(more) and data["total_bytes"] == data["left_bytes"] == 210_000
    assert data["notes"] == ["tiny_Q4_K_M.gguf is read by the node pack ComfyUI-GGUF only (GitHub city96/ComfyUI-GGUF)"]
    validator = VALIDATORS[PROMISED["models download"]]
    assert [why for why, spoiled in mutants(data) if validator.is_valid(spoiled)] == []


def test_lines_of_a_download(program: Program, tree: Path, hub: Hub) -> None:
    """With --log-json each percent of a file is a line of the schema, and nothing shows what opens the other host."""
    hub.faults.append(Cut(after=50_000))
    ran = program("models", "download", "--preset", "tiny", "--log-json")
    told = [checked(LINE, line) for line in ran.err.splitlines()]
    steps = [line for line in told if line["event"] == "download"]
    assert steps[-1]["total_done"] == steps[-1]["total"] == 420_000 and len(steps) <= 202
    assert [why for why, spoiled in mutants(steps[0]) if VALIDATORS[LINE].is_valid(spoiled)] == []
    assert any("the exchange broke" in line.get("message", "") for line in told)
    assert SIGNATURE not in ran.err + ran.out
    assert all(line["event"] != "download" for line in map(json.loads, quiet(program).splitlines()))


def quiet(program: Program) -> str:
    return program("models", "download", tiny.Q4, "--no-progress", "--log-json").err


def test_a_licence_to_accept(program: Program, tree: Path, hub: Hub) -> None:
    """A repository that asks for a licence is one error with the page, and exit code 1; as an object too."""
    hub.faults.append(Status("resolve", 99, status=401, headers={"X-Error-Code": "GatedRepo"}))
    ran = program("models", "download", tiny.Q4)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"error: {tiny.Q4}: somebody/tiny is given to those who accept its licence: open {hub.url}/somebody/tiny, "
        "accept it there, then log in with: hf auth login (or set HF_TOKEN)\n"
    )
    ran = program("models", "download", tiny.Q4, "--json")
    assert checked("error.schema.json", ran.out)["error"]["type"] == "ModelDownloadError"


def test_a_list(program: Program, tree: Path) -> None:
    """A line for each file: what it is, whose licence, who needs it; with a place, whether it is there."""
    ran = program("models", "list", "--preset", "tiny")
    assert ran.out == (
        "diffusion_models/tiny_fp16.safetensors  300 kB  fp16        somebody/tiny  Apache-2.0  for tiny\n"
        "diffusion_models/tiny_Q4_K_M.gguf    90 kB   Q4_K_M      somebody/tiny  Apache-2.0  "
        "in place of tiny_fp16.safetensors\n"
        "text_encoders/tiny_text.safetensors  120 kB  fp8_scaled  somebody/tiny  Apache-2.0  for tiny\n"
        "vae/tiny_vae.safetensors             40 kB   fp16        somebody/tiny  Apache-2.0  for tiny\n"
    )
    lines = program("models", "list", "--preset", "tiny", "--comfyui", tree).out.splitlines()
    assert ["  not there  " in line for line in lines] == [True, True, True, False] and "  there  " in lines[3]
    with Simulator() as simulator:
        found = program("models", "list", "--preset", "wan_5b", "--server", simulator.url, "--json").json
        assert found["place"] == simulator.url
    assert {each["there"] for each in found["files"]} == {True}


def test_what_is_typed_wrong(program: Program, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is none of a ComfyUI, and no folder at all, are exit code 2 and say what was expected."""
    ran = program("models", "download", "--preset", "tiny", "--comfyui", tree / "models")
    assert (ran.code, "did you mean" in ran.err, str(tree) in ran.err) == (2, True, True)
    monkeypatch.delenv("COMFY_HEADLESS_COMFYUI")
    ran = program("models", "download", "--preset", "tiny")
    assert ran.code == 2 and "give --comfyui FOLDER (comfyui=), or set COMFY_HEADLESS_COMFYUI" in ran.err


@pytest.mark.slow
def test_interrupted(tree: Path, hub: Hub, folder: Path) -> None:
    """Ctrl-C ends it with 130, and says that the next try goes on."""
    hub.faults.append(Slow(seconds=0.3))
    settings = {"COMFY_HEADLESS_PRESETS": str(folder / "presets"), "HF_ENDPOINT": hub.url}
    started = process("models", "download", tiny.TEXT, "--comfyui", tree, cwd=folder, **settings)
    assert started.stderr is not None and started.stderr.readline().startswith("  8%  text_encoders/tiny_text")
    started.send_signal(SIGINT)
    ran = finish(started)
    assert ran.code == 130 and "interrupted\ntext_encoders/tiny_text.safetensors: what came is kept" in ran.err
