"""Finished runs make estimates better: kept in one file of the user's cache folder, and never in anybody's way."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.api.pace import (
    FILE,
    LAST,
    MOST,
    OLDEST,
    Pace,
    Sample,
    kept_samples,
    known_pace,
    learn,
    read_pace,
    read_samples,
    written_samples,
)
from comfy_headless.config import cache_folder

SERVER = "http://localhost:8188"
DEVICE = "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync"
NOW = 1_800_000_000.0
SAMPLE = Sample(SERVER, DEVICE, "wan22_5b", "pflop", 8.0, NOW)
NUMBERS = st.floats(1e-6, 1e6)
WORDS = st.text(max_size=20)
SAMPLES = st.builds(Sample, WORDS, WORDS, WORDS, st.sampled_from(["pflop", "work"]), NUMBERS, st.floats(1.0, 4e9))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, which does not exist yet."""
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_learned_is_known(cache: Path) -> None:
    """The median of the last runs counts, by server, device, network and unit."""
    for seconds in (70, 100, 80):
        learn(SERVER, DEVICE, "wan22_5b", 10, seconds, now=NOW)
    learn(SERVER, DEVICE, "svd_xt", 5, 10, unit="work", now=NOW)
    learn(SERVER, "cuda:1 another", "wan22_5b", 1, 1, now=NOW)
    learn("http://elsewhere:8188", DEVICE, "wan22_5b", 1, 2, now=NOW)
    assert read_pace(SERVER, DEVICE, now=NOW) == Pace({"wan22_5b": 8.0}, {"svd_xt": 2.0})
    assert read_pace(SERVER, "cuda:1 another", now=NOW) == Pace({"wan22_5b": 1.0}, {})
    assert read_pace("http://elsewhere:8188", DEVICE, now=NOW) == Pace({"wan22_5b": 2.0}, {})
    assert read_pace(SERVER, "cuda:2", now=NOW) == Pace({}, {})
    assert sorted(path.name for path in cache.iterdir()) == [FILE]


