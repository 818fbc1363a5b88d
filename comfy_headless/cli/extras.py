"""``comfy-headless features``: which extras are installed, and how to get the others."""

from __future__ import annotations

from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal, columns
from comfy_headless.features import FEATURES, list_missing_features


def features(as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False) -> Action:
    """List the optional extras, and what installs those that are missing."""
    return _features


def _features(terminal: Terminal) -> Answer:
    there, missing = dict(FEATURES), list_missing_features()
    rows = [(extra, "yes" if ready else "no", missing.get(extra, "")) for extra, ready in there.items()]
    return Answer({"features": there, "missing": missing}, columns(rows))
