"""What ``--json`` prints, and events, are what the schemas in ``docs/json`` promise; the schemas refuse all else."""

from __future__ import annotations

import inspect
import json
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from jsonschema import Draft202012Validator

from comfy_headless import errors
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.cli.app import app
from comfy_headless.cli.endings import error_data
from comfy_headless.client.sync import ComfyClient
from comfy_headless.protocol.events import Event, Progress
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Interrupt, NodeFails, OutOfMemory, RefuseOutput, SpoilOutput
from tests.cli.program import Program, Ran, draw, finish, process
from tests.cli.schemas import ERROR, EVENT, LINE, PROMISED, SCHEMAS, SHARED, VALIDATORS, checked, mutants, parts
from tests.cli.test_jobs import UNKNOWN, ended, stay

SMALL = "--preset wan_5b --width 320 --height 192 --frames 9 --steps 3 --untested"
WORKFLOW = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
        "_meta": {"title": "Size, $width.width, $height.height!"},
    },
    "2": {"class_type": "PreviewAny", "inputs": {"source": "said"}, "_meta": {"title": "$words.source!"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "own/picture"}},
}
RUN = "run workflow.json -p height=80 -p words=x"


def commands(group: Any, before: str = "") -> Iterator[str]:
    """Every command of the program, by the words that call it."""
    for name, command in group.commands.items():
        inner = hasattr(command, "commands")
        yield from commands(command, f"{before}{name} ") if inner else [before + name]


class Case(NamedTuple):
    """A command in a state of the server.

    Args:
        command: what docs/cli.md calls it.
        words: after the program's name, without ``--json`` and the server.
        code: how it ends; other than 0 is an error, unless ``schema`` says otherwise.
        server: arguments of the simulator; None is an address where nobody answers.
    """

    command: str
    words: str
    code: int = 0
    server: Mapping[str, Any] | None = {}
    schema: str | None = None

    def __str__(self) -> str:
        return " ".join([self.words, *map(str, (self.server or {"offline": ""}) if self.server != {} else ())])


def faulty(*faults: Any, **more: Any) -> dict[str, Any]:
    return {"faults": faults, **more}


