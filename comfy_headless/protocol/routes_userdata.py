"""The routes of a user's files on the server; the frontend keeps workflows there, in ``workflows/``.

A file is named by its path below the user's folder, with slashes. The server decodes a name once more if a percent sign
is in it (0.30.0, app/user_manager.py), and its router takes no braces: names with either are encoded twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.answers import filled, lacks, number, once, refusal, segment, strange, whole
from comfy_headless.protocol.conversation import Attempt, Server, persist
from comfy_headless.protocol.effects import Call, Flow


class UserFile(NamedTuple):
    """A file of a user.

    Args:
        path: below the folder that was asked for; below the user's own folder where the file was written.
        size: bytes.
        modified, created: seconds since 1970; None on a server that does not say.
    """

    path: str
    size: int | None = None
    modified: float | None = None
    created: float | None = None


class UserEntry(NamedTuple):
    """A file or a folder of a user.

    Args:
        path: below the user's own folder.
        kind: "file" or "directory".
        size: bytes, None for a folder.
        modified: seconds since 1970, None for a folder.
    """

    name: str
    path: str
    kind: str
    size: int | None = None
    modified: float | None = None


def userdata_files(server: Server, folder: str, *, recurse: bool = False) -> Flow[tuple[UserFile, ...]]:
    """GET /userdata: the files of a folder, with those of its sub-folders if ``recurse``; "." is the user's own."""
    params = (("dir", _twice(folder, "folder")), ("recurse", "true" if recurse else "false"), ("full_info", "true"))
    call = Call("GET", "/userdata", params, timeout=server.timing.transfer)
    tried = yield from persist(server, call, final=(500,))
    if tried.problem is not None:
        raise _refused(server, tried, f"the folder {folder!r}")
    if not isinstance(tried.value, list):
        raise strange(server, call, tried.value)
    return tuple(_file(each) for each in tried.value)


def userdata_tree(server: Server, folder: str = "") -> Flow[tuple[UserEntry, ...]]:
    """GET /v2/userdata: all files and folders below a folder ("": the user's own), folders first."""
    params = (("path", quote(_twice(folder, "folder")) if "%" in folder else folder),) if folder else ()
    call = Call("GET", "/v2/userdata", params, timeout=server.timing.transfer)
    tried = yield from persist(server, call, final=(500,))
    if tried.status == 404 and not folder:
        raise lacks(server, call)
    if tried.problem is not None:
        raise _refused(server, tried, f"the folder {folder!r}")
    if not isinstance(tried.value, list):
        raise strange(server, call, tried.value)
    rows = [row for row in tried.value if isinstance(row, dict) and isinstance(row.get("path"), str)]
    return tuple(
        UserEntry(
            str(row.get("name") or ""), row["path"], str(row.get("type") or ""), _size(row), number(row.get("modified"))
        )
        for row in rows
    )


def read_userdata(server: Server, path: str) -> Flow[bytes]:
    """GET /userdata/{file}: what a file holds."""
    call = Call("GET", _route(path), timeout=server.timing.transfer)
    tried = yield from persist(server, call, reading=whole, final=(500,))
    if tried.problem is not None:
        raise _refused(server, tried, f"the file {path!r}")
    return bytes(tried.value.body)


def read_userdata_text(server: Server, path: str) -> Flow[str]:
    """GET /userdata/{file}: what a file holds, as UTF-8 text."""
    content = yield from read_userdata(server, path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ComfyUIConnectionError(f"{server.url}: {path!r} is no UTF-8 text: {error}", url=server.url) from error


def store_userdata(server: Server, path: str, content: bytes | str, *, overwrite: bool = False) -> Flow[UserFile]:
    """POST /userdata/{file}: write a file, whole or not at all; folders are made. Sent once unless ``overwrite``."""
    body = content.encode() if isinstance(content, str) else content
    if not isinstance(body, bytes | bytearray):
        raise ValidationError(f"content={repr(content)[:80]}: expected bytes or a text")
    call = Call(
        "POST",
        _route(path),
        _told_to(overwrite),
        bytes(body),
        headers=(("Content-Type", "application/octet-stream"),),
        timeout=server.timing.transfer,
    )
    tried = yield from persist(server, call, final=(500,)) if overwrite else once(server, call)
    if tried.problem is not None:
        raise _refused(server, tried, f"the file {path!r} was not written")
    return _file(tried.value)


def delete_userdata(server: Server, path: str) -> Flow[None]:
    """DELETE /userdata/{file}: delete a file. Sent once."""
    tried = yield from once(server, Call("DELETE", _route(path), timeout=server.timing.read))
    if tried.problem is not None:
        raise _refused(server, tried, f"the file {path!r} was not deleted")


def move_userdata(server: Server, path: str, target: str, *, overwrite: bool = False) -> Flow[UserFile]:
    """POST /userdata/{file}/move/{dest}: move or rename a file; folders are made. Sent once."""
    route = f"{_route(path)}/move/{_quoted(target, 'target')}"
    tried = yield from once(server, Call("POST", route, _told_to(overwrite), timeout=server.timing.read))
    if tried.problem is not None:
        raise _refused(server, tried, f"the file {path!r} was not moved to {target!r}")
    return _file(tried.value)


_WORDS = {
    400: "such a name is not possible there",
    403: "it is a folder, or lies outside of the user's folder",
    404: "there is none; client.userdata_tree() lists what there is",
    409: "there is one already; overwrite=True replaces it",
    413: "the server's --max-upload-size is smaller than it",
    500: "it may be a folder, or the user that Comfy-User names is not known: client.users() lists them",
}
"""What a status means (0.30.0, app/user_manager.py), since most of these answers are empty."""


def _refused(server: Server, tried: Attempt, what: str) -> ComfyUIConnectionError:
    return refusal(server, tried, what, hint=_WORDS.get(tried.status or 0, ""))


def _told_to(overwrite: bool) -> tuple[tuple[str, str], ...]:
    return (("overwrite", "true" if overwrite else "false"), ("full_info", "true"))


def _route(path: str) -> str:
    return f"/userdata/{_quoted(path, 'path')}"


def _quoted(path: str, name: str) -> str:
    once_quoted = segment(path, name)
    return once_quoted if {*"%{}"}.isdisjoint(path) else quote(once_quoted, safe="")


def _twice(folder: str, name: str) -> str:
    """Return a folder for a query, which is decoded once by HTTP, and once more if a percent sign is in it."""
    return quote(filled(folder, name)) if "%" in folder else filled(folder, name)


def _file(told: Any) -> UserFile:
    """Read what is said of a file; a server that does not know ``full_info`` gives its path only."""
    if not isinstance(told, dict):
        return UserFile(str(told or ""))
    path, size = str(told.get("path") or ""), _size(told)
    return UserFile(path, size, _seconds(told.get("modified")), _seconds(told.get("created")))


def _seconds(told: Any) -> float | None:
    """Read a time: milliseconds in 0.30.0, seconds in 0.16.3; what would be past the year 5000 is milliseconds."""
    time = number(told)
    return time / 1000 if time is not None and time > 1e11 else time


def _size(told: dict[str, Any]) -> int | None:
    size = told.get("size")
    return size if isinstance(size, int) else None
