"""``Result``: what a finished job is, whoever ran it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.protocol.output import Output


@dataclass(frozen=True, slots=True)
class Result:
    """A finished job. Fields can be read as attributes or by name: ``result.video`` and ``result["video"]``.

    ``images_by_var`` and its like hold outputs by the name that a marker gives them (``$output.cover``), those of
    nodes without one by the node's id.

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
        previews: temporary files that the graph made beside; they are not downloaded, and the server drops them when it
            restarts.
        raw: what each node gave, by its id, as the server told it.
        cost: what the job cost, as the cloud tells it; None where nobody says.
        enhanced: how the prompt was improved before (``enhance=``); None: it was not.
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
    previews: tuple[Output, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cost: Mapping[str, Any] | None = None
    enhanced: EnhancedPrompt | None = None

    @property
    def success(self) -> bool:
        """True if the job ended well."""
        return self.status == "completed"

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
    def meshes(self) -> list[Output]:
        """The 3D models: meshes, point clouds, splats."""
        return self._of("mesh")

    @property
    def others(self) -> list[Output]:
        """Files of any other kind."""
        return self._of("other")

    @property
    def images_by_var(self) -> dict[str, list[Output]]:
        """The still images, by name."""
        return self._by_var("image")

    @property
    def videos_by_var(self) -> dict[str, list[Output]]:
        """The videos, by name."""
        return self._by_var("video")

    @property
    def audios_by_var(self) -> dict[str, list[Output]]:
        """The sounds, by name."""
        return self._by_var("audio")

    @property
    def texts_by_var(self) -> dict[str, list[Output]]:
        """The texts, by name."""
        return self._by_var("text")

    @property
    def meshes_by_var(self) -> dict[str, list[Output]]:
        """The 3D models, by name."""
        return self._by_var("mesh")

    @property
    def others_by_var(self) -> dict[str, list[Output]]:
        """Files of any other kind, by name."""
        return self._by_var("other")

    @property
    def outputs_by_var(self) -> dict[str, list[Output]]:
        """Everything that was saved, by name."""
        return self._by_var()

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

    def get(self, name: str, default: Any = None) -> Any:
        """Return ``result[name]``, or ``default`` where a result has no such name."""
        return self[name] if name in _NAMES else default

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
            "previews": [output.to_dict() for output in self.previews],
            "cost": None if self.cost is None else dict(self.cost),
            "enhanced": None if self.enhanced is None else self.enhanced.to_dict(),
        }

    def _of(self, kind: str) -> list[Output]:
        return [output for output in self.outputs if output.kind == kind]

    def _by_var(self, kind: str | None = None) -> dict[str, list[Output]]:
        found = _ByName(kind)
        for output in self.outputs if kind is None else self._of(kind):
            for name in output.names or (output.node_id,):
                found.setdefault(name, []).append(output)
        return found


class _ByName(dict[str, list[Output]]):
    """Outputs by name; for a name that is not there the error lists those that are."""

    def __init__(self, kind: str | None) -> None:
        super().__init__()
        self.kind = kind

    def __missing__(self, name: object) -> list[Output]:
        what = f"output of the kind {self.kind!r}" if self.kind is not None else "output"
        raise KeyError(f"no {what} is named {name!r}; there are: {', '.join(self) or 'none'}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name, (self.kind, dict(self))


def _by_name(kind: str | None, found: Mapping[str, list[Output]]) -> _ByName:
    named = _ByName(kind)
    named.update(found)
    return named


_LISTS: Final = ("images", "videos", "audios", "texts", "meshes", "others", "outputs")

_NAMES: Final = (
    "status",
    "success",
    "prompt_id",
    "duration",
    "files",
    *_LISTS,
    *(f"{name}_by_var" for name in _LISTS),
    "video",
    "path",
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
    "previews",
    "raw",
    "cost",
    "enhanced",
)
