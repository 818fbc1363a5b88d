"""Make a job ready to be sent: look at all that is local, hold it to what the server has, bring its files there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from comfy_headless.api.checks import check_extension, reads_alpha
from comfy_headless.api.given_files import Address, Local, Taken, There, fetched, held_by, take
from comfy_headless.api.plugged import plugged
from comfy_headless.api.preflight import preflight
from comfy_headless.catalog.compiled import CompiledWorkflow, Upload
from comfy_headless.catalog.media_in import Way, one_of, way_of
from comfy_headless.errors import ValidationError
from comfy_headless.graph.loaders import Media as Kind
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, prepare
from comfy_headless.protocol.effects import Fetch, Flow, Work
from comfy_headless.protocol.uploads import Media, bring, folder_of, look, measured

IMAGES: Final = ("image", "last_image")
"""What presets take."""


def made_ready(
    server: Server, compiled: CompiledWorkflow, destination: Destination | None, *, check: bool, bring: bool = True
) -> Flow[CompiledWorkflow]:
    """Look at all that is local, hold the graph to what the server has, then bring the files there, each once.

    Args:
        check: False leaves the second out.
        bring: False leaves the third out.

    Raises:
        ValidationError: a file is missing, empty, or nothing that its loader reads, or ``destination`` is not to be
            had; nothing was sent.
        GenerationRejectedError: the server would refuse the graph, or fail over it; nothing was sent.
        ComfyUIConnectionError: an upload failed.
    """
    taken: list[tuple[Upload, Local | Address]] = []
    if compiled.uploads:
        compiled, taken = yield from _taken(server, compiled)
    if destination is not None:
        check_extension(compiled.graph, destination)
        yield Work(prepare, (destination,))
    compiled = yield from plugged(server, compiled)
    if check:
        compiled = yield from preflight(server, compiled)
    taken = [(item, file) for item, file in taken if item in compiled.uploads]  # a plugin may have taken some out
    if taken and bring:
        yield from _bring_all(server, compiled, taken)
    return compiled


def looked_at(server: Server, compiled: CompiledWorkflow) -> Flow[CompiledWorkflow]:
    """Look at each file that is to be brought there, and leave out what the server has; nothing is brought.

    Raises:
        ValidationError: a file is missing, empty, or nothing that its loader reads.
    """
    compiled, _ = yield from _taken(server, compiled)
    return compiled


def check_images(server: Server, values: Mapping[str, Any]) -> Flow[None]:
    """Look at the images that a caller names, as far as that takes no time.

    Raises:
        ValidationError: one is neither here nor on the server, is empty, or no image.
    """
    for name in IMAGES:
        value = one_of(values.get(name), name, "image")
        if value is not None and way_of(value, name) not in (Way.PICTURE, Way.ARRAY, Way.FILE, Way.OUTPUT):
            taken: Taken = yield Work(take, (value, name, "image"))
            if isinstance(taken, There):
                yield from _there(server, taken, name)


def settled(values: Mapping[str, Any]) -> Flow[Mapping[str, Any]]:
    """Return what is asked for, with pictures, arrays and file objects as files: a request may be compiled again.

    Raises:
        ValidationError: one cannot be written as an image.
        FeatureMissingError: the extra ``media`` is missing.
    """
    made = dict(values)
    for name in IMAGES:
        value = one_of(values.get(name), name, "image")
        if value is not None and way_of(value, name) in (Way.PICTURE, Way.ARRAY, Way.FILE):
            made[name] = yield Work(held_by, (value, name, "image"), long=True)
    return made


def _taken(server: Server, compiled: CompiledWorkflow) -> Flow[tuple[CompiledWorkflow, list[tuple[Upload, Any]]]]:
    """Look at each file, each once; one that the server has stands in the graph as it is named there."""
    seen: dict[tuple[int, Kind, bool, bool], Taken] = {}
    url = server.url if server.executor is None else ""
    found, there = list[tuple[Upload, Local | Address]](), set[str]()
    for item in compiled.uploads:
        alpha = reads_alpha(compiled.graph, item)
        by_name = item.media != "file" or compiled.graph[item.node_id]["class_type"] == "LoadImageOutput"
        key = id(item.given), item.media, alpha, by_name
        if key not in seen:
            looking = partial(
                take, item.given, item.what, item.media, alpha_mask=alpha, server_url=url if by_name else ""
            )
            taken: Taken = yield Work(looking, long=True)
            seen[key] = (yield from _there(server, taken, item.what)) if isinstance(taken, There) else taken
        settled_as = seen[key]
        if isinstance(settled_as, There):
            compiled.graph[item.node_id]["inputs"][item.field] = settled_as.name
            there.add(settled_as.name)
        else:
            found.append((item, settled_as))
    return replace(compiled, uploads=tuple(item for item, _ in found), there=frozenset(there)), found


def _there(server: Server, there: There, what: str) -> Flow[There | Local]:
    """Ask the server for a file that it should have; a cloud cannot be asked."""
    if server.executor is None:
        seen = yield from look(server, there.name, patient=True)
        fits = seen.status == 200 and there.size in (None, seen.size)
        if fits or (there.instead is None and seen.status not in (None, 400, 403, 404)):
            return there
        if there.instead is None:
            place = f"has none of that name in its {folder_of(there.name)} folder"
            said = place if seen.status is not None else f"does not say whether it has one ({seen.problem})"
            raise ValidationError(f"{what}={there.name!r}: {there.here}, and {server.url} {said}")
    elif there.instead is None:
        return there
    local: Local = yield Work(there.instead, long=True)
    return local


def _bring_all(server: Server, compiled: CompiledWorkflow, taken: list[tuple[Upload, Local | Address]]) -> Flow[None]:
    """Fetch what is elsewhere, then bring each file to the server that it has not."""
    local: dict[tuple[str, Kind], Local] = {}
    ready: dict[Local, Media] = {}
    files: list[tuple[Upload, Media]] = []
    for item, each in taken:
        if isinstance(each, Address):
            key = each.url, item.media
            if key not in local:
                local[key] = yield Fetch(fetched, (each.url, item.what, item.media))
            each = local[key]
        if each not in ready:
            try:
                ready[each] = yield Work(measured, tuple(each), long=True)
            except OSError as error:
                raise ValidationError(f"{item.what}={item}: {error.strerror or error}") from error
        files.append((item, ready[each]))
    stored: dict[tuple[str, str], str] = {}
    for item, media in files:
        if media.key not in stored:
            stored[media.key] = yield from bring(server, media)
        compiled.graph[item.node_id]["inputs"][item.field] = stored[media.key]
