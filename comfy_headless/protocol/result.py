"""``Result`` and ``Output``: what a finished job is, whoever ran it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "image": frozenset(
        {"png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif", "avif", "svg", "exr", "hdr", "heic"}
    ),
    "video": frozenset({"mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg", "ogv", "gif", "webp", "apng"}),
    "audio": frozenset({"mp3", "wav", "flac", "ogg", "oga", "opus", "aac", "m4a", "wma", "aiff"}),
}


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a job made; usable wherever a path is.

    Args:
        kind: "image", "video", "audio", "text" or "other".
        filename: the name on the server; empty for a text.
        subfolder: its folder below the server's output folder.
        node_id: the node that made it.
        url: where the server offers it.
        path: the local file, None if it was not downloaded.
        text: the text itself, for kind "text".
    """

    kind: str
    filename: str
    subfolder: str
    node_id: str
    url: str
    path: Path | None = None
    text: str | None = None

    def __fspath__(self) -> str:
        if self.path is None:
            raise TypeError(f"output {self.filename!r} was not downloaded (give out=); it is at {self.url}")
        return os.fspath(self.path)

    def __str__(self) -> str:
        return self.text if self.text is not None else str(self.path or self.url)

    def to_dict(self) -> dict[str, Any]:
        """Return the output as JSON-ready data."""
        return {
            "kind": self.kind,
            "filename": self.filename,
            "subfolder": self.subfolder,
            "node_id": self.node_id,
            "url": self.url,
            "path": str(self.path) if self.path else None,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """A finished job. Fields can be read as attributes or by name: ``result.video`` and ``result["video"]``.

    Args:
        status: "completed", or "failed" (only with ``raise_on_error=False``; ``error`` says why).
        prompt_id: the job on the server.
        duration: wall time in seconds, from the call to the files (the clip's own length is ``seconds``).
        outputs: everything that was saved, in the order of the graph's nodes; previews are never among them.
        seed: the seed used, None if the graph's own was left alone.
        preset: name of the preset, None for a plain workflow.
        settings: effective settings (width, height, frames, fps, ...).
        notes: what was known before the job ran: which preset was taken and why, values that nobody has tested.
        warnings: what turned out meanwhile, although the job succeeded.
        looked: True if every video that is here, or every image of a preset, was opened and looked at; what is off
            stands in ``warnings``.
        error: the failure's message, None if there was none.
        callback_error: the exception that ended the calls of ``on_progress``, as text.
        worked: seconds that the server worked on it, its queue apart; None if it does not say.
        kept: ids of the nodes whose results the server still had, so that they did not run.
    """

    status: str
    prompt_id: str
    duration: float
    outputs: tuple[Output, ...] = ()
    seed: int | None = None
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    looked: bool = False
    error: str | None = None
    callback_error: str | None = None
    worked: float | None = None
    kept: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Paths of the downloaded files."""
        return [output.path for output in self.outputs if output.path is not None]

    @property
    def images(self) -> list[Output]:
        """The still images."""
        return self._of("image")

    @property
    def videos(self) -> list[Output]:
        """The videos."""
        return self._of("video")

    @property
    def audios(self) -> list[Output]:
        """The sounds."""
        return self._of("audio")

    @property
    def texts(self) -> list[Output]:
        """The texts."""
        return self._of("text")

    @property
    def others(self) -> list[Output]:
        """Files of any other kind."""
        return self._of("other")

    @property
    def video(self) -> Output | None:
        """The first video, or None."""
        return next(iter(self.videos), None)

    @property
    def path(self) -> Path | None:
        """Path of the first video, else of the first file; None if nothing was downloaded."""
        paths = [output.path for output in self.videos if output.path] or self.files
        return paths[0] if paths else None

    def __getitem__(self, name: str) -> Any:
        if name not in _NAMES:
            raise KeyError(f"a result has no {name!r}; it has: {', '.join(_NAMES)}")
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def keys(self) -> tuple[str, ...]:
        """Names that can be read with ``result[name]``; ``dict(result)`` works."""
        return _NAMES

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return {
            "status": self.status,
            "prompt_id": self.prompt_id,
            "duration": round(self.duration, 3),
            "path": str(self.path) if self.path else None,
            "files": [str(path) for path in self.files],
            "outputs": [output.to_dict() for output in self.outputs],
            "seed": self.seed,
            "preset": self.preset,
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "looked": self.looked,
            "error": self.error,
            "callback_error": self.callback_error,
            "worked": self.worked,
            "kept": list(self.kept),
        }

    def _of(self, kind: str) -> list[Output]:
        return [output for output in self.outputs if output.kind == kind]


_NAMES: Final = (
    "status",
    "prompt_id",
    "duration",
    "files",
    "images",
    "videos",
    "audios",
    "texts",
    "others",
    "video",
    "path",
    "outputs",
    "seed",
    "preset",
    "settings",
    "notes",
    "warnings",
    "looked",
    "error",
    "callback_error",
    "worked",
    "kept",
)


def kind_of(filename: str, *, animated: bool = False, key: str = "") -> str:
    """Return the kind of a file by its extension; ``animated`` and the output's ``key`` settle gif, webp and apng."""
    suffix = PurePosixPath(filename).suffix.lower().lstrip(".")
    if suffix in KINDS["image"] and suffix in KINDS["video"]:
        return "video" if animated or key == "gifs" else "image"
    if suffix == "png" and animated:
        return "video"
    return next((kind for kind, suffixes in KINDS.items() if suffix in suffixes), "other")
