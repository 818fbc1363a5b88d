"""The options that several commands share, each written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.cli.completion import (
    every_preset_name,
    preset_names,
    role_names,
    sampler_names,
    scheduler_names,
    setting_names,
    style_names,
)
from comfy_headless.cli.graphics import Choice
from comfy_headless.cli.output import Action

_SETTINGS: Final = "Settings (the preset's own where not given)"
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_VARIANTS: Final = "Variants (of any preset or workflow that has a place for them)"


def whole(text: str) -> int:
    """Read a whole number; the error names what was typed."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no whole number") from None


def number(text: str) -> float:
    """Read a number; the error names what was typed."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number") from None


def span(text: str) -> float:
    """Read a length of time: seconds, or with a unit (``90``, ``90s``, ``10m``, ``1.5h``); the error names it."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no length of time; expected seconds, or such as 90s, 10m, 1.5h")
    return float(found[1]) * _UNITS[found[2]]


def path(text: str) -> Path:
    """Read a path; an empty text, as an unset variable leaves it, would be the current folder."""
    if not text:
        raise typer.BadParameter(f"{text!r} is no path; give one, or leave the option out")
    return Path(text)


def source(text: str) -> str:
    """Read where a file is: a path, an address, a name on the server; the error is that of ``path``."""
    path(text)
    return text


class TaskName(StrEnum):
    """What a preset makes something from, as ``--task`` takes it."""

    TEXT = "text"
    IMAGE = "image"
    FIRST_LAST = "first_last"


class OnOom(StrEnum):
    """What becomes of a job for which the server's memory is too small."""

    RAISE = "raise"
    LIGHTER = "lighter"


WHOLE: Final = {"parser": whole, "metavar": "INTEGER"}
NUMBER: Final = {"parser": number, "metavar": "NUMBER"}
SPAN: Final = {"parser": span, "metavar": "TIME"}
PATH: Final = {"parser": path, "metavar": "PATH"}
SOURCE: Final = {"parser": source, "metavar": "FILE"}


Prompt = Annotated[str, typer.Argument(help="What to show.", show_default=False)]
PresetName = Annotated[
    str, typer.Argument(help="Name of a preset.", autocompletion=every_preset_name, show_default=False)
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Name of a preset; without it the best one that the server has the files and VRAM for.",
        autocompletion=preset_names,
    ),
]
Within = Annotated[
    float | None,
    typer.Option(**SPAN, help="Without --preset: seconds, or such as 10m, 1h, that it may take; else ten minutes."),
]
Image = Annotated[
    str | None, typer.Option(**SOURCE, help="First frame: a path, an address, or the name of a file on the server.")
]
LastImage = Annotated[str | None, typer.Option(**SOURCE, help="Last frame, for presets that take one.")]
NegativePrompt = Annotated[str | None, typer.Option(help="What not to show; without it the preset's own.")]
Enhance = Annotated[
    bool,
    typer.Option("--enhance", help="Improve the prompt for the preset's model before, and its negative prompt."),
]
Style = Annotated[
    str | None,
    typer.Option(help="Improve it in this style, such as cinematic or detailed.", autocompletion=style_names),
]
Seed = Annotated[
    int | None, typer.Option(**WHOLE, help="Whole number from 0; without it, or with -1, one is drawn and told.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent and where; send nothing.")]
Untested = Annotated[bool, typer.Option("--untested", help="Take sizes, lengths and rates nobody has tested.")]


def _option(panel: str, kind: Any, words: str, *flags: str, **more: Any) -> Any:
    """Return the annotation of an option that is None where it is not given."""
    return Annotated[kind | None, typer.Option(*flags, help=words, rich_help_panel=panel, **more)]


_setting = partial(_option, _SETTINGS)
_variant = partial(_option, _VARIANTS)

SETTINGS: Final[Mapping[str, Any]] = {
    "width": _setting(int, "Pixels.", **WHOLE),
    "height": _setting(int, "Pixels.", **WHOLE),
    "aspect": _setting(str, "Width to height, such as 9:16: the nearest legal size.", metavar="W:H"),
    "frames": _setting(int, "Number of frames.", **WHOLE),
    "seconds": _setting(float, "Length instead of frames: the nearest legal one.", **NUMBER),
    "fps": _setting(float, "Frames per second.", **NUMBER),
    "steps": _setting(int, "Steps of the sampler.", **WHOLE),
    "cfg": _setting(float, "How strongly the prompt counts.", **NUMBER),
    "sampler": _setting(str, "Such as euler.", autocompletion=sampler_names),
    "scheduler": _setting(str, "Such as simple.", autocompletion=scheduler_names),
    "shift": _setting(float, "Shift of the noise schedule.", **NUMBER),
    "sets": _setting(
        list[str],
        "A setting that the preset's family adds; may be repeated. `presets show` lists them.",
        "--set",
        metavar="NAME=VALUE",
        autocompletion=setting_names,
    ),
    "files": _setting(
        list[str],
        "A model file of your own, as the server lists it; may be repeated. `presets show` lists the roles.",
        "--file",
        metavar="ROLE=NAME",
        autocompletion=role_names,
    ),
}
"""The options that set what a model is asked for; ``request.settings_of`` reads them."""

