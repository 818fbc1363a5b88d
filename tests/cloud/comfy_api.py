"""Comfy's API v2 on two loopback addresses: the API before a simulator, and the storage on another host.

Routes, states, codes and rules are those of the public specification (docs.comfy.org/openapi-v2.yaml, 2026-08-21);
what it leaves open is as the three places that serve it have it (see ``Surface``). Files are real: the simulator makes
them. Whoever shows the storage a key, or a cookie, is written down in ``leaks``.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import uuid4

from aiohttp import ClientSession, FormData, web

from tests.cloud.comfy_answers import Trouble, cut, digest, error, event, sent

KEY: Final = "comfyui-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""Lets one in."""

PREVIEW: Final = b"\xff\xd8\xff a small picture"
"""What an event shows of a job."""

_ENDED: Final = frozenset({"succeeded", "canceled", "failed", "expired"})
_LONG_AGO: Final = "2026-08-21T12:00:00Z"
_SECRETS: Final = ("authorization", "x-api-key", "cookie")


class Surface(NamedTuple):
    """What differs between the places that serve the API (comfy-sdk 0.5.0 and comfy-api-proxy 0.1.6 tell).

    Args:
        labels: what a job may be labelled with: "map", "text" or "none".
        lists: it tells which jobs there are.
        elsewhere: files lie with a storage on another host, behind signed addresses.
        schemas: it tells its node classes (a route beside the API v2).
        streams: it has a stream of events.
        redirects: files are offered by itself, which leads on to the storage.
    """

    labels: str = "none"
    lists: bool = False
    elsewhere: bool = True
    schemas: bool = True
    streams: bool = True
    redirects: bool = False


CLOUD: Final = Surface()
DEPLOYMENT: Final = Surface(labels="map", lists=True, schemas=False)
PROXY: Final = Surface(labels="text", lists=True, elsewhere=False, schemas=False)


@dataclass(slots=True)
class Job:
    """A job as the API has it."""

    id: str
    workflow: dict[str, Any]
    label: Any = None
    extra_data: dict[str, Any] = field(default_factory=dict)
    status: str = "queued"
    progress: dict[str, Any] | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None


class Asked(NamedTuple):
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]


