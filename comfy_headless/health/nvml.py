"""Ask NVML, the library of NVIDIA's driver, which GPUs there are and how much memory each has.

Every call of NVML can fail for itself: the GPU it was about does not count, and a remark says which call it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pynvml

from comfy_headless.health.gpus import Gpu, Gpus
from comfy_headless.health.ram import GIB, find_ram

_NO_START: Final = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: (
        "no NVIDIA driver: its library cannot be loaded (libnvidia-ml.so.1, on Windows nvml.dll)"
    ),
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "no NVIDIA driver: it is installed, but not loaded",
    pynvml.NVML_ERROR_NO_PERMISSION: "no permission to talk to the NVIDIA driver",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "the NVIDIA driver and its library differ in version, as after an update: restart the machine"
    ),
}
# So answers what cannot be in MIG mode: most GPUs, and drivers older than MIG.
_NO_MIG: Final = (pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)


class _Refusal(Exception):
    """A call of NVML failed; ``code`` is its NVML_ERROR, ``str()`` what was asked and what NVML said."""

    def __init__(self, asked: str, error: pynvml.NVMLError) -> None:
        words = _text(error.__str__)
        super().__init__(f"{asked} says {words!r} (NVML error {error.value})")
        self.code: int = error.value


def read_gpus() -> Gpus:
    """Return every GPU with its memory, and what else is to be said."""
    try:
        _ask(pynvml.nvmlInit)
    except _Refusal as refusal:
        return Gpus((), _NO_START.get(refusal.code, f"NVML does not start: {refusal}"))
    said: list[Gpu | str] = []
    try:
        said += _machine()
    finally:
        said += _shut_down()
    remarks = [remark for remark in said if isinstance(remark, str)]
    return Gpus(tuple(gpu for gpu in said if isinstance(gpu, Gpu)), "; ".join(remarks) or None)


def _machine() -> Iterator[Gpu | str]:
    """Yield each GPU that counts, and a remark on each that does not."""
    try:
        count = _ask(pynvml.nvmlDeviceGetCount)
    except _Refusal as refusal:
        yield f"the GPUs cannot be counted: {refusal}"
        return
    if not count:
        yield "the NVIDIA driver has no GPU"
    for index in range(count):
        try:
            yield from _gpu(index, _ask(pynvml.nvmlDeviceGetHandleByIndex, index))
        except _Refusal as refusal:
            yield f"GPU {index} does not count: {refusal}"


def _gpu(index: int, handle: Any) -> Iterator[Gpu | str]:
    """Yield one GPU, or the instances that it is divided into."""
    name, remarks = _name(handle, f"GPU {index}")
    yield from remarks
    if _is_divided(handle):
        yield from _instances(index, name, handle)
    elif own := _own_memory(handle):
        yield Gpu(name, own, index)
    else:
        yield from _unified(index, name)


def _unified(index: int, name: str) -> Iterator[Gpu | str]:
    """Yield a GPU that has no memory of its own, as in a DGX Spark or a Jetson."""
    ram = find_ram()
    if ram.total_gb is None:
        yield f"{_called(index, name)} does not count: it uses the machine's RAM, and {ram.reason}"
        return
    yield Gpu(name, ram.total_gb, index, unified=True)
    yield f"{_called(index, name)} has no memory of its own: the machine's {ram.total_gb:.1f} GiB of RAM count as VRAM"


def _instances(index: int, name: str, handle: Any) -> Iterator[Gpu | str]:
    """Yield the instances of a GPU in MIG mode, which has nothing to give but them."""
    free = 0
    places = _ask(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle)
    for place in range(places):
        try:
            instance = _ask(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, place)
            total = _total(instance)
        except _Refusal as refusal:
            if refusal.code == pynvml.NVML_ERROR_NOT_FOUND:
                free += 1
            else:
                yield f"MIG instance {place} of {_called(index, name)} does not count: {refusal}"
            continue
        if not total:
            yield f"MIG instance {place} of {_called(index, name)} does not count: NVML says it has no memory"
            continue
        own_name, remarks = _name(instance, f"{name} MIG {place}")
        yield from remarks
        yield Gpu(own_name, total, index, mig=True)
    if free == places:
        yield f"{_called(index, name)} does not count: it is in MIG mode and has no instance"


def _is_divided(handle: Any) -> bool:
    try:
        current, _ = _ask(pynvml.nvmlDeviceGetMigMode, handle)
    except _Refusal as refusal:
        if refusal.code in _NO_MIG:
            return False
        raise
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)


def _own_memory(handle: Any) -> float:
    """Return GiB, 0.0 for a GPU without memory of its own.

    Of such a GPU NVML says "Not Supported" (GB10: kubernetes-sigs/dra-driver-nvidia-gpu issue 1073) or no bytes
    (Syllo/nvtop pull request 411).
    """
    try:
        return _total(handle)
    except _Refusal as refusal:
        if refusal.code == pynvml.NVML_ERROR_NOT_SUPPORTED:
            return 0.0
        raise


def _total(handle: Any) -> float:
    return int(_ask(pynvml.nvmlDeviceGetMemoryInfo, handle).total) / GIB


def _name(handle: Any, otherwise: str) -> tuple[str, list[str]]:
    """Return what a GPU is called; where NVML does not say, the other name and a remark."""
    try:
        return _text(lambda: _ask(pynvml.nvmlDeviceGetName, handle)) or otherwise, []
    except _Refusal as refusal:
        return otherwise, [f"{otherwise} has no name: {refusal}"]


def _called(index: int, name: str) -> str:
    return name if name == f"GPU {index}" else f"GPU {index} ({name})"


def _shut_down() -> list[str]:
    try:
        _ask(pynvml.nvmlShutdown)
    except _Refusal as refusal:
        return [f"NVML does not stop: {refusal}"]
    return []


def _ask(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call NVML.

    Raises:
        _Refusal: it returned an error.
    """
    try:
        return call(*arguments)
    except pynvml.NVMLError as error:
        raise _Refusal(call.__name__, error) from error


def _text(read: Callable[[], str | bytes]) -> str:
    """Return what NVML wrote, readable whatever it is: pynvml decodes by itself, and fails where it is not UTF-8."""
    try:
        written = read()
    except UnicodeDecodeError as error:
        written = error.object
    text = written.decode(errors="replace") if isinstance(written, bytes) else written
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text).strip()
