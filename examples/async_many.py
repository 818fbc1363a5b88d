"""Many videos at once over one connection: python async_many.py "first" "second" "third" [--server URL]

The server works on its queue one by one; here all jobs wait at the same time.
"""

from __future__ import annotations

import argparse
import asyncio

from comfy_headless import AsyncComfyClient, ComfyHeadlessError


async def make_all(prompts: list[str], server: str | None) -> int:
    """Make a video of each prompt; return how many failed."""
    async with AsyncComfyClient(server) as client:
        jobs = [client.generate_video(prompt, seed=number, out="videos/") for number, prompt in enumerate(prompts, 1)]
        done = await asyncio.gather(*jobs, return_exceptions=True)
    for prompt, outcome in zip(prompts, done, strict=True):
        if isinstance(outcome, ComfyHeadlessError):
            print(f"{prompt}: {outcome}")
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            print(f"{prompt}: {outcome.path}")
    return sum(isinstance(outcome, BaseException) for outcome in done)


parser = argparse.ArgumentParser(description="Make many videos at once.")
parser.add_argument("prompts", nargs="+", metavar="prompt")
parser.add_argument("--server", help="address of ComfyUI; else COMFY_HEADLESS_URL, then http://localhost:8188")
given = parser.parse_args()
raise SystemExit(min(1, asyncio.run(make_all(given.prompts, given.server))))
