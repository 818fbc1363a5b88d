"""ComfyKit's RunningHub client and its settings, case by case: what it did, and what is done here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image

from comfy_headless import ComfyClient, Result, RunningHub, ValidationError, run_workflow
from comfy_headless.client.options import server_of
from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationFailedError,
    GenerationRejectedError,
    GenerationTimeoutError,
)
from comfy_headless.simulator import Simulator
from tests.cloud.runninghub_fake import KEY, FakeRunningHub, Trouble, running_hub
from tests.cloud.test_runninghub import FAST, at
from tests.dsl import cases_of

CASES: Final = cases_of(__file__)
DONE: Final = {"code": 0, "msg": "success", "data": [{"fileUrl": "http://SERVER/files/0/a.png", "fileType": "png"}]}
TAKEN: Final = {"code": 0, "msg": "success", "data": {"taskId": "77", "taskStatus": "RUNNING", "promptTips": None}}
SUCCESS: Final = {"code": 0, "msg": "success", "data": "SUCCESS"}
REASON: Final = {
    "node_id": "3",
    "node_name": "KSampler",
    "exception_message": "no model",
    "exception_type": "ValueError",
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with a picture, and an environment that says nothing of a server."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8), "red").save("cat.png")
    for name in ("COMFYUI_EXECUTOR_TYPE", "COMFYUI_BASE_URL", "COMFYUI_API_KEY", "RUNNINGHUB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield


def scripted(case: str, **more: Any) -> FakeRunningHub:
    """A RunningHub that answers as in the case, and else as one where all goes well."""
    given = CASES[case].given
    told = {name: _on_files(one) for name, one in given.get("server", {}).items()}
    saved = {"json": told["json"]} if "json" in told else {}
    answers = {"create": TAKEN, "status": SUCCESS, "outputs": DONE, **told, **saved, **more}
    return FakeRunningHub("http://127.0.0.1:9", saved={"123": given["graph"]}, answers=answers)


def _on_files(told: Any) -> Any:
    """Return an answer with the host of the files where the case has one that nobody has."""
    if isinstance(told, dict):
        return {name: _on_files(one) for name, one in told.items()}
    if isinstance(told, list):
        return [_on_files(one) for one in told]
    names = {"http://cdn/": "http://SERVER/files/0/", "http://SERVER/files/t.txt": "http://SERVER/files/0/t.txt"}
    return next((told.replace(a, b) for a, b in names.items() if a in told), told) if isinstance(told, str) else told


def run(case: str, hub: FakeRunningHub, **more: Any) -> Result:
    """Run the case's workflow by its id, with its parameters."""
    with ComfyClient(at(hub), timing=FAST._replace(grace=0.1)) as client:
        return client.run_workflow("123", CASES[case].given.get("params"), out="out", **more)


def by_kind(result: Result) -> dict[str, list[str]]:
    """Return the names of what was made, by kind."""
    kinds = ("images", "videos", "audios", "texts", "meshes", "others")
    return {kind: [one.filename or one.text for one in result[kind]] for kind in kinds if result[kind]}


@pytest.mark.parametrize("case", ["h01", "h04", "h05", "h06", "h07", "h08"])
def test_what_is_sent(case: str) -> None:
    """A saved workflow goes as its id and what was given, never more; files are brought before, names are kept."""
    created = CASES[case].comfykit["create"]
    stored = {"upload": {"code": 0, "msg": "ok", "data": {"fileName": "api/abc.png"}}} if case == "h06" else {}
    with scripted(case, **stored) as hub:
        assert run(case, hub).success
        (sent,) = hub.bodies("create")
        assert hub.count("upload") == (case in ("h06", "h08"))
    if case == "h05":  # the saved seed is 0 too: nothing differs
        created = {"workflowId": "123"}
    assert sent == created


def test_a_saved_seed() -> None:
    """The saved seed 0 is kept, as on a server of one's own (h03: ComfyKit draws one)."""
    with scripted("h03") as hub:
        run("h03", hub)
        assert hub.bodies("create") == [{"workflowId": "123"}]


