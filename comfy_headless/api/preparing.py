"""From a request to a graph that can be queued: choose a preset, fill its files from the server's, compile, upload."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from comfy_headless.api.checks import check_extension
from comfy_headless.api.recommend import machine_of
from comfy_headless.api.sending import check_images, made_ready
from comfy_headless.catalog.candidates import Machine, Wishes, estimate_there
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.fetching import fetch_all_line, fetch_line
from comfy_headless.catalog.old_names import renamed
from comfy_headless.catalog.preset import Preset, task_for
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.recommend import WITHIN, recommend
from comfy_headless.catalog.roles import Filling, place_file
from comfy_headless.catalog.ways_down import ABOUT, merged
from comfy_headless.client.once import drive_once
from comfy_headless.client.options import server_of
from comfy_headless.config import comfyui_at
from comfy_headless.errors import GenerationRejectedError, ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS, constant_choices, model_files
from comfy_headless.graph.outputs import named_outputs, sound_made
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.files import as_listed
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination
from comfy_headless.protocol.effects import Flow, Now, Work
from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.protocol.ticket import Label
from comfy_headless.protocol.timing import Timing

logger = logging.getLogger("comfy_headless")

_ABOUT: Final = (*ABOUT, "files")
"""What a request is about, whatever the preset."""

_OF_ONE_MODEL: Final[Mapping[str, str]] = {
    "files": "they fill the roles of one preset",
    "loras": "they are made for one model",
}
"""What cannot be asked of whichever preset is taken."""


class Ready(NamedTuple):
    """A graph that can be queued, and what is known of it."""

    graph: Graph
    label: Label
    compiled: CompiledWorkflow


class Request(NamedTuple):
    """What is asked for.

    Args:
        values: everything but the prompt and the preset: images, seed, files, settings, variants.
        within: seconds that it may take where no preset is named.
        check: hold the graph to what the server has before it is sent.
        enhance: whether the prompt is improved before, or the style in which it is.
        enhanced: the prompt as it was improved; None: it was not, so far.
    """

    presets: PresetLibrary
    prompt: str
    preset: str | None
    values: Mapping[str, Any]
    within: float = WITHIN
    check: bool = True
    enhance: bool | str = False
    enhanced: EnhancedPrompt | None = None


def request_of(
    presets: PresetLibrary,
    prompt: str,
    /,
    *,
    preset: str | None = None,
    within: float | None = None,
    check: bool = True,
    enhance: bool | str = False,
    **values: Any,
) -> Request:
    """Return what a caller asks for; ``init_image`` is ``image``, as it was called in 3.x.

    Raises:
        ValidationError: ``within`` is given although the preset is, or what belongs to one model although it is not;
            ``enhance`` is neither a style nor True or False.
    """
    values = renamed(values)
    for name, what in _OF_ONE_MODEL.items():
        if preset is None and values.get(name):
            raise ValidationError(f"{name}={shown(values[name])}: {what}; name the preset too")
    if preset is not None and within is not None:
        raise ValidationError(
            f"within={shown(within)} and preset={shown(preset)}: within says which preset is taken where none is named"
        )
    if not isinstance(enhance, (bool, str)) or enhance == "":
        raise ValidationError(f"enhance={shown(enhance)}: expected True, False, or a style such as 'cinematic'")
    return Request(presets, prompt, preset, values, WITHIN if within is None else within, check, enhance)


def plan_request(
    server: Server,
    request: Request,
    destination: Destination | None = None,
    *,
    until: float | None = None,
    sends: bool = True,
) -> Flow[tuple[Request, CompiledWorkflow]]:
    """Check, choose, improve the prompt where that is asked for, and compile; give the request as it is then, too.

    The server is asked what it has if no preset is named, or a language model is to be asked; nothing is sent to it.

    Args:
        until: when the whole call is to be over, by the transport's clock: a language model gets half of what is left.
        sends: False is for who only wants to see what would be sent: no folder is made, and no server has to be there.

    Raises:
        ValidationError: something in the request is wrong, or ``destination`` is not to be had.
        GenerationRejectedError: the server cannot run it; where no preset is named, it can run none.
    """
    image, last_image = request.values.get("image"), request.values.get("last_image")
    if image is not None or last_image is not None:
        yield from check_images(server, request.values)
    ends = _Ends(destination, until, sends)
    if request.preset is not None:
        preset = request.preset
        request = yield from _improved(server, request, compile_request(request, preset), ends)
        return request, compile_request(request, preset)
    machine = yield from machine_of(server)
    wishes = Wishes(task_for(image, last_image), within=request.within, settings=_settings(request.values))
    chosen = recommend(request.presets, machine, wishes, must_run=True)
    logger.info("%s", chosen.reason)
    plain = compile_request(request, chosen.name, machine.facts, chosen.filling)
    request = yield from _improved(server, request, plain, ends)
    compiled = compile_request(request, chosen.name, machine.facts, chosen.filling)
    notes = (*chosen.notes, *_unsure(server, machine, chosen.name), *compiled.notes)
    return request, replace(compiled, notes=notes)


class _Ends(NamedTuple):
    """Where a call is to end, and when; whether anything is sent at all."""

    destination: Destination | None
    until: float | None
    sends: bool


def _improved(server: Server, request: Request, compiled: CompiledWorkflow, ends: _Ends) -> Flow[Request]:
    """Return the request with its prompt as the preset's model wants it, where that is asked for.

    What is wrong with the request, and whether the server can run it, is said before a language model is asked.

    Args:
        compiled: the request as it is without.
    """
    preset = compiled.preset
    if request.enhance is False or (request.enhanced is not None and request.enhanced.model == preset):
        return request
    from comfy_headless.ai.engines import engine_of
    from comfy_headless.api.prompts import enhance_flow
    from comfy_headless.api.unheeded import unheeded

    request = request._replace(enhanced=None)
    if ends.destination is not None:
        check_extension(compiled.graph, ends.destination)
    if ends.sends and engine_of() is not None:
        plain = request._replace(enhance=False)
        yield from prepare(server, plain, compiled, ends.destination, bring=False)
    style = request.enhance if isinstance(request.enhance, str) else None
    images = sum(request.values.get(name) is not None for name in ("image", "last_image"))
    better = yield from enhance_flow(
        request.prompt,
        style=style,
        model=preset,
        images=images,
        presets=request.presets,
        at_most=None if ends.until is None else (ends.until - (yield Now())) / 2,
    )
    said = yield Work(unheeded, (request.prompt, compiled.settings), long=True)
    return request._replace(enhanced=replace(better, notes=(*better.notes, *said)))


def _unsure(server: Server, machine: Machine, preset: str) -> tuple[str, ...]:
    """Return what is said of a preset that was chosen for a place which tells none of its files."""
    if server.executor is None or machine.facts is not None:
        return ()
    return (
        f"{server.executor.name} does not tell which files it has: whether those of {preset} are there shows when it "
        "runs; preset= (--preset) names another",
    )


def prepare(
    server: Server,
    request: Request,
    compiled: CompiledWorkflow,
    destination: Destination | None,
    *,
    bring: bool = True,
) -> Flow[Ready]:
    """Check and upload: all that comes between a plan and its prompt. What the server lacks may be filled otherwise.

    Args:
        bring: False only checks.

    Raises:
        ValidationError: a file of the caller's cannot be read, or ``destination`` not be written; nothing was sent.
        GenerationRejectedError: the server would refuse the graph, or fail over it; nothing was sent.
    """
    try:
        return (yield from _uploaded(server, request, compiled, destination, bring))
    except GenerationRejectedError as refused:
        ready = Ready(compiled.graph, label_of(compiled), compiled)
        return (yield from prepare_again(server, request, ready, refused, destination, bring=bring))


def label_of(compiled: CompiledWorkflow) -> Label:
    """Return what is told of a job that runs this."""
    sound, outputs = sound_made(compiled.graph), named_outputs(compiled.graph)
    return Label(compiled.preset, compiled.seed, compiled.settings, compiled.notes, sound, outputs, compiled.enhanced)


def _settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings and variants that are asked for, for estimates of each preset."""
    asked = {name: value for name, value in merged(values, {}).items() if name not in _ABOUT}
    return {**asked, "allow_untested": bool(values.get("allow_untested"))} if asked else {}


