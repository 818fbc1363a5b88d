"""Roles filled with what a server lists: the names that people have, on both servers, and a video of each.

Each server is asked what it has. On the real one the files lie in a sub-folder beside the presets' own; only what is
below it counts. GGUF needs a node pack that the real one does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

from comfy_headless import ComfyClient, WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts, read_facts
from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.catalog.roles import fill
from comfy_headless.graph.transforms.files import is_gguf
from comfy_headless.simulator import Simulator
from tests.catalog.semantics import PROMPT

from .comfyui.weights import Folders
from .decoded import decode
from .making import PRESETS, Case, lowered
from .miniature.stand_ins import stand_in

pytestmark = pytest.mark.slow

NAMES = ("wan_14b", "wan_5b", "ltx_quick", "hunyuan15_720p")
Files = Mapping[str, str]


class There(NamedTuple):
    """What is there: a file's name for each role, and those that the caller has to name."""

    files: Files
    given: Files | None = None


def own(name: str) -> dict[str, ModelFile]:
    """The preset's own files."""
    return dict(PRESETS[name].at("text").files)


def sub_folders(name: str) -> There:
    """The preset's own files, further down."""
    return There({role: f"wan and others/{file.name}" for role, file in own(name).items()})


def other_names(name: str) -> There:
    """Another name of each file that has one."""
    return There({role: f"x/{[file.name, *file.also][-1]}" for role, file in own(name).items()})


def other_precisions(name: str) -> There:
    """Another precision of each file that is had in one, as no GGUF file."""
    return There({role: _other(file, gguf=False) for role, file in own(name).items()})


def gguf_files(name: str) -> There:
    """GGUF instead of each file that is had as one."""
    return There({role: _other(file, gguf=True) for role, file in own(name).items()})


def merges(name: str) -> There:
    """Files that nobody describes, for what samples; the caller names them."""
    own_names = {role: file.name for role, file in own(name).items()}
    mine = {role: f"merges/my {role} v3.safetensors" for role, file in own(name).items() if file.network}
    return There({**own_names, **mine}, mine)


def _other(file: ModelFile, *, gguf: bool) -> str:
    same = [each for each in PRESETS.files.values() if file.weights and each.weights == file.weights]
    others = [each.name for each in same if each.key != file.key and is_gguf(each.name) == gguf]
    return others[0] if others else file.name


def held(url: str, name: str, there: There, folder: Path, seen: Callable[[str], bool] = bool) -> dict[str, str]:
    """Fill the roles with what the server lists, make a small video, and return the files by role.

    Args:
        seen: tells which of the server's files count.
    """
    with ComfyClient(url) as client:
        facts = read_facts(client.object_info(), client.system_stats())
        files = {kind: frozenset(filter(seen, names)) for kind, names in facts.files.items()}
        view = PRESETS[name].at("text")
        filling = fill(view, PRESETS.files, ServerFacts(facts.node_classes, files), given=there.given)
        assert filling.missing == ()
        asked = lowered(Case(name, "text"))
        done = WorkflowCompiler().compile(name, PROMPT, seed=7, allow_untested=True, files=filling.files, **asked)
        result = client.run_workflow(done.graph, out=folder / "made.mp4")
    assert result.path is not None
    width, height, frames, fps = (done.settings[each] for each in ("width", "height", "frames", "fps"))
    assert decode(result.path)[:4] == (width, height, frames, Fraction(fps))
    assert done.files == filling.files
    return filling.files


@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
@pytest.mark.parametrize("make", [sub_folders, other_names, other_precisions, gguf_files, merges])
def test_the_simulator_runs_what_it_lists(
    name: str, make: Callable[[str], There], windows: bool, tmp_path: Path
) -> None:
    """Whatever the files are called, in sub-folders or not, on Windows or not: the graph runs with these files."""
    there = make(name)
    files: dict[str, list[str]] = {}
    for role, file in own(name).items():
        files.setdefault(file.folder, []).append(there.files[role])
    with Simulator(files=files, windows=windows) as simulator:
        taken = held(simulator.url, name, there, tmp_path)
    assert taken == {role: each.replace("/", "\\") if windows else each for role, each in there.files.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [sub_folders, other_names, other_precisions, merges])
def test_the_real_server_runs_what_it_lists(
    real_server: str, real_server_folders: Folders | None, name: str, make: Callable[[str], There], tmp_path: Path
) -> None:
    """The same names, on a real ComfyUI."""
    if real_server_folders is None:
        pytest.skip("COMFY_HEADLESS_TEST_URL names a server whose folders are not ours")
    there, place = make(name), f"{make.__name__}/{name}/"
    for role, file in own(name).items():
        tiny = stand_in(file.folder, file.name)
        assert tiny is not None
        target = real_server_folders.models / file.folder / place / there.files[role]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(real_server_folders.weights / tiny)
    taken = held(real_server, name, there, tmp_path, lambda listed: listed.startswith(place))
    assert taken == {role: place + each for role, each in there.files.items()}
