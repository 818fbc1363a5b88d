"""What is wrong in a call is said before anything is sent: the thing, the value, and what is expected."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless import ComfyClient, ComfyUIOfflineError, Output, ValidationError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.other import call_of
from comfy_headless.protocol.routes_files import place_of, url_for
from comfy_headless.protocol.timing import Timing
from tests.faults.clients import VIDEO

NOWHERE = "http://127.0.0.1:9"  # whatever is sent there is ComfyUIOfflineError

WRONG = [
    ("queue_prompt", (VIDEO,), {"prompt_id": "A" * 8}, r"prompt_id='AAAAAAAA': expected a UUID in lower case"),
    ("queue_prompt", (VIDEO,), {"prompt_id": str(uuid.uuid4()).upper()}, "expected a UUID in lower case"),
    ("queue_prompt", (VIDEO,), {"prompt_id": uuid.uuid4()}, r"prompt_id=UUID\(.*as str\(uuid.uuid4\(\)\)"),
    ("queue_prompt", (VIDEO,), {"number": "1"}, "number='1': expected a number; the lowest runs first"),
    ("queue_prompt", (VIDEO,), {"number": float("nan")}, "number=nan: expected a number"),
    ("queue_prompt", (VIDEO,), {"number": 1, "front": True}, "front=True, number=1: the number alone"),
    ("queue_prompt", (VIDEO,), {"partial_execution_targets": ["9"]}, "no node '9'; its nodes: 1, 2, 3"),
    ("queue_prompt", (VIDEO,), {"partial_execution_targets": []}, "it is empty; its nodes"),
    ("queue_prompt", (VIDEO,), {"partial_execution_targets": "3"}, "expected a list of ids"),
    ("queue_prompt", (VIDEO,), {"extra_data": "api_key=5"}, "extra_data: expected a dict, not str$"),
    ("cancel_jobs", ("abc",), {}, "prompt_ids='abc': expected a list of ids"),
    ("delete_queued", ([5],), {}, "prompt_ids=5: expected a text"),
    ("delete_history", (None,), {}, "prompt_ids=None: expected a list"),
    ("interrupt", ("",), {}, "prompt_id='': expected a text"),
    ("whole_history", (), {"max_items": 0}, "max_items=0: expected a whole number of 1 or more"),
    ("whole_history", (), {"offset": -1}, "offset=-1: expected a whole number of 0 or more"),
    ("job_records", (), {"status": "done"}, "status='done'; there are: pending, in_progress, completed, failed"),
    ("job_records", (), {"status": ["failed", "x"]}, "status='x'; there are"),
    ("job_records", (), {"sort_by": "name"}, "sort_by='name'; there are: created_at, execution_duration"),
    ("job_records", (), {"limit": 0}, "limit=0: expected a whole number of 1 or more"),
    ("job_record", ("a/b",), {}, "prompt_id='a/b': expected the id of a job"),
    ("models", ("",), {}, "folder='': expected a text that is not empty"),
    ("models", ("../x",), {}, "folder='../x': a name without empty parts"),
    ("model_preview", ("loras", "x"), {"path_index": "0"}, "path_index='0': expected a whole number"),
    ("choices", ("KSampler", ""), {}, "input_name='': expected a text"),
    ("view", ("",), {}, "filename='': expected a text"),
    ("view", ("a.png",), {"type": "inputs"}, "type='inputs'; there are: output, input, temp"),
    ("view", ("a.png",), {"subfolder": 5}, "subfolder=5: expected a text"),
    ("view", ({"subfolder": "x"},), {}, "filename=None: expected a text"),
    ("view", ("a.png",), {"preview": "png"}, "preview='png': expected webp or jpeg"),
    ("view", ("a.png",), {"preview": "webp;101"}, "expected webp or jpeg"),
    ("view", ("a.png",), {"channel": "b"}, "channel='b'; there are: rgba, rgb, a"),
    ("view", ("a.png",), {"start": 1, "preview": "webp"}, "a part of the file itself"),
    ("view", ("a.png",), {"start": 1.5}, "start=1.5: expected a whole number of bytes"),
    ("view", ("a.png",), {"start": -5, "stop": 2}, "a start that counts from the end goes to the end"),
    ("view", ("a.png",), {"stop": -2}, "stop=-2: expected a whole number"),
    ("view", (Output("text", "", "", "3", "", text="hi"),), {}, "this output is a text"),
    ("upload", (b"x",), {}, "name=None: expected the name of a file"),
    ("upload", (b"x",), {"name": "a/b.png"}, "name='a/b.png': expected the name of a file"),
    ("upload", (b"x",), {"name": "a.png", "type": "models"}, "type='models'; there are: output, input, temp"),
    ("upload", ("/nowhere/a.png",), {}, "upload of '/nowhere/a.png': No such file"),
    ("create_user", (" ",), {}, "name=' ': expected a text"),
    ("set_settings", (["a"],), {}, r"settings=\['a'\]: expected a dict"),
    ("set_setting", ("a", {1, 2}), {}, "this cannot be sent as JSON"),
    ("setting", ("",), {}, "name='': expected a text"),
    ("userdata_files", ("",), {}, "folder='': expected a text"),
    ("read_userdata", ("../a",), {}, r"path='\.\./a': a name without empty parts"),
    ("read_userdata", ("a//b",), {}, "path='a//b': a name without empty parts"),
    ("store_userdata", ("a", 5), {}, "content=5: expected bytes or a text"),
    ("move_userdata", ("a", ""), {}, "target='': expected a text"),
    ("global_subgraph", ("",), {}, "subgraph_id='': expected a text"),
    ("request", ("FETCH", "/x"), {}, "method='FETCH'; there are: GET, HEAD"),
    ("request", ("GET", "http://elsewhere/x"), {}, "route='http://elsewhere/x': expected a path on the server"),
    ("request", ("GET", "//elsewhere/x"), {}, "expected a path on the server"),
    ("request", ("GET", r"/\elsewhere"), {}, "expected a path on the server"),
    ("request", ("GET", "x"), {}, "expected a path on the server"),
    ("request", ("GET", "/x"), {"params": [1]}, r"params=\[1\]: expected a dict"),
    ("request", ("GET", "/x"), {"params": {"a": {}}}, r"params\['a'\]=\{\}: expected a text"),
    (
        "request",
        ("GET", "/x"),
        {"headers": {"A": "b\r\nC: d"}},
        "headers: 'A': its value has characters that no header",
    ),
    ("request", ("GET", "/x"), {"headers": {"A": "b "}}, "headers: 'A': its value begins or ends with a blank"),
    ("request", ("GET", "/x"), {"headers": {"A": 5}}, "headers: 'A': expected a name and a text"),
    ("request", ("GET", "/x"), {"headers": {"A b": "c"}}, "headers: 'A b': this is no name of a header"),
    ("request", ("GET", "/a\nb"), {}, "it has line breaks or other signs that no address holds"),
    ("request", ("GET", "/a\0b"), {}, "it has line breaks or other signs that no address holds"),
    ("request", ("GET", "/a\ud800"), {}, "it has line breaks or other signs that no address holds"),
    ("request", ("GET", f"/{'a' * 70_000}"), {}, "70,001 characters with params=; an address has room for 60,000"),
    ("request", ("GET", "/a"), {"params": {"b": "c" * 70_000}}, "an address has room for 60,000"),
    ("request", ("GET", "/a"), {"params": {"b": "\ud800"}}, "half of a surrogate pair is no text"),
    ("request", ("POST", "/x"), {"json": 1, "data": b""}, "a body is JSON or a form"),
    ("request", ("POST", "/x"), {"data": b"", "files": {}}, "beside files"),
    ("request", ("POST", "/x"), {"data": 5}, "data=5: expected bytes, a text"),
    ("request", ("POST", "/x"), {"files": {"f": 5}}, r"files\['f'\]=5: expected a path"),
    ("request", ("POST", "/x"), {"files": {"f": "/nowhere/a"}}, "/nowhere/a: No such file"),
    ("request", ("GET", "/x"), {"timeout": 0}, "timeout=0: give seconds above 0"),
]


@pytest.mark.parametrize(("method", "args", "more", "words"), WRONG, ids=[f"{row[0]}-{row[3][:30]}" for row in WRONG])
def test_what_is_wrong_is_said_before(method: str, args: tuple[Any, ...], more: dict[str, Any], words: str) -> None:
    """The error names the argument and the value, and nothing was sent."""
    with ComfyClient(NOWHERE) as client, pytest.raises(ValidationError, match=words):
        getattr(client, method)(*args, **more)


@pytest.mark.parametrize(
    ("method", "args"), [("request", ("GET", "/x")), ("clear_queue", ()), ("features", ()), ("view", ("a.png",))]
)
def test_nothing_answers(method: str, args: tuple[Any, ...]) -> None:
    """Where nobody is, each kind of call says so at once."""
    with ComfyClient(NOWHERE) as client, pytest.raises(ComfyUIOfflineError, match="no ComfyUI answers at"):
        getattr(client, method)(*args)


def server(address: str = "http://host:8188") -> Server:
    return Server(address, "me", Timing())


@pytest.mark.parametrize(
    ("item", "more", "place"),
    [
        ("clip.mp4", (), ("clip.mp4", "", "output")),
        ("video/clip.mp4", (), ("clip.mp4", "video", "output")),
        ("clip.mp4", ("video", "temp"), ("clip.mp4", "video", "temp")),
        ({"filename": "a.png", "subfolder": "b", "type": "input"}, (), ("a.png", "b", "input")),
        ({"filename": "a.png"}, (), ("a.png", "", "output")),
        (Output("image", "a.png", "b", "3", "http://h/view?filename=a.png&type=temp"), (), ("a.png", "b", "temp")),
    ],
)
def test_a_file_is_named_as_it_comes(item: Any, more: tuple[str, ...], place: tuple[str, str, str]) -> None:
    """An output, an entry of the history and a name with its folder all lead to the same file."""
    assert place_of(item, *more) == place


@pytest.mark.parametrize("address", ["http://host:8188", "https://user:hunter2@host/comfy"])
def test_an_address_carries_no_secret(address: str) -> None:
    """The address of a file is the server's own, its path too, without the login."""
    base = address.replace("user:hunter2@", "")
    shown = url_for(server(address), place_of("video/a b.mp4"))
    assert shown == f"{base}/view?filename=a+b.mp4&subfolder=video&type=output"