IMAGES: Final = _setting(int, "How many images at once, each another one.", **WHOLE)
IMAGE_SETTINGS: Final[Mapping[str, Any]] = {
    **{name: kind for name, kind in SETTINGS.items() if name not in ("frames", "seconds", "fps")},
    "images": IMAGES,
}
"""Those of them that images have too."""

WISHES: Final[Mapping[str, Any]] = {name: SETTINGS[name] for name in ("seconds", "aspect")}
"""Those of them that serve a workflow of one's own too, by its markers."""

VARIANTS: Final[Mapping[str, Any]] = {
    "lora": _variant(list[str], "A LoRA and its strength; may be repeated.", "--lora", metavar="NAME[:STRENGTH]"),
    "precision": _variant(str, "Of the diffusion model: fp8, fp16, Q4_K_M and the like."),
    "easy_cache": _variant(bool, "Skip steps that change little.", "--easy-cache/ "),
    "torch_compile": _variant(bool, "Compile the model; the first run takes longer.", "--torch-compile/ "),
    "tiled_decode": _variant(bool, "Decode in tiles, with far less VRAM.", "--tiled-decode/ "),
    "upscale": _variant(float, "Times wider and higher, by a model.", **NUMBER),
    "interpolate": _variant(int, "Times more frames a second, by a model.", **WHOLE),
    "sound": _variant(bool, "Leave the sound out.", " /--no-sound"),
    "codec": _variant(str, "Of the video, such as h264, vp9 or av1."),
    "quality": _variant(str, "low, medium, high, lossless, or a crf, of which 0 is the best."),
}
"""The options for variants; ``request.variants_of`` reads them."""


IMAGE_VARIANTS: Final[Mapping[str, Any]] = {
    name: kind for name, kind in VARIANTS.items() if name not in ("interpolate", "sound", "codec", "quality")
}
"""Those that images have a place for."""


def takes(*groups: Mapping[str, Any]) -> Callable[[Callable[..., Action]], Callable[..., Action]]:
    """Give a command the options of ``groups`` after its own; it gets their values as its first argument."""
    options = {name: kind for group in groups for name, kind in group.items()}

    def decorate(command: Callable[..., Action]) -> Callable[..., Action]:
        @wraps(command)
        def with_options(**given: Any) -> Action:
            return command({name: given.pop(name) for name in options}, **given)

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in options.items()
        ]
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + added
        del with_options.__wrapped__  # typer would read the signature there
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {each.name: each.annotation for each in parameters}
        return with_options

    return decorate


ComfyFolder = Annotated[
    Path | None, typer.Option("--comfyui", **PATH, help="Folder of a local ComfyUI; or COMFY_HEADLESS_COMFYUI.")
]
ExtraPaths = Annotated[
    list[Path] | None,
    typer.Option(
        **PATH,
        help="A file like extra_model_paths.yaml, as for ComfyUI's --extra-model-paths-config; may be repeated.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", **PATH, help="File such as clip.mp4, or a folder; without it the current folder."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file; else -2, -3 is appended.")]
Server = Annotated[
    str | None,
    typer.Option(help="Address of ComfyUI; without it COMFY_HEADLESS_URL, then http://localhost:8188."),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Use a simulated server: no model runs, the result is a placeholder.")
]
Timeout = Annotated[
    float | None, typer.Option(**NUMBER, help="Seconds until the job is cancelled; without it as long as it takes.")
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Queue the job, print its prompt_id and leave; `jobs fetch` brings the files.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Fail if a look at what was made finds it off; the file is kept.")
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Send the job without holding it to what the server has.")]
ShowProgress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Show progress on stderr; by default unless --json is given."),
]
Preview = Annotated[
    Choice,
    typer.Option(
        envvar="COMFY_HEADLESS_PREVIEW",
        help="How the latest preview is drawn above the progress; auto draws where the terminal shows real pictures.",
    ),
]
OnOomOption = Annotated[
    OnOom,
    typer.Option("--on-oom", help="Where the server's memory runs out: fail and say what takes less, or go that way."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, errors too, and nothing else there.")
]
"""Read by ``Terminal.for_words`` before parsing, as ``Debug`` is: a wrong option is answered in JSON too."""
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Write what happens as one JSON object per line on stderr, and nothing else.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show every step, and tracebacks.")]
