"""The routes that tell of a server itself: features, extensions, templates, blueprints, words, its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from comfy_headless.protocol.answers import change, refusal, segment, strange, texts, told, unknown
from comfy_headless.protocol.conversation import Server, persist
from comfy_headless.protocol.effects import Call, Flow, json_body


class Subgraph(NamedTuple):
    """A blueprint: a part of a workflow that somebody shares.

    Args:
        source: "templates" or "custom_node".
        node_pack: who brought it: "comfyui", or "custom_nodes." and a folder.
        data: the workflow in the frontend's own format, as JSON text; None in a list.
    """

    id: str
    name: str
    source: str
    node_pack: str
    data: str | None = None


class LogEntry(NamedTuple):
    """Something that the server wrote on its terminal; ``time`` is its own local time, ISO 8601."""

    time: str
    text: str


def features(server: Server) -> Flow[dict[str, Any]]:
    """GET /features: what the server can; ``max_upload_size`` is in bytes."""
    return (yield from told(server, "/features", dict))


def extensions(server: Server) -> Flow[tuple[str, ...]]:
    """GET /extensions: addresses of the scripts that node packs bring for the frontend."""
    return texts((yield from told(server, "/extensions", list)))


def workflow_templates(server: Server) -> Flow[dict[str, tuple[str, ...]]]:
    """GET /workflow_templates: names of the example workflows of each node pack that has some."""
    value = yield from told(server, "/workflow_templates", dict)
    return {str(pack): texts(names) for pack, names in value.items()}


def i18n(server: Server) -> Flow[dict[str, Any]]:
    """GET /i18n: translations that node packs bring, by language."""
    return (yield from told(server, "/i18n", dict, timeout=server.timing.transfer))


def node_replacements(server: Server) -> Flow[dict[str, Any]]:
    """GET /node_replacements: what the server puts in the place of old node classes (new after 0.3.64)."""
    return (yield from told(server, "/node_replacements", dict))


def global_subgraphs(server: Server) -> Flow[tuple[Subgraph, ...]]:
    """GET /global_subgraphs: the blueprints that the server has, without their data (new after 0.3.64)."""
    value = yield from told(server, "/global_subgraphs", dict)
    return tuple(_subgraph(str(key), entry) for key, entry in value.items() if isinstance(entry, dict))


def global_subgraph(server: Server, subgraph_id: str) -> Flow[Subgraph]:
    """GET /global_subgraphs/{id}: one blueprint with its data."""
    call = Call("GET", f"/global_subgraphs/{segment(subgraph_id, 'subgraph_id')}", timeout=server.timing.read)
    tried = yield from persist(server, call)
    if tried.value is None and (tried.problem is None or tried.status == 404):  # null with 200 is 0.30.0's answer
        there = yield from global_subgraphs(server)
        raise unknown(server, "blueprint with the id", subgraph_id, [each.id for each in there])
    if tried.problem is not None:
        raise refusal(server, tried)
    if not isinstance(tried.value, dict):
        raise strange(server, call, tried.value)
    return _subgraph(subgraph_id, tried.value)


def logs(server: Server) -> Flow[str]:
    """GET /internal/logs: the last lines that the server wrote on its terminal, as one text."""
    return (yield from told(server, "/internal/logs", str))


def log_entries(server: Server) -> Flow[tuple[LogEntry, ...]]:
    """GET /internal/logs/raw: the same, piece by piece with its time."""
    value = yield from told(server, "/internal/logs/raw", dict)
    entries = value.get("entries")
    rows = [row for row in entries if isinstance(row, dict)] if isinstance(entries, list) else []
    return tuple(LogEntry(str(row.get("t") or ""), str(row.get("m") or "")) for row in rows)


def subscribe_logs(server: Server, *, enabled: bool = True) -> Flow[None]:
    """PATCH /internal/logs/subscribe: have what the server writes sent to this client's socket too, or no longer."""
    body = json_body({"clientId": server.client_id, "enabled": bool(enabled)})
    call = Call("PATCH", "/internal/logs/subscribe", body=body, timeout=server.timing.read)
    yield from change(server, call, again=True)


def _subgraph(subgraph_id: str, entry: Mapping[str, Any]) -> Subgraph:
    info, data = entry.get("info"), entry.get("data")
    return Subgraph(
        subgraph_id,
        str(entry.get("name") or ""),
        str(entry.get("source") or ""),
        str(info.get("node_pack") or "") if isinstance(info, dict) else "",
        data if isinstance(data, str) else None,
    )