def test_what_is_required() -> None:
    """A parameter that is required and not given is an error before anything is made (h02)."""
    with scripted("h02") as hub:
        with pytest.raises(ValidationError, match="'prompt'"):
            run("h02", hub)
        assert hub.count("create") == 0


def test_a_full_queue() -> None:
    """A queue that is full is waited out with growing pauses, until the deadline (h09)."""
    full = CASES["h09"].given["server"]["create"]
    with scripted("h09", create=[full, full, full, full, TAKEN]) as hub:
        assert run("h09", hub).success
        assert hub.count("create") == 5
    with scripted("h09") as hub, pytest.raises(GenerationTimeoutError):
        run("h09", hub, timeout=0.3)


def test_a_key_that_is_not_accepted() -> None:
    """An error at once, and nothing is repeated (h10)."""
    with scripted("h10") as hub:
        with pytest.raises(ComfyUIConnectionError, match="RUNNINGHUB_API_KEY"):
            run("h10", hub)
        assert hub.count("json") == 1


@pytest.mark.parametrize(
    ("case", "more", "error", "says"),
    [
        (
            "h11",
            {"outputs": {"code": 805, "msg": "APIKEY_TASK_STATUS_ERROR", "data": {"failedReason": REASON}}},
            GenerationFailedError,
            r"node 3 \(KSampler\) failed .* no model",
        ),
        ("h12", {}, ComfyUIConnectionError, "task 77 was taken, and is not known"),
        ("h13", {"outputs": {"code": 1, "msg": "?"}}, ComfyUIConnectionError, "'CANCEL' is not known"),
        ("h21", {}, ValidationError, "no graph of that id"),
        ("h22", {}, GenerationRejectedError, "drop some outputs"),
    ],
)
def test_what_is_an_error(case: str, more: Any, error: type[ComfyHeadlessError], says: str) -> None:
    """A failure is told in its own words; what RunningHub does not know, or nobody does, ends the wait."""
    with scripted(case, **more) as hub, pytest.raises(error, match=says):
        run(case, hub)


def test_a_deadline() -> None:
    """A task that is not done in time is cancelled there (h20: ComfyKit leaves it)."""
    with scripted("h20", cancel={"code": 0, "msg": "success"}) as hub:
        with pytest.raises(GenerationTimeoutError, match="cancelled"):
            run("h20", hub, timeout=0.2)
        assert hub.bodies("cancel") == [{"taskId": "77"}]


def test_states_on_the_way() -> None:
    """QUEUED and RUNNING are waited out (h14)."""
    with scripted("h14") as hub:
        assert run("h14", hub).success
        assert hub.count("status") == 3


@pytest.mark.parametrize(
    ("case", "made"),
    [
        ("h15", {"images": ["a.png"], "videos": ["b.mp4"], "audios": ["c.mp3"]}),
        (
            "h16",
            {"images": ["a.gif"], "videos": ["b.webm"], "audios": ["c.ogg"], "meshes": ["d.glb"], "others": ["e.zip"]},
        ),
        ("h17", {"texts": ["a text"]}),
        ("h18", {}),
        ("h19", {"images": ["a.png"]}),
    ],
)
def test_what_comes(case: str, made: dict[str, list[str]]) -> None:
    """Every file is in the result, none is dropped, each with its node's output; and nobody is shown a key."""
    with scripted(case) as hub:
        result = run(case, hub)
        assert not hub.leaks
    assert by_kind(result) == made
    if case == "h15":
        assert {name: [one.filename for one in files] for name, files in result.images_by_var.items()} == {
            "cover": ["a.png"]
        }


@pytest.mark.parametrize("case", ["r01", "r02"])
def test_an_id(case: str) -> None:
    """An id is a workflow of RunningHub; where the server is another, an error says how to name it."""
    workflow = CASES[case].given["workflow"]
    with FakeRunningHub("", saved={"12345": CASES["h01"].graph}, answers={"create": TAKEN, "outputs": DONE}) as hub:
        hub.add(Trouble("status", "code 805"))
        with pytest.raises(GenerationFailedError):
            run_workflow(workflow, {"prompt": "x"}, server=at(hub))
        assert hub.bodies("json") == [{"workflowId": "12345"}]
    with Simulator() as sim, pytest.raises(ValidationError, match=r"server=RunningHub\(\)"):
        run_workflow(workflow, server=sim.url)


