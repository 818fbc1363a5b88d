"""``comfy-headless prompt expand``: the prompts that come of a template."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.ai.expanding import ExpandedPrompt, PromptTemplate
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.request import pairs
from comfy_headless.cli.text_argument import text, text_of
from comfy_headless.errors import ValidationError

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        'comfy-headless prompt expand "a {red|blue} kite over ${place:the sea}" --count 2 --set place=Oslo',
        'comfy-headless prompt expand "__animal__ at night" --wildcards lists/ --all',
    ]
)
_EXACT: Final = 2**53
"""Up to this, readers of JSON that count in doubles keep whole numbers exact."""


def expand(
    template: Annotated[
        str,
        typer.Argument(
            parser=text,
            metavar="TEMPLATE",
            show_default=False,
            help="A prompt with {cat|dog}, __list__ or ${name}; - for what is piped in.",
        ),
    ],
    seed: o.Seed = None,
    count: Annotated[int | None, typer.Option(**o.WHOLE, help="How many different prompts; without it one.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every prompt that there is, at most 10000.")] = False,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Text for a ${name}; may be repeated."),
    ] = None,
    wildcards: Annotated[
        Path | None,
        typer.Option(**o.PATH, help="Folder of lists, a text file each; without it COMFY_HEADLESS_WILDCARDS."),
    ] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Print the prompts that come of a template, each on a line of its own. Nothing is sent.

    Of a seed the same prompt comes each time; several come of the seeds that follow it.
    """
    if every and (count is not None or seed is not None):
        other = f"--count {count}" if count is not None else f"--seed {seed}"
        raise ValidationError(f"--all and {other}: give one of them; all need no seed")
    return partial(_expand, template, seed, None if every else 1 if count is None else count, sets, wildcards)


def _expand(
    template: str,
    seed: int | None,
    count: int | None,
    sets: list[str] | None,
    wildcards: Path | None,
    terminal: Terminal,
) -> Answer:
    read = PromptTemplate(
        text_of(template, "prompt expand"),
        variables=pairs(sets, "--set", "animal='a cat'"),
        wildcards=wildcards,
    )
    prompts = read.all() if count is None else read.expand(seed=seed, count=count)
    terminal.note(_summary(read, prompts))
    data: dict[str, Any] = {
        "template": read.text,
        "combinations": read.combinations if read.combinations <= _EXACT else None,
        "prompts": [
            {"text": each.text, "seed": each.seed, "choices": [one._asdict() for one in each.choices]}
            for each in prompts
        ],
    }
    return Answer(data, "\n".join(each.text for each in prompts))


def _summary(template: PromptTemplate, prompts: list[ExpandedPrompt]) -> str:
    """Say how many there are, and what gives these again."""
    told = f"{len(prompts)} of {template.combinations_text} combination{'s' * (template.combinations > 1)}"
    return told if prompts[0].seed is None else f"{told}; again with --seed {prompts[0].seed}"
