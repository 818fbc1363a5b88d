"""The plain routes of a ComfyUI server, one flow each (routes of 0.30.0; older servers where noted)."""

from __future__ import annotations

import mimetypes
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.conversation import Attempt, Server, ask, attempt, persist
from comfy_headless.protocol.effects import Call, Flow, Part, json_body
from comfy_headless.protocol.ticket import entry_without_keys, item_without_keys

FOLDER_TYPES: Final = ("output", "input", "temp")
"""The folders that a server has for files."""


class Queue(NamedTuple):
    """The server's queue in run order: ids of running and of waiting jobs."""

    running: tuple[str, ...]
    pending: tuple[str, ...]

    def position(self, prompt_id: str) -> int | None:
        """Jobs ahead of ``prompt_id``: 0 if it runs, None if it is not here."""
        if prompt_id in self.running:
            return 0
        return len(self.running) + self.pending.index(prompt_id) if prompt_id in self.pending else None


def system_stats(server: Server) -> Flow[dict[str, Any]]:
    """GET /system_stats: versions, RAM, devices (memory in bytes)."""
    return _object((yield from ask(server, "/system_stats")), server, "/system_stats")


def object_info(server: Server, node_class: str | None = None) -> Flow[dict[str, Any]]:
    """GET /object_info: the schemas of all node classes, or of one; of an executor, what it tells of them."""
    if server.executor is not None:
        told = yield from server.executor.nodes(server)
        if told is None:
            raise ValidationError(f"{server.executor.name} does not tell which node classes and model files it has")
        return {name: told[name] for name in ([node_class] if node_class else told) if name in told}
    route = f"/object_info/{quote(node_class, safe='')}" if node_class else "/object_info"
    return _object((yield from ask(server, route, timeout=server.timing.transfer)), server, route)


def queue(server: Server) -> Flow[Queue]:
    """GET /queue, sorted into run order (the server gives heap order)."""
    found, _ = yield from queue_items(server)
    return found


def queue_items(server: Server) -> Flow[tuple[Queue, dict[str, list[Any]]]]:
    """GET /queue as `queue` does; give the server's own items (number, id, graph, extra_data, ...) by id too."""
    value: Any = yield from ask(server, "/queue")
    found = read_queue(value)
    if found is None:
        raise ComfyUIConnectionError(f"{server.url}: GET /queue answered something else", url=server.url)
    items = [*value["queue_running"], *value["queue_pending"]]
    return found, {item[1]: item_without_keys(item) for item in items if _is_item(item)}


def read_queue(value: Any) -> Queue | None:
    """Read the answer of GET /queue; None if it is not one."""
    if not isinstance(value, dict):
        return None
    running, pending = value.get("queue_running"), value.get("queue_pending")
    if not isinstance(running, list) or not isinstance(pending, list):
        return None
    in_order = sorted((item for item in pending if _is_item(item)), key=lambda item: (item[0], item[1]))
    return Queue(tuple(item[1] for item in running if _is_item(item)), tuple(item[1] for item in in_order))


def history(server: Server, prompt_id: str) -> Flow[dict[str, Any] | None]:
    """GET /history/{prompt_id}: the entry of an ended job, None while there is none."""
    value = _object((yield from ask(server, f"/history/{prompt_id}")), server, "/history")
    entry = value.get(prompt_id)
    return entry_without_keys(entry) if isinstance(entry, dict) else None


def cancel(server: Server, prompt_id: str) -> Flow[bool]:
    """Cancel one job, queued or running; True if the server says so, False if it was not there any more.

    Servers without the jobs API (before 0.3.65 or so): taken out of the queue, then interrupted if it runs.
    """
    if server.executor is not None:
        return (yield from server.executor.cancel(server, prompt_id))
    limit = server.timing.cancel
    tried: Attempt = yield from attempt(Call("POST", f"/api/jobs/{prompt_id}/cancel", timeout=limit))
    if tried.status == 200 and isinstance(tried.value, dict):
        return bool(tried.value.get("cancelled"))
    if tried.status not in (404, 405):
        raise _uncancelled(server, prompt_id, tried)
    before = read_queue((yield from attempt(Call("GET", "/queue", timeout=limit))).value)
    place = before.position(prompt_id) if before else None
    yield from attempt(Call("POST", "/queue", body=json_body({"delete": [prompt_id]}), timeout=limit))
    tried = yield from attempt(Call("GET", "/queue", timeout=limit))
    after = read_queue(tried.value)
    if after is not None and prompt_id in after.running:  # else it could be another job that stops
        tried = yield from attempt(Call("POST", "/interrupt", body=json_body({"prompt_id": prompt_id}), timeout=limit))
    if after is None or tried.problem is not None:
        raise _uncancelled(server, prompt_id, tried)
    return prompt_id in after.running or bool(place)


def _uncancelled(server: Server, prompt_id: str, tried: Attempt) -> ComfyUIConnectionError:
    return ComfyUIConnectionError(
        f"{server.url}: could not cancel {prompt_id}: {tried.problem or 'the answer is not what was asked for'}",
        url=server.url,
        prompt_id=prompt_id,
        may_still_run=True,
    )


