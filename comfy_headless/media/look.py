"""Look at a finished file: is it what was asked for, and is there a picture in it that moves.

Of a clip at most 16 frames are looked at, in one pass of one thread; nothing here knows whether a clip is good, only
what no prompt asks for. At most one finding is about the picture: what explains the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from comfy_headless.media.glance import Glance, verdict
from comfy_headless.media.probe import Probe, reading, scan
from comfy_headless.media.samples import samples


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is off. ``str()`` is one line: what; likely cause; what to try.

    Args:
        what: "size", "frames", "fps", "sound", "black", "one_colour", "noise" or "frozen".
        message: what was seen.
        cause: what it usually comes from.
        remedy: what to try.
    """

    what: str
    message: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}: {self.cause}; {self.remedy}"


def look(
    path: Path,
    *,
    width: int | None = None,
    height: int | None = None,
    frames: int | None = None,
    fps: float | None = None,
    sound: bool | None = None,
) -> tuple[Finding, ...]:
    """Open a video or picture and return what is off; empty if nothing is.

    Args:
        width: pixels asked for; None compares nothing, here and below.
        height: the same.
        frames: pictures asked for.
        fps: frames a second asked for.
        sound: whether sound was asked for.

    Raises:
        MediaError: the file cannot be read.
    """
    path = Path(path)
    found, timeline = scan(path)
    merged = timeline is None and found.frames == 1 and (frames or 1) > 1
    findings = _size(found, width, height)
    if not merged:
        findings += [*_frames(found, frames), *_rate(found, fps)]
    findings += _sound(found, sound)
    if found.frames:
        with reading(path):  # a frame that was decoded may still be of a kind that cannot be converted
            glances = [sample.glance() for sample in samples(path, timeline)]
        findings += _picture(glances, merged=merged)
    return tuple(findings)


def _size(found: Probe, width: int | None, height: int | None) -> list[Finding]:
    if not found.frames:
        if width is None and height is None:
            return []
        message = "there is no picture in the file"
    elif width in (None, found.width) and height in (None, found.height):
        return []
    else:
        asked = f"{width or 'any'}x{height or 'any'}"
        message = f"the picture is {found.width}x{found.height}, asked was {asked}"
    return [Finding("size", message, _BY_GRAPH, "look for a node that scales, crops or rounds, or ask for that size")]


def _frames(found: Probe, frames: int | None) -> list[Finding]:
    if frames in (None, found.frames):
        return []
    message = f"there are {_count(found.frames, 'frame')}, asked were {frames}"
    remedy = (
        "look for a node that trims, repeats or interpolates, or ask for a length that the model makes (4n+1, 8n+1)"
    )
    return [Finding("frames", message, _BY_GRAPH, remedy)]


def _rate(found: Probe, fps: float | None) -> list[Finding]:
    # webm keeps times in milliseconds, so a rate over few frames is rough.
    rough = 0.005 + (0.002 / found.duration if found.duration else 0.0)
    if fps is None or not found.frames or abs(found.fps - fps) <= rough * fps:
        return []
    message = f"the clip plays at {found.fps:g} frames a second, asked was {fps:g}"
    remedy = "set the rate of the node that makes the video, and of one that interpolates before it"
    return [Finding("fps", message, _BY_GRAPH, remedy)]


def _sound(found: Probe, sound: bool | None) -> list[Finding]:
    remedy = "look at the audio input of the node that makes the video"
    if sound is None or (not sound and found.audio is None):
        return []
    if found.audio is None:
        return [Finding("sound", "there is no sound, asked was sound", "no audio reached the video node", remedy)]
    if not sound:
        return [Finding("sound", "there is sound, asked was none", "the video node was given audio", remedy)]
    shown = found.frames / found.fps if found.fps else 0.0
    if shown and abs(found.audio.duration - shown) > max(0.5, 0.1 * shown):
        message = f"the sound lasts {found.audio.duration:.2f} s, the picture {shown:.2f} s"
        return [Finding("sound", message, "sound and picture were made for different lengths", remedy)]
    return []


def _picture(glances: list[Glance], *, merged: bool) -> list[Finding]:
    """Return what is off with the pictures; an animated webp or png whose frames are all equal is stored as a still."""
    what = verdict(glances) or ("frozen" if merged else None)
    if what is None:
        return []
    message, cause, remedy = _PICTURES[what]
    if what == "one_colour":
        message += f" (#{''.join(f'{level:02x}' for level in _colour(glances[0]))})"
    if len(glances) == 1:
        message = message.replace("all frames are", "the picture is")
    return [Finding(what, message, cause, remedy)]


def _colour(seen: Glance) -> bytes:
    return seen.cells.resize((1, 1), Image.Resampling.BOX).tobytes()


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


_BY_GRAPH: Final = "the graph makes something else than was asked"
# The flags are those of ComfyUI 0.30.0 (comfy/cli_args.py), which names black pictures as the reason of the last.
_PICTURES: Final = {
    "black": (
        "all frames are black",
        "NaN in the sampler or the VAE, usually from half precision",
        "start ComfyUI with --fp32-vae (or --bf16-vae), then with --force-upcast-attention; lower cfg",
    ),
    "one_colour": (
        "all frames are one colour",
        "NaN in the sampler, or a VAE of another model family",
        "take the VAE that belongs to the model; lower cfg; start ComfyUI with --fp32-vae",
    ),
    "noise": (
        "all frames are noise",
        "the latent was not denoised, or decoded by the wrong VAE",
        "check steps, denoise, sampler and scheduler, and that model, LoRA and VAE are of one family",
    ),
    "frozen": (
        "nothing moves, all frames are the same",
        "one picture was repeated, or the model saw no reason for motion",
        "say in the prompt what moves; check that the sampler's frames, not the start image, are saved",
    ),
}
