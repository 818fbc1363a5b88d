"""A small, direct client for these tests: plain HTTP and a plain socket, nothing of the package under test."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

Graph = dict[str, dict[str, Any]]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """Return one node of a graph."""
    return {"class_type": class_type, "inputs": inputs}


def image_graph(*, prefix: str = "pic", color: int = 0) -> Graph:
    """Return the smallest graph that saves something."""
    return {
        "1": node("EmptyImage", width=64, height=48, batch_size=1, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }


def video_graph(*, prefix: str = "video/clip", frames: int = 5, fps: float = 8.0, color: int = 0) -> Graph:
    """Return a graph without models that saves a video."""
    return {
        "1": node("EmptyImage", width=64, height=48, batch_size=frames, color=color),
        "2": node("CreateVideo", images=["1", 0], fps=fps),
        "3": node("SaveVideo", video=["2", 0], filename_prefix=prefix, format="auto", codec="auto"),
    }


def sampler_graph(*, steps: int = 4, seed: int = 1, text: str = "a red fox") -> Graph:
    """Return a graph with a sampler; its files must be in ``SAMPLER_FILES``."""
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="tiny.safetensors"),
        "2": node("CLIPTextEncode", clip=["1", 1], text=text),
        "3": node("CLIPTextEncode", clip=["1", 1], text="blurry"),
        "4": node("EmptyLatentImage", width=64, height=64, batch_size=3),
        "5": node(
            "KSampler",
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
            seed=seed,
            steps=steps,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node("CreateVideo", images=["6", 0], fps=8.0),
        "8": node("SaveVideo", video=["7", 0], filename_prefix="clip", format="auto", codec="auto"),
    }


SAMPLER_FILES = {"checkpoints": ["tiny.safetensors"]}


class Talk:
    """One client of one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=10)

    def submit(self, graph: Graph, *, prompt_id: str | None = None, **more: Any) -> str:
        """Queue a graph and return its id."""
        chosen = prompt_id or str(uuid.uuid4())
        answer = self.http.post("/prompt", json={"prompt": graph, "prompt_id": chosen, **more})
        assert answer.status_code == 200, answer.text
        return chosen

    def finished(self, prompt_id: str, *, within: float = 20.0) -> dict[str, Any]:
        """Wait for the job's history entry."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = self.http.get(f"/history/{prompt_id}").json()
            if prompt_id in found:
                entry: dict[str, Any] = found[prompt_id]
                return entry
            time.sleep(0.01)
        raise AssertionError(f"{prompt_id} did not finish within {within} s")

    def run(self, graph: Graph, **more: Any) -> dict[str, Any]:
        """Queue a graph and return its history entry."""
        return self.finished(self.submit(graph, **more))

    def fetch(self, entry: dict[str, str]) -> httpx.Response:
        """Download one file that an output names."""
        return self.http.get("/view", params=entry)

    @contextmanager
    def socket(self, client_id: str, *, first: dict[str, Any] | None = None) -> Iterator[Ear]:
        """Open a socket; ``first`` is sent at once."""
        address = self.url.replace("http", "ws", 1) + f"/ws?clientId={client_id}"
        with connect(address, max_size=None) as raw:
            if first is not None:
                raw.send(json.dumps(first))
            yield Ear(raw)


class Ear:
    """What comes in on one socket."""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw

    def hear(self, *, within: float = 10.0) -> tuple[str, Any]:
        """Return the next frame: its type and data, or "binary" and the bytes."""
        frame = self.raw.recv(timeout=within)
        if isinstance(frame, bytes):
            return "binary", frame
        message = json.loads(frame)
        return message["type"], message["data"]

    def until_end(self, prompt_id: str) -> list[tuple[str, Any]]:
        """Return all frames up to the end of a job."""
        heard = []
        while True:
            heard.append(self.hear())
            kind, data = heard[-1]
            if kind == "executing" and data["node"] is None and data["prompt_id"] == prompt_id:
                return heard

    def silent(self, seconds: float) -> bool:
        """Say whether nothing comes for so long."""
        try:
            self.raw.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def talking(url: str) -> Iterator[Talk]:
    """Open a client and close it again."""
    talk = Talk(url)
    try:
        yield talk
    finally:
        talk.http.close()
