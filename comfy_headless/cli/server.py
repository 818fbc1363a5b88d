"""Which server a command talks to: a real one, or a simulated one that lives as long as the command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from comfy_headless.cli.output import Terminal
from comfy_headless.client.executors import executor_name
from comfy_headless.config import server_url, shown_url
from comfy_headless.errors import ValidationError


@contextmanager
def server_of(server: str | None, *, simulate: bool, terminal: Terminal) -> Iterator[str]:
    """Give the address of the server.

    Raises:
        ValidationError: the address is none, or a server is named although it should be simulated.
        FeatureMissingError: ``simulate`` without the extra.
    """
    if not simulate:
        yield executor_name(server) or server_url(server)
        return
    if server is not None:
        raise ValidationError(f"--server {shown_url(server)} and --simulate: give one of them")
    from comfy_headless.simulator import Simulator

    with Simulator() as simulator:
        terminal.note(f"simulated server at {simulator.url}: no model runs, the result is a placeholder")
        yield simulator.url


def named(server: str | None) -> str:
    """Return what to type after ``--server`` to mean the server of a command; nothing that lets one in is shown."""
    return executor_name(server) or shown_url(server_url(server))


def job_command(command: str, prompt_id: str | None, url: str) -> str:
    """Return what to type about a job, or about all jobs of a server."""
    return shlex.join(["comfy-headless", "jobs", command, *([prompt_id] if prompt_id else []), "--server", url])