BROKEN = faulty(Answer("GET /queue", 200, "[]", "application/json", times=None))
LOST = faulty(Answer("GET /view", 403, times=None))
LIMITS = {"input_config": ["FLOAT", {"min": 0, "max": float("inf")}]}
REFUSED = {"error": {"message": "no"}, "node_errors": {"1": {"errors": [{"details": "x", "extra_info": LIMITS}]}}}
ENDLESS = faulty(Answer("POST /prompt", 400, json.dumps(REFUSED), "application/json"))
"""A node without a limit: Infinity is what Python writes, and no JSON."""
IMAGES = "image x --preset fast --width 96 --height 128 --images 2"
GENERATE, GENERATE_BEST = f"generate x {SMALL}", "generate x"
CASES = [
    Case("generate", GENERATE),
    Case("generate", f"{GENERATE} --progress --debug"),
    Case("generate", GENERATE_BEST),
    Case("generate", f"generate x {SMALL} --image first.png"),
    Case("generate", GENERATE, server=faulty(SpoilOutput("black"))),
    Case("generate", f"{GENERATE} --strict", 1, faulty(SpoilOutput("black"))),
    Case("generate", GENERATE, 1, faulty(NodeFails(node="KSampler"))),
    Case("generate", GENERATE, 1, faulty(OutOfMemory(node="KSampler"))),
    Case("generate", GENERATE, 1, faulty(Interrupt())),
    Case("generate", GENERATE, 1, LOST),
    Case("generate", GENERATE, 3, None),
    Case("generate", GENERATE, 4, faulty(RefuseOutput())),
    Case("generate", GENERATE, 4, ENDLESS),
    Case("generate", GENERATE_BEST, 4, {"files": {}}),
    Case("generate", f"{GENERATE} --timeout 0.3", 5, {"step_seconds": 1.0}),
    Case("generate", f"{GENERATE} --out no.avi", 2),
    Case("generate", f"{GENERATE} --widht 3", 2),
    Case("generate --dry-run", f"{GENERATE} --dry-run", server=None),
    Case("generate --dry-run", f"{GENERATE} --image first.png --dry-run", server=None),
    Case("generate --dry-run", f"{GENERATE_BEST} --dry-run"),
    Case("generate --dry-run", f"{GENERATE_BEST} --dry-run", 3, None),
    Case("generate --dry-run", f"{GENERATE_BEST} --dry-run", 4, {"files": {}}),
    Case("generate --no-wait", f"{GENERATE} --no-wait"),
    Case("generate --no-wait", f"{GENERATE} --no-wait", 3, None),
    Case("generate --no-wait", f"{GENERATE} --no-wait", 4, faulty(RefuseOutput())),
    Case("generate --no-wait", f"{GENERATE} --no-wait --strict", 2),
    Case("image", IMAGES),
    Case("image", "image x --preset sdxl_draft"),
    Case("image", IMAGES, server=faulty(SpoilOutput("black"))),
    Case("image", IMAGES, 4, faulty(RefuseOutput())),
    Case("image", "image x", 4, {"files": {}}),
    Case("image", "image x --frames 3", 2),
    Case("image --dry-run", f"{IMAGES} --dry-run"),
    Case("image --no-wait", f"{IMAGES} --no-wait"),
    Case("run", RUN),
    Case("run", f"{RUN} -p width=96 --out one.png"),
    Case("run", f"{RUN} --strict"),
    Case("run", RUN, 1, faulty(NodeFails())),
    Case("run", RUN, 3, None),
    Case("run", RUN, 4, faulty(RefuseOutput(node="2"))),
    Case("run", "run workflow.json -p height=tall", 2),
    Case("run", "run none.json", 2),
    Case("run --dry-run", f"{RUN} --dry-run", server=None),
    Case("run --dry-run", "run workflow.json -p height=tall --dry-run", 2, server=None),
    Case("run --no-wait", f"{RUN} --no-wait"),
    Case("run --no-wait", f"{RUN} --no-wait", 3, None),
    Case("run --no-wait", f"{RUN} --no-wait --timeout 3", 2),
    Case("compile", "compile x --preset wan_5b"),
    Case("compile", "compile x --preset wan_5b --image a/b.png --seconds 2 --out graph.json"),
    Case("compile", "compile x --preset wan_5b --cfg nan", 2),
    Case("compile", "compile x --preset wan_5b --out .", 2),
    Case("check", "check workflow.json --offline"),
    Case("check", "check video.json --preset wan_5b", 2),
    Case("check", "check --preset wan_5b"),
    Case("check", "check --preset cogvideo", 1, {"files": {}, "packs": ()}, schema="check.schema.json"),
    Case("check", "check --preset wan_5b", 3, None),
    Case("describe", "describe workflow.json", server=None),
    Case("describe", "describe workflow.json --schema", server=None),
    Case("describe", "describe none.json", 2),
    Case("convert", "convert workflow.json", server=None),
    Case("convert", "convert workflow.json --object-info none.json", 2),
    Case("recommend", "recommend --vram-gb 16"),
    Case("recommend", "recommend --vram-gb 2 --ram-gb 3 --intent scene --within 10m"),
    Case("recommend", "recommend --task image"),
    Case("recommend", "recommend --within 90", server={"device": "cpu"}),
    Case("recommend", "recommend --vram-gb 8 --images", server={"files": {}}),
    Case("recommend", "recommend", 3, None),
    Case("recommend", "recommend --within 1d", 2),
    Case("recommend", "recommend --vram-gb 0", 2),
    Case("prompt analyze", "prompt analyze a_slow_pan --model cogvideo --vram-gb 12", server=None),
    Case("prompt analyze", "prompt analyze neon --model svd_xt", server=None),
    Case("prompt analyze", "prompt analyze x --model cogvidoe", 2),
    Case("prompt analyze", "prompt analyze x --server http://127.0.0.1:9", 3),
    Case("prompt enhance", "prompt enhance a_cat --style detailed", server=None),
    Case("prompt enhance", "prompt enhance a_cat --model wan_5b --length 40 --language en", server=None),
    Case("prompt enhance", "prompt enhance a_cat --model svd_xt", server=None),
    Case("prompt enhance", "prompt enhance a_cat --style detialed", 2),
    Case("prompt expand", "prompt expand {a|b}_${c:{d|e}} --seed 3 --count 2"),
    Case("prompt expand", "prompt expand {a|b} --all"),
    Case("prompt expand", "prompt expand __none__ --wildcards .", 2),
    Case("prompt expand", "prompt expand {a", 2),
    Case("presets show", "presets show wan_5b --task image"),
    Case("presets show", "presets show wan_5b --task first_last", 2),
    Case("presets show", "presets show wan5b", 2),
    Case("presets show --vram", "presets show wan_5b --vram"),
    Case("presets show --vram", "presets show wan_14b --vram --task image --vram-gb 12 --card T4"),
    Case("presets show --vram", "presets show svd_xt --vram --card unheard_of --upscale 2"),
    Case("presets show --vram", "presets show fast --vram"),
    Case("presets show --vram", "presets show wan_5b --vram --vram-gb 0", 2),
    Case("presets show", "presets show wan_5b --frames 49", 2),
    Case("presets list", "presets list"),
    Case("presets list", "presets list --images"),
    Case("presets list", "presets list --vram 8 --task image --commercial --region DE --packs none"),
    Case("presets list", "presets list --vram 1"),
    Case("presets list", "presets list --family w", 2),
    Case("presets list", "presets list --region Germany", 2),
    *(Case("presets schema", f"presets schema {kind}") for kind in ("preset", "family", "files")),
    Case("presets schema", "presets schema --out preset.schema.json"),
    Case("presets schema", "presets schema --out .", 2),
    Case("presets schema", "presets schema files.toml", 2),
    Case("presets new", "presets new mine --from workflow.json"),
    Case("presets new", "presets new mine --from video.json --out own --dry-run"),
    Case("presets new", "presets new Mine --from workflow.json", 2),
    Case("presets new", "presets new mine --from none.json", 2),
    Case("models list", "models list"),
    Case("models list", "models list --preset wan_5b --preset fast"),
    Case("models list", "models list --preset wan5b", 2),
    Case("models check", "models check --preset wan_5b"),
    Case("models check", "models check --preset wan_5b --task image", 1, {"files": {}}, "models-check.schema.json"),
    Case("models check", "models check --preset wan_5b", 3, None),
    Case("models check", "models check", 2),
    Case("models download", "models download --preset wan_5b --comfyui none", 2),
    Case("presets test", "presets test wan_5b"),
    Case("presets test", "presets test wan_5b --task image --simulate"),
    Case("presets test", "presets test broken.toml", 1, schema="presets-test.schema.json"),
    Case("presets test", "presets test wan_5b --task first_last", 2),
    Case("presets test", "presets test wan_5b --server http://127.0.0.1:9", 3),
    Case("features", "features"),
    Case("features", "features x", 2),
    Case("jobs list", "jobs list"),
    Case("jobs list", "jobs list", 3, None),
    Case("jobs list", "jobs list", 3, BROKEN),
    Case("jobs list", "jobs list --limit many", 2),
    Case("jobs watch", f"jobs watch {UNKNOWN}", 1),
    Case("jobs watch", "jobs watch abcdef", 3, None),
    Case("jobs fetch", f"jobs fetch {UNKNOWN}", 1),
    Case("jobs fetch", f"jobs fetch {UNKNOWN}", 3, None),
    Case("jobs fetch", "jobs fetch abc", 2),
    Case("jobs cancel", f"jobs cancel {UNKNOWN} abcdef", 1, schema="jobs-cancel.schema.json"),
    Case("jobs cancel", f"jobs cancel {UNKNOWN}", 3, None),
    Case("jobs cancel", "jobs cancel", 2),
    Case("doctor", "doctor"),
    Case("doctor", "doctor --timeout 0.2", 1, None, "doctor.schema.json"),
    Case("doctor", "doctor --timeout 0", 2),
    Case("serve", "serve nowhere", 2),
    Case("simulate", "simulate --port 99999", 2),
    Case("--version", "--version"),
    Case("--show-completion", "--show-completion fish"),
    Case("--show-completion", "--show-completion basch", 2),
]
TAKES_A_SERVER = re.compile(r"check (?!.*--offline)|generate|image|run|jobs|recommend|doctor|models (list|check)")


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    """The files that the commands speak of."""
    draw(folder / "first.png")
    (folder / "workflow.json").write_text(json.dumps(WORKFLOW))
    template = VIDEO_PRESETS["wan_5b"].template("image")
    (folder / "video.json").write_text(json.dumps(template.graph))
    (folder / "broken.toml").write_text('name = "broken"')


