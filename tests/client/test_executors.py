"""Where jobs run that is no ComfyUI server: how it is named, what its clients refuse, where its key never goes."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, RunningHub, Timing, check_health, get_recommended_preset
from comfy_headless.cli import main
from comfy_headless.client.executors import executor_name, executor_of, is_executor
from comfy_headless.client.options import server_of
from comfy_headless.errors import ComfyUIConnectionError, ResultSaveError, ValidationError, without_secrets
from comfy_headless.protocol.access import Access
from comfy_headless.protocol.conversation import Server, offline
from comfy_headless.protocol.effects import Call, Flow, Reply
from comfy_headless.simulator import Simulator
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.sync import SyncTransport
from tests.cloud.runninghub_fake import KEY, FakeRunningHub, running_hub
from tests.faults.clients import VIDEO

OTHER: Final = "f" * 32
"""A key that lets nobody in."""

PACKAGE: Final = """
from comfy_headless import RunningHub

def made():
    return RunningHub("its-own-key", base_url="http://127.0.0.1:9", environ={})

def nothing():
    return object()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that brings two executors; one of them is none."""
    (tmp_path / "their_cloud.py").write_text(PACKAGE, encoding="utf-8")
    told = tmp_path / "their_cloud-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: their-cloud\nVersion: 1.0\n", encoding="utf-8")
    points = "[comfy_headless.executors]\ntheirs = their_cloud:made\nbroken = their_cloud:nothing\n"
    (told / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("their_cloud", None)


@pytest.mark.parametrize(
    ("place", "variables", "name"),
    [
        ("runninghub", {}, "runninghub"),
        (" RunningHub", {}, "runninghub"),
        ("comfy-cloud", {}, "comfy-cloud"),
        ("localhost", {}, None),
        ("http://runninghub", {}, None),
        ("runninghub:80", {}, None),
        (None, {}, None),
        (None, {"COMFY_HEADLESS_URL": "runninghub"}, "runninghub"),
        (None, {"COMFYUI_EXECUTOR_TYPE": "Comfy-Cloud", "COMFY_HEADLESS_URL": "http://a"}, "comfy-cloud"),
        (None, {"COMFYUI_EXECUTOR_TYPE": "http", "COMFY_HEADLESS_URL": "http://a"}, None),
        ("http://b", {"COMFYUI_EXECUTOR_TYPE": "runninghub"}, None),
    ],
)
def test_names(place: str | None, variables: Mapping[str, str], name: str | None) -> None:
    """A name stands for an executor where an address goes; an argument goes before the environment."""
    assert executor_name(place, variables) == name


def test_a_package_brings_one(package: None) -> None:
    """An entry point's name is one more; what makes no executor is an error that names the package."""
    assert ComfyClient("theirs").url == "http://127.0.0.1:9"
    with pytest.raises(ValidationError, match=r"their_cloud:nothing of their-cloud makes no executor"):
        executor_of("broken")
    assert not is_executor(RunningHub) and not is_executor(object())


def test_what_lets_one_in_is_its_own() -> None:
    """A token for a server is none for an executor, and the environment's is never sent there."""
    account = RunningHub(KEY, environ={})
    with pytest.raises(ValidationError, match=r"token=.*RunningHub"):
        ComfyClient(account, token="x")
    with pytest.raises(ValidationError, match="is not an address"):
        ComfyClient(object())  # type: ignore[arg-type]
    server = server_of(account, None, Timing(), None)
    assert server.access == Access() and server.timing == account.timing and not server.socket
    assert server_of(account, None, Timing(read=1.0), None).timing.read == 1.0


