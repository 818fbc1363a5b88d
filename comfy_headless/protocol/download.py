"""Bring one file from the server, whole.

The answer's Content-Length is the measure: a short body is resumed with Range from where it broke (if the Etag says
it is still the same file), a 404 right after the end of a job is asked again (seen behind shared storage), and what
cannot be repaired is an error that names the file and where it still is.

What an executor made lies at an address of its own, on any host. Redirects of it are followed here, and what lets one
in never goes to another host; where the address has expired, the executor is asked for it anew.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from comfy_headless.errors import ComfyUIConnectionError, ResultSaveError, without_secrets
from comfy_headless.protocol.conversation import Server, retry_after
from comfy_headless.protocol.destination import size_of
from comfy_headless.protocol.effects import Broken, Download, Flow, Now, Reply, Sleep, Work
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.routes import view_params

logger = logging.getLogger("comfy_headless")

_RANGE: Final = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?:(?P<whole>\d{1,15})|\*)")
_MISSING_FOR: Final = 5.0  # seconds of 404 (scaled by Timing.retry) before a file counts as not there
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5
_EXPIRED: Final = (400, 401, 403, 404, 410)  # what stores answer to a signature that is too old: S3 400, 403; OSS 403
_MOST_RENEWED: Final = 3


class _Place(NamedTuple):
    """Where a file is offered: a route of the server, or an absolute address."""

    route: str
    params: Sequence[tuple[str, str]] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.route.partition("?")[0]


def address_of(server: Server, url: str) -> str:
    """Return where an executor says that a file is; it may name a path of its own."""
    try:
        return urljoin(f"{server.url}/", url)
    except ValueError:
        return url


def is_address(url: str) -> bool:
    """Say whether anything can be asked for at ``url``."""
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
        return scheme in ("http", "https") and url.isprintable() and bool(host and host.encode("idna"))
    except ValueError:
        return False


def download(
    server: Server,
    prompt_id: str,
    filename: str,
    subfolder: str,
    folder_type: str,
    part: str,
    *,
    url: str | None = None,
) -> Flow[None]:
    """Download one file into ``part``.

    Args:
        prompt_id: the job that made it just now; empty: a file that has been there for long, or is not there.
        url: where an executor says that it is.

    Raises:
        ResultSaveError: it is not there, stays incomplete, or cannot be written here (disk full).
    """
    timing = server.timing
    at = _first_place(server, prompt_id, (filename, subfolder, folder_type), part, url)
    started = yield Now()
    wait, etag, offset, whole, most, renewed = timing.retry, None, 0, None, 0, 0
    while True:
        pause = 0.0
        try:
            reply = yield from _get(server, at, part, offset)
        except Broken as broken:
            problem, final = str(broken), False
            etag = etag or broken.headers.get("etag")
            anew = "content-encoding" in broken.headers
        except OSError as error:
            raise _lost(server, prompt_id, at, filename, part, _words(error)) from error
        else:
            problem, final, whole, anew = _judge(at, reply, filename, offset, whole)
            if server.executor is not None and reply.status in _EXPIRED and renewed < _MOST_RENEWED:
                fresh = yield from _renewed(server, server.executor, prompt_id, filename, url or "")
                at, final, renewed = fresh or at, final and fresh is None, renewed + 1
            elif reply.status == 404:
                now = yield Now()
                final = not prompt_id or now - started > _MISSING_FOR * timing.retry * 4
            pause = retry_after(reply) or 0.0
            if reply.status == 206 and etag not in (None, reply.headers.get("etag")):
                logger.info("%s changed on the server; downloading it anew", filename)
                etag, offset, whole = None, 0, None
                continue
            etag = reply.headers.get("etag", etag)
        size = yield Work(size_of, (part,))
        if not problem and (whole is None or size == whole):
            return
        problem = problem or f"{size} of {whole} bytes came"
        now = yield Now()
        if size > most:  # patience is for a transfer that stands still
            most, started, wait = size, now, timing.retry
        if final or now - started > timing.patience:
            raise _lost(server, prompt_id, at, filename, part, problem)
        logger.info("download of %s: %s; trying again from byte %d", filename, problem, size)
        yield Sleep(max(wait, pause))
        wait = min(wait * 2, timing.last_poll)
        offset = 0 if anew or (whole is not None and size >= whole) else size


def _first_place(server: Server, prompt_id: str, file: tuple[str, str, str], part: str, url: str | None) -> _Place:
    if url is None:
        return _Place("/view", view_params(*file))
    if not is_address(url):
        raise _lost(server, prompt_id, _Place(url), file[0], part, "its address is none")
    return _place_at(server, url)


def _place_at(server: Server, url: str) -> _Place:
    return _Place(url, headers=server.executor.headers_for(url) if server.executor is not None else ())


def _renewed(server: Server, executor: Executor, prompt_id: str, filename: str, url: str) -> Flow[_Place | None]:
    """Ask for an address that is answered; None where nobody tells one now."""
    try:
        fresh = address_of(server, (yield from executor.renewed(server, prompt_id, filename, url)))
    except ComfyUIConnectionError as error:
        logger.info("%s: no address of %s: %s", server.url, filename, error)
        return None
    return _place_at(server, fresh) if is_address(fresh) else None


def _get(server: Server, at: _Place, part: str, offset: int) -> Flow[Reply]:
    """Ask for a file. Redirects of an executor's address are followed, without headers as soon as the host changes."""
    for _ in range(_MOST_REDIRECTS):
        reply: Reply = yield Download(at.route, at.params, part, offset, server.timing.transfer, at.headers)
        led = reply.headers.get("location") if reply.status in _REDIRECTS and server.executor is not None else None
        if led is None:
            break
        there = urljoin(at.route, led)
        if urlsplit(there).scheme not in ("http", "https"):
            break
        at = _Place(there, headers=at.headers if _host(there) == _host(at.route) else ())
    return reply


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class _Verdict(NamedTuple):
    """What an answer is worth; ``whole`` is the size of the file, ``anew``: what came cannot be resumed."""

    problem: str = ""
    final: bool = False
    whole: int | None = None
    anew: bool = False


