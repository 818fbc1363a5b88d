"""What a tree is made from: a preset's own numbers and files for one task, and the pieces that families share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task

from .tree import Node, Wire, make

PROMPT, NEGATIVE, IMAGE, LAST_IMAGE, SEED = "a cat in the rain", "fog", "start.png", "end.png", 11


class Asked(NamedTuple):
    """A preset for one task, with the value of each of its settings."""

    preset: Preset
    task: Task
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # type: ignore[override]
        return self.values[name]

    def file(self, role: str) -> str:
        """The name of the model file of a role."""
        return self.preset.at(self.task).files[role].name

    def has(self, name: str) -> bool:
        """Whether there is such a setting, or such a role."""
        return name in self.values or name in self.preset.at(self.task).files

    def size(self, prefix: str = "") -> dict[str, int]:
        """Width and height, or those of a stage."""
        return {"width": self[f"{prefix}width"], "height": self[f"{prefix}height"]}


def asked(preset: Preset, task: Task, changed: Mapping[str, Any]) -> Asked:
    """Return the preset's own values, the changed ones, and what follows from them."""
    values = {**preset.defaults(task), **changed}
    for name, item in preset.at(task).declared.items():
        if item.origin is not None and name not in changed:
            values[name] = _derived(item.rule, values[item.origin], item.share)
    return Asked(preset, task, values)


def _derived(rule: str | None, value: int, share: float) -> int:
    match rule:
        case "half":
            return value // 2
        case "two_thirds":
            return 16 * ((value + 12) // 24)
        case "handover":
            return round(value * share)
    raise AssertionError(f"unknown rule {rule}")


def image(name: str = IMAGE) -> Wire:
    """An image of the caller's."""
    return make("LoadImage", image=name)[0]


def unet(at: Asked, role: str = "model", **more: Any) -> Wire:
    """A diffusion model, in the precision of its file."""
    return make("UNETLoader", unet_name=at.file(role), **{"weight_dtype": "default", **more})[0]


def vae(at: Asked) -> Wire:
    """The VAE in a file of its own."""
    return make("VAELoader", vae_name=at.file("vae"))[0]


def texts(clip: Wire) -> tuple[Wire, Wire]:
    """What is asked for, and what must not be seen."""
    return make("CLIPTextEncode", clip=clip, text=PROMPT)[0], make("CLIPTextEncode", clip=clip, text=NEGATIVE)[0]


def decoded(at: Asked, samples: Wire, vae: Wire) -> Wire:
    """The pictures, in tiles where the preset says their size."""
    if not at.has("tile_size"):
        return make("VAEDecode", samples=samples, vae=vae)[0]
    return make(
        "VAEDecodeTiled", samples=samples, vae=vae, tile_size=at["tile_size"], overlap=at["tile_overlap"],
        temporal_size=at["tile_frames"], temporal_overlap=at["tile_frame_overlap"],
    )[0]  # fmt: skip


def saved(at: Asked, images: Wire, **audio: Wire) -> Node:
    """The video's file: its frame rate is the asked one."""
    video = make("CreateVideo", images=images, fps=at["fps"], **audio)
    # SaveVideo's codec is not checked by the server, which then dies at this last node (ComfyUI 0.30.0).
    return make(
        "SaveVideo", video=video[0], filename_prefix=f"comfy_headless/{at.preset.name}", format="auto", codec="auto"
    )


def sampled(at: Asked, model: Wire, positive: Wire, negative: Wire, latent: Wire) -> Wire:
    """KSampler from pure noise, in the asked number of steps."""
    return make(
        "KSampler", model=model, seed=SEED, steps=at["steps"], cfg=at["cfg"], sampler_name=at["sampler"],
        scheduler=at["scheduler"], positive=positive, negative=negative, latent_image=latent, denoise=1.0,
    )[0]  # fmt: skip


def guided(model: Wire, positive: Wire, negative: Wire, cfg: float) -> Wire:
    """The guider of a custom sampler."""
    return make("CFGGuider", model=model, positive=positive, negative=negative, cfg=cfg)[0]


def stage(guider: Wire, sampler: str, sigmas: Wire, latent: Wire, noise: Wire | None = None) -> Wire:
    """One run of a custom sampler, with noise from the seed unless it is said otherwise."""
    return make(
        "SamplerCustomAdvanced", noise=noise or make("RandomNoise", noise_seed=SEED)[0], guider=guider,
        sampler=make("KSamplerSelect", sampler_name=sampler)[0], sigmas=sigmas, latent_image=latent,
    )[0]  # fmt: skip


def upsampler(at: Asked) -> Wire:
    """The model that enlarges a latent."""
    return make("LatentUpscaleModelLoader", model_name=at.file("upscaler"))[0]
