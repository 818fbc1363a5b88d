"""Results and outputs as callers read them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from comfy_headless.protocol.collect import found_in, saved_in
from comfy_headless.protocol.result import Output, Result, kind_of

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


@pytest.mark.parametrize(
    ("name", "animated", "key", "kind"),
    [
        ("a.mp4", True, "images", "video"),
        ("a.webp", True, "images", "video"),
        ("a.webp", False, "images", "image"),
        ("a.png", True, "images", "video"),
        ("a.gif", False, "gifs", "video"),
        ("a.PNG", False, "images", "image"),
        ("a.flac", False, "audio", "audio"),
        ("a.glb", False, "3d", "other"),
        ("noext", False, "images", "other"),
    ],
)
def test_kinds(name: str, animated: bool, key: str, kind: str) -> None:
    """The extension tells the kind; ``animated`` and the key settle what can be both."""
    assert kind_of(name, animated=animated, key=key) == kind


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
        ("other", "m.glb"),
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
    saved, previews = saved_in(entry, {"1": {}, "2": {}})
    assert [one.filename for one in saved] == ["a.png", "b.png"]
    assert previews == 1
