"""What an address carries to be let in is used, and never shown: not in errors, logs, results, or on a terminal."""

from __future__ import annotations

import asyncio
import logging
import pickle
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from comfy_headless import (
    AsyncComfyClient,
    ComfyClient,
    ComfyHeadlessError,
    ComfyUIConnectionError,
    ComfyUIOfflineError,
    ValidationError,
)
from comfy_headless.cli import main
from comfy_headless.client.options import server_of
from comfy_headless.config import server_url, shown_url
from comfy_headless.errors import without_secrets
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, CutSocket, Fault, Truncate
from comfy_headless.transport.handshake import shake_hands
from comfy_headless.transport.reach import Reach
from tests.faults.clients import VIDEO

SECRET = "hunter2"
LET_IN: dict[str, Any] = {"headers": {"X-Farm-Key": SECRET}, "transport": "polling"}
SMALL = {"preset": "wan_5b", "width": 320, "height": 192, "frames": 5, "allow_untested": True}
WORDS = ("--preset", "wan_5b", "--width", "320", "--height", "192", "--frames", "5", "--untested")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"at http://user:{SECRET}@host:8188/view", "at http://***@host:8188/view"),
        (f"wss://{SECRET}@host/ws?clientId=5", "wss://***@host/ws?clientId=5"),
        (f"https://u:{SECRET}@@host", "https://***@host"),
        (f"http://host/view?filename=a.mp4&token={SECRET}&x=1", "http://host/view?filename=a.mp4&token=***&x=1"),
        (f"GET /x?api_key={SECRET}: 401", "GET /x?api_key=*** 401"),
        (f'"http://a:{SECRET}@b", "http://c"', '"http://***@b", "http://c"'),
        ("http://host/a@b and mail@host, user@host:5", "http://host/a@b and mail@host, user@host:5"),
        ("?monkey=5&keys=7", "?monkey=5&keys=7"),
    ],
)
def test_what_is_shown_of_a_text(text: str, shown: str) -> None:
    """Logins and keys become ***; the rest stays as it is."""
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"user:{SECRET}@host:8188", "***@host:8188"),
        (f"http://user:{SECRET} x/@host", "http://***@host"),
        (f"ftp://{SECRET}@host", "ftp://***@host"),
        ("host:8188", "host:8188"),
    ],
)
def test_what_is_shown_of_an_address(url: str, shown: str) -> None:
    """An address that is none, or lacks its scheme, shows nothing either."""
    assert shown_url(url) == shown


