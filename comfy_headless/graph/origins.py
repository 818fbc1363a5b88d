"""What people give for a workflow, told apart: an address, a name on the server, a file, the workflow itself.

Each thing has one spelling and no thing two: what is spelt as one is never read as another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from comfy_headless.errors import ValidationError, without_secrets
from comfy_headless.graph.template import Template
from comfy_headless.graph.values import shown


class WorkflowUrl(NamedTuple):
    """The address of a workflow, where more is allowed than for an address alone.

    Args:
        http: it may be ``http://``, which anybody between can read and change.
        internal: it may be on this machine or in its network. For addresses that you wrote yourself: who takes one
            from a stranger lets him read what only this machine can reach.
    """

    url: str
    http: bool = False
    internal: bool = False


Workflow: TypeAlias = str | os.PathLike[str] | bytes | int | WorkflowUrl | Template | Mapping[str, Any]
"""Everything that a workflow can be given as; docs/workflows.md lists it."""

Kind = Literal["graph", "text", "url", "saved", "template", "runninghub", "file"]

_SCHEMES: Final[Mapping[str, Kind]] = {"server": "saved", "template": "template", "runninghub": "runninghub"}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # one letter alone is a drive of Windows
_EXPECTED = (
    "expected a path, the workflow itself (a dict, or its JSON text), an https address, server:NAME, template:NAME, "
    "or the id of a RunningHub workflow"
)


class Origin(NamedTuple):
    """Where a workflow is.

    Args:
        kind: what kind of place.
        place: the workflow itself, or its text, address, name, id or path.
        name: how errors call it.
    """

    kind: Kind
    place: Any
    name: str


def origin_of(workflow: Workflow, *, is_file: Callable[[str], bool]) -> Origin:
    """Return where a workflow is.

    Args:
        is_file: tells whether a text is the path of a file; then it means that file, whatever else it could be.

    Raises:
        ValidationError: it is nothing that a workflow can be given as.
    """
    match workflow:
        case WorkflowUrl() if isinstance(workflow.url, str):
            return _at(workflow)
        case Template():
            return Origin("graph", workflow.graph, workflow.name)
        case Mapping():
            return Origin("graph", workflow, "workflow")
        case bytes() | bytearray():
            return Origin("text", bytes(workflow), "workflow")
        case os.PathLike():
            return _here(os.fsdecode(workflow))
        case bool():
            pass
        case int() if workflow >= 0:
            return Origin("runninghub", str(workflow), f"RunningHub workflow {workflow}")
        case str():
            return _spelt(workflow, is_file)
    raise ValidationError(f"workflow={shown(workflow)}: {_EXPECTED}")


def _spelt(text: str, is_file: Callable[[str], bool]) -> Origin:
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return Origin("text", text, "workflow")
    if not text.strip():
        raise ValidationError(f"workflow={shown(text)}: {_EXPECTED}")
    if is_file(text):
        return _here(text)
    if text.isascii() and text.isdecimal():
        return Origin("runninghub", text, f"RunningHub workflow {text}")
    found = _SCHEME.fullmatch(text)
    if found is None:
        return _here(text)
    scheme, rest = found[1].lower(), found[2].strip()
    if scheme in ("http", "https"):
        return _at(WorkflowUrl(text))
    if scheme in _SCHEMES:
        return Origin(_SCHEMES[scheme], _named(scheme, rest, text), _said(text))
    if rest.startswith("//"):
        known = ", ".join(("https://", *(f"{each}:" for each in _SCHEMES)))
        raise ValidationError(
            f"workflow {shown(text)}: nothing is read from {scheme}://. There are: {known}, or a path"
        )
    return _here(text)


def _at(address: WorkflowUrl) -> Origin:
    return Origin("url", address, _said(re.split(r"[?#]", without_secrets(address.url), maxsplit=1)[0]))


def _here(path: str) -> Origin:
    return Origin("file", Path(path), _said(Path(path).name or path))


def _said(name: str) -> str:
    """Return a name as an error can say it: what clears a terminal or fills it is a name too."""
    return (name if name.isprintable() else repr(name)[1:-1])[:200]


def _named(scheme: str, name: str, text: str) -> str:
    if not name:
        raise ValidationError(f"workflow {shown(text)} names none; expected such as {scheme}:NAME")
    if scheme == "runninghub" and not (name.isascii() and name.isdecimal()):
        raise ValidationError(
            f"workflow {shown(text)}: the id of a RunningHub workflow is a number, as its address has it"
        )
    return name
