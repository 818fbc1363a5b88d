"""The plain functions: one call, one result, everything closed afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, overload

from comfy_headless.catalog.media_in import MediaLike
from comfy_headless.client.job import Job
from comfy_headless.client.sync import ComfyClient
from comfy_headless.graph.origins import Workflow
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.result import Result


@overload
def generate_video(
    prompt: str = "",
    *,
    preset: str | None = None,
    image: MediaLike | None = None,
    last_image: MediaLike | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    server: str | Executor | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    timeout: float | None = None,
    raise_on_error: bool = True,
    strict: bool = False,
    on_oom: Literal["raise", "lighter"] = "raise",
    allow_untested: bool = False,
    files: Mapping[str, str] | None = None,
    within: float | None = None,
    enhance: bool | str = False,
    check: bool = True,
    wait: Literal[True] = True,
    **settings: Any,
) -> Result: ...


@overload
def generate_video(
    prompt: str = "", *, server: str | Executor | None = None, wait: Literal[False], **request: Any
) -> Job: ...


def generate_video(
    prompt: str = "", *, server: str | Executor | None = None, wait: bool = True, **request: Any
) -> Result | Job:
    """Make a video from a prompt, and an image where given, on a ComfyUI server.

    Args:
        prompt: what to show.
        preset: a name out of ``VIDEO_PRESETS``; None takes the best that the server has the files and VRAM for and
            that is done ``within`` a time.
        image: the first frame: a path, an address, bytes, a file object, a PIL image, a numpy array (height, width, 3;
            uint8, or floats from 0 to 1), base64 or a data URL, an output or result of an earlier call, or the name of
            a file on the server.
        last_image: the last frame, for presets that take one.
        negative_prompt: what not to show; None takes the preset's own.
        seed: 0 to 2**53-1; None draws one, which the result tells.
        out: a folder, or a file such as ``clip.mp4``; None is the current folder, ``<preset>_<seed>.mp4``. Nothing is
            overwritten (``-2`` is appended) unless ``overwrite``.
        server: base address, or a cloud such as ``RunningHub()``; None means COMFY_HEADLESS_URL, then
            ``http://localhost:8188``.
        on_progress: called with ``Progress``, pictures of the sampler's steps too where there is a WebSocket; an
            exception in it never loses the video.
        timeout: seconds until the prompt is cancelled on the server; None waits as long as it takes.
        raise_on_error: False gives a result with status "failed" for a generation that failed.
        strict: what a look at the finished video finds (black, frozen, noise, another size than asked for) is an
            error, and no warning of the result; takes the extra ``media``.
        on_oom: what becomes of a job for which the server's memory is too small. ``"raise"``: an error that says what
            would take less. ``"lighter"``: the server's memory is freed and the first of these steps taken, at most
            two in all, with the same seed; the result's warnings say which.
        allow_untested: take sizes, lengths and rates outside of what the model was trained for.
        files: model files to take, by role, as the server lists them, such as ``{"model": "wan/mine.safetensors"}``.
            Where it refuses a preset's own file, another precision or another name of it that lies there takes its
            place, and the result says so.
        within: seconds that it may take where no preset is named; None is ten minutes.
        enhance: improve the prompt before, for the model of the preset that is taken, as ``enhance_prompt`` does; a
            text is the style, such as ``"cinematic"``. The result's ``enhanced`` tells what was written. A
            ``negative_prompt`` that is given stays.
        check: hold the graph to what the server has before anything is sent: what it would refuse, or take and fail
            over, is an error with the remedy. One request, remembered; a server that does not answer it within 5 s is
            sent the job all the same. False leaves it out.
        wait: False returns the ``Job`` as soon as the server has it; ``job.result()`` brings the file.
        settings: width, height or aspect, frames or seconds, fps, steps, cfg, sampler, scheduler, shift, and the
            family's own; and ``Variants``: loras, precision, easy_cache, torch_compile, tiled_decode, upscale,
            interpolate, sound, codec, quality.

    Raises:
        ValidationError: something in the call is wrong; nothing was queued.
        ComfyUIConnectionError: the exchange broke (ComfyUIOfflineError: nothing answers at that address).
        GenerationFailedError: refused, or the server can run no preset (GenerationRejectedError), failed, or out of
            memory (OutOfMemoryError, whose ``steps`` say what would take less).
        GenerationTimeoutError: ``timeout`` passed.
        ResultSaveError: the video is made, but could not be brought here.
        ResultSuspectError: ``strict``, and the video that was made looks wrong; it is kept.
    """
    if not wait:
        return ComfyClient(server).submit_video(prompt, **request)
    with ComfyClient(server) as client:
        return client.generate_video(prompt, wait=True, **request)


@overload
def generate_image(
    prompt: str = "",
    *,
    preset: str | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    server: str | Executor | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    timeout: float | None = None,
    raise_on_error: bool = True,
    strict: bool = False,
    on_oom: Literal["raise", "lighter"] = "raise",
    allow_untested: bool = False,
    files: Mapping[str, str] | None = None,
    within: float | None = None,
    enhance: bool | str = False,
    check: bool = True,
    wait: Literal[True] = True,
    **settings: Any,
) -> Result: ...


@overload
def generate_image(
    prompt: str = "", *, server: str | Executor | None = None, wait: Literal[False], **request: Any
) -> Job: ...


def generate_image(
    prompt: str = "", *, server: str | Executor | None = None, wait: bool = True, **request: Any
) -> Result | Job:
    """Make an image from a prompt, or several, on a ComfyUI server.

    Args:
        prompt: what to show.
        preset: a name out of ``IMAGE_PRESETS``, such as ``draft``, ``fast``, ``quality``, ``hd``, ``portrait``,
            ``landscape``, ``cinematic``, ``square``, or one of these of SDXL, such as ``sdxl_fast``; None takes the
            best that the server has the files and VRAM for.
        negative_prompt: what not to show, where the model is told; None takes the preset's own.
        out: a folder, or a file such as ``cat.png``; None is the current folder, ``<preset>_<seed>.png``. Of several
            images the next are ``cat-2.png``, ``cat-3.png``.
        strict: what a look at the image finds (black, one colour, noise, another size) is an error, and no warning.
        settings: width, height or aspect, images (how many), steps, cfg, sampler, scheduler, shift; and ``Variants``
            that have a place in the graph: loras, precision, easy_cache, torch_compile, tiled_decode, upscale.

    The other arguments, the result and the errors are those of ``generate_video``; ``result.images`` are the images.
    """
    if not wait:
        return ComfyClient(server).submit_image(prompt, **request)
    with ComfyClient(server) as client:
        return client.generate_image(prompt, wait=True, **request)


def run_workflow(
    workflow: Workflow,
    params: Mapping[str, Any] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    server: str | Executor | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    timeout: float | None = None,
    raise_on_error: bool = True,
    strict: bool = False,
    check: bool = True,
    **wishes: Any,
) -> Result:
    """Run a workflow of one's own on a ComfyUI server and bring its files here.

    Args:
        workflow: saved or exported in the browser, as a path (JSON, or a picture or video that ComfyUI made), a dict,
            JSON text, bytes, an https address (``WorkflowUrl`` for others), ``server:NAME``, ``template:NAME``, or the
            id of a RunningHub workflow. Node titles may carry markers such as ``$prompt.text!``.
        params: values for the markers; upload markers (``$~image``) take a file as ``image`` of
            ``generate_video`` does, or a mask, a video or a sound.
        out: a folder (files keep the server's names and sub-folders), or a file: the last video, else the first
            output, is saved there, the others beside it. None is the current folder.
        wishes: ``Variants`` (loras, precision, easy_cache, torch_compile, tiled_decode, upscale, interpolate, sound,
            codec, quality), and ``image``, ``last_image``, ``seconds``, ``aspect`` for markers of these names.

    The other arguments, the result and the errors are those of ``generate_video``.
    """
    with ComfyClient(server) as client:
        return client.run_workflow(
            workflow,
            params,
            out=out,
            overwrite=overwrite,
            on_progress=on_progress,
            timeout=timeout,
            raise_on_error=raise_on_error,
            strict=strict,
            check=check,
            **wishes,
        )
