"""check: what would go wrong with a workflow or a preset, found before anything is sent, with what to do about it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from comfy_headless.api.asked import Asked, compiled_for, read_asked, with_workflow
from comfy_headless.api.known import nodes_of
from comfy_headless.api.reading import read_here
from comfy_headless.api.recommend import machine_with
from comfy_headless.catalog.absent import with_file_remedies
from comfy_headless.catalog.candidates import Machine, estimate_there
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.facts import ServerFacts, read_facts
from comfy_headless.catalog.lighter import steps_down
from comfy_headless.catalog.lora_fit import (
    Head,
    LoraUse,
    lora_clash,
    lora_remedy,
    loras_to_ask,
    read_head,
)
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.catalog.roles import Filling
from comfy_headless.catalog.room import disk_problem, largest_file, memory_problems
from comfy_headless.catalog.selection import has_ram
from comfy_headless.catalog.vram import VramEstimate
from comfy_headless.catalog.ways_down import ABOUT, merged
from comfy_headless.client.once import drive_once
from comfy_headless.client.options import server_of
from comfy_headless.config import comfyui_at
from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.graph.by_parameter import with_parameters
from comfy_headless.graph.check import check as check_graph
from comfy_headless.graph.classes import UPDATE
from comfy_headless.graph.existing import FileExists, file_exists_in, or_coming
from comfy_headless.graph.kinds import KINDS
from comfy_headless.graph.origins import Workflow
from comfy_headless.graph.report import Problem, Report
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.ages import fitted
from comfy_headless.graph.values import shown
from comfy_headless.protocol import routes, routes_models
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import read_out
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.submit import place_in
from comfy_headless.protocol.timing import Timing

logger = logging.getLogger("comfy_headless")

_ABOUT: Final = (*ABOUT, "files")


def check(
    workflow: Workflow | None = None,
    server: str | Executor | Mapping[str, Any] | Schemas | None = None,
    *,
    preset: str | None = None,
    params: Mapping[str, Any] | None = None,
    task: Task | None = None,
    out: str | os.PathLike[str] | None = None,
    object_info: Mapping[str, Any] | Schemas | None = None,
    partial_execution_targets: Iterable[str] | None = None,
    file_exists: FileExists | None = None,
    **settings: Any,
) -> Report:
    """Say what would go wrong with a workflow or a preset; nothing is sent to run.

    Args:
        workflow: a graph, its path, address, or place on a server; docs/workflows.md has all of them.
        server: address of a server, which is asked what it has. None: no server is asked; the shipped schemas of
            ComfyUI 0.30.0 count, and every file that a graph names is taken to be there. An object_info is taken too.
        preset: name of a preset, in place of a workflow: its graph is made as it would be sent to that server.
        params: values for the workflow's markers; without them it is looked at as it is.
        task: what a preset makes something from: text, image or first_last; None is by the images that are given,
            else its first.
        out: where the file is to go, as for ``generate_video``: is there room for it?
        object_info: the answer of a server's ``GET /object_info``, in place of asking one.
        partial_execution_targets: the output nodes that the request keeps; None keeps all.
        file_exists: tells whether the server's input folder has a file; None: by what its lists show.
        settings: of the preset, and variants, as ``generate_video`` takes them; of a workflow, variants.

    Returns:
        A report: ``report.fails`` says whether a job would not end well; each of ``report.problems`` has a severity
        and a remedy, one line to paste.

    Raises:
        ValidationError: the call is wrong, the file is no workflow, or an image that is named is none.
        ComfyUIConnectionError: the server does not answer (ComfyUIOfflineError: nothing is there).
    """
    if isinstance(server, Mapping | Schemas):
        server, object_info = None, server
    asked = read_asked(
        workflow,
        preset=preset,
        params=params,
        task=task,
        out=out,
        partial_execution_targets=partial_execution_targets,
        file_exists=file_exists,
        **settings,
    )
    if server is None:
        return check_offline(asked, object_info)
    if object_info is not None:
        raise ValidationError(f"server={shown(server)} and object_info: give one of them")
    there = server_of(server, "polling", Timing(), None)
    return drive_once(there, check_asked(there, asked))


def check_flow(server: Server, workflow: Workflow | None = None, **asked: Any) -> Flow[Report]:
    """Check a workflow or a preset on a server. See ``comfy_headless.check``."""
    return (yield from check_asked(server, read_asked(workflow, **asked)))


def check_offline(asked: Asked, object_info: Mapping[str, Any] | Schemas | None = None) -> Report:
    """Check without a server: by the shipped schemas, those of a preset's packs too, or by an object_info."""
    if object_info is not None:
        schemas = object_info if isinstance(object_info, Schemas) else Schemas.from_object_info(object_info)
        asked = read_here(with_workflow(None, asked, schemas))
    elif asked.preset is not None:
        schemas = Schemas.snapshot([pack.name for pack in asked.preset.packs if pack.name in Schemas.packs()])
    else:
        schemas = Schemas.snapshot()
        asked = read_here(with_workflow(None, asked))
    compiled, old = _fit(asked, compiled_for(asked, None, None), schemas, None)
    report = with_parameters(_judged(asked, compiled, schemas), compiled.filled)
    return replace(report, problems=(*old, *report.problems, *_open(asked), *_disk(asked, compiled)))


