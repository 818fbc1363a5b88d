"""The table of docs/presets.md: ``python -m tests.catalog.page`` writes it anew, tests/test_docs.py compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.catalog.selection import Wanted, select_presets
from comfy_headless.cli.preset_table import duration
from tests.cli.program import ROOT

PAGE: Final = ROOT / "docs" / "presets.md"
HEADS: Final = ("preset", "model", "makes a video from", "as it is", "VRAM", "RAM", "time")
FROM: Final = {"text": "text", "image": "a first image", "first_last": "a first and a last image"}


def cells() -> Iterator[tuple[str, ...]]:
    """The row of each preset, in the order of ``presets list``."""
    for preset in select_presets(VIDEO_PRESETS.values(), Wanted()).presets:
        needs = preset.needs
        yield (
            f"`{preset.name}`",
            preset.title,
            "; ".join(FROM[task] for task in preset.tasks),
            preset.output(),
            f"{needs.min_vram_gb.value:g} GiB, better {needs.rec_vram_gb.value:g}",
            f"{needs.min_ram_gb.value:g} GiB",
            duration(needs.seconds.value) if needs.seconds else "",
        )


def main() -> None:
    """Put the table into the page."""
    table = "\n".join(
        f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (HEADS, ("---",) * len(HEADS), *cells())
    )
    text, found = re.subn(
        r"(?<=<!-- presets -->\n)(\|.*\n)*", lambda _: f"{table}\n", PAGE.read_text(encoding="utf-8"), count=1
    )
    assert found == 1
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
