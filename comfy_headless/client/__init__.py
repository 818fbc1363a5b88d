"""The two clients: the same conversation, with blocking calls or on asyncio."""

from comfy_headless.client.aio import AsyncComfyClient, ComfyWSClient
from comfy_headless.client.sync import ComfyClient

__all__ = ["AsyncComfyClient", "ComfyClient", "ComfyWSClient"]
