"""How a model file is brought to where it is missing: its address on the hub, and one line to paste."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.config import shown_url
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.access import login_in

HUB: Final = "https://huggingface.co"
_DOWNLOAD: Final = ("comfy-headless", "models", "download")


def fetch_line(file: ModelFile, options: Iterable[str] = ()) -> str | None:
    """Return one line to paste that fetches a file; None where nobody knows from where.

    Args:
        options: of ``models download``, that name the folder of a ComfyUI on this machine; without any it is a line of
            curl, to be run in the folder of the ComfyUI that lacks the file, wherever that is.
    """
    words = tuple(options)
    if "TODO" in file.repository:
        return None
    if words:
        return shlex.join([*_DOWNLOAD, file.key, *words])
    target = f"models/{file.folder}/{file.name}"
    return shlex.join(["curl", "-fL", "-C", "-", "--create-dirs", "-o", target, page_of(file)])


def fetch_all_line(preset: str, comfyui: Path | None = None) -> str:
    """Return what brings all files that a server lacks for a preset.

    Args:
        comfyui: the server's folder on this machine; None is a server elsewhere, or one whose folder nobody names.
    """
    if comfyui is not None:
        return f"fetch them: {shlex.join([*_DOWNLOAD, '--preset', preset, *at_folder(comfyui)])}"
    return f"fetch them where that ComfyUI is: {shlex.join([*_DOWNLOAD, '--preset', preset])} --comfyui FOLDER"


def at_folder(comfyui: Path | None) -> tuple[str, ...]:
    """Return the options of the command line that name a folder; none for None."""
    return () if comfyui is None else ("--comfyui", str(comfyui))


def page_of(file: ModelFile, endpoint: str | None = None) -> str:
    """Return the address at which anybody fetches a file, in its newest version."""
    return f"{hub_of(endpoint)[0]}/{file.repository}/resolve/main/{file.path}"


def hub_of(endpoint: str | None) -> tuple[str, tuple[str, str] | None]:
    """Return the address of the hub, and the user and password that it carries, apart from it.

    Args:
        endpoint: None is HF_ENDPOINT, then Hugging Face's own.

    Raises:
        ValidationError: it is no address.
    """
    told = endpoint or os.environ.get("HF_ENDPOINT") or HUB
    try:
        base, login = login_in(told)
    except ValueError as error:
        raise ValidationError(f"endpoint={shown_url(told)!r} is no address; expected something like {HUB}") from error
    return base.rstrip("/"), login
