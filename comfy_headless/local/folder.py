"""Where a ComfyUI lies, and the Python that has what it needs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from comfy_headless.config import comfyui_folder, expanded
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

_SIGNS: Final = ("main.py", "nodes.py")
"""Files at the top of every ComfyUI; many a project has a ``main.py`` of its own."""
_INSIDE: Final = "ComfyUI"
"""What the portable build and comfy-cli call the folder within their own."""
_USUAL: Final = (".", "~/ComfyUI", "~/comfy/ComfyUI", "~/Documents/ComfyUI")
"""Where people have one; the third is comfy-cli's choice, the fourth that of ComfyUI's own app."""
_ENVIRONMENTS: Final = (
    *("venv", ".venv", "env"),
    *("../venv", "../.venv", "../env"),
    *("../python_embeded", "../python_embedded", "../../python_embeded"),
    *("conda", "../conda"),
)
"""Where people put the Python of a ComfyUI, as seen from its folder; the portable build spells it ``embeded``."""
_PYTHONS: Final = ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python", "bin/python3")


def find_folder(named: str | os.PathLike[str]) -> Path:
    """Return the folder of ComfyUI's ``main.py``: the one that is named, or ``ComfyUI`` within it.

    Raises:
        ValidationError: there is none.
    """
    if not isinstance(named, str | os.PathLike) or not os.fspath(named):
        raise ValidationError(f"folder={shown(named)}: expected the folder of a ComfyUI, such as '~/ComfyUI'")
    path = expanded(named, "folder").absolute()
    path = path.parent if path.name == "main.py" else path
    for folder in (path, path / _INSIDE):
        if all((folder / name).is_file() for name in _SIGNS):
            return folder
    what = "is no folder" if path.exists() and not path.is_dir() else "does not exist" if not path.exists() else ""
    if what:
        raise ValidationError(f"no ComfyUI in {path}: it {what}; expected a folder with {' and '.join(_SIGNS)}")
    lacking = [name for name in _SIGNS if not (path / name).is_file()]
    raise ValidationError(
        f"no ComfyUI in {path}: it lacks {' and '.join(lacking)}, and so does {_INSIDE} within it; "
        "expected the folder into which ComfyUI was cloned or unpacked"
    )


def usual_folder() -> Path | None:
    """Return the folder of the ComfyUI that COMFY_HEADLESS_COMFYUI names, else one where people have it; else None."""
    with suppress(ValidationError):  # nobody knows what ~ is
        named = comfyui_folder()
        for place in _USUAL if named is None else (str(named),):
            with suppress(ValidationError, OSError):
                return find_folder(place)
    return None


def find_python(folder: Path, named: str | os.PathLike[str] | None = None) -> Path:
    """Return the Python that runs the ComfyUI of a folder.

    Args:
        named: a Python, or the folder of an environment; None looks into and beside ``folder``, then takes the Python
            of this process if it has torch.

    Raises:
        ValidationError: there is none.
    """
    if named is not None:
        return _named_python(os.fspath(named))
    looked = [Path(os.path.normpath(folder / name)) for name in _ENVIRONMENTS]
    for environment in looked:
        if found := next(_pythons_of(environment), None):
            return found
    if find_spec("torch") is not None and sys.executable:
        return Path(sys.executable)
    places = "".join(f"\n  {place}" for place in looked)
    raise ValidationError(
        f"no Python for the ComfyUI in {folder}: this one ({sys.executable or 'embedded'}) has no torch, and there is "
        f"none in{places}\npython= names it: the one that you start ComfyUI with"
    )


def _named_python(named: str) -> Path:
    path = expanded(named, "python").absolute()
    if path.is_dir():
        if found := next(_pythons_of(path), None):
            return found
        raise ValidationError(f"python={named!r}: no {' or '.join(_PYTHONS)} in {path}")
    runs = shutil.which(named) or shutil.which(path)
    if runs is not None:
        return Path(runs).absolute()
    what = "is not executable" if path.exists() else "does not exist"
    raise ValidationError(f"python={named!r}: {path} {what}; expected a Python, or the folder of its environment")


def _pythons_of(environment: Path) -> Iterator[Path]:
    """Yield what is a Python there; links stay as they are, since a virtual environment is known by them."""
    for name in _PYTHONS:
        if os.access(environment / name, os.X_OK):
            yield environment / name