class Told(FakeRunningHub):
    """A place that writes down what it is shown at its files."""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_absolute_address_is_told_nothing(kind: str) -> None:
    """Headers, cookies and the login of a server go to that server, not to an absolute address."""

    def fetch() -> Flow[Reply]:
        return (yield Call("GET", f"{there.files}/files/0/a.txt", headers=(("X-Mine", "1"),)))

    access = Access((("Authorization", "Bearer secret"), ("Comfy-User", "me")), (("session", "secret"),))
    with Told("") as there:
        server = Server(there.url.replace("//", "//me:secret@"), "me", Timing(), access=access)
        if kind == "sync":
            transport = SyncTransport(server)
            reply = transport.drive(fetch())
            transport.close()
        else:
            reply = asyncio.run(AsyncTransport(server).drive(fetch()))
        assert reply.body == b"a text"
        assert there.leaks == []
        (asked,) = there.asked
    assert asked.headers["x-mine"] == "1" and "comfy-user" not in asked.headers


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_native_proxy(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A ComfyUI below a key is a server like any other, and the key is shown nowhere."""
    caplog.set_level(logging.DEBUG)
    with Simulator() as sim, running_hub(sim.url) as hub:
        address = f"{hub.url}/proxy/{KEY}"
        if kind == "sync":
            with ComfyClient(address, transport="polling") as client:
                result = client.run_workflow(VIDEO, out=tmp_path)
                shown = f"{client!r} {client.url} {vars(client)!r}"
        else:

            async def run() -> tuple[Any, str]:
                async with AsyncComfyClient(address, transport="polling") as client:
                    made = await client.run_workflow(VIDEO, out=tmp_path)
                    return made, f"{client!r} {client.url}"

            result, shown = asyncio.run(run())
        assert result.path is not None and result.path.stat().st_size > 1000
        with pytest.raises(ComfyUIConnectionError) as caught:
            ComfyClient(f"{hub.url}/proxy/{OTHER}").system_stats()
    for secret in (KEY, OTHER):
        assert secret not in f"{shown} {result!r} {caught.value} {caught.value.url} {caplog.text}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://www.runninghub.ai/proxy/{KEY}/queue", "https://www.runninghub.ai/proxy/***/queue"),
        (f"at https://www.runninghub.cn/proxy-plus/{KEY}: no", "at https://www.runninghub.cn/proxy-plus/***: no"),
        ("http://hub/user/me/proxy/8188/queue", "http://hub/user/me/proxy/8188/queue"),
        ("https://s3/a.png?X-Amz-Signature=abc&x=1", "https://s3/a.png?X-Amz-Signature=***&x=1"),
        ("https://oss/a.png?x-oss-signature=a%2Fb&x=1", "https://oss/a.png?x-oss-signature=***&x=1"),
        ("https://oss/a.png?x-oss-credential=ab&x=1", "https://oss/a.png?x-oss-credential=***&x=1"),
        ("https://oss/a.png?Signature=abc&security-token=ab", "https://oss/a.png?Signature=***&security-token=***"),
        ("https://cos/a.png?q-key-time=1;2&q-signature=abc", "https://cos/a.png?q-key-time=1;2&q-signature=***"),
        ("wss://h/ws/c_instance?clientId=1&Rh-Comfy-Auth=abc", "wss://h/ws/c_instance?clientId=1&Rh-Comfy-Auth=***"),
    ],
)
def test_what_is_shown_of_an_address(text: str, shown: str) -> None:
    """A key in a path, and a signature in a query, become ***; a port in a path stays."""
    assert without_secrets(text) == shown
    assert ResultSaveError("no", prompt_id="p", path="a.png", url=text).url == shown


@pytest.mark.slow
def test_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--server runninghub`` runs a preset there; jobs are taken up by their number."""
    with Simulator() as sim, running_hub(sim.url) as hub:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RUNNINGHUB_BASE_URL", hub.url)
        monkeypatch.setenv("RUNNINGHUB_API_KEY", KEY)
        words = ["--preset", "wan_5b", "--width", "320", "--height", "192", "--frames", "5", "--untested"]
        assert main(["generate", "a cat", "--server", "runninghub", *words]) == 0
        capsys.readouterr()
        (task,) = hub.tasks
        assert main(["jobs", "fetch", task, "--server", "runninghub"]) == 0
        assert main(["generate", "a cat", "--server", "runninghub", "--no-wait", *words]) == 0
        assert f"jobs fetch {list(hub.tasks)[-1]} --server runninghub" in capsys.readouterr().err
        assert main(["jobs", "list", "--server", "runninghub"]) == 2
        assert "does not tell which jobs" in capsys.readouterr().err


def test_what_is_asked_of_it() -> None:
    """A recommendation goes by its machines; a look at its health asks it nothing."""
    plus = RunningHub(KEY, instance_type="plus", environ={})
    found = get_recommended_preset(server=plus, explain=True)
    assert (found.vram_gb, found.vram_source) == (48.0, "a machine of RunningHub")
    other = RunningHub(KEY, instance_type="huge", environ={})
    assert "does not tell" in get_recommended_preset(server=other, explain=True).vram_source
    assert "RunningHub" in check_health(plus)["server"].text


@pytest.mark.parametrize(
    ("url", "is_told"), [("http://gpu", True), ("http://gpu:80", False), ("https://gpu", False), ("http://a/b", False)]
)
def test_whose_port_is_told(url: str, is_told: bool) -> None:
    """Whoever left a port out is told of 8188; behind a proxy, which a path or https speaks of, it is none."""
    assert ("8188 is ComfyUI's own port" in str(offline(Server(url, "me", Timing()), "refused"))) is is_told
