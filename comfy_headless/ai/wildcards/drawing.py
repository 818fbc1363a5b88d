"""Draw a text from a template by a seed, or write down all of them.

What is drawn hangs on the seed alone: the n-th draw of a text, counted from 0, among m is the SHA-256 of ``"seed:n"``
(decimal numbers) as a big-endian number, modulo m. So it is the same on every machine and in every version of Python.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import permutations, product
from typing import NamedTuple

from comfy_headless.ai.wildcards.rules import Body, Once, Part, Pick, Rules
from comfy_headless.ai.wildcards.syntax import Text


class Chosen(NamedTuple):
    """One choice that was made.

    Args:
        source: what there was to choose from, as the template has it, such as ``{cat|dog}`` or ``__animal__``.
        text: what came of it.
    """

    source: str
    text: str


class Drawn(NamedTuple):
    """A text, and the choices that led to it in the order of their beginnings."""

    text: str
    choices: tuple[Chosen, ...]


def draw(rules: Rules, seed: int) -> Drawn:
    """Draw one text."""
    drawing = _Drawing(seed)
    for name, body in rules.first.items():
        drawing.once[name] = drawing.body(body)
    return Drawn(drawing.body(rules.body), tuple(drawing.choices))


class _Drawing:
    def __init__(self, seed: int) -> None:
        self.seed, self.number = seed, 0
        self.once: dict[str, str] = {}
        self.choices = list[Chosen]()

    def below(self, count: int) -> int:
        digest = sha256(f"{self.seed}:{self.number}".encode()).digest()
        self.number += 1
        return int.from_bytes(digest, "big") % count

    def body(self, body: Body) -> str:
        return "".join([self.part(part) for part in body.parts])

    def part(self, part: Part) -> str:
        match part:
            case Text(text):
                return text
            case Once(name):
                return self.once[name]
            case Body():
                return self.body(part)
            case Pick():
                return self.pick(part)

    def pick(self, pick: Pick) -> str:
        place = len(self.choices)
        if pick.free:
            self.choices.append(Chosen(pick.source, ""))
        text = pick.separator.join([self.body(body) for body in self.picked(pick)])
        if pick.free:
            self.choices[place] = Chosen(pick.source, text)
        return text

    def picked(self, pick: Pick) -> list[Body]:
        bodies, sums = pick.pool.bodies, pick.pool.sums
        count = pick.least if pick.least == pick.most else pick.least + self.below(pick.most - pick.least + 1)
        if count == 1:
            return [bodies[bisect_right(sums, self.below(sums[-1]))]]
        left = _Left(sums)
        return [bodies[left.take(self.below(left.total))] for _ in range(count)]


class _Left:
    """Weights of which one after the other is taken, each in logarithmic time: a Fenwick tree.

    Args:
        sums: of the weights, from the first to each of them.
    """

    def __init__(self, sums: Sequence[int]) -> None:
        self.total, self._sums = sums[-1], sums
        self._tree = [0, *(sums[end - 1] - self._before(end - (end & -end)) for end in range(1, len(sums) + 1))]

    def take(self, number: int) -> int:
        """Take the weight that a number below their total falls upon; give its place."""
        tree, place = self._tree, 0
        step = 1 << (len(tree) - 1).bit_length()
        while step := step >> 1:
            if place + step < len(tree) and tree[place + step] <= number:
                place += step
                number -= tree[place]
        weight = self._sums[place] - self._before(place)
        self.total -= weight
        end = place + 1
        while end < len(tree):
            tree[end] -= weight
            end += end & -end
        return place

    def _before(self, place: int) -> int:
        return self._sums[place - 1] if place else 0


def every(rules: Rules) -> Iterator[Drawn]:
    """Yield a text for each way to choose, the last choice changing first; there must be few."""
    before: list[tuple[dict[str, str], tuple[Chosen, ...]]] = [({}, ())]
    for name, body in rules.first.items():
        before = [
            ({**once, name: text}, (*choices, *more)) for once, choices in before for text, more in _every(body, once)
        ]
    for once, choices in before:
        for text, more in _every(rules.body, once):
            yield Drawn(text, (*choices, *more))


def _every(body: Body, once: Mapping[str, str]) -> list[Drawn]:
    return [_joined(parts) for parts in product(*[_every_part(part, once) for part in body.parts])]


def _every_part(part: Part, once: Mapping[str, str]) -> list[Drawn]:
    match part:
        case Text(text):
            return [Drawn(text, ())]
        case Once(name):
            return [Drawn(once[name], ())]
        case Body():
            return _every(part, once)
        case Pick(pool, least, most, separator, source):
            drawn = [_every(body, once) for body in pool.bodies]
            return [
                Drawn(text, (Chosen(source, text), *choices) if part.free else choices)
                for count in range(least, most + 1)
                for taken in permutations(drawn, count)
                for text, choices in (_joined(parts, separator) for parts in product(*taken))
            ]


def _joined(parts: Sequence[Drawn], separator: str = "") -> Drawn:
    return Drawn(separator.join([each.text for each in parts]), tuple([one for each in parts for one in each.choices]))
