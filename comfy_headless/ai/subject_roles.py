"""What part each word of a prompt plays: the head, beside it, or nothing that is shown.

The head is the noun that the first thing said is about: "a red fox in the snow" is about the fox, "a snowy street with
a fox" about the street. What follows a preposition or stands before a postposition is beside it. Words of camera,
quality and style are looked through, orders to a machine and what is said not to be there are left out.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import groupby
from typing import Final, NamedTuple

from comfy_headless.ai.inflection import INFLECTIONS, Inflection
from comfy_headless.ai.reading import Reading, read
from comfy_headless.ai.subject_hits import Hit, find_hits
from comfy_headless.ai.subject_words import CONTENT, NOUNS

SHOWN: Final = frozenset({*CONTENT, "name"})
_REACH: Final = 6
"""So many words after a negation are not there, at most."""
_VERBAL: Final = ("s", "ing", "ed")
_AND: Final = frozenset("and or nor und oder et ou ni y o e i и или і або ve veya og och eller en of".split())  # noqa: SIM905


class Part(NamedTuple):
    """A word that says what is shown.

    Args:
        depth: 0 at the top of its clause, 1 beside it.
        head: it is the noun that the prompt is about.
        place: number of its clause, of those that show something.
    """

    hit: Hit
    depth: int
    head: bool
    place: int


def find_parts(reading: Reading) -> list[Part]:
    """Return the words that say what is shown, in order, with the parts they play.

    Where a prompt shows nothing outside of quotation marks, it is looked for within them; then among the orders.
    """
    parts = _parts(reading)
    for start, end in reading.quoted if not parts else ():
        parts += [_moved(part, start) for part in _parts(read(reading.whole[start:end]))]
    return parts or _parts(reading, orders=True)


def _moved(part: Part, by: int) -> Part:
    hit = part.hit
    return part._replace(hit=hit._replace(start=hit.start + by, end=hit.end + by))


def _parts(reading: Reading, *, orders: bool = False) -> list[Part]:
    how = INFLECTIONS.get(reading.language.code, Inflection())
    clauses = [list(hits) for _, hits in groupby(find_hits(reading), key=lambda hit: hit.clause)]
    clauses = clauses if orders else _without_orders(reading, clauses)
    shown = [_depths(_present(clause, how.verb_last), how, reading.text) for clause in clauses]
    parts = [
        Part(hit, depth, False, place) for place, clause in enumerate(filter(None, shown)) for hit, depth in clause
    ]
    return _with_head(parts, how)


def _without_orders(reading: Reading, clauses: list[list[Hit]]) -> list[list[Hit]]:
    """The clauses without orders to a machine: in a sentence with two or more words of such, from the first one on."""
    kept: list[list[Hit]] = []
    for _, group in groupby(clauses, key=lambda clause: _sentence(reading, clause[0].start)):
        sentence = list(group)
        orders = [len({hit.text for hit in clause if "command" in hit.kinds}) for clause in sentence]
        if sum(orders) >= 2:
            sentence = sentence[: next(place for place, count in enumerate(orders) if count)]
        kept += sentence
    return kept


def _sentence(reading: Reading, at: int) -> int:
    return bisect_right(reading.sentences, at, key=lambda span: span.end)


def _present(clause: list[Hit], behind: bool) -> list[Hit]:
    """A clause without what is said not to be there."""
    kept: list[Hit] = []
    absent = 0
    for place, hit in enumerate(clause):
        if "negation" in hit.kinds and behind:
            recent = range(len(kept) - 1, max(len(kept) - 4, -1), -1)
            before = next((place for place in recent if not SHOWN.isdisjoint(kept[place].kinds)), None)
            if before is not None:
                del kept[before]
        elif "negation" in hit.kinds:
            absent = _REACH
        elif absent and not SHOWN.isdisjoint(hit.kinds):
            absent = absent - 1 if place + 1 < len(clause) and _goes_on(hit, clause[place + 1]) else 0
        else:
            absent = max(absent - 1, 0)
            kept.append(hit)
    return kept


def _goes_on(hit: Hit, following: Hit) -> bool:
    """Whether what is not there has not ended: ``no cars or people``, ``no city lights``."""
    return following.text in _AND or (following.start - hit.end <= 1 and not SHOWN.isdisjoint(following.kinds))


def _depths(clause: list[Hit], how: Inflection, text: str) -> list[tuple[Hit, int]]:
    """The words of one clause that say what is shown, with how deep they stand."""
    found: list[tuple[Hit, int]] = []
    last = max((place for place, hit in enumerate(clause) if not NOUNS.isdisjoint(hit.kinds)), default=-1)
    depth, only_skipped, linked = 0, False, 0
    named = False
    for place, hit in enumerate(clause):
        kinds = hit.kinds
        if not SHOWN.isdisjoint(kinds):
            owner = text[hit.end : hit.end + 2] in ("'s", "’s")
            found.append((hit, 1 if owner else depth))
            named = named or not (owner or depth)
            only_skipped = False
        elif hit.text in how.link:
            # All that stood before describes what comes now, unless nothing comes, or the subject has been named.
            if place < last and not (depth and named):
                found[linked:] = [(each, 1) for each, _ in found[linked:]]
                depth, linked, named = 0, len(found), False
        elif hit.text in how.of:
            depth = _belonging(found, depth)
        elif "subject" in kinds:
            depth = 0
        elif "postposition" in kinds:
            if found and hit.start - found[-1][0].end <= 1:
                found[-1] = (found[-1][0], 1)
        elif "preposition" in kinds:
            depth = 0 if only_skipped else 1
            only_skipped = False
        elif "skip" in kinds:
            only_skipped = not found and (only_skipped or place == 0)
        elif len(hit.text) > 3:
            only_skipped = False
    return found


def _belonging(found: list[tuple[Hit, int]], depth: int) -> int:
    """Streets of a town are streets, a statue of a horse is a statue; the face of a woman is a woman's."""
    return 1 if found and not NOUNS.isdisjoint(found[-1][0].kinds) else depth


def _with_head(parts: list[Part], how: Inflection) -> list[Part]:
    """The parts with the head marked: the first noun at the top, or the first one at all."""
    nouns = [place for place, part in enumerate(parts) if not NOUNS.isdisjoint(part.hit.kinds)]
    head = next((place for place in nouns if parts[place].depth == 0), nouns[0] if nouns else None)
    if head is None:
        return parts
    if how.verb_last:
        head = _ending(parts, head)
    if not how.head_first:
        while head + 1 < len(parts) and _named(parts[head + 1].hit) and _joined(parts[head], parts[head + 1]):
            head += 1
    parts[head] = parts[head]._replace(head=True)
    return parts


def _ending(parts: list[Part], head: int) -> int:
    """Where no verb ends the clause, its last noun is the head: all before describes it, ``çay içen kedi``."""
    last = max(place for place, part in enumerate(parts) if part.place == parts[head].place)
    return last if not NOUNS.isdisjoint(parts[last].hit.kinds) and parts[last].depth == parts[head].depth else head


def _named(hit: Hit) -> bool:
    """Whether a word can end the name of a thing, or of what happens: ``city bus``, ``bar brawl``."""
    return not NOUNS.isdisjoint(hit.kinds) or ("event" in hit.kinds and not hit.text.endswith(_VERBAL))


def _joined(part: Part, following: Part) -> bool:
    """Whether two nouns are one name, such as ``city bus``."""
    same = part.depth == following.depth and part.place == following.place
    return same and following.hit.start - part.hit.end <= 1