def check_asked(server: Server, asked: Asked) -> Flow[Report]:
    """Check on a server: by what it has, what it runs on, and what its LoRAs say of themselves.

    Of an executor only its node classes are known, and where it does not tell them the shipped ones count.
    """
    asked = yield from with_workflow(server, asked)
    if server.executor is not None:
        has = yield from nodes_of(server)
        if has is not None:
            return check_offline(asked, has.schemas)
        report: Report = yield Work(check_offline, (asked,), long=True)
        return _doubted(report, server.executor, asked)
    stats = yield from routes.system_stats(server)
    nodes = yield from nodes_of(server)
    raw = nodes.raw if nodes is not None else (yield from routes.object_info(server))
    looked: _Looked = yield Work(_look, (asked, raw, nodes and nodes.schemas, stats, server.url), long=True)
    if looked.report.fails and nodes is not None and not nodes.fresh:
        nodes = yield from nodes_of(server, anew=True)
        if nodes is not None:
            looked = yield Work(_look, (asked, nodes.raw, nodes.schemas, stats, server.url), long=True)
    clashes = yield from _ask_loras(server, looked)
    return replace(looked.report, problems=(*looked.report.problems, *clashes))


def _doubted(report: Report, executor: Executor, asked: Asked) -> Report:
    """Return a report by the shipped schemas as that of a place that does not tell what it has.

    A class that is not ours may be there; by what the workflow was held is said in a note.
    """
    kind = "little_known"
    meaning, problems = KINDS[kind].meaning, list[Problem]()
    for each in report.problems:
        if each.kind == "missing_node_type":
            details = f"{executor.name} may have this class, which ComfyUI 0.30.0 does not; the rest was not looked at"
            each = Problem(each.node_id, each.class_type, None, kind, meaning, details, False)
            report = replace(report, error=None, node_errors={}, status=200)
        problems.append(each)
    packs = "without node packs" if asked.preset is None else "and the packs of the preset"
    details = (
        f"{executor.name} does not tell its nodes and files; held to ComfyUI 0.30.0's own nodes, {packs}, "
        "and every file is taken to be there"
    )
    problems.append(Problem(None, None, None, kind, meaning, details, False))
    return replace(report, problems=tuple(problems))


class _Looked(NamedTuple):
    """A report, the graph that it is about, and what the server has."""

    report: Report
    graph: Mapping[str, Any]
    facts: ServerFacts


def _look(asked: Asked, raw: Mapping[str, Any], indexed: Schemas | None, stats: Mapping[str, Any], url: str) -> _Looked:
    schemas, facts = indexed or Schemas.from_object_info(raw), read_facts(raw, stats)
    machine = machine_with(facts, url)
    told, filling, short = None, None, list[Problem]()
    if asked.preset is not None:
        settings = {name: value for name, value in merged(asked.values, {}).items() if name not in _ABOUT}
        settings["allow_untested"] = asked.values.get("allow_untested") is not False
        given = asked.values.get("files")
        told, filling = estimate_there(asked.preset, PRESETS, asked.task, machine, settings, given)
        short = _short(asked, asked.preset, told, machine, filling)
    compiled, old = _fit(asked, compiled_for(asked, facts, filling), schemas, facts.version)
    report = with_file_remedies(_judged(asked, compiled, schemas), schemas, facts, PRESETS.files, comfyui_at(url))
    report = with_parameters(report, compiled.filled)
    problems = (*old, *report.problems, *_open(asked), *short, *_disk(asked, compiled))
    return _Looked(replace(report, problems=problems), compiled.graph, facts)


