"""What a job made: the outputs of a history entry, downloaded, and made visible at their destination."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from comfy_headless.errors import GenerationTimeoutError, ResultSaveError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, discard, part_name, place, publish
from comfy_headless.protocol.download import address_of, download
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.output import Output, kind_of
from comfy_headless.protocol.routes import view_url
from comfy_headless.protocol.routes_files import Place, fetch
from comfy_headless.protocol.ticket import Label

logger = logging.getLogger("comfy_headless")

_WRITERS: Final = frozenset({"Save3DAdvanced", "SaveGaussianSplat", "SavePointCloud"})
"""Classes that name the file they write by its path alone (0.30.0, nodes_save_3d.py: ``{"result": [path, ...]}``)."""

_PREVIEWERS: Final = frozenset({"PreviewImage", "PreviewAudio", "MaskPreview", "SAM3_TrackPreview", "GLSLShader"})
"""Classes whose files are temporary ones (0.30.0: nodes.py, nodes_audio, _mask, _sam3, _glsl)."""

_TEMPORARY: Final = re.compile(r".*_temp_[a-z]{5}_\d+")
"""How the name of a temporary file begins (0.30.0, PreviewImage: ``ComfyUI_temp_abcde_00001_.png``); packs do alike."""

_KEPT_PREVIEW: Final = re.compile(r"preview3d_[0-9a-f]{32}\.\w+")
"""What Preview3D writes into the output folder (0.30.0, nodes_load_3d.py); it also shows what others have written."""

_PREVIEWED: Final = re.compile(r"preview(3d_advanced|_splat|_pointcloud)_[0-9a-f]{32}\.\w+")
"""What the other previews of 3D models write into the temporary folder; their reports look the same."""

_ELSEWHERE: Final = re.compile(r"[/\\]|[A-Za-z]:|\.\.")
"""How a path begins that no server offers."""


class Found(NamedTuple):
    """One entry of a node's output: a file on the server (``folder_type`` "output", "temp", ...), or a text.

    ``sure``: False for a file that is only spoken of, by its name: it may be another job's, or nowhere.
    """

    node_id: str
    kind: str
    filename: str = ""
    subfolder: str = ""
    folder_type: str = "output"
    text: str | None = None
    url: str = ""
    sure: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells two files of a server apart."""
        return (self.filename, self.subfolder, self.folder_type)

    def address(self, server: Server) -> str:
        """Return where the file is offered: only an executor says so itself."""
        return address_of(server, self.url) if server.executor is not None else view_url(server, *self.key)

    def output(
        self,
        server: Server,
        path: Path | None = None,
        *,
        prompt_id: str = "",
        label: Label = Label(),  # noqa: B008 - an immutable tuple
    ) -> Output:
        """Return it as callers see it; ``path`` is the local file, None if it was not downloaded."""
        there = _There(server._replace(known=Known()), prompt_id, self) if server.drive and self.filename else None
        return Output(
            self.kind,
            self.filename,
            self.subfolder,
            self.node_id,
            self.address(server) if self.filename else "",
            path,
            self.text,
            self.folder_type,
            label.names(self.node_id),
            there,
        )


class _There:
    """Where a server has a file, for whoever asks for it later."""

    __slots__ = ("_found", "_prompt_id", "_server")

    def __init__(self, server: Server, prompt_id: str, found: Found) -> None:
        self._server, self._prompt_id, self._found = server, prompt_id, found

    def __deepcopy__(self, _: Any) -> _There:
        return self

    def read(self, output: Output) -> bytes:
        """Return what it holds; raises ResultSaveError."""
        with TemporaryDirectory(prefix="comfy_headless_") as folder:
            return self.save(output, Destination(Path(folder))).read_bytes()

    def save(self, output: Output, destination: Destination) -> Path:
        """Bring it here, whole; give its path. Raises ResultSaveError, ValidationError."""
        assert self._server.drive is not None
        cloud = self._server.executor is not None
        job, url = (self._prompt_id, self._found.address(self._server)) if cloud else ("", None)
        flow = fetch(self._server, Place(*self._found.key), destination, prompt_id=job, url=url)
        path: Path = self._server.drive(self._server, flow)
        return path


class Saved(NamedTuple):
    """What a history entry tells: what was saved, temporary files, and what cannot be read of it, in sentences."""

    saved: list[Found]
    previews: list[Found]
    warnings: tuple[str, ...]


def found_in(node_id: str, output: Any) -> Iterator[Found]:
    """Read one node's output: every entry with a ``filename`` under any key, names of 3D models, and texts."""
    return (one for one in _read(node_id, output) if isinstance(one, Found))