def planned(url: str, request: Request, destination: Destination | None = None) -> CompiledWorkflow:
    """Perform ``plan_request`` for a server that is sent nothing. Raises as it does, and ComfyUIConnectionError."""
    server = server_of(url, "polling", Timing(), None)
    return drive_once(server, plan_request(server, request, destination, sends=False))[1]


def prepare_again(
    server: Server,
    request: Request,
    ready: Ready,
    refused: GenerationRejectedError,
    destination: Destination | None,
    *,
    bring: bool = True,
) -> Flow[Ready]:
    """Fill the roles from what the server lists, where it refused a model file; else say where what is missing is had.

    Raises:
        GenerationRejectedError: the server has nothing that can take the place of what is missing.
    """
    if not _refuses_files(refused, ready.graph):
        raise refused
    machine: Machine = yield from machine_of(server)
    preset, task = request.presets[ready.compiled.preset or ""], cast(Task, ready.compiled.task)
    given = request.values.get("files")
    _, filling = estimate_there(preset, request.presets, task, machine, _settings(request.values), given)
    values = {**request.values, "seed": ready.compiled.seed} if ready.compiled.seed is not None else request.values
    compiled = compile_request(request._replace(values=values), preset.name, machine.facts, filling)
    absent = _absent(compiled.graph, machine.facts) if machine.facts else []
    if absent or model_files(compiled.graph) == model_files(ready.compiled.graph):
        if server.executor is not None:  # nobody puts files there
            raise refused
        raise _with_remedies(refused, request.presets, preset.name, filling, absent, comfyui_at(server.url))
    compiled = replace(compiled, notes=tuple(dict.fromkeys((*ready.label.notes, *compiled.notes))))
    for note in compiled.notes:
        logger.info("%s", note)
    return (yield from _uploaded(server, request, compiled, destination, bring))