def _fit(
    asked: Asked, compiled: CompiledWorkflow, schemas: Schemas, version: str | None
) -> tuple[CompiledWorkflow, list[Problem]]:
    """Return a preset's graph as a server of another age takes it, and what that lacks."""
    if asked.preset is None or schemas.version is not None:
        return compiled, []
    ours = fitted(compiled.graph, schemas, version=version, subject=asked.preset.name)
    kind = "server_too_old"
    lacks = [Problem(None, None, None, kind, KINDS[kind].meaning, line, False, remedy=UPDATE) for line in ours.lacks]
    return replace(compiled, graph=ours.graph), lacks


def _judged(asked: Asked, compiled: CompiledWorkflow, schemas: Schemas) -> Report:
    graph: Graph = compiled.graph
    exists = or_coming(asked.exists or file_exists_in(schemas), compiled.coming)
    targets = place_in(graph, targets=asked.targets).targets
    return check_graph(graph, schemas, partial_execution_targets=targets, file_exists=exists)


def _open(asked: Asked) -> list[Problem]:
    """Return what a workflow cannot run without, of one that is looked at as it is."""
    kind = "parameter_required"
    names = dict.fromkeys(each.name for each in asked.filled.values() if each.required)
    return [
        Problem(None, None, None, kind, KINDS[kind].meaning, name, False, remedy=f"--param {name}=..., or params=")
        for name in names
    ]


def _short(
    asked: Asked, preset: Preset, told: VramEstimate, machine: Machine, filling: Filling | None
) -> list[Problem]:
    """Return what memory is short of, with what takes less."""
    enough = machine.vram_gb is None or told.fits(machine.vram_gb)
    if enough and has_ram(preset, machine.ram_gb):
        return []
    steps = steps_down(
        preset,
        asked.task,
        {name: value for name, value in asked.values.items() if name != "files"},
        files=filling.files if filling else None,
        facts=machine.facts,
        vram_gb=machine.vram_gb,
        card=machine.card,
        pace=machine.pace,
    )
    return memory_problems(preset, told, machine, steps)


def _disk(asked: Asked, compiled: CompiledWorkflow) -> list[Problem]:
    """Return that the file may not fit where it is to go."""
    if asked.out is None and asked.preset is None:
        return []
    makes = asked.preset.makes if asked.preset is not None else "video" if "frames" in compiled.settings else "image"
    needed = largest_file(makes, compiled.settings)
    if needed is None:
        return []
    where = read_out(asked.out).folder
    try:
        folder = where.absolute()
        free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
    except OSError as error:
        logger.debug("how much is free in %s is not known: %s", where, error)
        return []
    problem = disk_problem(needed, free, str(folder))
    return [] if problem is None else [problem]


def _ask_loras(server: Server, looked: _Looked) -> Flow[list[Problem]]:
    """Ask the server what its LoRAs say of themselves; give those that were made for another model."""
    if looked.report.status == 500 or any(each.kind == "missing_node_type" for each in looked.report.problems):
        return []
    found = []
    heads: dict[str, Head] = {}
    for use in loras_to_ask(looked.report.graph, PRESETS.files):
        if use.name not in looked.facts.files.get("loras", ()):
            continue
        if use.name not in heads:
            heads[use.name] = (yield Work(_head_here, (server.url, use.name))) or (
                yield from _head_of(server, use.name)
            )
        head, width = heads[use.name], PRESETS.networks.network(use.network, use.name).attention_width
        clash = lora_clash(head.metadata, use.network, tensors=head.tensors, width=width if width > 1 else None)
        if clash is not None:
            found.append(_clash(use, clash))
    return found


def _head_here(url: str, name: str) -> Head | None:
    """Return the head of a LoRA of a server on this machine, whose folder COMFY_HEADLESS_COMFYUI names."""
    folder = comfyui_at(url)
    if folder is None:
        return None
    try:
        return read_head(folder / "models" / "loras" / name)
    except ValidationError as error:
        logger.debug("%s", error)
        return None


def _head_of(server: Server, name: str) -> Flow[Head]:
    """Return what a server reads in a LoRA; nothing where it does not tell, which is no reason to end the check."""
    try:
        said = yield from routes_models.view_metadata(server, "loras", name)
    except ComfyUIConnectionError as error:
        logger.info("what the LoRA %s was made for is not known: %s", name, error)
        said = None
    return Head(said or {}, {})


def _clash(use: LoraUse, words: str) -> Problem:
    kind, details = "lora_of_another_model", f"{use.name}: {words}"
    return Problem(
        use.node_id, use.class_type, use.input, kind, KINDS[kind].meaning, details, False, remedy=lora_remedy(use)
    )
