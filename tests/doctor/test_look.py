"""check_health looks at everything and says what to do; whatever is wrong is a line, never an exception."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import comfy_headless
from comfy_headless import HealthReport, ValidationError, check_health
from comfy_headless.client.options import server_of
from comfy_headless.doctor.look import health_of
from comfy_headless.doctor.setup import VARIABLES, lines_of_setup
from comfy_headless.doctor.trouble import unreachable
from comfy_headless.protocol.effects import Broken
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Break, Delay, SilentSocket
from comfy_headless.transport.aio import AsyncTransport
from tests.cli.program import environment
from tests.health.machine import build, cards
from tests.local.stand_in import stand_in

ROOT = Path(__file__).resolve().parents[2]
CORE = ("httpx", "httpcore", "h11", "anyio", "idna", "certifi", "sniffio")
CORE += ("pydantic", "pydantic_core", "annotated_types", "typing_extensions.py", "typing_inspection")
SERVER = ("server", "version", "queue", "devices", "ram", "websocket")
HERE = ("gpu here", "ram here", "disk", "ffmpeg", "extras", "settings", "cache", "presets", "simulator", "comfyui")
STATS = "GET /system_stats"
TELL = "import json, sys; from comfy_headless import check_health; print(json.dumps(check_health(timeout=1).to_dict()))"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing in the environment, and an empty home without a ComfyUI."""
    for name in [name for name in os.environ if name.startswith(("COMFY_HEADLESS_", "COMFYUI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A server whose faults are the test's."""
    with Simulator() as server:
        yield server


def faulty(simulator: Simulator, *faults: Any) -> HealthReport:
    """What is said of a server with these faults."""
    with Simulator(faults=faults) as server:
        return check_health(server.url, timeout=0.3)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"http://127.0.0.1:{gone.getsockname()[1]}"


def test_a_server_that_is_well(simulator: Simulator) -> None:
    """Every line is there once, in order; those of a server that is well are ok and have their numbers."""
    report = check_health(simulator.url)
    assert report.server == simulator.url
    assert tuple(line.name for line in report.lines) == SERVER + HERE
    assert {report[name].state for name in SERVER} == {"ok"}
    assert report.ok
    assert 0 < report["server"].facts["round_trip_seconds"] < 1  # type: ignore[operator]
    assert report["version"].facts["comfyui"] == "0.30.0"
    assert report["devices"].text == "Simulated, 24.0 of 24.0 GiB of VRAM free"
    assert report["devices"].facts == {"count": 1, "vram_gb": 24.0, "vram_free_gb": 24.0}
    assert report["queue"].text == "empty"
    with pytest.raises(KeyError, match="no line 'gpus'; there are server, version"):
        report["gpus"]
    assert str(report).splitlines()[2] == "ok    queue     empty"


@pytest.mark.slow
def test_jobs_in_the_queue() -> None:
    """Jobs that run and that wait are counted."""
    with Simulator(step_seconds=5.0) as server, comfy_headless.ComfyClient(server.url) as client:
        jobs = [client.submit_video("x", preset="wan_5b", seconds=1) for _ in range(3)]
        line = check_health(server.url)["queue"]
        for job in jobs:
            job.cancel()
    assert (line.state, line.text) == ("ok", "1 running, 2 waiting")


CURL = r"curl -sS -i -m 10 http://127\.0\.0\.1:\d+/system_stats"
NGINX = Answer(
    STATS, 401, "<html>401 Authorization Required", "text/html", {"WWW-Authenticate": 'Basic realm="x"'}, times=None
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "text", "remedy"),
    [
        (Answer(STATS, 500, "no", times=None), r"has a fault of its own: GET /system_stats answered 500: no", CURL),
        (Answer(STATS, 502, times=None), r"a proxy answers at .*, the ComfyUI behind it does not: .* 502", CURL),
        (Answer(STATS, 200, "<html>nginx", "text/html", times=None), r"that is no ComfyUI: .*: <html>nginx", CURL),
        (Answer(STATS, 200, "[]", "application/json", times=None), r"that is no ComfyUI: .* tells no system", CURL),
        (Answer(STATS, 404, "no", times=None), r"that is no ComfyUI: GET /system_stats answered 404", CURL),
        (
            NGINX,
            r"lets nobody in like that \(401, it asks for Basic\)",
            r"export COMFY_HEADLESS_URL=http://USER:PASSWO",
        ),
        (Answer(STATS, 403, times=None), r"lets nobody in like that \(403\)", r"export COMFY_HEADLESS_TOKEN=TOKEN"),
        (
            Answer(STATS, 301, headers={"Location": "https://gpu/comfy/system_stats"}, times=None),
            r"sends one elsewhere \(301\)",
            r"export COMFY_HEADLESS_URL=https://gpu/comfy$",
        ),
        (Break(STATS, times=None), r"ends the connection, perhaps it speaks https: ", CURL),
        (Delay(STATS, 5.0), r"does not answer within 0\.3 s: it starts, is busy", r"curl -sS -i -m 60 http"),
    ],
    ids=str,
)
@pytest.mark.skipif(os.name == "nt", reason="variables are set by another word there")
def test_what_is_no_comfyui(simulator: Simulator, fault: Any, text: str, remedy: str) -> None:
    """What answers otherwise than ComfyUI fails with what it said and a line to paste; this machine is told of too."""
    report = faulty(simulator, fault)
    assert (report.ok, report.lines[0].name, report.lines[0].state) == (False, "server", "fail")
    assert re.search(text, report["server"].text)
    assert re.match(remedy, report["server"].remedy or "")
    assert tuple(line.name for line in report.lines[1:]) == HERE


@pytest.mark.skipif(os.name == "nt", reason="variables are set by another word there")
@pytest.mark.parametrize(
    ("url", "kind", "detail", "text", "remedy"),
    [
        (
            "https://gpu",
            "refused",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate",
            "https://gpu shows a certificate that nobody here knows: [SSL",
            "export COMFY_HEADLESS_CA=/path/of/ca.pem",
        ),
        (
            "https://gpu",
            "refused",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch",
            "the certificate at https://gpu is for another name: [SSL",
            "export COMFY_HEADLESS_URL=https://NAME",
        ),
        (
            "http://gpu",
            "refused",
            "[Errno 111] Connection refused",
            "nothing answers at",
            "export COMFY_HEADLESS_URL=http://gpu:8188",
        ),
        (
            "http://gpu:8188",
            "refused",
            "timed out",
            "nothing answers at",
            "curl -sS -i -m 10 http://gpu:8188/system_stats",
        ),
        (
            "http://gpu",
            "refused",
            "[Errno 11001] getaddrinfo failed",
            "no machine is called gpu",
            "export COMFY_HEADLESS_URL=http://HOST:8188",
        ),
        (
            "https://localhost:1",
            "refused",
            "refused",
            "nothing answers at",
            "curl -sS -i -m 10 https://localhost:1/system_stats",
        ),
        (
            "http://gpu:1",
            "reset",
            "by peer",
            "http://gpu:1 ends the connection, perhaps it speaks https: by peer",
            "curl -sS",
        ),
    ],
)
def test_what_breaks(url: str, kind: str, detail: str, text: str, remedy: str) -> None:
    """What keeps a connection from being made is told apart by the system's words, each with its own remedy."""
    line = unreachable(server_of(url, "polling", Timing(), None), Broken(kind, detail))
    assert line.state == "fail"
    assert line.text.startswith(text)
    assert (line.remedy or "").startswith(remedy)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "name", "text"),
    [
        (Answer("GET /ws", 403, times=None), "websocket", "does not open, so jobs tell no steps: .*403"),
        (SilentSocket(), "websocket", "does not open, so jobs tell no steps"),
        (Answer("GET /queue", 200, "[]", "application/json", times=None), "queue", "does not answer as ComfyUI does"),
        (Break("GET /prompt", times=None), "server", "answers, but not to small requests"),
        (
            Answer(STATS, 200, '{"system": {}, "devices": [{"type": "cpu"}, 3]}', "application/json", times=None),
            "devices",
            "the server computes on its CPU",
        ),
        (
            Answer(STATS, 200, '{"system": {"comfyui_version": "0.3.2"}}', "application/json", times=None),
            "version",
            r"ComfyUI 0\.3\.2, older than 0\.3\.64",
        ),
        (Answer(STATS, 200, '{"system": {}}', "application/json", times=None), "version", "does not say its version"),
        (
            Answer(STATS, 200, '{"system": {"ram_total": 9e9, "ram_free": 1e8}}', "application/json", times=None),
            "ram",
            r"0\.1 of 8\.4 GiB of the server's RAM free: models are read from the disk again",
        ),
    ],
    ids=str,
)
def test_what_is_odd_about_a_server(simulator: Simulator, fault: Any, name: str, text: str) -> None:
    """What is odd but lets jobs run is a warning with a line to paste."""
    report = faulty(simulator, fault)
    assert report[name].state == "warn"
    assert re.search(text, report[name].text)
    assert report[name].remedy
    assert report["server"].state != "fail"


