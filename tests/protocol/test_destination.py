"""Where files go, and that names from a server are never paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.destination import (
    Destination,
    discard,
    part_name,
    place,
    prepare,
    publish,
    read_out,
    safe_folder,
    safe_name,
)


def test_out_is_a_folder_or_a_file(tmp_path: Path) -> None:
    """A separator at the end, an existing folder, or no suffix: a folder; else a file."""
    assert read_out(f"{tmp_path}/new/").folder == tmp_path / "new"
    (tmp_path / "some.dir").mkdir()
    assert read_out(tmp_path / "some.dir").name is None
    assert read_out(tmp_path / "clips").folder == tmp_path / "clips"
    assert read_out(tmp_path / "clip.mp4") == Destination(tmp_path, name="clip.mp4")
    assert read_out(None).folder == Path()


@pytest.mark.parametrize("out", ["", "a\0b"])
def test_out_that_is_no_path(out: str) -> None:
    """An empty text or a NUL is refused with the value."""
    with pytest.raises(ValidationError, match="is not a path"):
        read_out(out)


def test_a_name_that_no_file_system_takes() -> None:
    """A name of 300 characters is refused before anything is sent."""
    with pytest.raises(ValidationError, match="a name of 304 characters"):
        read_out("x" * 300 + ".mp4")


def test_a_folder_that_cannot_be_written_is_said_first(tmp_path: Path) -> None:
    """The place is proved before anything is sent, and the proof leaves nothing behind."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValidationError, match="cannot write to"):
        prepare(Destination(tmp_path / "file" / "below"))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValidationError, match="cannot write to"):
        prepare(Destination(tmp_path / "gone"))
    with pytest.raises(ValidationError, match="cannot write to"):
        prepare(Destination(tmp_path / ("x" * 300) / "below"))
    prepare(Destination(tmp_path / "made" / "below"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "gone"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("clip 1 #%é.mp4", "clip 1 #%é.mp4"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.mp4", "x.mp4"),
        ("/abs/olute.mp4", "olute.mp4"),
        ("..", "file"),
        ("", "file"),
        ("a\nb.mp4", "a_b.mp4"),
    ],
)
def test_names_arrive_whole_but_never_as_paths(name: str, safe: str) -> None:
    """Odd names stay as they are; what would lead elsewhere is cut off."""
    assert safe_name(name) == safe


@given(st.text(), st.text())
def test_no_name_leads_out(name: str, subfolder: str) -> None:
    """Whatever a server says, the file stays below the destination, and its name fits a file system."""
    root = Path("/destination")
    placed = place(Destination(root), name, subfolder, number=None)
    assert ".." not in placed.parts
    assert root in placed.parents
    assert len(placed.name.encode()) <= 204


def test_sub_folders_are_kept_below_a_folder() -> None:
    """Two outputs of one name in two folders are two files."""
    folder = Destination(Path("out"))
    assert place(folder, "x.mp4", "video/a", number=None) != place(folder, "x.mp4", "video/b", number=None)
    assert safe_folder("../a/./C:/b") == Path("a/b")


def test_the_only_file_takes_the_stem_or_the_name() -> None:
    """A single output is called by preset and seed in a folder, and as asked at a file."""
    assert place(Destination(Path("o"), stem="wan_5b_7"), "x_00001_.mp4", "video", number=1) == Path("o/wan_5b_7.mp4")
    assert place(Destination(Path("o"), name="a.mp4"), "x_00001_.mp4", "video", number=1) == Path("o/a.mp4")


def test_further_files_like_it_are_numbered() -> None:
    """Of several images the next are called -2, -3; what lies beside them keeps the server's name."""
    assert place(Destination(Path("o"), stem="fast_7"), "x_00002_.png", "image", number=2) == Path("o/fast_7-2.png")
    assert place(Destination(Path("o"), name="a.png"), "x_00003_.png", "image", number=3) == Path("o/a-3.png")
    assert place(Destination(Path("o"), name="a.png"), "x_00003_.txt", "more", number=None) == Path("o/x_00003_.txt")
    assert place(Destination(Path("o"), stem="fast_7"), "x.txt", "more", number=None) == Path("o/more/x.txt")


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    """-2, -3 is appended; overwrite replaces."""
    target = tmp_path / "clip.mp4"
    for _ in range(3):
        part = part_name(tmp_path, "x.mp4", "12345678-aaaa")
        part.write_bytes(b"new")
        publish(str(part), str(target), False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip-2.mp4", "clip-3.mp4", "clip.mp4"]
    part = part_name(tmp_path, "x.mp4", "12345678-aaaa")
    part.write_bytes(b"replaced")
    assert publish(str(part), str(target), True) == str(target)
    assert target.read_bytes() == b"replaced"


def test_unfinished_files_are_told_by_their_name_and_removed(tmp_path: Path) -> None:
    """The unfinished file is beside its place and ends in .part; two jobs never share one."""
    first = part_name(tmp_path, "x.mp4", "12345678-aaaa")
    first.touch()
    second = part_name(tmp_path, "x.mp4", "12345678-aaaa")
    assert first.suffix == second.suffix == ".part"
    assert first != second
    discard([str(first), str(second)])
    assert list(tmp_path.iterdir()) == []


def test_a_job_never_overwrites_its_own_file(tmp_path: Path) -> None:
    """Two places that are one file on this file system (case, links): the second gets a number, also to overwrite."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    own: list[str] = []
    for folder in ("a", "b"):
        part = part_name(tmp_path, "x.mp4", "12345678-aaaa")
        part.write_text(folder)
        own.append(publish(str(part), str(tmp_path / folder / "x.mp4"), True, own))
    assert sorted(path.read_text() for path in (tmp_path / "a").iterdir()) == ["a", "b"]
