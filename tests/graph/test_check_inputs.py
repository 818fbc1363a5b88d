"""Rules of the verdict that depend on a class: dynamic inputs, a class's own check, replaced classes, files."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.graph.check import Report, check
from comfy_headless.graph.schemas import Schemas

Graph = dict[str, Any]

IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}
SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}


def _video(**inputs: Any) -> Graph:
    return {
        "1": IMAGE,
        "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 4.0}},
        "3": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["2", 0], "filename_prefix": "x", "format": "auto", **inputs},
        },
    }


def _details(report: Report) -> list[tuple[str, str]]:
    return [(problem.kind, problem.details) for problem in report.problems]


def test_dynamic_combo_brings_its_inputs() -> None:
    """The option chosen brings its own inputs, nested ones too; they are required and in range as any other."""
    assert check(_video(codec="auto")).ok
    crf = {"codec": "h264", "codec.encoding": "re-encode"}
    assert check(_video(**crf, **{"codec.encoding.crf": 30})).ok
    assert _details(check(_video(**crf))) == [("required_input_missing", "crf")]
    too_big = check(_video(**crf, **{"codec.encoding.crf": 90}))
    assert _details(too_big) == [("value_bigger_than_max", "codec.encoding.crf")]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ([0, 1], []),
        ([0, 49], []),
        ([0, 50], [("unknown_input", "images.image50; did you mean 'images.image5'?")]),
        ([1], [("required_input_missing", "image0")]),
        ([], [("required_input_missing", "image0")]),
    ],
)
def test_autogrow_has_one_input_per_name(given: list[int], wrong: list[tuple[str, str]]) -> None:
    """An autogrow input takes its names up to its maximum, and needs the first."""
    links = {f"images.image{number}": ["1", 0] for number in given}
    save = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
    graph = {"1": IMAGE, "2": {"class_type": "BatchImagesNode", "inputs": links}, "3": save}
    assert _details(check(graph)) == wrong


def _load(image: Any, inputs: list[str]) -> Report:
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": image}}, "2": SAVE}
    return check(graph, Schemas.snapshot().with_files({}, inputs))


@pytest.mark.parametrize(
    "name", ["a.png", "a.png [input]", "clip.mp4", "sub/b.png", "any.png [output]", "", "./a.png", "h.tga", "x"]
)
def test_files_that_are_there_or_cannot_be_listed_pass(name: str) -> None:
    """A listed file passes whatever its kind; so does what no list can show: sub-folders, other folders and kinds."""
    assert _load(name, ["a.png", "clip.mp4"]).ok


@pytest.mark.parametrize("name", ["nope.png", "../a.png", "/etc/passwd", "nope.png [input]"])
def test_absent_file_is_refused_by_the_loader(name: str) -> None:
    """A file that is not there is refused by the class's own check, not as a choice."""
    assert _details(_load(name, ["a.png"])) == [("custom_validation_failed", f"image - Invalid image file: {name}")]


def test_file_exists_decides_where_it_is_given() -> None:
    """The caller's own test for files goes before the lists."""
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "sub/x.png"}}, "2": SAVE}
    assert check(graph, file_exists=lambda name: name == "sub/x.png").ok
    assert not check(graph, file_exists=lambda name: False).ok


def test_own_check_stumbles_in_pythons_words() -> None:
    """A loader without its file is no missing input: the class's check fails first, as on the server."""
    graph = {"1": {"class_type": "LoadImage", "inputs": {}}, "2": SAVE}
    words = "LoadImage.VALIDATE_INPUTS() missing 1 required positional argument: 'image'"
    assert _details(check(graph)) == [("exception_during_inner_validation", words)]
    graph["1"]["inputs"]["image"] = 5
    assert _details(check(graph)) == [("exception_during_inner_validation", "'int' object has no attribute 'endswith'")]


def test_check_that_takes_all_inputs_answers_for_each() -> None:
    """A class whose check takes every input repeats its answer for each, and ranges are left to it."""
    model = {"class_type": "Load3D", "inputs": {"model_file": "x.png", "width": -1, "height": 8, "image": {}}}
    graph = {"1": model, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 2]}}}
    report = check(graph, Schemas.snapshot().with_files({}))
    answer = "Invalid 3D model file: x.png"
    assert sorted(details for _, details in _details(report)) == [
        f"{name} - {answer}" for name in ("height", "image", "model_file", "width")
    ]


def test_a_packs_class_of_the_same_name_has_no_known_check() -> None:
    """Only ComfyUI's own classes are known to check themselves; a pack's list is taken at its word."""
    info = {
        "LoadImage": {
            "input": {"required": {"image": [["a.png"], {}]}},
            "output": ["IMAGE"],
            "python_module": "custom_nodes.other",
        },
        "SaveImage": Schemas.snapshot().raw("SaveImage"),
    }
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "b.png"}}, "2": SAVE}
    assert _details(check(graph, info)) == [("value_not_in_list", "image: 'b.png' not in ['a.png']")]


def test_a_shipped_packs_own_checks_are_known() -> None:
    """A video of VideoHelperSuite is looked for among the files, not in the list; a path on the server passes."""
    schemas = Schemas.snapshot("ComfyUI-VideoHelperSuite").with_files({}, ["a.mp4"])
    numbers = dict.fromkeys(("force_rate", "custom_width", "custom_height", "frame_load_cap", "skip_first_frames"), 0)
    load = {"class_type": "VHS_LoadVideo", "inputs": {"select_every_nth": 1, **numbers}}
    graph = {"1": load, "2": SAVE}
    words = "LoadVideoUpload.VALIDATE_INPUTS() missing 1 required positional argument: 'video'"
    assert _details(check(graph, schemas)) == [("exception_during_inner_validation", words)]
    load["inputs"]["video"] = "b.mp4"
    assert _details(check(graph, schemas)) == [("custom_validation_failed", "video - Invalid video file: b.mp4")]
    load["inputs"]["video"] = "sub/b.mp4"
    assert check(graph, schemas).ok
    load["class_type"], load["inputs"]["video"] = "VHS_LoadVideoPath", "/srv/b.mp4"
    assert check(graph, schemas).ok


def test_old_class_is_replaced_if_the_server_lacks_it() -> None:
    """An old class becomes the new one with the inputs that the replacement names, and that is said."""
    loader = {"class_type": "T2IAdapterLoader", "inputs": {"t2i_adapter_name": "x.pth"}, "_meta": {"title": "Old"}}
    graph = {"1": loader, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}
    report = check(graph)
    assert report.graph["1"]["class_type"] == "ControlNetLoader"
    assert report.graph["1"]["inputs"] == {"control_net_name": "x.pth"}
    assert [(problem.kind, problem.refused) for problem in report.problems] == [("class_replaced", False)]
    assert check({**graph, "1": {**loader, "inputs": {}}}).status == 500
