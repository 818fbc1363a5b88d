"""Make the table of `comfy_headless/ai/tokens.py` from the tokenizers in ComfyUI's source.

With a Python that has the package ``tokenizers``, such as ComfyUI's own:
``python -m tests.conformance.make_tokens <ComfyUI's folder> comfy_headless/ai/tokens.txt.gz`` (two minutes).

Words are taken from the vocabularies, every one that is a token of its own in one of them, and `OWN` beside them:
words of films and pictures; and plurals. Columns, each the largest count there is:

- clip: the word, in small letters
- space: the word after a space, in Llama 3 and Qwen 2.5
- other: the word after anything else but letters: nothing, or one sign, less what tokens.py counts for that sign
- first: the word at the start of a piece between spaces, in T5
- inner: the word within such a piece
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
import string
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from comfy_headless.ai.tokens import SIGNS, Row, with_capital

LOWER = string.ascii_lowercase
PREFIXES = ["", "\t", *(chr(code) for code in range(33, 127) if not chr(code).isalnum()), *SIGNS]
DIGITS = string.digits + string.ascii_lowercase
MOST = Row(clip=9, space=3, other=9, first=4, inner=9)
"""Words that cost more than this are no words: CLIP knows thousands of names and tags of its time."""
OWN = """
acrobat aerial alpaca anamorphic anemone antlers archipelago archviz artifacts backflip background backlight
backlighting backlit baguette bakelite baklava ballerina barefoot bearded beekeeper bernese bespectacled billowing
blacksmith blurry bokeh botanist brawling breakneck bridle bubbling budgie butterflies butterfly camcorder candlelit
canoe carpenter carthorse cartwheel cellist centimetres checkered chiaroscuro chrysanthemum cicadas cinemascope
clapperboard claymation cloak cloister closeup closeups cobbled cobblestone cobblestones concentric conductor coral
corduroy corgi cornfield courtyard crackling crane cranes craning creak creaking croissant crosshatch crouching
crumbling cyberpunk dachshund dandelion deformed deodorant desaturated dewdrops dieselpunk disfigured dollies dolly
dollying doorknob dragonfly drifting dripping drone drones droplet droplets drummer dumpling dumplings eggplant elven
ember embers embossed espresso exhale exhales exploding eyepiece feathers fern ferns fireflies firefly firelight
fisheye fishmonger fjord fjords flatbed flickering floating fluttering foal focus foreground fractal fractals freckled
gangway gauntlet geisha geometric gesture gesturing geyser geysers gimbal glacier glassblower glistening glittering
gondola gossamer gouache gown gramophone greenhouse groan halftone handheld handlebars headscarf hedgehog heron
hillside hovering hummingbird hydrangea hydrangeas hyperlapse hyperreal hyperrealistic hypnotic imitate imitating
impasto inhale inhales instagram inu iridescent ivy jellyfish jousting jpeg juggler juggling kaleidoscope kayak
kayaking kickflip kimono kingfisher kneeling knight ladybug lagoon lakeshore lamplight latte lavender lawnmower
leaping legible letterbox letterboxed lichen lighthouse linework llama lofi lowres luminous lyrebird macro magenta
mandelbrot mare marigold matador meadow meander meerkat melting microscope midair midground milkweed minivan
monochrome moonlit moorland moss mountainside murmur murmuring narrating neon ochre okapi onigiri opalescent orbit
orbited orbiting orbits orc orchard otter overexposed overhead overtakes overtaking oxbow packshot padlock painterly
pan paneled panned panning pans pantone paraglider parakeet pauldrons paws peacock peonies peony phonograph photobash
photoreal photorealistic pianist pixelated pocketwatch porcupine porthole potter pouring puffin pumpkin rack raincoat
raindrop raindrops ramen recognisable refillable retriever rickshaw rippling riverbank ronin rooftop rooftops rotating
rowboat ruffled rustling sailboat samovar samurai scabbard seahorse seashore selfie shattering sheepdog shiba
shimmering shriek shrieks sidelight sidelit silhouette silhouetted silhouettes simmering sizzling skateboarder
skylight skyscraper skyscrapers slowmo smirk smirking smudged snappy snout snowboarder snowflake snowflakes solarpunk
somersault sparkling sparks spinning splashing splintering splinters sprinting squeaky squint squinting stallion
starburst starlit steadicam steaming steampunk stingray storybook streetlamp streetlight streetlights strobe sunlit
swirling symmetrical synthwave tattooed teacup teal teapot telescope tessellated thistle tiktok tilt tilted tilting
tilts timelapse topdown track tracking tracks tram translucent trapeze treetops tuktuk tumbling tunic turnip turquoise
tweed twirling typewriter uhd ultrawide underexposed understudy unicycle vaporwave vignette vineyard violinist
visualiser vlogger volumetric wail wailing walrus watercolor watercolour watermark watermarks watermill weathered
welder wetsuit whiskers widescreen windmill wingsuit wisteria wobbly wrinkled wristwatch wyrm youtube zoom zoomed
zooming zooms zucchini
"""
CLIP_SPLIT = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def merges_of(path: Path) -> list[tuple[str, str]]:
    """Return the merges of a vocabulary in two files."""
    lines = path.read_text("utf-8").splitlines()
    pairs = [tuple(line.split(" ")) for line in lines if not line.startswith("#version")]
    return [pair for pair in pairs if len(pair) == 2]


def bpe(folder: Path, **options: str) -> models.BPE:
    """Return the model of a vocabulary in two files."""
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    return models.BPE(vocabulary, merges_of(folder / "merges.txt"), **options)


def clip(source: Path) -> Tokenizer:
    """Return CLIP's tokenizer, without start and end."""
    model = bpe(source / "comfy/sd1_tokenizer", end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = pre_tokenizers.Split(Regex(CLIP_SPLIT), "removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def qwen(source: Path) -> Tokenizer:
    """Return Qwen 2.5's tokenizer."""
    tokenizer = Tokenizer(bpe(source / "comfy/text_encoders/qwen25_tokenizer"))
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(QWEN_SPLIT), "isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    return tokenizer


def in_file(source: Path, folder: str) -> Tokenizer:
    """Return a tokenizer that one file describes."""
    return Tokenizer.from_file(str(source / "comfy/text_encoders" / folder / "tokenizer.json"))


def counts(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[int]:
    """Count the tokens of each text, without start and end."""
    left = iter(texts)
    while chunk := list(itertools.islice(left, 50_000)):
        yield from (len(found) for found in tokenizer.encode_batch_fast(chunk, add_special_tokens=False))


class Vocabularies:
    """The four tokenizers, and what the table says of a word."""

    def __init__(self, source: Path) -> None:
        self.clip, self.qwen = clip(source), qwen(source)
        self.llama, self.t5 = in_file(source, "llama_tokenizer"), in_file(source, "t5_tokenizer")
        scores = json.loads(self.t5.to_str())["model"]["vocab"]
        self.scores: dict[str, float] = dict(scores)

    def words(self) -> set[str]:
        """Return what is a word of its own in one of them, in small letters; in capitals what is one in two of them."""
        small, capitals = set(LOWER), Counter[str]()
        for tokenizer, pattern in (
            (self.clip, r"([a-z]+)</w>"),
            (self.qwen, r"Ġ([A-Za-z][a-z]+|[A-Z]+)"),
            (self.llama, r"Ġ([A-Za-z][a-z]+|[A-Z]+)"),
            (self.t5, r"▁([A-Za-z][a-z]+|[A-Z]+)"),
        ):
            found = [match[1] for piece in tokenizer.get_vocab() if (match := re.fullmatch(pattern, piece))]
            small.update(word.lower() for word in found if not word.isupper())
            capitals.update(word for word in found if word.isupper())
        return small | {word for word, times in capitals.items() if times > 1} | set(LOWER.upper()) | set(OWN.split())

    def quick(self, words: list[str]) -> list[tuple[int, int, int, int]]:
        """Return the columns of each word but ``other``."""
        spaced = [f" {word}" for word in words]
        after_space = map(max, counts(self.llama, spaced), counts(self.qwen, spaced))
        first = list(counts(self.t5, words))
        inner = (max(len(self.t5.model.tokenize(word)), begins - 1) for word, begins in zip(words, first, strict=True))
        return list(zip(counts(self.clip, words), after_space, first, inner, strict=True))

    def other(self, words: list[str]) -> list[int]:
        """Return the column ``other`` of each word."""
        most = [0] * len(words)
        for prefix in PREFIXES:
            counted = len(prefix)
            for tokenizer in (self.llama, self.qwen):
                for place, count in enumerate(counts(tokenizer, (prefix + word for word in words))):
                    most[place] = max(most[place], count - counted)
        return most

    def apart(self) -> dict[str, list[str]]:
        """For each tokenizer the pairs of letters that may stay apart, each letter a token of its own."""
        pairs = ["".join(pair) for case in (LOWER, LOWER.upper()) for pair in itertools.product(case, case)]
        clip, llama, qwen = (set(item.get_vocab()) for item in (self.clip, self.llama, self.qwen))
        never = self.scores.get
        return {
            "clip": [pair for pair in pairs if pair.islower() and (pair not in clip or f"{pair}</w>" not in clip)],
            "bpe": [pair for pair in pairs if pair not in llama or pair not in qwen],
            "t5": [pair for pair in pairs if never(pair, -99.0) <= never(pair[0], 0.0) + never(pair[1], 0.0)],
        }


def rows(known: Vocabularies, words: list[str]) -> dict[str, Row]:
    """Return the row of each word."""
    return {
        word: Row(quick[0], quick[1], other, quick[2], quick[3])
        for word, quick, other in zip(words, known.quick(words), known.other(words), strict=True)
    }


def with_capitals(known: Vocabularies, small: dict[str, Row]) -> dict[str, Row]:
    """Return the rows, those of words with a capital that cost less or more than `with_capital` says, and capitals."""
    words = [word for word in small if word.islower() and len(word) > 1]
    capitals = rows(known, [word.capitalize() for word in words])
    own = {
        capital: row
        for word, (capital, row) in zip(words, capitals.items(), strict=True)
        if row.space < small[word].space or any(map(int.__gt__, row, with_capital(small[word])))
    }
    common = [word for word in words if small[word].clip == small[word].space == small[word].first == 1]
    return small | own | rows(known, [word.upper() for word in common])


def main(source: str, out: str) -> None:
    """Write the table."""
    known = Vocabularies(Path(source))
    small = rows(known, sorted(known.words()))
    plurals = {f"{word}s" for word, row in small.items() if row.clip == row.space == 1 and len(word) > 2}
    small |= rows(known, sorted(word for word in plurals - small.keys() if word.islower() and word[-2] != "s"))
    table = with_capitals(known, small)
    groups: dict[str, list[str]] = {}
    for word, row in table.items():
        if word.isupper() or (row.space <= MOST.space and row.first <= MOST.first):
            groups.setdefault("".join(DIGITS[count] for count in row), []).append(word)
    lines = [f"{name} {' '.join(pairs)}" for name, pairs in known.apart().items()]
    lines += [f"{row} {' '.join(sorted(words))}" for row, words in sorted(groups.items())]
    Path(out).write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    sys.stdout.write(f"{sum(map(len, groups.values()))} words in {len(groups)} rows\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
