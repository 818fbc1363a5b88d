"""The routes of users and their settings. A server with ``--multi-user`` knows who asks by the header Comfy-User."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.answers import filled, once, refusal, segment, strange, told
from comfy_headless.protocol.conversation import Attempt, Server, persist
from comfy_headless.protocol.effects import Call, Flow, json_body


class Users(NamedTuple):
    """Who a server knows.

    Args:
        storage: where settings are kept: "server".
        names: name by id, with ``--multi-user``; None on a server for one user.
        migrated: the one user has a folder already; None with ``--multi-user``.
    """

    storage: str
    names: Mapping[str, str] | None = None
    migrated: bool | None = None


def users(server: Server) -> Flow[Users]:
    """GET /users: who the server knows."""
    value = yield from told(server, "/users", dict)
    names, migrated = value.get("users"), value.get("migrated")
    return Users(
        str(value.get("storage") or ""),
        {str(each): str(name) for each, name in names.items()} if isinstance(names, dict) else None,
        migrated if isinstance(migrated, bool) else None,
    )


def create_user(server: Server, name: str) -> Flow[str]:
    """POST /users: make a user, and give the id that the header Comfy-User wants. Sent once."""
    call = Call("POST", "/users", body=json_body({"username": filled(name, "name")}), timeout=server.timing.read)
    tried = yield from once(server, call)
    if tried.problem is not None:
        raise refusal(server, tried, f"the user {name!r} was not made")
    if not isinstance(tried.value, str):
        raise strange(server, call, tried.value)
    return tried.value


def settings(server: Server) -> Flow[dict[str, Any]]:
    """GET /settings: the settings of the user, by id; those that were never set are not there."""
    call = Call("GET", "/settings", timeout=server.timing.read)
    tried = yield from persist(server, call)
    _taken(server, tried, "the settings")
    if not isinstance(tried.value, dict):
        raise strange(server, call, tried.value)
    return tried.value


def setting(server: Server, name: str) -> Flow[Any]:
    """GET /settings/{id}: one setting, None if it was never set."""
    tried = yield from persist(server, Call("GET", f"/settings/{segment(name, 'name')}", timeout=server.timing.read))
    _taken(server, tried, f"the setting {name!r}")
    return tried.value


def set_setting(server: Server, name: str, value: Any) -> Flow[None]:
    """POST /settings/{id}: set one setting to anything that JSON can hold."""
    call = Call("POST", f"/settings/{segment(name, 'name')}", body=json_body(value), timeout=server.timing.read)
    _taken(server, (yield from persist(server, call)), f"the setting {name!r}")


def set_settings(server: Server, values: Mapping[str, Any]) -> Flow[None]:
    """POST /settings: set several settings; the others stay as they are."""
    if not isinstance(values, Mapping):
        raise ValidationError(f"settings={repr(values)[:80]}: expected a dict of settings by their ids")
    call = Call("POST", "/settings", body=json_body(dict(values)), timeout=server.timing.read)
    _taken(server, (yield from persist(server, call)), "the settings")


def _taken(server: Server, tried: Attempt, what: str) -> None:
    if tried.problem is not None:
        hint = "the server knows no such user: client.users() lists them" if tried.status == 401 else ""
        raise refusal(server, tried, what, hint=hint)
