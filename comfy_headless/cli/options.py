"""The options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from comfy_headless.cli.completion import preset_names, sampler_names, scheduler_names, setting_names
from comfy_headless.cli.graphics import Choice

_SETTINGS: Final = "Settings (the preset's own where not given)"


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


def path(text: str) -> Path:
    """Read a path; an empty text, as an unset variable leaves it, would be the current folder."""
    if not text:
        raise typer.BadParameter(f"{text!r} is no path; give one, or leave the option out")
    return Path(text)


WHOLE: Final = {"parser": whole, "metavar": "INTEGER"}
NUMBER: Final = {"parser": number, "metavar": "NUMBER"}
PATH: Final = {"parser": path, "metavar": "PATH"}


Prompt = Annotated[str, typer.Argument(help="What to show.", show_default=False)]
PresetName = Annotated[str, typer.Argument(help="Name of a preset.", autocompletion=preset_names, show_default=False)]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Name of a preset; without it the best one that the server has the files and VRAM for.",
        autocompletion=preset_names,
    ),
]
Image = Annotated[Path | None, typer.Option(**PATH, help="First frame: a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF.")]
LastImage = Annotated[Path | None, typer.Option(**PATH, help="Last frame, for presets that take one.")]
NegativePrompt = Annotated[str | None, typer.Option(help="What not to show; without it the preset's own.")]
Seed = Annotated[int | None, typer.Option(**WHOLE, help="Whole number from 0; without it one is drawn and told.")]
Untested = Annotated[bool, typer.Option("--untested", help="Take sizes, lengths and rates nobody has tested.")]

Width = Annotated[int | None, typer.Option(**WHOLE, help="Pixels.", rich_help_panel=_SETTINGS)]
Height = Annotated[int | None, typer.Option(**WHOLE, help="Pixels.", rich_help_panel=_SETTINGS)]
Frames = Annotated[int | None, typer.Option(**WHOLE, help="Number of frames.", rich_help_panel=_SETTINGS)]
Seconds = Annotated[float | None, typer.Option(**NUMBER, help="Length instead of frames.", rich_help_panel=_SETTINGS)]
Fps = Annotated[float | None, typer.Option(**NUMBER, help="Frames per second.", rich_help_panel=_SETTINGS)]
Steps = Annotated[int | None, typer.Option(**WHOLE, help="Steps of the sampler.", rich_help_panel=_SETTINGS)]
Cfg = Annotated[float | None, typer.Option(**NUMBER, help="How strongly the prompt counts.", rich_help_panel=_SETTINGS)]
Sampler = Annotated[
    str | None, typer.Option(help="Such as euler.", autocompletion=sampler_names, rich_help_panel=_SETTINGS)
]
Scheduler = Annotated[
    str | None, typer.Option(help="Such as simple.", autocompletion=scheduler_names, rich_help_panel=_SETTINGS)
]
Shift = Annotated[float | None, typer.Option(**NUMBER, help="Shift of the noise schedule.", rich_help_panel=_SETTINGS)]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        autocompletion=setting_names,
        help="A setting that the preset's family adds; may be repeated. `presets show` lists them.",
        rich_help_panel=_SETTINGS,
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
    bool, typer.Option("--simulate", help="Use a simulated server: no model runs, the video is a placeholder.")
]
Timeout = Annotated[
    float | None, typer.Option(**NUMBER, help="Seconds until the job is cancelled; without it as long as it takes.")
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Queue the job, print its prompt_id and leave; `jobs fetch` brings the files.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Fail if a look at the finished video finds it off; the file is kept.")
]
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
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, errors too, and nothing else there.")
]
"""Read by ``Terminal.for_words`` before parsing, as ``Debug`` is: a wrong option is answered in JSON too."""
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Write what happens as one JSON object per line on stderr, and nothing else.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show every step, and tracebacks.")]