@pytest.mark.parametrize("url", [f"ftp://u:{SECRET}@host", f"u:{SECRET}@host:99999", f"http://host?token={SECRET}"])
def test_an_address_that_is_refused(url: str) -> None:
    """The error names the address without its secret."""
    with pytest.raises(ValidationError, match="server ") as caught:
        server_url(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("password", [f"it's{SECRET}", f"<{SECRET}>", f'"{SECRET}', f"@{SECRET}'@"])
def test_a_password_with_quotes(password: str, log: pytest.LogCaptureFixture) -> None:
    """It lets in as it is, and is not shown: neither it nor the part of it after the sign."""
    with Simulator() as simulator:
        url = simulator.url.replace("://", f"://user:{password}@")
        with ComfyClient(url) as client:
            job = client.job(client.queue_prompt(VIDEO))
            list(job.events())
            assert SECRET not in f"{client!r} {client.url} {job!r} {log.text}"
    assert unquote(urlsplit(server_url(url)).password or "") == password


def with_login(url: str) -> str:
    return url.replace("://", f"://user:{SECRET}@")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged, by whomever."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "comfy_headless")
    caplog.set_level(logging.DEBUG, "httpx")
    return caplog


FAULTS: list[list[Fault]] = [[], [Answer(route="GET /ws", status=403, times=None)], [CutSocket(at=1), Truncate()]]


@pytest.mark.parametrize("faults", FAULTS, ids=str)
@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_client(kind: str, faults: list[Fault], tmp_path: Path, log: pytest.LogCaptureFixture) -> None:
    """The job runs; the client, the result and the log show no secret, whatever goes wrong on the way."""
    with Simulator(faults=faults) as simulator:
        url = with_login(simulator.url)
        if kind == "sync":
            with ComfyClient(url) as client:
                result, shown = client.generate_video("x", out=tmp_path / "x.mp4", **SMALL), client.url
        else:

            async def make() -> tuple[object, str]:
                async with AsyncComfyClient(url) as client:
                    return await client.generate_video("x", out=tmp_path / "x.mp4", **SMALL), client.url

            result, shown = asyncio.run(make())  # type: ignore[assignment]
    assert shown == simulator_url(shown)
    assert SECRET not in f"{result!r} {result.to_dict()} {shown} {log.text}"
    assert log.records


def simulator_url(url: str) -> str:
    """What is shown of an address with a login."""
    assert url.startswith("http://***@127.0.0.1:")
    return url


def test_an_error() -> None:
    """Its message, its values, and what becomes of it in another process."""
    with pytest.raises(ComfyUIOfflineError) as caught, ComfyClient(with_login("http://127.0.0.1:9")) as client:
        client.system_stats()
    error = caught.value
    again = pickle.loads(pickle.dumps(error))
    assert SECRET not in f"{error} {error!r} {error.to_dict()} {again.to_dict()}"
    assert "***@127.0.0.1:9" in str(error)
    assert str(ComfyHeadlessError(f"http://u:{SECRET}@h")) == "http://***@h"


def test_a_note_is_no_value_of_an_error() -> None:
    """What somebody notes on an error is not among what it is told as."""
    error = ComfyHeadlessError("x")
    error.add_note("seen")
    assert error.to_dict() == {"type": "ComfyHeadlessError", "message": "x"}
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["seen"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A simulated server, with a login in its address."""
    with Simulator() as simulator:
        yield with_login(simulator.url)


@pytest.mark.parametrize("shape", [(), ("--json",), ("--debug",), ("--json", "--debug"), ("--log-json", "--debug")])
@pytest.mark.parametrize(
    "words",
    [
        ("generate", "x", *WORDS),
        ("generate", "x", *WORDS, "--dry-run"),
        ("generate", "x", *WORDS, "--no-wait"),
        ("generate", "x", *WORDS, "--simulate"),
        ("generate", "x", "--width", "7"),
        ("run", "none.json"),
        ("jobs", "list"),
        ("jobs", "cancel", "00000000-0000-0000-0000-000000000000"),
        ("jobs", "fetch", "00000000-0000-0000-0000-000000000000"),
    ],
    ids=" ".join,
)
def test_a_command(
    words: tuple[str, ...],
    shape: tuple[str, ...],
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing that a command writes holds the secret, however it ends."""
    monkeypatch.chdir(tmp_path)
    main([*words, "--server", server, *shape])
    written = capsys.readouterr()
    assert written.out + written.err
    assert SECRET not in written.out + written.err


@pytest.mark.parametrize(
    ("login", "sent"), [(SECRET, f"{SECRET}:"), (f"u:{SECRET}", f"u:{SECRET}"), ("u:a%40b", "u:a@b")]
)
def test_a_login_opens_the_socket(login: str, sent: str) -> None:
    """With a password or without; it goes as a header, and the address that is opened has none of it."""
    with Simulator() as simulator:
        server = server_of(simulator.url.replace("://", f"://{login}@"), "auto", Timing(), None)
        assert shake_hands(server, 5).problem is None
        options = Reach(server).socket_options("me", 5)
        assert options["uri"] == f"ws{simulator.url.removeprefix('http')}/ws?clientId=me"
    assert options["additional_headers"] == [("Authorization", f"Basic {b64encode(sent.encode()).decode()}")]
    assert SECRET not in repr(server)


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_client_that_follows_redirects(kind: str, tmp_path: Path) -> None:
    """One of the caller's own follows none with our headers: nothing is told to another host."""
    with Simulator() as elsewhere:
        leads = Answer("POST /prompt", 307, headers={"Location": f"{elsewhere.url}/prompt"}, times=None)
        with Simulator(faults=[leads]) as simulator, pytest.raises(ComfyUIConnectionError, match="answered 307: go to"):
            if kind == "sync":
                with httpx.Client(follow_redirects=True) as http:
                    ComfyClient(simulator.url, http=http, **LET_IN).run_workflow(VIDEO, out=tmp_path)
            else:

                async def run() -> None:
                    async with httpx.AsyncClient(follow_redirects=True) as http:
                        await AsyncComfyClient(simulator.url, http=http, **LET_IN).run_workflow(VIDEO, out=tmp_path)

                asyncio.run(run())
        assert not elsewhere.requests
