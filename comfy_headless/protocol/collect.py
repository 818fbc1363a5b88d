"""What a job made: the outputs of a history entry, downloaded, and made visible at their destination."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from comfy_headless.errors import GenerationTimeoutError, ResultSaveError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, discard, part_name, place, publish
from comfy_headless.protocol.download import download
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.result import Output, kind_of
from comfy_headless.protocol.routes import view_url

logger = logging.getLogger("comfy_headless")


class Found(NamedTuple):
    """One entry of a node's output: a file on the server (``folder_type`` "output", "temp", ...), or a text."""

    node_id: str
    kind: str
    filename: str = ""
    subfolder: str = ""
    folder_type: str = "output"
    text: str | None = None
    url: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells two files of a server apart."""
        return (self.filename, self.subfolder, self.folder_type)

    def address(self, server: Server) -> str:
        """Return where the file is offered: only an executor says so itself."""
        return urljoin(f"{server.url}/", self.url) if server.executor is not None else view_url(server, *self.key)

    def output(self, server: Server, path: Path | None = None) -> Output:
        """Return it as callers see it; ``path`` is the local file, None if it was not downloaded."""
        url = self.address(server) if self.filename else ""
        return Output(self.kind, self.filename, self.subfolder, self.node_id, url, path, self.text)


def found_in(node_id: str, output: Any) -> Iterator[Found]:
    """Read one node's output: every entry with a ``filename`` under any key, and texts."""
    if not isinstance(output, dict):
        return
    animated = any(output.get("animated") or ()) if isinstance(output.get("animated"), list) else False
    for key, entries in output.items():
        for entry in _flat(entries):
            if isinstance(entry, dict) and isinstance(entry.get("filename"), str) and entry["filename"]:
                name = entry["filename"]
                yield Found(
                    node_id,
                    kind_of(name, animated=animated, key=key),
                    name,
                    str(entry.get("subfolder") or ""),
                    str(entry.get("type") or "output"),
                    url=str(entry.get("url") or ""),
                )
            elif key == "text" and isinstance(entry, str):
                yield Found(node_id, "text", text=entry)


def _flat(entries: Any) -> Iterator[Any]:
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, list):
            yield from _flat(entry)
        else:
            yield entry


def saved_in(entry: Mapping[str, Any], graph: Mapping[str, Any]) -> tuple[list[Found], int]:
    """Return what a history entry says was saved, in the graph's node order, and how many previews were left out.

    A file that is named twice (some custom nodes list it under two keys) is one file.
    """
    outputs = entry.get("outputs")
    outputs = outputs if isinstance(outputs, dict) else {}
    order = {node_id: number for number, node_id in enumerate(graph)}
    nodes = sorted(outputs, key=lambda node_id: order.get(node_id, len(order)))
    found = [one for node_id in nodes for one in found_in(node_id, outputs[node_id])]
    saved = [one for one in found if one.folder_type != "temp"]
    files = {one.key: one for one in reversed(saved) if one.filename}
    return [one for one in saved if not one.filename or files[one.key] is one], len(found) - len(saved)


