"""Read a file from any web server, from a byte on: for hosts of model files, which are no ComfyUI.

Redirects are followed; what lets one in goes to the first host only (httpx takes it off for any other).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

import httpx

from comfy_headless.protocol.effects import Broken
from comfy_headless.transport.http import BREAKS, broken_by, unsigned

_RANGE: Final = re.compile(r"bytes (\d+)-")


class Fetched(NamedTuple):
    """An answer as it begins.

    Args:
        headers: in lower case.
        start: the byte of the file that comes first; 0 where the server takes no ranges.
        chunks: what comes; Broken is raised where the exchange breaks.
    """

    status: int
    headers: Mapping[str, str]
    start: int
    chunks: Iterator[bytes]


@contextmanager
def fetch(
    url: str,
    headers: Mapping[str, str],
    *,
    login: tuple[str, str] | None = None,
    start: int = 0,
    connect: float,
    read: float,
) -> Iterator[Fetched]:
    """Ask for a file from a byte on.

    Args:
        url: without a login: httpx logs it.
        login: user and password; they go before an ``Authorization`` of ``headers``.
        start: the first byte that is wanted.
        connect: seconds that connecting may take.
        read: seconds that may pass without a byte.

    Raises:
        Broken: the exchange broke.
    """
    asked = {**headers, "Accept-Encoding": "identity"}
    if start:
        asked["Range"] = f"bytes={start}-"
    try:
        with (
            unsigned(),
            httpx.Client(follow_redirects=True, timeout=httpx.Timeout(read, connect=connect)) as client,
            client.stream("GET", url, headers=asked, auth=login) as response,
        ):
            told = {name.lower(): value for name, value in response.headers.items()}
            yield Fetched(response.status_code, told, _first_byte(response), response.iter_raw())
    except BREAKS as error:
        raise broken_by(error) from error
    except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise Broken("reset", str(error)) from error


def _first_byte(response: httpx.Response) -> int:
    found = _RANGE.match(response.headers.get("content-range", "")) if response.status_code == 206 else None
    return int(found[1]) if found else 0
