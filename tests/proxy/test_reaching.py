"""A server behind a real nginx: a path, TLS, passwords, tokens, headers, cookies; and nothing of it is shown."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, ComfyHeadlessError, ComfyUIConnectionError, Progress
from comfy_headless.cli import main
from comfy_headless.simulator import Simulator
from tests.faults.clients import FAST, VIDEO, Person
from tests.proxy.nginx import SECRET, Nginx

pytestmark = pytest.mark.proxy
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


class Elsewhere(HTTPServer):
    """Another host, which keeps all that it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.told: list[str] = []


class _Taker(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.told.append(f"{self.path} {self.headers}")  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """The server behind it."""
    with Simulator(step_seconds=0.02) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    """The host to which nobody should be sent with a secret."""
    with Elsewhere() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def nginx(sim: Simulator, elsewhere: Elsewhere) -> Iterator[Nginx]:
    """In front of the server."""
    with Nginx(sim.url, elsewhere.server_port) as running:
        yield running


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that anybody logs."""
    caplog.set_level(logging.DEBUG)
    return caplog


WAYS: dict[str, dict[str, Any]] = {
    "deep/comfy": {},
    "basic": {"auth": ("me", SECRET)},
    "bearer": {"token": SECRET},
    "header": {"headers": {"X-Farm-Key": SECRET}},
    "cookie": {"cookies": {"session": SECRET}},
    "sticky": {},
    "hasty": {},
}


@KINDS
@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("way", WAYS)
def test_a_job(
    way: str,
    tls: bool,
    transport: str,
    kind: str,
    nginx: Nginx,
    sim: Simulator,
    tmp_path: Path,
    log: pytest.LogCaptureFixture,
) -> None:
    """It runs, its steps come through the WebSocket, its file is brought; nothing that lets one in is logged."""
    seen: list[Progress] = []
    before = [request.path for request in sim.requests].count("/ws")
    person = Person(
        kind, nginx.url(way, tls=tls), transport=transport, ca=nginx.ca if tls else None, timing=FAST, **WAYS[way]
    )
    result = person.run(VIDEO, out=tmp_path, on_progress=seen.append, check=True)
    assert result.path.read_bytes() and seen
    sockets = [request.path for request in sim.requests].count("/ws") - before
    assert sockets >= 1 if transport == "websocket" else sockets == 0
    # httpcore writes the headers of answers at its level DEBUG, so cookies that a proxy sets too.
    told = [each.getMessage() for each in log.records if way != "sticky" or not each.name.startswith("httpcore")]
    assert SECRET not in f"{told} {result!r} {result.to_dict()}"


@KINDS
@pytest.mark.parametrize("way", ["basic", "bearer", "header", "cookie", "nowhere"])
def test_who_is_not_let_in(way: str, kind: str, nginx: Nginx, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """The error says what the proxy said, at once, without what was tried; nobody is followed elsewhere."""
    told = len(elsewhere.told)
    wrong = {"basic": {"auth": ("me", "wrong-wrong")}, "bearer": {"token": "wrong-wrong"}}
    with pytest.raises(ComfyUIConnectionError, match=r"answered (401|403|302|404)") as caught:
        Person(kind, nginx.url(way), timing=FAST, **wrong.get(way, {})).run(VIDEO, out=tmp_path)
    assert "wrong-wrong" not in str(caught.value) and len(elsewhere.told) == told


@KINDS
def test_sent_elsewhere(kind: str, nginx: Nginx, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """A redirect to another host is an answer, and is not followed: no secret goes there."""
    told = len(elsewhere.told)
    ways = {**WAYS["header"], **WAYS["cookie"], **WAYS["bearer"], "api_key": f"comfy-{SECRET}"}
    with pytest.raises(ComfyUIConnectionError, match="307"):
        Person(kind, nginx.url("away"), timing=FAST, **ways).run(VIDEO, out=tmp_path)
    assert len(elsewhere.told) == told


@KINDS
def test_an_unknown_certificate(kind: str, nginx: Nginx, tmp_path: Path) -> None:
    """It is refused, in words that say what to do; who trusts it gives ``ca``, or takes any."""
    with pytest.raises(ComfyUIConnectionError, match=r"(?s)certificate.*ca="):
        Person(kind, nginx.url("deep/comfy", tls=True), timing=FAST).run(VIDEO, out=tmp_path)
    assert Person(kind, nginx.url("deep/comfy", tls=True), verify=False).run(VIDEO, out=tmp_path).path.is_file()


@KINDS
def test_a_proxy_that_takes_no_large_files(kind: str, nginx: Nginx, tmp_path: Path) -> None:
    """The error names the file and whose limit it is."""
    (tmp_path / "big.bin").write_bytes(bytes(5000))
    with pytest.raises(ComfyHeadlessError, match=r"(?s)big\.bin.*413"):
        Person(kind, nginx.url("small")).call("upload", tmp_path / "big.bin")


@pytest.mark.parametrize("way", ["basic", "bearer", "header", "cookie"])
def test_the_environment(
    way: str, nginx: Nginx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A program that is given nothing is let in by the variables, and prints none of them."""
    url = nginx.url(way)
    variables = {
        "basic": ("COMFY_HEADLESS_URL", url.replace("://", f"://me:{SECRET}@")),
        "bearer": ("COMFY_HEADLESS_TOKEN", SECRET),
        "header": ("COMFY_HEADLESS_HEADERS", f"X-Farm-Key: {SECRET}\nX-Other: 5"),
        "cookie": ("COMFYUI_COOKIES", f"session={SECRET}; other=1"),
    }
    monkeypatch.setenv("COMFYUI_BASE_URL", url)
    monkeypatch.setenv(*variables[way])
    words = ("--preset", "wan_5b", "--width", "320", "--height", "192", "--frames", "5", "--untested")
    assert main(["generate", "x", "--out", str(tmp_path / "x.mp4"), *words, "--debug"]) == 0
    out, err = capfd.readouterr()
    assert (tmp_path / "x.mp4").is_file() and SECRET not in out + err


@KINDS
def test_a_client_of_ones_own(kind: str, nginx: Nginx, tmp_path: Path) -> None:
    """All requests go through the caller's httpx client, with what lets in; it is not closed."""
    asked: list[str] = []

    def note(request: httpx.Request) -> None:
        asked.append(request.url.path)

    async def note_too(request: httpx.Request) -> None:
        asked.append(request.url.path)

    if kind == "sync":
        with httpx.Client(event_hooks={"request": [note]}) as http:
            with ComfyClient(nginx.url("bearer"), http=http, token=SECRET) as client:
                assert client.run_workflow(VIDEO, out=tmp_path).path.is_file()
            assert not http.is_closed and "authorization" not in http.headers
    else:

        async def run() -> None:
            async with httpx.AsyncClient(event_hooks={"request": [note_too]}) as http:
                async with AsyncComfyClient(nginx.url("bearer"), http=http, token=SECRET) as client:
                    assert (await client.run_workflow(VIDEO, out=tmp_path)).path.is_file()
                assert not http.is_closed and "authorization" not in http.headers

        asyncio.run(run())
    assert {"/bearer/prompt", "/bearer/view"} <= set(asked)