def _is_quick(case: Case) -> bool:
    """Whether it is the first one that its schema has."""
    return case is next(each for each in CASES if each.command == case.command)


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=str(each), marks=[pytest.mark.slow] * (not _is_quick(each))) for each in CASES]
)
def test_every_answer_is_as_promised(program: Program, case: Case) -> None:
    """Stdout is exactly one object: the command's own, or that of an error."""
    if case.server is None:
        ran = program(*case.words.split(), *at(case, "http://127.0.0.1:9"), "--json")
    else:
        with Simulator(**case.server) as simulator:
            ran = program(*case.words.split(), *at(case, simulator.url), "--json")
    assert ran.code == case.code, ran
    holds(case.schema or (ERROR if case.code else PROMISED[case.command]), ran)


def at(case: Case, url: str) -> Sequence[str]:
    return ("--server", url) if TAKES_A_SERVER.match(case.words) else ()


def holds(name: str, ran: Ran) -> Any:
    """Check an answer, and that its schema refuses it with anything less, more or of another type; give it back."""
    data = checked(name, ran.out)
    assert [why for why, spoiled in mutants(data) if VALIDATORS[name].is_valid(spoiled)] == []
    return data


def test_the_jobs_of_a_server(program: Program) -> None:
    """Jobs that run, wait, are done and failed are listed, watched, fetched and cancelled as promised."""
    with Simulator(step_seconds=0.01) as sim, ComfyClient(sim.url) as client:
        done = ended(client, seed=3)
        sim.add(NodeFails("shapes do not fit", node="KSampler"))
        failed = ended(client)
        sim.add(Interrupt())
        stopped = ended(client)
        own = client.submit(WORKFLOW, {"height": 80, "words": "x"}).prompt_id
        client.job(own).result(download=False)
        running = stay(client)
        waiting = client.submit_video("x", preset="wan_5b", seconds=1).prompt_id
        here = ("--server", sim.url, "--json")
        told = holds(PROMISED["jobs list"], program("jobs", "list", *here))["jobs"]
        assert {one["status"] for one in told} == {"running", "queued", "failed", "done"}
        for command in ("watch", "fetch"):
            for prompt_id in (done, own):
                holds(PROMISED[f"jobs {command}"], program("jobs", command, prompt_id, *here))
            for prompt_id in (failed, stopped):
                holds(ERROR, program("jobs", command, prompt_id, *here))
        holds(ERROR, program("jobs", "fetch", running, "--timeout", "0.3", *here))
        told = holds(PROMISED["jobs cancel"], program("jobs", "cancel", waiting, done, UNKNOWN, *here))["jobs"]
        assert [one["became"] for one in told] == ["cancelled", "ended", "unknown"]
        second = client.submit_video("x", preset="wan_5b", seconds=1).prompt_id
        sim.add(Answer(f"POST /jobs/{second}/cancel", 500, times=None))
        sim.add(Answer("POST /queue", 500, times=None))
        ran = program("jobs", "cancel", UNKNOWN, second, *here)
        assert holds(PROMISED["jobs cancel"], ran)["jobs"][1]["became"] == "unclear", ran


