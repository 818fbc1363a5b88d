"""``Plugin``: code of a caller's own at three places of a job. A client is given its plugins; the server knows none.

What goes wrong before a job is queued is an error, and nothing is sent. What goes wrong later never loses the job: it
is logged once, the plugin hears no more of that job, and ``result.callback_error`` tells it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.effects import Flow, Notify
from comfy_headless.protocol.events import Event
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import submit_new
from comfy_headless.protocol.ticket import Ticket

if TYPE_CHECKING:
    from comfy_headless.protocol.conversation import Server

_HOOKS: Final = ("before_submit", "on_event", "after_result")


class Plugin:
    """What a plugin can do; override what is needed. On asyncio each may be ``async``, elsewhere too."""

    def before_submit(self, graph: dict[str, Any]) -> Any:
        """Look at a graph before anything of its job is sent.

        It may be changed in place, or another one given back; what comes of it is checked, and sent. Files that go with
        it are not uploaded yet: their inputs hold local names.

        Args:
            graph: the workflow in API format, values in place.
        """

    def on_event(self, event: Event) -> Any:
        """Hear what happens to a job that is waited for: what ``job.events()`` tells, from Queued to Finished."""

    def after_result(self, result: Result) -> Any:
        """Take in the result of a job that ended well, its files in place."""

    def __str__(self) -> str:
        return type(self).__name__


def plugins_of(plugins: Iterable[Any]) -> tuple[Plugin, ...]:
    """Return the plugins of a client; raises ValidationError for what is none."""
    if isinstance(plugins, (str, Mapping)) or not isinstance(plugins, Iterable):
        raise ValidationError(f"plugins={plugins!r}: expected a list of comfy_headless.Plugin")
    found = tuple(plugins)
    for each in found:
        lacking = [name for name in _HOOKS if isinstance(each, type) or not callable(getattr(each, name, None))]
        if lacking:
            hint = f"; {each.__name__} is a class: give {each.__name__}()" if isinstance(each, type) else ""
            raise ValidationError(
                f"plugins: {each!r} has no {', '.join(lacking)}{hint}; derive from comfy_headless.Plugin"
            )
    return found


def before_submit(server: Server, graph: dict[str, Any]) -> Flow[dict[str, Any]]:
    """Let the plugins look at a graph that is about to be sent; give what comes of it.

    Raises:
        ValidationError: a plugin gave something that is no graph; whatever a plugin raises passes, with its name.
    """
    for plugin in server.plugins:
        try:
            given = yield Notify(plugin.before_submit, graph)
        except BaseException as error:
            error.add_note(f"raised by the plugin {plugin}.before_submit; nothing was sent")
            raise
        if given is None:
            continue
        if not isinstance(given, dict) or not given or not all(map(_is_node, given.values())):
            raise ValidationError(
                f"the plugin {plugin}.before_submit gave {_kind(given)}; expected a graph (a dict of node id to "
                "class_type and inputs), or None for the one that it was given"
            )
        graph = given
    return graph


def queue_graph(server: Server, graph: dict[str, Any], **how: Any) -> Flow[Ticket]:
    """Queue a graph as it is, but for what plugins make of it. See ``submit_new``; raises what plugins do too."""
    return (yield from submit_new(server, (yield from before_submit(server, graph)), **how))


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _kind(given: Any) -> str:
    return f"a {type(given).__name__} that is no graph" if isinstance(given, dict) else repr(given)[:80]
