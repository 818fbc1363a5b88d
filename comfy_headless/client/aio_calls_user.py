"""The routes of a server for users, their settings and their files, on asyncio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_headless.protocol import routes_user, routes_userdata
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.routes_user import Users
from comfy_headless.protocol.routes_userdata import UserEntry, UserFile
from comfy_headless.transport.aio import AsyncTransport


class AsyncUserCalls:
    """Settings and files that the server keeps for a user; the frontend has its workflows in ``workflows/``.

    A file is named by its path below the user's own folder, with slashes. Times are seconds since 1970.
    """

    _server: Server
    _transport: AsyncTransport

    async def users(self) -> Users:
        """Return who the server knows: names by id with ``--multi-user``, else None."""
        return await self._transport.drive(routes_user.users(self._server))

    async def create_user(self, name: str) -> str:
        """Make a user; return the id, which ``user=`` of a client takes. A name that is taken is refused."""
        return await self._transport.drive(routes_user.create_user(self._server, name))

    async def settings(self) -> dict[str, Any]:
        """Return the user's settings by id; those that were never set are not there."""
        return await self._transport.drive(routes_user.settings(self._server))

    async def setting(self, name: str) -> Any:
        """Return one setting, None if it was never set."""
        return await self._transport.drive(routes_user.setting(self._server, name))

    async def set_setting(self, name: str, value: Any) -> None:
        """Set one setting to anything that JSON can hold."""
        return await self._transport.drive(routes_user.set_setting(self._server, name, value))

    async def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Set several settings by their ids; the others stay as they are."""
        return await self._transport.drive(routes_user.set_settings(self._server, settings))

    async def userdata_files(self, folder: str, *, recurse: bool = False) -> tuple[UserFile, ...]:
        """Return the files of a user's folder ("." is the user's own), with paths below it; sizes are bytes."""
        return await self._transport.drive(routes_userdata.userdata_files(self._server, folder, recurse=recurse))

    async def userdata_tree(self, folder: str = "") -> tuple[UserEntry, ...]:
        """Return all files and folders of a user, or those below a folder; folders first."""
        return await self._transport.drive(routes_userdata.userdata_tree(self._server, folder))

    async def read_userdata(self, path: str) -> bytes:
        """Return what a user's file holds."""
        return await self._transport.drive(routes_userdata.read_userdata(self._server, path))

    async def read_userdata_text(self, path: str) -> str:
        """Return what a user's file holds, as UTF-8 text."""
        return await self._transport.drive(routes_userdata.read_userdata_text(self._server, path))

    async def store_userdata(self, path: str, content: bytes | str, *, overwrite: bool = False) -> UserFile:
        """Write a user's file, whole or not at all; a file that is there is refused, unless ``overwrite``."""
        flow = routes_userdata.store_userdata(self._server, path, content, overwrite=overwrite)
        return await self._transport.drive(flow)

    async def delete_userdata(self, path: str) -> None:
        """Delete a user's file."""
        return await self._transport.drive(routes_userdata.delete_userdata(self._server, path))

    async def move_userdata(self, path: str, target: str, *, overwrite: bool = False) -> UserFile:
        """Move or rename a user's file; a file that is there is refused, unless ``overwrite``."""
        return await self._transport.drive(
            routes_userdata.move_userdata(self._server, path, target, overwrite=overwrite)
        )
