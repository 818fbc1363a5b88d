"""The kept socket for threads, where its locks could bite."""

from __future__ import annotations

import gc
import socket
import threading
import time

import pytest

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Subscribe, Tell
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.reach import Reach
from comfy_headless.transport.socket import KeptSocket
from comfy_headless.transport.sync import SyncTransport
from tests.faults.clients import within


def test_a_stream_that_is_collected_under_the_lock() -> None:
    """A stream of events in a cycle may be collected in any thread at any place, one that holds the lock too."""

    def flow() -> Flow[None]:
        yield Subscribe("job")
        yield Tell("event")

    transport = SyncTransport(Server("http://127.0.0.1:9", "c", Timing()))
    mailbox = transport._socket.mailbox()

    def drop() -> None:
        held: list[object] = [transport.iterate(flow())]
        next(held[0])  # type: ignore[call-overload]
        held.append(held)
        del held
        with mailbox.news:
            gc.collect()

    thread = threading.Thread(target=drop, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert transport._socket.listen(mailbox, 0) is None
    transport.close()


@pytest.mark.slow
def test_a_deadline_while_another_thread_opens() -> None:
    """Who may not wait any more does not wait for the one who opens the socket."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = Server(f"http://127.0.0.1:{silent.getsockname()[1]}", "c", Timing(connect=3.0))
        kept = KeptSocket(Reach(server), "c", server.timing)
        opener = threading.Thread(target=kept.subscribe, args=("one", kept.mailbox()))
        opener.start()
        time.sleep(0.2)
        with within(1.5):
            assert not kept.subscribe("two", kept.mailbox(), 0.2)
        opener.join()
