"""How words change in each language: endings, articles written onto a word, compounds, the order of a noun phrase.

Only what takes a word to one that stands in a word list. An ending is taken off a word, and both off an entry and off a
word where the language changes the ends of nouns by case.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Inflection(NamedTuple):
    """How the words of one language change.

    Args:
        endings: what may stand at the end of a word that the entry lacks.
        verbal: those of them that only verbs have.
        turned: ending of a word -> what the entry has in its place.
        leading: what may be written onto the beginning of a word, such as an article.
        both: endings are taken off entries too: languages with cases.
        open_end: an entry of four letters or more also matches longer words, whatever follows.
        compounds: a long word means what its end means: Dutch, German, Nordic.
        head_first: the noun that a phrase is about comes first, and what describes it comes after.
        of: words between a noun and the noun that it belongs to.
        link: what stands after all that describes a noun, right before it.
        shortest: letters that are left at least where an ending is taken off.
        verb_last: the verb ends a sentence, and what says that something is not there comes after it.
    """

    endings: tuple[str, ...] = ()
    verbal: tuple[str, ...] = ()
    turned: tuple[tuple[str, str], ...] = ()
    leading: tuple[str, ...] = ()
    both: bool = False
    open_end: bool = False
    compounds: bool = False
    head_first: bool = False
    of: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    verb_last: bool = False
    shortest: int = 3


def _words(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split(), key=len, reverse=True))


def _turned(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (each.split(">") for each in text.split())
    return tuple((old, new) for old, new in pairs)


_NORDIC = Inflection(_words("en et er ar or erna arna orna ene erne ets ens s n t na ne r e a"), compounds=True)
_SLAVIC: Final = "a e i o u y ou em om am ie ach ech ich ych ami emi imi ymi ow ej eho emu ego ym im mi ova ove ovi uje"
_EAST_SLAVIC: Final = (
    "а е и о у ы ю я й ь і ї є ам ям ах ях ами ями ом ем ой ей ою ею ов ев ів ий ый ая яя ое ее ие ые ого его ому ему "
    "ым им ую юю ых их ыми ими ии ию ия ью ями ет ит ют ут ят ає ає ують ть ться тся"
)
_ARABIC: Final = ("وال", "بال", "كال", "فال", "لل", "ال", "و", "ب", "ل", "ف", "ك")

INFLECTIONS: Final[dict[str, Inflection]] = {
    "en": Inflection(
        ("s", "es", "ed", "d", "ing"), ("ed", "d", "ing"), _turned("ies>y ied>y ves>f ves>fe ing>e men>man"), of=("of",)
    ),
    "de": Inflection(
        _words("e en er es em n s se sen ern ere eren erer eres erem et end ende enden ender endes"),
        _words("et end ende enden ender endes"),
        compounds=True,
        of=("von", "vom", "des"),
    ),
    "nl": Inflection(
        _words("s en n e t je jes tje tjes eren ers nde ende"), ("t", "nde", "ende"), compounds=True, of=("van",)
    ),
    "sv": _NORDIC._replace(of=("av",)),
    "da": _NORDIC._replace(of=("af",)),
    "no": _NORDIC._replace(of=("av",)),
    "fr": Inflection(
        _words("s x e es ee ees nt ent ant"),
        ("nt", "ent", "ant"),
        _turned("aux>al eaux>eau"),
        head_first=True,
        of=("de", "d", "du", "des"),
    ),
    "es": Inflection(
        _words("s es n ndo"),
        ("n", "ndo"),
        _turned("a>o as>o os>o ces>z iendo>er iendo>ir ita>a ito>o itos>o itas>a"),
        head_first=True,
        of=("de", "del"),
    ),
    "pt": Inflection(
        _words("s es m ndo"),
        ("m", "ndo"),
        _turned("a>o as>o oes>ao aes>ao ais>al eis>el inho>o inha>a"),
        head_first=True,
        of=("de", "do", "da", "dos", "das"),
    ),
    "it": Inflection(
        (),
        (),
        _turned("i>o e>a i>e a>o hi>o he>a i>io ino>o ina>a"),
        head_first=True,
        of=("di", "del", "della", "dello", "dei", "degli", "delle", "dell", "d"),
    ),
    "ro": Inflection(
        _words("a e i ul ului le lor ei ii uri urile ilor elor lui n"),
        both=True,
        head_first=True,
        of=("de", "al", "ale", "a", "ai"),
    ),
    "pl": Inflection(_words(_SLAVIC), both=True, head_first=True),
    "cs": Inflection(_words(_SLAVIC), both=True, head_first=True),
    "ru": Inflection(_words(_EAST_SLAVIC), both=True, head_first=True),
    "uk": Inflection(_words(_EAST_SLAVIC), both=True, head_first=True),
    # A folded text has σ at the ends of words too.
    "el": Inflection(_words("σ ν α ο η ι ε υ ασ εσ οσ ων ου ουσ οι ησ εισ ια ιων ει ουν"), both=True, head_first=True),
    "hi": Inflection(_words("ा े ी ों ें ो ियों ियां ियाँ ाओं ाएं ि ते ती ता ना ने"), both=True, verb_last=True, shortest=2),
    "ar": Inflection(_words("ه ات ون ين ان ي ا ها هم"), leading=_ARABIC, head_first=True, shortest=2),
    "fa": Inflection(_words("ها هاي هايي ي ان اي مي ند"), leading=("مي",), head_first=True),
    "he": Inflection(
        _words("ים ות ה ת י"),
        leading=("וה", "שה", "מה", "בה", "כש", "ה", "ו", "ב", "ל", "מ", "ש", "כ"),
        head_first=True,
        of=("של",),
    ),
    "tr": Inflection(open_end=True, verb_last=True),
    "fi": Inflection(open_end=True, compounds=True),
    "hu": Inflection(open_end=True, compounds=True),
    "id": Inflection(
        ("nya", "kan", "an", "lah"), leading=("me", "ber", "men", "mem", "meng", "di", "ter"), head_first=True
    ),
    "vi": Inflection(head_first=True, of=("của",)),
    "ko": Inflection(
        _words(
            "이 가 은 는 을 를 의 에 에서 에게 으로 로 와 과 도 만 까지 부터 께서 들 들이 들은 들을 들의 "
            "처럼 속 위 밑 옆"
        ),
        open_end=True,
        verb_last=True,
        shortest=1,
    ),
    "zh": Inflection(link=("的",)),
    "ja": Inflection(link=("の",), verb_last=True),
    "th": Inflection(head_first=True, of=("ของ",)),
}