def _judge(at: _Place, reply: Reply, filename: str, offset: int, whole: int | None) -> _Verdict:
    length = reply.headers.get("content-length", "")
    encoded = "content-encoding" in reply.headers  # asked not to; what is on disk is decoded, its size is not told
    size = int(length) if length.isdecimal() and len(length) < 16 and not encoded else None
    told = _RANGE.match(reply.headers.get("content-range", ""))
    page = reply.headers.get("content-type", "").startswith("text/html")
    match reply.status:
        case 200 | 206 if page and not filename.lower().endswith((".html", ".htm")):
            return _Verdict(f"GET {at} answered {reply.status} with a web page", anew=True)
        case 200:
            return _Verdict(whole=size, anew=encoded)
        case 206 if told is not None and told["start"] not in (None, str(offset)):
            return _Verdict(f"GET {at} gave the part from byte {told['start']}, not from {offset}", anew=True)
        case 206:
            return _Verdict(whole=offset + size if size is not None else whole, anew=encoded)
        case 416 if told is not None and told["whole"]:
            return _Verdict(whole=int(told["whole"]))
        case 416:
            return _Verdict(f"GET {at} has no more of it, and does not say how much there is", anew=True)
    final = reply.status < 500 and reply.status not in (404, 408, 425, 429)
    return _Verdict(f"GET {at} answered {reply.status}: {reply.first_line()}", final, whole)


def _lost(server: Server, prompt_id: str, at: _Place, filename: str, part: str, problem: str) -> ResultSaveError:
    url = without_secrets(at.route) if at.route != "/view" else f"{server.url}/view?{urlencode(at.params)}"
    job, where = (
        (f"the job {prompt_id} is finished, but ", "It is on the server") if prompt_id else ("", "Asked for at")
    )
    return ResultSaveError(
        f"{job}{filename!r} could not be saved: {problem}. {where}: {url}",
        prompt_id=prompt_id,
        path=part.rsplit(".", 2)[0],
        url=url,
    )


def _words(error: OSError) -> Any:
    return f"{error.filename or ''}: {error.strerror or error}".lstrip(": ")
