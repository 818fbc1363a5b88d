"""How ComfyKit's clients are let in, refused, and wait, case by case: the same or better here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient, GenerationFailedError, GenerationRejectedError, ValidationError
from comfy_headless.client.reaching import access_of
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, CutSocket, Fault, Interrupt, NodeFails, RefuseOutput
from comfy_headless.transport.reach import Reach
from tests.dsl import cases_of
from tests.faults.cases import TWO
from tests.faults.clients import PATIENT, VIDEO

CASES = cases_of(__file__)
COMBINED: Mapping[str, Any] = {
    "1": VIDEO["1"],
    "2": {
        "class_type": "VHS_VideoCombine",
        "inputs": {
            "images": ["1", 0],
            "frame_rate": 8,
            "loop_count": 0,
            "filename_prefix": "x",
            "format": "video/h264-mp4",
            "pingpong": False,
            "save_output": True,
        },
    },
}


@pytest.mark.parametrize(
    ("case", "cookies"),
    [
        ("o30", (("a", "1"), ("b", "2"))),
        ("o31", (("a", "1"), ("b", "2=3"))),
        ("o32", None),
        ("o33", None),
        ("o34", None),
    ],
)
def test_cookies(case: str, cookies: tuple[tuple[str, str], ...] | None) -> None:
    """Pairs and a JSON object are read; what is neither is refused, and nothing is fetched."""
    text = CASES[case].given["kit"]["cookies"]
    if cookies is None:
        with pytest.raises(ValidationError, match=r"^COMFYUI_COOKIES: cookie"):
            access_of("http://host", environ={"COMFYUI_COOKIES": text})
    else:
        assert access_of("http://host", environ={"COMFYUI_COOKIES": text}).cookies == cookies


def test_a_key_lets_nobody_in() -> None:
    """The key of comfy.org is no token for the server, nor the other way round (o21)."""
    access = access_of("http://host", environ={"COMFYUI_API_KEY": CASES["o21"].given["kit"]["api_key"]})
    assert (access.comfy_org_key, access.headers) == ("KEY", ())
    assert access_of("http://host", environ={}, token="t").comfy_org_key is None


def test_the_handshake_carries_what_requests_carry() -> None:
    """Headers and cookies are the same on the socket (w07)."""
    access = access_of("http://host", environ={}, token="KEY", cookies={"s": "1"})
    options = Reach(Server("http://host", "me", Timing(), access=access)).socket_options("me", 1.0)
    assert {("Authorization", "Bearer KEY"), ("Cookie", "s=1")} <= set(options["additional_headers"])


RUNS: Mapping[str, tuple[tuple[Fault, ...], Mapping[str, Any], type[Exception] | None, str]] = {
    "w01": ((), VIDEO, None, ""),
    "w03": ((Interrupt(node="2"),), TWO, GenerationFailedError, "interrupted"),
    "w04": ((NodeFails(message="boom"),), VIDEO, GenerationFailedError, "boom"),
    "w05": ((), COMBINED, None, ""),
    "w06": ((CutSocket(at=1),), VIDEO, None, ""),
    "w08": ((CutSocket(at="execution_success"),), VIDEO, None, ""),
    "o15": (
        (Answer(route="POST /prompt", status=400, body='{"error": {"message": "Prompt has no outputs"}}'),),
        VIDEO,
        GenerationRejectedError,
        "Prompt has no outputs",
    ),
    "o17": ((RefuseOutput(node="4"),), TWO, GenerationRejectedError, r"node 4|4 \("),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case not in ("w05", "o15"))) for case in RUNS]
)
def test_a_run_ends_as_its_history_says(case: str, tmp_path: Path) -> None:
    """Whatever the socket tells or not, the end of a job and its files are those of the history."""
    faults, graph, error, words = RUNS[case]
    with Simulator(faults=faults) as sim, ComfyClient(sim.url, timing=PATIENT) as client:
        if error is not None:
            with pytest.raises(error, match=words):
                client.run_workflow(graph, out=tmp_path, check=False)
            return
        result = client.run_workflow(graph, out=tmp_path, check=False)
    assert result.video is not None
    assert result.files[0].suffix == ".mp4"


def test_what_the_server_still_has_is_a_result(tmp_path: Path) -> None:
    """A job of which nothing had to run has its files too (w02)."""
    with Simulator() as sim, ComfyClient(sim.url, timing=PATIENT) as client:
        for name in ("first", "again"):
            result = client.run_workflow(VIDEO, out=tmp_path / name, check=False)
    assert result.kept == ("1", "2", "3")
    assert len(result.files) == 1
