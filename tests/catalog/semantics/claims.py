"""What must be true of a preset's files and numbers together: models for the task, VAEs and LoRAs of one generation.

A tree takes file names and numbers from the preset, so it cannot tell a wrong one; these can. File names are the
makers' own: t2v from text, i2v from an image, flf2v from two; high and low noise; distilled models need no guidance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task

from .asked import asked


class Facts(NamedTuple):
    """A preset for one task: the file name of each role, and its own value of each setting."""

    task: Task
    files: Mapping[str, str]
    own: Mapping[str, Any]

    def named(self, role: str, pattern: str) -> bool:
        """Whether the file of a role has a part of its name that matches; true if there is no such role."""
        return role not in self.files or re.search(pattern, self.files[role]) is not None

    def is_named(self, role: str, pattern: str) -> bool:
        """The same, false if there is no such role."""
        return role in self.files and self.named(role, pattern)


Claim = Callable[[Facts], bool]


def facts(preset: Preset, task: Task) -> Facts:
    """Return what a preset has for one task."""
    files = {role: file.name for role, file in preset.at(task).files.items()}
    return Facts(task, files, asked(preset, task, {}).values)


def untrue(family: str, known: Facts) -> list[str]:
    """Return the claims that do not hold."""
    return [claim for claim, holds in CLAIMS[family].items() if not holds(known)]


def _files(**patterns: str) -> Claim:
    """Every role's file has such a name, and no role is without a pattern."""
    return lambda at: at.files.keys() <= patterns.keys() and all(at.named(*each) for each in patterns.items())


def _unguided(*distilled: tuple[str, str]) -> Claim:
    """A model that is distilled, by its own name or by a LoRA's, runs at cfg 1; another one above it."""
    return lambda at: any(at.is_named(*each) for each in distilled) == (at.own["cfg"] == 1)


def _half(half: str) -> Claim:
    def holds(at: Facts) -> bool:
        kind = "t2v" if at.task == "text" else "i2v"
        return all(at.named(f"{half}_{what}", rf"wan2\.2_{kind}_.*{half}_noise") for what in ("model", "lora"))

    return holds


def _wan_model(at: Facts) -> bool:
    kind = {"text": "t2v", "image": "i2v", "first_last": "flf2v"}[at.task]
    return at.named("model", rf"wan2\.1_{kind}_|wan2\.2_ti2v_5B")


def _trained_height(role: str, height: str) -> Claim:
    """A model of one height makes that height, which its name tells."""
    return lambda at: not at.is_named(role, r"_\d+p_") or at.named(role, f"_{at.own.get(height, at.own['height'])}p_")


def _levels(name: str, steps: str | None) -> Claim:
    """A list of noise levels falls to 0 and is one longer than there are steps; true if there is none."""

    def holds(at: Facts) -> bool:
        levels = [float(word) for word in at.own[name].split(",")] if name in at.own else [0.0]
        counted = steps is None or name not in at.own or len(levels) == at.own[steps] + 1
        return counted and levels == sorted(set(levels), reverse=True) and levels[-1] == 0

    return holds


def _noise(shift: float, part: float) -> float:
    """The noise after a part of the steps (ComfyUI 0.30.0: ModelSamplingDiscreteFlow, schedule "simple")."""
    left = 1 - part
    return shift * left / (1 + (shift - 1) * left)


def _split_at_augmentation(at: Facts) -> bool:
    """The first pass is seen until the noise is below that on it."""
    if "sr_model" not in at.files:
        return True
    before, after = (_noise(at.own["sr_shift"], (at.own["sr_split"] + more) / at.own["sr_steps"]) for more in (-1, 0))
    return bool(after < at.own["noise_augmentation"] <= before)


def _experts_meet(at: Facts) -> bool:
    """Alibaba's boundaries are 0.875 (text) and 0.9 (image); ComfyUI's and lightx2v's halves meet at 0.83 to 0.89."""
    if "high_model" not in at.files:
        return True
    return 0.83 < _noise(at.own["shift"], at.own["handover"] / at.own["steps"]) < 0.91


