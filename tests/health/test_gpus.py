"""Every GPU of the machine is found by NVML, and whatever goes wrong is a sentence."""

from __future__ import annotations

import ctypes
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.features import install_hint
from comfy_headless.health.gpus import Gpu
from comfy_headless.health.ram import find_ram
from tests.cli.program import environment
from tests.health.machine import LIBRARY, Machine, build, cards, machine

NO_LIBRARY = "no NVIDIA driver: its library cannot be loaded (libnvidia-ml.so.1, on Windows nvml.dll)"
LOST = "'GPU is lost' (NVML error 15)"
UNKNOWN = "'Unknown Error' (NVML error 999)"
RAM = find_ram().total_gb or 0.0
# GPU 0 has places for three instances, two of which are taken; GPU 1 is whole.
DIVIDED = {
    **cards(80, 24),
    "nvmlDeviceGetMigMode_0": "1",
    "nvmlDeviceGetMaxMigDeviceCount_0": "3",
    "nvmlDeviceGetName_100": "NVIDIA RTX 0 MIG 3g.40gb",
    "nvmlDeviceGetMemoryInfo_100": "42412802048",
    "nvmlDeviceGetMigDeviceHandleByIndex_101": "!6",
    "nvmlDeviceGetName_102": "NVIDIA RTX 0 MIG 1g.10gb",
    "nvmlDeviceGetMemoryInfo_102": "10468982784",
}
INSTANCES = (
    Gpu("NVIDIA RTX 0 MIG 3g.40gb", 39.5, 0, mig=True),
    Gpu("NVIDIA RTX 0 MIG 1g.10gb", 9.75, 0, mig=True),
)
WHOLE = Gpu("NVIDIA RTX 1", 24.0, 1)
CALLS = (
    "nvmlInit",
    "nvmlDeviceGetCount",
    "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetName",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetMaxMigDeviceCount",
    "nvmlDeviceGetMigDeviceHandleByIndex",
    "nvmlDeviceGetMemoryInfo",
    "nvmlShutdown",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a driver's library that says what it is told."""
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="module")
def here(library: Path) -> Iterator[Machine]:
    """A machine with that driver."""
    with machine(library) as started:
        yield started


@pytest.mark.parametrize("sizes", [(12.0,), (8.0, 24.0), (79.6,) * 8], ids=len)
def test_all_gpus_are_found(here: Machine, sizes: tuple[float, ...]) -> None:
    """Each GPU comes with its name, its memory in GiB and its number, and nothing else is to be said."""
    answer = here.find_gpus(cards(*sizes))
    assert [(gpu.name, gpu.index) for gpu in answer.found] == [(f"NVIDIA RTX {at}", at) for at in range(len(sizes))]
    assert [gpu.vram_gb for gpu in answer.found] == pytest.approx(sizes)
    assert not any(gpu.mig or gpu.unified for gpu in answer.found)
    assert (answer.reason, answer.running) == (None, 0)


def test_a_driver_without_a_gpu(here: Machine) -> None:
    """A driver that counts none says so."""
    assert here.find_gpus(cards()) == ((), "the NVIDIA driver has no GPU", 0)


@pytest.mark.parametrize("content", [b"", b"not a library"])
def test_a_library_that_cannot_be_loaded(content: bytes, tmp_path: Path) -> None:
    """A file that is no library is as good as none."""
    (tmp_path / LIBRARY).write_bytes(content)
    with machine(tmp_path) as broken:
        assert broken.find_gpus() == ((), NO_LIBRARY, 0)


