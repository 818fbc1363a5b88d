"""Measure what the import of the extra `ai` adds to bare Python, and how long a prompt takes once its words are read.

The exit code is 1 if one is over its limit.

usage: python benchmarks/analyze.py [ROUNDS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PROMPTS = ROOT / "tests/ai/data/prompts.jsonl"
IMPORT = "import comfy_headless; comfy_headless.analyze_prompt, comfy_headless.PromptAnalysis"
IMPORT_MS, PROMPT_MS = 150.0, 5.0


def milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return (time.perf_counter() - start) * 1000


def imported(rounds: int) -> float:
    """Return the milliseconds that the import adds: the difference of medians of interleaved runs."""
    times = [(milliseconds("pass"), milliseconds(IMPORT)) for _ in range(rounds)]
    return statistics.median(after for _, after in times) - statistics.median(before for before, _ in times)


def analyzed(rounds: int) -> list[float]:
    """Return the milliseconds of each labelled prompt, the median of its rounds, once all word lists are read."""
    from comfy_headless import analyze_prompt

    texts = [json.loads(line)["text"] for line in PROMPTS.read_bytes().splitlines()]
    times: list[list[float]] = [[] for _ in texts]
    for _ in range(rounds + 1):
        for text, taken in zip(texts, times, strict=True):
            start = time.perf_counter()
            analyze_prompt(text)
            taken.append((time.perf_counter() - start) * 1000)
    return sorted(statistics.median(taken[1:]) for taken in times)


def main(rounds: int) -> int:
    """Print both, with their limits."""
    added = imported(rounds)
    print(f"import of the extra: {added:.1f} ms more than bare Python, of at most {IMPORT_MS:g}; {rounds} rounds")
    times = analyzed(min(rounds, 5))
    mean, last = statistics.mean(times), times[int(len(times) * 0.99)]
    print(f"a prompt, warm: {mean:.2f} ms on average, 99 in 100 within {last:.2f} ms, of at most {PROMPT_MS:g}")
    return int(added > IMPORT_MS or last > PROMPT_MS)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
