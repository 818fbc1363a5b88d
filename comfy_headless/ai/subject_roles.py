"""What part each word of a prompt plays: the head, beside it, or nothing that is shown.

The head is the noun that the first thing said is about: "a red fox in the snow" is about the fox, "a snowy street with
a fox" about the street. What follows a preposition or stands before a postposition is beside it. Words of camera,
quality and style are looked through, as is what is asked of the film; orders to a machine and what is said not to be
there are left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from comfy_headless.ai.inflection import INFLECTIONS, Inflection
from comfy_headless.ai.reading import Reading, read
from comfy_headless.ai.subject_hits import Hit, find_hits
from comfy_headless.ai.subject_words import CONTENT, NOUNS
from comfy_headless.ai.video.looking import VideoFields, find_video_fields

SHOWN: Final = frozenset({*CONTENT, "name"})
_REACH: Final = 6
"""So many words after a negation are not there, at most."""
_OWNING: Final = ("'s", "’s")
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


def find_parts(reading: Reading, film: VideoFields | None = None) -> list[Part]:
    """Return the words that say what is shown, in order, with the parts they play.

    Where a prompt shows nothing outside of quotation marks, it is looked for within them; then among the orders.

    Args:
        film: what `find_video_fields` has found, where that is there already.
    """
    film = find_video_fields(reading) if film is None else film
    parts = _parts(reading, film)
    for start, end in reading.quoted if not parts else ():
        quoted = read(reading.whole[start:end])
        parts += [_moved(part, start) for part in _parts(quoted, find_video_fields(quoted))]
    return parts or _parts(reading, film, orders=True)


def _moved(part: Part, by: int) -> Part:
    hit = part.hit
    return part._replace(hit=hit._replace(start=hit.start + by, end=hit.end + by))


def _parts(reading: Reading, film: VideoFields, *, orders: bool = False) -> list[Part]:
    how = INFLECTIONS.get(reading.language.code, Inflection())
    clauses = [list(hits) for _, hits in groupby(_seen(reading, film), key=lambda hit: hit.clause)]
    clauses = clauses if orders else _without_orders(reading, clauses)
    shown = [_depths(_present(clause, how.verb_last), how, reading.text) for clause in clauses]
    parts = [
        Part(hit, depth, False, place) for place, clause in enumerate(filter(None, shown)) for hit, depth in clause
    ]
    return _with_head(parts, how)


def _seen(reading: Reading, film: VideoFields) -> Iterator[Hit]:
    """The words of the prompt; a drone that films is looked through, as is a lens or a minute."""
    fields = (film.camera, film.pace, film.duration, film.aspect)
    asked = {at for found in fields for span in found.spans for at in range(*span)}
    for hit in find_hits(reading):
        start, end = reading.span(hit.start, hit.end)
        if asked and not SHOWN.isdisjoint(hit.kinds) and start in asked and end - 1 in asked:
            yield hit._replace(kinds=tuple(kind for kind in hit.kinds if kind not in SHOWN) or ("skip",))
        else:
            yield hit


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
            owner = text.startswith(_OWNING, hit.end) or (hit.text[-1:] == "s" and text.startswith(("'", "’"), hit.end))
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
            only_skipped = not found
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
        while head + 1 < len(parts) and _joined(parts[head], parts[head + 1]):
            head += 1
        parts = _with_beside(parts)
    parts[head] = parts[head]._replace(head=True)
    return parts


def _with_beside(parts: list[Part]) -> list[Part]:
    """The parts with those beside it that describe the noun right after them: the animal of an ``eagle hunter``."""
    following = [*parts[1:], None]
    return [
        part._replace(depth=1) if after and not NOUNS.isdisjoint(part.hit.kinds) and _joined(part, after) else part
        for part, after in zip(parts, following, strict=True)
    ]


def _ending(parts: list[Part], head: int) -> int:
    """Where no verb ends the clause, its last noun is the head: all before describes it, ``çay içen kedi``."""
    last = max(place for place, part in enumerate(parts) if part.place == parts[head].place)
    return last if not NOUNS.isdisjoint(parts[last].hit.kinds) and parts[last].depth == parts[head].depth else head


def _named(hit: Hit) -> bool:
    """Whether a word can end the name of a thing, or of what happens: ``city bus``, ``bar brawl``, ``fox logo``."""
    return (
        not NOUNS.isdisjoint(hit.kinds)
        or "abstract" in hit.kinds
        or ("event" in hit.kinds and not hit.text.endswith(_VERBAL))
    )


def _joined(part: Part, following: Part) -> bool:
    """Whether two words are one name, such as ``city bus``."""
    return part.place == following.place and _named(following.hit) and following.hit.start - part.hit.end <= 1
