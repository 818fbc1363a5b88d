"""``LoadedWorkflow``: a workflow as a function of its parameters.

It is read once and never changes; each call reads its markers anew, as ``run_workflow`` does, since a server may have
got more files meanwhile. A name that is both a parameter of the workflow and an option of the call is never guessed: as
a keyword it is the option, and only where the parameter stands in ``params``.
"""

from __future__ import annotations

import keyword
from collections.abc import Awaitable, Callable, Iterator, Mapping
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, overload

from comfy_headless.catalog.own_workflow import WISHES
from comfy_headless.catalog.variants import VARIANTS
from comfy_headless.client.job import AsyncJob, Job
from comfy_headless.errors import ValidationError
from comfy_headless.graph.describing import described
from comfy_headless.graph.description import Description, OutputInfo, ParameterInfo
from comfy_headless.graph.source import Graph
from comfy_headless.graph.template import Template
from comfy_headless.graph.values import Kind, nearest, shown
from comfy_headless.protocol.result import Result

_KINDS: Final[Mapping[Kind, Any]] = {
    Kind.INTEGER: int,
    Kind.NUMBER: float,
    Kind.TEXT: str,
    Kind.BOOLEAN: bool,
    Kind.CHOICE: str,
}


class Given(NamedTuple):
    """The arguments of one call, told apart."""

    params: dict[str, Any]
    wait: bool
    options: dict[str, Any]


class _Loaded:
    """What both kinds of loaded workflows share: all but the call."""

    def __init__(self, found: Any, template: Template, run: Callable[..., Any]) -> None:
        self._found, self._template = found, template
        self._description = described(template)
        self._options = {
            name: each for name, each in signature(run).parameters.items() if each.kind is Parameter.KEYWORD_ONLY
        }
        self.__name__ = self.__qualname__ = Path(self.name).stem
        self.__doc__ = str(self._description)
        self.__signature__ = self._signature()

    @property
    def name(self) -> str:
        """What the workflow is called."""
        return self._template.name

    @property
    def parameters(self) -> Mapping[str, ParameterInfo]:
        """What it takes, by name."""
        return self._description.parameters

    @property
    def outputs(self) -> Mapping[str, OutputInfo]:
        """What it makes, by name."""
        return self._description.outputs

    @property
    def graph(self) -> Graph:
        """The graph as it was read, a copy."""
        return self._template.graph

    @property
    def _taken(self) -> tuple[str, ...]:
        """What a call takes beside parameters and wishes for the graph."""
        return ("params", "wait", *self._options)

    def describe(self) -> Description:
        """Say what it takes and gives; ``print`` lists it."""
        return self._description

    def _signature(self) -> Signature:
        given = Parameter("params", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Mapping[str, Any])
        options = [
            Parameter("wait", Parameter.KEYWORD_ONLY, default=True, annotation=bool),
            *(each for name, each in self._options.items() if name != "wait"),
        ]
        wishes = Parameter("wishes", Parameter.VAR_KEYWORD, annotation=Any)
        return Signature([given, *self._keywords(), *options, wishes], return_annotation=Result)

    def _keywords(self) -> Iterator[Parameter]:
        """Yield the parameters that can be given as keywords."""
        for name, each in self.parameters.items():
            if name.isidentifier() and not keyword.iskeyword(name) and name not in (*self._taken, "wishes"):
                default = Parameter.empty if each.required else each.default
                yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=_KINDS.get(each.type, Any))

    def __repr__(self) -> str:
        taken = (name if each.required else f"{name}={shown(each.default)}" for name, each in self.parameters.items())
        return f"<{type(self).__name__} {self.name}({', '.join(taken)})>"

    def _given(self, params: Mapping[str, Any] | None, given: Mapping[str, Any]) -> Given:
        """Tell apart what belongs to the workflow and what to the call; raises ValidationError."""
        if params is not None and not isinstance(params, Mapping):
            raise ValidationError(f"params={shown(params)}: expected a dict of parameters and their values")
        values, options = dict(params or {}), dict[str, Any]()
        for name, value in given.items():
            if name in self._taken:
                self._check_option(name, values)
                options[name] = value
            elif name in self.parameters:
                if name in values:
                    raise ValidationError(f"{name}={shown(value)}: it is given in params too; give it once")
                values[name] = value
            elif name in (*WISHES, *VARIANTS):
                options[name] = value
            else:
                raise self._unknown(name)
        return Given(values, options.pop("wait", True), options)

    def _check_option(self, name: str, values: Mapping[str, Any]) -> None:
        if name in self.parameters and name not in values:
            raise ValidationError(
                f"{name} is a parameter of {self.name} and an option of the call. Give the parameter as "
                f"params={{{name!r}: ...}}; beside it, {name}= is the option"
            )

    def _unknown(self, name: str) -> ValidationError:
        there = [*self.parameters, *self._taken, *WISHES, *VARIANTS]
        own = ", ".join(self.parameters) or "none"
        return ValidationError(f"{self.name} has no parameter {name!r}{nearest(name, there)} It has: {own}")


