"""What a history entry says was saved."""

from __future__ import annotations

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
        assert saved_in(entry, {}) == ([], 0)


def test_a_file_that_is_named_twice_is_one() -> None:
    """Under two keys or by two nodes: the first counts, so a single file takes the name that was asked for."""
    outputs = {"9": {"images": [ENTRY], "gifs": [ENTRY]}, "8": {"images": [ENTRY], "text": ["hi", "hi"]}}
    saved, previews = saved_in({"outputs": outputs}, {"9": {}, "8": {}})
    assert [(one.node_id, one.filename, one.text) for one in saved] == [
        ("9", "a.mp4", None),
        ("8", "", "hi"),
        ("8", "", "hi"),
    ]
    assert previews == 0


def test_previews_are_counted_and_left_out() -> None:
    """Files in the server's temp folder are no results."""
    saved, previews = saved_in({"outputs": {"9": {"images": [{**ENTRY, "type": "temp"}, ENTRY]}}}, {})
    assert (len(saved), previews) == (1, 1)
