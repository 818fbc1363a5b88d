"""What a check can find beside the server's own refusals: each kind of problem, how bad it is, and what it means.

Four severities, the worst first. A job with one of the first two does not end well:

    refused   the server says so itself: nothing is queued, or an output is dropped
    fails     the server takes it, and the job dies when it runs
    warning   it may die, or it makes something else than was meant
    note      no harm
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Severity = Literal["refused", "fails", "warning", "note"]


class Kind(NamedTuple):
    """A kind of problem that the server accepts, and what it means in one sentence."""

    severity: Severity
    meaning: str


KINDS: Final[Mapping[str, Kind]] = {
    "class_not_read": Kind(
        "warning", "What the server says of this class is not as ComfyUI writes it; some inputs are not checked"
    ),
    "class_replaced": Kind("note", "The server puts a newer class in place of this one"),
    "disk_too_small": Kind("warning", "The file may not fit where it is to be written"),
    "dynamic_choice_ignored": Kind("warning", "A choice is none of those that the node knows; the server ignores it"),
    "dynamic_choice_missing": Kind(
        "fails", "A choice that the server does not check is missing, and the node fails when it runs"
    ),
    "dynamic_choice_unknown": Kind("fails", "A choice that the server does not check is none of those it knows"),
    "link_expected": Kind("fails", "A value where only a link to another node can work; the run fails"),
    "link_to_absent_node": Kind(
        "fails", "An unknown input links to an absent node: the worker dies, later jobs wait for ever"
    ),
    "lora_of_another_model": Kind("warning", "A LoRA was made for another model; the server loads it without effect"),
    "little_known": Kind("note", "What is there is not told"),
    "node_unused": Kind("note", "No output needs this node; the server leaves it out"),
    "node_without_inputs": Kind("fails", "A node has no 'inputs': the worker dies, later jobs wait for ever"),
    "output_dropped": Kind("fails", "The server runs the other outputs and drops this one"),
    "parameter_required": Kind("note", "The workflow does not run without a value for this parameter"),
    "ram_too_small": Kind("warning", "The server may have too little main memory"),
    "server_too_old": Kind("fails", "The server is too old for it"),
    "unknown_input": Kind("warning", "The node has no such input; the server ignores it"),
    "value_changed": Kind("warning", "The server changes the value"),
    "vram_too_small": Kind("warning", "The server's card may have too little memory"),
}
"""Kinds of problems that the server accepts; all others are the types of its own errors."""

FATAL_KINDS: Final = frozenset({"link_to_absent_node", "node_without_inputs"})
"""Those that end the server's worker thread, not the job alone (measured: ComfyUI 0.30.0)."""