@pytest.mark.slow
@pytest.mark.parametrize("name", [*VIDEO_PRESETS, *IMAGE_PRESETS])
def test_every_preset_is_shown_as_promised(program: Program, name: str) -> None:
    """What any preset has beside others has its place in the schema."""
    checked(PROMISED["presets show"], program("presets", "show", name, "--json").out)


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO_PRESETS)
def test_every_preset_compiles_as_promised(program: Program, name: str) -> None:
    """The settings of every family have a place in the schema."""
    tasks = VIDEO_PRESETS[name].tasks
    images = {"text": [], "image": ["--image", "a.png"], "first_last": ["--image", "a.png", "--last-image", "b.png"]}
    for task in tasks:
        checked(PROMISED["compile"], program("compile", "x", "--preset", name, *images[task], "--json").out)


@pytest.mark.slow
def test_a_simulated_server(folder: Path) -> None:
    """The address is one object, printed while the server runs."""
    started = process("simulate", "--port", 0, "--json", cwd=folder)
    assert started.stdout is not None
    out = "".join(started.stdout.readline() for _ in range(3))
    checked(PROMISED["simulate"], out)
    started.send_signal(signal.SIGINT)
    assert finish(started).code == 0


def test_completion_is_installed(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was put is told."""
    monkeypatch.setenv("HOME", str(folder))
    holds(PROMISED["--install-completion"], program("--install-completion", "fish", "--json"))


def interrupted() -> BaseException:
    error = KeyboardInterrupt()
    error.add_note("prompt 1: cancelled on the server")
    return error


URL = "http://localhost:8188"
JOB: dict[str, Any] = {"prompt_id": "1", "node_id": "2", "node_type": "KSampler", "server_message": "no"}
TAKEN: dict[str, Any] = {"needed_gb": 4.5, "peak_gb": 9.7, "ram_gb": 10.9, "node_gb": 2.3, "seconds": 13.0}
STEP: dict[str, Any] = {"argument": "frames=49", "option": "--frames 49", **TAKEN}
MEMORY: dict[str, Any] = {"estimate": TAKEN, "vram_gb": 8.0, "vram_free_gb": 1.5, "steps": (STEP,), "tried": (STEP,)}
ERRORS: list[BaseException] = [
    errors.ComfyHeadlessError("x"),
    errors.ValidationError("x"),
    errors.FeatureMissingError("x", extra="media", install="pip install comfy-headless[media]"),
    errors.ComfyUIConnectionError("x", url=URL, prompt_id="1", may_still_run=True),
    errors.ComfyUIOfflineError("x", url=URL),
    errors.GenerationFailedError("x", **JOB, exception_type="RuntimeError"),
    errors.GenerationFailedError("x", interrupted=True),
    errors.OutOfMemoryError("x", **JOB),
    errors.OutOfMemoryError("x", **JOB, **MEMORY),
    errors.OutOfMemoryError("x", **JOB, steps=({**STEP, **dict.fromkeys(TAKEN)},)),
    errors.GenerationRejectedError("x", prompt_id="1", server_message="no", node_errors={"3": {"errors": []}}),
    errors.GenerationRejectedError("x"),
    errors.GenerationTimeoutError("x", prompt_id="1", timeout=3),
    errors.GenerationTimeoutError("x", timeout=0.5),
    errors.ResultSaveError("x", prompt_id="1", path="a.mp4", url=URL),
    errors.ResultSuspectError("x", path="a.mp4", warnings=("black",)),
    errors.ModelDownloadError("x"),
    errors.ModelDownloadError("x", url=URL, path="a.safetensors"),
    errors.MediaError("x"),
    errors.MediaError("x", path="a.mp4", details="moov atom not found"),
    KeyboardInterrupt(),
    interrupted(),
    ZeroDivisionError("division by zero"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_every_error_is_as_promised(error: BaseException) -> None:
    """The object of each error carries what its type promises, and no other type carries the same."""
    data = checked(ERROR, json.dumps(error_data(error)))
    spoiled = [why for why, odd in mutants(data) if VALIDATORS[ERROR].is_valid(odd)]
    assert [why for why in spoiled if not why.endswith(("- path", "- url"))] == []  # some are about no file


def test_no_error_is_left_out() -> None:
    """Each class of the package is among them."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert {type(error) for error in ERRORS} >= set(kinds)


def test_every_command_has_a_schema_and_was_asked() -> None:
    """A command that is new appears in docs/cli.md and among the cases; a schema without a command goes."""
    asked = {case.command for case in CASES} | {"simulate", "jobs watch", "jobs fetch", "--install-completion"}
    assert asked == set(PROMISED)
    assert {command.split(" --")[0] for command in PROMISED if not command.startswith("--")} == set(
        commands(typer.main.get_command(app))
    )
    assert {*PROMISED.values(), SHARED, ERROR, EVENT, LINE} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_strict(name: str) -> None:
    """A schema is valid, says what each key is, and closes each object whose keys it lists."""
    Draft202012Validator.check_schema(SCHEMAS[name])
    for path, part in parts(SCHEMAS[name]):
        if "properties" in part and "required" in part:
            kind = name in (EVENT, LINE) and path.startswith("/$defs/")  # closed where they are used
            assert {"additionalProperties", "unevaluatedProperties"} & part.keys() or kind, path
            assert set(part["required"]) <= set(part["properties"]), path
            assert all("description" in one or "$ref" in one or "anyOf" in one for one in part["properties"].values())


LOGGED = [
    Case("generate", GENERATE),
    Case("generate", f"{GENERATE} --json --debug"),
    Case("generate", GENERATE, server=faulty(SpoilOutput("black"))),
    Case("generate", f"{GENERATE} --strict", 1, faulty(SpoilOutput("black"))),
    Case("generate", f"{GENERATE} --debug", 1, faulty(NodeFails(node="KSampler"))),
    Case("generate", GENERATE, 1, faulty(Interrupt())),
    Case("generate", GENERATE, 1, faulty(Answer("GET /view", 403, '"http://a:b@c/?token=d"\n', times=None))),
    Case("generate", GENERATE, 3, None),
    Case("generate", GENERATE, 4, ENDLESS),
    Case("generate", f"{GENERATE} --timeout 0.3", 5, {"step_seconds": 1.0}),
    Case("generate", f"{GENERATE} --widht 3", 2),
    Case("generate --no-wait", f"{GENERATE} --no-wait"),
    Case("run", RUN),
    Case("jobs list", "jobs list"),
    Case("jobs fetch", f"jobs fetch {UNKNOWN}", 1),
    Case("presets show", "presets show wan5b", 2),
]


@pytest.mark.parametrize("case", LOGGED, ids=str)
def test_every_line_is_as_promised(program: Program, case: Case) -> None:
    """With --log-json stderr is lines of one schema and nothing else."""
    if case.server is None:
        ran = program(*case.words.split(), *at(case, "http://127.0.0.1:9"), "--log-json")
    else:
        with Simulator(**case.server) as simulator:
            ran = program(*case.words.split(), *at(case, simulator.url), "--log-json")
    assert ran.code == case.code, ran
    told = [checked(LINE, line) for line in ran.err.splitlines()]
    kinds = {line["event"]: line for line in told}
    assert ("error" in kinds) == bool(case.code)
    for line in kinds.values():
        assert [why for why, spoiled in mutants(line) if VALIDATORS[LINE].is_valid(spoiled)] == []


def told(url: str, **request: Any) -> list[Event]:
    """The events of a job behind another one, which is cancelled once the job is seen to wait."""
    with ComfyClient(url) as client:
        first = client.submit_video("x", preset="wan_5b", seconds=1, steps=500)
        events = []
        for event in client.submit_video("x", preset="wan_5b", seconds=1, **request).events():
            events.append(event)
            if len(events) == 1:
                first.cancel()
        return events


@pytest.mark.slow
def test_events_are_as_promised() -> None:
    """Every event of jobs that end well and badly, with and without pictures; no kind is missing."""
    with Simulator(step_seconds=0.02) as sim:
        events = told(sim.url)
        sim.add(NodeFails(node="VAEDecode"))
        events += told(sim.url)
    for event in events:
        for previews in (False, True):
            data = checked(EVENT, json.dumps(event.to_dict(previews=previews)))
            assert [why for why, spoiled in mutants(data) if VALIDATORS[EVENT].is_valid(spoiled)] == []
    assert {event.event for event in events} == set(SCHEMAS[EVENT]["$defs"])


def test_progress_of_a_call_is_as_promised() -> None:
    """What on_progress is called with has pictures and the place in the queue, and the same schema."""
    seen: list[Progress] = []
    with Simulator(step_seconds=0.02) as sim, ComfyClient(sim.url) as client:
        client.generate_video("x", preset="wan_5b", seconds=1, on_progress=seen.append)
    for progress in (*seen, Progress(0.0, queue_position=2)):
        checked(EVENT, json.dumps(progress.to_dict()))
        checked(EVENT, json.dumps(progress.to_dict(previews=True)))
    assert any(progress.preview for progress in seen)
