"""``Output``: one thing that a job made, here or still on its server.

An output holds no connection. What is not here is fetched when it is asked for, by connections opened for that alone.
"""

from __future__ import annotations

import html
import logging
import os
import sys
from base64 import b64encode
from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any, Final, Protocol

from comfy_headless.errors import ResultSaveError, ValidationError
from comfy_headless.protocol.destination import Destination, put, read_out

logger = logging.getLogger("comfy_headless")

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "image": frozenset(
        {
            *("png", "jpg", "jpeg", "jfif", "webp", "bmp", "tif", "tiff", "gif", "avif", "svg", "exr", "hdr", "heic"),
            *("heif", "jxl", "tga", "psd"),
        }
    ),
    "video": frozenset(
        {
            *("mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg", "ogv", "gif", "webp", "apng"),
            *("ts", "mts", "m2ts", "wmv", "flv", "3gp", "mxf"),
        }
    ),
    "audio": frozenset({"mp3", "wav", "flac", "ogg", "oga", "opus", "aac", "m4a", "wma", "aiff", "aif"}),
    "mesh": frozenset(
        {
            *("glb", "gltf", "vrm", "obj", "stl", "ply", "fbx", "dae", "3ds", "3mf", "abc"),
            *("usd", "usda", "usdc", "usdz", "splat", "ksplat", "spz"),
        }
    ),
}
"""Extensions by kind; gif, webp and apng are settled by ``kind_of``."""

_EMBEDDED: Final = 64_000_000
"""Bytes of a file that a notebook is given to keep; what is larger is named only."""

_TAGS: Final = {"video": "video controls loop", "audio": "audio controls"}


