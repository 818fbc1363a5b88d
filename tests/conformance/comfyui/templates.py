"""ComfyUI's official workflows, from the package that carries them: other people's texts, which are not kept here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .cache import cached, digest, run

CARRIED = Path(__file__).with_name("templates.txt")


def official_workflows() -> dict[str, dict[str, Any]]:
    """Return them all by name, in the browser's format; the package is fetched first if need be (3 MB)."""
    folder = cached(f"templates-{digest([CARRIED])}", _fetch) / "package/comfyui_workflow_templates_json/templates"
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return {name: raw for name, raw in found.items() if isinstance(raw, dict) and "nodes" in raw}


def _fetch(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    wanted = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(CARRIED)]
    run([*pip, "install", *wanted, "--no-compile", "--target", "package"], folder)
