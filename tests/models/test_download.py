"""Downloads from a hub that does all that a hub and a network do: a file is whole and right, or it is not there."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.catalog.fetching import hub_of
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.cli import main
from comfy_headless.errors import ModelDownloadError, ValidationError
from comfy_headless.models.download import download_models
from comfy_headless.models.part import part_path
from comfy_headless.models.patience import HubTiming
from comfy_headless.models.plan import DownloadPlan, plan_download
from comfy_headless.models.progress import DownloadProgress
from tests.cli.program import environment
from tests.models import tiny
from tests.models.hub import COMMIT, SIGNATURE, Cut, Fault, Hub, NoRanges, Silence, Slow, Status, Wrong

pytestmark = pytest.mark.slow

QUICK = HubTiming(connect=2.0, read=0.2, patience=0.6, pause=0.01, longest_pause=0.05)
KEYS = [tiny.TEXT, tiny.VAE, tiny.MODEL]
TOKEN = "hf_0123456789secret"


def fetch(hub: Hub, library: PresetLibrary, tree: Path, **how: Any) -> tuple[Path, ...]:
    """Plan and download the tiny preset, or what is said instead."""
    told = how.pop("on_progress", None)
    how = {"preset": "tiny", **how}
    plan = plan_download(comfyui=tree, endpoint=hub.url, timing=QUICK, library=library, **how)
    return download_models(plan, timing=QUICK, on_progress=told, token=how.get("token"))


def models(tree: Path) -> dict[str, bytes]:
    """Every file below models/, by folder and name."""
    root = tree / "models"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def whole(*keys: str) -> dict[str, bytes]:
    return {key: tiny.CONTENTS[key] for key in keys}


def test_what_is_missing_is_fetched(library: PresetLibrary, tree: Path) -> None:
    """The plan names sizes, places and checksums; what is there is left alone; what was missing is whole."""
    tiny.put(tree / "models/vae/sub/tiny_vae.safetensors", tiny.CONTENTS[tiny.VAE])
    seen: list[DownloadProgress] = []
    with Hub(tiny.ON_HUB).running() as hub:
        plan = plan_download("tiny", comfyui=tree, endpoint=hub.url, library=library)
        assert plan.there == ("vae/tiny_vae.safetensors is there as sub/tiny_vae.safetensors",)
        assert [each.file.key for each in plan.files] == [tiny.TEXT, tiny.MODEL]
        assert plan.total_bytes == plan.left_bytes == 420_000 and plan.shortages() == () and plan.notes == ()
        for each in plan.files:
            name = each.url.removeprefix(hub.url).replace(f"/resolve/{COMMIT}", "").lstrip("/")
            assert each.checksum == f"sha256:{hub.sha256[name]}" and each.target == tree / "models" / each.file.key
        assert models(tree) == {"vae/sub/tiny_vae.safetensors": tiny.CONTENTS[tiny.VAE]}
        paths = download_models(plan, on_progress=seen.append)
        assert paths == tuple(each.target for each in plan.files)
        assert plan_download("tiny", comfyui=tree, endpoint=hub.url, library=library).files == ()
    assert models(tree) == {**whole(tiny.TEXT, tiny.MODEL), "vae/sub/tiny_vae.safetensors": tiny.CONTENTS[tiny.VAE]}
    assert seen[-1].total_done == seen[-1].total == 420_000
    assert [each.total_done for each in seen] == sorted(each.total_done for each in seen)
    assert {(each.file, each.number, each.count, each.phase) for each in seen} == {
        (tiny.TEXT, 1, 2, "fetching"),
        (tiny.MODEL, 2, 2, "fetching"),
    }


@pytest.mark.parametrize(
    "faults",
    [
        (Cut(after=30_000, times=3),),
        (Cut(after=0),),
        (Silence(after=20_000, seconds=0.5),),
        (Status("cdn", 2, status=503), Status("resolve", 1, status=500)),
        (Status("resolve", 1, status=429, headers={"Retry-After": "0"}),),
        (Status("cdn", 1, status=502), Cut(after=10_000), NoRanges()),
        (Wrong(),),
        (Cut(after=50_000), Wrong()),
        (Slow(times=3, seconds=0.002),),
    ],
    ids=str,
)
def test_what_passes_is_got_over(faults: tuple[Fault, ...], library: PresetLibrary, tree: Path) -> None:
    """Cuts, silence, 429, 5xx, a server that takes no ranges, wrong bytes once: the files are whole all the same."""
    with Hub(tiny.ON_HUB, *faults).running() as hub:
        fetch(hub, library, tree)
        if isinstance(faults[0], Cut) and faults[0].after == 30_000:
            assert hub.ranges[:4] == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert models(tree) == whole(*KEYS)


def test_wrong_bytes_twice(library: PresetLibrary, tree: Path) -> None:
    """What is not the file is thrown away, and both checksums are told."""
    with Hub(tiny.ON_HUB, Wrong(times=2)).running() as hub, pytest.raises(ModelDownloadError) as caught:
        fetch(hub, library, tree, preset=(), files=[tiny.VAE])
    name = f"{tiny.REPOSITORY}/files/tiny_vae.safetensors"
    assert "what came is not the file: its checksum is" in str(caught.value) and hub.sha256[name] in str(caught.value)
    assert set(models(tree).values()) == {b""}


def test_a_hub_that_stays_away(library: PresetLibrary, tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is waited for so long, each try is logged, and what came is kept for the next call, which goes on there."""
    caplog.set_level(logging.INFO, "comfy_headless")
    with Hub(tiny.ON_HUB, Cut(after=25_000), Status("cdn", 1000, later=1, status=503)).running() as hub:
        with pytest.raises(
            ModelDownloadError, match=r"127.0.0.1:\d+ answers 503, for \d s now; what came is kept"
        ) as caught:
            fetch(hub, library, tree, preset=(), files=[tiny.VAE])
        assert "vae/tiny_vae.safetensors: the exchange broke" in caplog.text
        assert caught.value.url is None or SIGNATURE not in caught.value.url
        part = part_path(
            tree / "models" / tiny.VAE, f"sha256:{hub.sha256[f'{tiny.REPOSITORY}/files/tiny_vae.safetensors']}"
        )
        assert models(tree) == {part.relative_to(tree / "models").as_posix(): tiny.CONTENTS[tiny.VAE][:25_000]}
        hub.faults.clear()
        plan = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        assert (plan.total_bytes, plan.left_bytes, plan.files[0].kept) == (40_000, 15_000, 25_000)
        seen: list[DownloadProgress] = []
        download_models(plan, on_progress=seen.append)
        assert hub.ranges[-1] == "bytes=25000-"
    assert models(tree) == whole(tiny.VAE)
    assert [each.phase for each in seen][:2] == ["checking", "fetching"] and seen[0].done == 25_000


