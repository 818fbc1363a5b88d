"""A workflow from wherever it is: read it, and make the graph that a server runs of it.

Whether it was saved or exported in the browser makes no difference: the one becomes the other by the node classes of
the server that is to run it; where none is asked, by those that are shipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from comfy_headless.api.contents import most_of, read_content, read_file
from comfy_headless.api.known import nodes_of
from comfy_headless.client.once import drive_once
from comfy_headless.client.options import server_of
from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.graph.limits import check_nodes
from comfy_headless.graph.origins import Origin, Workflow, WorkflowUrl, origin_of
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, read_graph
from comfy_headless.graph.template import Template
from comfy_headless.graph.ui.convert import convert_with_warnings, is_ui_format
from comfy_headless.protocol.answers import refusal, whole
from comfy_headless.protocol.conversation import Server, persist
from comfy_headless.protocol.effects import Call, Fetch, Flow, Work
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.routes_templates import saved_workflow, server_template
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.web import Closed, Rules, Unread, read_page

T = TypeVar("T")

_FILES: Final = ("/userdata/", "/templates/", "/workflow_templates/")
"""The routes of a server that, beside /view, give files and do nothing else; a GET of a node pack's may restart it."""

_NOT_THERE: Final = 404
_ALLOWED: Final = (
    "An address that you trust is given as WorkflowUrl(address, http=True, internal=True); at the command line, pipe "
    "it in: curl ADDRESS | comfy-headless run -"
)


class Found(NamedTuple):
    """A workflow as it was found.

    Args:
        name: how errors name it.
        raw: what its JSON holds; in the browser's format or that of the API.
    """

    name: str
    raw: Mapping[str, Any]

    @property
    def drawn(self) -> bool:
        """Whether it is in the browser's format."""
        return is_ui_format(self.raw)


class ReadGraph(NamedTuple):
    """A workflow as a server takes it.

    Args:
        name: how errors name it.
        schemas: the node classes by which it was read.
        warnings: what could not be taken over as it was drawn.
    """

    name: str
    graph: Graph
    schemas: Schemas
    warnings: tuple[str, ...] = ()


def read_source(server: Server | None, workflow: Workflow) -> Flow[Found]:
    """Read a workflow from wherever it is.

    Args:
        server: whose workflows and templates may be named; None: no server is asked.

    Raises:
        ValidationError: there is none, on the server neither, it cannot be had, or it is larger than any.
        FeatureMissingError: it is inside a picture or the like, and the extra ``media`` is missing.
        ComfyUIConnectionError: the server does not give it.
    """
    origin = yield Work(_origin_of, (workflow,))
    raw = yield from _raw(server, origin)
    if raw.get("_source") == "runninghub" and "workflow_id" in raw:  # a file of ComfyKit that only says which
        origin = _origin_of(f"runninghub:{raw['workflow_id']}")
        raw = yield from _raw(server, origin)
    check_nodes(raw, origin.name)
    if raw.get("nodes") == []:
        raise ValidationError(f"{origin.name} is empty: it has no nodes")
    return Found(origin.name, raw)


def read_api_graph(server: Server | None, workflow: Workflow, schemas: Schemas | None = None) -> Flow[ReadGraph]:
    """Read a workflow, in either format, as the graph that a server takes.

    Args:
        schemas: the node classes to go by; None: those of the server, else those that are shipped.

    Raises:
        As ``read_source``; ValidationError also for a node of a class that is not there.
    """
    found = yield from read_source(server, workflow)
    return (yield from by_schemas(server, lambda known: graph_of(found, known), schemas))


def read_template(server: Server | None, workflow: Workflow, schemas: Schemas | None = None) -> Flow[Template]:
    """Read a workflow, in either format, with its markers. See ``read_api_graph``."""
    found = yield from read_source(server, workflow)
    return (yield from by_schemas(server, lambda known: template_of(found, known), schemas))


def graph_of(found: Found, schemas: Schemas) -> ReadGraph:
    """Return a workflow that was found as the graph that a server takes; raises ValidationError."""
    if not found.drawn:
        return ReadGraph(found.name, read_graph(found.raw, name=found.name), schemas)
    try:
        converted = convert_with_warnings(found.raw, schemas, name=found.name)
    except RecursionError as error:
        raise ValidationError(f"{found.name} is nested too deeply to be a workflow") from error
    return ReadGraph(found.name, read_graph(converted.graph, name=found.name), schemas, converted.warnings)


def template_of(found: Found, schemas: Schemas | None) -> Template:
    """Return a workflow that was found with its markers; raises ValidationError.

    Args:
        schemas: the node classes to go by; None: none, which only a workflow in the format of the API can do without.
    """
    if not found.drawn or schemas is None:
        return Template.read(found.raw, name=found.name, schemas=schemas)
    read = graph_of(found, schemas)
    template = Template.read(read.graph, name=found.name, schemas=schemas)
    return replace(template, warnings=(*(f"{found.name}: {each}" for each in read.warnings), *template.warnings))