class LoadedWorkflow(_Loaded):
    """A workflow that is called as a function of its parameters; ``load_workflow`` gives it.

    ``help(flow)`` and ``print(flow.describe())`` list the parameters, ``inspect.signature(flow)`` has them.
    """

    def __init__(self, found: Any, template: Template, run: Callable[..., Result], submit: Callable[..., Job]) -> None:
        super().__init__(found, template, run)
        self._run, self._submit = run, submit

    @overload
    def __call__(
        self, /, params: Mapping[str, Any] | None = None, *, wait: Literal[True] = True, **given: Any
    ) -> Result: ...

    @overload
    def __call__(self, /, params: Mapping[str, Any] | None = None, *, wait: Literal[False], **given: Any) -> Job: ...

    def __call__(self, /, params: Mapping[str, Any] | None = None, **given: Any) -> Result | Job:
        """Run the workflow and return its result.

        Args:
            params: values by name, for names that are no words of Python or that are options of the call too.
            given: parameters of the workflow, and what ``run_workflow`` takes: out, timeout, on_progress, codec, ...;
                ``wait=False`` returns the ``Job`` as soon as the server has it.

        Raises:
            ValidationError: unknown, missing, or does not fit; nothing was sent.
            As ``run_workflow``.
        """
        values, wait, options = self._given(params, given)
        return (self._run if wait else self._submit)(self._found, values, **options)

    def submit(self, /, params: Mapping[str, Any] | None = None, **given: Any) -> Job:
        """Queue the workflow and return the job as soon as the server has it."""
        return self(params, wait=False, **given)


class AsyncLoadedWorkflow(_Loaded):
    """The same on asyncio; ``await client.load_workflow(...)`` gives it."""

    def __init__(
        self,
        found: Any,
        template: Template,
        run: Callable[..., Awaitable[Result]],
        submit: Callable[..., Awaitable[AsyncJob]],
    ) -> None:
        super().__init__(found, template, run)
        self._run, self._submit = run, submit

    @overload
    async def __call__(
        self, /, params: Mapping[str, Any] | None = None, *, wait: Literal[True] = True, **given: Any
    ) -> Result: ...

    @overload
    async def __call__(
        self, /, params: Mapping[str, Any] | None = None, *, wait: Literal[False], **given: Any
    ) -> AsyncJob: ...

    async def __call__(self, /, params: Mapping[str, Any] | None = None, **given: Any) -> Result | AsyncJob:
        """Run the workflow and return its result. See ``LoadedWorkflow``."""
        values, wait, options = self._given(params, given)
        if wait:
            return await self._run(self._found, values, **options)
        return await self._submit(self._found, values, **options)

    async def submit(self, /, params: Mapping[str, Any] | None = None, **given: Any) -> AsyncJob:
        """Queue the workflow and return the job as soon as the server has it."""
        return await self(params, wait=False, **given)
