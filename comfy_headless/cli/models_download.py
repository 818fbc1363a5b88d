"""``comfy-headless models download``: fetch what is missing into the folder of a local ComfyUI."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.completion import every_preset_name, model_file_names
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.models.download import download_models
from comfy_headless.models.plan import DownloadPlan, PlannedFile, plan_download
from comfy_headless.models.sizes import size_text

EPILOG: Final = "Example:\n\ncomfy-headless models download --preset wan_5b --comfyui ~/ComfyUI --dry-run"


def download(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER/NAME]...",
            help="Only these files, such as vae/wan2.2_vae.safetensors.",
            autocompletion=model_file_names,
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(help="Name of a preset; may be repeated.", autocompletion=every_preset_name),
    ] = None,
    comfyui: o.ComfyFolder = None,
    task: Annotated[o.TaskName | None, typer.Option(help="Only what is needed for this; without it for all.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Of the diffusion models, in place of the preset's own: fp8_scaled, Q4_K_M.")
    ] = None,
    extra_paths: o.ExtraPaths = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Address in place of https://huggingface.co; without it HF_ENDPOINT.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched; write nothing.")] = False,
    show_progress: o.ShowProgress = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Fetch the model files that presets need and a local ComfyUI lacks; print where they are.

    Each file gets its name when it is whole and its checksum is right. What Ctrl-C, a kill or a lost connection leaves,
    the same command goes on with. A token for gated repositories is taken from HF_TOKEN or `hf auth login`.
    """
    asked = {
        "preset": preset or (),
        "files": files or (),
        "comfyui": comfyui,
        "task": task and task.value,
        "precision": precision,
        "extra_paths": extra_paths or (),
        "endpoint": endpoint,
    }
    return partial(_download, asked, dry_run, show_progress)


def _download(asked: dict[str, Any], dry_run: bool, show_progress: bool | None, terminal: Terminal) -> Answer:
    plan = plan_download(**asked)
    for line in (*plan.there, *plan.notes):
        terminal.note(line)
    short = plan.shortages()
    if not dry_run:
        with terminal.downloading(show_progress) as on_progress:
            download_models(plan, on_progress=on_progress)
    elif short:
        terminal.warn("; ".join(short))
    return Answer(_data(plan, dry_run), _text(plan, dry_run))


def _text(plan: DownloadPlan, dry_run: bool) -> str:
    if not plan.files:
        return f"nothing to fetch: {plan.comfyui} has every file"
    if not dry_run:
        return "\n".join(str(each.target) for each in plan.files)
    lines = [f"{each.url}\n  to {each.target}, {_size(each)}" for each in plan.files]
    kept = plan.total_bytes - plan.left_bytes
    left = f", {size_text(kept)} of them are there from an earlier try" if kept else ""
    return "\n".join([*lines, f"to fetch: {size_text(plan.total_bytes)}{left}"])


def _size(each: PlannedFile) -> str:
    return f"{size_text(each.size)}{f', {size_text(each.kept)} of them there' if each.kept else ''}"


def _data(plan: DownloadPlan, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "comfyui": str(plan.comfyui),
        "total_bytes": plan.total_bytes,
        "left_bytes": plan.left_bytes,
        "files": [
            {
                "folder": each.file.folder,
                "name": each.file.name,
                "path": str(each.target),
                "url": each.url,
                "size_bytes": each.size,
                "kept_bytes": each.kept,
                "checksum": each.checksum,
            }
            for each in plan.files
        ],
        "there": list(plan.there),
        "notes": list(plan.notes),
        "shortages": list(plan.shortages()) if dry_run else [],
    }
