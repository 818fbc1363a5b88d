"""Whether two answers to ``POST /prompt`` say the same, and `check`'s answer in every order that a server may take.

A server looks at outputs and at the inputs of a node in an arbitrary order (Python sets of strings, whose order changes
with every start). Where several errors meet, the order decides which of them is seen, so an answer of the server is
right if `check` gives it in some order.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from comfy_headless.graph.check import Report, check
from comfy_headless.graph.existing import FileExists
from comfy_headless.graph.schemas import DYNAMIC_COMBO, InputSchema, NodeSchema, Schemas

from .check_corpus import Case

ORDERS = 1000
"""How many orders are tried before two answers count as different."""


def normalise(answer: Mapping[str, Any], *, exact: bool, first: bool = True) -> Any:
    """Return an answer without what is no part of the verdict: tracebacks, ids, the order of errors and outputs.

    Args:
        exact: False leaves out what the snapshot does not have: the contents of lists, tooltips, long defaults.
        first: False leaves out which link comes first of several to the same bad node: its error names that one.
    """
    error = answer.get("error")
    lines = sorted(_details(error["details"], exact).split("\n")) if error else None
    nodes = {
        node_id: {
            "class_type": entry["class_type"],
            "dependent_outputs": sorted(entry["dependent_outputs"]),
            "errors": sorted(
                (_error(each, exact, first) for each in entry["errors"]),
                key=lambda each: json.dumps(each, sort_keys=True),
            ),
        }
        for node_id, entry in answer.get("node_errors", {}).items()
    }
    return json.loads(json.dumps({"error": error and {**error, "details": lines}, "node_errors": nodes}))


def _error(error: Mapping[str, Any], exact: bool, first: bool) -> dict[str, Any]:
    extra = {key: value for key, value in error["extra_info"].items() if key != "traceback"}
    if not first and error["type"] == "exception_during_inner_validation":
        extra = {key: value for key, value in extra.items() if key not in ("input_name", "input_config")}
        extra["linked_node"] = extra["linked_node"][0]
    if not exact and extra.get("input_config"):
        kind, options = extra["input_config"]
        kept = {
            key: value for key, value in options.items() if key not in ("tooltip", "options", "default", "template")
        }
        extra["input_config"] = ["COMBO" if isinstance(kind, list) else kind, kept]
    if not exact and error["type"] == "value_not_in_list":
        extra.pop("input_config")
    return {**error, "details": _details(error["details"], exact), "extra_info": extra}


def _details(details: str, exact: bool) -> str:
    return details if exact else "\n".join(line.split(" not in ", 1)[0] for line in details.split("\n"))


class _Shuffled(Schemas):
    """Schemas whose classes have their inputs in another order, those of a dynamic one mixed with the others."""

    __slots__ = ("_dice", "_made")

    def __init__(self, schemas: Schemas, dice: random.Random) -> None:
        super().__init__(schemas, schemas.raw)
        self._dice = dice
        self._made: dict[str, NodeSchema] = {}

    def __getitem__(self, class_type: str) -> NodeSchema:
        if class_type not in self._made:
            node = super().__getitem__(class_type)
            inputs = [piece for item in node.inputs for piece in _pieces(item)]
            self._dice.shuffle(inputs)
            self._made[class_type] = dataclasses.replace(node, inputs=tuple(inputs))
        return self._made[class_type]


def _pieces(item: InputSchema) -> list[InputSchema]:
    """Return inputs that unfold together to what this one does, each to one of its names."""
    if item.spec == DYNAMIC_COMBO:
        options = item.options.get("options") or ()
        most = max((len(_flat(option["inputs"])) for option in options), default=0)
        changed = [{"options": [_only(option, turn) for option in options]} for turn in range(most)]
    elif item.dynamic and "template" in item.options:
        template = item.options["template"]
        names = template.get("names") or [f"{template['prefix']}{number}" for number in range(template["max"])]
        changed = [
            {"template": {**template, "names": [name], "min": int(position < template["min"])}}
            for position, name in enumerate(names)
        ]
    else:
        changed = []
    return [dataclasses.replace(item, options={**item.options, **each}) for each in changed] or [item]


def _only(option: Mapping[str, Any], turn: int) -> dict[str, Any]:
    kept = _flat(option["inputs"])[turn : turn + 1]
    return {**option, "inputs": {category: {name: spec} for category, name, spec in kept}}


def _flat(sections: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    return [(category, name, spec) for category, inputs in sections.items() for name, spec in (inputs or {}).items()]


def _reports(case: Case, schemas: Schemas, exists: FileExists | None) -> Iterator[Report]:
    """Yield what `check` says: in the order of graph and schema first, then in shuffled ones."""
    report = check(case.graph, schemas, partial_execution_targets=case.targets, file_exists=exists)
    yield report
    if not report.node_errors:
        return
    for number in range(1, ORDERS):
        dice = random.Random(number)
        graph = dict(dice.sample(list(case.graph.items()), len(case.graph)))
        shuffled = _Shuffled(schemas, dice)
        yield check(graph, shuffled, partial_execution_targets=case.targets, file_exists=exists)


def find_order(
    case: Case,
    status: int,
    answer: Mapping[str, Any],
    schemas: Schemas,
    *,
    exact: bool,
    exists: FileExists | None = None,
) -> int | str:
    """Return in which order (0 is ours) `check` gives the server's answer; if in none, a text with both answers."""
    for number, report in enumerate(_reports(case, schemas, exists)):
        said = [normalise(each, exact=exact, first=number == 0) for each in (answer, body_of(report))]
        if report.status == status and (status == 500 or said[0] == said[1]):
            return number
    wanted = normalise(answer, exact=exact)
    report = check(case.graph, schemas, partial_execution_targets=case.targets, file_exists=exists)
    own = json.dumps(normalise(body_of(report), exact=exact))
    return f"{case.name}\nserver {status} {json.dumps(wanted)}\ncheck  {report.status} {own}"


def body_of(report: Report) -> dict[str, Any]:
    """Return the part of the server's answer that a report predicts."""
    body: dict[str, Any] = {"node_errors": report.node_errors}
    return body if report.error is None else {"error": report.error, **body}