def test_a_beginning_that_is_wrong(library: PresetLibrary, tree: Path) -> None:
    """What an earlier try has left is not trusted: a spoiled beginning, or too much of it, begins anew."""
    with Hub(tiny.ON_HUB).running() as hub:
        plan = plan_download("tiny", comfyui=tree, endpoint=hub.url, library=library)
        for each, spoiled in zip(plan.files, (b"x" * 500, b"y" * 10**6, b""), strict=True):
            tiny.put(part_path(each.target, each.checksum), spoiled)
        download_models(plan)
    assert models(tree) == whole(*KEYS)


GATED = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to model somebody/tiny is restricted."}


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (401, GATED, "somebody/tiny is given to those who accept its licence: open {hub}/somebody/tiny, accept it"),
        (403, GATED, "somebody/tiny is given to those who accept its licence: open {hub}/somebody/tiny, accept it"),
        (401, {"X-Error-Code": "RepoNotFound"}, "there is no repository somebody/tiny, or it is private"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "does not take the token: log in"),
        (404, {"X-Error-Code": "EntryNotFound"}, "somebody/tiny has no file 'files/tiny_vae.safetensors'"),
        (410, {}, "the server answers 410"),
    ],
)
def test_what_cannot_be_had(status: int, headers: dict[str, str], why: str, library: PresetLibrary, tree: Path) -> None:
    """A licence to accept, a login, a file that is gone: said at once, with the page to look at; nothing is written."""
    with Hub(tiny.ON_HUB, Status("resolve", 99, status=status, headers=headers)).running() as hub:
        with pytest.raises(ModelDownloadError) as caught:
            fetch(hub, library, tree, preset=(), files=[tiny.VAE], token=TOKEN)
        assert why.format(hub=hub.url) in str(caught.value)
        assert len(hub.asked) == 1
        with pytest.raises(
            ModelDownloadError,
            match=r"3 files cannot be had:\n  text_encoders/tiny_text",
        ):
            fetch(hub, library, tree)
    assert TOKEN not in str(caught.value.to_dict()) and models(tree) == {}


