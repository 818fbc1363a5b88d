"""Count tokens as ComfyUI does; run with its own Python: ``python token_counts.py <ComfyUI's folder>``.

Each line of its input is a list of texts as JSON, each line of its output their counts: for every tokenizer the larger
one of the text by itself and of the text as ComfyUI 0.30.0 reads it, with its weights and in its template. Start and
end count, padding and the template do not. Llama 3 is read from its tokenizer.json by the package ``tokenizers``:
ComfyUI's own way to it runs words together with transformers 5 (huggingface/transformers, issue 45488).
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

SOURCE = Path(sys.argv[1])
sys.argv = [sys.argv[0], "--cpu"]
sys.path.insert(0, str(SOURCE))
logging.disable(logging.WARNING)

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()

from comfy.sd1_clip import SDTokenizer  # noqa: E402
from comfy.text_encoders.hunyuan_video import HunyuanVideo15Tokenizer  # noqa: E402
from comfy.text_encoders.sd3_clip import T5XXLTokenizer  # noqa: E402
from comfy.text_encoders.z_image import ZImageTokenizer  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

ENCODERS = SOURCE / "comfy/text_encoders"


class Llama:
    """A tokenizer of one file, as SDTokenizer asks for it."""

    def __init__(self, path: str) -> None:
        self.tokenizer = Tokenizer.from_file(f"{path}/tokenizer.json")

    @classmethod
    def from_pretrained(cls, path: str) -> Llama:
        return cls(path)

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": self.tokenizer.encode(text).ids}

    def get_vocab(self) -> dict[str, int]:
        return self.tokenizer.get_vocab()


CLIP = SDTokenizer(embedding_directory=[])
T5 = T5XXLTokenizer(embedding_directory=[])
LLAMA = SDTokenizer(
    str(ENCODERS / "llama_tokenizer"),
    embedding_directory=[],
    pad_with_end=False,
    tokenizer_class=Llama,
    has_end_token=False,
    pad_to_max_length=False,
    max_length=99999999,
    pad_token=128258,
    min_length=1,
)
HUNYUAN, Z_IMAGE = HunyuanVideo15Tokenizer(embedding_directory=[]), ZImageTokenizer(embedding_directory=[])


def own(chunks: list[list[tuple[Any, ...]]]) -> int:
    """Count what belongs to words: neither start, end nor padding."""
    return sum(word > 0 for chunk in chunks for *_, word in chunk)


def in_template(tokenizer: Any, name: str, text: str) -> int:
    """Count what a text adds to its template."""
    empty = len(tokenizer.qwen25_7b.tokenizer(tokenizer.llama_template.format(""))["input_ids"]) if name else 8
    return own(tokenizer.tokenize_with_weights(text, return_word_ids=True)[name or "qwen3_4b"]) - empty


def counts(text: str) -> dict[str, int]:
    """Count the tokens of a text."""
    clip = CLIP.tokenize_with_weights(text, return_word_ids=True)
    plain = len(CLIP.tokenizer(text)["input_ids"]) - 2
    both = HUNYUAN.tokenize_with_weights(text, return_word_ids=True)
    qwen = HUNYUAN.qwen25_7b.tokenizer
    return {
        "clip": max(own(clip) + 2 * len(clip), plain + 2 * max(1, -(-plain // 75))),
        "chunks": len(clip),
        "t5": max(own(T5.tokenize_with_weights(text, return_word_ids=True)) + 1, len(T5.tokenizer(text)["input_ids"])),
        "llama3": max(
            own(LLAMA.tokenize_with_weights(text, return_word_ids=True)) + 1, len(LLAMA.tokenizer(text)["input_ids"])
        ),
        "qwen25": max(
            in_template(HUNYUAN, "qwen25_7b", text), in_template(Z_IMAGE, "", text), len(qwen(text)["input_ids"])
        ),
        "byt5": len(both["byt5"][0]) if "byt5" in both else 0,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps([counts(text) for text in json.loads(line)]), flush=True)  # noqa: T201
