"""Families whose nodes come in packs: CogVideoX (kijai's wrapper) and AnimateDiff (AnimateDiff-Evolved)."""

from __future__ import annotations

from .asked import NEGATIVE, PROMPT, SEED, Asked, decoded, image, sampled, saved, texts
from .tree import Node, make


def cogvideox(at: Asked) -> Node:
    """The tree of a CogVideoX preset: T5 as "sd3" (the wrapper needs that tokenizer); decoding in tiles."""
    loader = {"quantization": "disabled", "enable_sequential_cpu_offload": False, "attention_mode": "sdpa",
              "load_device": "main_device"}  # fmt: skip
    if at.has("model"):
        model = make("CogVideoXModelLoader", model=at.file("model"), base_precision=at["model_precision"], **loader)[0]
        decoder = make("CogVideoXVAELoader", model_name=at.file("vae"), precision=at["model_precision"])[0]
    else:
        both = make("DownloadAndLoadCogVideoModel", model=at["model_repository"], precision=at["model_precision"],
                    **loader)  # fmt: skip
        model, decoder = both[0], both[1]
    clip = make("CLIPLoader", clip_name=at.file("text_encoder"), type="sd3")[0]
    wanted = make("CogVideoTextEncode", clip=clip, prompt=PROMPT, strength=1.0, force_offload=False)
    # The second takes the encoder from the first, so that it is given up once, at the end.
    unwanted = make("CogVideoTextEncode", clip=wanted[1], prompt=NEGATIVE, strength=1.0, force_offload=True)
    if at.task == "image":
        scaled = make("ImageScale", image=image(), upscale_method="lanczos", **at.size(), crop="center")[0]
        begun = make("CogVideoImageEncode", vae=decoder, start_image=scaled, enable_tiling=False,
                     noise_aug_strength=0.0, strength=1.0, start_percent=0.0, end_percent=1.0)  # fmt: skip
        latent = {"image_cond_latents": begun[0]}
    else:
        latent = {"samples": make("EmptyLatentImage", **at.size(), batch_size=1)[0]}
    samples = make("CogVideoSampler", model=model, positive=wanted[0], negative=unwanted[0], num_frames=at["frames"],
                   steps=at["steps"], cfg=at["cfg"], seed=SEED, scheduler=at["cog_scheduler"], denoise_strength=1.0,
                   **latent)  # fmt: skip
    shown = make("CogVideoDecode", vae=decoder, samples=samples[0], enable_vae_tiling=True,
                 tile_sample_min_height=240, tile_sample_min_width=360, tile_overlap_factor_height=0.2,
                 tile_overlap_factor_width=0.2, auto_tile_size=True)  # fmt: skip
    return saved(at, shown[0])


def animatediff(at: Asked) -> Node:
    """The tree of an AnimateDiff preset: SD 1.5 and its LoRA first; frames as a batch, 16 of them seen at a time."""
    loaded = make("CheckpointLoaderSimple", ckpt_name=at.file("checkpoint"))
    model = loaded[0]
    if at.has("lora"):
        model = make("LoraLoaderModelOnly", model=model, lora_name=at.file("lora"),
                     strength_model=at["lora_strength"])[0]  # fmt: skip
    motion = {"motion_model": make("ADE_LoadAnimateDiffModel", model_name=at.file("motion_module"))[0]}
    if at.has("motion_lora"):
        motion["motion_lora"] = make("ADE_AnimateDiffLoRALoader", name=at.file("motion_lora"),
                                     strength=at["motion_lora_strength"])[0]  # fmt: skip
    applied = make("ADE_ApplyAnimateDiffModelSimple", **motion)[0]
    context = make("ADE_StandardStaticContextOptions", context_length=at["context_length"],
                   context_overlap=at["context_overlap"])[0]  # fmt: skip
    evolved = make("ADE_UseEvolvedSampling", model=model, beta_schedule=at["beta_schedule"], m_models=applied,
                   context_options=context)[0]  # fmt: skip
    latent = make("EmptyLatentImage", **at.size(), batch_size=at["frames"])[0]
    return saved(at, decoded(at, sampled(at, evolved, *texts(loaded[1]), latent), loaded[2]))
