"""The command line: ``comfy-headless``, also ``python -m comfy_headless``.

Nothing of typer or rich is imported before it is known that they are there: without them one line says how to get them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from comfy_headless import features
from comfy_headless.cli.endings import refuse
from comfy_headless.errors import FeatureMissingError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: what follows the program's name; None takes them from ``sys.argv``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        features.require("cli", "the command line")
    except FeatureMissingError as error:
        return refuse(error, words)
    from comfy_headless.cli.app import run

    return run(words, alone=arguments is None)