def test_a_licence_that_is_asked_for_late(library: PresetLibrary, tree: Path) -> None:
    """Access that ends between plan and download is told in the same words."""
    with Hub(tiny.ON_HUB).running() as hub:
        plan = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        hub.faults.append(Status("resolve", 1, status=403, headers=GATED))
        with pytest.raises(ModelDownloadError, match="is given to those who accept its licence"):
            download_models(plan)


def test_the_token_goes_to_the_hub_alone(
    library: PresetLibrary, tree: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An argument, or HF_TOKEN, is sent to the hub, not to the host that it leads to, and shown nowhere."""
    caplog.set_level(logging.INFO)
    with Hub(tiny.ON_HUB, Cut()).running() as hub:
        fetch(hub, library, tree, preset=(), files=[tiny.VAE], token=TOKEN)
        monkeypatch.setenv("HF_TOKEN", f"{TOKEN}_of_the_environment")
        fetch(hub, library, tree, preset=(), files=[tiny.TEXT])
        plan = plan_download("tiny", comfyui=tree, endpoint=hub.url, library=library)
    sent = [each.authorization for each in hub.asked if not each.path.startswith("/cdn")]
    assert {each for each in sent if each} == {f"Bearer {TOKEN}", f"Bearer {TOKEN}_of_the_environment"} and all(sent)
    assert {each.authorization for each in hub.asked if each.path.startswith("/cdn")} == {None}
    assert (
        f"GET {hub.cdn}/" in caplog.text
        and TOKEN not in caplog.text
        and TOKEN not in repr(plan)
        and SIGNATURE not in caplog.text
    )


def test_a_mirror_of_the_environment(library: PresetLibrary, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_ENDPOINT names the hub where no argument does; where nothing answers, that is waited for and said."""
    with Hub(tiny.ON_HUB).running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")
        assert plan_download("tiny", comfyui=tree, library=library).total_bytes == 460_000
    with pytest.raises(
        ModelDownloadError, match=r"Hugging Face: http://127.0.0.1:9 does not answer: .*, for 0 s now; nothing was"
    ):
        plan_download("tiny", comfyui=tree, library=library, endpoint="http://127.0.0.1:9", timing=HubTiming(asking=0))


def test_only_some_files(library: PresetLibrary, tree: Path) -> None:
    """Named files are fetched whoever needs them; a precision takes the place of the preset's own."""
    with Hub(tiny.ON_HUB).running() as hub:
        fetch(hub, library, tree, precision="Q4_K_M")
        assert models(tree) == whole(tiny.Q4, tiny.TEXT, tiny.VAE)
        plan = plan_download("tiny", comfyui=tree, endpoint=hub.url, library=library)
        assert plan.files == () and f"{tiny.MODEL}: tiny_Q4_K_M.gguf, Q4_K_M, serves in its place" in plan.there
        plan = plan_download("tiny", [tiny.MODEL, tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        assert [each.file.key for each in plan.files] == [tiny.MODEL] and plan.there == (f"{tiny.VAE} is there",)


def test_wrong_wishes(library: PresetLibrary, tree: Path) -> None:
    """What names nothing is said with what is near, before anybody is asked."""
    for wish, why in (
        (
            {"files": ["vae/tiny_vea.safetensors"]},
            "no model file 'vae/tiny_vea.*did you mean 'vae/tiny_vae.safetensors'",
        ),
        ({"precision": "Q5"}, "precision='Q5': nothing is had in it.* There are: fp16, Q4_K_M"),
        ({"preset": ()}, "nothing is named: give a preset"),
    ):
        with pytest.raises(ValidationError, match=why):
            plan_download(**{"preset": "tiny", "comfyui": tree, "library": library, **wish})


def test_a_file_in_the_place(library: PresetLibrary, tree: Path) -> None:
    """What lies in the place is never replaced: neither what the plan finds there nor what appears after it."""
    place = tiny.put(tree / "models" / tiny.VAE, b"mine")
    with Hub(tiny.ON_HUB).running() as hub:
        with pytest.raises(
            ValidationError, match=f"{place} is there with 4 bytes, where 40,000 are expected: delete it"
        ):
            fetch(hub, library, tree)
        place.unlink()
        plan = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        place.write_bytes(b"mine")
        with pytest.raises(ModelDownloadError, match="has appeared meanwhile, and is not the file; it is left"):
            download_models(plan)
    assert place.read_bytes() == b"mine"


def test_a_file_that_appears_whole(library: PresetLibrary, tree: Path) -> None:
    """What somebody else has brought since the plan was made is taken, not fetched; nothing begun is left beside it."""
    with Hub(tiny.ON_HUB).running() as hub:
        plan = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        (each,) = plan.files
        tiny.put(part_path(each.target, each.checksum), b"begun")
        tiny.put(each.target, tiny.CONTENTS[tiny.VAE])
        assert download_models(plan) == (each.target,)
        assert hub.ranges == []
    assert models(tree) == whole(tiny.VAE)


def test_two_at_once(library: PresetLibrary, tree: Path) -> None:
    """One fetches a file that both need; the other waits, says so, and takes it; what it is told can end the wait."""
    phases: list[str] = []
    began, waited = threading.Event(), threading.Event()

    def first(progress: DownloadProgress) -> None:
        began.set()
        waited.wait(5)

    def second(progress: DownloadProgress) -> None:
        waited.set()
        phases.append(progress.phase)

    with Hub(tiny.ON_HUB).running() as hub, ThreadPoolExecutor() as pool:
        one, other = (
            plan_download((), keys, comfyui=tree, endpoint=hub.url, library=library)
            for keys in ([tiny.VAE], [tiny.VAE, tiny.TEXT])
        )
        fetched = pool.submit(download_models, one, on_progress=first)
        assert began.wait(5)
        with pytest.raises(ZeroDivisionError):
            download_models(other, on_progress=stop_at("waiting"))
        paths = download_models(other, on_progress=second)
        assert fetched.result() == paths[:1] and len(hub.ranges) == 2
    assert phases[:2] == ["waiting", "checking"] and phases[-1] == "fetching"
    assert models(tree) == whole(tiny.VAE, tiny.TEXT)


@pytest.mark.parametrize("known", [True, False])
def test_versions_without_a_checksum(known: bool, library: PresetLibrary, tree: Path) -> None:
    """What was begun is gone on with by what else names a version; another one, or one that nobody names, is not."""
    name, old = f"{tiny.REPOSITORY}/files/tiny_vae.safetensors", b"A" * 400
    with Hub(tiny.ON_HUB, Cut(after=30_000)).running() as hub:
        hub.sha256[name] = "5f3a-version-1"
        (each,) = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library).files
        assert each.checksum == ""
        tiny.put(part_path(each.target, "", each.version if known else ""), old)
        hub.sha256[name] = "5f3a-version-2"
        plan = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        if not known:
            plan = replace(plan, files=tuple(replace(each, version="") for each in plan.files))
        assert plan.left_bytes == plan.total_bytes and len(plan.notes) == 1
        download_models(plan, timing=QUICK)
        assert hub.ranges == ([None, "bytes=30000-"] if known else [None, None])
    left = {path: content for path, content in models(tree).items() if path.endswith(".part")}
    assert models(tree)[tiny.VAE] == tiny.CONTENTS[tiny.VAE] and set(left.values()) == ({old} if known else set())


@pytest.mark.parametrize("name", ["../../main.py", "/etc/passwd", "a/../../b", "..\\x", "C:x"])
def test_a_name_that_leads_out(name: str, library: PresetLibrary, tree: Path, tmp_path: Path) -> None:
    """A file that somebody describes never lands outside of its folder."""
    files = tmp_path / "presets/files.toml"
    files.write_text(files.read_text().replace('name = "tiny_vae.safetensors"', f"name = '{name}'"))
    (tmp_path / "presets/tiny.toml").unlink()
    with Hub(tiny.ON_HUB).running() as hub, pytest.raises(ValidationError, match=r"leads out of the folder models/"):
        plan_download((), [f"vae/{name}"], comfyui=tree, endpoint=hub.url, library=library)


def test_what_was_begun_of_another_version(library: PresetLibrary, tree: Path) -> None:
    """It is neither gone on with nor deleted, and is named; other files that end alike are not."""
    old = tiny.put(part_path(tree / "models" / tiny.VAE, f"sha256:{'0' * 64}"), b"old")
    mine = tiny.put(tree / "models/vae/tiny_vae.safetensors.mine.part", b"mine")
    with Hub(tiny.ON_HUB).running() as hub:
        plan = plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library)
        assert plan.notes == (
            f"{old} is of another version of tiny_vae.safetensors, and nothing goes on with it: delete it",
        )
        download_models(plan)
    assert (old.read_bytes(), mine.read_bytes()) == (b"old", b"mine")


def test_the_default_of_extra_paths(library: PresetLibrary, tree: Path, tmp_path: Path) -> None:
    """A download goes to the place that is marked as the default, and is found there."""
    (tree / "extra_model_paths.yaml").write_text(f"far:\n  base_path: {tmp_path}/far\n  is_default: true\n  vae: v\n")
    with Hub(tiny.ON_HUB).running() as hub:
        fetch(hub, library, tree, preset=(), files=[tiny.VAE])
        assert (tmp_path / "far/v/tiny_vae.safetensors").read_bytes() == tiny.CONTENTS[tiny.VAE]
        assert plan_download((), [tiny.VAE], comfyui=tree, endpoint=hub.url, library=library).files == ()


def test_too_little_room(library: PresetLibrary, tree: Path) -> None:
    """The room is held against all files together before anything is written."""
    with Hub(tiny.ON_HUB).running() as hub:
        plan = plan_download("tiny", comfyui=tree, endpoint=hub.url, library=library)
    huge = [replace(each, size=10**18) for each in plan.files]
    plan = DownloadPlan(plan.comfyui, tuple(huge), plan.there, plan.notes)
    with pytest.raises(ModelDownloadError, match=r"GB free, and 3,000,000,000 GB are to come. Nothing was fetched"):
        download_models(plan)
    assert models(tree) == {}


def stop_at(phase: str) -> Callable[[DownloadProgress], None]:
    """Return what ends a download in this phase."""

    def stop(progress: DownloadProgress) -> None:
        if progress.phase == phase:
            raise ZeroDivisionError

    return stop


DOWNLOAD = """
import resource, sys
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.models.download import download_models
from comfy_headless.models.plan import plan_download
tree, hub, key, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
plan = plan_download((), [key], comfyui=tree, endpoint=hub, library=PRESETS)
download_models(plan, on_progress=lambda progress: print(progress.done, flush=True))
"""


def start(tree: Path, hub: Hub, presets: Path, limit: int = 0) -> subprocess.Popen[str]:
    """Download the VAE in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", DOWNLOAD, str(tree), hub.url, tiny.VAE, str(limit)]
    return subprocess.Popen(
        command,
        env=environment(COMFY_HEADLESS_PRESETS=str(presets)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_file_that_becomes_too_large(library: PresetLibrary, tree: Path, tmp_path: Path) -> None:
    """Where a write fails, the error says why; what fits is kept, and goes on where more of it fits."""
    with Hub(tiny.ON_HUB).running() as hub:
        with start(tree, hub, tmp_path / "presets", limit=15_000) as process:
            _, err = process.communicate(timeout=60)
        assert (
            "takes no file of 40 kB; what came is kept, and the next try goes on from there" in err
            and process.returncode == 1
        )
        (kept,) = models(tree).values()
        assert kept == tiny.CONTENTS[tiny.VAE][:15_000]
        fetch(hub, library, tree, preset=(), files=[tiny.VAE])
        assert hub.ranges[-1] == "bytes=15000-"
    assert models(tree) == whole(tiny.VAE)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_ended(sign: int, library: PresetLibrary, tree: Path, tmp_path: Path) -> None:
    """Killed or interrupted in the middle of a file, it leaves a part; nobody else may write it; the next goes on."""
    with Hub(tiny.ON_HUB, Slow(times=1, seconds=0.3)).running() as hub:
        with start(tree, hub, tmp_path / "presets") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "10000\n"
            with pytest.raises(ZeroDivisionError):
                fetch(hub, library, tree, preset=(), files=[tiny.VAE], on_progress=stop_at("waiting"))
            os.kill(process.pid, sign)
            _, err = process.communicate(timeout=60)
        (part,) = models(tree)
        assert part.endswith(".part") and part.startswith(tiny.VAE)
        assert sign == signal.SIGKILL or "what came is kept, and the next try goes on from there" in err
        fetch(hub, library, tree, preset=(), files=[tiny.VAE])
        assert hub.ranges[-1] is None or int(hub.ranges[-1][6:-1]) >= 8192
    assert models(tree) == whole(tiny.VAE)


def test_a_callback_ends_it(library: PresetLibrary, tree: Path) -> None:
    """What on_progress raises ends the download and is raised; what came is kept."""
    with Hub(tiny.ON_HUB).running() as hub, pytest.raises(ZeroDivisionError):
        fetch(hub, library, tree, preset=(), files=[tiny.VAE], on_progress=stop_at("fetching"))
    (part,) = models(tree)
    assert part.endswith(".part")


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_login_in_the_address_of_the_hub(
    how: str,
    library: PresetLibrary,
    tree: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It lets one in at the hub alone, before the token; no plan, line, error or log shows it."""
    caplog.set_level(logging.INFO)
    with Hub(tiny.ON_HUB).running() as hub:
        address = hub.url.replace("://", f"://me:{TOKEN}@")
        if how == "environment":
            monkeypatch.setenv("HF_ENDPOINT", address)
        named = address if how == "argument" else None
        plan = plan_download("tiny", comfyui=tree, endpoint=named, token="other", timing=QUICK, library=library)
        download_models(plan, timing=QUICK, token="other")
        with pytest.raises(ModelDownloadError) as caught:
            hub.files.clear()
            (tree / "models" / tiny.VAE).unlink()
            plan_download("tiny", comfyui=tree, endpoint=named, timing=QUICK, library=library)
        words = ["models", "download", "vae/wan2.2_vae.safetensors", "--comfyui", str(tree), "--dry-run", "--json"]
        main([*words, *(("--endpoint", address) if how == "argument" else ()), "--debug"])
    expected = f"Basic {b64encode(f'me:{TOKEN}'.encode()).decode()}"
    assert {each.authorization for each in hub.asked if "/resolve/" in each.path} == {expected}
    assert {each.authorization for each in hub.asked if each.path.startswith("/cdn")} == {None}
    written = capsys.readouterr()
    assert models(tree).keys() == whole(tiny.TEXT, tiny.MODEL).keys()
    assert TOKEN not in f"{plan!r} {plan} {caught.value} {caught.value.to_dict()} {caplog.text} {written}"


def test_no_line_to_paste_has_the_login(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`models list` names the mirror without it; an address that is none is an error without it."""
    monkeypatch.setenv("HF_ENDPOINT", f"https://me:{TOKEN}@mirror.example/hf/")
    assert main(["models", "list", "--preset", "wan_5b", "--json"]) == 0
    out = capsys.readouterr().out
    assert "https://mirror.example/hf/" in out and TOKEN not in out
    with pytest.raises(ValidationError, match="is no address") as caught:
        hub_of(f"https://me:{TOKEN}@[::1")
    assert TOKEN not in str(caught.value)