def free(server: Server, *, unload_models: bool = True, free_memory: bool = True) -> Flow[bool]:
    """POST /free: let the server unload its models and forget what it cached; False if it has no such route.

    It does so when it is between two jobs.

    Args:
        unload_models: take the models out of the graphics memory.
        free_memory: drop what nodes made before, too, so that the next job runs all of its nodes.

    Raises:
        ComfyUIConnectionError: the server stayed away.
    """
    body = json_body({"unload_models": bool(unload_models), "free_memory": bool(free_memory)})
    tried: Attempt = yield from persist(
        server, Call("POST", "/free", body=body, timeout=server.timing.read), first=False
    )
    if tried.problem is not None and tried.passing:
        raise ComfyUIConnectionError(f"{server.url}: {tried.problem}", url=server.url)
    return tried.problem is None


def upload(
    server: Server,
    content: str | bytes,
    *,
    name: str | None = None,
    subfolder: str = "",
    overwrite: bool = False,
    folder_type: str = "input",
) -> Flow[str]:
    """POST /upload/image: bring a file of any kind into a folder of the server; give the name a loader node wants.

    The server renames a file whose name is taken by other content, and reuses it for the same content: so an upload
    may be sent again.

    Args:
        content: path of a local file, or what it holds; then with ``name``.
        name: what it is called there; None: as here.
        folder_type: "input", "temp" or "output".

    Raises:
        ValidationError: the file cannot be read, or a word is wrong.
        ComfyUIConnectionError: the server did not take it.
    """
    part = file_part(content, name)
    call = sent(server, "/upload/image", part, subfolder, overwrite, folder_type)
    try:
        if server.executor is not None:
            return (yield from server.executor.upload(server, part))
        tried: Attempt = yield from persist(server, call)
    except OSError as error:
        path = str(part.content)
        raise ValidationError(f"upload of {path!r}: {error.strerror or error} ({Path(path).absolute()})") from error
    return stored_name(server, tried, f"upload of {content if isinstance(content, str) else part.filename}")


def file_part(content: str | bytes, name: str | None) -> Part:
    """Return a file to be sent; raises ValidationError."""
    if name is None and isinstance(content, str):
        name = PurePosixPath(Path(content).name).name
    if not isinstance(name, str) or not name.strip() or "/" in name or "\\" in name:
        raise ValidationError(f"name={name!r}: expected the name of a file, without folders, for what is sent as bytes")
    return Part("image", name, content)


def sent(
    server: Server,
    route: str,
    part: Part,
    subfolder: str,
    overwrite: bool,
    folder_type: str,
    more: tuple[tuple[str, str], ...] = (),
) -> Call:
    """Return the call that uploads a file; raises ValidationError."""
    if folder_type not in FOLDER_TYPES:
        raise ValidationError(f"type={folder_type!r}; there are: {', '.join(FOLDER_TYPES)}")
    if not isinstance(subfolder, str):
        raise ValidationError(f"subfolder={subfolder!r}: expected a text")
    below = (("subfolder", subfolder),) if subfolder else ()
    over = (("overwrite", "true"),) if overwrite else ()
    form = (("type", folder_type), *below, *over, *more)
    return Call("POST", route, form=form, parts=(part,), timeout=server.timing.transfer)


def stored_name(server: Server, tried: Attempt, what: str, *, hint: str = "") -> str:
    """Return the name under which a server stored a file, as a loader node wants it; raises ComfyUIConnectionError."""
    stored = tried.value.get("name") if isinstance(tried.value, dict) else None
    if not isinstance(stored, str) or not stored:
        words = tried.problem or "the answer has no name"
        known = {
            400: "a name or a sub-folder that leads out of its folder",
            413: "the file is larger than the server's --max-upload-size; or lay it into its folder and give its name",
        }
        hint = hint or known.get(tried.status or 0, "")
        raise ComfyUIConnectionError(
            f"{server.url}: {what} failed: {words}{f' ({hint})' if hint else ''}", url=server.url
        )
    folder, kind = tried.value.get("subfolder"), tried.value.get("type")
    name = f"{folder}/{stored}" if folder else stored
    return f"{name} [{kind}]" if kind in ("temp", "output") else name


def view_params(filename: str, subfolder: str, folder_type: str) -> tuple[tuple[str, str], ...]:
    """Return the query of GET /view for one file."""
    return (("filename", filename), ("subfolder", subfolder), ("type", folder_type))


def view_url(server: Server, filename: str, subfolder: str, folder_type: str) -> str:
    """Return the address at which the server offers a file."""
    return f"{server.url}/view?{urlencode(view_params(filename, subfolder, folder_type))}"


def media_type(name: str) -> str:
    """Return the MIME type of a file name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _is_item(item: Any) -> bool:
    return isinstance(item, list) and len(item) >= 2 and isinstance(item[1], str)


def _object(value: Any, server: Server, route: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ComfyUIConnectionError(f"{server.url}: GET {route} answered {str(value)[:80]!r}", url=server.url)
