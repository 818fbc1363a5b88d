"""What went wrong with a job, in the server's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_headless.errors import GenerationFailedError, OutOfMemoryError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.ticket import graph_in


def failed(entry: Mapping[str, Any]) -> bool:
    """Tell whether a history entry is that of a job that did not succeed."""
    status = _status(entry)
    return status.get("status_str") == "error" or status.get("completed") is False


def forgotten(server: Server, prompt_id: str) -> GenerationFailedError:
    """Return the error for a job that was waited for and that the server does not have (any more)."""
    return GenerationFailedError(
        f"the job {prompt_id} is neither queued nor in the history of {server.url}: the server restarted and has "
        "forgotten it, or it was cancelled or deleted while it waited; nothing of it runs there, it can be sent again",
        prompt_id=prompt_id,
    )


def gone(server: Server, prompt_id: str) -> GenerationFailedError:
    """Return the error for a job that the server does not have."""
    if server.executor is not None:
        whose = f"{server.executor.name} has no job {prompt_id}: its id is another one, or it is another account's"
        return GenerationFailedError(f"{whose}, or it is not kept any longer", prompt_id=prompt_id)
    return GenerationFailedError(
        f"the job {prompt_id} is neither queued nor in the history of {server.url}: "
        "it was never sent there, somebody deleted it, or the server restarted; nothing of it runs there",
        prompt_id=prompt_id,
    )


def failure(entry: Mapping[str, Any], prompt_id: str) -> GenerationFailedError:
    """Return the error for the history entry of a job that did not succeed, with the server's own words."""
    messages = _status(entry).get("messages")
    pairs = [one for one in messages if isinstance(one, list) and len(one) == 2] if isinstance(messages, list) else []
    told = {event: data for event, data in pairs if isinstance(event, str)}
    for event in ("execution_error", "execution_interrupted"):
        data = told.get(event)
        if isinstance(data, dict):
            return _failure(event, data, prompt_id, graph_in(entry.get("prompt")))
    return GenerationFailedError(
        f"the job {prompt_id} failed; the server's history does not say why", prompt_id=prompt_id
    )


def _failure(event: str, data: Mapping[str, Any], prompt_id: str, graph: Mapping[str, Any]) -> GenerationFailedError:
    node_id = data.get("node_id")
    node = graph.get(node_id) if isinstance(node_id, str) else None
    node_type = data.get("node_type") or (node.get("class_type") if isinstance(node, dict) else None)
    place = "the job" if node_id is None else f"node {node_id} ({node_type})" if node_type else f"node {node_id}"
    if event == "execution_interrupted":
        return GenerationFailedError(
            f"{place}: interrupted on the server: somebody cancelled the job",
            prompt_id=prompt_id,
            node_id=node_id,
            node_type=node_type,
            server_message="interrupted",
            interrupted=True,
        )
    exception_type = str(data.get("exception_type") or "")
    words = str(data.get("exception_message") or "").strip()
    out_of_memory = "OutOfMemory" in exception_type or "out of memory" in words.lower()
    error = OutOfMemoryError if out_of_memory else GenerationFailedError
    what, said = ("ran out of memory", _first_line(words)) if out_of_memory else ("failed", words)
    why = ": ".join(part for part in (exception_type, said) if part) or "it does not say why"
    return error(
        f"{place} {what} on the server: {why}",
        prompt_id=prompt_id,
        node_id=node_id,
        node_type=node_type,
        server_message=words,
        exception_type=exception_type or None,
    )


def _first_line(words: str) -> str:
    """Return the server's words without the tips that ComfyUI adds where memory runs out (0.30.0, execution.py)."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[0] if lines else "out of memory"


def _status(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    status = entry.get("status")
    return status if isinstance(status, dict) else {}
