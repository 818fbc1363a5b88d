"""A command whose ``--help`` lists the parameters of the workflow that is named beside it."""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperCommand

from comfy_headless.api.describe import describe
from comfy_headless.errors import ComfyHeadlessError

USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]  # typer 0.2x carries a click of its own
_WORDS: Final = "comfy_headless.words"


class Listed(TyperCommand):
    """``run workflow.json --help``: the command's own help, then what the workflow takes. No server is asked."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        workflow = self._named(ctx)
        if workflow not in (None, "-"):
            formatter.write(_listing(workflow))

    def _named(self, ctx: Any) -> Any:
        """Return the workflow among the words; None where there is none, or the words are wrong."""
        try:
            found, _, _ = self.make_parser(ctx).parse_args(list(ctx.meta.get(_WORDS, ())))
        except USAGE_ERROR:
            return None
        return found.get("workflow")


def _listing(workflow: str) -> str:
    try:
        return str(describe(workflow))
    except ComfyHeadlessError as error:
        return str(error)