def test_no_library(tmp_path: Path) -> None:
    """Where no driver was ever installed, that is the reason."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        with machine(tmp_path) as bare:
            assert bare.find_gpus() == ((), NO_LIBRARY, 0)
    else:
        pytest.skip("this machine has NVIDIA's driver")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (9, "no NVIDIA driver: it is installed, but not loaded"),
        (4, "no permission to talk to the NVIDIA driver"),
        (18, "the NVIDIA driver and its library differ in version, as after an update: restart the machine"),
        (999, f"NVML does not start: nvmlInit says {UNKNOWN}"),
    ],
)
def test_nvml_does_not_start(here: Machine, code: int, reason: str) -> None:
    """What keeps NVML from starting is said in words; what did not start is not shut down."""
    assert here.find_gpus({**cards(8), "nvmlInit": f"!{code}"}) == ((), reason, 0)


def test_a_gpu_that_cannot_be_asked_hides_no_other(here: Machine) -> None:
    """Of eight GPUs one has fallen off the bus: seven are found, and the eighth is named."""
    answer = here.find_gpus({**cards(*[80] * 8), "nvmlDeviceGetHandleByIndex_3": "!15"})
    assert [gpu.index for gpu in answer.found] == [0, 1, 2, 4, 5, 6, 7]
    assert answer.reason == f"GPU 3 does not count: nvmlDeviceGetHandleByIndex says {LOST}"


def test_mig_instances_count_for_their_gpu(here: Machine) -> None:
    """A GPU in MIG mode counts as its instances, each with its own memory; free places say nothing."""
    assert here.find_gpus(DIVIDED) == ((*INSTANCES, WHOLE), None, 0)


def test_mig_mode_without_instances(here: Machine) -> None:
    """A GPU in MIG mode that has no instance can run nothing."""
    free = {f"nvmlDeviceGetMigDeviceHandleByIndex_{number}": "!6" for number in (100, 101, 102)}
    reason = "GPU 0 (NVIDIA RTX 0) does not count: it is in MIG mode and has no instance"
    assert here.find_gpus({**DIVIDED, **free}) == ((WHOLE,), reason, 0)


@pytest.mark.parametrize("said", ["!3", "0"], ids=["not supported", "no bytes"])
def test_unified_memory(here: Machine, said: str) -> None:
    """The RAM of the machine is the VRAM of a GPU that has none of its own, and that is said."""
    told = {"nvmlDeviceGetCount": "1", "nvmlDeviceGetName": "NVIDIA GB10", "nvmlDeviceGetMemoryInfo": said}
    reason = f"GPU 0 (NVIDIA GB10) has no memory of its own: the machine's {RAM:.1f} GiB of RAM count as VRAM"
    assert here.find_gpus(told) == ((Gpu("NVIDIA GB10", RAM, 0, unified=True),), reason, 0)


def test_unified_memory_of_unknown_size(library: Path, tmp_path: Path) -> None:
    """Where the RAM cannot be measured, a GPU that uses it does not count."""
    told = {"nvmlDeviceGetCount": "1", "nvmlDeviceGetName": "NVIDIA GB10"}
    with machine(library, first=f"import psutil; psutil.PROCFS_PATH = {str(tmp_path)!r}") as hidden:
        answer = hidden.find_gpus(told)
    beginning = "GPU 0 (NVIDIA GB10) does not count: it uses the machine's RAM, and the RAM cannot be measured: "
    assert answer.reason is not None
    assert answer.reason.startswith(beginning)
    assert (answer.found, answer.running) == ((), 0)


@pytest.mark.parametrize(
    ("call", "found", "reason"),
    [
        ("nvmlInit", (), "NVML does not start: {}"),
        ("nvmlDeviceGetCount", (), "the GPUs cannot be counted: {}"),
        ("nvmlDeviceGetHandleByIndex_0", (WHOLE,), "GPU 0 does not count: {}"),
        ("nvmlDeviceGetMigMode_0", (WHOLE,), "GPU 0 does not count: {}"),
        ("nvmlDeviceGetMaxMigDeviceCount_0", (WHOLE,), "GPU 0 does not count: {}"),
        ("nvmlDeviceGetMemoryInfo_1", INSTANCES, "GPU 1 does not count: {}"),
        ("nvmlShutdown", (*INSTANCES, WHOLE), "NVML does not stop: {}"),
        ("nvmlDeviceGetName_1", (*INSTANCES, Gpu("GPU 1", 24.0, 1)), "GPU 1 has no name: {}"),
        (
            "nvmlDeviceGetMigDeviceHandleByIndex_102",
            (INSTANCES[0], WHOLE),
            "MIG instance 2 of GPU 0 (NVIDIA RTX 0) does not count: {}",
        ),
        (
            "nvmlDeviceGetMemoryInfo_100",
            (INSTANCES[1], WHOLE),
            "MIG instance 0 of GPU 0 (NVIDIA RTX 0) does not count: {}",
        ),
        (
            "nvmlDeviceGetName_102",
            (INSTANCES[0], Gpu("NVIDIA RTX 0 MIG 2", 9.75, 0, mig=True), WHOLE),
            "NVIDIA RTX 0 MIG 2 has no name: {}",
        ),
    ],
)
@pytest.mark.parametrize(("code", "words"), [(999, "Unknown Error"), (15, "GPU is lost")])
def test_an_error_at_each_call(
    here: Machine, call: str, found: tuple[Gpu, ...], reason: str, code: int, words: str
) -> None:
    """An error costs what it is about and no more; the reason has the call and NVML's words."""
    answer = here.find_gpus({**DIVIDED, call: f"!{code}"})
    assert answer.found == found
    assert answer.reason == reason.format(f"{call.split('_')[0]} says {words!r} (NVML error {code})")
    assert answer.running == (call == "nvmlShutdown")


