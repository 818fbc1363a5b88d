"""What lets a client in is read before anything is sent; what cannot be sent is said by its name, never its value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from comfy_headless import ComfyClient, ComfyUIOfflineError, ValidationError
from comfy_headless.client.reaching import access_of
from comfy_headless.doctor.trouble import cannot_be_asked
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from tests.faults.clients import VIDEO, within

SECRET = "hunter2"
BLANK = "begins or ends with a blank"
SIGNS = "characters that no header can hold"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token": f"{SECRET} "}, f"^token=: its value {BLANK}"),
        ({"token": f" {SECRET}"}, f"^token=: its value {BLANK}"),
        ({"token": f"{SECRET}\n"}, f"^token=: its value {BLANK}"),
        ({"token": f"{SECRET}\nX: y"}, f"^token=: its value has {SIGNS}"),
        ({"token": f"sécret{SECRET}"}, f"^token=: its value has {SIGNS}"),
        ({"user": f"{SECRET} "}, f"^user=: its value {BLANK}"),
        ({"headers": {"X-Farm": f"{SECRET} "}}, f"^header 'X-Farm': its value {BLANK}"),
        ({"headers": {"X-Farm": f"\t{SECRET}"}}, f"^header 'X-Farm': its value {BLANK}"),
        ({"headers": {"X Farm": SECRET}}, "^header 'X Farm': this is no name of a header"),
        ({"cookies": {"a": f"{SECRET} "}}, "^cookie 'a': expected a name and a value without spaces"),
    ],
)
def test_an_argument(given: dict[str, Any], words: str) -> None:
    """It is refused as it stands, blanks at its ends too, which would go out as another value or not at all."""
    with pytest.raises(ValidationError, match=words) as caught:
        access_of("http://host", environ={}, **given)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("COMFY_HEADLESS_TOKEN", f"sécret{SECRET}", f"^COMFY_HEADLESS_TOKEN: its value has {SIGNS}"),
        ("COMFY_HEADLESS_USER", f"é{SECRET}", f"^COMFY_HEADLESS_USER: its value has {SIGNS}"),
        ("COMFY_HEADLESS_HEADERS", f"A: b\nX: é{SECRET}", f"^COMFY_HEADLESS_HEADERS, line 2: header 'X': .*{SIGNS}"),
        ("COMFY_HEADLESS_HEADERS", SECRET, "^COMFY_HEADLESS_HEADERS, line 1: expected 'Name: value'"),
        ("COMFY_HEADLESS_COOKIES", f"a={SECRET} b", "^COMFY_HEADLESS_COOKIES: cookie 'a': expected"),
        ("COMFYUI_COOKIES", f"a={SECRET} b", "^COMFYUI_COOKIES: cookie 'a': expected"),
        ("COMFY_HEADLESS_CA", "/nowhere.pem", "^COMFY_HEADLESS_CA: '/nowhere.pem': No such file"),
    ],
)
def test_a_variable(variable: str, value: str, words: str) -> None:
    """The error begins with its name, and doctor says to unset that one."""
    with pytest.raises(ValidationError, match=words) as caught:
        access_of("http://host", environ={variable: value})
    assert SECRET not in str(caught.value)
    assert cannot_be_asked(str(caught.value)).remedy == f"unset {variable}"


def test_an_address_that_is_none_is_no_fault_of_a_variable() -> None:
    """Doctor names the address then."""
    assert "COMFY_HEADLESS_URL=" in (cannot_be_asked("server 'x y' is not an address").remedy or "")


def test_what_a_file_leaves_in_a_variable() -> None:
    """A blank or a line break at an end is no part of a value there; nothing else is taken off."""
    environ = {
        "COMFY_HEADLESS_TOKEN": "a token \n",
        "COMFY_HEADLESS_USER": " me\n",
        "COMFY_HEADLESS_API_KEY": " ",
        "COMFYUI_API_KEY": "key\n",
        "COMFY_HEADLESS_COOKIES": "\n",
    }
    access = access_of("http://host", environ=environ)
    assert access.headers == (("Authorization", "Bearer a token"), ("Comfy-User", "me"))
    assert (access.comfy_org_key, access.cookies) == ("key", ())


def test_a_header_that_cannot_be_sent(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """One that comes from a hook of the caller's is told without its value, at once: no job can be there."""
    caplog.set_level("DEBUG")

    def spoil(request: httpx.Request) -> None:
        request.headers["X-Farm"] = f"{SECRET} "

    with Simulator() as simulator, httpx.Client(event_hooks={"request": [spoil]}) as http, within(5):
        client = ComfyClient(simulator.url, http=http, transport="polling", timing=Timing(patience=30))
        with client, pytest.raises(ComfyUIOfflineError, match="nothing was sent, since a header") as caught:
            client.run_workflow(VIDEO, out=tmp_path, check=False)
        assert not simulator.requests
    assert SECRET not in f"{caught.value} {caught.value!r}"
    assert SECRET not in str([each.getMessage() for each in caplog.records if each.name.startswith("comfy_headless")])
