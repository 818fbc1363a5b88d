"""RunningHub on two loopback addresses: its API before a simulator, and the files of its tasks on another host.

Routes, envelopes and codes are those of its documentation (runninghub-api-doc, 2026), the codes of tasks those that
runninghub-sdk reads; nobody has seen it live. Files are real: the simulator makes them. Whoever shows the host of the
files a key, or a cookie, is written down in ``leaks``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import uuid4

from aiohttp import ClientSession, FormData, web

KEY: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""Lets one in."""
SAVED: Final = "1904136902449209346"
"""The id of the workflow that is saved there."""

_SECRETS: Final = ("authorization", "x-api-key", "cookie")
_NAMES: Final[Mapping[str, str]] = {
    "json": "/api/openapi/getJsonApiFormat",
    "create": "/task/openapi/create",
    "status": "/task/openapi/status",
    "outputs": "/task/openapi/outputs",
    "cancel": "/task/openapi/cancel",
    "upload": "/task/openapi/upload",
    "account": "/uc/openapi/accountStatus",
}


@dataclass(slots=True)
class Trouble:
    """Something that goes wrong at one route, a number of times, then no more.

    Args:
        at: short name of a route, such as ``create``; ``file`` is the host of the files.
        how: "cut" (the connection ends, nothing is done), "lost" (it is done, the connection ends without an answer),
            "late" (it is done, the answer comes after ``seconds``), "held" (it is done when ``released``),
            "half" (half of a file, then the connection ends),
            "slow" (a file in pieces, ``seconds`` between them), "page" (a web page), "done 500" (it is done, a status
            comes), a status such as "503", or "code 421".
        seconds: for "late" and "slow"; what ``Retry-After`` says of a status.
        times: how often.
    """

    at: str
    how: str
    seconds: float = 0.0
    times: int = 1


@dataclass(slots=True)
class Task:
    """A task as RunningHub has it."""

    id: str
    prompt_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "QUEUED"
    files: list[tuple[str, str]] = field(default_factory=list)
    reason: dict[str, Any] | None = None


class Asked(NamedTuple):
    """A request that came; ``at`` is the short name of its route."""

    at: str
    headers: Mapping[str, str]
    body: Any


