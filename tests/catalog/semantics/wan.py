"""Wan 2.1 and 2.2.

2.1: one model, shift on its wire; its own VAE; from an image, CLIP vision too. 2.2 A14B: two experts that share the
noise, each with its own shift and LoRA; the VAE of 2.1. 2.2 5B: the VAE of 2.2, for the latent too.
"""

from __future__ import annotations

from .asked import IMAGE, LAST_IMAGE, SEED, Asked, decoded, image, sampled, saved, texts, unet, vae
from .tree import Node, Wire, make


def wan(at: Asked) -> Node:
    """The tree of a Wan preset."""
    clip = make("CLIPLoader", clip_name=at.file("text_encoder"), type="wan")[0]
    positive, negative = texts(clip)
    decoder = vae(at)
    if at.has("model") and "5B" in at.file("model"):
        latent = _latent_of_5b(at, decoder)
    else:
        positive, negative, latent = _conditioned(at, positive, negative, decoder)
    if at.has("high_model"):
        samples = _two_experts(at, positive, negative, latent)
    else:
        samples = sampled(at, _shifted(at, "model", "lora"), positive, negative, latent)
    return saved(at, decoded(at, samples, decoder))


def _latent_of_5b(at: Asked, decoder: Wire) -> Wire:
    start = {"start_image": image()} if at.task == "image" else {}
    return make(
        "Wan22ImageToVideoLatent", vae=decoder, **at.size(), length=at["frames"], batch_size=1, **start
    )[0]  # fmt: skip


def _conditioned(at: Asked, positive: Wire, negative: Wire, decoder: Wire) -> tuple[Wire, Wire, Wire]:
    size = {**at.size(), "length": at["frames"], "batch_size": 1}
    if at.task == "text":
        return positive, negative, make("EmptyHunyuanLatentVideo", **size)[0]
    pictures = {"start_image": image(IMAGE)}
    if at.task == "first_last":
        pictures["end_image"] = image(LAST_IMAGE)
    seen = {}
    if at.has("clip_vision"):  # Wan 2.1 looks at the pictures, 2.2 does not
        eye = make("CLIPVisionLoader", clip_name=at.file("clip_vision"))[0]
        looks = {
            name: make("CLIPVisionEncode", clip_vision=eye, image=picture, crop="none")[0]
            for name, picture in pictures.items()
        }
        seen = {"clip_vision_output": looks["start_image"]}
        if at.task == "first_last":
            seen = {f"clip_vision_{name}": look for name, look in looks.items()}
    class_type = "WanFirstLastFrameToVideo" if at.task == "first_last" else "WanImageToVideo"
    begun = make(class_type, positive=positive, negative=negative, vae=decoder, **size, **pictures, **seen)
    return begun[0], begun[1], begun[2]


def _shifted(at: Asked, role: str, lora: str) -> Wire:
    """An expert: its LoRA first, then the shift."""
    model = unet(at, role)
    if at.has(lora):
        model = make("LoraLoaderModelOnly", model=model, lora_name=at.file(lora), strength_model=at["lora_strength"])[0]
    return make("ModelSamplingSD3", model=model, shift=at["shift"])[0]


def _two_experts(at: Asked, positive: Wire, negative: Wire, latent: Wire) -> Wire:
    """The first adds the noise and hands on what is left of it; the second adds none and leaves none."""
    shared = {"steps": at["steps"], "sampler_name": at["sampler"], "scheduler": at["scheduler"],
              "positive": positive, "negative": negative}  # fmt: skip
    first = make(
        "KSamplerAdvanced", model=_shifted(at, "high_model", "high_lora"), add_noise="enable", noise_seed=SEED,
        cfg=at["cfg"], latent_image=latent, start_at_step=0, end_at_step=at["handover"],
        return_with_leftover_noise="enable", **shared,
    )  # fmt: skip
    return make(
        "KSamplerAdvanced", model=_shifted(at, "low_model", "low_lora"), add_noise="disable", noise_seed=0,
        cfg=at["cfg_low"] if at.has("cfg_low") else at["cfg"], latent_image=first[0], start_at_step=at["handover"],
        end_at_step=10000, return_with_leftover_noise="disable", **shared,
    )[0]  # fmt: skip