def _read(node_id: str, output: Any) -> Iterator[Found | str]:
    """Yield what a node made, and a sentence for each entry that cannot be read."""
    if not isinstance(output, dict):
        return
    animated = any(output.get("animated") or ()) if isinstance(output.get("animated"), list) else False
    for key, entries in output.items():
        for entry in _flat(entries):
            if isinstance(entry, dict) and "filename" in entry:
                name = entry["filename"]
                if not isinstance(name, str) or not name:
                    yield f"node {node_id} names a file under {key!r} without a name ({name!r}): passed over"
                    continue
                yield Found(
                    node_id,
                    kind_of(name, animated=animated, key=key),
                    name,
                    str(entry.get("subfolder") or ""),
                    str(entry.get("type") or "output"),
                    url=str(entry.get("url") or ""),
                )
            elif key == "text" and entry is None:
                yield f"node {node_id} gave a text that is none (null): passed over"
            elif key == "text":
                yield Found(node_id, "text", text=entry if isinstance(entry, str) else json.dumps(entry))
            elif isinstance(entry, str) and kind_of(entry) == "mesh" and not _ELSEWHERE.match(entry):
                yield _spoken_of(node_id, entry)


def _spoken_of(node_id: str, path: str) -> Found:
    """Return the file that a node names by its path alone."""
    below = max(path.rfind("/"), path.rfind("\\")) + 1
    subfolder, name = path[: max(0, below - 1)], path[below:]
    kept = not subfolder and _PREVIEWED.fullmatch(name)
    sure = bool(kept or (not subfolder and _KEPT_PREVIEW.fullmatch(name)))
    return Found(node_id, "mesh", name, subfolder, "temp" if kept else "output", sure=sure)


def _flat(entries: Any) -> Iterator[Any]:
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, list):
            yield from _flat(entry)
        else:
            yield entry


def saved_in(entry: Mapping[str, Any], graph: Mapping[str, Any]) -> Saved:
    """Return what a history entry says was made, in the graph's node order.

    A file that is named twice (some custom nodes list it under two keys) is one file.
    """
    outputs = outputs_in(entry)
    order = {node_id: number for number, node_id in enumerate(graph)}
    nodes = sorted(outputs, key=lambda node_id: order.get(node_id, len(order)))
    read = [one for node_id in nodes for one in _read(node_id, outputs[node_id])]
    found = [_known(one, graph) for one in read if isinstance(one, Found)]
    files = {one.key: one for sure in (False, True) for one in found[::-1] if one.filename and one.sure is sure}
    once = [one for one in found if not one.filename or files[one.key] is one]
    return Saved(
        [one for one in once if one.folder_type != "temp"],
        [one for one in once if one.folder_type == "temp"],
        tuple(one for one in read if isinstance(one, str)),
    )


def outputs_in(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what each node gave, as a history entry tells it."""
    outputs = entry.get("outputs")
    return outputs if isinstance(outputs, dict) else {}


def _known(one: Found, graph: Mapping[str, Any]) -> Found:
    """Return a file with what its node tells of it.

    One that is only spoken of is sure, where a node names it that writes it itself. An executor may not tell which of
    its files are temporary; its name or its node's class does.
    """
    node = graph.get(one.node_id)
    class_type = node.get("class_type") if isinstance(node, dict) else None
    if one.url and one.folder_type == "output" and (class_type in _PREVIEWERS or _TEMPORARY.match(one.filename)):
        return one._replace(folder_type="temp")
    return one if one.sure or class_type is None else one._replace(sure=class_type in _WRITERS)


class Collector:
    """Downloads the files of one job, early where it can; ``parts`` holds what is here but not yet visible."""

    def __init__(
        self,
        server: Server,
        prompt_id: str,
        destination: Destination | None,
        label: Label = Label(),  # noqa: B008 - an immutable tuple
    ) -> None:
        self._server, self._prompt_id, self._destination, self._label = server, prompt_id, destination, label
        self.parts: dict[tuple[str, str, str], str] = {}
        self._published: list[str] = []
        self.warnings: list[str] = []

    def executed(self, frame: Frame) -> Flow[None]:
        """Begin with the files of a node that has just been executed; the history confirms them later.

        What cannot be had now is asked for again at the end; so is a file that is announced again: it may have changed.
        """
        for one in found_in(str(frame.data.get("node")), frame.data.get("output")):
            if one.folder_type != "output" or not one.sure:
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
            outputs.append(one.output(self._server, path, prompt_id=self._prompt_id, label=self._label))
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
                if one.sure:
                    lost = lost or error
                else:
                    logger.info("%s", error)
                    where = f"which is not to be had at {one.address(self._server)}"
                    self.warnings.append(f"node {one.node_id} names {one.filename!r}, {where}")
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