def test_nothing_is_known_at_first(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a file nothing is known, nothing is said, and nothing is made."""
    assert read_pace(SERVER, DEVICE) == Pace({}, {})
    assert caplog.records == []
    assert not cache.exists()


def test_the_clock_of_this_machine_counts(cache: Path) -> None:
    """Without a time that is given it is now."""
    learn(SERVER, DEVICE, "wan22_5b", 1, 3)
    assert read_pace(SERVER, DEVICE).pflop == {"wan22_5b": 3.0}
    assert read_pace(SERVER, DEVICE, now=NOW * 2).pflop == {}


@pytest.mark.parametrize(
    ("work", "seconds"), [(0, 1), (-1, 1), (1, 0), (1, -3), (float("nan"), 1), (1, float("nan")), (1, float("inf"))]
)
def test_nonsense_teaches_nothing(cache: Path, work: float, seconds: float) -> None:
    """What is no finite pace above zero is not kept."""
    learn(SERVER, DEVICE, "wan22_5b", work, seconds)
    assert not cache.exists()


def test_only_the_last_few_count() -> None:
    """Of each kind the last runs are kept, whatever other kinds do."""
    many = [SAMPLE._replace(pace=float(1 + number), at=NOW + number) for number in range(LAST + 3)]
    other = SAMPLE._replace(network="ltxv_2b")
    kept = kept_samples([*reversed(many), other], now=NOW + 100)
    assert kept == (other, *many[3:])
    assert known_pace(many, SERVER, DEVICE, now=NOW + 100).pflop == {"wan22_5b": 6.0}


def test_what_is_old_is_forgotten() -> None:
    """After half a year a run says nothing any more; nor does one from a day to come."""
    ages = (0, OLDEST - 1, OLDEST + 1, -3600, -2 * 86400)
    kept = kept_samples([SAMPLE._replace(at=NOW - age) for age in ages], now=NOW)
    assert [NOW - sample.at for sample in kept] == [OLDEST - 1, 0, -3600]


def test_a_file_does_not_grow_forever() -> None:
    """A service that sees a new server every hour keeps the last of them."""
    many = [SAMPLE._replace(server=f"http://host{number}", at=NOW + number) for number in range(MOST + 10)]
    assert kept_samples(many, now=NOW + MOST) == tuple(many[10:])


@given(st.lists(SAMPLES, max_size=8))
def test_a_file_is_read_as_it_was_written(samples: list[Sample]) -> None:
    """Writing and reading give the same samples."""
    assert read_samples(written_samples(samples)) == tuple(samples)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(Sample._fields), inner, max_size=6),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_what_is_no_sample_is_passed_over(data: list[object]) -> None:
    """Whatever lies among the runs, those that are right are found."""
    text = json.dumps({"runs": [*data, SAMPLE._asdict()]})
    assert read_samples(text)[-1] == SAMPLE


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b'{"runs": 5}', b"\xff\xfe", b"[" * 100_000, b" " * 1_000_001],
    ids=["empty", "cut", "null", "list", "runs", "bytes", "deep", "long"],
)
def test_a_broken_file_is_begun_anew(cache: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    """A file that is no file of ours is told once, and the next run replaces it."""
    cache.mkdir()
    (cache / FILE).write_bytes(content)
    assert read_pace(SERVER, DEVICE, now=NOW) == Pace({}, {})
    learn(SERVER, DEVICE, "wan22_5b", 1, 4, now=NOW)
    assert read_pace(SERVER, DEVICE, now=NOW).pflop == {"wan22_5b": 4.0}
    assert [(record.name, record.levelname) for record in caplog.records] == [("comfy_headless", "WARNING")]
    assert str(cache / FILE) in caplog.text


def test_a_folder_in_its_place_stays(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be read is left alone, and told once."""
    (cache / FILE).mkdir(parents=True)
    for _ in range(3):
        assert read_pace(SERVER, DEVICE) == Pace({}, {})
        learn(SERVER, DEVICE, "wan22_5b", 1, 4)
    assert (cache / FILE).is_dir()
    assert len(caplog.records) == 1


def test_no_folder_can_be_made(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be written nothing is learned, and that is told once."""
    cache.write_text("a file where the folder should be")
    for _ in range(3):
        learn(SERVER, DEVICE, "wan22_5b", 1, 4)
    assert read_pace(SERVER, DEVICE) == Pace({}, {})
    assert caplog.records
    assert len({record.getMessage() for record in caplog.records}) == len(caplog.records)


def test_nobody_is_at_home(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A cache folder that cannot be told is no error either."""
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", "~nobody-of-that-name/cache")
    learn(SERVER, DEVICE, "wan22_5b", 1, 4)
    assert read_pace(SERVER, DEVICE) == Pace({}, {})
    assert len(caplog.records) == 1


FULL = """
import resource, signal
from comfy_headless.api.pace import learn, read_pace
learn("http://host", "card", "wan22_5b", 1, 4)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
learn("http://host", "card", "wan22_5b", 1, 400)
learn("http://host", "card", "wan22_5b", 1, 400)
assert read_pace("http://host", "card").pflop == {"wan22_5b": 4.0}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_full_disk_keeps_what_was_there(cache: Path) -> None:
    """A file that cannot be written whole is not written; what was learned before stays, and nothing is left over."""
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot be written") == 1
    assert [path.name for path in cache.iterdir()] == [FILE]


def test_many_learn_at_once(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Threads that learn at the same time may lose each other's runs, but never the file."""
    learn(SERVER, DEVICE, "ltxv_2b", 1, 5, now=NOW)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(learn, SERVER, DEVICE, "wan22_5b", 1, 4, now=NOW) for _ in range(80)]
        paces = [read_pace(SERVER, DEVICE, now=NOW) for _ in range(40)]
    for job in jobs:
        job.result()
    assert all(pace.pflop["ltxv_2b"] == 5.0 for pace in paces)
    assert read_pace(SERVER, DEVICE, now=NOW).pflop == {"ltxv_2b": 5.0, "wan22_5b": 4.0}
    assert [path.name for path in cache.iterdir()] == [FILE]
    assert caplog.records == []


def test_no_secret_is_kept(cache: Path) -> None:
    """A login is neither written nor needed to find the runs again; the file is for its owner alone."""
    learn("http://user:hunter2@host:8188", DEVICE, "wan22_5b", 1, 4, now=NOW)
    assert "hunter2" not in (cache / FILE).read_text()
    assert read_pace("http://other:words@host:8188", DEVICE, now=NOW).pflop == {"wan22_5b": 4.0}
    if sys.platform != "win32":
        assert (cache / FILE).stat().st_mode & 0o077 == 0


def test_nothing_of_it_is_logged_as_an_error(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What goes well is silent."""
    caplog.set_level(logging.DEBUG)
    learn(SERVER, DEVICE, "wan22_5b", 1, 4)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({"COMFY_HEADLESS_CACHE": "/here", "XDG_CACHE_HOME": "/there"}, "linux", Path("/here")),
        ({"COMFY_HEADLESS_CACHE": "~/here"}, "linux", Path.home() / "here"),
        ({"XDG_CACHE_HOME": "/there"}, "linux", Path("/there/comfy-headless")),
        ({"XDG_CACHE_HOME": "not/absolute"}, "linux", Path.home() / ".cache/comfy-headless"),
        ({}, "linux", Path.home() / ".cache/comfy-headless"),
        ({}, "darwin", Path.home() / "Library/Caches/comfy-headless"),
        ({"LOCALAPPDATA": "/local"}, "win32", Path("/local/comfy-headless/cache")),
        ({}, "win32", Path.home() / "AppData/Local/comfy-headless/cache"),
    ],
)
def test_the_folder_is_where_caches_are(environ: dict[str, str], platform: str, folder: Path) -> None:
    """The variable comes first; else the user's own cache folder, as the system says."""
    assert cache_folder(environ, platform) == folder
