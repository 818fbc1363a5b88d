"""What a simulated server tells of its model files besides their names."""

from __future__ import annotations

import io

from PIL import Image

from comfy_headless.simulator import Simulator
from tests.simulator.talk import talking

HEADER = {"ss_base_model_version": "sdxl_base_v1-0", "ss_network_dim": "16"}


def test_a_file_whose_header_is_given_is_there_and_tells_it() -> None:
    """It is listed beside the others; a file without a header, and what is no file, is a 404."""
    metadata = {"loras": {"mine/x.safetensors": HEADER}, "diffusion_models": {"y.safetensors": {"a": "b"}}}
    with Simulator(files={"loras": ["z.safetensors"]}, metadata=metadata) as simulator, talking(simulator.url) as talk:
        assert talk.http.get("/models/loras").json() == ["mine/x.safetensors", "z.safetensors"]
        found = {
            path: talk.http.get(f"/view_metadata/{path}")
            for path in (
                *("loras?filename=mine/x.safetensors", "loras?filename=../mine/x.safetensors"),
                *("loras?filename=z.safetensors", "vae?filename=mine/x.safetensors", "unet?filename=y.safetensors"),
            )
        }
        assert [answer.status_code for answer in found.values()] == [200, 200, 404, 404, 200]
        assert found["loras?filename=mine/x.safetensors"].json() == HEADER


def test_on_windows_the_header_is_found_by_either_separator() -> None:
    """The list has the backslash only."""
    metadata = {"loras": {"mine/x.safetensors": HEADER}}
    with Simulator(files={}, windows=True, metadata=metadata) as simulator, talking(simulator.url) as talk:
        assert talk.http.get("/models/loras").json() == ["mine\\x.safetensors"]
        for name in ("mine/x.safetensors", "mine%5Cx.safetensors"):
            assert talk.http.get(f"/view_metadata/loras?filename={name}").json() == HEADER


def test_sizes_are_those_that_presets_tell() -> None:
    """A file that no preset describes is empty; all are as old as the server."""
    files = {"text_encoders": ["t5xxl_fp16.safetensors", "unknown.safetensors", "notes.txt"]}
    with Simulator(files=files) as simulator, talking(simulator.url) as talk:
        told = talk.http.get("/experiment/models/text_encoders").json()
        assert [(entry["name"], entry["size"]) for entry in told] == [
            ("t5xxl_fp16.safetensors", 9_790_000_000),
            ("unknown.safetensors", 0),
        ]


def test_a_picture_beside_a_model_file_is_its_preview() -> None:
    """As WebP, whatever it was; one that cannot be read is none."""
    with Simulator(files={}) as simulator, talking(simulator.url) as talk:
        folder = simulator.models_folder / "loras/sub"
        folder.mkdir(parents=True)
        Image.new("RGB", (6, 4)).save(folder / "x.preview.png")
        (folder / "bad.png").write_bytes(b"no")
        answer = talk.http.get("/experiment/models/preview/loras/0/sub/x.safetensors")
        assert answer.headers["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as shown:
            assert (shown.format, shown.size) == ("WEBP", (6, 4))
        for name in ("bad.safetensors", "other.safetensors"):
            assert talk.http.get(f"/experiment/models/preview/loras/0/sub/{name}").status_code == 404
