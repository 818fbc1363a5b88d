"""Bring one file from the server, whole.

The answer's Content-Length is the measure: a short body is resumed with Range from where it broke (if the Etag says
it is still the same file), a 404 right after the end of a job is asked again (seen behind shared storage), and what
cannot be repaired is an error that names the file and where it still is.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final, NamedTuple

from comfy_headless.errors import ResultSaveError
from comfy_headless.protocol.conversation import Server, retry_after
from comfy_headless.protocol.destination import size_of
from comfy_headless.protocol.effects import Broken, Download, Flow, Now, Reply, Sleep, Work
from comfy_headless.protocol.routes import view_params, view_url

logger = logging.getLogger("comfy_headless")

_RANGE: Final = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?:(?P<whole>\d+)|\*)")
_MISSING_FOR: Final = 5.0  # seconds of 404 (scaled by Timing.retry) before a file counts as not there


def download(server: Server, prompt_id: str, filename: str, subfolder: str, folder_type: str, part: str) -> Flow[None]:
    """Download one file into ``part``.

    Args:
        prompt_id: the job that made it just now; empty: a file that has been there for long, or is not there.

    Raises:
        ResultSaveError: it is not there, stays incomplete, or cannot be written here (disk full).
    """
    timing = server.timing
    route_params = view_params(filename, subfolder, folder_type)
    started = yield Now()
    wait, etag, offset, whole, most = timing.retry, None, 0, None, 0
    while True:
        pause = 0.0
        try:
            reply: Reply = yield Download("/view", route_params, part, offset, timing.transfer)
        except Broken as broken:
            problem, final = str(broken), False
            etag = etag or broken.headers.get("etag")
            anew = "content-encoding" in broken.headers
        except OSError as error:
            raise _lost(server, prompt_id, filename, subfolder, folder_type, part, _words(error)) from error
        else:
            problem, final, whole, anew = _judge(reply, filename, offset, whole)
            if reply.status == 404:
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
            raise _lost(server, prompt_id, filename, subfolder, folder_type, part, problem)
        logger.info("download of %s: %s; trying again from byte %d", filename, problem, size)
        yield Sleep(max(wait, pause))
        wait = min(wait * 2, timing.last_poll)
        offset = 0 if anew or (whole is not None and size >= whole) else size


class _Verdict(NamedTuple):
    """What an answer is worth; ``whole`` is the size of the file, ``anew``: what came cannot be resumed."""

    problem: str = ""
    final: bool = False
    whole: int | None = None
    anew: bool = False


def _judge(reply: Reply, filename: str, offset: int, whole: int | None) -> _Verdict:
    length = reply.headers.get("content-length", "")
    encoded = "content-encoding" in reply.headers  # asked not to; what is on disk is decoded, its size is not told
    size = int(length) if length.isdecimal() and not encoded else None
    told = _RANGE.match(reply.headers.get("content-range", ""))
    page = reply.headers.get("content-type", "").startswith("text/html")
    match reply.status:
        case 200 | 206 if page and not filename.lower().endswith((".html", ".htm")):
            return _Verdict(f"GET /view answered {reply.status} with a web page", anew=True)
        case 200:
            return _Verdict(whole=size, anew=encoded)
        case 206 if told is not None and told["start"] not in (None, str(offset)):
            return _Verdict(f"GET /view gave the part from byte {told['start']}, not from {offset}", anew=True)
        case 206:
            return _Verdict(whole=offset + size if size is not None else whole, anew=encoded)
        case 416 if told is not None and told["whole"]:
            return _Verdict(whole=int(told["whole"]))
        case 416:
            return _Verdict("GET /view has no more of it, and does not say how much there is", anew=True)
    final = reply.status < 500 and reply.status not in (404, 408, 425, 429)
    return _Verdict(f"GET /view answered {reply.status}: {reply.first_line()}", final, whole)


def _lost(
    server: Server, prompt_id: str, filename: str, subfolder: str, folder_type: str, part: str, problem: str
) -> ResultSaveError:
    url = view_url(server, filename, subfolder, folder_type)
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
