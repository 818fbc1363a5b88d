"""A plugin: name files by project, keep a journal of every job: python journal.py "a prompt" [--server ADDRESS]"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from comfy_headless import ComfyClient, Event, OutputReady, Plugin, Result


class Journal(Plugin):
    """Writes one line of JSON for each job that ended well; says what comes meanwhile."""

    def __init__(self, path: str, project: str) -> None:
        self.path, self.project = Path(path), project

    def before_submit(self, graph: dict[str, Any]) -> None:
        """Let the server save the files of this project in a folder of its own."""
        for node in graph.values():
            prefix = node["inputs"].get("filename_prefix")
            if isinstance(prefix, str):
                node["inputs"]["filename_prefix"] = f"{self.project}/{prefix}"

    def on_event(self, event: Event) -> None:
        """Say what was saved."""
        if isinstance(event, OutputReady):
            print(f"saved: {event.output.subfolder}/{event.output.filename}")

    def after_result(self, result: Result) -> None:
        """Add a line to the journal."""
        line = {"preset": result.preset, "seed": result.seed, "files": [str(path) for path in result.files]}
        with self.path.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")


parser = argparse.ArgumentParser(description="Make one video and write it into a journal.")
parser.add_argument("prompt")
parser.add_argument("--server", help="address of ComfyUI; else COMFY_HEADLESS_URL, then http://localhost:8188")
given = parser.parse_args()

with ComfyClient(given.server, plugins=[Journal("journal.jsonl", "storm")]) as client:
    result = client.generate_video(given.prompt, out="videos/")
print(result.path)