@pytest.mark.slow
def test_a_slow_server() -> None:
    """A round trip of more than half a second is a warning that says how long it took."""
    with Simulator(faults=[Delay("GET /prompt", 0.6, times=None)]) as server:
        line = check_health(server.url, timeout=1.0)["server"]
    assert (line.state, line.facts["round_trip_seconds"]) == ("warn", pytest.approx(0.6, abs=0.3))
    assert "far away, or busy" in line.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMFY_HEADLESS_CA", "/nowhere/ca.pem"),
        ("COMFY_HEADLESS_HEADERS", "hunter2"),
        ("COMFY_HEADLESS_HEADERS", "Host: hunter2"),
        ("COMFY_HEADLESS_COOKIES", "a=hunter2 b"),
    ],
)
def test_settings_with_which_nobody_can_be_asked(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a variable is wrong, the remedy is about that variable, and no secret is shown."""
    monkeypatch.setenv(name, value)
    report = check_health("http://127.0.0.1:9")
    assert (report["server"].state, report["server"].remedy) == ("fail", f"unset {name}")
    assert "hunter2" not in f"{report}{report.to_dict()}"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a current folder cannot go away")
@pytest.mark.slow
def test_a_current_folder_that_is_gone(tmp_path: Path) -> None:
    """A shell that stands in a folder that was deleted gets a report too."""
    gone = tmp_path / "gone"
    gone.mkdir()
    variables = {"COMFY_HEADLESS_URL": closed_port()}
    first = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r});"
    line = told_by(variables=variables, first=first)["disk"]
    assert (line["state"], line["remedy"]) == ("fail", "cd ~")


def test_on_asyncio(simulator: Simulator) -> None:
    """The same flow runs on asyncio: its looks at this machine are work for a thread."""

    async def run() -> HealthReport:
        server = server_of(simulator.url, "auto", Timing(), None)
        async with AsyncTransport(server) as transport:
            return await transport.drive(health_of(server))

    report = asyncio.run(run())
    assert tuple(line.name for line in report.lines) == SERVER + HERE
    assert report["websocket"].state == "ok"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="variables are set by another word there")
def test_addresses(simulator: Simulator) -> None:
    """An address that is none, a name that nobody has, https where http is spoken: each is said in its own words."""
    report = check_health("http://")
    assert report["server"].text.startswith("server 'http://' is not an address")
    assert report["server"].remedy == "export COMFY_HEADLESS_URL=http://localhost:8188"
    https = check_health(simulator.url.replace("http:", "https:"))["server"]
    assert https.text.endswith("speaks http, not https")
    assert https.remedy == f"export COMFY_HEADLESS_URL={simulator.url}"
    nobody = check_health("http://nowhere.invalid:8188", timeout=2.0)["server"]
    assert nobody.state == "fail"
    assert nobody.remedy
    for odd in (0, -1.0, True, "5"):
        with pytest.raises(ValidationError, match="expected seconds, more than 0"):
            check_health(timeout=odd)  # type: ignore[arg-type]


@pytest.mark.slow
def test_nothing_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing answers, the remedy starts a ComfyUI: the one that is named, or found, or the usual folder."""
    url = closed_port()
    port = url.rpartition(":")[2]
    assert check_health(url)["server"].remedy == f"comfy-headless serve ~/ComfyUI --port {port}"
    found = stand_in(tmp_path / "ComfyUI")
    report = check_health(url)
    assert report["server"].remedy == f"comfy-headless serve {found} --port {port}"
    assert report["comfyui"].facts == {}
    named = stand_in(tmp_path / "other")
    (named / "venv/bin").mkdir(parents=True)
    (named / "venv/bin/python").symlink_to(sys.executable)
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(named))
    report = check_health(url)
    assert report["server"].remedy == f"comfy-headless serve {named} --port {port}"
    assert report["comfyui"].text == f"{named}; comfy-headless serve starts it"
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(tmp_path / "nowhere"))
    line = check_health(url)["comfyui"]
    assert (line.state, line.text.split(";")[0]) == ("warn", f"no ComfyUI in {tmp_path / 'nowhere'}: it does not exist")


