"""The simulator against a real ComfyUI: settings and users' files, request by request."""

from __future__ import annotations

from typing import Any

import pytest

from .conversation import Step, answers

_BODY: dict[str, Any] = {"a": 1}

USERS: list[Step] = [
    ("GET", "/settings/<n>", None),  # makes the user's folder, if nobody has
    ("GET", "/users", None),
    ("POST", "/users", {"username": "default"}),
    ("POST", "/users", {"username": "<n> ann!"}),
    ("POST", "/users", {"username": "<n> ann!"}),
    ("POST", "/users", {"username": " "}),
    ("POST", "/users", {"username": "__<n>"}),
    ("POST", "/users", {"username": 3}),
    ("POST", "/users", {}),
    ("POST", "/users", []),
    ("POST", "/users", b"{"),
    ("GET", "/api/users", None),
]
SETTINGS: list[Step] = [
    ("POST", "/settings/<n>", 1),
    ("GET", "/settings/<n>", None),
    ("POST", "/settings", {"<n>": {"deep": ["\u00fc"]}}),
    ("GET", "/api/settings/<n>", None),
    ("GET", "/settings/<n>x", None),
    ("POST", "/settings/<n>%20b", None),
    ("POST", "/settings/<n>", b"{"),
    ("GET", "/settings/<n>%20b", None),
    ("POST", "/settings", []),
    ("POST", "/settings", 3),
    ("POST", "/settings", b"{"),
    ("POST", "/settings/", 1),
    ("GET", "/settings/", None),
    ("GET", "/settings/a/b", None),
    ("DELETE", "/settings/<n>", None),
]
FILES: list[Step] = [
    ("GET", "/userdata", None),
    ("GET", "/userdata?dir=<n>", None),
    ("GET", "/userdata?dir=../<n>", None),
    ("GET", "/userdata?dir=/etc", None),
    ("POST", "/userdata/<n>%2Fa.json", _BODY),
    ("POST", "/userdata/<n>%2Fa.json?full_info=true", _BODY),
    ("POST", "/api/userdata/<n>%2Fa.json?overwrite=false", _BODY),
    ("POST", "/userdata/<n>%2Fsub%2Fb.json?overwrite=false&full_info=TRUE", b"xx"),
    ("POST", "/userdata/<n>/c.json", b""),
    ("POST", "/userdata/..%2F<n>.json", b"x"),
    ("POST", "/userdata/%2Fetc%2F<n>.json", b"x"),
    ("POST", "/userdata/<n>", b"x"),
    ("POST", f"/userdata/<n>%2F{'n' * 300}", b"x"),
    *(
        ("POST", f"/userdata/<n>%2F{name}", b"<p>")
        for name in ("p.html", "pic.png", ".hidden", "a%2520b.txt", "%C3%BC.svg", "user.css", "x.js", "none")
    ),
    ("POST", "/userdata/<n>%2Fa.json%2Fb", b"x"),
    ("GET", "/userdata/<n>%2Fa.json%2Fb", None),
    ("POST", "/userdata/<n>%2Fa.json%2Fb%2Fc", b"x"),
    *(("GET", f"/userdata?dir=<n>{more}", None) for more in ("", "/", "%2Fsub", "%2Fa.json", "&split=true")),
    ("GET", "/userdata?dir=<n>&recurse=true", None),
    ("GET", "/userdata?dir=<n>&recurse=true&split=true", None),
    ("GET", "/api/userdata?dir=<n>&recurse=TRUE&full_info=true&split=true", None),
    *(("GET", f"/v2/userdata?path={path}", None) for path in ("<n>", "<n>%252Fsub", "<n>/nope", "..", "/etc")),
    ("GET", "/api/v2/userdata?path=<n>/a.json", None),
    *(
        ("GET", f"/userdata/{name}", None)
        for name in ("<n>%2Fa.json", "<n>/a.json", "<n>", "..%2Fx", "", "<n>nope%2Fx.png")
    ),
    *(
        ("GET", f"/userdata/<n>%2F{name}", None)
        for name in ("nope.txt", "p.html", "pic.png", "a%20b.txt", "a%2520b.txt", "%C3%BC.svg", "user.css", "none")
    ),
    ("POST", "/userdata/user.css", b"x"),
    ("GET", "/userdata/user.css", None),
    ("DELETE", "/userdata/user.css", None),
    ("HEAD", "/userdata/<n>%2Fa.json", None),
    ("POST", "/userdata/<n>%2Fa.json/move/<n>%2Fd.json", None),
    ("POST", "/userdata/<n>%2Fa.json/move/<n>%2Fd.json", None),
    ("POST", "/userdata/<n>%2Fd.json/move/<n>%2Fpic.png?overwrite=false", None),
    ("POST", "/userdata/<n>%2Fd.json/move/<n>%2Fnew%2Fd.json?full_info=true", None),
    ("POST", "/userdata/<n>%2Fnew%2Fd.json/move/<n>%2Fpic.png", None),
    ("POST", "/userdata/<n>%2Fpic.png/move/..%2F<n>x", None),
    ("POST", "/api/userdata/<n>%2Fpic.png/move/<n>%2Fsub", None),
    ("GET", "/v2/userdata?path=<n>", None),
    ("DELETE", "/userdata/<n>%2Fsub%2Fpic.png", None),
    ("DELETE", "/userdata/<n>%2Fsub%2Fpic.png", None),
    ("DELETE", "/userdata/<n>%2Fsub", None),
    ("DELETE", "/userdata/..%2F<n>", None),
    ("PUT", "/userdata/<n>", None),
    ("PATCH", "/userdata", None),
]


@pytest.mark.parametrize("steps", [USERS, SETTINGS, FILES], ids=["users", "settings", "files"])
def test_each_step_is_answered_alike(steps: list[Step], real_server: str, simulated_server: str) -> None:
    """Status, reason, headers and body; a `Comfy-User` header changes nothing."""
    for simulated, real in zip(answers(simulated_server, steps), answers(real_server, steps), strict=True):
        assert simulated == real
