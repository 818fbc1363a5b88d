"""Results and outputs as callers read them."""

from __future__ import annotations

import copy
import json
import os
import pickle
from pathlib import Path

import pytest

from comfy_headless.protocol.collect import found_in, saved_in
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result

VIDEO = Output("video", "x.mp4", "video", "9", "http://s/view?filename=x.mp4", Path("out/x.mp4"))
TEXT = Output("text", "", "", "4", "", text="hello")


def test_a_result_reads_by_attribute_and_by_name() -> None:
    """``result.video`` and ``result["video"]`` are the same; ``dict(result)`` works."""
    result = Result("completed", "p", 1.5, (TEXT, VIDEO), seed=7)
    assert result.video is result["video"] is VIDEO
    assert result.path == Path("out/x.mp4")
    assert result.texts == [TEXT]
    assert dict(result)["seed"] == 7
    assert json.loads(json.dumps(result.to_dict()))["path"] == str(Path("out/x.mp4"))
    with pytest.raises(KeyError, match="it has: status"):
        result["vidoe"]


def test_an_output_is_a_path() -> None:
    """An output can be given wherever a path is; one that is not here says where it is."""
    assert os.fspath(VIDEO) == str(Path("out/x.mp4"))
    with pytest.raises(TypeError, match="http://s/view"):
        os.fspath(Output("video", "x.mp4", "", "9", "http://s/view?x"))


def test_outputs_are_found_by_name() -> None:
    """By the name of a marker, else by the node's id; two nodes with one name are both there, in order."""
    outputs = (
        Output("image", "a.png", "", "1", "", names=("x",)),
        Output("image", "b.png", "", "2", "", names=("x", "y")),
        Output("video", "c.mp4", "", "2", "", names=("x", "y")),
        Output("mesh", "d.glb", "", "9:3", ""),
        Output("text", "", "", "y", "", text="said"),
        Output("other", "e.bin", "", "9:3", ""),
        Output("audio", "f.mp3", "", "9:3", ""),
    )
    result = Result("completed", "p", 1.0, outputs)
    assert result.images_by_var == {"x": [*outputs[:2]], "y": [outputs[1]]}
    assert result.videos_by_var == {"x": [outputs[2]], "y": [outputs[2]]}
    assert (result.meshes_by_var, result.texts_by_var) == ({"9:3": [outputs[3]]}, {"y": [outputs[4]]})
    assert (result.others_by_var, result.audios_by_var) == ({"9:3": [outputs[5]]}, {"9:3": [outputs[6]]})
    assert result["outputs_by_var"]["y"] == [outputs[1], outputs[2], outputs[4]]
    with pytest.raises(KeyError, match="no output of the kind 'image' is named 'z'; there are: x, y"):
        result.images_by_var["z"]
    with pytest.raises(KeyError, match="no output is named 'z'; there are: x, y, 9:3"):
        result.outputs_by_var["z"]
    assert pickle.loads(pickle.dumps(result.images_by_var)) == copy.copy(result.images_by_var) == result.images_by_var
    assert result.images_by_var.get("z") is None
    assert [result.meshes, result.others, result.audios] == [[outputs[3]], [outputs[5]], [outputs[6]]]


def test_a_result_is_read_as_a_dict_of_old() -> None:
    """``result["success"]``, ``result["videos"]``, ``result.get`` and ``in`` work; a failed one is no success."""
    result = Result("completed", "p", 1.0, (VIDEO,))
    assert (result["success"], result["videos"], result["error"]) == (True, [VIDEO], None)
    assert (result.get("videos"), result.get("vidoes"), result.get("vidoes", [])) == ([VIDEO], None, [])
    assert "videos" in result
    assert Result("failed", "p", 1.0, error="no")["success"] is False


def test_a_result_goes_to_another_process() -> None:
    """A result can be pickled, with its outputs and what the server told."""
    result = Result("completed", "p", 1.0, (VIDEO, TEXT), raw={"9": {"images": []}}, previews=(VIDEO,))
    assert pickle.loads(pickle.dumps(result)) == result


def test_any_key_with_files_is_read() -> None:
    """Files under any key are outputs, texts too; entries of another shape are passed over."""
    output = {
        "images": [{"filename": "a.mp4", "subfolder": "video", "type": "output"}],
        "animated": [True],
        "3d": [{"filename": "m.glb"}, {"nothing": 1}, 5],
        "text": ["one", "two"],
        "odd": "string",
    }
    assert [(one.kind, one.filename or one.text) for one in found_in("9", output)] == [
        ("video", "a.mp4"),
        ("mesh", "m.glb"),
        ("text", "one"),
        ("text", "two"),
    ]


def test_previews_are_counted_and_left_out_and_nodes_keep_their_order() -> None:
    """Temporary files are never results; outputs come in the graph's order, not in the order of execution."""
    entry = {
        "outputs": {
            "2": {"images": [{"filename": "b.png", "type": "output"}]},
            "1": {"images": [{"filename": "a.png", "type": "output"}, {"filename": "t.png", "type": "temp"}]},
        }
    }
    found = saved_in(entry, {"1": {}, "2": {}})
    assert [one.filename for one in found.saved] == ["a.png", "b.png"]
    assert [one.filename for one in found.previews] == ["t.png"]