class Source(Protocol):
    """Where an output lies that is not here."""

    def read(self, output: Output) -> bytes:
        """Return what it holds; raises ResultSaveError."""

    def save(self, output: Output, destination: Destination) -> Path:
        """Bring it here, whole; give its path. Raises ResultSaveError, ValidationError."""


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a job made; usable wherever a path is, if it was downloaded.

    Args:
        kind: "image", "video", "audio", "mesh", "text" or "other".
        filename: the name on the server; empty for a text.
        subfolder: its folder below the server's output folder.
        node_id: the node that made it.
        url: where the server offers it.
        path: the local file, None if it was not downloaded.
        text: the text itself, for kind "text".
        folder_type: the server's folder: "output", or "temp" for a preview.
        names: what markers such as ``$output.cover`` call the node; none where its title says nothing.
    """

    kind: str
    filename: str
    subfolder: str
    node_id: str
    url: str
    path: Path | None = None
    text: str | None = None
    folder_type: str = "output"
    names: tuple[str, ...] = ()
    _source: Source | None = field(default=None, repr=False, compare=False)

    @property
    def output_name(self) -> str | None:
        """What its node's marker calls it: ``cover`` for ``$output.cover``; None without one."""
        return self.names[0] if self.names else None

    @property
    def data(self) -> bytes:
        """The file's bytes, or the text's (UTF-8): from the local file, else fetched from the server at each call.

        This blocks; on asyncio ``await output.fetch()`` does not.

        Raises:
            ResultSaveError: the server does not have it any more, or it could not be brought here.
            ValidationError: it is not here, and nothing is known of its server (it comes from another process).
            OSError: the local file cannot be read.
        """
        if self.text is not None:
            return self.text.encode()
        if self.path is not None and (self._source is None or self.path.exists()):
            return self.path.read_bytes()
        return self._there().read(self)

    async def fetch(self) -> bytes:
        """Return ``data`` without holding up other tasks. Raises as it does."""
        from asyncio import to_thread

        return await to_thread(lambda: self.data)

    @property
    def image(self) -> Any:
        """The picture as a ``PIL.Image.Image``, loaded whole; takes the extra ``media``.

        Raises:
            ValidationError: it is no image.
            MediaError: it cannot be read as one.
            FeatureMissingError: the extra is not installed.
            ResultSaveError: it is not here and could not be fetched.
        """
        if self.kind != "image":
            raise ValidationError(f"output {self._called} is no image but of kind {self.kind!r}; .data has its bytes")
        from comfy_headless.media.opened import open_image

        return open_image(self.data, self.filename)

    def save(self, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Path:
        """Write a copy here, whole or not at all, and return where.

        Args:
            path: a folder, or a file; None is the current folder. Nothing is overwritten (``-2`` is appended) unless
                ``overwrite``.

        Raises:
            ValidationError: ``path`` cannot be written.
            ResultSaveError: it could not be brought here.
        """
        destination = read_out(path, overwrite=overwrite)
        here = self.path if self.path is not None and (self._source is None or self.path.exists()) else None
        if here is None and self.text is None:
            return self._there().save(self, destination)
        name = self.filename or f"{self.output_name or f'text_{self.node_id}'}.txt"
        return put(destination, name, here if here is not None else self.data)

    def show(self) -> None:
        """Show it in the notebook, or with what the system opens such files with; where neither can, log its path.

        A system runs some files instead (``.bat``, ``.desktop``), and the server names them: only what is an image, a
        video, a sound, a mesh or a text by its extension is opened.
        """
        from comfy_headless.client.viewer import open_with_system

        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        if hasattr(shell, "kernel"):
            import_module("IPython.display").display(self)
            return
        path = self.path if self.path is not None and self.path.exists() else self.save(mkdtemp(prefix="comfy_"))
        opened = self.text is not None or kind_of(path.name) != "other"
        if not opened or not open_with_system(path):
            logger.warning("nothing here can show output %s; it is at %s", self._called, path.absolute())

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
            "folder_type": self.folder_type,
            "output_name": self.output_name,
        }

    def __fspath__(self) -> str:
        if self.path is None:
            raise TypeError(f"output {self.filename!r} was not downloaded (give out=); it is at {self.url}")
        return os.fspath(self.path)

    def __str__(self) -> str:
        return self.text if self.text is not None else str(self.path or self.url)

    def __getitem__(self, name: str) -> Any:
        """Read it as an entry of a server's outputs: ``filename``, ``subfolder``, ``type``, and its other fields."""
        entry = self._entry
        if name not in entry:
            raise KeyError(f"an output has no {name!r}; it has: {', '.join(entry)}")
        return entry[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entry)

    def __contains__(self, name: object) -> bool:
        return name in self._entry

    def keys(self) -> KeysView[str]:
        """Return what it has as an entry, so that ``dict(output)`` is one."""
        return self._entry.keys()

    def get(self, name: str, default: Any = None) -> Any:
        """Return what ``output[name]`` does, and ``default`` where it has none."""
        return self._entry.get(name, default)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what is known of it, without what reaches its server."""
        return Output, tuple(getattr(self, each.name) for each in fields(self) if each.name != "_source")

    def __deepcopy__(self, _: Any) -> Output:
        return self

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Tell a notebook how it looks."""
        plain = {"text/plain": str(self)}
        if self.kind not in ("image", "video", "audio") or (self.path is None and self._source is None):
            return plain
        try:
            if self.path is not None and self.path.exists() and self.path.stat().st_size > _EMBEDDED:
                return plain
            data = self.data
        except (ResultSaveError, OSError) as error:
            logger.info("nothing to show of output %s: %s", self._called, error)
            return plain
        mime = guess_type(self.filename)[0] or f"{self.kind}/{PurePosixPath(self.filename).suffix[1:]}"
        if len(data) > _EMBEDDED:
            return plain
        coded = b64encode(data).decode()
        if mime in ("image/png", "image/jpeg"):
            return {**plain, mime: coded}
        source = f"data:{html.escape(mime)};base64,{coded}"
        if mime.startswith("image/"):
            return {**plain, "text/html": f'<img src="{source}">'}
        return {**plain, "text/html": f'<{_TAGS[self.kind]} src="{source}"></{self.kind}>'}

    @property
    def _entry(self) -> dict[str, Any]:
        return {"type": self.folder_type, **self.to_dict()}

    @property
    def _called(self) -> str:
        return repr(self.filename) if self.filename else f"of node {self.node_id}"

    def _there(self) -> Source:
        if self._source is None:
            raise ValidationError(
                f"output {self._called} is not here, and comes from another process or copy that knew its server; "
                f"client.view(output) brings it from {self.url or 'there'}"
            )
        return self._source


def kind_of(filename: str, *, animated: bool = False, key: str = "") -> str:
    """Return the kind of a file by its extension; ``animated`` and the output's ``key`` settle gif, webp and apng."""
    suffix = PurePosixPath(filename).suffix.lower().lstrip(".")
    if suffix in KINDS["image"] and suffix in KINDS["video"]:
        return "video" if animated or key == "gifs" else "image"
    if suffix == "png" and animated:
        return "video"
    return next((kind for kind, suffixes in KINDS.items() if suffix in suffixes), "other")
