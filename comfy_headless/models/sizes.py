"""Sizes of files, as people read them."""

from __future__ import annotations

from collections.abc import Iterable

from comfy_headless.catalog.preset_file import ModelFile


def size_text(bytes_: float) -> str:
    """Return a size: ``1.41 GB``, ``512 MB``, ``12 bytes``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes_ >= size:
            return f"{bytes_ / size:.3g} {unit}" if bytes_ < 1000 * size else f"{bytes_ / size:,.0f} {unit}"
    return f"{bytes_:.0f} bytes"


def file_size_text(file: ModelFile) -> str:
    """Return the size of a described file, which nobody may have read."""
    return "size not known" if file.size_gb is None else size_text(file.size_gb * 1e9)


def total_gb(files: Iterable[ModelFile]) -> float | None:
    """Return what files take in 1e9 bytes, None where the size of one is not known."""
    sizes = [file.size_gb for file in files]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
