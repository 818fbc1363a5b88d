"""Every model file that is described: what it is, who needs it, and whether it is there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.models.looking import Place, chosen, look, there_as


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model file.

    Args:
        presets: those that name it.
        licences: of these presets' weights, by name; where no preset names it, of those that it can serve.
        in_place_of: names of files that presets name and that it can take the place of, in another precision.
        variant: the option that needs it, for files of no preset.
        listed: the name by which it is there; None if it is not, or nobody has looked.
    """

    file: ModelFile
    presets: tuple[str, ...]
    licences: tuple[str, ...]
    in_place_of: tuple[str, ...]
    variant: str | None
    listed: str | None


@dataclass(frozen=True, slots=True)
class ModelList:
    """Model files, by folder.

    Args:
        place: the address of the server, or the path of the folder, that was looked into; None if none was.
    """

    place: str | None
    files: tuple[ListedModel, ...]


def list_models(
    preset: str | Iterable[str] = (),
    *,
    server: str | None = None,
    comfyui: str | os.PathLike[str] | None = None,
    extra_paths: Iterable[str | os.PathLike[str]] = (),
    library: PresetLibrary = PRESETS,
) -> ModelList:
    """Say which model files there are: those of presets, and the same networks in other precisions.

    Args:
        preset: a name, or several; without one all files that are described.
        server: address of a server: it is said which it has.
        comfyui: folder of a local ComfyUI, in place of a server.
        extra_paths: more files like ``extra_model_paths.yaml``; that of the folder is read without being named.
        library: the presets that have names.

    Raises:
        ValidationError: there is no such preset, or the folder is none of a ComfyUI.
        ComfyUIConnectionError: the server does not answer.
    """
    names = chosen(preset, library)
    looked = server is not None or comfyui is not None
    place = look(library.files, server=server, comfyui=comfyui, extra_paths=extra_paths) if looked else None
    own: dict[str, ModelFile] = {}
    needing: dict[str, list[str]] = {}
    for name in library:
        for file in library[name].model_files().values():
            own[file.key] = file
            needing.setdefault(file.key, []).append(name)
    everything = {**library.files, **own}
    wanted = {key for key, presets in needing.items() if not names or set(names) & set(presets)}
    rows = [_listed(file, needing, wanted, everything, library, place) for file in everything.values()]
    kept = [row for row in rows if not names or row.file.key in wanted or row.in_place_of]
    kept.sort(key=lambda row: (row.file.folder, row.file.key not in wanted, row.file.name.lower()))
    return ModelList(place and place.name, tuple(kept))


def _listed(
    file: ModelFile,
    needing: dict[str, list[str]],
    wanted: set[str],
    everything: dict[str, ModelFile],
    library: PresetLibrary,
    place: Place | None,
) -> ListedModel:
    presets = tuple(dict.fromkeys(needing.get(file.key, ())))
    replaced = [
        other
        for key, other in everything.items()
        if key in wanted and key != file.key and file.weights is not None
        if (other.folder, other.weights) == (file.folder, file.weights)
    ]
    whose = presets or dict.fromkeys(name for other in replaced for name in needing[other.key])
    variant = f"--upscale {file.factor}" if file.factor is not None else None
    if file.folder == "frame_interpolation":
        variant = "--interpolate"
    licences = tuple(dict.fromkeys(library[name].licence.name for name in whose))
    listed = there_as(file, place) if place is not None else None
    return ListedModel(file, presets, licences, tuple(other.name for other in replaced), variant, listed)