@pytest.mark.slow
def test_the_output_folder(tmp_path: Path, simulator: Simulator) -> None:
    """Where results go is looked at, also where it is not there yet; what cannot be written to fails."""
    line = check_health(simulator.url)["disk"]
    assert line.state in ("ok", "warn")
    assert line.facts["folder"] == str(tmp_path)
    later = check_health(simulator.url, out=tmp_path / "a/b/clip.mp4")["disk"]
    assert later.text.endswith(f" free at {tmp_path / 'a/b'}, which is not there yet")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    for out, why in {tmp_path / "file/x": "a file is where a folder should be", "": "is not a path"}.items():
        report = check_health(simulator.url, out=out)
        assert report["disk"].state == "fail"
        assert why in report["disk"].text
        assert report["disk"].remedy
        assert not report.ok


def test_settings_are_told_without_secrets(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """Variables that count are listed; no secret is; one that nothing reads is a warning with the nearest name."""
    url = simulator.url.replace("//", "//user:hunter2@")
    monkeypatch.setenv("COMFY_HEADLESS_URL", url)
    monkeypatch.setenv("COMFYUI_BASE_URL", "http://other")
    monkeypatch.setenv("COMFYUI_API_KEY", "hunter2")
    report = check_health()
    assert report["settings"].text == (
        f"COMFY_HEADLESS_URL={simulator.url.replace('//', '//***@')}; "
        "COMFYUI_BASE_URL (not read, since COMFY_HEADLESS_URL is set); COMFYUI_API_KEY (set; its value is not shown)"
    )
    monkeypatch.setenv("COMFY_HEADLESS_ULR", "hunter2")
    report = check_health()
    assert report["settings"].state == "warn"
    expected = "COMFY_HEADLESS_ULR is read by nothing; did you mean 'COMFY_HEADLESS_URL'?; COMFY"
    assert report["settings"].text.startswith(expected)
    assert report["settings"].remedy == "unset COMFY_HEADLESS_ULR"
    assert "hunter2" not in f"{report}{report.to_dict()}{report!r}"


@pytest.mark.parametrize(
    ("variables", "why", "remedy"),
    [
        ({"ENGINE": "gemini"}, "COMFY_HEADLESS_AI_ENGINE='gemini'; there are", "unset COMFY_HEADLESS_AI_ENGINE"),
        (
            {"URL": "x", "TIMEOUT": "abc"},
            "COMFY_HEADLESS_AI_TIMEOUT='abc': expected s",
            "unset COMFY_HEADLESS_AI_TIMEOUT",
        ),
        ({"URL": "ftp://x"}, "url='ftp://x' is not an address", "unset COMFY_HEADLESS_AI_URL"),
        ({"ENGINE": "ollama"}, "Ollama has many models", "COMFY_HEADLESS_AI_MODEL=qwen3:8b"),
        ({"KEY": "hunter2"}, "COMFY_HEADLESS_AI_KEY has no effect without COMFY_HEADLESS_AI_URL", "_AI_URL=http"),
        ({"ENGINE": "embedded", "MODEL": "m"}, None, ""),
        ({"URL": "localhost:8080", "KEY": "hunter2", "TIMEOUT": "5"}, None, ""),
    ],
)
def test_a_language_model_that_cannot_be_asked(
    variables: dict[str, str], why: str | None, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would fail at the first --enhance, or do nothing, is told before; no key is."""
    for name in ("URL", "MODEL", "KEY", "ENGINE", "TIMEOUT"):
        monkeypatch.delenv(f"COMFY_HEADLESS_AI_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"COMFY_HEADLESS_AI_{name}", value)
    (line,) = (line for line in lines_of_setup() if line.name == "settings")
    assert (line.state, line.text.startswith(why or "COMFY")) == ("warn" if why else "ok", True)
    assert remedy in (line.remedy or "") and "hunter2" not in repr(line)


def test_all_variables_are_known() -> None:
    """Each variable that the package reads is in the table of those that are told."""
    read = set()
    names = r"\b(?:(?:COMFY_HEADLESS|COMFYUI|RUNNINGHUB)_[A-Z][A-Z_]+|COMFY_(?:CLOUD_)?(?:API_KEY|BASE_URL))\b"
    for path in (ROOT / "comfy_headless").rglob("*.py"):
        read |= set(re.findall(names, path.read_text(encoding="utf-8")))
    assert read == set(VARIABLES)


@pytest.mark.slow
def test_presets_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """A preset that cannot be read fails, and so does a folder that is not there."""
    own = tmp_path / "own"
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(own))
    assert f"the presets folder '{own}' does not exist" in check_health(simulator.url)["presets"].text
    own.mkdir()
    (own / "mine.toml").write_text('name = "mine"\nodd = 1\n')
    line = check_health(simulator.url)["presets"]
    assert (line.state, line.remedy) == ("fail", f"comfy-headless presets test {own / 'mine.toml'}")
    assert "mine" in line.text


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_an_ffmpeg_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """The ffmpeg that comes first on PATH is tried: one that does not run, or lacks the encoder, is a warning."""
    binary = tmp_path / "bin/ffmpeg"
    binary.parent.mkdir()
    monkeypatch.setenv("PATH", f"{binary.parent}{os.pathsep}{os.environ['PATH']}")
    binary.write_text("#!/bin/sh\necho 'libavdevice.so.59: cannot open shared object file' >&2\nexit 127\n")
    binary.chmod(0o755)
    line = check_health(simulator.url)["ffmpeg"]
    assert (line.state, line.text) == (
        "warn",
        f"{binary} does not run: libavdevice.so.59: cannot open shared object file",
    )
    says = """echo "Unknown encoder 'libx264'"; exit 1"""
    binary.write_text(f'#!/bin/sh\n[ "$1" = -version ] && echo "ffmpeg version 4.0" && exit\n{says}\n')
    line = check_health(simulator.url)["ffmpeg"]
    assert line.text == f"{binary}, version 4.0, cannot encode h264: Unknown encoder 'libx264'"
    assert (line.state, line.facts["h264"]) == ("warn", False)


def told_by(*options: str, variables: Mapping[str, str], first: str = "") -> dict[str, Any]:
    """What another process says of itself; its lines by name."""
    command = [sys.executable, *options, "-W", "error", "-c", first + TELL]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line["name"]: line for line in json.loads(done.stdout)["lines"]}
    assert all(line["remedy"] for line in lines.values() if line["state"] != "ok")
    return lines


@pytest.mark.slow
def test_a_machine_with_nothing(tmp_path: Path) -> None:
    """No extra, no ffmpeg, no GPU, no server, a home that cannot be written to: a report, and what would help."""
    site = Path(httpx.__file__).parents[1]
    for name in CORE:
        if (site / name).exists():
            (tmp_path / name).symlink_to(site / name)
    (tmp_path / "comfy_headless").symlink_to(ROOT / "comfy_headless")
    first = f"import sys; sys.path[:0] = [{str(tmp_path)!r}];"
    variables = {"PATH": "/nowhere", "HOME": "/proc/none", "COMFY_HEADLESS_URL": closed_port(), "PYTHONPATH": ""}
    lines = told_by("-S", variables=variables, first=first)
    states = {state: [name for name, line in lines.items() if line["state"] == state] for state in ("fail", "ok")}
    assert states == {"fail": ["server"], "ok": ["disk", "settings", "presets", "comfyui"]}
    without = "not looked for: looking for GPUs needs the extra 'health': module 'psutil' is not installed"
    assert lines["gpu here"]["text"] == without
    assert "[websocket,health,media,cli" in lines["extras"]["remedy"]
    assert lines["ffmpeg"]["text"].startswith("none found, so nothing is looked at or made smaller: none on PATH")
    assert lines["cache"]["text"].startswith("nothing can be kept in /proc/none/.cache/comfy-headless: ")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="builds a driver's library")
def test_the_gpus_of_this_machine(tmp_path: Path) -> None:
    """The GPUs that the driver knows are told, with what else is to be said of them."""
    library = build(tmp_path)
    variables = {**cards(24, 8), "LD_LIBRARY_PATH": str(library), "COMFY_HEADLESS_URL": closed_port()}
    line = told_by(variables=variables)["gpu here"]
    assert (line["state"], line["text"]) == ("ok", "NVIDIA RTX 0, 24.0 GiB of VRAM; NVIDIA RTX 1, 8.0 GiB of VRAM")
    assert line["facts"] == {"count": 2, "vram_gb": 24.0}
