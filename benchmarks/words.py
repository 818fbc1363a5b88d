"""How often `analyze_prompt` is right on the labelled prompts, against two ways that need no understanding.

    python -m benchmarks.words [--held-out]

"majority" always gives the most frequent answer of the prompts for tuning. "keywords" looks for English words anywhere
in the text, inside of other words too, as prompt tools do. The held-out prompts are for the last measurement: nothing
may be tuned by them. No text is printed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.ai.intent import INTENTS
from tests.ai.labelled import Labelled, labelled

FIELDS: Final = ("intent", "camera", "duration", "aspect", "language", "shot", "pace", "sound")
KEYWORDS: Final[dict[str, dict[Any, tuple[str, ...]]]] = {
    "intent": {
        "portrait": ("portrait", "face", "woman", "man", "girl", "boy", "person", "people", "selfie"),
        "animal": ("animal", "cat", "dog", "bird", "horse", "fish", "lion", "wolf", "fox", "bear"),
        "action": ("action", "fight", "run", "jump", "dance", "battle", "chase", "race", "explosion"),
        "object": ("product", "car", "bottle", "food", "watch", "phone", "shoe", "cup", "cake"),
        "abstract": ("abstract", "pattern", "fractal", "logo", "geometric", "particles"),
        "scene": ("landscape", "city", "mountain", "forest", "street", "ocean", "beach", "room", "sky"),
    },
    "camera": {
        "pan": ("pan",),
        "tilt": ("tilt",),
        "zoom_in": ("zoom in", "zoom"),
        "zoom_out": ("zoom out",),
        "dolly_in": ("dolly", "push in"),
        "dolly_out": ("pull back",),
        "tracking": ("tracking", "follow"),
        "orbit": ("orbit", "around"),
        "crane": ("crane",),
        "handheld": ("handheld",),
        "aerial": ("aerial", "drone"),
        "pov": ("pov",),
        "static": ("static",),
    },
    "duration": {float(seconds): (f"{seconds}s", f"{seconds} s") for seconds in range(30, 0, -1)},
    "aspect": {
        "9:16": ("9:16", "vertical"),
        "16:9": ("16:9", "widescreen"),
        "1:1": ("1:1", "square"),
        "4:3": ("4:3",),
        "21:9": ("21:9",),
    },
    "shot": {
        "extreme_close_up": ("extreme close", "macro"),
        "close_up": ("close-up", "close up", "closeup"),
        "medium": ("medium shot",),
        "wide": ("wide",),
        "extreme_wide": ("extreme wide",),
    },
    "pace": {
        "slow_motion": ("slow motion", "slow-motion", "slow mo"),
        "timelapse": ("timelapse", "time-lapse"),
        "slow": ("slow",),
        "fast": ("fast", "quick"),
    },
    "sound": {True: ("sound", "music", "voice", "says", "speak", "talk")},
}
NOTHING: Final[dict[str, Any]] = {
    "intent": "portrait",
    "camera": frozenset(),
    "duration": None,
    "aspect": None,
    "language": "en",
    "shot": None,
    "pace": "normal",
    "sound": False,
}
"""What keywords answer where none of them is there."""
Answer = Callable[[str], dict[str, Any]]


def value(prompt: Labelled, field: str) -> Any:
    """Return what the writer of a prompt said of one field."""
    said = getattr(prompt, field)
    return frozenset(said) if field == "camera" else said


def engine(text: str) -> dict[str, Any]:
    """Answer as the embedded engine does."""
    analysis = analyze_prompt(text)
    return {field: getattr(analysis, field) for field in FIELDS}


def majority(prompts: Sequence[Labelled]) -> Answer:
    """Answer what is most frequent in these prompts, whatever the text."""
    most = {field: Counter(value(each, field) for each in prompts).most_common(1)[0][0] for field in FIELDS}
    return lambda text: most


def keywords(text: str) -> dict[str, Any]:
    """Answer by words that stand anywhere in the text."""
    lower = text.lower()
    told = dict(NOTHING)
    for field, answers in KEYWORDS.items():
        hits = [answer for answer, words in answers.items() if any(word in lower for word in words)]
        if field == "camera":
            told[field] = frozenset(hits)
        elif hits:
            told[field] = hits[0]
    return told


def main() -> int:
    """Print accuracy by field, language and kind, and which intent was taken for which."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="measure on the prompts that nothing is tuned by")
    arguments = parser.parse_args()
    prompts = labelled("held_out" if arguments.held_out else "prompts")
    times = []
    told = []
    for each in prompts:
        start = time.perf_counter()
        told.append(engine(each.text))
        times.append((time.perf_counter() - start) * 1000)
    usual = majority(labelled("prompts"))
    ways = {
        "engine": told,
        "majority": [usual(each.text) for each in prompts],
        "keywords": [keywords(each.text) for each in prompts],
    }
    print(f"{len(prompts)} prompts; an analysis takes {statistics.median(times):.2f} ms, at most {max(times):.1f} ms")
    print(f"{'':10}", *(f"{way:>9}" for way in ways))
    for field in FIELDS:
        print(f"{field:10}", *(f"{share(prompts, answers, field):9.3f}" for answers in ways.values()))
    show_groups(prompts, told)
    show_intents(prompts, told)
    return 0


def share(prompts: Sequence[Labelled], told: Sequence[dict[str, Any]], field: str) -> float:
    """Return the share of prompts where a field is right."""
    right = [value(each, field) == answer[field] for each, answer in zip(prompts, told, strict=True)]
    return sum(right) / len(right) if right else 0.0


def show_groups(prompts: Sequence[Labelled], told: Sequence[dict[str, Any]]) -> None:
    """Print accuracy by kind and by language."""
    print(f"\n{'':10} {'prompts':>7}", *(f"{field:>8}" for field in FIELDS))
    for by in ("kind", "language"):
        for group in sorted({getattr(each, by) for each in prompts}):
            chosen = [place for place, each in enumerate(prompts) if getattr(each, by) == group]
            here, answers = [prompts[place] for place in chosen], [told[place] for place in chosen]
            print(f"{group:10} {len(here):7}", *(f"{share(here, answers, field):8.2f}" for field in FIELDS))


def show_intents(prompts: Sequence[Labelled], told: Sequence[dict[str, Any]]) -> None:
    """Print which intent was taken for which."""
    table = Counter((each.intent, answer["intent"]) for each, answer in zip(prompts, told, strict=True))
    print(f"\n{'intent':10}", *(f"{intent:>8}" for intent in INTENTS), "  <- told")
    for intent in INTENTS:
        print(f"{intent:10}", *(f"{table[intent, other]:8}" for other in INTENTS))


if __name__ == "__main__":
    sys.exit(main())
