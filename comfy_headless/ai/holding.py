"""Hold a language model's answer to the rules: the facts of the prompt, its words, its language, the model's limit.

A model that did what the prompt says, and did not write it anew, loses facts or words: then the answer is not taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.ai.answer import Answer
from comfy_headless.ai.contradicting import contradictions
from comfy_headless.ai.enhancing import count_words
from comfy_headless.ai.instructing import Wish, words_asked
from comfy_headless.ai.keeping import facts_of, lost
from comfy_headless.ai.negatives import content_words, names_any, without_asked

_KEPT: Final = 0.5
"""The share of a prompt's words that an answer in its language has at least; another form of a word counts."""
_SHORTEST: Final = 0.6
"""How short an answer may be, by the signs of the prompt."""
_PLAY: Final = 1.25
_MORE: Final = 5
"""By how much, and by how many words, an answer may be longer than was asked for."""
_LONGEST: Final = 500
"""Words that an answer may have beside twice those of the prompt where no number was asked for."""
_SURE: Final = 0.8
"""How sure it must be which language an answer has, for another one to count."""


def check_answer(wish: Wish, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with an answer, a line each, as it is told to the model."""
    asked, target = wish.analysis, wish.target
    most, words = _most_words(wish), count_words(answer.enhanced)
    if words > most:
        yield f"it has {words} words, and may have {most}"
        return
    for fact in lost(facts_of(asked.text, asked.language), answer.enhanced, wish.language):
        yield f"it lost {fact}"
    if not _says_it(wish, answer.enhanced):
        yield "it is not about what the prompt says: keep its own words for what is seen and what happens"
    written = analyze_prompt(answer.enhanced)
    yield from contradictions(asked, written)
    if written.language != wish.language and written.confidence.get("language", 0.0) >= _SURE:
        yield f"it is in the language {written.language!r}, and not in {wish.language!r}"
    if target.limit is not None:
        tokens = target.tokens(answer.enhanced) or 0
        if tokens > target.limit:
            fitting = max(1, len(answer.enhanced.split()) * target.limit * 9 // (tokens * 10))
            fewest = min(fitting, words_asked(wish)[1] or fitting)
            yield f"it may have {tokens} tokens, and {target.limit} are read: write at most {fewest} words"
    if target.takes_negative:
        named = without_asked(answer.negative, asked.text).dropped
        if named:
            yield f"'negative' names what is asked for: {', '.join(named[:5])}"


def _most_words(wish: Wish) -> int:
    """Return how many words an answer may have: with some play what was asked for, and the prompt has its room."""
    own = count_words(wish.analysis.text)
    if isinstance(wish.length, int):
        return int(max(wish.length, own) * _PLAY) + _MORE
    return _LONGEST + 2 * own


def _says_it(wish: Wish, answer: str) -> bool:
    """Say whether an answer is still about the prompt."""
    asked = wish.analysis
    if len(answer) < _SHORTEST * len(asked.text):
        return False
    words, said = content_words(asked.text), content_words(answer)
    if asked.language != wish.language or not words:
        return True
    return sum(names_any(word, said) for word in words) >= _KEPT * len(words)
