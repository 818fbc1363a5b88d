"""PromptTemplate and expand_prompt: one prompt with choices, lists and variables, and the prompts that come of it."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from comfy_headless.ai.wildcards.drawing import Chosen, draw, every
from comfy_headless.ai.wildcards.lists import lists_of
from comfy_headless.ai.wildcards.rules import join
from comfy_headless.config import wildcards_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

Wildcards: TypeAlias = str | os.PathLike[str] | Mapping[str, Iterable[str]]
"""Where lists are: a folder of text files, or the lists themselves by name."""

MOST: Final = 10_000
"""Prompts that one call gives."""
_MOST_CHARACTERS: Final = 50_000_000
_SEEDS: Final = 2**53
"""Drawn seeds stay below it, so that JSON readers that count in doubles keep them exact."""
_NO_SEED: Final = 2**64
"""The first number that is no seed; after the last one comes 0."""
_TRIES: Final = 1_000
_MOST_STEPS: Final = 200_000
_TRIES_A_WAY: Final = 20
"""Seeds without a new text until the search ends: all of n texts, equally likely, are then found but once in e^20."""


@dataclass(frozen=True, slots=True)
class ExpandedPrompt:
    """A prompt that came of a template; ``str()`` of it is the text.

    Args:
        text: the prompt.
        seed: gives the same text again, with the same template, lists and variables; None where all were asked for.
        choices: what was chosen, in the order of the template: ``source``, such as ``{cat|dog}`` or ``__animal__``, and
            the ``text`` that came of it.
    """

    text: str
    seed: int | None
    choices: tuple[Chosen, ...]

    def __str__(self) -> str:
        return self.text


class PromptTemplate:
    """A prompt with choices ``{cat|dog}``, lists ``__animal__`` and variables ``${name}``, read and checked.

    Lists are read once, when it is made.

    Args:
        text: the template.
        variables: texts by name, in place of what the template sets; signs in them mean nothing.
        wildcards: a folder of lists, or lists by name; None is COMFY_HEADLESS_WILDCARDS.

    Raises:
        ValidationError: it cannot be read, a list or variable is missing or leads back to itself, or a text of it could
            be too large; the message has the place.
    """

    def __init__(
        self, text: str, *, variables: Mapping[str, str] | None = None, wildcards: Wildcards | None = None
    ) -> None:
        if not isinstance(text, str):
            raise ValidationError(f"template={shown(text)}: expected text")
        given = dict(variables or {})
        odd = next((name for name, value in given.items() if not isinstance(value, str)), None)
        if odd is not None:
            raise ValidationError(f"variables={{{odd!r}: {shown(given[odd])}}}: expected text")
        self.text = text
        self._rules = join(text, given, lists_of(wildcards_folder() if wildcards is None else wildcards))

    @property
    def combinations(self) -> int:
        """How many ways there are to choose; two of them may lead to the same text."""
        return self._rules.ways

    def draw(self, seed: int) -> ExpandedPrompt:
        """Return the prompt of a seed; raises ValidationError."""
        return self._drawn(_seed(seed))

    def expand(self, *, seed: int | Literal["random"] | None = None, count: int = 1) -> list[ExpandedPrompt]:
        """Return different prompts, the first of ``seed``, the others of the seeds after it.

        Args:
            seed: whole number from 0; None, "random" and -1 draw one, which the prompts tell.
            count: how many. A seed whose text was there before is passed over.

        Raises:
            ValidationError: there are not so many, or not so many were found.
        """
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise ValidationError(f"count={shown(count)}: expected a whole number from 1 to {MOST}")
        if count > self.combinations:
            raise ValidationError(
                f"count={count}: the template has no more than {self.combinations}; ask for fewer, or for all "
                "(count=None, --all)"
            )
        first = secrets.randbelow(_SEEDS) if seed in (None, "random", -1) else _seed(seed)
        most = min(max(_TRIES, _TRIES_A_WAY * self.combinations), _MOST_STEPS // (1 + self._rules.steps))
        found: dict[str, ExpandedPrompt] = {}
        vain = 0
        for each in itertools.count(first):
            prompt = self._drawn(each % _NO_SEED)
            vain = 0 if found.setdefault(prompt.text, prompt) is prompt else vain + 1
            if len(found) == count:
                break
            if vain >= most:
                raise ValidationError(
                    f"count={count}: only {len(found)} different texts were found, and none in {most} seeds after "
                    "them. The others are rarely drawn, or the same; ask for fewer, or for all (count=None, --all)"
                )
        return list(found.values())

    def all(self) -> list[ExpandedPrompt]:
        """Return every different prompt, the last choice changing first; options of weight 0 are left out.

        Raises:
            ValidationError: there are more than 10 000 combinations, or they are too long together.
        """
        if self.combinations > MOST or self.combinations * self._rules.length > _MOST_CHARACTERS:
            raise ValidationError(
                f"the template has {self.combinations_text} combinations of up to {self._rules.length} characters, too "
                f"many to give all ({MOST} are the most); ask for some of them (count=, --count)"
            )
        found: dict[str, ExpandedPrompt] = {}
        for drawn in every(self._rules):
            found.setdefault(drawn.text, ExpandedPrompt(drawn.text, None, drawn.choices))
        return list(found.values())

    @property
    def combinations_text(self) -> str:
        """``combinations`` for people: a long number is rounded down to a power of ten."""
        digits = (self.combinations.bit_length() - 1) * 30103 // 100000
        return str(self.combinations) if digits < 15 else f"more than 10^{digits}"

    def _drawn(self, seed: int) -> ExpandedPrompt:
        drawn = draw(self._rules, seed)
        return ExpandedPrompt(drawn.text, seed, drawn.choices)


def expand_prompt(
    template: str,
    *,
    seed: int | Literal["random"] | None = None,
    count: int | None = 1,
    variables: Mapping[str, str] | None = None,
    wildcards: Wildcards | None = None,
) -> list[ExpandedPrompt]:
    """Return prompts that come of a template: ``{cat|dog}``, ``__animal__``, ``${name}`` (docs/prompts.md).

    The same template, lists, variables and seed give the same texts on every machine. Nothing else expands a prompt:
    ``generate_video`` takes braces as they are.

    Args:
        template: the text.
        seed: whole number from 0; None, "random" and -1 draw one, which the prompts tell. The first prompt is that of
            ``seed``, the others those of the seeds after it.
        count: how many different ones; None: all that there are, at most 10 000.
        variables: texts by name, in place of what the template sets; signs in them mean nothing.
        wildcards: a folder of lists, or lists by name; None is COMFY_HEADLESS_WILDCARDS.

    Raises:
        ValidationError: the template cannot be read, a list or variable is missing or leads back to itself, a text
            could be too large, or there are not so many different ones.
    """
    found = PromptTemplate(template, variables=variables, wildcards=wildcards)
    return found.all() if count is None else found.expand(seed=seed, count=count)


def _seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < _NO_SEED:
        raise ValidationError(f"seed={shown(seed)}: expected a whole number from 0, below 2**64")
    return seed
