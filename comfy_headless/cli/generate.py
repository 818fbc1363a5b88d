"""``comfy-headless generate``: one prompt, one video."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.api.functions import generate_image, generate_video
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.cli import options as o
from comfy_headless.cli.dry_run import dry_run
from comfy_headless.cli.graphics import Choice
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.request import Request, settings_of
from comfy_headless.cli.server import job_command, server_of
from comfy_headless.client.job import Job
from comfy_headless.client.sync import ComfyClient
from comfy_headless.config import shown_url
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.result import Result

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        'comfy-headless generate "a sunset over the sea" --simulate --out sunset.mp4',
        'comfy-headless generate "she turns" --preset wan_5b --image first.png --seconds 3',
        'comfy-headless generate "rain" --server http://192.168.1.5:8188 --seed 7 --json',
    ]
)


class How(NamedTuple):
    """Where a job runs, how long, and where its files go."""

    server: str | None
    simulate: bool
    timeout: float | None
    out: Path | None
    overwrite: bool
    show_progress: bool | None
    strict: bool = False
    no_wait: bool = False
    preview: Choice = Choice.AUTO
    on_oom: o.OnOom = o.OnOom.RAISE
    no_check: bool = False

    def checked(self) -> How:
        """Return it; raises ValidationError if it does not wait and asks for what only a wait can give."""
        given = {
            "--simulate": self.simulate,
            "--timeout": self.timeout is not None,
            "--strict": self.strict,
            "--progress": self.show_progress,
            "--out": self.out is not None,
            "--overwrite": self.overwrite,
        }
        if self.no_wait and self.on_oom is not o.OnOom.RAISE:
            raise ValidationError(f"--no-wait and --on-oom {self.on_oom}: nobody waits here who could go down")
        asked = next((option for option, there in given.items() if there), None)
        if not self.no_wait or asked is None:
            return self
        if asked == "--simulate":
            raise ValidationError(
                "--no-wait and --simulate: the simulated server ends with this command, and its jobs too"
            )
        raise ValidationError(
            f"--no-wait and {asked}: nobody waits for the job here; give it to comfy-headless jobs fetch"
        )


@o.takes(o.SETTINGS, o.VARIANTS)
def generate(
    asked: Mapping[str, Any],
    prompt: o.Prompt = "",
    preset: o.Preset = None,
    within: o.Within = None,
    image: o.Image = None,
    last_image: o.LastImage = None,
    negative_prompt: o.NegativePrompt = None,
    enhance: o.Enhance = False,
    style: o.Style = None,
    seed: o.Seed = None,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    server: o.Server = None,
    simulate: o.Simulate = False,
    timeout: o.Timeout = None,
    untested: o.Untested = False,
    dry: o.DryRun = False,
    show_progress: o.ShowProgress = None,
    preview: o.Preview = Choice.AUTO,
    strict: o.Strict = False,
    on_oom: o.OnOomOption = o.OnOom.RAISE,
    no_wait: o.NoWait = False,
    no_check: o.NoCheck = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Make a video from a prompt, and an image where given.

    The file's path is printed on stdout. Ctrl-C cancels the job on the server.
    """
    if not prompt and image is None and _takes_text(preset):
        raise ValidationError("generate needs a PROMPT, or an --image for a preset that takes no text")
    settings = settings_of(asked)
    request = Request(
        prompt, preset, image, last_image, negative_prompt, seed, untested, settings,
        within=within, enhance=style or enhance,
    )  # fmt: skip
    how = How(
        server, simulate, timeout, out, overwrite, show_progress, strict, no_wait, preview, on_oom, no_check
    ).checked()
    return action(request, how, dry=dry)


def action(request: Request, how: How, *, dry: bool) -> Action:
    """Return what is to be done with a request: make it, queue it, or only say what would be sent."""
    return partial(_plan if dry else _queue if how.no_wait else _make, request, how)


def _takes_text(preset: str | None) -> bool:
    known = VIDEO_PRESETS.get(preset or "")
    return known is None or any("prompt" in known.template(task).parameters for task in known.tasks)


