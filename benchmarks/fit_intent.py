"""Make the weights by which the intent of a prompt is told, from labelled prompts and plain ones.

    python -m benchmarks.fit_intent [--write]

Logistic regression that is held to weights which follow from the meaning of the kinds of words: where the prompts say
little of a feature, it keeps those. Accuracy is that of prompts that were not learned from: ten folds.
The language is the labelled one, so that mistakes of its detection are not counted here. Reads no held-out prompt.
Prompts of languages that have no words yet teach nothing and are left out.
The same prompts give the same file; ``--write`` puts it to comfy_headless/ai/words/intent.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import comfy_headless.ai
from comfy_headless.ai.intent import INTENTS, TELLING
from comfy_headless.ai.intent_features import features
from comfy_headless.ai.language import Language
from comfy_headless.ai.reading import read
from comfy_headless.ai.subject_roles import find_parts
from comfy_headless.ai.subject_words import lexicon_of
from comfy_headless.ai.video.looking import find_video_fields
from tests.ai.labelled import Labelled, labelled

STRENGTH = 0.7
"""How strongly weights are held to what they are without any prompt."""
FOLDS, ROUNDS, STEPS = 10, 1, 150
OUTRIGHT = {"portrait": 2.0, "product": 2.0, "scene": 2.0, "event": 2.0, "abstract": 2.5, "motion": 0.7}
SHARES = {"first": 0.5}
Floats = NDArray[np.float64]
Rows = list[dict[str, float]]


def expected(name: str) -> list[float]:
    """Return the weights of one feature as its meaning has them, before any prompt."""
    words = name.split()
    kind = words[1] if words[0] == "head" and len(words) == 2 else words[-1]
    size = 1.5 if words[0] == "head" else SHARES.get(words[0], 0.3) * OUTRIGHT.get(kind, 0.6)
    known = words[0] != "head" or len(words) == 2
    return [size if known and kind in TELLING[intent] else 0.0 for intent in INTENTS]


def matrix(rows: Sequence[dict[str, float]], names: list[str]) -> Floats:
    """Return one line a prompt, one column a feature."""
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def fit(values: Floats, answers: NDArray[np.int_], start: Floats) -> Floats:
    """Return the weights: gradient descent with momentum, from `start` and held to it."""
    wanted = np.eye(len(INTENTS))[answers]
    step = 1 / (0.5 * np.linalg.norm(values, 2) ** 2 + STRENGTH)
    weights, ahead, pace = start.copy(), start.copy(), 1.0
    for _ in range(STEPS):
        slope = values.T @ (chances(values @ ahead) - wanted) + STRENGTH * (ahead - start)
        reached, next_pace = ahead - step * slope, (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead, weights, pace = reached + (pace - 1) / next_pace * (reached - weights), reached, next_pace
    return weights


def chances(scores: Floats) -> Floats:
    """Return scores as chances, each line 1 in all."""
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    total: Floats = likely / likely.sum(axis=1, keepdims=True)
    return total


def unseen(rows: Rows, answers: NDArray[np.int_], count: int, seed: int) -> NDArray[np.int_]:
    """Return what is told of each of the first `count` by weights that were made without it."""
    order = np.random.default_rng(seed).permutation(count)
    told = np.zeros(count, int)
    for fold in range(FOLDS):
        here = order[fold::FOLDS]
        learned = np.setdiff1d(np.arange(len(rows)), here)
        names = sorted({name for place in learned for name in rows[place]})
        start = np.array([expected(name) for name in names])
        weights = fit(matrix([rows[place] for place in learned], names), answers[learned], start)
        told[here] = (matrix([rows[place] for place in here], names) @ weights).argmax(axis=1)
    return told


def examples() -> list[tuple[str, str, str]]:
    """Return the plain prompts that are learned from beside the labelled ones: language, intent, text."""
    lines = Path(__file__).with_name("intent_examples.tsv").read_text(encoding="utf-8").splitlines()
    said = (line.split("\t") for line in lines)
    return [(language, intent, text) for language, intent, text in said if lexicon_of(language)]


def main() -> int:
    """Print how good the weights are, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    prompts = [each for each in labelled("prompts") if lexicon_of(each.language)]
    said = [(each.language, each.intent, each.text) for each in prompts] + examples()
    readings = [replace(read(text), language=Language(language, 1.0)) for language, _, text in said]
    rows = [features(reading, find_parts(reading), find_video_fields(reading)) for reading in readings]
    order: dict[str, int] = {intent: place for place, intent in enumerate(INTENTS)}
    every = np.array([order[intent] for _, intent, _ in said])
    answers = every[: len(prompts)]
    rounds = [unseen(rows, every, len(prompts), seed) for seed in range(ROUNDS)]
    print(f"unseen: {np.mean([told == answers for told in rounds]):.3f}")
    show(prompts, answers, rounds[0])
    names = sorted({name for row in rows for name in row})
    start = np.array([expected(name) for name in names])
    values = matrix(rows, names)
    weights = fit(values, every, start)
    print(f"learned from: {np.mean((values @ weights).argmax(axis=1) == every):.3f}")
    print(f"before any prompt: {np.mean((values @ start).argmax(axis=1) == every):.3f}")
    if arguments.write:
        lines = (
            f"{json.dumps(name)}: {json.dumps([round(x, 3) for x in row])}"
            for name, row in zip(names, weights.tolist(), strict=True)
        )
        path = Path(comfy_headless.ai.__path__[0], "words", "intent.json")
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


def show(prompts: list[Labelled], answers: NDArray[np.int_], told: NDArray[np.int_]) -> None:
    """Print accuracy by language and kind, and which intent was taken for which."""
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for each, good in zip(prompts, (answers == told).tolist(), strict=True):
        for group in (each.language, each.kind):
            count[group] += 1
            right[group] += good
    print("  ".join(f"{group} {right[group] / count[group]:.2f}" for group in sorted(count)))
    table = Counter(zip(answers.tolist(), told.tolist(), strict=True))
    for place, intent in enumerate(INTENTS):
        print(f"{intent:9}", *(f"{table[place, other]:4}" for other in range(len(INTENTS))))


if __name__ == "__main__":
    sys.exit(main())
