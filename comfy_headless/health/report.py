"""What a look at everything gives: one line for each thing, each with what to do about it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from comfy_headless.errors import without_secrets
from comfy_headless.features import install_hint

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One thing that was looked at.

    Args:
        name: what it is, such as ``server`` or ``ffmpeg``; no two lines of a report have one name.
        state: ``ok``; ``warn``: something is missing, or slow; ``fail``: nothing can be made like that.
        text: what was found, in a sentence.
        remedy: a line to paste into a shell; None if there is nothing to do.
        facts: the numbers and names in the text.
    """

    name: str
    state: State
    text: str
    remedy: str | None = None
    facts: Mapping[str, str | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All that was looked at, in the order in which it is told.

    Args:
        server: the address that was asked, without what lets one in.
        lines: what was found. Where the server does not answer, those that only it could tell are left out.
    """

    server: str
    lines: tuple[HealthLine, ...]

    @property
    def ok(self) -> bool:
        """True if nothing fails; there may be warnings."""
        return not any(line.state == "fail" for line in self.lines)

    def __getitem__(self, name: str) -> HealthLine:
        found = next((line for line in self.lines if line.name == name), None)
        if found is None:
            raise KeyError(f"no line {name!r}; there are {', '.join(line.name for line in self.lines)}")
        return found

    def __str__(self) -> str:
        rows = [f"{line.state:<5} {line.name:<9} {line.text}" for line in self.lines]
        tries = [f"\n                try: {line.remedy}" if line.remedy else "" for line in self.lines]
        return "\n".join(row + remedy for row, remedy in zip(rows, tries, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        lines = [
            {
                "name": line.name,
                "state": line.state,
                "text": line.text,
                "remedy": line.remedy,
                "facts": {
                    name: round(value, 4) if isinstance(value, float) else value for name, value in line.facts.items()
                },
            }
            for line in self.lines
        ]
        return {"server": self.server, "ok": self.ok, "lines": lines}


def setting(name: str, value: str) -> str:
    """Return the line that sets a variable in a shell of this system; ``value`` stands as it is."""
    return f"set {name}={value}" if os.name == "nt" else f"export {name}={value}"


def program(*words: str) -> str:
    """Return a command of this package as a line to paste."""
    return shlex.join(["comfy-headless", *(without_secrets(word) for word in words)])


def installs(*extras: str) -> str:
    """Return the line that installs extras, all at once."""
    first = install_hint(extras[0])
    return first.replace(f"[{extras[0]}]", f"[{','.join(extras)}]")


def gib(value: float) -> str:
    """Return GiB in words."""
    return f"{value:.1f} GiB"
