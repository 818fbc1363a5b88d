"""What finished runs teach: seconds per unit of work, by server, device and network, in the user's cache folder.

It only makes estimates better, so nothing that is wrong with the file is an error: it is logged once, and what is known
otherwise is taken. Several processes may learn at once; of two at the same moment one may be lost.
"""

from __future__ import annotations

import json
import logging
import math
import statistics
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from comfy_headless.api.whole_file import write_whole
from comfy_headless.config import cache_folder, shown_url
from comfy_headless.errors import without_secrets

logger = logging.getLogger("comfy_headless")

Unit = Literal["pflop", "work"]

FILE: Final = "pace.json"
LAST: Final = 5
"""Runs of one kind that are kept; their median counts."""
OLDEST: Final = 180 * 86400.0
"""Seconds after which a run is forgotten: drivers, PyTorch and ComfyUI have changed since."""
MOST: Final = 1000
"""Runs that are kept in all: a service may see many servers, each for an hour."""

_LONGEST: Final = 1_000_000
"""Bytes; no file of ours is as long."""
_AHEAD: Final = 86400.0
"""Seconds that a clock may be wrong."""
_UNITS: Final[tuple[Unit, ...]] = ("pflop", "work")


class Pace(NamedTuple):
    """What is known of one device of one server, by network.

    Args:
        pflop: seconds per PFLOP.
        work: seconds per unit of work, for networks whose operations are not counted.
    """

    pflop: Mapping[str, float] = {}
    work: Mapping[str, float] = {}


class Sample(NamedTuple):
    """One finished run.

    Args:
        server: its address, without what lets one in.
        unit: what ``pace`` is per.
        pace: seconds per unit.
        at: seconds since 1970.
    """

    server: str
    device: str
    network: str
    unit: Unit
    pace: float
    at: float


def read_pace(server: str, device: str, *, now: float | None = None) -> Pace:
    """Return what finished runs have shown.

    Args:
        server: address; what lets one in is taken off.
        device: as the server calls it.
        now: seconds since 1970; None asks the clock.
    """
    path = _path()
    samples = _read(path) if path else None
    return known_pace(samples or (), server, device, now=time.time() if now is None else now)


def pace_of(server: str, device: str) -> dict[str, float]:
    """Return what finished runs have shown, by what they did: seconds per PFLOP of a network, or per unit of work."""
    pace = read_pace(server, device)
    return {**pace.work, **pace.pflop}


def learn(
    server: str,
    device: str,
    network: str,
    work: float,
    seconds: float,
    *,
    unit: Unit = "pflop",
    now: float | None = None,
) -> None:
    """Keep a finished run for later estimates; what is no finite number above zero teaches nothing.

    Args:
        server: address; what lets one in is not kept.
        device: as the server calls it.
        work: that was done: PFLOP, or whatever the caller counts where operations are not known.
        seconds: that it took, without what it takes whatever it computes (``catalog.vram.fixed_seconds``). Which runs
            teach something right, ``learning.py`` says.
        unit: what ``work`` counts.
        now: seconds since 1970; None asks the clock.
    """
    pace = seconds / work if work > 0 else math.nan
    path = _path()
    samples = _read(path) if path and _counts(pace) else None
    if path is None or samples is None:
        return
    at = time.time() if now is None else now
    new = Sample(shown_url(server), without_secrets(device), network, unit, pace, at)
    _write(path, kept_samples((*samples, new), now=at))


def known_pace(samples: Iterable[Sample], server: str, device: str, *, now: float) -> Pace:
    """Return the medians of what samples say of a device."""
    mine = (shown_url(server), without_secrets(device))
    found: dict[Unit, dict[str, list[float]]] = {unit: {} for unit in _UNITS}
    for sample in kept_samples(samples, now=now):
        if (sample.server, sample.device) == mine:
            found[sample.unit].setdefault(sample.network, []).append(sample.pace)
    by_unit = {
        unit: {network: statistics.median(paces) for network, paces in networks.items()}
        for unit, networks in found.items()
    }
    return Pace(by_unit["pflop"], by_unit["work"])


def kept_samples(samples: Iterable[Sample], *, now: float) -> tuple[Sample, ...]:
    """Return the samples that still count, oldest first: of each kind the last few, none too old."""
    young = [sample for sample in samples if -_AHEAD <= now - sample.at <= OLDEST]
    kept: list[Sample] = []
    alike: dict[tuple[str, ...], int] = {}
    for sample in sorted(young, key=lambda sample: sample.at, reverse=True)[:MOST]:
        kind = (sample.server, sample.device, sample.network, sample.unit)
        alike[kind] = alike.get(kind, 0) + 1
        if alike[kind] <= LAST:
            kept.append(sample)
    return tuple(reversed(kept))


def read_samples(text: str) -> tuple[Sample, ...]:
    """Read the file's text; what is no sample in it is passed over.

    Raises:
        ValueError: the whole is not such a file.
    """
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(data, dict) or not isinstance(data.get("runs"), list):
        raise ValueError("it does not hold runs")
    return tuple(sample for each in data["runs"] if (sample := _sample(each)) is not None)


def written_samples(samples: Iterable[Sample]) -> str:
    """Return the file's text."""
    return json.dumps({"runs": [sample._asdict() for sample in samples]}, indent=1) + "\n"


def _sample(data: Any) -> Sample | None:
    if not isinstance(data, dict) or data.keys() != set(Sample._fields):
        return None
    sample = Sample(**data)
    named = all(isinstance(word, str) for word in (sample.server, sample.device, sample.network))
    right = named and sample.unit in _UNITS and _counts(sample.pace) and _counts(sample.at)
    return sample if right else None


def _counts(number: Any) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return 0 < number <= 1e12  # no NaN passes, and no number that is too large for a float


def _path() -> Path | None:
    try:
        return cache_folder() / FILE
    except RuntimeError as error:  # pathlib: nobody knows where this user's home is
        _tell("no cache folder", str(error))
        return None


def _read(path: Path) -> tuple[Sample, ...] | None:
    """What the file holds, nothing where there is none; None where it must be left alone."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("not a file")
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
        if len(data) > _LONGEST:
            raise ValueError("it is too long")
        return read_samples(data.decode())
    except FileNotFoundError:
        return ()
    except OSError as error:
        _tell(f"{path} cannot be read", error.strerror or str(error))
        return None
    except ValueError as error:
        _tell(f"{path} is not what finished runs have left, and begun anew", str(error))
        return ()


def _write(path: Path, samples: Iterable[Sample]) -> None:
    try:
        write_whole(path, written_samples(samples).encode())
    except OSError as error:
        _tell(f"{path} cannot be written", error.strerror or str(error))


@cache
def _tell(what: str, why: str) -> None:
    """Say once what does not work."""
    logger.warning("how long things take is not learned: %s: %s", what, why)
