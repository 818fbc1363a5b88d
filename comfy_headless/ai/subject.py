"""What a prompt shows, in the prompt's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from comfy_headless.ai.folding import fold
from comfy_headless.ai.inflection import INFLECTIONS, Inflection
from comfy_headless.ai.reading import Found, Reading, Span
from comfy_headless.ai.subject_hits import Hit, find_hits
from comfy_headless.ai.subject_roles import Part
from comfy_headless.ai.subject_words import NOUNS, UNSPACED, VERBS, lexicon_of

_STOPS: Final = frozenset({"preposition", "postposition", "negation", "command", "subject"})
"""Kinds of words that no name of a thing goes across; nor across a verb, unless it stands where adjectives do."""
_WORDS: Final = 5
"""Words on either side of the noun that belong to it, at most."""
_SIGNS: Final = 8
"""The same in characters, where scripts have no spaces."""


_ARTICLES: Final = frozenset(
    """
    a an the some his her its their my our your ein eine einen einem einer der die das den dem sein seine ihr ihre
    een de het un une una uno le la les el los las il lo gli um uma o os as
    """.split()  # noqa: SIM905
)
_ADJECTIVE: Final = re.compile("(?:ing|ed|end|ende[nrsm]?|щ\\w+|нн\\w+)$")
"""The end of a verb that stands before a noun as adjectives do: two running horses."""
_STYLE: Final = re.compile(r"[ -](?:style|look|western)\b")
"""What follows a noun that only says how the film looks."""
_DOING: Final = {
    "ja": re.compile("[がは]"),
    "ko": re.compile(r"[이가은는](?=\s)"),
    "hi": re.compile(rf"(?!\s+(?:{fold('में|पर|से|को|के|की|का|तक', 'hi')})(?:\s|$))"),
}
"""What stands behind those who do something; in Korean it ends their word, in Hindi none that says where or whose."""
_PARTICLES: Final = ("께서", "에게", "이", "가", "은", "는", "을", "를", "의", "도", "와", "과")


def find_subject(
    reading: Reading, parts: Sequence[Part], *, moves: Sequence[Span] = (), film: Sequence[Span] = ()
) -> Found[str | None]:
    """Return the words that name what is shown: the noun that the prompt is about, with what describes it.

    Args:
        moves: words that say what moves; they end a name.
        film: words of light, camera and the like; nothing in them is the subject, nor in a quoted text.
    """
    beside = {place for span in film for place in range(*span)}
    words = _Words(reading, _hits(reading), frozenset(span.start for span in moves), frozenset(beside))
    head = _called(words) or _head(words, parts)
    unknown = _unknown(words) if head is None else None
    if unknown is not None and unknown.value is not None:
        return unknown
    head = head or next((part.hit for part in parts if part.head and _lights(words, part.hit)), None)
    if head is None:
        return Found(None, 0.5)
    start, end = _stretch(words, head)
    return Found(reading.original(start, end), 0.8, (reading.span(start, end),))


class _Words(NamedTuple):
    """The words of a prompt by clause, with the places of those that move, and of those that say how the film is."""

    reading: Reading
    clauses: Mapping[int, Sequence[Hit]]
    moves: frozenset[int]
    film: frozenset[int]

    def moving(self, hit: Hit) -> bool:
        return self.reading.span(hit.start, hit.end).start in self.moves

    def of_film(self, hit: Hit) -> bool:
        start, end = self.reading.span(hit.start, hit.end)
        return start in self.film and end - 1 in self.film


def _hits(reading: Reading) -> dict[int, list[Hit]]:
    return {clause: list(hits) for clause, hits in groupby(find_hits(reading), key=lambda hit: hit.clause)}


def _head(words: _Words, parts: Sequence[Part]) -> Hit | None:
    """The noun that the prompt is about; a part of a body where all nouns are beside it."""
    quoted = words.reading.quoted
    marked = {place for span in quoted for place in range(*span)}
    free = [part for part in parts if not words.of_film(part.hit) and part.hit.start not in marked]
    free = [part for part in free if not _STYLE.match(words.reading.text, part.hit.end)]
    unspaced = words.reading.language.code in UNSPACED
    named = [part for part in free if not NOUNS.isdisjoint(part.hit.kinds) and not words.moving(part.hit)]
    nouns = named or [part for part in free if unspaced and part.head]
    doer = None
    for before, part in pairwise(free) if not unspaced else ():
        if part.head and before in nouns and part.hit.start - before.hit.end <= 1:
            doer = before
    head = _doing(words, nouns) or next((part for part in nouns if part.head), doer)
    head = head or next((part for part in nouns if not part.depth), nouns[0] if nouns else None)
    if head is None or head.depth:
        body = next((part for part in free if "body" in part.hit.kinds and not part.depth), None)
        if body is not None and (head is None or body.hit.start < head.hit.start):
            return body.hit
    return None if head is None else head.hit


def _doing(words: _Words, nouns: Sequence[Part]) -> Part | None:
    """Who does something, in languages whose verbs come last."""
    code = words.reading.language.code
    particle = _DOING.get(code)
    if particle is None:
        return None
    text = words.reading.text
    first = next((part.place for part in nouns if part.head), 0)
    near = [part for part in nouns if part.place == first and " " not in part.hit.text]
    return next((part for part in near if particle.match(text, part.hit.end - (code == "ko"))), None)


def _lights(words: _Words, hit: Hit) -> bool:
    """Whether a light can be the subject where there is no other: a flash of lightning."""
    return "weather" in hit.kinds and not any(start <= hit.start < end for start, end in words.reading.quoted)


def _called(words: _Words) -> Hit | None:
    """A name that begins a prompt and does something: Anna feeds the geese."""
    hits = next(iter(words.clauses.values()), ())
    if len(hits) < 2 or not {"name"}.issuperset(hits[0].kinds) or words.moving(hits[0]):
        return None
    written = words.reading.original(hits[0].start, hits[0].end)
    named = (
        len(written) > 2 and written.istitle() and not written.endswith(("ing", "ly")) and not words.of_film(hits[0])
    )
    return hits[0] if named and words.moving(hits[1]) else None


def _unknown(words: _Words) -> Found[str | None]:
    """What stands behind the first article, where no noun is known."""
    for hits in words.clauses.values():
        for place, hit in enumerate(hits[:-1]):
            last = place
            while last + 1 < len(hits) and last - place < _WORDS and _names(words, hits[last + 1]):
                if hits[last + 1].start - hits[last].end > 1:
                    break
                last += 1
            while last > place and not _ends(words.reading, hits[last]):
                last -= 1
            if hit.text in _ARTICLES and last > place:
                start, end = hit.start, hits[last].end
                return Found(words.reading.original(start, end), 0.4, (words.reading.span(start, end),))
    return Found(None, 0.5)


def _ends(reading: Reading, hit: Hit) -> bool:
    """Whether an unknown word can be a noun; German ones have a capital."""
    capital = reading.language.code != "de" or reading.original(hit.start, hit.end)[:1].isupper()
    return capital and {"name"}.issuperset(hit.kinds)


def _names(words: _Words, hit: Hit) -> bool:
    """Whether an unknown word can be part of a name; words of quality can too."""
    kinds = {"name", "skip", "calm"}
    known = kinds.issuperset(hit.kinds) if hit.kinds else len(hit.text) > 2 and hit.text.isalpha()
    return known and not words.moving(hit) and not words.of_film(hit)


def _stretch(words: _Words, head: Hit) -> tuple[int, int]:
    reading, hits = words.reading, words.clauses.get(head.clause, ())
    place = next((at for at, hit in enumerate(hits) if hit.start == head.start), None)
    if place is None or head.clause >= len(reading.clauses):  # an emoji stands in no clause
        return head.start, head.end
    how = INFLECTIONS.get(reading.language.code, Inflection())
    if reading.language.code in UNSPACED:
        return max(_after_last(hits[:place], reading.clauses[head.clause].start), head.start - _SIGNS), head.end
    if how.head_first:
        return _back(words, hits, place, 2, how), _onward(words, hits, place, how)
    return _back(words, hits, place, _WORDS, how), _without_particle(reading, hits[place], _named(words, hits, place))


def _after_last(hits: Sequence[Hit], start: int) -> int:
    return max((hit.end for hit in hits if not (_STOPS | VERBS).isdisjoint(hit.kinds)), default=start)


def _back(words: _Words, hits: Sequence[Hit], place: int, most: int, how: Inflection) -> int:
    """Where the words begin that stand before a noun and belong to it: at its article, if it has one."""
    first = place
    while first > 0 and place - first < most and _belongs(words, hits, first - 1, how):
        first -= 1
        before = hits[first - 1].text if first > 0 else ""
        if _begins(hits[first]) and before not in how.of and before not in _ARTICLES:
            break
    first = max((at + 1 for at in range(first, place) if hits[at].text == "style"), default=first)
    while first < place and _is_look(words, hits[first]):
        first += 1  # a phrase of the camera, such as "close-up of"
    return hits[first].start


def _begins(hit: Hit) -> bool:
    return hit.text in _ARTICLES or hit.text.isdecimal()


def _is_look(words: _Words, hit: Hit) -> bool:
    return words.of_film(hit) or (NOUNS.isdisjoint(hit.kinds) and " " in hit.text)


def _belongs(words: _Words, hits: Sequence[Hit], place: int, how: Inflection) -> bool:
    """Whether a word can stand before the noun that it belongs to; "bowl of", not "close-up of"."""
    kinds = hits[place].kinds
    if hits[place].text in how.of:
        return place > 0 and not NOUNS.isdisjoint(hits[place - 1].kinds)
    if words.reading.text[hits[place].end : hits[place + 1].start] in ("-", "'", "’"):
        return True  # battle-worn, the band's
    if not VERBS.isdisjoint(kinds) or words.moving(hits[place]):
        behind = any(hit.text in _ARTICLES for hit in hits[max(place - _WORDS, 0) : place])
        adjective = behind or not words.moving(hits[place]) or _ADJECTIVE.search(hits[place].text) is not None
        return adjective and all(NOUNS.isdisjoint(hit.kinds) for hit in hits[:place])
    return _STOPS.isdisjoint(kinds)


def _named(words: _Words, hits: Sequence[Hit], place: int) -> int:
    """Where a name of more than one word ends: "an elderly Japanese man"."""
    end = hits[place].end
    for before, hit in pairwise(hits[place : place + 3]):
        if hit.start - before.end > 1 or not (_STOPS | VERBS).isdisjoint(hit.kinds) or words.moving(hit):
            break
        if _begins(hit):
            break
        if not NOUNS.isdisjoint(set(hit.kinds) & set(hits[place].kinds)):
            end = hit.end
    return end


def _onward(words: _Words, hits: Sequence[Hit], place: int, how: Inflection) -> int:
    """Where the words end that stand behind a noun and belong to it."""
    last = place
    while last + 1 < len(hits) and last - place < _WORDS:
        following = hits[last + 1]
        ends = words.moving(following) or words.of_film(following) or not (_STOPS | VERBS).isdisjoint(following.kinds)
        if following.text not in how.of and ends:
            break
        last += 1
    while last > place and hits[last].text in how.of:
        last -= 1
    return hits[last].end


def _without_particle(reading: Reading, head: Hit, end: int) -> int:
    """Where a Korean noun ends without the particle that is written onto it."""
    if reading.language.code != "ko" or end != head.end:
        return end
    lexicon = lexicon_of("ko")
    for particle in _PARTICLES if lexicon is not None else ():
        stem = head.text.removesuffix(particle)
        if stem != head.text and lexicon is not None and not NOUNS.isdisjoint(lexicon.words.get(stem, ())):
            return end - len(particle)
    return end
