"""The simulator against a real ComfyUI: pictures uploaded, masked, and looked at in every form that /view has."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image, PngImagePlugin

from tests.simulator.talk import Talk, talking

from .conversation import told


def picture(mode: str, kind: str = "png", *, alpha: int = 77, size: tuple[int, int] = (4, 3)) -> bytes:
    """Return a small picture; a PNG has a text as those of a server have."""
    made = Image.new("RGB", size, (10, 20, 30)).convert(mode)
    if mode in ("RGBA", "LA"):
        made.putalpha(alpha)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("prompt", "{}")
    buffer = io.BytesIO()
    made.save(buffer, format=kind, pnginfo=texts)
    return buffer.getvalue()


LOOKED_AT: dict[str, bytes] = {
    **{f"{mode}.png": picture(mode) for mode in ("RGBA", "RGB", "L", "LA", "P")},
    "photo.jpg": picture("RGB", "jpeg"),
    "words.txt": b"hello",
    "page.html": b"<p>",
    "drawing.svg": b"<svg/>",
    "script.js": b"1",
    'quo"te.json': b"{}",
}
FORMS = (
    *("", "&channel=rgb", "&channel=a", "&channel=rgba", "&channel=x", "&preview=webp;90", "&preview=jpeg;50"),
    *("&preview=jpeg;90&channel=rgba", "&preview=webp&channel=rgb", "&preview=", "&preview=png;x", "&preview=webp;500"),
)
CONDITIONS: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Dest": "image"},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=1-0"},
    {"Range": "bytes=0-99"},
    {"Range": "bytes=-0"},
    {"Range": "x"},
    {"If-None-Match": "*"},
    {"If-None-Match": '"x"'},
    {"If-Match": '"x"'},
    {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
    {"If-Range": "Mon, 01 Jan 2001 00:00:00 GMT", "Range": "bytes=0-0"},
)
MASK = picture("RGBA", alpha=200)
MASKED: tuple[tuple[str, bytes, Any], ...] = (
    ("m.png", MASK, {"filename": "RGB.png", "type": "input"}),
    ("m.png", MASK, {"filename": "RGB.png", "type": "input"}),
    ("2.png", MASK, {"filename": "RGB.png [input]"}),
    ("3.png", picture("RGB"), {"filename": "P.png", "type": "input"}),
    ("4.webp", MASK, {"filename": "photo.jpg", "type": "input"}),
    ("5.png", MASK, {"filename": "RGB.png"}),
    ("6.png", MASK, {"filename": "/RGB.png", "type": "input"}),
    ("6.png", MASK, {"filename": "../RGB.png", "type": "input"}),
    ("6.png", MASK, {"filename": "RGB.png", "type": "nowhere"}),
    ("6.png", MASK, {"filename": "RGB.png", "type": "input", "subfolder": "../x"}),
    ("6.png", MASK, {"filename": "", "type": "input"}),
    ("6.png", MASK, {"filename": "words.txt", "type": "input"}),
    ("6.png", MASK, {}),
    ("6.png", MASK, []),
    ("6.png", MASK, {"filename": 3}),
    ("6.png", MASK, {"filename": "RGB.png", "type": "input", "subfolder": 3}),
    ("6.jpg", MASK, {"filename": "RGB.png", "type": "input"}),
    ("6.png", b"no", {"filename": "RGB.png", "type": "input"}),
    ("6.png", picture("RGBA", size=(9, 9)), {"filename": "RGB.png", "type": "input"}),
)
BROKEN: tuple[dict[str, Any], ...] = (
    {},
    {"data": {"image": "text"}},
    {"data": {"image": ""}},
    {"json": {}},
    {"files": {"image": ("", b"x")}},
    {"content": b"--x--", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    {"content": b"zz", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    {"content": b"zz", "headers": {"Content-Type": "multipart/form-data"}},
)


def seen(answer: httpx.Response, **names: str) -> list[Any]:
    """Return an answer's status, headers, and body; of a picture what is in it, without what encoders write."""
    if answer.status_code != 200 or not answer.headers.get("content-type", "").startswith("image/"):
        return told(answer, **names)
    try:
        with Image.open(io.BytesIO(answer.content)) as shown:
            drawn = [shown.format, shown.mode, shown.size, shown.getpixel((0, 0)), dict(getattr(shown, "text", {}))]
    except OSError:
        return told(answer, **names)
    return [*told(answer, **names)[:-1], drawn]


def uploaded(talk: Talk) -> str:
    """Upload the files into a sub-folder of their own and return it."""
    folder = uuid.uuid4().hex
    for name, content in LOOKED_AT.items():
        talk.http.post("/upload/image", files={"image": (name, content)}, data={"subfolder": folder})
    return folder


def looks(url: str) -> Iterator[list[Any]]:
    """Look at every file in every form, then under conditions."""
    with talking(url) as talk:
        folder = uploaded(talk)
        for name in LOOKED_AT:
            for form in FORMS:
                query = f"/view?type=input&subfolder={folder}&filename={name}{form}"
                yield [name, form, *seen(talk.http.get(query), n=folder)]
            for headers in CONDITIONS:
                query = f"/api/view?type=input&subfolder={folder}&filename={name}"
                yield [name, headers, *seen(talk.http.get(query, headers=headers), n=folder)]
        query = f"/view?type=input&subfolder={folder}&filename=RGB.png&preview=webp;90"
        yield told(talk.http.head(query), n=folder)


def masks(url: str) -> Iterator[list[Any]]:
    """Upload masks for files in the input folder itself, and look at what came of each."""
    with talking(url) as talk:
        folder = uuid.uuid4().hex
        for name in ("RGB.png", "P.png", "photo.jpg", "words.txt"):
            upload = {"overwrite": "true"}
            talk.http.post("/upload/image", files={"image": (f"{folder}{name}", LOOKED_AT[name])}, data=upload)
        for name, content, said in MASKED:
            ref = json.dumps(said)
            for known in ("RGB.png", "P.png", "photo.jpg", "words.txt"):
                ref = ref.replace(known, folder + known)
            data = {"original_ref": ref, "subfolder": folder}
            answer = talk.http.post("/api/upload/mask", files={"image": (name, content)}, data=data)
            yield [name, said, *told(answer, n=folder)]
            query = {"type": "input", "subfolder": folder, "filename": name}
            yield seen(talk.http.get("/view", params=query), n=folder)
        for data in ({"original_ref": "{"}, {}):
            yield told(talk.http.post("/upload/mask", files={"image": ("x.png", MASK)}, data=data))


def broken(url: str) -> Iterator[list[Any]]:
    """Send what is no upload."""
    with talking(url) as talk:
        for route in ("/upload/image", "/api/upload/mask"):
            for sent in BROKEN:
                yield [sent, *told(talk.http.post(route, **sent))]


@pytest.mark.parametrize("steps", [looks, masks, broken])
def test_each_step_is_answered_alike(steps: Any, real_server: str, simulated_server: str) -> None:
    """Status, reason, headers and what is in the picture."""
    for simulated, real in zip(steps(simulated_server), steps(real_server), strict=True):
        assert simulated == real
