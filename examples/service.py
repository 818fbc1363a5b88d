"""A web service that makes videos: python -m uvicorn --app-dir examples service:app, then http://127.0.0.1:8000

Needs fastapi>=0.135 and uvicorn. COMFY_HEADLESS_URL names the ComfyUI server. All goes by prompt_id, only files are
kept (in ./videos): a restart of the service loses nothing, and a browser that leaves cancels nothing."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Body, Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

import comfy_headless as comfy

CODES = {comfy.ValidationError: 400, comfy.GenerationRejectedError: 422, comfy.GenerationFailedError: 404}
client = comfy.AsyncComfyClient(client_id=uuid5(NAMESPACE_URL, f"{Path.cwd()}").hex)  # one name, after a restart too
taken_up = Depends(client.job)
app = FastAPI(title="Videos")
app.get("/", include_in_schema=False)(lambda: FileResponse(Path(__file__).with_suffix(".html")))


@app.exception_handler(comfy.ComfyHeadlessError)
async def problem(_: Request, error: Exception) -> JSONResponse:
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), 502)
    return JSONResponse({"title": type(error).__name__, "detail": str(error)}, code)


@app.post("/videos", status_code=202)
async def submit(prompt: str = Body(), preset: str | None = Body(None), seed: int | None = Body(None)) -> dict:
    return await status(await client.submit_video(prompt, preset=preset, seed=seed))


@app.get("/videos/{prompt_id}")
async def status(job: comfy.AsyncJob = taken_up) -> dict:
    links = {name: f"/videos/{job.prompt_id}/{name}" for name in ("events", "file")}
    return {"prompt_id": job.prompt_id, "status": await job.status(), "seed": job.seed, "links": links}


@app.delete("/videos/{prompt_id}")
async def cancel(job: comfy.AsyncJob = taken_up) -> dict:
    return {"cancelled": await job.cancel()}


@app.get("/videos/{prompt_id}/events", response_class=EventSourceResponse)
async def events(job: comfy.AsyncJob = taken_up) -> AsyncIterator[ServerSentEvent]:
    with suppress(comfy.ComfyUIConnectionError):  # the stream ends unfinished, so the browser asks again
        async for event in job.events():
            yield ServerSentEvent(event=event.event, data=event.to_dict(previews=True))


@app.get("/videos/{prompt_id}/file")
async def file(prompt_id: UUID) -> FileResponse:
    if not (kept := Path(f"videos/{prompt_id}/video.mp4")).exists():
        job = await client.job(str(prompt_id))
        if await job.status() in ("queued", "running"):
            raise HTTPException(409, f"video {prompt_id} is not done yet")
        await job.result(kept, overwrite=True)
    return FileResponse(kept)
