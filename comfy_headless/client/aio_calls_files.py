"""The routes of a server for pictures, videos and other files, on asyncio."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfy_headless.protocol import routes, routes_files
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import read_out
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.routes_files import place_of
from comfy_headless.transport.aio import AsyncTransport


class AsyncFileCalls:
    """Files in the server's folders for output, input and what is temporary.

    Where a file is named, it is an output of a result, an entry of a history's outputs, or its name with its
    sub-folder (``video/clip.mp4``) or with ``subfolder=``; ``type`` is "output", "input" or "temp".
    """

    _server: Server
    _transport: AsyncTransport

    def url_for(self, item: Output | Mapping[str, Any] | str, subfolder: str = "", type: str = "output") -> str:
        """Return the address at which the server offers a file, without what lets one in. Nothing is asked."""
        return routes_files.url_for(self._server, place_of(item, subfolder, type))

    async def view(
        self,
        item: Output | Mapping[str, Any] | str,
        subfolder: str = "",
        type: str = "output",
        *,
        start: int = 0,
        stop: int | None = None,
        preview: str | None = None,
        channel: str | None = None,
    ) -> bytes:
        """Return what a file of the server holds, or a part of it.

        Args:
            start, stop: bytes, as of a slice; a start below 0 counts from the end. A part behind the end is empty.
            preview: "webp" or "jpeg", with a quality or without ("webp;80"): the picture encoded anew.
            channel: "rgb" is the picture without its alpha channel, "a" is that alone; as PNG.
        """
        place = place_of(item, subfolder, type)
        flow = routes_files.view(self._server, place, start=start, stop=stop, preview=preview, channel=channel)
        return await self._transport.drive(flow)

    async def download(
        self,
        item: Output | Mapping[str, Any] | str,
        out: str | os.PathLike[str] | None = None,
        *,
        subfolder: str = "",
        type: str = "output",
        overwrite: bool = False,
    ) -> Path:
        """Bring a file of the server here, whole or not at all; return where it lies.

        Args:
            out: a file or a folder; None: the current folder. A name that is taken gets -2, -3, unless ``overwrite``.

        Raises:
            ValidationError: nothing can be written there.
            ResultSaveError: the server has no such file, or it could not be brought here.
        """
        destination = read_out(out, overwrite=overwrite)
        return await self._transport.drive(
            routes_files.fetch(self._server, place_of(item, subfolder, type), destination)
        )

    async def upload(
        self,
        path: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        subfolder: str = "",
        overwrite: bool = False,
        type: str = "input",
    ) -> str:
        """Bring a file of any kind into a folder of the server; return its name, as a loader node wants it.

        A name that is taken by other content gets a number, unless ``overwrite``; the same content keeps its name.

        Args:
            path: of a local file; or what it holds, as bytes, with ``name``.
            name: what it is called on the server; None: as here.
        """
        content = path if isinstance(path, bytes) else os.fspath(path)
        flow = routes.upload(
            self._server, content, name=name, subfolder=subfolder, overwrite=overwrite, folder_type=type
        )
        return await self._transport.drive(flow)

    async def upload_mask(
        self,
        path: str | os.PathLike[str] | bytes,
        original: Output | Mapping[str, Any] | str,
        *,
        name: str | None = None,
        subfolder: str = "",
        overwrite: bool = False,
        type: str = "input",
    ) -> str:
        """Copy a picture of the server with the alpha channel of a local one; return the copy's name for a loader node.

        Args:
            path: of the mask, a picture with an alpha channel as large as the original; or its bytes, with ``name``.
            original: the picture on the server; a plain name is one of the input folder.
            name, subfolder, overwrite, type: of the copy.
        """
        content = path if isinstance(path, bytes) else os.fspath(path)
        flow = routes_files.upload_mask(
            self._server,
            content,
            place_of(original, folder_type="input"),
            name=name,
            subfolder=subfolder,
            overwrite=overwrite,
            folder_type=type,
        )
        return await self._transport.drive(flow)