def by_schemas(server: Server | None, make: Callable[[Schemas], T], schemas: Schemas | None = None) -> Flow[T]:
    """Make something by node classes: these, else those of a server, else those that are shipped.

    What fails by what is only remembered of a server is made once more by what it has now.
    """
    if server is None or schemas is not None:
        return (yield Work(lambda: make(schemas or shipped()), long=True))  # type: ignore[no-any-return]
    nodes = yield from nodes_of(server)
    if nodes is None:
        return (yield Work(lambda: make(shipped()), long=True))  # type: ignore[no-any-return]
    try:
        return (yield Work(make, (nodes.schemas,), long=True))  # type: ignore[no-any-return]
    except ValidationError:
        if nodes.fresh:
            raise
        nodes = yield from nodes_of(server, anew=True)
        if nodes is None:
            raise
    return (yield Work(make, (nodes.schemas,), long=True))  # type: ignore[no-any-return]


def shipped() -> Schemas:
    """Return the node classes that are shipped: those of ComfyUI, and of the node packs that presets name."""
    return Schemas.snapshot(Schemas.packs())


def read_here(flow: Flow[T]) -> T:
    """Perform a flow that asks no server."""
    try:
        effect = next(flow)
        while True:
            assert isinstance(effect, (Work, Fetch)), effect
            stop = (Event(),) if isinstance(effect, Fetch) else ()
            effect = flow.send(effect.function(*effect.args, *stop))
    except StopIteration as end:
        value: T = end.value
        return value


def read_there(server: str | Executor | None, make: Callable[[Server | None], Flow[T]]) -> T:
    """Perform a flow that asks one server a few things, None: that asks none.

    Args:
        server: its address, or a cloud.
    """
    if server is None:
        return read_here(make(None))
    there = server_of(server, "polling", Timing(), None)
    return drive_once(there, make(there))


def _origin_of(workflow: Workflow) -> Origin:
    return origin_of(workflow, is_file=_is_file)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _raw(server: Server | None, origin: Origin) -> Flow[Mapping[str, Any]]:
    match origin.kind:
        case "graph":
            raw: Mapping[str, Any] = origin.place
            return raw
        case "text":
            return (yield Work(read_content, (origin.place, origin.name), long=True))  # type: ignore[no-any-return]
        case "file":
            return (yield Work(read_file, (origin.place, origin.name), long=True))  # type: ignore[no-any-return]
        case "url":
            content = yield from _at(server, origin)
        case _ if server is None:
            where = "RunningHub" if origin.kind == "runninghub" else "a ComfyUI server"
            raise ValidationError(
                f"{origin.name} is kept by {where}, and none is asked; name it with server= (--server)"
            )
        case "saved" | "template" if server.executor is not None:
            raise ValidationError(
                f"{origin.name}: {server.executor.name} gives no workflow by a name; export it there, and give the file"
            )
        case "saved":
            content = yield from _kept(saved_workflow(server, origin.place))
        case "template":
            content = yield from _kept(server_template(server, origin.place))
        case "runninghub":
            if server.executor is None:
                raise ValidationError(
                    f"{origin.name} is kept by RunningHub, and {server.url} is a ComfyUI server: give "
                    "server=RunningHub(), or the path of a workflow's file"
                )
            return (yield from server.executor.workflow(server, origin.place))
    return (yield Work(read_content, (content, origin.name), long=True))  # type: ignore[no-any-return]


def _kept(flow: Flow[bytes]) -> Flow[bytes]:
    """Read what a server keeps by a name; that there is none of it is the caller's mistake."""
    try:
        return (yield from flow)
    except ComfyUIConnectionError as error:
        if error.status != _NOT_THERE:
            raise
        raise ValidationError(error.message) from error


def _at(server: Server | None, origin: Origin) -> Flow[bytes]:
    """Read an address; a file of the server itself is asked for as all of its are."""
    address: WorkflowUrl = origin.place
    route = _route_of(server, address.url) if server is not None and server.executor is None else None
    if server is None or route is None:
        return (yield Fetch(_fetched, (address, origin.name)))  # type: ignore[no-any-return]
    params = tuple(parse_qsl(urlsplit(address.url).query, keep_blank_values=True))
    tried = yield from persist(server, Call("GET", route, params, timeout=server.timing.transfer), reading=whole)
    if tried.status == _NOT_THERE:
        raise ValidationError(f"workflow {origin.name}: {server.url} has no such file (404)")
    if tried.problem is not None:
        raise refusal(server, tried, origin.name)
    return bytes(tried.value.body)


def _route_of(server: Server, url: str) -> str | None:
    """Return the route of an address that is a file of the server, None if it is none."""
    try:
        ours, theirs = urlsplit(server.address), urlsplit(url)
        same = (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)
    except ValueError:
        return None
    route = theirs.path.removeprefix(ours.path)
    inside = same and theirs.path.startswith(f"{ours.path}/") and ".." not in unquote(route).split("/")
    plain = route.removeprefix("/api")
    return route if inside and (plain == "/view" or plain.startswith(_FILES)) else None


def _fetched(address: WorkflowUrl, name: str, stop: Event) -> bytes:
    rules = Rules(http=address.http, internal=address.internal, stop=stop)
    try:
        return read_page(address.url, most_of, rules).body
    except Closed as reason:
        raise ValidationError(f"workflow {name}: {reason}. {_ALLOWED}") from reason
    except Unread as reason:
        raise ValidationError(f"workflow {name}: {reason}") from reason
