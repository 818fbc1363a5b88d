"""What a download will fetch: which files are missing in a local ComfyUI, how large they are, where they go.

The hub is asked for each, so a plan also proves that every file can be had; nothing is written.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from comfy_headless.catalog.fetching import hub_of
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.errors import ModelDownloadError, ValidationError
from comfy_headless.graph.transforms.files import is_gguf
from comfy_headless.graph.values import nearest
from comfy_headless.models.hub import Passing, Remote, remote_file
from comfy_headless.models.looking import NeededFile, Place, chosen, look_into, needed, there_as
from comfy_headless.models.part import kept_bytes, stale_parts
from comfy_headless.models.patience import HubTiming, Patience
from comfy_headless.models.sizes import size_text
from comfy_headless.models.tree import ComfyTree, read_tree

_NOT_REACHED = (
    "nothing was fetched. A mirror is named with --endpoint (endpoint=) or HF_ENDPOINT; what is missing, and how large "
    "it is, `models check` says without asking"
)

_MODELS = ("diffusion_models", "checkpoints")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that will be fetched.

    Args:
        target: where it will be.
        url: of the version that was found.
        size: bytes of all of it.
        checksum: ``sha256:`` or ``git:`` and hexadecimal digits; empty where the hub tells none.
        kept: bytes that are there from an earlier try.
        version: what changes when the file does; without it, and without a checksum, no download of it is gone on with.
        login: user and password of the hub, where its address carries them; ``url`` and the repr are without them.
    """

    file: ModelFile
    target: Path
    url: str
    size: int
    checksum: str
    kept: int
    version: str = ""
    login: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What ``download_models`` will fetch; ``str()`` is a line for each file and the sum.

    Args:
        comfyui: the folder of the local ComfyUI.
        files: those to fetch.
        there: one line for each that is there, and so will not be fetched.
        notes: what else is to be known.
    """

    comfyui: Path
    files: tuple[PlannedFile, ...]
    there: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        """Bytes of all files that will be fetched."""
        return sum(each.size for each in self.files)

    @property
    def left_bytes(self) -> int:
        """Bytes that are still to come: some may be there from an earlier try."""
        return sum(each.size - each.kept for each in self.files)

    def shortages(self) -> tuple[str, ...]:
        """Say in a line each which disks have too little room, all files together."""
        disks: dict[int, tuple[Path, int]] = {}
        for each in self.files:
            folder = _existing(each.target.parent)
            disk = folder.stat().st_dev
            first, bytes_ = disks.get(disk, (folder, 0))
            disks[disk] = first, bytes_ + each.size - each.kept
        lines = []
        for folder, bytes_ in disks.values():
            free = shutil.disk_usage(folder).free
            if bytes_ > free:
                lines.append(f"the disk of {folder} has {size_text(free)} free, and {size_text(bytes_)} are to come")
        return tuple(lines)

    def __str__(self) -> str:
        lines = [f"{each.file.key}: {size_text(each.size)} to {each.target}" for each in self.files]
        return "\n".join([*lines, f"{size_text(self.left_bytes)} to fetch"])


def plan_download(
    preset: str | Iterable[str] = (),
    files: Iterable[str] = (),
    *,
    comfyui: str | os.PathLike[str] | None = None,
    task: Task | None = None,
    precision: str | None = None,
    extra_paths: Iterable[str | os.PathLike[str]] = (),
    token: str | None = None,
    endpoint: str | None = None,
    timing: HubTiming | None = None,
    library: PresetLibrary = PRESETS,
) -> DownloadPlan:
    """Find out what is to be fetched so that a local ComfyUI has the model files of presets. Nothing is written.

    Args:
        preset: a name, or several. A file that is there by another name or in another precision is not fetched.
        files: only these, as ``folder/name`` (``vae/wan2.2_vae.safetensors``): any that is described, whoever needs it.
        comfyui: folder of the local ComfyUI; None is COMFY_HEADLESS_COMFYUI.
        task: only the files for text, image or first_last.
        precision: of the diffusion models, such as fp8_scaled or Q4_K_M, in place of the presets' own.
        extra_paths: more files like ``extra_model_paths.yaml``; that of the folder is read without being named.
        token: of Hugging Face; None takes HF_TOKEN, then that of ``hf auth login``.
        endpoint: address of the hub; None is HF_ENDPOINT, then Hugging Face's own.
        timing: how long the hub is waited for.
        library: the presets that have names.

    Raises:
        ValidationError: an argument names nothing that there is, or the folder is none of a ComfyUI.
        ModelDownloadError: files cannot be had; the message says of each why, and what to do.
        FeatureMissingError: the extra ``models`` is missing.
    """
    tree = read_tree(comfyui, extra_paths=map(Path, extra_paths))
    place = look_into(tree, library.files)
    names, keys = chosen(preset, library), tuple(dict.fromkeys(files))
    if not names and not keys:
        raise ValidationError("nothing is named: give a preset (--preset NAME), or files as folder/name")
    wanted, there, notes = _wanted(names, keys, place, library, task=task, precision=precision)
    found = _found(wanted, token=token, endpoint=endpoint, timing=timing or HubTiming())
    login = hub_of(endpoint)[1]
    planned = tuple(_planned(file, remote, _target(tree, file), login) for file, remote in found)
    notes += tuple(
        f"{part} is of another version of {each.file.name}, and nothing goes on with it: delete it"
        for each in planned
        for part in stale_parts(each.target, each.checksum, each.version)
    )
    for each in planned:
        if each.target.exists():
            raise ValidationError(
                f"{each.target} is there with {each.target.stat().st_size:,} bytes, where {each.size:,} are expected: "
                "delete it, then fetch it again"
            )
    return DownloadPlan(tree.folder, planned, there, notes)


def _wanted(
    names: tuple[str, ...],
    keys: tuple[str, ...],
    place: Place,
    library: PresetLibrary,
    *,
    task: Task | None,
    precision: str | None,
) -> tuple[tuple[ModelFile, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the files to fetch, and lines on those that are there, and on what else is to be known."""
    rows = needed(names, place, library, task=task)
    own_files = {each.file.key: each.file for each in rows}
    described = {**library.files, **own_files}
    for key in keys:
        if key not in described:
            known = [*own_files, *described]
            raise ValidationError(
                f"no model file {key!r}{nearest(key, known)} Files are named folder/name; "
                "comfy-headless models list shows them"
            )
    wanted: dict[str, ModelFile] = {}
    there: list[str] = []
    swapped = _in_precision(rows, library, precision) if precision is not None else {}
    asked = [described[key] for key in keys] or [swapped.get(each.file.key, each.file) for each in rows]
    found = {each.file.key: each for each in rows}
    for file in asked:
        own, row = there_as(file, place), found.get(file.key)
        if own is not None:
            there.append(f"{file.key} is there{f' as {own}' if own != file.name else ''}")
        elif row is not None and row.listed is not None and not keys:
            there.append(f"{file.key}: {row.note}")
        else:
            wanted[file.key] = file
    notes = [
        f"{file.name} is read by the node pack ComfyUI-GGUF only (GitHub city96/ComfyUI-GGUF)"
        for file in wanted.values()
        if is_gguf(file.name)
    ]
    return tuple(wanted.values()), tuple(there), tuple(notes)


