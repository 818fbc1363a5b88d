"""How the timed runs in presets/cards.toml keep what is estimated for them; 1 if the efficiency no longer fits them.

usage: python benchmarks/efficiency.py

The estimate is FIXED_SECONDS + operations / (rate of the card x EFFICIENCY). ``reached`` is the share of its rate that
a card did reach, with FIXED_SECONDS taken off. Needs no server: it computes from cards.toml and networks.toml.
"""

from __future__ import annotations

import statistics
import sys

from comfy_headless.catalog.cards import EFFICIENCY, FIXED_SECONDS, Run, cards, find_card
from comfy_headless.catalog.memory import Clip, pflop
from comfy_headless.catalog.presets import PRESETS

KEPT = 0.8  # of the runs take no longer than is estimated
COLUMNS = "{:16} {:>13} {:>5} {:>6}  {:16} {:>7} {:>8} {:>9} {:>6} {:>8}"


def work(run: Run) -> float | None:
    """Return the PFLOP of a run; None where its network's operations are not counted."""
    network = PRESETS.networks.networks[run.network]
    once = pflop(network, PRESETS.networks.vae_of(network), Clip(run.width, run.height, run.frames))
    return None if once is None else once * run.steps * run.passes


def estimated(run: Run, pflops: float) -> float:
    """Return the seconds that are estimated for a run."""
    card = find_card(run.card, None)
    assert card is not None
    return FIXED_SECONDS + pflops * 1000 / card.tflops


def main() -> int:
    """Print one line for each run, and how well they are kept."""
    print(
        COLUMNS.format(
            "network", "size", "steps", "passes", "card", "PFLOP", "seconds", "estimated", "ratio", "reached"
        )
    )
    reached, over = [], []
    for run in cards().run:
        pflops = work(run)
        shape = f"{run.width}x{run.height}x{run.frames}"
        if pflops is None:
            print(COLUMNS.format(run.network, shape, run.steps, run.passes, run.card, "?", run.seconds, "", "", ""))
            continue
        seconds = estimated(run, pflops)
        share = (seconds - FIXED_SECONDS) * EFFICIENCY / (run.seconds - FIXED_SECONDS)
        reached.append(share)
        over.append(run.seconds / seconds)
        numbers = (f"{pflops:.2f}", f"{run.seconds:g}", f"{seconds:.0f}", f"{over[-1]:.2f}", f"{share:.2f}")
        print(COLUMNS.format(run.network, shape, run.steps, run.passes, run.card, *numbers))
    kept = sum(ratio <= 1 for ratio in over)
    low, middle, _ = statistics.quantiles(reached)
    print(f"\n{kept} of {len(over)} runs take no longer than estimated; the worst takes {max(over):.2f} times as long")
    print(f"share of its rate that a card reached: lower quartile {low:.2f}, median {middle:.2f}; taken: {EFFICIENCY}")
    return int(kept < KEPT * len(over))


if __name__ == "__main__":
    sys.exit(main())