def compile_request(
    request: Request, preset: str, facts: ServerFacts | None = None, filling: Filling | None = None
) -> CompiledWorkflow:
    """Compile a request; with what a server has, its roles are filled with what lies there.

    Raises:
        ValidationError: something in the request is wrong.
    """
    compiler = WorkflowCompiler(request.presets)
    if facts is None or filling is None:
        return _compiled(compiler, preset, request, request.values)
    task = task_for(request.values.get("image"), request.values.get("last_image"))
    names = {role: file.name for role, file in request.presets[preset].at(task).files.items()}
    files = {role: each.listed for role, each in filling.roles.items() if each.listed != names.get(role)}
    compiled = _compiled(compiler, preset, request, {**request.values, "files": files})
    other_names = request.presets.files.other_names()
    graph, said = as_listed(compiled.graph, facts.files, other_names=other_names)
    return replace(compiled, graph=graph, notes=(*compiled.notes, *filling.notes, *said))


def _compiled(compiler: WorkflowCompiler, preset: str, request: Request, values: Mapping[str, Any]) -> CompiledWorkflow:
    """Compile a prompt as it was given, or as it was improved; a negative prompt of the caller's stays."""
    better = request.enhanced
    if better is None:
        return compiler.compile(preset, request.prompt, **values)
    compiled = compiler.compile(preset, better.enhanced, **values)
    chosen = request.presets[preset]
    takes = "negative_prompt" in chosen.template(cast(Task, compiled.task)).parameters
    meant = better.negative or chosen.value("cfg") != 1  # an empty one where all of it was asked for
    if takes and meant and values.get("negative_prompt") is None and compiled.settings.get("cfg") != 1:
        seed = {"seed": compiled.seed} if compiled.seed is not None else {}
        compiled = compiler.compile(preset, better.enhanced, **{**values, **seed, "negative_prompt": better.negative})
    notes = tuple(dict.fromkeys((*compiled.notes, *better.notes)))
    own = values.get("negative_prompt") if takes else None
    return replace(compiled, notes=notes, enhanced=_as_sent(better, compiled, chosen, own))


