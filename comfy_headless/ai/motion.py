"""What moves or happens in a prompt: its verbs, in the prompt's own words.

A verb is a word that the lists have as one, or a word that they do not know and that has the form of one, or stands
where one stands: behind a noun that is shown and before an article, or behind a "who" or "which".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from comfy_headless.ai.folding import bare
from comfy_headless.ai.look import FOLDER, once
from comfy_headless.ai.reading import Found, Reading, Span
from comfy_headless.ai.subject_hits import Hit, find_hits
from comfy_headless.ai.subject_roles import Part
from comfy_headless.ai.subject_words import NOUNS, STRUCTURE, VERBS
from comfy_headless.ai.video.phrases import find_phrases

_NEVER: Final = re.compile("(?!)")
_NEAR: Final = 3
"""Words between a noun or a "no" and a verb, at most."""
_NO_VERBS: Final = frozenset(
    """
    and or but nor than then so like both all not only just also during something everything nothing anything thing
    evening morning being having getting gets keeps you down including featuring und oder wie et ou comme y o e come
    como spring string ring king wing ceiling clothing painting lighting dressing pudding earring railing awning wedding
    building crossing landing opening setting string sibling dumpling duckling darling parking dwelling
    """.split()  # noqa: SIM905
)
"""Words that stand where verbs do, or look like them."""
_PICTURED: Final = frozenset({"abstract", "shape", "scene", "place", "weather"})
"""Kinds of phrases that may end with a verb."""
_JOINING: Final = frozenset("-'’")
_ENDING: Final = re.compile("[\u3041-\u3096]{0,3}?(?:[てで]い[るた]|[てで]い[くっ]|[るうくぐすつぬぶむてで])")
"""What follows the stem of a Japanese verb."""


class _Form(NamedTuple):
    """What verbs look like in one language, where they are in no list.

    Args:
        always: a word of this form is a verb.
        behind: such a word is one right behind a noun.
        before: words that stand before an object, so that what is between a noun and them is a verb.
        who: words that a verb follows.
        adverb: form of what may stand between a noun and its verb.
    """

    always: re.Pattern[str] = _NEVER
    behind: re.Pattern[str] = _NEVER
    before: frozenset[str] = frozenset()
    who: frozenset[str] = frozenset()
    adverb: re.Pattern[str] = _NEVER


def _form(always: str = "", behind: str = "", before: str = "", who: str = "", adverb: str = "") -> _Form:
    patterns = (re.compile(rf"(?:{bare(each)})\Z") if each else _NEVER for each in (always, behind, adverb))
    form, next_to, between = patterns
    return _Form(form, next_to, frozenset(before.split()), frozenset(who.split()), between)


_EAST_SLAVIC: Final = r"\w{2,}(?:[еєиіїаяую]т|ають|яють|ують|ить|ять|уть|ють|ає|ує|ається|ується|[аяуюеи]тся|[иу]ться)"
_NORDIC: Final = _form(behind=r"\w{2,}(?:ar|er|år)", before="en ett et ei den det sin sitt sina", who="som")
_FORMS: Final = {
    "en": _form(
        r"\w{3,}ing",
        r"\w{2,}[^su]s|\w+sses",
        "a an the his her its their my your each some another two three",
        "who that which",
        r"\w+ly|then|also|now|suddenly",
    ),
    "de": _form(
        behind=r"(?!ge\w{4,}t)\w{2,}t",
        before="ein eine einen einem einer das den dem die sein seine seinen ihr ihre ihren",
        who="der die das und",
        adverb="langsam|schnell|plötzlich",
    ),
    "nl": _form(behind=r"\w{2,}t", before="een de het zijn haar hun", who="die dat"),
    "fr": _form(before="le la les l un une des son sa ses leur leurs", who="qui"),
    "es": _form(r"\w{2,}(?:ando|iendo|yendo)", before="el la los las un una unos unas su sus", who="que"),
    "pt": _form(r"\w{2,}(?:ando|endo|indo)", before="o a os as um uma uns umas seu sua seus suas", who="que"),
    "it": _form(r"\w{2,}(?:ando|endo)", before="il lo la i gli le l un uno una", who="che"),
    "pl": _form(r"\w{2,}(?:uje|ują|ają|eją)"),
    "cs": _form(behind=r"\w{2,}(?:uje|ují|ají|ejí)"),
    "ru": _form(_EAST_SLAVIC),
    "uk": _form(_EAST_SLAVIC),
    "tr": _form(r"\w{2,}[ıiuü]yor(?:lar)?"),
    "ar": _form(behind=r"[يت]\w{3,}"),
    "id": _form(r"(?:me[a-z]{4,}|ber[a-z]{4,})"),
    "sv": _NORDIC,
    "da": _NORDIC,
    "no": _NORDIC,
    "ko": _form(r"\w+(?:[는한친간난린인진킨]다|하며|면서)"),
}
# Scripts without spaces, and a word before the one that says that it goes on: 作っている, चला रहा है.
_STRETCHES: Final = {
    "ja": re.compile(
        "[\u4e00-\u9fff]{1,2}[\u3041-\u3096]{0,3}?(?:って|いて|んで|して|えて|けて|げて|べて|めて|れて|て)(?:いる|いく|くる|ゆく)"
        "|(?<=を)[\u4e00-\u9fff]{1,2}[\u3041-\u3096]{0,2}?[うくぐすつぬぶむる]"
    ),
    "ko": re.compile("[가-힣]+고(?= 있)"),
    "zh": re.compile("[\u4e00-\u9fff](?<![沿随朝伴顺接有向对映])着|(?<=正在)[\u4e00-\u9fff]"),
    "hi": re.compile(r"[\u0900-\u097f]+(?= रह[ाीे](?:\s|$))"),
}


def find_motion(reading: Reading, parts: Sequence[Part], other: Sequence[Span] = ()) -> Found[tuple[str, ...]]:
    """Return the words that say what moves or happens, in their order.

    Args:
        other: words that say something else, such as what the camera does.
    """
    said = {place for span in other for place in range(*span)}
    still = {place for each in find_phrases(reading, FOLDER).of("motion") for place in range(each.start, each.end)}
    found = {*_listed(reading, parts), *_formed(reading, parts), *_stretches(reading)}
    places = [place for place in found if not still.issuperset(range(*place))]
    spans = [reading.span(*place) for place in _apart(places)]
    moves = [span for span in spans if span.start not in said]
    words = once(word for span in moves if (word := reading.prompt[slice(*span)])[0].isalnum())
    return Found(words, 0.8 if words else 0.6, tuple(moves))


def _listed(reading: Reading, parts: Sequence[Part]) -> Iterator[Span]:
    """The verbs of the word lists, and the nouns of what happens: not a dancer, who is somebody."""
    form = _FORMS.get(reading.language.code)
    for part in parts:
        hit = part.hit
        if VERBS.isdisjoint(hit.kinds) or not NOUNS.isdisjoint(hit.kinds):
            continue
        if reading.text[hit.end : hit.end + 1] in _JOINING and reading.text[hit.end + 1 : hit.end + 2].isalpha():
            continue  # battle-worn, the marching band's
        last = hit.text.rpartition(" ")[2]
        if last != hit.text and form is not None and last in form.before:
            yield Span(hit.start, hit.end - len(last) - 1)
            continue
        stem = reading.language.code == "ja" and "\u4e00" <= hit.text[-1:] <= "\u9fff"
        ending = _ENDING.match(reading.text, hit.end) if stem else None
        yield Span(hit.start, ending.end() if ending else hit.end)


def _formed(reading: Reading, parts: Sequence[Part]) -> Iterator[Span]:
    """The words that no list has as verbs, and that are verbs by their form or by where they stand."""
    form = _FORMS.get(reading.language.code)
    if form is None:
        return
    hits = find_hits(reading)
    shown = {part.hit.start for part in parts if not NOUNS.isdisjoint(part.hit.kinds)}
    for place, hit in enumerate(hits):
        if not _PICTURED.isdisjoint(hit.kinds) and " " in hit.text:
            last = hit.text.rpartition(" ")[2]
            if form.always.match(last) and last not in _NO_VERBS:
                yield Span(hit.end - len(last), hit.end)  # waves crashing, particles forming
            continue
        if not form.always.match(hit.text) and not form.behind.match(hit.text) and not (form.before or form.who):
            continue
        if hit.kinds and not _stands_between(hits, place, shown, form):
            continue
        if not hit.kinds and not _is_verb(reading, hits, place, shown, form):
            continue
        yield Span(hit.start, hit.end)


def _is_verb(reading: Reading, hits: Sequence[Hit], place: int, shown: set[int], form: _Form) -> bool:
    hit = hits[place]
    if not hit.text[0].isalpha() or len(hit.text) < 3 or hit.text in _NO_VERBS or _capital(reading, hit):
        return False
    if form.always.match(hit.text):
        near = hits[max(place - _NEAR, 0) : place]
        return not any("negation" in each.kinds and each.clause == hit.clause for each in near)
    at = _before(hits, place, form)
    if at is None:
        return False
    if hits[at].start in shown:
        return bool(form.behind.match(hit.text)) or _next(hits, place) in form.before
    return hits[at].text in form.who and at > 0 and hits[at - 1].start in shown


def _stands_between(hits: Sequence[Hit], place: int, shown: set[int], form: _Form) -> bool:
    """Whether a word that may be a noun is a verb here: ``a turtle crosses the road``."""
    hit = hits[place]
    if "person" in hit.kinds or not set(hit.kinds).isdisjoint(STRUCTURE):
        return False
    if form.behind is not _NEVER and not form.behind.match(hit.text) and not form.always.match(hit.text):
        return False
    at = _before(hits, place, form)
    if at is None or hits[at].start not in shown:
        return False
    named = form.always.match(hit.text) or not form.behind.match(hits[at].text)
    return bool(named) and _next(hits, place) in form.before


def _before(hits: Sequence[Hit], place: int, form: _Form) -> int | None:
    """The place of the word before one, of the same clause, and before its adverb."""
    for at in range(place - 1, max(place - _NEAR, 0) - 1, -1):
        if hits[at].clause != hits[place].clause:
            break
        if not form.adverb.match(hits[at].text):
            return at
    return None


def _next(hits: Sequence[Hit], place: int) -> str:
    following = hits[place + 1] if place + 1 < len(hits) else None
    return following.text if following is not None and following.clause == hits[place].clause else ""


def _capital(reading: Reading, hit: Hit) -> bool:
    """Whether a word is written as a name or a German noun; a prompt may be in capitals as a whole."""
    return reading.original(hit.start, hit.end)[:1].isupper() and not reading.shouts


def _stretches(reading: Reading) -> Iterator[Span]:
    pattern = _STRETCHES.get(reading.language.code)
    for match in pattern.finditer(reading.text) if pattern is not None else ():
        yield Span(*match.span())


def _apart(places: Iterable[Span]) -> Iterator[Span]:
    """Places in their order without those that lie in another."""
    end = -1
    for place in sorted(places, key=lambda span: (span.start, -span.end)):
        if place.start >= end:
            yield place
            end = place.end