def test_what_a_request_becomes() -> None:
    """Parameters, forms, JSON and headers are put as HTTP has them, the content's type once."""
    call = call_of(server(), "get", "/x", params={"a": True, "b": [1, "c"], "d": None}, headers={"X-Own": "1"})
    assert (call.method, call.params) == ("GET", (("a", "true"), ("b", "1"), ("b", "c")))
    assert call.headers == (("X-Own", "1"),)
    form = call_of(server(), "POST", "/x", data={"a": "1 2", "b": [3, 4]})
    assert (form.body, form.headers) == (b"a=1+2&b=3&b=4", (("Content-Type", "application/x-www-form-urlencoded"),))
    own = call_of(server(), "POST", "/x", json={"a": 1}, headers={"content-type": "application/problem+json"})
    assert (own.body, own.headers) == (b'{"a": 1}', (("Content-Type", "application/problem+json"),))
    file = call_of(server(), "POST", "/x", data={"a": 1}, files={"f": ("n.txt", b"hi"), "g": "/tmp/h.bin"})
    assert (file.form, file.body) == ((("a", "1"),), None)
    assert [(part.field, part.filename, part.content) for part in file.parts] == [
        ("f", "n.txt", b"hi"),
        ("g", "h.bin", "/tmp/h.bin"),
    ]


@given(st.text(max_size=20))
def test_no_route_leads_to_another_server(text: str) -> None:
    """Whatever is given as a route, it is refused or stays below the server's address."""
    try:
        route = call_of(server(), "GET", text).route
    except ValidationError:
        return
    assert route.startswith("/")
    assert not route.startswith(("//", "/\\"))
