"""Answers that many routes share: to what a handler of the real server does not catch, and those without a body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web


async def read_json(request: web.Request) -> Any:
    """Return the body as JSON.

    Raises:
        HTTPInternalServerError: it is none; that is what the real server says too.
    """
    try:
        return json.loads(await request.read())
    except ValueError:
        raise trouble() from None


def trouble() -> web.HTTPInternalServerError:
    """Return the answer to what the real server's handlers do not catch."""
    return web.HTTPInternalServerError(text="500 Internal Server Error\n\nServer got itself in trouble")


@contextmanager
def uncaught(*kinds: type[Exception]) -> Iterator[None]:
    """Answer these errors as the real server does where its handler does not catch them.

    Raises:
        HTTPInternalServerError: one of them was raised.
    """
    try:
        yield
    except kinds as error:
        raise trouble() from error


def nothing(status: int) -> web.HTTPException:
    """Return an answer of this status that has no body, to be raised."""
    answer = _NAMED[status](text="")
    del answer.headers["Content-Type"]
    return answer


_NAMED: dict[int, type[web.HTTPException]] = {
    400: web.HTTPBadRequest,
    403: web.HTTPForbidden,
    404: web.HTTPNotFound,
}
