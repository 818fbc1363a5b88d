"""Bring files to Comfy's API v2: by the hash that it told of the same bytes before, else the bytes themselves.

The hash is blake3, which Python does not have, so only what was told by an earlier answer can be asked for. A file is
known by an id from then on. A graph names it by an object (``core/ASSET``, openapi-v2.yaml, AssetReference); until the
graph is sent, that id stands in it as a text that begins with ``comfy-asset:``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from comfy_headless.cloud.comfy_cloud_api import Api
from comfy_headless.errors import ComfyUIConnectionError
from comfy_headless.protocol.conversation import Attempt, Server, persist
from comfy_headless.protocol.effects import Flow, Part, Work, json_body
from comfy_headless.protocol.routes import media_type

_REFERENCE: Final = re.compile(r"comfy-asset:(?P<id>[^/\s]+)/(?P<name>[^/]+)")
_BLOCK: Final = 1 << 20
_MOST: Final = 1000
"""Files of which a client keeps the hash."""


def upload(server: Server, api: Api, part: Part) -> Flow[str]:
    """Bring a file there; give the text that stands for it in a graph. It may be sent twice: the same bytes are one.

    Raises:
        ComfyUIConnectionError: it was not taken.
        OSError: it cannot be read.
    """
    known = server.known.hashes if server.known is not None else {}
    digest: str = yield Work(_digest, (part.content,), long=True)
    if digest in known:
        body = json_body({"hash": known[digest], "file_path": part.filename})
        minted: Attempt = yield from persist(
            server,
            api.call("POST", "/assets/from-hash", body=body, timeout=server.timing.read),
            reading=api.read,
        )
        if minted.problem is None and _id_in(minted.value):
            return _reference(minted.value, part)
    form = (("content_type", media_type(part.filename)), ("file_path", part.filename))
    sent = Part("file", part.filename, part.content)
    call = api.call("POST", "/assets", form=form, parts=(sent,), timeout=server.timing.transfer)
    tried: Attempt = yield from persist(server, call, reading=api.read)
    if not _id_in(tried.value):
        problem = f"{server.url}: upload of {part.filename!r} failed: {tried.problem or 'the answer names no asset'}"
        raise ComfyUIConnectionError(problem, url=server.url, status=tried.status)
    if isinstance(tried.value.get("hash"), str):
        known[digest] = tried.value["hash"]
        for oldest in [*known][:-_MOST]:
            known.pop(oldest, None)
    return _reference(tried.value, part)


def with_assets(graph: Mapping[str, Any]) -> dict[str, Any]:
    """Return a graph with the objects that name files in place of the texts that stand for them."""
    return {
        node_id: {**node, "inputs": {name: _named(value) for name, value in node["inputs"].items()}}
        for node_id, node in graph.items()
    }


def _named(value: Any) -> Any:
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    return {"__type": "core/ASSET", "info": {"id": found["id"], "file_path": found["name"]}}


def _reference(asset: Mapping[str, Any], part: Part) -> str:
    return f"comfy-asset:{asset['id']}/{part.filename}"


def _id_in(asset: Any) -> bool:
    return isinstance(asset, dict) and isinstance(asset.get("id"), str)


def _digest(content: str | bytes) -> str:
    """Return what tells these bytes from others here; it is not what the cloud calls them."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    with Path(content).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
