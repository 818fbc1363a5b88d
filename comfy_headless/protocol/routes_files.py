"""The routes of pictures, videos and other files: look at them, bring them here, put a mask on one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from comfy_headless.errors import ComfyUIConnectionError, ResultSaveError, ValidationError
from comfy_headless.protocol.answers import filled, once, one_of, refusal, whole, whole_number
from comfy_headless.protocol.conversation import Server, attempt, offline, persist
from comfy_headless.protocol.destination import Destination, discard, part_name, place, prepare, publish
from comfy_headless.protocol.download import download
from comfy_headless.protocol.effects import Call, Flow, Work
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.routes import FOLDER_TYPES, file_part, sent, stored_name, view_params, view_url

CHANNELS: Final = ("rgba", "rgb", "a")
_PREVIEW: Final = re.compile(r"(webp|jpeg)(;([1-9]\d?|100))?")


class Place(NamedTuple):
    """Where a server has a file. ``folder_type`` is "output", "input" or "temp"."""

    filename: str
    subfolder: str = ""
    folder_type: str = "output"


def place_of(item: Output | Mapping[str, Any] | str, subfolder: str = "", folder_type: str = "output") -> Place:
    """Return where the server has a file; raises ValidationError.

    Args:
        item: an output of a result, an entry of a history's outputs (``{"filename", "subfolder", "type"}``), or a name,
            with its sub-folder or without.
        subfolder, folder_type: of a name.
    """
    if isinstance(item, Output):
        if not item.filename:
            raise ValidationError("this output is a text, not a file: read its .text")
        told = parse_qs(urlsplit(item.url).query).get("type", ["output"])[0]
        return Place(item.filename, item.subfolder, told)
    if isinstance(item, Mapping):
        below, kind = item.get("subfolder") or "", item.get("type") or "output"
        return Place(filled(item.get("filename"), "filename"), str(below), one_of(kind, "type", FOLDER_TYPES))
    name = filled(item, "filename")
    if not isinstance(subfolder, str):
        raise ValidationError(f"subfolder={subfolder!r}: expected a text")
    if not subfolder and not name.startswith("blake3:"):  # GET /view drops the folder of a name (0.30.0)
        subfolder, _, name = name.rpartition("/")
    return Place(filled(name, "filename"), subfolder, one_of(folder_type, "type", FOLDER_TYPES))


def url_for(server: Server, file: Place) -> str:
    """Return the address of a file, without what lets one in."""
    parts = urlsplit(server.address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return view_url(server._replace(address=bare), *file)


def view(
    server: Server,
    file: Place,
    *,
    start: int = 0,
    stop: int | None = None,
    preview: str | None = None,
    channel: str | None = None,
) -> Flow[bytes]:
    """GET /view: what a file holds, or a part of it.

    Args:
        start, stop: bytes, as of a slice; a start below 0 counts from the end.
        preview: "webp" or "jpeg", with a quality or without ("webp;80"): the picture encoded anew.
        channel: "rgb" without the alpha channel, "a" that alone; a PNG.
    """
    wish = [] if preview is None else [("preview", _preview(preview))]
    wish += [] if channel is None else [("channel", one_of(channel, "channel", CHANNELS))]
    asked = _range(start, stop)
    if wish and asked is not None:
        raise ValidationError("start=, stop=: a part of the file itself; give neither preview= nor channel= with it")
    if asked == "":
        return b""
    headers = (("Accept-Encoding", "identity"), *((("Range", asked),) if asked else ()))
    call = Call("GET", "/view", (*view_params(*file), *wish), headers=headers, timeout=server.timing.transfer)
    tried = yield from persist(server, call, reading=whole, final=(500,) if wish else ())
    if tried.status == 416:
        return b""
    if tried.status == 404:
        raise _absent(server, file)
    if tried.problem is not None:
        hint = "it may be no picture" if wish and tried.status == 500 else ""
        raise refusal(server, tried, f"the file {file.filename!r}", hint=hint)
    body = bytes(tried.value.body)
    return body if tried.status == 206 else body[start:stop]


def _range(start: int, stop: int | None) -> str | None:
    """Return the header for a slice of a file: None for all of it, "" for nothing; raises ValidationError."""
    for name, value in (("start", start), ("stop", 0 if stop is None else stop)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(f"{name}={value!r}: expected a whole number of bytes")
    if start < 0:
        if stop is not None:
            raise ValidationError(f"start={start}, stop={stop}: a start that counts from the end goes to the end")
        return f"bytes={start}"
    if stop is None:
        return f"bytes={start}-" if start else None
    return f"bytes={start}-{stop - 1}" if whole_number(stop, "stop") > start else ""


def _preview(wanted: str) -> str:
    if isinstance(wanted, str) and _PREVIEW.fullmatch(wanted):
        return wanted
    raise ValidationError(f"preview={wanted!r}: expected webp or jpeg, or with a quality of 1 to 100: webp;80")


def fetch(
    server: Server, file: Place, destination: Destination, *, prompt_id: str = "", url: str | None = None
) -> Flow[Path]:
    """GET /view into a local file, which appears whole or not at all; give its path.

    Args:
        prompt_id, url: the job that made it, and where it is offered, where an executor has it.

    Raises:
        ValidationError: nothing can be written there.
        ResultSaveError: the server has no such file, or it could not be brought here.
    """
    yield Work(prepare, (destination,))
    target = place(destination, file.filename, "", number=1)
    part: str | None = None
    try:
        part = str((yield Work(part_name, (destination.folder, file.filename, "fetched"))))
        yield from download(server, prompt_id, *file, part, url=url)
        return Path((yield Work(publish, (part, str(target), destination.overwrite))))
    except OSError as error:
        words = f"{file.filename!r} could not be saved at {target}: {error.strerror or error}"
        raise ResultSaveError(words, prompt_id="", path=str(target), url=url or url_for(server, file)) from error
    finally:
        if part is not None:
            yield Work(discard, ((part,),))


def upload_mask(
    server: Server,
    content: str | bytes,
    original: Place,
    *,
    name: str | None = None,
    subfolder: str = "",
    overwrite: bool = False,
    folder_type: str = "input",
) -> Flow[str]:
    """POST /upload/mask: copy a picture of the server with the alpha channel of a local one; give the copy's name.

    Both have to be of one size. The server says yes and writes nothing where it has no such picture (0.30.0), so it is
    asked for it before. Sent once.

    Raises:
        ValidationError: the mask cannot be read.
        ComfyUIConnectionError: the server has no such picture, or did not take the mask.
    """
    part = file_part(content, name)
    look = Call("HEAD", "/view", view_params(*original), timeout=server.timing.read)
    tried = yield from attempt(look)
    if tried.broken == "refused":
        raise offline(server, tried.problem or "")
    if tried.status == 404:
        raise _absent(server, original)
    names = {"filename": original.filename, "subfolder": original.subfolder, "type": original.folder_type}
    more = (("original_ref", json.dumps(names)),)
    call = sent(server, "/upload/mask", part, subfolder, overwrite, folder_type, more)
    try:
        tried = yield from once(server, call)
    except OSError as error:
        raise ValidationError(f"mask {os.fspath(part.content)!r}: {error.strerror or error}") from error
    hint = "the mask and the picture may not be of one size" if tried.status == 500 else ""
    return stored_name(server, tried, f"the mask {part.filename}", hint=hint)


def _absent(server: Server, file: Place) -> ComfyUIConnectionError:
    below = f" below {file.subfolder!r}" if file.subfolder else ""
    return ComfyUIConnectionError(
        f"{server.url} has no file {file.filename!r} in its {file.folder_type} folder{below}; "
        'subfolder= and type= ("output", "input", "temp") say where it lies',
        url=server.url,
    )
