"""What comfyui_xy's clients give and raise: ``ComfyResponse``, and three errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationRejectedError,
    GenerationTimeoutError,
)
from comfy_headless.protocol.destination import put, read_out
from comfy_headless.protocol.output import kind_of


class ComfyUiError(ComfyHeadlessError):
    """Something went wrong; raised with ``raise_on_error=True`` only."""


class ComfyUiHttpError(ComfyUiError):
    """The server refused, or does not answer; ``status_code`` is None where it does not."""

    def __init__(self, message: str, status_code: int | None = None, response_text: str = "", url: str = "") -> None:
        super().__init__(message)
        self.status_code, self.response_text, self.url = status_code, response_text, url


class ComfyUiTimeoutError(ComfyUiError):
    """The execution did not end in time; it was cancelled."""


@dataclass(frozen=True, slots=True)
class ComfyResponse:
    """A file ("file") or a text ("text") that a node made."""

    output_type: str
    data: bytes | None = None
    text: str | None = None
    filename: str | None = None
    source_type: str | None = None
    node_id: str | None = None
    output_name: str | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.output_type == "file"

    @property
    def is_text(self) -> bool:
        """Whether it is a text."""
        return self.output_type == "text"

    @property
    def file_type(self) -> str:
        """The kind: image, video, audio, mesh, text, or "unknown"."""
        kind = "text" if self.is_text else kind_of(self.filename or "")
        return "unknown" if kind == "other" else kind

    @property
    def image(self) -> Any:
        """The picture as ``PIL.Image.Image``; None for what is none."""
        from comfy_headless.media.opened import open_image

        return open_image(self.data or b"", self.filename or "") if self.file_type == "image" else None

    def save(self, path: str | None = None, encoding: str = "utf-8") -> Path:
        """Write it to a file, by default under its own name; give the path."""
        content = (self.text or "").encode(encoding) if self.is_text else self.data or b""
        return put(read_out(path, overwrite=True), self.filename or f"{self.node_id}_{self.output_name}.txt", content)

    def show(self) -> None:
        """Show a picture in the system's viewer."""
        if self.file_type == "image":
            self.image.show()
        else:
            print(f"Cannot show non-image response: {self.filename or self.output_name}")  # noqa: T201 - as comfyui_xy


def error_of(error: ComfyHeadlessError) -> ComfyUiError:
    """Return an error of ours as one of these."""
    if isinstance(error, GenerationTimeoutError):
        return ComfyUiTimeoutError(str(error))
    if isinstance(error, ComfyUIConnectionError):
        return ComfyUiHttpError(str(error), error.status, str(error), error.url)
    if isinstance(error, GenerationRejectedError):
        return ComfyUiHttpError(str(error), 400, str(error))
    return ComfyUiError(str(error))


def texts_in(outputs: Mapping[str, Any]) -> list[ComfyResponse]:
    """Return the texts that outputs hold, at any depth."""
    found = ((*place, each) for *place, each in _leaves(outputs) if isinstance(each, str))
    return [ComfyResponse("text", text=text, node_id=node, output_name=name) for node, name, text in found]


def files_in(outputs: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return node id, name and entry of each file that outputs name."""
    return [found for found in _leaves(outputs) if not isinstance(found[2], str)]


def file_response(node: str, name: str, entry: Mapping[str, Any], data: bytes) -> ComfyResponse:
    """Return a file that was downloaded."""
    return ComfyResponse("file", data, None, entry["filename"], entry["type"], node, name)


def _leaves(outputs: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield node id, name and value of every file entry and every text; a file's own words are no texts."""
    todo = [(node, name, value) for node, given in outputs.items() for name, value in given.items()]
    for node, name, value in todo:
        if isinstance(value, str) or (isinstance(value, Mapping) and {"filename", "subfolder", "type"} <= value.keys()):
            yield node, name, value
        elif isinstance(value, Mapping | list):
            todo += [(node, name, each) for each in (value.values() if isinstance(value, Mapping) else value)]
