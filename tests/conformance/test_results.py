"""What nodes of a real ComfyUI say they made, as outputs: files that are listed, named by their path, or temporary."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient

VIEW: dict[str, Any] = {"camera_info": None, "model_3d_info": []}
SIZE = {"width": 64, "height": 64}


def triangle() -> bytes:
    """A GLB file with one triangle."""
    points = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
    accessor = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
    told = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(points)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(points)}],
        "accessors": [accessor],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    text = json.dumps(told).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(points))
    parts = ((len(text), 0x4E4F534A, text), (len(points), 0x004E4942, points))
    return head + b"".join(struct.pack("<II", *about) + part for *about, part in parts)


@pytest.mark.real_server
def test_models_come_whole_however_a_node_names_them(real_server: str, tmp_path: Path) -> None:
    """Listed, named by a path, shown: meshes, with the bytes that went in; temporary ones apart; a mere name warns."""
    model = tmp_path / "triangle.glb"
    model.write_bytes(triangle())
    with ComfyClient(real_server) as client:
        name = client.upload(model, subfolder="3d")
        graph: dict[str, Any] = {
            "1": {"class_type": "Load3DAdvanced", "inputs": {"model_file": name, "viewport_state": VIEW, **SIZE}},
            "2": {"class_type": "SaveGLB", "inputs": {"mesh": ["1", 0], "filename_prefix": "3d/listed"}},
            "3": {
                "class_type": "Save3DAdvanced",
                "inputs": {"model_3d": ["1", 0], "filename_prefix": "3d/named", "viewport_state": VIEW, **SIZE},
            },
            "4": {"class_type": "Preview3D", "inputs": {"model_file": ["1", 0]}},
            "5": {"class_type": "Preview3DAdvanced", "inputs": {"model_3d": ["1", 0], "viewport_state": VIEW, **SIZE}},
            "6": {"class_type": "Preview3D", "inputs": {"model_file": "3d/nowhere.glb"}},
        }
        graph["2"]["_meta"], graph["3"]["_meta"] = {"title": "$output.listed"}, {"title": "$output.named"}
        result = client.run_workflow(graph, out=tmp_path / "out")
    assert list(result.meshes_by_var) == ["listed", "named", "4", "6"]
    assert result.outputs == tuple(result.meshes)
    assert [path.read_bytes() for path in result.files] == [triangle()] * 3
    (preview,) = result.previews
    assert (preview.node_id, preview.kind, preview.data) == ("5", "mesh", triangle())
    assert [line for line in result.warnings if line.startswith("node 6 names 'nowhere.glb', which is not to be had")]
    assert result.raw["3"]["result"][0].startswith("3d/named_")