def _in_precision(rows: Iterable[NeededFile], library: PresetLibrary, precision: str) -> Mapping[str, ModelFile]:
    """Return the diffusion models in another precision, by the preset's own file."""
    swapped: dict[str, ModelFile] = {}
    there: dict[str, None] = {}
    for own in (each.file for each in rows if each.file.folder in _MODELS):
        same = [file for file in library.files.values() if (file.folder, file.weights) == (own.folder, own.weights)]
        options = {file.precision: file for file in (same if own.weights is not None else [own])}
        there |= dict.fromkeys(options)
        if precision in options:
            swapped[own.key] = options[precision]
    if not swapped:
        known = ", ".join(there) or "none"
        raise ValidationError(
            f"precision={precision!r}: nothing is had in it{nearest(precision, there)} There are: {known}"
        )
    return swapped


def _found(
    files: Iterable[ModelFile], *, token: str | None, endpoint: str | None, timing: HubTiming
) -> list[tuple[ModelFile, Remote]]:
    """Ask the hub for each file; what is wrong with any is told of all at once."""
    found: list[tuple[ModelFile, Remote]] = []
    errors: list[ModelDownloadError] = []
    waiting = list(files)
    patience = Patience("Hugging Face", timing, timing.asking, _NOT_REACHED)
    while waiting:
        try:
            remote = _ask(waiting[0], token=token, endpoint=endpoint, timing=timing)
        except ModelDownloadError as error:
            errors.append(error)
        except Passing as why:
            patience.wait(why)
            continue
        else:
            found.append((waiting[0], remote))
        waiting.pop(0)
        patience.renew()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        files_by_reason: dict[str, list[str]] = {}
        for each in errors:
            key, _, reason = each.message.partition(": ")
            files_by_reason.setdefault(reason, []).append(key)
        lines = "".join(f"\n  {', '.join(keys)}: {reason}" for reason, keys in files_by_reason.items())
        raise ModelDownloadError(f"{len(errors)} files cannot be had:{lines}", url=errors[0].url)
    return found


def _ask(file: ModelFile, *, token: str | None, endpoint: str | None, timing: HubTiming) -> Remote:
    if "TODO" in file.repository:
        raise ModelDownloadError(f"{file.key}: nobody has said where it is had")
    return remote_file(file, token=token, endpoint=endpoint, timeout=timing.connect)


def _planned(file: ModelFile, remote: Remote, target: Path, login: tuple[str, str] | None) -> PlannedFile:
    kept = kept_bytes(target, remote.checksum, remote.version)
    return PlannedFile(file, target, remote.url, remote.size, remote.checksum, kept, remote.version, login)


def _target(tree: ComfyTree, file: ModelFile) -> Path:
    """A described file may be anybody's: it never leads out of its folder."""
    for what in (file.folder, file.name):
        if PurePosixPath(what).is_absolute() or {"..", ""} & set(re.split(r"[\\/]", what)) or ":" in what:
            raise ValidationError(f"model file {file.key!r}: {what!r} leads out of the folder models/")
    return tree.target(file.folder) / file.name


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
