"""ai/wildcards/lists.py: lines out of text files, by names that never leave their folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from comfy_headless import PromptTemplate, ValidationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of lists, beside a file that is nobody's business."""
    lists = tmp_path / "lists"
    (lists / "places/far away").mkdir(parents=True)
    (lists / ".hidden").mkdir()
    (tmp_path / "secret.txt").write_text("secret\n")
    (lists / "animal.txt").write_bytes(
        "\ufeff# animals\r\n  a cat \r\n\r\na dog # not a comment\n\\#1 dog\na cat\n".encode()
    )
    (lists / "places/city.txt").write_text("Cádiz\nOslo\n", encoding="utf-8")
    (lists / "places/far away/sea.TXT").write_text("the Laptev Sea\n")
    (lists / ".hidden/no.txt").write_text("no\n")
    (lists / "bytes.txt").write_bytes(b"caf\xe9\n")
    (lists / "note.md").write_text("no list\n")
    return lists


def texts(template: str, folder: Path) -> list[str]:
    """All texts of a template."""
    return [each.text for each in PromptTemplate(template, wildcards=folder).all()]


def error_of(template: str, folder: Path) -> str:
    """What is said of a list."""
    with pytest.raises(ValidationError) as caught:
        PromptTemplate(template, wildcards=folder)
    return str(caught.value)


def test_lines_of_a_file(folder: Path) -> None:
    """A line is a text, without blanks around; empty lines, comments and a line that was there before are none."""
    assert texts("__animal__", folder) == ["a cat", "a dog # not a comment", "#1 dog"]


def test_names_of_lists(folder: Path) -> None:
    """A name has its folders before it, and * and ? and ** take several lists, sorted by their names."""
    assert texts("__places/far away/sea__", folder) == ["the Laptev Sea"]
    assert texts("__places/*__", folder) == ["Cádiz", "Oslo"]
    assert texts("__places/**__", folder) == ["Cádiz", "Oslo", "the Laptev Sea"]
    assert texts("__**/???__", folder) == ["the Laptev Sea"]


def test_a_missing_list(folder: Path) -> None:
    """The error names the list, the folder and what there is; case counts on every system."""
    said = error_of("__Animal__", folder)
    assert f"no list 'Animal' in folder {str(folder)!r}; did you mean 'animal'?" in said
    assert "There are animal, bytes, places/city, places/far away/sea." in said
    assert "did you mean 'places/city'?" in error_of("__city__", folder)
    assert "is not there" in error_of("__x__", folder / "none")
    assert f"is no folder; give that it lies in, {str(folder)!r}" in error_of("__x__", folder / "animal.txt")
    (folder / "places/far away/sea.TXT").unlink()
    assert "There is none (files that end in .txt are lists)" in error_of("__x__", folder / "places/far away")


def test_a_list_that_cannot_be_read(folder: Path) -> None:
    """A file of another encoding, and one whose line cannot be read, are named with the place."""
    assert "bytes.txt is no UTF-8 at byte 3; save it as UTF-8" in error_of("__bytes__", folder)
    (folder / "broken.txt").write_text("fine\n# comment\nbad {line\n")
    path = folder / "broken.txt"
    assert f"list 'broken' ({path}), line 3, character 5 ('{{line'): '{{' is never closed" in error_of(
        "__broken__", folder
    )


@pytest.mark.skipif(os.name == "nt", reason="links take rights there")
def test_names_stay_in_the_folder(folder: Path) -> None:
    """No name, link or pipe leads out of the folder, or makes the program wait."""
    for name in ("../secret", "places/../../secret", str(folder.parent / "secret")):
        assert "leads out of the lists" in error_of(f"__{name}__", folder)
    assert "no list '.hidden/no'" in error_of("__.hidden/no__", folder)
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert "is a link that leads out of" in error_of("__link__", folder)
    (folder / "around").symlink_to(folder)
    assert texts("__places/*__", folder) == ["Cádiz", "Oslo"]
    os.mkfifo(folder / "pipe.txt")
    assert "pipe.txt is no file" in error_of("__pipe__", folder)


@pytest.mark.skipif(os.name == "nt", reason="names of any length are made otherwise there")
def test_a_folder_that_cannot_be_read(folder: Path) -> None:
    """A folder below that cannot be looked into is named, and not passed over: its lists may be meant."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(20):  # longer than any path may be
        os.mkdir("d" * 250, dir_fd=at)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    said = error_of("__animal__", folder)
    assert f"folder {str(folder / ('d' * 250))!r}"[:-1] in said
    assert "cannot be read: File name too long" in said


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system takes both names for one")
def test_two_lists_of_one_name(folder: Path) -> None:
    """Two files, or two entries of a mapping, that have one name are an error with both: neither is taken by chance."""
    (folder / "caf\u00e9.txt").write_text("one\n")
    (folder / "cafe\u0301.txt").write_text("two\n")
    assert "list 'caf\u00e9' is there twice: 'cafe\u0301.txt' and 'caf\u00e9.txt'; rename one" in error_of(
        "__animal__", folder
    )
    with pytest.raises(ValidationError, match="wildcards=: list 'caf\u00e9' is there twice, spelt in two ways"):
        PromptTemplate("__caf\u00e9__", wildcards={"caf\u00e9": ["one"], "cafe\u0301": ["two"]})