class FakeRunningHub:
    """It runs while the block does.

    Args:
        upstream: base address of the simulator that runs the graphs.
        saved: graphs that are saved there, by id.
        ends: how tasks end, where not as the simulator has it: "FAILED" or "never".
        reason: ``failedReason`` of a task that fails so.
        says: what the status route tells instead of the truth, one for each look, as long as there are some.
        life: how often the address of a file can be used.
        answers: envelopes in place of those of a route, by its short name: the last one again and again.
        others: tasks of the account that are no work of ours.
        wants_workflow: a whole graph needs the id of a saved workflow too.
    """

    def __init__(
        self,
        upstream: str,
        *,
        saved: Mapping[str, Any] | None = None,
        ends: str = "",
        reason: Mapping[str, Any] | None = None,
        says: tuple[Any, ...] = (),
        life: int = 1000,
        answers: Mapping[str, Any] | None = None,
        others: int = 0,
        wants_workflow: bool = False,
    ) -> None:
        self._upstream, self._ends, self._reason, self._life = upstream, ends, reason, life
        self._says, self._others, self._wants_workflow = list(says), others, wants_workflow
        self.saved = dict(saved or {})
        self._answers = {at: list(one) if isinstance(one, list) else [one] for at, one in (answers or {}).items()}
        self.troubles: list[Trouble] = []
        self.asked: list[Asked] = []
        self.leaks: list[Asked] = []
        self.tasks: dict[str, Task] = {}
        self.released = False
        self._stored: dict[str, str] = {}
        self._blobs: dict[str, bytes] = {}
        self._signed: dict[str, int] = {}
        self._bad: dict[int, Trouble] = {}
        self._live: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def add(self, *troubles: Trouble) -> None:
        """Let more go wrong, from now on."""
        self.troubles.extend(troubles)

    def count(self, at: str) -> int:
        """Say how often a route was asked."""
        return sum(one.at == at for one in self.asked)

    def bodies(self, at: str) -> list[Any]:
        """Return what a route was told, without the key."""
        told = [one.body for one in self.asked if one.at == at]
        return [{name: value for name, value in body.items() if name.lower() != "apikey"} for body in told]

    def __enter__(self) -> FakeRunningHub:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._session = ClientSession()
        api = web.Application(middlewares=[self._watched], client_max_size=1 << 28)
        api.add_routes([web.post(path, getattr(self, f"_{name}")) for name, path in _NAMES.items()])
        api.add_routes([web.route("*", "/proxy/{key}/{rest:.*}", self._proxy)])
        files = web.Application(middlewares=[self._watched])
        files.add_routes([web.get("/files/{digest}/{name}", self._file)])
        self._runners = [web.AppRunner(each, access_log=None, shutdown_timeout=0.1) for each in (api, files)]
        urls = []
        for runner in self._runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        self.url, self.files = urls

    async def _stop(self) -> None:
        for task in self._live:
            task.cancel()
        await asyncio.gather(*self._live, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    @web.middleware
    async def _watched(self, request: web.Request, handler: Any) -> web.StreamResponse:
        known = {path: name for name, path in _NAMES.items()}
        at = known.get(request.path, "file" if request.path.startswith("/files/") else request.path)
        body = await _body(request) if at in _NAMES else None
        asked = Asked(at, {name.lower(): value for name, value in request.headers.items()}, body)
        self.asked.append(asked)
        if at == "file" and any(name in asked.headers for name in _SECRETS):
            self.leaks.append(asked)
        trouble = next((one for one in self.troubles if one.at == at and one.times > 0), None)
        if trouble is not None:
            trouble.times -= 1
            return await self._goes_wrong(trouble, request, handler)
        return await self._answered(at, request, handler)

    async def _goes_wrong(self, trouble: Trouble, request: web.Request, handler: Any) -> web.StreamResponse:
        kind, _, rest = trouble.how.partition(" ")
        match kind:
            case "cut":
                return _cut(request)
            case "lost":
                await self._answered(trouble.at, request, handler)
                return _cut(request)
            case "late":
                answer = await self._answered(trouble.at, request, handler)
                await asyncio.sleep(trouble.seconds)
                return answer
            case "held":
                while not self.released:
                    await asyncio.sleep(0.01)
                return await self._answered(trouble.at, request, handler)
            case "page":
                return web.Response(text="<html>one moment please</html>", content_type="text/html")
            case "half" | "slow":
                self._bad[id(request)] = trouble
                return await handler(request)  # type: ignore[no-any-return]
            case "code":
                return _envelope(int(rest), "the words of it")
            case "done":
                await self._answered(trouble.at, request, handler)
                return web.Response(status=int(rest), text="upstream timed out")
        headers = {"Retry-After": str(trouble.seconds)} if trouble.seconds else {}
        return web.Response(status=int(kind), text="upstream error", headers=headers)

    async def _answered(self, at: str, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await _body(request) if at in _NAMES else {}
        if at in _NAMES and (body.get("apiKey") or body.get("apikey" if at == "account" else "apiKey")) != KEY:
            return _envelope(802, "APIKEY_UNAUTHORIZED")
        scripted = self._answers.get(at)
        if scripted:
            one = scripted.pop(0) if len(scripted) > 1 else scripted[0]
            return web.json_response(json.loads(json.dumps(one).replace("SERVER", self.files.removeprefix("http://"))))
        return await handler(request)  # type: ignore[no-any-return]

    async def _json(self, request: web.Request) -> web.Response:
        graph = self.saved.get(str((await _body(request)).get("workflowId")))
        if graph is None:
            return _envelope(380, "WORKFLOW_NOT_EXISTS")
        return _envelope(0, "success", {"prompt": json.dumps(graph)})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        whole, saved = asked.get("workflow"), self.saved.get(str(asked.get("workflowId")))
        if (whole is None or self._wants_workflow) and saved is None:
            return _envelope(380 if asked.get("workflowId") else 301, "no such workflow")
        graph = json.loads(whole if whole is not None else json.dumps(saved))
        for one in asked.get("nodeInfoList") or ():
            inputs = graph.get(one["nodeId"], {}).get("inputs", {})
            if one["fieldName"] not in inputs:
                return _envelope(803, "APIKEY_INVALID_NODE_INFO")
            inputs[one["fieldName"]] = one["fieldValue"]
        for node in graph.values():
            inputs = node["inputs"]
            inputs |= {name: self._stored.get(str(value), value) for name, value in inputs.items()}
        task = Task(str(1904737800000000000 + len(self.tasks) + 1))
        async with self._session.post(
            f"{self._upstream}/prompt", json={"prompt": graph, "prompt_id": task.prompt_id}
        ) as reply:
            answer = await reply.json()
        if reply.status != 200:
            return _envelope(433, "VALIDATE_PROMPT_FAILED", {"promptTips": json.dumps(answer)})
        self.tasks[task.id] = task
        live = self._loop.create_task(self._run(task))
        self._live.add(live)
        live.add_done_callback(self._live.discard)
        tips = json.dumps({"result": True, "error": None, "outputs_to_execute": [], "node_errors": {}})
        told = {"taskId": task.id, "taskStatus": "QUEUED", "clientId": uuid4().hex, "netWssUrl": None}
        return _envelope(0, "success", {**told, "promptTips": tips})

    async def _run(self, task: Task) -> None:
        entry: Any = None
        while entry is None:
            async with self._session.get(f"{self._upstream}/history/{task.prompt_id}") as reply:
                entry = (await reply.json()).get(task.prompt_id)
            await asyncio.sleep(0.01)
        if task.status == "CANCELLED":
            return
        task.status = "RUNNING"
        if self._ends == "never":
            return
        told = [data for event, data in entry["status"]["messages"] if event == "execution_error"]
        if self._ends == "FAILED" or told:
            task.reason = dict(self._reason or {}) if self._ends else {"node_name": told[0]["node_type"], **told[0]}
            task.status = "FAILED"
            return
        for node_id, made in entry["outputs"].items():
            for one in (one for entries in made.values() for one in entries if isinstance(one, dict)):
                params = {name: one[name] for name in ("filename", "subfolder", "type")}
                async with self._session.get(f"{self._upstream}/view", params=params) as reply:
                    data = await reply.read()
                digest = hashlib.sha256(data).hexdigest()
                self._blobs[digest] = data
                task.files.append((node_id, f"{digest}/{one['filename']}"))
        task.status = "SUCCESS"

    async def _status(self, request: web.Request) -> web.Response:
        task = self.tasks.get(str((await _body(request)).get("taskId")))
        if task is None:
            return _envelope(807, "APIKEY_TASK_NOT_FOUND")
        return _envelope(0, "success", self._says.pop(0) if self._says else task.status)

    async def _outputs(self, request: web.Request) -> web.Response:
        task = self.tasks.get(str((await _body(request)).get("taskId")))
        if task is None:
            return _envelope(807, "APIKEY_TASK_NOT_FOUND")
        if task.status == "FAILED":
            return _envelope(805, "APIKEY_TASK_STATUS_ERROR", {"failedReason": task.reason})
        if task.status != "SUCCESS":
            return _envelope({"RUNNING": 804}.get(task.status, 813), f"APIKEY_TASK_IS_{task.status}")
        cost = {"taskCostTime": "83", "consumeCoins": "17", "consumeMoney": None, "thirdPartyConsumeMoney": None}
        told = [
            {"fileUrl": self._sign(path), "fileType": path.rpartition(".")[2], "nodeId": node_id, **cost}
            for node_id, path in task.files
        ]
        return _envelope(0, "success", told)

    async def _cancel(self, request: web.Request) -> web.Response:
        task = self.tasks.get(str((await _body(request)).get("taskId")))
        if task is None:
            return _envelope(807, "APIKEY_TASK_NOT_FOUND")
        if task.status in ("SUCCESS", "FAILED", "CANCELLED"):
            return _envelope(817, "APIKEY_TASK_CANCEL_NOT_ALLOWED")
        task.status = "CANCELLED"
        return _envelope(0, "success")

    async def _upload(self, request: web.Request) -> web.Response:
        upload = (await _body(request)).get("file")
        data = upload.file.read()
        if len(data) > 30 * 1024 * 1024:
            return _envelope(809, "APIKEY_FILE_SIZE_EXCEEDED")
        name = f"api/{hashlib.sha256(data).hexdigest()}.{upload.filename.rpartition('.')[2]}"
        sent = FormData({"type": "input"})
        sent.add_field("image", data, filename=upload.filename)
        async with self._session.post(f"{self._upstream}/upload/image", data=sent) as reply:
            self._stored[name] = (await reply.json())["name"]
        return _envelope(0, "success", {"fileName": name, "fileType": "image"})

    async def _account(self, request: web.Request) -> web.Response:
        ours = sum(task.status in ("QUEUED", "RUNNING") for task in self.tasks.values())
        told = {"remainCoins": "990", "currentTaskCounts": str(ours + self._others), "apiType": "NORMAL"}
        return _envelope(0, "success", told)

    def _sign(self, path: str) -> str:
        signature = uuid4().hex
        self._signed[signature] = self._life
        return f"{self.files}/files/{path}?Expires=1&Signature={signature}"

    async def _file(self, request: web.Request) -> web.StreamResponse:
        signature = request.query.get("Signature", "")
        if signature and self._signed.get(signature, 0) < 1:
            return web.Response(
                status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="application/xml"
            )
        self._signed[signature] = self._signed.get(signature, 1000) - 1
        data = self._blobs.get(request.match_info["digest"], b"a text" if "txt" in request.path else b"bytes")
        start = int(request.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")[0])
        trouble = self._bad.pop(id(request), None)
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        answer = web.StreamResponse(status=206 if start else 200, headers={**headers, "ETag": '"1"'})
        answer.content_length = len(data) - start
        await answer.prepare(request)
        if trouble is not None and trouble.how == "half":
            await answer.write(data[start : start + (len(data) - start) // 2])
            return _cut(request, answer)
        pieces = 5 if trouble is not None else 1
        size = (len(data) - start) // pieces + 1
        for begin in range(start, len(data), size):
            await answer.write(data[begin : begin + size])
            await asyncio.sleep(trouble.seconds if trouble is not None else 0)
        return answer

    async def _proxy(self, request: web.Request) -> web.StreamResponse:
        """The native proxy: a ComfyUI below the key, for HTTP alone."""
        if request.match_info["key"] != KEY:
            return web.Response(status=401, text="no such key")
        address = f"{self._upstream}/{request.match_info['rest']}"
        kept = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Range")}
        async with self._session.request(
            request.method, address, params=request.query, data=await request.read(), headers=kept
        ) as reply:
            passed = {name: reply.headers[name] for name in ("Content-Type", "Content-Range") if name in reply.headers}
            return web.Response(status=reply.status, body=await reply.read(), headers=passed)


async def _body(request: web.Request) -> Any:
    return dict(await request.post()) if request.content_type.startswith("multipart/") else await request.json()


def _envelope(code: int, words: str, data: Any = None) -> web.Response:
    return web.json_response({"code": code, "msg": words, "data": data})


def _cut(request: web.Request, answer: web.StreamResponse | None = None) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return answer or web.Response()


@contextmanager
def running_hub(upstream: str, **how: Any) -> Iterator[FakeRunningHub]:
    """Run one, and fail at the end if the host of the files was shown a key."""
    with FakeRunningHub(upstream, **how) as hub:
        yield hub
        assert not hub.leaks, f"a key went to the host of the files: {hub.leaks}"
