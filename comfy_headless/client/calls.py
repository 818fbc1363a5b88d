"""The routes of a server as blocking calls: the queue, the history, jobs, and any other route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from comfy_headless.client.calls_files import FileCalls
from comfy_headless.client.calls_models import ModelCalls
from comfy_headless.client.calls_server import ServerCalls
from comfy_headless.client.calls_user import UserCalls
from comfy_headless.client.options import graph_of, job_id
from comfy_headless.protocol import other, routes, routes_jobs, routes_work
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Reply
from comfy_headless.protocol.plugin import queue_graph
from comfy_headless.protocol.routes import Queue
from comfy_headless.protocol.routes_jobs import Filter, JobPage, JobRecord
from comfy_headless.protocol.submit import chosen_id, extra_of, place_in
from comfy_headless.transport.sync import SyncTransport


class Calls(ModelCalls, FileCalls, UserCalls, ServerCalls):
    """One call for each route of a server; ``ComfyClient`` brings the rest.

    All of them raise ValidationError for what is wrong in the call itself (nothing was sent), ComfyUIOfflineError where
    nothing answers, and ComfyUIConnectionError where the server refuses, in its own words, or gives no sensible answer.
    What can be asked twice is asked again for a while; what cannot is sent once.
    """

    _server: Server
    _transport: SyncTransport

    def queue_prompt(
        self,
        workflow: Mapping[str, Any],
        *,
        prompt_id: str | None = None,
        front: bool = False,
        number: float | None = None,
        extra_data: Mapping[str, Any] | None = None,
        partial_execution_targets: Iterable[str] | None = None,
    ) -> str:
        """Queue an API-format graph and return its prompt_id as soon as the server has it.

        Args:
            prompt_id: a UUID in lower case that the job is to have; None: a new one. A server runs the same id twice.
            front: before all that wait.
            number: its number in the queue instead: the lowest runs first, and the server counts up from 0.
            extra_data: kept with the job: ``extra_pnginfo`` goes into the files, ``preview_method`` chooses previews,
                ``api_key_comfy_org`` is the key for nodes that cost money (the client's own goes along by itself).
            partial_execution_targets: ids of output nodes; only these run, and what they need.

        Raises:
            ValidationError: it is no such graph, or another word is wrong; nothing was sent.
            GenerationRejectedError: the server refused it.
            ComfyUIConnectionError: no answer (ComfyUIOfflineError: nothing is there).
        """
        graph = graph_of(workflow)
        place = place_in(graph, front=front, number=number, targets=partial_execution_targets)
        chosen = None if prompt_id is None else chosen_id(prompt_id)
        extra = extra_of(extra_data)
        flow = queue_graph(self._server, graph, prompt_id=chosen, extra_data=extra, place=place)
        return (self._transport.drive(flow)).prompt_id

    def queue(self) -> Queue:
        """Return the ids of running and of waiting jobs, in run order; ``position(prompt_id)`` tells a job's place."""
        return self._transport.drive(routes.queue(self._server))

    def queue_remaining(self) -> int:
        """Return how many jobs wait or run."""
        return self._transport.drive(routes_work.queue_remaining(self._server))

    def clear_queue(self) -> None:
        """Take all jobs out of the queue that wait, whoever sent them; what runs goes on."""
        return self._transport.drive(routes_work.clear_queue(self._server))

    def delete_queued(self, prompt_ids: Iterable[str]) -> None:
        """Take jobs out of the queue, as far as they wait there; others are passed over."""
        return self._transport.drive(routes_work.delete_queued(self._server, prompt_ids))

    def interrupt(self, prompt_id: str | None = None) -> None:
        """Stop that job if it is the one that runs; without an id, whatever runs. A sampler stops within a step."""
        return self._transport.drive(routes_work.interrupt(self._server, prompt_id))

    def cancel(self, prompt_id: str) -> bool:
        """Cancel one job, queued or running; True if the server still had it."""
        return self._transport.drive(routes.cancel(self._server, job_id(prompt_id)))

    def cancel_jobs(self, prompt_ids: Iterable[str]) -> bool:
        """Cancel several jobs, queued or running; True if the server still had one of them."""
        return self._transport.drive(routes_jobs.cancel_jobs(self._server, prompt_ids))

    def free(self, *, unload_models: bool = True, free_memory: bool = True) -> bool:
        """Let the server unload its models, and forget what nodes made, between two jobs; False: it cannot."""
        flow = routes.free(self._server, unload_models=unload_models, free_memory=free_memory)
        return self._transport.drive(flow)

    def history(self, prompt_id: str) -> dict[str, Any] | None:
        """Return the history entry of an ended job (prompt, outputs, status, meta), None while there is none."""
        return self._transport.drive(routes.history(self._server, job_id(prompt_id)))

    def whole_history(self, *, max_items: int | None = None, offset: int | None = None) -> dict[str, Any]:
        """Return the history entries of all jobs by id, oldest first.

        Args:
            max_items: at most so many (1 or more); without ``offset`` the newest of them.
            offset: so many of the oldest are left out.
        """
        return self._transport.drive(routes_work.whole_history(self._server, max_items, offset))

    def clear_history(self) -> None:
        """Let the server forget all jobs that ended; their files stay."""
        return self._transport.drive(routes_work.clear_history(self._server))

    def delete_history(self, prompt_ids: Iterable[str]) -> None:
        """Let the server forget these jobs; their files stay, and ids that are not there are passed over."""
        return self._transport.drive(routes_work.delete_history(self._server, prompt_ids))

    def job_records(
        self,
        *,
        status: str | Iterable[str] | None = None,
        workflow_id: str | None = None,
        sort_by: str = "created_at",
        descending: bool = True,
        limit: int | None = None,
        offset: int = 0,
    ) -> JobPage:
        """Return jobs that wait, run or have ended, and how many there are.

        Args:
            status: one or several of "pending", "in_progress", "completed", "failed", "cancelled"; None: all.
            workflow_id: only those of this workflow of the frontend.
            sort_by: "created_at" or "execution_duration".
            descending: the latest, or longest, first.
            limit: at most so many (1 or more); None: all.
            offset: so many are left out before.
        """
        wanted = Filter(status, workflow_id, sort_by, descending, limit, offset)
        return self._transport.drive(routes_jobs.job_records(self._server, wanted))

    def job_record(self, prompt_id: str) -> JobRecord | None:
        """Return what the server says of one job, its outputs and its graph too; None: it knows none of this id."""
        return self._transport.drive(routes_jobs.job_record(self._server, job_id(prompt_id)))

    def request(
        self,
        method: str,
        route: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | bytes | str | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """Ask the server for any route, those of node packs too, once; the status is yours to look at.

        The reply has ``status``, ``headers`` (names in lower case), ``body`` (bytes), ``text`` and ``json()``.

        Args:
            route: from the server's base address on, such as ``/manager/version``; never another server.
            params: of the query: texts, numbers, True and False; a list is given once for each, None is left out.
            json: the body, as JSON.
            data: the body as bytes or text, or the fields of a form.
            files: of a form, by field: a path, bytes, or ``(name, path or bytes)``.
            headers: besides those that let one in.
            timeout: seconds of silence until the exchange breaks; None: 20.

        Raises:
            ValidationError: something in the call is wrong; nothing was sent.
            ComfyUIConnectionError: the exchange broke (ComfyUIOfflineError: nothing is there).
        """
        given: dict[str, Any] = {"params": params, "json": json, "data": data, "files": files, "headers": headers}
        call = other.call_of(self._server, method, route, **given, timeout=timeout)
        return self._transport.drive(other.request(self._server, call))