def test_instances_without_memory(here: Machine) -> None:
    """An instance has memory of its own or does not count: the machine's RAM is never its."""
    told = {**DIVIDED, "nvmlDeviceGetMemoryInfo_100": "!3", "nvmlDeviceGetMemoryInfo_102": "0"}
    reason = (
        "MIG instance 0 of GPU 0 (NVIDIA RTX 0) does not count: "
        "nvmlDeviceGetMemoryInfo says 'Not Supported' (NVML error 3); "
        "MIG instance 2 of GPU 0 (NVIDIA RTX 0) does not count: NVML says it has no memory"
    )
    assert here.find_gpus(told) == ((WHOLE,), reason, 0)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("NVIDIA \udcff\udcfe RTX", "NVIDIA \ufffd\ufffd RTX"),
        ("NVIDIA\x1b[2J RTX\n", "NVIDIA\ufffd[2J RTX\ufffd"),
        ("Карта 5090", "Карта 5090"),
        ("", "GPU 0"),
    ],
)
def test_names_are_readable(here: Machine, written: str, read: str) -> None:
    """A name that is no text, that would move a cursor, or that is empty does no harm."""
    answer = here.find_gpus({**cards(16), "nvmlDeviceGetName_0": written})
    assert (answer.found, answer.reason) == ((Gpu(read, 16.0, 0),), None)


def test_an_error_that_pynvml_does_not_know(here: Machine) -> None:
    """The library's own words for an error are used, readable whatever they are; pynvml asks for each code once."""
    told = {**cards(8), "nvmlDeviceGetCount": "!78", "nvmlErrorString_78": "the moon is \udcff full"}
    words = "nvmlDeviceGetCount says 'the moon is \ufffd full' (NVML error 78)"
    assert here.find_gpus(told) == ((), f"the GPUs cannot be counted: {words}", 0)


def test_a_driver_older_than_mig(tmp_path: Path) -> None:
    """A library that has no word for MIG has whole GPUs."""
    with machine(build(tmp_path, "-DOLD")) as old:
        assert old.find_gpus(cards(11)) == ((Gpu("NVIDIA RTX 0", 11.0, 0),), None, 0)


ANSWERS = st.one_of(
    st.sampled_from([*range(1, 31), 77, 999]).map("!{}".format),
    st.integers(0, 8).map(str),
    st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape")),
)
ABOUT = st.sampled_from(["", "_0", "_1", "_100", "_101", "_102"])


@given(st.dictionaries(st.builds("{}{}".format, st.sampled_from(CALLS), ABOUT), ANSWERS, max_size=6))
def test_there_is_always_an_answer(here: Machine, told: dict[str, str]) -> None:
    """Whatever NVML answers at any call, GPUs have memory and readable names, and where there is none a reason is."""
    answer = here.find_gpus({**DIVIDED, **told, "nvmlShutdown_0": "0"})
    assert all(gpu.vram_gb > 0 and math.isfinite(gpu.vram_gb) for gpu in answer.found)
    assert all(gpu.name and gpu.name.isprintable() for gpu in answer.found)
    assert answer.found or answer.reason
    assert answer.running == 0


def test_nothing_is_loaded_before_it_is_needed() -> None:
    """Importing the room loads neither pynvml nor psutil, and looks for neither."""
    code = (
        "import sys, comfy_headless.health.gpus, comfy_headless.health.ram;"
        "print([name for name in ('pynvml', 'psutil', 'ctypes') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_without_the_extra() -> None:
    """Where the extra is missing, the reason names the command that installs it."""
    code = "from comfy_headless.health.gpus import find_gpus; print(find_gpus())"
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    missing = "looking for GPUs needs the extra 'health': module 'psutil' is not installed"
    reason = f"{missing}; {install_hint('health')}"
    assert done.stdout == f"Gpus(found=(), reason={reason!r})\n"
