"""What can be known to be wrong before anything is sent: destinations, and files that are here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfy_headless.api.given_files import There, take
from comfy_headless.catalog.compiled import CompiledWorkflow, Upload
from comfy_headless.errors import ValidationError
from comfy_headless.graph.outputs import extensions_made
from comfy_headless.protocol.destination import Destination
from comfy_headless.protocol.output import kind_of


def check_extension(graph: Mapping[str, Any], destination: Destination) -> None:
    """Raise ValidationError if the destination asks for a kind of file that the graph does not make.

    A file that is named is the video, where the graph makes one.
    """
    made = extensions_made(graph)
    if destination.name is None or made is None:
        return
    wanted = Path(destination.name).suffix.lower()
    made = frozenset(each for each in made if kind_of(f"x{each}") == "video") or made
    if wanted not in made:
        raise ValidationError(
            f"out={destination.name!r}: the server will make {', '.join(sorted(made))}, not {wanted}; "
            f"name it {Path(destination.name).stem}{min(made)}, or give a folder"
        )


def check_uploads(compiled: CompiledWorkflow, *, server: bool) -> CompiledWorkflow:
    """Look at each file that is to be brought to the server, where it is here; send nothing.

    A text that is no file here stands in the graph as it is: it names one that the server has, or not.

    Args:
        server: whether there is one that may have it.

    Raises:
        ValidationError: a file is missing, empty, or nothing that its loader reads.
    """
    uploads = list[Upload]()
    for item in compiled.uploads:
        taken = take(item.given, item.what, item.media, alpha_mask=reads_alpha(compiled.graph, item))
        if isinstance(taken, There) and taken.instead is None and not server:
            raise ValidationError(f"{item.what}={taken.name!r}: {taken.here}, and no server is asked for it")
        if isinstance(taken, There):
            compiled.graph[item.node_id]["inputs"][item.field] = taken.name
        else:
            uploads.append(item)
    return replace(compiled, uploads=tuple(uploads))


def reads_alpha(graph: Mapping[str, Any], item: Upload) -> bool:
    """Return whether an input reads a mask from the alpha channel: then it is what is not opaque."""
    return item.media == "mask" and graph[item.node_id]["inputs"].get("channel") == "alpha"
