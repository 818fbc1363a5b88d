"""What a task of RunningHub made, as an entry of a server's history; and why it failed, in the words of its machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from tempfile import mkstemp
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from comfy_headless.cloud.runninghub_api import OUTPUTS, Api, Envelope
from comfy_headless.cloud.runninghub_codes import FAILED
from comfy_headless.errors import GenerationFailedError
from comfy_headless.protocol.conversation import Attempt, Server
from comfy_headless.protocol.destination import discard, size_of
from comfy_headless.protocol.download import address_of, is_address
from comfy_headless.protocol.effects import Broken, Download, Flow, Reply, Work
from comfy_headless.protocol.failure import failure

logger = logging.getLogger("comfy_headless")

_TEXTS: Final = frozenset({"txt", "text", "json", "xml"})
"""Files whose content is a text of the result (comfykit 0.1.12 has these four)."""
_MOST_TEXT: Final = 1024 * 1024
"""Bytes of a text of the result. What is longer is a file; a store that can is asked for one byte more."""

_COSTS: Final[Mapping[str, str]] = {
    "taskCostTime": "seconds",
    "consumeCoins": "coins",
    "consumeMoney": "money",
    "thirdPartyConsumeMoney": "third_party_money",
}
"""What an output tells of the cost of its task, and what it is called here. Each output tells the same (a guess)."""


class File(NamedTuple):
    """A file that a task made; ``name`` is its alone."""

    node_id: str
    name: str
    url: str

    @property
    def is_text(self) -> bool:
        """Whether what it holds is a text of the result."""
        return PurePosixPath(self.name).suffix.lower().lstrip(".") in _TEXTS


def ask_outputs(server: Server, api: Api, job_id: str) -> Flow[Attempt]:
    """Ask what a task made; of one that has not ended, or failed, the answer is a code."""
    return api.ask(server, api.call(OUTPUTS, server.timing.read, taskId=job_id), first=False)


def files_in(data: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the outputs of an answer; null and an empty list are none."""
    found = data if isinstance(data, list) else []
    return tuple(one for one in found if isinstance(one, Mapping) and isinstance(one.get("fileUrl"), str))


def named_files(data: Any) -> Iterator[File]:
    """Give the files of an answer, each under a name of its own; without a nodeId a file's node is its place."""
    taken: dict[str, int] = {}
    for place, one in enumerate(files_in(data)):
        name = _name(one["fileUrl"], one.get("fileType"), place)
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        taken[name] = count = taken.get(name, 0) + 1
        node_id = one.get("nodeId")
        yield File(
            str(place) if node_id in (None, "") else str(node_id),
            name if count == 1 else f"{stem}-{count}{suffix}",
            one["fileUrl"],
        )


def entry_of(server: Server, data: Any) -> Flow[dict[str, Any]]:
    """Return what a task made as an entry of a server's history; texts are fetched, without the key."""
    outputs: dict[str, dict[str, list[Any]]] = {}
    for file in named_files(data):
        node = outputs.setdefault(file.node_id, {})
        address = address_of(server, file.url)
        text = (yield from _text(server, address)) if file.is_text and is_address(address) else None
        if text is not None:
            node.setdefault("text", []).append(text)
        else:
            told = {"filename": file.name, "subfolder": "", "type": "output", "url": file.url}
            node.setdefault("files", []).append(told)
    cost = cost_in(data)
    messages = []
    if "seconds" in cost:
        times = (("execution_start", 0), ("execution_success", round(cost["seconds"] * 1000)))
        messages = [[name, {"timestamp": time}] for name, time in times]
    status = {"status_str": "success", "completed": True, "messages": messages}
    return {"outputs": outputs, "status": status, "cost": cost}


def cost_in(data: Any) -> dict[str, float]:
    """Return what a task cost, as far as it is told: seconds, coins, money, third_party_money."""
    found: dict[str, float] = {}
    for one in files_in(data):
        for told, name in _COSTS.items():
            value = _number(one.get(told))
            if value is not None:
                found[name] = max(value, found.get(name, 0.0))
    return found


def failure_of(envelope: Envelope | None, job_id: str) -> GenerationFailedError:
    """Return the error for a task that failed: ``failedReason`` of the answer, where there is one."""
    data = envelope.data if envelope is not None else None
    reason = data.get("failedReason") if isinstance(data, Mapping) else None
    if not isinstance(reason, Mapping) or not any(reason.values()):
        words = envelope.words if envelope is not None and envelope.code == FAILED else ""
        said = f" ({words})" if words and "STATUS_ERROR" not in words.upper() else ""
        return GenerationFailedError(
            f"the task {job_id} failed or was cancelled on RunningHub, which does not say why{said}", prompt_id=job_id
        )
    told = {
        "node_id": reason.get("node_id"),
        "node_type": reason.get("node_type") or reason.get("node_name"),
        "exception_type": reason.get("exception_type"),
        "exception_message": reason.get("exception_message"),
    }
    status = {"status_str": "error", "completed": False, "messages": [["execution_error", told]]}
    return failure({"status": status}, job_id)


def _text(server: Server, url: str) -> Flow[str | None]:
    """Fetch a text; None for one that does not come, or is too long: it stays a file."""
    part = None
    try:
        part = yield Work(_part)
        asked = (("Range", f"bytes=0-{_MOST_TEXT}"),)
        reply: Reply = yield Download(url, (), part, timeout=server.timing.read, headers=asked)
        if reply.status == 416:  # not even a first byte is there
            return ""
        return (yield Work(_read, (part,))) if reply.status in (200, 206) else None
    except (Broken, OSError) as error:
        logger.info("a text that a task made: %s; it stays a file", error)
        return None
    finally:
        if part is not None:
            yield Work(discard, ((part,),))


def _part() -> str:
    handle, path = mkstemp(prefix="comfy_headless_")
    os.close(handle)
    return path


def _read(path: str) -> str | None:
    return Path(path).read_bytes().decode("utf-8", "replace") if size_of(path) <= _MOST_TEXT else None


def _name(url: str, told: Any, place: int) -> str:
    try:
        name = PurePosixPath(unquote(urlsplit(url).path)).name
    except ValueError:
        name = ""
    suffix = told.lower().lstrip(".") if isinstance(told, str) else ""
    if not name or name in (".", ".."):
        name = f"output-{place + 1}"
    if suffix and "/" not in suffix and not PurePosixPath(name).suffix:
        return f"{name}.{suffix}"
    return name


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12 else None
    )