class Collector:
    """Downloads the files of one job, early where it can; ``parts`` holds what is here but not yet visible."""

    def __init__(self, server: Server, prompt_id: str, destination: Destination | None) -> None:
        self._server, self._prompt_id, self._destination = server, prompt_id, destination
        self.parts: dict[tuple[str, str, str], str] = {}
        self._published: list[str] = []
        self.warnings: list[str] = []

    def executed(self, frame: Frame) -> Flow[None]:
        """Begin with the files of a node that has just been executed; the history confirms them later.

        What cannot be had now is asked for again at the end; so is a file that is announced again: it may have changed.
        """
        for one in found_in(str(frame.data.get("node")), frame.data.get("output")):
            if one.folder_type != "output":
                continue
            if one.key in self.parts:
                yield from self.discard(one.key)
                continue
            try:
                yield from self._fetch(one)
            except ResultSaveError as error:
                logger.info("%s; asking again when the job has ended", error)
                yield from self.discard(one.key)

    def collect(self, saved: list[Found]) -> Flow[tuple[Output, ...]]:
        """Fetch what is missing, then make every file visible; return the outputs in order.

        Raises:
            ResultSaveError: a file could not be had; those that could are visible, and named in the message.
        """
        lost = yield from self._fetch_all(saved)
        numbers = self._numbers(saved)
        outputs = []
        for one in saved:
            path = None
            if one.key in self.parts and self._destination is not None:
                path = yield from self._publish(self._destination, one, number=numbers.get(one.key))
            outputs.append(one.output(self._server, path))
        if lost is not None:
            here = f". Saved: {', '.join(self._published)}" if self._published else ""
            raise ResultSaveError(f"{lost}{here}", prompt_id=self._prompt_id, path=lost.path, url=lost.url) from lost
        return tuple(outputs)

    def discard(self, *keys: tuple[str, str, str]) -> Flow[None]:
        """Remove what was fetched and is not visible yet; ``keys`` are some, none is all."""
        parts = [self.parts.pop(key) for key in keys or tuple(self.parts) if key in self.parts]
        if parts:
            yield Work(discard, (parts,))

    def _fetch_all(self, saved: list[Found]) -> Flow[ResultSaveError | None]:
        """Fetch what is missing and can be had; give the first error."""
        lost = None
        for one in saved:
            try:
                yield from self._fetch(one)
            except ResultSaveError as error:
                lost = lost or error
                yield from self.discard(one.key)
            except GenerationTimeoutError as error:
                yield from self.discard(one.key)
                return lost or self._unsaved(one, self._place(one), f"not here {error.timeout:g} s after the call")
        return lost

    def _fetch(self, one: Found) -> Flow[None]:
        if self._destination is None or not one.filename or one.key in self.parts:
            return
        try:
            part = str((yield Work(part_name, (self._destination.folder, one.filename, self._prompt_id))))
        except OSError as error:
            raise self._unsaved(one, self._destination.folder, error.strerror or str(error)) from error
        self.parts[one.key] = part
        url = one.address(self._server) if self._server.executor is not None else None
        yield from download(self._server, self._prompt_id, *one.key, part, url=url)

    def _publish(self, destination: Destination, one: Found, *, number: int | None) -> Flow[Path]:
        target = place(destination, one.filename, one.subfolder, number=number)
        made = Path(one.filename).suffix
        if target.suffix.lower() != made.lower():
            self.warnings.append(
                f"the server made {made or 'a file without extension'}, not {target.suffix}: saved as such"
            )
            target = target.with_suffix(made)
        try:
            path = yield Work(publish, (self.parts[one.key], str(target), destination.overwrite, self._published))
        except OSError as error:
            raise self._unsaved(one, target, error.strerror or str(error)) from error
        del self.parts[one.key]
        self._published.append(path)
        return Path(path)

    def _place(self, one: Found) -> Path:
        return (self._destination.folder if self._destination is not None else Path()) / one.filename

    def _unsaved(self, one: Found, path: Path, problem: str) -> ResultSaveError:
        url = one.address(self._server)
        return ResultSaveError(
            f"the job {self._prompt_id} is finished, but {one.filename!r} could not be saved at {path}: "
            f"{problem}. It is on the server: {url}",
            prompt_id=self._prompt_id,
            path=str(path),
            url=url,
        )

    def _numbers(self, saved: list[Found]) -> dict[tuple[str, str, str], int]:
        """Number the files that the job is about: the last video, else the first file; all like it that a preset made.

        A folder keeps the server's names where there is more than that.
        """
        files = [one for one in saved if one.filename]
        videos = [one for one in files if one.kind == "video"]
        main = videos[-1] if videos else files[0] if files else None
        if main is None or self._destination is None:
            return {}
        made = self._destination.stem is not None and not videos
        series = [one for one in files if (one.node_id, one.kind) == (main.node_id, main.kind)] if made else [main]
        named = self._destination.name is not None or len(series) == len(files)
        return {one.key: number for number, one in enumerate(series, 1)} if named else {}