@pytest.mark.parametrize("case", ["r14", "r20", "r43"])
def test_a_pointer(case: str, tmp_path: Path) -> None:
    """A file that only says which workflow of RunningHub is meant is read as its id, wherever it comes from."""
    given = CASES[case].given
    pointer: Any = given.get("file") or given.get("graph") or given["url"]
    if case == "r14":
        Path("wf.json").write_text('{"_source": "runninghub", "workflow_id": "42"}', encoding="utf-8")
        pointer = "wf.json"
    with running_hub("", saved={"42": CASES["h01"].graph}, answers={"create": TAKEN, "outputs": DONE}) as hub:
        hub.add(Trouble("status", "code 805"))
        with pytest.raises(GenerationFailedError):
            run_workflow(pointer, {"prompt": "x"}, server=at(hub))
        assert hub.bodies("json") == [{"workflowId": "42"}]


def test_no_key() -> None:
    """Without a key an error names the variable (r18)."""
    with pytest.raises(ValidationError, match="RUNNINGHUB_API_KEY"):
        RunningHub(environ={})


@pytest.mark.parametrize("case", ["e04", "e05"])
def test_the_type_of_executor(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMFYUI_EXECUTOR_TYPE is read where no argument is given, in any case; it may name RunningHub, too."""
    monkeypatch.setenv("COMFYUI_EXECUTOR_TYPE", CASES[case].given["env"]["COMFYUI_EXECUTOR_TYPE"])
    assert ComfyClient("http://localhost:1")._server.socket
    assert not ComfyClient("http://localhost:1", transport="polling")._server.socket
    monkeypatch.setenv("COMFYUI_EXECUTOR_TYPE", "http")
    assert not ComfyClient("http://localhost:1")._server.socket
    monkeypatch.setenv("COMFYUI_EXECUTOR_TYPE", "RunningHub")
    monkeypatch.setenv("RUNNINGHUB_API_KEY", KEY)
    assert ComfyClient().url == "https://www.runninghub.ai"
    monkeypatch.setenv("COMFYUI_EXECUTOR_TYPE", "carrier pigeon")
    with pytest.raises(ValidationError, match="COMFYUI_EXECUTOR_TYPE"):
        ComfyClient()


def test_each_service_has_its_key() -> None:
    """COMFYUI_API_KEY is never sent to RunningHub; an argument goes before a variable (e06, e07)."""
    for case in ("e06", "e07"):
        variables = CASES[case].given["env"]
        if "RUNNINGHUB_API_KEY" in variables:
            assert RunningHub(environ=variables)._api.key == "R"
            assert RunningHub("A", environ=variables)._api.key == "A"
        else:
            with pytest.raises(ValidationError, match="RUNNINGHUB_API_KEY"):
                RunningHub(environ=variables)


@pytest.mark.parametrize(
    ("case", "given", "found"),
    [("e08", {"retry_count": 3}, (3, None)), ("e09", {}, (None, 60.0)), ("e10", {"timeout": 0}, "timeout=0")],
)
def test_arguments_before_variables(case: str, given: dict[str, Any], found: Any) -> None:
    """An argument goes before its variable, and seconds are above 0."""
    variables = CASES[case].given["env"]
    if isinstance(found, str):
        with pytest.raises(ValidationError, match=found):
            RunningHub(KEY, environ=variables, **given)
    else:
        account = RunningHub(KEY, environ=variables, **given)
        assert (account._api.retries, account.timeout) == found


def test_a_variable_that_is_no_number() -> None:
    """An error names the variable and what it says (e11)."""
    with pytest.raises(ValidationError, match="RUNNINGHUB_TIMEOUT='abc'"):
        RunningHub(KEY, environ=CASES["e11"].given["env"])


def test_an_empty_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is empty says nothing (e12)."""
    for name, value in CASES["e12"].given["env"].items():
        monkeypatch.setenv(name, value)
    assert server_of(None, None, FAST, None).address == "http://localhost:8188"
    assert RunningHub(KEY, environ={"RUNNINGHUB_BASE_URL": ""}).address == "https://www.runninghub.ai"
