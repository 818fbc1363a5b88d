"""What small runs of a preset showed: whether it makes what is asked, and whether its rules are those of its nodes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from comfy_headless.catalog.audit import Checked, State
from comfy_headless.catalog.preset import AtTask, Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.probing import Ask

_LONGEST: Final = 160


class Made(NamedTuple):
    """What a file holds."""

    width: int
    height: int
    frames: int
    fps: float
    sound: bool


class Outcome(NamedTuple):
    """How one run ended.

    Args:
        sound: whether the graph should make some; None if it does not tell.
        made: None if nothing came of it; ``problem`` says why.
        seconds: that it took.
    """

    ask: Ask
    sound: bool | None
    made: Made | None = None
    problem: str = ""
    seconds: float = 0.0


def rows_of(preset: Preset, task: Task, outcomes: Sequence[Outcome]) -> Iterator[Checked]:
    """Yield the checks that these runs make; the first is that of the smallest legal values."""
    first, view = outcomes[0], preset.at(task)
    if first.made is None:
        yield Checked("runs", task, State.FAIL, first.problem)
        for name in ("size", "frames", "fps", "sound"):
            yield Checked(name, task, State.NOT_TRIED, "nothing ran")
        return
    asked = [outcome for outcome in outcomes if outcome.ask.legal]
    failed = [outcome.problem for outcome in asked if outcome.made is None]
    yield Checked(
        "runs",
        task,
        State.FAIL if failed else State.OK,
        "\n".join(failed) or f"{len(asked)} runs of legal values, {first.seconds:.1f} s for the smallest",
    )
    yield _size(view, task, outcomes)
    if preset.makes == "video":
        yield _frames(view, task, outcomes)
        yield _rate(task, asked)
        yield _sound(task, first.sound, first.made)


def _size(view: AtTask, task: Task, outcomes: Sequence[Outcome]) -> Checked:
    if not any("width" in outcome.ask.expected for outcome in outcomes):
        return Checked("size", task, State.NOT_TRIED, "the size is no setting")
    rule = view.rules.size
    told: list[str] = []
    wrong = stricter = False
    for outcome in outcomes:
        values = outcome.ask.expected
        if "width" not in values or (not outcome.ask.legal and "size" not in outcome.ask.name):
            continue
        wanted = values["width"], values["height"]
        got = None if outcome.made is None else (outcome.made.width, outcome.made.height)
        told.append(_told(f"{wanted[0]}x{wanted[1]}", got and f"{got[0]}x{got[1]}", outcome))
        wrong |= outcome.ask.legal and got != wanted
        stricter |= not outcome.ask.legal and got == wanted
    name = " or ".join(f"{w}x{h}" for w, h in rule.only) or f"multiples of {rule.multiple}, at least {rule.minimum}"
    return Checked(
        "size", task, State.FAIL if wrong else State.OK, _verdict(name, told, wrong=wrong, stricter=stricter)
    )


def _frames(view: AtTask, task: Task, outcomes: Sequence[Outcome]) -> Checked:
    rule = view.rules.frames
    if rule is None or not any("frames" in outcome.ask.expected for outcome in outcomes):
        return Checked("frames", task, State.NOT_TRIED, "the length is no setting")
    told: list[str] = []
    wrong = stricter = False
    for outcome in outcomes:
        if not outcome.ask.legal and "frames" not in outcome.ask.name:
            continue
        wanted = outcome.ask.expected["frames"]
        got = None if outcome.made is None else outcome.made.frames
        told.append(_told(str(wanted), None if got is None else str(got), outcome))
        wrong |= outcome.ask.legal and got != wanted
        stricter |= not outcome.ask.legal and got == wanted
    state = State.FAIL if wrong else State.OK
    return Checked("frames", task, state, _verdict(str(rule), told, wrong=wrong, stricter=stricter))


def _told(wanted: str, got: str | None, outcome: Outcome) -> str:
    if got is None:
        why = outcome.problem.partition("\n")[0]
        return f"asked {wanted}: refused ({why if len(why) <= _LONGEST else f'{why[: _LONGEST - 3]}...'})"
    lower = all(int(one) <= int(other) for one, other in zip(got.split("x"), wanted.split("x"), strict=True))
    beside = "made" if got == wanted else "floored" if lower else "changed"
    return f"asked {wanted} got {got}" + ("" if outcome.ask.legal else f" ({beside})")


def _verdict(rule: str, told: Sequence[str], *, wrong: bool, stricter: bool) -> str:
    if wrong:
        end = "the rule allows what is not made"
    elif stricter:
        end = "rule holds; the nodes make more than it allows"
    else:
        end = "rule holds"
    return f"{rule}: {', '.join(dict.fromkeys(told))}: {end}"


def _rate(task: Task, asked: Sequence[Outcome]) -> Checked:
    outcome = asked[0]
    wanted = outcome.ask.expected.get("fps")
    if wanted is None or outcome.made is None:
        return Checked("fps", task, State.NOT_TRIED, "the frame rate is no setting")
    got = outcome.made.fps
    right = math.isclose(got, wanted, rel_tol=0.005)
    return Checked("fps", task, State.OK if right else State.FAIL, f"asked {wanted:g} got {got:g}")


def _sound(task: Task, wanted: bool | None, made: Made) -> Checked:
    words = {True: "with sound", False: "silent"}
    if wanted is None:
        return Checked("sound", task, State.NOT_TRIED, f"the graph does not tell; the file is {words[made.sound]}")
    state = State.OK if wanted == made.sound else State.FAIL
    return Checked("sound", task, state, f"the graph makes it {words[wanted]}; the file is {words[made.sound]}")
