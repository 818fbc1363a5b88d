"""The routes that tell of model files, and the lists of loader nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.answers import (
    filled,
    lacks,
    number,
    refusal,
    segment,
    strange,
    texts,
    told,
    unknown,
    whole,
    whole_number,
)
from comfy_headless.protocol.conversation import Attempt, Server, persist
from comfy_headless.protocol.effects import Call, Flow
from comfy_headless.protocol.routes import object_info


class ModelFolder(NamedTuple):
    """A folder for model files, by the name that loader nodes know it by.

    Args:
        folders: where it lies on the server, in the order in which it looks there.
        extensions: of the files that it lists there; empty: the server does not say.
    """

    name: str
    folders: tuple[str, ...]
    extensions: tuple[str, ...] = ()


class ModelFile(NamedTuple):
    """A model file.

    Args:
        name: as a loader node wants it, its sub-folder with it.
        path_index: in which of ``ModelFolder.folders`` it lies.
        size: bytes.
        modified, created: seconds since 1970.
    """

    name: str
    path_index: int
    size: int | None = None
    modified: float | None = None
    created: float | None = None


def model_folders(server: Server) -> Flow[tuple[str, ...]]:
    """GET /models: the names of the folders for model files."""
    return texts((yield from told(server, "/models", list)))


def models(server: Server, folder: str) -> Flow[tuple[str, ...]]:
    """GET /models/{folder}: the files of a folder, as loader nodes want them."""
    route = f"/models/{segment(folder, 'folder')}"
    tried = yield from persist(server, Call("GET", route, timeout=server.timing.transfer))
    yield from _known(server, tried, folder)
    return texts(tried.value)


def model_locations(server: Server) -> Flow[tuple[ModelFolder, ...]]:
    """GET /experiment/models: the folders for model files, and where they lie on the server."""
    value = yield from told(server, "/experiment/models", list)
    rows = [row for row in value if isinstance(row, dict) and isinstance(row.get("name"), str)]
    return tuple(ModelFolder(row["name"], texts(row.get("folders")), texts(row.get("extensions"))) for row in rows)


def model_files(server: Server, folder: str) -> Flow[tuple[ModelFile, ...]]:
    """GET /experiment/models/{folder}: the files of a folder with their sizes and times."""
    call = Call("GET", f"/experiment/models/{segment(folder, 'folder')}", timeout=server.timing.transfer)
    tried = yield from persist(server, call)
    yield from _known(server, tried, folder)
    if not isinstance(tried.value, list):
        raise strange(server, call, tried.value)
    return tuple(_file(row) for row in tried.value if isinstance(row, dict) and isinstance(row.get("name"), str))


def model_preview(server: Server, folder: str, name: str, path_index: int = 0) -> Flow[bytes]:
    """GET /experiment/models/preview/{folder}/{path_index}/{filename}: the picture beside a model, as WebP.

    A server takes ``name.preview.png`` and the like that lies beside the file, or the cover inside a safetensors file.
    """
    place = f"{segment(folder, 'folder')}/{whole_number(path_index, 'path_index')}/{segment(name, 'name')}"
    call = Call("GET", f"/experiment/models/preview/{place}", timeout=server.timing.transfer)
    tried = yield from persist(server, call, reading=whole)
    if tried.status == 404:
        files = yield from model_files(server, folder)
        there = [each.name for each in files if each.path_index == path_index]
        if name not in there:
            raise unknown(server, f"file in folder {path_index} of {folder!r} named", name, there)
        raise ComfyUIConnectionError(f"{server.url}: there is no picture for {name!r} in {folder!r}", url=server.url)
    if tried.problem is not None:
        hint = "it is a link that leads out of the folder" if tried.status == 403 else ""
        raise refusal(server, tried, f"the picture of {name!r}", hint=hint)
    return bytes(tried.value.body)


def view_metadata(server: Server, folder: str, name: str) -> Flow[dict[str, Any] | None]:
    """GET /view_metadata/{folder_name}: what is written in the head of a safetensors file; None: nothing readable."""
    route = f"/view_metadata/{segment(folder, 'folder')}"
    params = (("filename", filled(name, "name")),)
    tried = yield from persist(server, Call("GET", route, params, timeout=server.timing.read))
    if tried.status == 404:
        there = yield from models(server, folder)
        if name not in there:
            raise unknown(server, f"file in {folder!r} named", name, there)
        return None
    if tried.problem is not None:
        raise refusal(server, tried, f"the metadata of {name!r}")
    return tried.value if isinstance(tried.value, dict) else None


def embeddings(server: Server) -> Flow[tuple[str, ...]]:
    """GET /embeddings: names without extension, as a prompt has them behind ``embedding:``."""
    return texts((yield from told(server, "/embeddings", list)))


def choices(server: Server, node_class: str, input_name: str) -> Flow[tuple[str, ...]]:
    """GET /object_info/{node_class}: what one input of a node class can be chosen from; texts only."""
    filled(input_name, "input_name")
    found = (yield from object_info(server, filled(node_class, "node_class"))).get(node_class)
    if not isinstance(found, dict):
        raise ComfyUIConnectionError(f"{server.url} has no node class {node_class!r}", url=server.url)
    told_inputs = found.get("input")
    groups = told_inputs.values() if isinstance(told_inputs, dict) else ()
    inputs = {name: spec for group in groups if isinstance(group, dict) for name, spec in group.items()}
    if input_name not in inputs:
        raise unknown(server, f"input of {node_class} named", input_name, inputs)
    listed = _listed(inputs[input_name])
    if listed is None:
        raise ValidationError(f"{node_class}.{input_name} is no list: nothing is chosen there")
    return texts(listed)


def _listed(spec: Any) -> list[Any] | None:
    """Return the values of a list input, as old node classes and as new ones tell them; None: it is no list."""
    first, second = (*spec, None, None)[:2] if isinstance(spec, list) else (None, None)
    listed = second.get("options") if first == "COMBO" and isinstance(second, dict) else first
    return listed if isinstance(listed, list) else None


def _known(server: Server, tried: Attempt, folder: str) -> Flow[None]:
    """Raise what a refusal of a folder means: no such folder, or no such route."""
    if tried.status == 404:
        folders = yield from model_folders(server)
        if folder not in folders:
            raise unknown(server, "model folder", folder, folders)
        raise lacks(server, Call("GET", "/experiment/models/{folder}"))
    if tried.problem is not None:
        raise refusal(server, tried, f"the model folder {folder!r}")


def _file(row: dict[str, Any]) -> ModelFile:
    index, size = row.get("pathIndex"), row.get("size")
    return ModelFile(
        row["name"],
        index if isinstance(index, int) else 0,
        size if isinstance(size, int) else None,
        number(row.get("modified")),
        number(row.get("created")),
    )
