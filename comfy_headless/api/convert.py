"""A workflow as a browser saves it, made into the graph that a server takes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from comfy_headless.api.reading import ReadGraph, by_schemas, graph_of, read_source, read_there
from comfy_headless.errors import ValidationError
from comfy_headless.graph.origins import Workflow
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.values import shown
from comfy_headless.graph.well_formed import is_well_formed
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow

logger = logging.getLogger("comfy_headless")

ObjectInfo: TypeAlias = Mapping[str, Any] | Schemas | str | os.PathLike[str]
"""What a server tells of its node classes: the answer of ``GET /object_info``, or the path of a file with it."""


def convert_workflow(
    workflow: Workflow, object_info: ObjectInfo | None = None, *, server: str | None = None
) -> dict[str, Any]:
    """Return a workflow in the format that a server takes; one that is in that format already is returned as it is.

    What ComfyUI's page would send, offline. What could not be taken over as it was drawn is logged as a warning.

    Args:
        workflow: as ``run_workflow`` takes it: a path, a dict, JSON text, an address, a picture with it inside.
        object_info: the node classes to go by: the answer of a server's ``GET /object_info``, or the path of a file
            with it. None: those of ``server``, else ComfyUI 0.30.0 and the node packs that presets name.
        server: base address of a ComfyUI server, which is asked for its node classes. None asks none.

    Raises:
        ValidationError: there is no such workflow, a class in it is not there, or a link leads nowhere.
        ComfyUIConnectionError: the server does not answer.
    """
    read = read_converted(workflow, object_info, server)
    for warning in read.warnings:
        logger.warning("%s: %s", read.name, warning)
    return read.graph


def read_converted(workflow: Workflow, object_info: ObjectInfo | None, server: str | None) -> ReadGraph:
    """Do the same, with the warnings beside the graph."""
    schemas = None if object_info is None else read_object_info(object_info)

    def flow(there: Server | None) -> Flow[ReadGraph]:
        found = yield from read_source(there, workflow)
        if not found.drawn:
            return graph_of(found, schemas or Schemas.snapshot())
        return (yield from by_schemas(there, lambda known: graph_of(found, known), schemas))

    return read_there(server, flow)


def read_object_info(object_info: ObjectInfo) -> Schemas:
    """Return the node classes that a server has told.

    Raises:
        ValidationError: that is no answer of ``GET /object_info``, or there is no such file.
    """
    if isinstance(object_info, Schemas):
        return object_info
    if isinstance(object_info, Mapping):
        return _indexed(object_info, "object_info")
    if not isinstance(object_info, str | os.PathLike):
        raise ValidationError(f"object_info={shown(object_info)}: expected the path of a file, or a server's answer")
    name = f"object_info={os.fspath(object_info)!r}"
    try:
        return _indexed(json.loads(Path(object_info).read_bytes()), name)
    except OSError as error:
        raise ValidationError(f"{name}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"{name} is not JSON: {error}") from error


def _indexed(raw: object, name: str) -> Schemas:
    if not isinstance(raw, Mapping) or not any(map(is_well_formed, raw.values())):
        raise ValidationError(
            f"{name} is not what a server tells of its node classes; write it with: "
            "curl http://localhost:8188/object_info > object_info.json"
        )
    return Schemas.from_object_info(raw)
