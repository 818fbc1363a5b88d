"""Settings and users' files: where they lie, and how long they stay."""

from __future__ import annotations

from pathlib import Path

from comfy_headless.simulator import Simulator
from tests.simulator.talk import talking


def test_a_users_files_lie_in_the_folder_that_was_given(tmp_path: Path) -> None:
    """They outlive the simulator, and what lies there is seen; of a folder of its own nothing is left."""
    with Simulator(user_folder=tmp_path) as simulator, talking(simulator.url) as talk:
        assert talk.http.get("/users").json() == {"storage": "server", "migrated": False}
        talk.http.post("/settings/Comfy.Locale", json="de")
        talk.http.post("/userdata/workflows%2Fa.json", content=b"{}")
        assert simulator.user_folder == tmp_path
    assert (tmp_path / "default/workflows/a.json").read_bytes() == b"{}"
    with Simulator(user_folder=tmp_path) as simulator, talking(simulator.url) as talk:
        assert talk.http.get("/settings").json() == {"Comfy.Locale": "de"}
        assert talk.http.get("/userdata?dir=workflows").json() == ["a.json"]
    with Simulator() as simulator:
        own = simulator.user_folder
        assert own.is_dir()
    assert not own.exists()


def test_a_restart_keeps_files_and_forgets_names() -> None:
    """A name that was taken is free again, as on a real server that serves one user."""
    with Simulator() as simulator, talking(simulator.url) as talk:
        talk.http.post("/settings", json={"a": 1})
        statuses = [talk.http.post("/users", json={"username": "ann"}).status_code for _ in range(2)]
        simulator.restart()
        statuses.append(talk.http.post("/users", json={"username": "ann"}).status_code)
        assert statuses == [200, 400, 200]
        assert talk.http.get("/settings").json() == {"a": 1}


def test_on_windows_a_place_comes_back_with_a_backslash() -> None:
    """But for the answer with sizes and times, which has slashes there too (app/user_manager.py of ComfyUI 0.30.0)."""
    with Simulator(windows=True) as simulator, talking(simulator.url) as talk:
        assert talk.http.post("/userdata/workflows%5Ca.json", content=b"{}").json() == "workflows\\a.json"
        told = talk.http.post("/userdata/workflows%2Fa.json?full_info=true", content=b"{}").json()
        assert told["path"] == "workflows/a.json"


def test_a_broken_settings_file_counts_as_none(tmp_path: Path) -> None:
    """So does one that holds something else than settings."""
    (tmp_path / "default").mkdir()
    with Simulator(user_folder=tmp_path) as simulator, talking(simulator.url) as talk:
        for text in ("{", "[1]"):
            (tmp_path / "default/comfy.settings.json").write_text(text)
            assert talk.http.get("/settings").json() == {}
