"""One picture, video or sound, in every way in which people hold one; and a host that offers files."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

from comfy_headless.media.encode import write_audio, write_video
from comfy_headless.media.tone import Sound

SIZE = WIDTH, HEIGHT = 64, 48


def picture(seed: int = 0) -> Image.Image:
    """A picture that no turning, mirroring or other order of channels leaves as it is."""
    made = Image.new("RGB", SIZE, (200, 30 + seed, 60))
    made.paste((10, 220, 90), (0, 0, 24, 32))
    made.paste((0, 0, 250), (50, 40, 64, 48))
    return made


def mask() -> Image.Image:
    """A grey picture, with all that lies between black and white."""
    return Image.linear_gradient("L").resize(SIZE)


def png(made: Image.Image | None = None, name: str = "PNG", **more: Any) -> bytes:
    """A picture as a file."""
    with io.BytesIO() as buffer:
        (made or picture()).save(buffer, name, **more)
        return buffer.getvalue()


def video(folder: Path) -> bytes:
    """A video with sound."""
    path = folder / "made.mp4"
    write_video(path, [picture(20 * each) for each in range(6)], fps=8, sound=Sound(0.75, 440))
    return path.read_bytes()


def sound(folder: Path, suffix: str = ".flac") -> bytes:
    """A sound."""
    path = folder / f"made{suffix}"
    write_audio(path, Sound(0.5, 440))
    return path.read_bytes()


def frames() -> numpy.ndarray[Any, Any]:
    """A video as an array."""
    return numpy.stack([numpy.asarray(picture(20 * each)) for each in range(6)])


def file_ways(content: bytes, name: str, folder: Path, host: str) -> dict[str, Callable[[], Any]]:
    """A file, in the ways in which any file is held."""
    path = folder / name
    path.write_bytes(content)
    coded = base64.b64encode(content).decode()
    return {
        "text": lambda: str(path),
        "path": lambda: path,
        "file address": path.as_uri,
        "address": lambda: f"{host}/{name}",
        "bytes": lambda: content,
        "bytearray": lambda: bytearray(content),
        "memoryview": lambda: memoryview(content),
        "file object": lambda: path.open("rb"),
        "bytes object": lambda: io.BytesIO(content),
        "base64": lambda: coded,
        "data URL": lambda: f"data:application/octet-stream;base64,{coded}",
    }


def picture_ways() -> dict[str, Callable[[], Any]]:
    """A picture, in the ways in which only pictures are held."""
    made = numpy.asarray(picture())
    return {
        "PIL image": picture,
        "array of uint8": lambda: made,
        "array of float64": lambda: made / 255,
        "array of float32": lambda: (made / 255).astype("float32"),
        "array of one picture": lambda: made[None],
        "array with holes": lambda: numpy.repeat(made, 2, axis=1)[:, ::2],
    }


def mask_ways() -> dict[str, Callable[[], Any]]:
    """A mask, in the ways in which only masks are held."""
    made = numpy.asarray(mask())
    return {
        "PIL image": mask,
        "array of uint8": lambda: made,
        "array of float32": lambda: (made / 255).astype("float32"),
        "array of one channel": lambda: made[:, :, None],
    }


@contextmanager
def offered(files: Mapping[str, bytes | str]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A host that offers files by their path; a text is an address that it leads on to.

    Gives its address, and the headers of what it was asked.
    """
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()})
            there = files.get(self.path.partition("?")[0])
            self.send_response(404 if there is None else 302 if isinstance(there, str) else 200)
            if isinstance(there, str):
                self.send_header("Location", there)
            body = there if isinstance(there, bytes) else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{host.server_port}", heard
    finally:
        host.shutdown()
        thread.join()
        host.server_close()
