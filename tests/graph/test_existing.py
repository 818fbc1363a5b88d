"""Which file names a server's lists show to be absent: for sure, and as ComfyUI 0.30.0 on Linux answers."""

from __future__ import annotations

import pytest

from comfy_headless.graph.existing import file_exists_in, may_exist_in, or_coming
from comfy_headless.graph.schemas import Schemas

LISTED = Schemas.snapshot().with_files({}, ["Photo.png", "clip.mp4", "voice.wav", "caf\u00e9.png", "l.latent"])


@pytest.mark.parametrize(
    ("name", "may", "does"),
    [
        ("Photo.png", True, True),
        ("Photo.png [input]", True, True),
        ("clip.mp4", True, True),
        ("photo.PNG", True, False),
        ("cafe\u0301.png", True, False),
        ("sub/x.png", True, True),
        ("sub\\x.png", True, False),
        ("C:x.png", True, False),
        ("/srv/x.png", True, False),
        ("../x.png", True, False),
        ("x.png [output]", True, True),
        ("picture", True, True),
        ("h.tga", True, True),
        ("j.qoi", True, True),
        ("", True, True),
        ("nope.png", False, False),
        ("nope.PNG", False, False),
        ("nope.webp", False, False),
        ("nope.mp3", False, False),
        ("nope.latent", False, False),
        ("nope.png [input]", False, False),
    ],
)
def test_only_what_a_list_would_show_is_absent(name: str, may: bool, does: bool) -> None:
    """A server may have whatever no list would show, or is on Windows or macOS another spelling of what one shows."""
    assert (may_exist_in(LISTED)(name), file_exists_in(LISTED)(name)) == (may, does)


def test_lists_that_are_not_there_show_nothing() -> None:
    """Without a class that lists a kind, and where it is not known what is there, every file may be there."""
    raw = {"LoadImage": LISTED.raw("LoadImage")}
    assert may_exist_in(Schemas.from_object_info(raw))("nope.mp4")
    assert may_exist_in(Schemas.snapshot())("nope.png") and file_exists_in(Schemas.snapshot())("nope.png")


def test_what_is_listed_may_be_anything() -> None:
    """A choice that is no text is no file."""
    raw = {"LoadImage": {"input": {"required": {"image": [[{"content": "a"}, 5, None, "a.png"], {}]}}, "output": []}}
    assert [may_exist_in(Schemas.from_object_info(raw))(name) for name in ("a.png", "b.png")] == [True, False]


def test_what_is_uploaded_before_counts_as_there() -> None:
    """A file of the job's own need not be listed yet."""
    exists = or_coming(may_exist_in(LISTED), {"new.png"})
    assert exists("new.png") and exists("Photo.png") and not exists("nope.png")
