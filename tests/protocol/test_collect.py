"""What a history entry says was saved."""

from __future__ import annotations

import pytest

from comfy_headless.protocol.collect import found_in, saved_in

ENTRY = {"filename": "a.mp4", "subfolder": "", "type": "output"}


def test_odd_shapes_are_read_or_passed_over() -> None:
    """Entries under any key, alone, in lists of lists, without sub-folder or type; what is no entry is nothing."""
    assert [one.filename for one in found_in("9", {"images": [[ENTRY], None, 5, "x"], "gifs": ENTRY})] == ["a.mp4"] * 2
    (one,) = found_in("9", {"images": [{"filename": "a.png", "subfolder": None}]})
    assert one.key == ("a.png", "", "output")
    for nothing in (None, [], "x", {"images": None}, {"images": [{"filename": 5}]}, {"images": [{}]}):
        assert list(found_in("9", nothing)) == []
    for entry in ({"outputs": None}, {}, {"outputs": []}):
        assert saved_in(entry, {}) == ([], [], ())


def test_a_file_that_is_named_twice_is_one() -> None:
    """Under two keys or by two nodes: the first counts, so a single file takes the name that was asked for."""
    outputs = {"9": {"images": [ENTRY], "gifs": [ENTRY]}, "8": {"images": [ENTRY], "text": ["hi", "hi"]}}
    found = saved_in({"outputs": outputs}, {"9": {}, "8": {}})
    assert [(one.node_id, one.filename, one.text) for one in found.saved] == [
        ("9", "a.mp4", None),
        ("8", "", "hi"),
        ("8", "", "hi"),
    ]
    assert (found.previews, found.warnings) == ([], ())


def test_previews_are_kept_apart() -> None:
    """Files in the server's temp folder are no results."""
    found = saved_in({"outputs": {"9": {"images": [{**ENTRY, "type": "temp"}, ENTRY]}}}, {})
    assert [[one.folder_type for one in some] for some in found[:2]] == [["output"], ["temp"]]


HEX = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("class_type", "path", "key", "sure"),
    [
        ("Save3DAdvanced", "3d/ComfyUI_00001.glb", ("ComfyUI_00001.glb", "3d", "output"), True),
        ("SaveGaussianSplat", "3d\\x\\a_00001.spz", ("a_00001.spz", "3d\\x", "output"), True),
        ("SavePointCloud", "a_00001.ply", ("a_00001.ply", "", "output"), True),
        ("Preview3D", f"preview3d_{HEX}.glb", (f"preview3d_{HEX}.glb", "", "output"), True),
        ("Preview3D", "3D/Hy3D_00001_.glb", ("Hy3D_00001_.glb", "3D", "output"), False),
        ("Preview3DAdvanced", f"preview3d_advanced_{HEX}.obj", (f"preview3d_advanced_{HEX}.obj", "", "temp"), True),
        ("PreviewGaussianSplat", f"preview_splat_{HEX}.ksplat", (f"preview_splat_{HEX}.ksplat", "", "temp"), True),
        ("PreviewPointCloud", f"preview_pointcloud_{HEX}.ply", (f"preview_pointcloud_{HEX}.ply", "", "temp"), True),
        ("AnyNode", "model.glb", ("model.glb", "", "output"), False),
    ],
)
def test_models_that_are_named_by_their_path(class_type: str, path: str, key: tuple[str, str, str], sure: bool) -> None:
    """3D nodes tell ``{"result": [path, camera, ...]}``: output or preview, and whether the node wrote it itself."""
    entry = {"outputs": {"9": {"result": [path, {"position": [0]}, None, "temp/bg_1.png"]}}}
    found = saved_in(entry, {"9": {"class_type": class_type}})
    (one,) = (*found.saved, *found.previews)
    assert (one.kind, one.key, one.sure, bool(found.previews)) == ("mesh", key, sure, key[2] == "temp")


def test_a_model_that_is_listed_is_sure_whoever_speaks_of_it() -> None:
    """A path beside an entry of the same file is that file; paths that no server offers are passed over."""
    listed = {"filename": "m.glb", "subfolder": "3d", "type": "output"}
    outputs = {
        "1": {"result": ["3d/m.glb"]},
        "2": {"3d": [listed]},
        "3": {"result": ["/x/a.glb", "C:\\a.glb", "../a.glb"]},
    }
    (one,) = saved_in({"outputs": outputs}, {"1": {}, "2": {}, "3": {}}).saved
    assert (one.node_id, one.sure) == ("2", True)


@pytest.mark.parametrize(
    ("name", "class_type", "saved"),
    [
        ("ComfyUI_temp_abcde_00001_.png", "Mine", False),
        ("rgthree.compare._temp_abcde_00001_.png", None, False),
        ("a.png", "PreviewImage", False),
        ("a.png", "SaveImage", True),
        ("temp_00001_.png", None, True),
    ],
)
def test_what_an_executor_does_not_tell(name: str, class_type: str | None, saved: bool) -> None:
    """A file that has an address is a preview by its name or its node; one of a server is what the server says."""
    graph = {"1": {"class_type": class_type}} if class_type else {}
    for url, is_saved in (("https://storage/a", saved), ("", True)):
        entry = {"outputs": {"1": {"files": [{"filename": name, "type": "output", "url": url}]}}}
        found = saved_in(entry, graph)
        assert (len(found.saved), len(found.previews)) == (is_saved, not is_saved)
