"""The two clients: the same conversation, with blocking calls or on asyncio."""

from .aio import AsyncComfyClient, ComfyWSClient
from .sync import ComfyClient

__all__ = ["AsyncComfyClient", "ComfyClient", "ComfyWSClient"]
