"""How a model wants to be asked: form, language, length and order of a prompt, as a preset's ``[prompt]`` has them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from comfy_headless.catalog.rules import Line, Part, Sourced, SourceKey

Form = Literal["paragraph", "phrases", "none"]
TokenizerName = Literal["clip", "t5", "umt5", "llama3", "qwen25", "gemma3", "byt5"]
PromptPart = Literal[
    "subject",
    "motion",
    "looks",
    "scene",
    "shot",
    "camera",
    "light",
    "colour",
    "mood",
    "style",
    "sound",
    "quality",
    "changes",
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Count = Annotated[int, Field(ge=1)]


class TokenLimit(Part):
    """How many tokens of a prompt the model reads.

    Args:
        value: special tokens of the text encoder included.
        over: what becomes of a longer one: "error" where a node refuses it, "untrained" where ComfyUI gives all of it
            to a model that was trained with less.
    """

    value: Count
    over: Literal["error", "untrained"] = "untrained"
    source: SourceKey


class WordCount(Part):
    """How long a prompt should be, in words.

    Args:
        least: below, there is too little to go by.
        most: above, it is too much.
    """

    least: Count | None = None
    most: Count | None = None
    source: SourceKey

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("it needs 'least', 'most' or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least = {self.least} is more than most = {self.most}")
        return self


class Prompting(Part):
    """How the model wants to be asked: as short facts for people, and as keys for programs; its usual negative prompt.

    Args:
        guidance: a line each.
        negative: what must not be seen, where the caller says nothing; as the makers have it.
        form: paragraph (whole sentences), phrases (short, between commas), or none: it takes no text. Left out,
            paragraph is assumed.
        languages: ISO 639-1 codes of those that its makers name, the best first; left out, any is assumed to be read.
        multilingual: whether its text encoder knows other languages too.
        tokenizer: of its text encoder; left out, the length of a prompt in tokens is not known.
        limit: how many tokens of a prompt it reads; left out, as many as there are.
        words: how long a prompt should be.
        order: what a prompt should say, in this order; left out, an order of no maker's is assumed.
    """

    guidance: tuple[Line, ...] = ()
    negative: Sourced[str] | None = None
    form: Form | None = None
    languages: tuple[Language, ...] = ()
    multilingual: Sourced[bool] | None = None
    tokenizer: Sourced[TokenizerName] | None = None
    limit: TokenLimit | None = None
    words: WordCount | None = None
    order: tuple[PromptPart, ...] = ()
    source: SourceKey

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.limit is not None and self.tokenizer is None:
            raise ValueError("'limit' counts the tokens of a 'tokenizer', which is not named")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for name, values in {"order": self.order, "languages": self.languages}.items():
            twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
            if twice is not None:
                raise ValueError(f"{name!r} has {twice!r} twice")
        return self
