"""The remedy for an input that a parameter fills: people give the parameter, and do not write into the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from comfy_headless.graph.lines import place, remarked
from comfy_headless.graph.report import Problem, Report
from comfy_headless.graph.template import Parameter

Filled: TypeAlias = "Mapping[tuple[str, str], Parameter]"
"""Parameters by the node and the input that they fill."""


def filled_by(parameters: Iterable[Parameter]) -> Filled:
    """Return which inputs parameters fill."""
    return {place: parameter for parameter in parameters for place in parameter.bindings}


def with_parameters(report: Report, filled: Filled) -> Report:
    """Return a report whose remedies name the parameter where one fills the input."""
    if not filled:
        return report
    return replace(report, problems=tuple(_named(each, filled) for each in report.problems))


def _named(problem: Problem, filled: Filled) -> Problem:
    place_of = (problem.node_id or "", problem.input or "")
    parameter = filled.get(place_of)
    if parameter is None or place(*place_of) not in problem.remedy:
        return problem
    return replace(problem, remedy=_remedy(parameter, problem.remedy, place(*place_of)))


def _remedy(parameter: Parameter, line: str, where: str) -> str:
    """The parameter, with the value that the line for the graph has, and why."""
    name = parameter.name
    value, _, why = line.removeprefix(f"{where} = ").partition("  # ") if line.startswith(f"{where} = ") else ("",) * 3
    if parameter.upload:
        there = f"the server has {value}{f'; {why}' if why else ''}" if value else ""
        return remarked(f"give a file as the parameter {name}: --param {name}=FILE, or {name}=...", there)
    such = f"--param {name}={value}, or {name}={value}" if value else f"--param {name}=VALUE, or {name}=..."
    return remarked(f"give the parameter {name} another value: {such}", why)