_T5, _NOISE = r"^t5xxl_", r"^wan2\.2_"
CLAIMS: Mapping[str, Mapping[str, Claim]] = {
    "wan": {
        "files of Wan": _files(
            text_encoder="^umt5_xxl_",
            vae=r"^wan_?2\.[12]_vae",
            clip_vision="^clip_vision_h",
            model=r"^wan2\.[12]_",
            lora="^lightx2v_T2V_14B",
            high_model=_NOISE,
            low_model=_NOISE,
            high_lora=_NOISE,
            low_lora=_NOISE,
        ),
        "the VAE of 2.2 with the 5B alone": lambda at: at.is_named("model", "5B") == at.named("vae", r"2\.2"),
        "a model for the task": _wan_model,
        "expert and LoRA for high noise first": _half("high"),
        "expert and LoRA for low noise second": _half("low"),
        "experts that meet where they were trained to": _experts_meet,
        "the LoRA of a 14B with a 14B": lambda at: "lora" not in at.files or at.named("model", "14B"),
        "no guidance with a distilled LoRA alone": _unguided(("lora", "distill"), ("high_lora", "4steps")),
        "the height it was trained for": _trained_height("model", "height"),
    },
    "ltxv": {
        "files of LTX-Video": _files(checkpoint="^ltxv?-", text_encoder=_T5, upscaler="^ltxv-spatial-upscaler"),
        "no guidance for a distilled one alone": _unguided(("checkpoint", "distilled")),
        "fixed noise levels for a distilled one": lambda at: ("sigmas" in at.own) == at.named("checkpoint", "distil"),
        "one noise level more than steps": _levels("sigmas", "steps"),
        "noise levels down to 0": _levels("second_sigmas", None),
        "one frame rate that it was trained at": lambda at: 24 <= at.own["fps"] <= 30,
    },
    "ltx2": {
        "files of LTX-2": _files(
            checkpoint=r"^ltx-2(\.3)?-\d\db-", text_encoder="^gemma_3_12B", upscaler="^ltx-2", lora="^ltx[-_]2.*lora"
        ),
        "all files of one generation": lambda at: (
            len({bool(re.search(r"2\.3", at.files[role])) for role in at.files.keys() - {"text_encoder"}}) == 1
        ),
        "no LoRA on a distilled one": lambda at: "lora" not in at.files or at.named("checkpoint", "-dev"),
        "fixed noise levels unless it is guided": lambda at: ("sigmas" in at.own) == (at.own["cfg"] == 1),
        "one noise level more than steps": _levels("sigmas", "steps"),
        "noise levels down to 0": _levels("second_sigmas", None),
        "no guidance in the second stage": lambda at: at.own.get("second_cfg", 1) == 1,
    },
    "hunyuan": {
        "files of HunyuanVideo 1.0": _files(
            model="^hunyuan_video_",
            text_encoder="^llava_llama3_",
            second_text_encoder="^clip_l",
            vae="^hunyuan_video_vae",
            clip_vision="^llava_llama3_vision",
        ),
        "a model for the task": lambda at: at.named("model", "t2v" if at.task == "text" else "image_to_video"),
        "as many tokens of the image as its model had": lambda at: (
            "image_interleave" not in at.own
            or at.own["image_interleave"] == (4 if at.named("model", "v2_replace") else 2)
        ),
        "guidance embedded, and no cfg": lambda at: at.own["guidance"] == 6 and "cfg" not in at.own,
    },
    "hunyuan15": {
        "files of HunyuanVideo 1.5": _files(
            model=r"^hunyuanvideo1\.5_",
            text_encoder=r"^qwen_2\.5_vl",
            second_text_encoder="^byt5_small_glyph",
            vae="^hunyuanvideo15_vae",
            clip_vision="^sigclip",
            lora=r"^hunyuanvideo1\.5_t2v_480p",
            sr_model=r"^hunyuanvideo1\.5_1080p_sr",
            upscaler="^hunyuanvideo15_latent_upsampler_1080p",
        ),
        "a model for the task": lambda at: at.named("model", "_t2v_" if at.task == "text" else "_i2v_"),
        "no guidance for a distilled one alone": _unguided(("model", "distilled"), ("lora", "4step")),
        "few steps with a step distillation alone": lambda at: (
            (at.own["steps"] < 20) == (at.is_named("model", "step_distilled") or "lora" in at.files)
        ),
        "the height it was trained for": _trained_height("model", "first_height"),
        "a split where the noise falls below the augmentation": _split_at_augmentation,
        "Tencent's shift": lambda at: (
            at.own["shift"] == _SHIFTS[at.own.get("first_height", at.own["height"]), at.task]
            or at.is_named("model", "step_distilled")
        ),
    },
    "mochi": {
        "files of Mochi": _files(model="^mochi_preview_", text_encoder=_T5, vae="^mochi_vae"),
    },
    "svd": {
        "files of SVD": _files(checkpoint="^svd"),
        "14 frames, 25 with XT": lambda at: at.own["frames"] == (25 if at.named("checkpoint", "xt") else 14),
        "guidance that rises": lambda at: 1 <= at.own["min_cfg"] < at.own["cfg"],
    },
    "cogvideox": {
        "files of CogVideoX": _files(model="^CogVideoX_", text_encoder=_T5, vae="^cogvideox_vae"),
        "a model for the task": lambda at: (
            at.named("model", "T2V" if at.task == "text" else "I2V")
            and at.own.get("model_repository", "I2V" if at.task == "image" else "").endswith("I2V")
            == (at.task == "image")
        ),
        "half precision for the 2B alone": lambda at: (
            (at.own["model_precision"] == "fp16") == at.own.get("model_repository", "").endswith("-2b")
        ),
    },
    "animatediff": {
        "files of AnimateDiff": _files(
            checkpoint="^v1-5-",
            motion_module="v3_sd15_mm|lightning|AnimateLCM|mm_sd_v15_v2",
            motion_lora="^v2_lora_",
            lora="^v3_sd15_adapter|^AnimateLCM",
        ),
        "the LoRA of the motion module": lambda at: all(
            at.named(role, "LCM") == at.named("motion_module", "LCM") for role in at.files.keys() & {"lora"}
        ),
        "camera LoRAs with version 2": lambda at: "motion_lora" not in at.files or at.named("motion_module", "v2"),
        "as many steps as Lightning was distilled to": lambda at: (
            not at.named("motion_module", "lightning") or at.named("motion_module", f"_{at.own['steps']}step")
        ),
        "windows of 16 frames": lambda at: at.own["context_length"] == 16 > at.own["context_overlap"],
    },
    "z_image": {
        "files of Z-Image": _files(model="^z_image_turbo", text_encoder="^qwen_3_4b", vae=r"^ae\."),
        "no guidance": lambda at: at.own["cfg"] == 1,
    },
    "sdxl": {
        "files of SDXL": _files(checkpoint="^sd_xl_base"),
        "guidance": lambda at: at.own["cfg"] > 1,
    },
}
_SHIFTS = {(480, "text"): 5, (480, "image"): 5, (720, "text"): 9, (720, "image"): 7}
"""Tencent, HunyuanVideo-1.5, README: flow shift by size and task; the step-distilled one has 7."""