class ComfyApi:
    """It runs while the block does.

    Args:
        upstream: base address of the simulator that runs the graphs.
        surface: which of the places it is.
        key: what lets one in; empty: everybody comes in.
        seconds: how long a job takes, beside what the simulator takes.
        ends: how jobs end, where not as the simulator has it: "failed", "canceled", "expired" or "never".
        error: what a failed job says.
        says: states that a job tells instead of its own, one for each look, as long as there are some.
        life: how often a signed address can be used.
    """

    def __init__(
        self,
        upstream: str,
        surface: Surface = CLOUD,
        *,
        key: str = KEY,
        seconds: float = 0.0,
        ends: str = "",
        error: Mapping[str, Any] | None = None,
        says: tuple[str, ...] = (),
        life: int = 1000,
    ) -> None:
        self._upstream, self._surface, self._key, self._seconds = upstream, surface, key, seconds
        self._ends, self._error, self._says, self._life = ends, error, list(says), life
        self.troubles: list[Trouble] = []
        self.asked: list[Asked] = []
        self.leaks: list[Asked] = []
        self.jobs: dict[str, Job] = {}
        self.assets: dict[str, dict[str, Any]] = {}
        self.uploads = 0
        self.released = False
        self._blobs: dict[str, bytes] = {}
        self._stored: dict[str, str] = {}
        self._signed: dict[str, int] = {}
        self._claimed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def add(self, *troubles: Trouble) -> None:
        """Let more go wrong, from now on."""
        self.troubles.extend(troubles)

    def count(self, method: str, path: str) -> int:
        """Say how often a route was asked."""
        return sum(1 for one in self.asked if (one.method, one.path) == (method, path))

    def __enter__(self) -> ComfyApi:
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
        api = web.Application(middlewares=[self._watched, self._guarded], client_max_size=1 << 28)
        api.add_routes(
            [
                web.post("/api/v2/assets", self._upload),
                web.post("/api/v2/assets/from-hash", self._from_hash),
                web.get("/api/v2/assets/{id}", self._asset),
                web.get("/api/v2/assets/{id}/content", self._content),
                web.post("/api/v2/jobs", self._submit),
                web.get("/api/v2/jobs", self._list),
                web.get("/api/v2/jobs/{id}", self._job),
                web.get("/api/v2/jobs/{id}/workflow", self._workflow),
                web.get("/api/v2/jobs/{id}/events", self._events),
                web.post("/api/v2/jobs/{id}/cancel", self._cancel),
                web.get("/api/object_info", self._schemas),
            ]
        )
        storage = web.Application(middlewares=[self._watched])
        storage.add_routes([web.get("/blob/{name}", self._blob)])
        self._runners = [web.AppRunner(each, access_log=None, shutdown_timeout=0.1) for each in (api, storage)]
        urls = []
        for runner in self._runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        self.url, self.storage = urls

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # jobs, and answers that are late
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._session.close()

    @web.middleware
    async def _watched(self, request: web.Request, handler: Any) -> web.StreamResponse:
        route = request.match_info.route.resource
        at = f"{request.method} {route.canonical if route else request.path}"
        asked = Asked(request.method, request.path, {name.lower(): value for name, value in request.headers.items()})
        self.asked.append(asked)
        if at.startswith("GET /blob") and any(name in asked.headers for name in _SECRETS):
            self.leaks.append(asked)
        trouble = next((one for one in self.troubles if one.at == at and one.times > 0), None)
        if trouble is None:
            return await handler(request)  # type: ignore[no-any-return]
        trouble.times -= 1
        match trouble.how:
            case "cut":
                return cut(request)
            case "lost":
                await handler(request)
                return cut(request)
            case "late":
                answer: web.StreamResponse = await handler(request)
                await asyncio.sleep(trouble.seconds)
                return answer
            case "held":
                await request.read()
                while not self.released:
                    await asyncio.sleep(0.01)
                return await handler(request)  # type: ignore[no-any-return]
            case "page":
                return web.Response(text="<html>one moment please</html>", content_type="text/html")
            case "half" | "slow":
                request["trouble"] = trouble
                return await handler(request)  # type: ignore[no-any-return]
        status, _, code = trouble.how.partition(" ")
        answer = error(int(status), code or "upstream_error", f"the words of {code or status}", trouble.details)
        if trouble.seconds:
            answer.headers["Retry-After"] = str(trouble.seconds)
        return answer

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        public = request.path == "/api/object_info"
        if self._key and not public and request.headers.get("Authorization") != f"Bearer {self._key}":
            return error(401, "unauthorized", "missing or invalid credentials")
        if request.match_info.http_exception is not None:
            return error(404, "not_found", f"no route {request.path}")
        return await handler(request)  # type: ignore[no-any-return]

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form.get("file")
        if not isinstance(upload, web.FileField) or not form.get("content_type") or not form.get("file_path"):
            return error(422, "invalid_request", "file, content_type and file_path are wanted")
        data, name = upload.file.read(), str(form["file_path"])
        self.uploads += 1
        hashed = digest(data)
        new = hashed not in self._stored
        if new:
            form_sent = FormData({"type": "input"})
            form_sent.add_field("image", data, filename=name, content_type=str(form["content_type"]))
            async with self._session.post(f"{self._upstream}/upload/image", data=form_sent) as reply:
                self._stored[hashed] = (await reply.json())["name"]
            self._blobs[hashed] = data
        return web.json_response(self._mint(hashed, name, new=new), status=201 if new else 200)

    async def _from_hash(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked.get("hash") not in self._stored:
            return error(404, "blob_not_found", "no blob the caller may mint from")
        return web.json_response(self._mint(asked["hash"], asked.get("file_path"), new=False), status=201)

    def _mint(self, hashed: str, name: str | None, *, new: bool) -> dict[str, Any]:
        asset: dict[str, Any] = {
            "id": str(uuid4()),
            "hash": hashed,
            "size_bytes": len(self._blobs[hashed]),
            "content_type": "image/png",
            "file_path": name,
            "created_new": new,
            "created_at": _LONG_AGO,
        }
        self.assets[asset["id"]] = asset
        return self._shown(asset)

    def _shown(self, asset: Mapping[str, Any]) -> dict[str, Any]:
        return {**asset, "url": self._address(asset), "url_expires_at": _LONG_AGO, "expires_at": None}

    def _address(self, asset: Mapping[str, Any]) -> str:
        if not self._surface.elsewhere or self._surface.redirects:
            return f"{self.url}/api/v2/assets/{asset['id']}/content"
        return self._signed_address(asset)

    def _signed_address(self, asset: Mapping[str, Any]) -> str:
        signature = uuid4().hex
        self._signed[signature] = self._life
        return f"{self.storage}/blob/{asset['hash'].partition(':')[2]}?X-Signature={signature}"

    async def _asset(self, request: web.Request) -> web.Response:
        asset = self.assets.get(request.match_info["id"])
        return web.json_response(self._shown(asset)) if asset else error(404, "not_found", "no such asset")

    async def _content(self, request: web.Request) -> web.StreamResponse:
        asset = self.assets.get(request.match_info["id"])
        if asset is None:
            return error(404, "not_found", "no such asset")
        if self._surface.elsewhere:
            return web.Response(status=302, headers={"Location": self._signed_address(asset)})
        return await sent(request, self._blobs[asset["hash"]])

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        signature = request.query.get("X-Signature", "")
        if self._signed.get(signature, 0) < 1:
            text = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            return web.Response(status=403, text=text, content_type="application/xml")
        self._signed[signature] -= 1
        return await sent(request, self._blobs[f"blake3:{request.match_info['name']}"])

    async def _submit(self, request: web.Request) -> web.Response:
        asked = await request.json()
        workflow, key = asked.get("workflow"), request.headers.get("Idempotency-Key")
        problem = self._refused(asked, workflow)
        if problem is not None:
            return problem
        if key is not None and key in self._claimed:
            return error(422, "idempotency_key_reuse", "keys are single-use; list your jobs instead")
        graph, missing = self._resolved(workflow)
        if missing:
            return error(422, "missing_asset", f"no asset {missing}", {"missing_ids": missing})
        if key is not None:
            self._claimed.add(key)
        job = Job(str(uuid4()), graph, asked.get("metadata"), asked.get("extra_data") or {})
        problem = await self._checked(job)
        if problem is not None:
            self._claimed.discard(key or "")
            return problem
        self.jobs[job.id] = job
        task = self._loop.create_task(self._live(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.json_response(self._told(job), status=201)

    def _refused(self, asked: Mapping[str, Any], workflow: Any) -> web.Response | None:
        label = asked.get("metadata")
        wanted: dict[str, type | tuple[type, ...]] = {"map": dict, "text": str, "none": ()}
        if not isinstance(workflow, dict) or set(asked) & {"webhook_url", "inputs"}:
            return error(422, "invalid_workflow", "a workflow is wanted, and nothing that is reserved")
        if isinstance(workflow.get("nodes"), list):
            return error(422, "workflow_format_ui", "this is what the browser saves; export it in API format")
        if set(asked.get("extra_data") or {}) - {"api_key_comfy_org"}:
            return error(400, "invalid_request", "extra_data takes api_key_comfy_org alone")
        if label is not None and not isinstance(label, wanted[self._surface.labels]):
            code = "metadata_not_supported" if self._surface.labels == "none" else "metadata_invalid"
            return error(422, "invalid_request" if self._surface.labels == "text" else code, "no such label here")
        return None

    def _resolved(self, value: Any) -> tuple[Any, list[str]]:
        """Put the simulator's names of files for what refers to an asset."""
        if isinstance(value, dict) and value.get("__type") == "core/ASSET":
            asset = self.assets.get(value.get("info", {}).get("id"))
            return (self._stored[asset["hash"]], []) if asset else (value, [str(value.get("info"))])
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        done = {key: self._resolved(each) for key, each in pairs}
        missing = [one for _, more in done.values() for one in more]
        if isinstance(value, dict):
            return {key: each for key, (each, _) in done.items()}, missing
        return ([each for each, _ in done.values()] if isinstance(value, list) else value), missing

    async def _checked(self, job: Job) -> web.Response | None:
        """Give the graph to the simulator, which runs it at once; jobs are slower only as the API tells of them."""
        body = {"prompt": job.workflow, "prompt_id": job.id}
        async with self._session.post(f"{self._upstream}/prompt", json=body) as reply:
            answer = await reply.json()
        if reply.status == 200:
            return None
        message = f"{answer['error']['message']}: {answer['error']['details']}"
        return error(422, "invalid_workflow", message, {"node_errors": answer.get("node_errors")})

    async def _live(self, job: Job) -> None:
        entry: Any = None
        while entry is None:
            async with self._session.get(f"{self._upstream}/history/{job.id}") as reply:
                entry = (await reply.json()).get(job.id)
            await asyncio.sleep(0.01)
        await asyncio.sleep(self._seconds / 8)
        nodes = list(job.workflow)
        for step in range(4):
            job.status = "running"
            job.progress = {
                "value": step / 4,
                "nodes_done": step,
                "nodes_total": len(nodes),
                "current_node": nodes[min(step, len(nodes) - 1)],
                "current_node_class": "KSampler",
                "step": step,
                "steps": 4,
            }
            await asyncio.sleep(self._seconds / 4)
        if self._ends == "never":
            return
        await self._end(job, entry)

    async def _end(self, job: Job, entry: Mapping[str, Any]) -> None:
        outputs = [
            await self._output(node_id, one)
            for node_id, made in entry["outputs"].items()
            for entries in made.values()
            for one in entries
            if isinstance(one, dict) and one.get("type") == "output"
        ]
        told = [data for event, data in entry["status"]["messages"] if event == "execution_error"]
        if told:
            job.error = {
                "code": "node_execution_error",
                "message": told[0]["exception_message"],
                "node_id": told[0]["node_id"],
                "class_type": told[0]["node_type"],
            }
        if self._ends:
            job.error = dict(self._error) if self._error else None
        else:
            job.outputs = outputs
        job.status = self._ends or ("failed" if told else "succeeded")

    async def _output(self, node_id: str, one: Mapping[str, Any]) -> dict[str, Any]:
        params = {name: one[name] for name in ("filename", "subfolder", "type")}
        async with self._session.get(f"{self._upstream}/view", params=params) as reply:
            data, kind = await reply.read(), reply.content_type
        hashed = digest(data)
        self._blobs[hashed] = data
        asset: dict[str, Any] = {"id": str(uuid4()), "hash": hashed, "size_bytes": len(data), "content_type": kind}
        self.assets[asset["id"]] = {**asset, "file_path": one["filename"], "created_at": _LONG_AGO}
        return {**asset, "node_id": node_id, "name": one["filename"], "type": kind.partition("/")[0]}

    def _told(self, job: Job) -> dict[str, Any]:
        here = f"/api/v2/jobs/{job.id}"
        outputs = [{**one, "url": self._address(one), "url_expires_at": _LONG_AGO} for one in job.outputs]
        return {
            "id": job.id,
            "status": job.status,
            "created_at": _LONG_AGO,
            "started_at": None,
            "completed_at": None,
            "expires_at": _LONG_AGO,
            "queue_position": 2 if job.status == "queued" else None,
            "progress": job.progress,
            "outputs": outputs,
            "error": job.error,
            "urls": {"self": here, "events": f"{here}/events", "cancel": f"{here}/cancel"},
            **({} if job.label is None else {"metadata": job.label}),
        }

    async def _job(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return error(404, "not_found", "no such job")
        told = self._told(job)
        if self._says and job.status not in _ENDED:
            told["status"] = self._says.pop(0)
        return web.json_response(told)

    async def _workflow(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None or not self._surface.elsewhere:  # a proxy has no such route
            return error(404, "not_found", "no such job")
        return web.json_response({"workflow": job.workflow, "format": "api"})

    async def _list(self, request: web.Request) -> web.Response:
        if not self._surface.lists:
            return error(501, "not_implemented", "jobs are not listed here yet")
        wanted = {name[9:-1]: value for name, value in request.query.items() if name.startswith("metadata[")}
        jobs = [self._told(job) for job in reversed(self.jobs.values())]
        if self._surface.labels == "map":
            jobs = [job for job in jobs if wanted.items() <= (job.get("metadata") or {}).items()]
        return web.json_response({"jobs": jobs})

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return error(404, "not_found", "no such job")
        if job.status not in _ENDED:
            for task in self._tasks:
                task.cancel()
            job.status = "canceled"
            return web.json_response({**self._told(job), "status": "canceling"})
        return web.json_response(self._told(job))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return error(404, "not_found", "no such job")
        if not self._surface.streams:
            return error(501, "not_implemented", "no events here yet")
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b": hello\n\n")
        seen: tuple[Any, ...] = ()
        while True:
            now = (job.status, job.progress)
            if now[:1] != seen[:1]:
                await answer.write(event("status", {"status": job.status, "queue_position": None}))
            if now != seen and job.progress is not None:
                await answer.write(event("progress", job.progress))
                picture = {"node_id": "3", "content_type": "image/jpeg", "data_base64": b64encode(PREVIEW).decode()}
                await answer.write(event("preview", picture))
            seen = now
            if job.status in _ENDED:
                return answer
            await asyncio.sleep(0.01)

    async def _schemas(self, request: web.Request) -> web.Response:
        if not self._surface.schemas:
            return error(404, "not_found", f"no route {request.path}")
        async with self._session.get(f"{self._upstream}/object_info") as reply:
            return web.Response(body=await reply.read(), content_type="application/json")


@contextmanager
def comfy_api(upstream: str, surface: Surface = CLOUD, **how: Any) -> Iterator[ComfyApi]:
    """Run one, and fail at the end if the storage was shown a key."""
    with ComfyApi(upstream, surface, **how) as api:
        yield api
        assert not api.leaks, f"a key went to the storage: {api.leaks}"
