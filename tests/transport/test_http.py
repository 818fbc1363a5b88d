"""What both shells say of a request that broke."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, ComfyUIConnectionError
from comfy_headless.protocol.timing import Timing

QUICK = Timing(read=0.3, patience=0.5)
GARBLED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
BROKEN = {
    "refused": None,
    "timeout": b"",
    "reset": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
    "garbled": GARBLED,
}


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """Give the address of a server that says ``answer`` to everybody; None: nobody is there, empty: it is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if answer is not None:
            threading.Thread(target=_serve, args=(listener, answer), daemon=True).start()
            yield address
            listener.shutdown(socket.SHUT_RDWR)
    if answer is None:
        yield address


def _serve(listener: socket.socket, answer: bytes) -> None:
    silent = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            break
        if answer:
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
        else:
            silent.append(connection)
    for connection in silent:
        connection.close()


def ask(url: str) -> None:
    with ComfyClient(url, transport="polling", timing=QUICK) as client:
        client.system_stats()


def ask_async(url: str) -> None:
    async def main() -> None:
        async with AsyncComfyClient(url, transport="polling", timing=QUICK) as client:
            await client.system_stats()

    asyncio.run(main())


@pytest.mark.parametrize("asked", [ask, ask_async])
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_request_is_logged(how: str, asked: Callable[[str], None], caplog: pytest.LogCaptureFixture) -> None:
    """The log names the request that broke, and how it did."""
    caplog.set_level(logging.DEBUG, "comfy_headless")
    with answering(BROKEN[how]) as url, pytest.raises(ComfyUIConnectionError):
        asked(url)
    kind = "reset" if how == "garbled" else how
    assert any(line.startswith(f"GET /system_stats broke: {kind}: ") for line in caplog.messages), caplog.messages


@pytest.mark.parametrize(("login", "sent"), [("user:a%27%40b@", b"user:a'@b"), ("user@", b"user:"), ("", None)])
def test_a_login_in_the_address(login: str, sent: bytes | None) -> None:
    """It is sent with each request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[bytes] = []

        def hear() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=hear)
        thread.start()
        ask(f"http://{login}127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    told = [line for line in heard[0].split(b"\r\n") if line.lower().startswith(b"authorization:")]
    assert told == ([] if sent is None else [b"Authorization: Basic " + b64encode(sent)])
