"""The calls for users, settings and their files, on both clients, against the simulator and a real server."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_headless import ComfyClient, ComfyUIConnectionError
from tests.faults.clients import Person

from .comfyui.server import RealServer

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])


@KINDS
def test_users(server: str, kind: str) -> None:
    """A server for one user says so; a user can be made all the same, once."""
    ask = Person(kind, server).call
    ask("set_setting", "a", 1)  # makes the folder that `migrated` tells of
    assert ask("users") == ("server", None, True)
    name = f"bob {uuid.uuid4().hex}"
    made = ask("create_user", name)
    assert made.startswith(name.replace(" ", "-"))
    with pytest.raises(ComfyUIConnectionError, match=rf"the user '{name}' was not made: .*Duplicate username"):
        ask("create_user", name)


@KINDS
def test_settings(server: str, kind: str) -> None:
    """One, several, all; a setting that was never set is None, and the others stay as they are."""
    ask = Person(kind, server).call
    name = f"own.{uuid.uuid4().hex}"
    assert ask("setting", name) is None
    for value in ({"a": [1, None]}, "text", 5, False, None):
        ask("set_setting", name, value)
        assert ask("setting", name) == value
    ask("set_settings", {name: 1, f"{name}.b": 2})
    ask("set_settings", {name: 3})
    told = ask("settings")
    assert (told[name], told[f"{name}.b"]) == (3, 2)


@KINDS
def test_a_file_of_the_user(server: str, kind: str) -> None:
    """Written, read as bytes and as text, listed, moved, deleted; nothing is overwritten unless it is said."""
    ask = Person(kind, server).call
    folder = uuid.uuid4().hex
    path = f"{folder}/deep/größe & ä.json"
    stored = ask("store_userdata", path, '{"größe": 1}')
    assert (stored.path, stored.size) == (path, 14)
    assert abs(stored.modified - time.time()) < 3600
    assert ask("read_userdata", path) == '{"größe": 1}'.encode()
    assert ask("read_userdata_text", path) == '{"größe": 1}'
    with pytest.raises(ComfyUIConnectionError, match=r"was not written: .* 409.*overwrite=True replaces it"):
        ask("store_userdata", path, b"other")
    assert ask("store_userdata", path, b"other\xff", overwrite=True).size == 6
    with pytest.raises(ComfyUIConnectionError, match=r"is no UTF-8 text"):
        ask("read_userdata_text", path)
    ask("store_userdata", f"{folder}/b.txt", "b")
    with pytest.raises(ComfyUIConnectionError, match=r"was not moved to .* 409.*overwrite=True"):
        ask("move_userdata", path, f"{folder}/b.txt")
    assert ask("move_userdata", path, f"{folder}/c/d.txt").path == f"{folder}/c/d.txt"
    assert ask("move_userdata", f"{folder}/b.txt", f"{folder}/c/d.txt", overwrite=True).size == 1
    ask("delete_userdata", f"{folder}/c/d.txt")
    for call, args in (("read_userdata", ()), ("delete_userdata", ()), ("move_userdata", ("x",))):
        with pytest.raises(ComfyUIConnectionError, match=r"404.*there is none; client.userdata_tree\(\) lists"):
            ask(call, f"{folder}/c/d.txt", *args)


@KINDS
def test_lists_of_files(server: str, kind: str) -> None:
    """Of one folder, with those below it, or as a tree with its folders; sizes in bytes, times in seconds."""
    ask = Person(kind, server).call
    folder = uuid.uuid4().hex
    for name in ("a.txt", "b/c.txt", "b/d/e.txt"):
        ask("store_userdata", f"{folder}/{name}", name)
    flat = ask("userdata_files", folder)
    assert [(each.path, each.size) for each in flat] == [("a.txt", 5)]
    assert abs(flat[0].created - time.time()) < 3600
    assert {each.path for each in ask("userdata_files", folder, recurse=True)} == {"a.txt", "b/c.txt", "b/d/e.txt"}
    tree = ask("userdata_tree", folder)
    assert [(each.path.removeprefix(f"{folder}/"), each.kind, each.size) for each in tree] == [
        ("b", "directory", None),
        ("b/d", "directory", None),
        ("a.txt", "file", 5),
        ("b/c.txt", "file", 7),
        ("b/d/e.txt", "file", 9),
    ]
    assert abs(tree[2].modified - time.time()) < 3600
    assert f"{folder}/b/c.txt" in {each.path for each in ask("userdata_tree")}
    assert "comfy.settings.json" in {each.path for each in ask("userdata_files", ".")} or ask("settings") == {}


@KINDS
@pytest.mark.parametrize(
    ("call", "args", "words"),
    [
        ("userdata_files", ("nope",), "the folder 'nope': GET /userdata answered 404: Directory not found"),
        ("userdata_files", ("../..",), "403: Invalid directory; it is a folder, or lies outside"),
        ("userdata_tree", ("nope",), "404: Requested path not found"),
        ("userdata_tree", ("..",), "400: Invalid path requested; such a name is not possible there"),
    ],
)
def test_a_folder_that_is_not_there(server: str, kind: str, call: str, args: tuple[Any, ...], words: str) -> None:
    """The server's words are told, and what they mean."""
    with pytest.raises(ComfyUIConnectionError, match=words):
        Person(kind, server).call(call, *args)


@KINDS
def test_a_folder_is_no_file(server: str, kind: str) -> None:
    """Who takes a folder for a file is told so, at once."""
    ask = Person(kind, server).call
    folder = uuid.uuid4().hex
    ask("store_userdata", f"{folder}/a.txt", "a")
    with pytest.raises(ComfyUIConnectionError, match=r"403.*it is a folder"):
        ask("read_userdata", folder)
    with pytest.raises(ComfyUIConnectionError, match=r"500.*it may be a folder"):
        ask("delete_userdata", folder)
    with pytest.raises(ComfyUIConnectionError, match=r"was not written: .*400"):
        ask("store_userdata", folder, "b", overwrite=True)


NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1, max_size=12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.one_of(NAMES.filter(lambda name: set(name) != {"."}), st.sampled_from(["50%25", "a%2Fb", "%", "a?b#c&d"]))
)
def test_any_name_comes_back(server: str, name: str) -> None:
    """Whatever a file is called, percent signs and all, it is stored and read under that name."""
    with ComfyClient(server) as client:
        stored = client.store_userdata(f"names/{name}", name, overwrite=True)
        assert stored.path == f"names/{name}"
        assert client.read_userdata_text(f"names/{name}") == name
        client.delete_userdata(f"names/{name}")


@pytest.mark.real_server
@pytest.mark.slow
def test_a_server_for_several_users() -> None:
    """Each has settings and files of their own; who is not known is told so, at once."""
    with RealServer(more=("--multi-user",)) as server:
        made = Person("sync", server.url).call("create_user", "Ann Other")
        ann = Person("async", server.url, user=made).call
        assert ann("users").names == {made: "Ann Other"}
        ann("set_setting", "a", 1)
        ann("store_userdata", "b.txt", "hers")
        bob = Person("sync", server.url, user=ann("create_user", "Bob")).call
        assert (bob("settings"), bob("userdata_tree")) == ({}, ())
        nobody = Person("sync", server.url, user="nobody").call
        with pytest.raises(ComfyUIConnectionError, match=r"401.*no such user: client.users\(\) lists them"):
            nobody("settings")
        with pytest.raises(ComfyUIConnectionError, match=r"500.*the user that Comfy-User names is not known"):
            nobody("read_userdata", "b.txt")