def _as_sent(better: EnhancedPrompt, compiled: CompiledWorkflow, preset: Preset, own: str | None) -> EnhancedPrompt:
    """Return what was made of a prompt, with the negative prompt that the graph has; "" where it has no effect."""
    if own is not None:
        others = (why for why in better.reasoning if "negative prompt" not in why)
        return replace(better, negative=own, reasoning=(*others, "the negative prompt is your own"))
    if compiled.settings.get("cfg") == 1:
        return replace(better, negative="")
    parameter = preset.template(cast(Task, compiled.task)).parameters.get("negative_prompt")
    places = [] if parameter is None else [place for place in parameter.bindings if place[0] in compiled.graph]
    return replace(better, negative=compiled.graph[places[0][0]]["inputs"][places[0][1]] if places else "")


def _uploaded(
    server: Server, request: Request, compiled: CompiledWorkflow, destination: Destination | None, bring: bool
) -> Flow[Ready]:
    compiled = yield from made_ready(server, compiled, destination, check=request.check, bring=bring)
    return Ready(compiled.graph, label_of(compiled), compiled)


def _refuses_files(refused: GenerationRejectedError, graph: Graph) -> bool:
    """Return whether a server refused a model file of the graph."""
    for node_id, node in refused.node_errors.items():
        errors = node.get("errors") if isinstance(node, dict) and node_id in graph else None
        for one in errors if isinstance(errors, list) else ():
            extra = one.get("extra_info") if isinstance(one, dict) else None
            name = extra.get("input_name") if isinstance(extra, dict) else None
            if one.get("type") == "value_not_in_list" and (graph[node_id]["class_type"], name) in MODEL_INPUTS:
                return True
    return False


def _absent(graph: Graph, facts: ServerFacts) -> list[tuple[str, str]]:
    """Return folder and name of each model file that a graph names and a server does not list."""
    found: dict[tuple[str, str], None] = {}
    for (node_id, name), (folder, file) in model_files(graph).items():
        key = graph[node_id]["class_type"], name
        if key[0] in facts.node_classes and file not in (*facts.files.get(folder, ()), *constant_choices(key)):
            found[folder, file] = None
    return list(found)


def _with_remedies(
    refused: GenerationRejectedError,
    presets: PresetLibrary,
    preset: str,
    filling: Filling | None,
    absent: Iterable[tuple[str, str]],
    comfyui: Path | None,
) -> GenerationRejectedError:
    """Say for each model file that the server lacks where it belongs and where it is had, as far as it is described."""
    missing = {each.file.key: (each.line, each.file) for each in (filling.missing if filling else ())}
    for key in (f"{folder}/{name}" for folder, name in absent):
        if key in presets.files:
            missing.setdefault(key, (place_file(presets.files[key]), presets.files[key]))
    if not missing:
        return refused
    lines = list[str]()
    for line, file in missing.values():
        command = fetch_line(file) if comfyui is None else None
        lines += [line, *([f"  in the folder of that ComfyUI: {command}"] if command else [])]
    last = fetch_all_line(preset, comfyui)
    return GenerationRejectedError(
        "\n".join([str(refused), "missing on the server:", *(f"  {line}" for line in lines), last]),
        prompt_id=refused.prompt_id,
        server_message=refused.server_message,
        node_errors=refused.node_errors,
    )