def _make(request: Request, how: How, terminal: Terminal) -> Answer:
    with (
        server_of(how.server, simulate=how.simulate, terminal=terminal) as url,
        terminal.progress(how.show_progress, how.preview) as on_progress,
    ):
        result = (generate_image if request.kind == "image" else generate_video)(
            request.prompt,
            preset=request.preset,
            out=how.out,
            overwrite=how.overwrite,
            server=url,
            on_progress=on_progress,
            timeout=how.timeout,
            strict=how.strict,
            on_oom="lighter" if how.on_oom is o.OnOom.LIGHTER else "raise",
            check=not how.no_check,
            **request.values,
        )
    return report(result, url, simulated=how.simulate, terminal=terminal)


def _queue(request: Request, how: How, terminal: Terminal) -> Answer:
    with ComfyClient(how.server) as client:
        submit = client.submit_image if request.kind == "image" else client.submit_video
        return queued(submit(request.prompt, preset=request.preset, check=not how.no_check, **request.values), terminal)


def queued(job: Job, terminal: Terminal) -> Answer:
    """Return the answer for a job that is left to itself: its id."""
    for note in job.notes:
        terminal.note(note, label="note: ")
    terminal.note(f"queued; to bring its files here: {job_command('fetch', job.prompt_id, job.place)}")
    data = {
        "prompt_id": job.prompt_id,
        "seed": job.seed,
        "preset": job.preset,
        "settings": dict(job.settings),
        "notes": list(job.notes),
        "enhanced": None if job.enhanced is None else job.enhanced.to_dict(),
        "server": job.place,
    }
    return Answer(data, job.prompt_id)


def _plan(request: Request, how: How, terminal: Terminal) -> Answer:
    with server_of(how.server, simulate=how.simulate, terminal=terminal) as url:
        return dry_run(request, url, how.out)


def report(result: Result, url: str, *, simulated: bool, terminal: Terminal, timed: bool = True) -> Answer:
    """Return the answer for a finished job: its files; the rest goes to stderr.

    Args:
        timed: the wait was as long as the job.
    """
    if terminal.lines is not None:
        terminal.lines.ended(result)
    for note in result.notes:
        terminal.note(note, label="note: ")
    if result.enhanced is not None:
        terminal.note(result.enhanced.enhanced, label="enhanced: ")
    if result.enhanced is not None and result.enhanced.sent_to is not None:
        terminal.note(f"the prompt was sent to the language model at {result.enhanced.sent_to}")
    if result.previews and result.outputs:
        made = ", ".join(each.url for each in result.previews[:_PREVIEWS])
        more = f" and {len(result.previews) - _PREVIEWS} more" if len(result.previews) > _PREVIEWS else ""
        terminal.note(f"previews made beside, which are not brought here: {made}{more}")
    for warning in result.warnings:
        terminal.warn(warning)
    terminal.note(_summary(result, timed=timed))
    data: dict[str, Any] = {**result.to_dict(), "server": shown_url(url), "simulated": simulated}
    return Answer(data, "\n".join(map(str, result.outputs)) or "nothing was saved")


_PREVIEWS: Final = 3
"""So many are named."""

_GROWN: Final = {"upscale": "times as large", "interpolate": "times the frames"}


def _summary(result: Result, *, timed: bool) -> str:
    told = result.settings
    parts = [f"preset {result.preset}"] if result.preset else []
    if result.seed is not None:
        parts.append(f"seed {result.seed}")
    if result.preset and {"width", "height"} <= told.keys():
        parts.append(f"{told['width']}x{told['height']}")
        if {"frames", "fps"} <= told.keys():
            parts.append(f"{told['frames']} frames at {told['fps']:g} fps")
    parts += [f"{told[name]:g} {words}" for name, words in _GROWN.items() if name in told]
    parts += _paid(result.cost or {})
    return (f"done in {result.duration:.1f} s" if timed else "done") + (f": {', '.join(parts)}" if parts else "")


_PAID: Final = {"coins": "{:g} coins", "money": "{:g} of money", "third_party_money": "{:g} of money to third parties"}


def _paid(cost: Mapping[str, Any]) -> list[str]:
    """Return what a job cost, as far as a cloud told it."""
    return [words.format(cost[name]) for name, words in _PAID.items() if isinstance(cost.get(name), int | float)]
