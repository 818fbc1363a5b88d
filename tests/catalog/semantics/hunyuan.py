"""Hunyuan 1.0 and 1.5.

1.0: guidance is embedded, so there is one prompt and no cfg. 1.5: cfg with two prompts, shift on the model's wire to
guider and schedule alike. 1080p: a second, distilled model samples anew, and sees the enlarged latent until the noise
falls below that of its augmentation (Tencent, HunyuanVideo-1.5, super-resolution pipeline; ComfyUI's template).
"""

from __future__ import annotations

from .asked import PROMPT, Asked, decoded, guided, image, saved, stage, texts, unet, upsampler, vae
from .tree import Node, Wire, make


def hunyuan(at: Asked) -> Node:
    """The tree of a preset of Hunyuan 1.0: CLIP-L first, then Llama."""
    clip = make("DualCLIPLoader", clip_name1=at.file("second_text_encoder"), clip_name2=at.file("text_encoder"),
                type="hunyuan_video")[0]  # fmt: skip
    decoder = vae(at)
    model = make("ModelSamplingSD3", model=unet(at), shift=at["shift"])[0]
    if at.task == "text":
        wanted = make("CLIPTextEncode", clip=clip, text=PROMPT)[0]
        latent = make("EmptyHunyuanLatentVideo", **at.size(), length=at["frames"], batch_size=1)[0]
    else:
        wanted, latent = _begun(at, clip, decoder)
    guidance = make("FluxGuidance", conditioning=wanted, guidance=at["guidance"])[0]
    guider = make("BasicGuider", model=model, conditioning=guidance)[0]
    shown = decoded(at, stage(guider, at["sampler"], _schedule(at, model, at["steps"]), latent), decoder)
    if _concatenates(at):
        shown = make("ImageFromBatch", image=shown, batch_index=4, length=at["frames"])[0]
    return saved(at, shown)


def _concatenates(at: Asked) -> bool:
    """The first image-to-video model gets the image beside the noise, the second in the place of its first frame."""
    return at.task == "image" and "v2_replace" not in at.file("model")


def _begun(at: Asked, clip: Wire, decoder: Wire) -> tuple[Wire, Wire]:
    first = _concatenates(at)
    look = _look(at, "none")
    text = make("TextEncodeHunyuanVideo_ImageToVideo", clip=clip, clip_vision_output=look, prompt=PROMPT,
                image_interleave=at["image_interleave"])[0]  # fmt: skip
    length = at["frames"]
    if first:  # its first four frames are the image settling, and are cut off
        asked = make("PrimitiveInt", value=at["frames"])[0]
        length = make("ComfyMathExpression", **{"expression": "a + 4", "values.a": asked})[1]
    begun = make("HunyuanImageToVideo", positive=text, vae=decoder, **at.size(), length=length, batch_size=1,
                 guidance_type="v1 (concat)" if first else "v2 (replace)", start_image=image())  # fmt: skip
    return begun[0], begun[1]


def _look(at: Asked, crop: str) -> Wire:
    eye = make("CLIPVisionLoader", clip_name=at.file("clip_vision"))[0]
    return make("CLIPVisionEncode", clip_vision=eye, image=image(), crop=crop)[0]


def hunyuan15(at: Asked) -> Node:
    """The tree of a preset of Hunyuan 1.5: Qwen first, then ByT5 for letters in the picture."""
    clip = make("DualCLIPLoader", clip_name1=at.file("text_encoder"), clip_name2=at.file("second_text_encoder"),
                type="hunyuan_video_15")[0]  # fmt: skip
    decoder = vae(at)
    plain = texts(clip)
    two = at.has("upscaler")
    size = {**at.size("first_" if two else ""), "length": at["frames"], "batch_size": 1}
    positive, negative = plain
    seen: dict[str, Wire] = {}
    if at.task == "text":
        latent = make("EmptyHunyuanVideo15Latent", **size)[0]
    else:
        seen = {"vae": decoder, "start_image": image(), "clip_vision_output": _look(at, "center")}
        begun = make("HunyuanVideo15ImageToVideo", positive=positive, negative=negative, **seen, **size)
        positive, negative, latent = begun[0], begun[1], begun[2]
    loaded = unet(at)
    if at.has("lora"):
        loaded = make("LoraLoaderModelOnly", model=loaded, lora_name=at.file("lora"),
                      strength_model=at["lora_strength"])[0]  # fmt: skip
    model = make("ModelSamplingSD3", model=loaded, shift=at["shift"])[0]
    guider = guided(model, positive, negative, at["cfg"])
    samples = stage(guider, at["sampler"], _schedule(at, model, at["steps"]), latent)
    if two:
        samples = _refined(at, samples, plain, seen)
    return saved(at, decoded(at, samples, decoder))


def _schedule(at: Asked, model: Wire, steps: int) -> Wire:
    return make("BasicScheduler", model=model, scheduler=at["scheduler"], steps=steps, denoise=1.0)[0]


def _refined(at: Asked, samples: Wire, plain: tuple[Wire, Wire], seen: dict[str, Wire]) -> Wire:
    larger = make("HunyuanVideo15LatentUpscaleWithModel", model=upsampler(at), samples=samples,
                  upscale_method="bilinear", **at.size(), crop="disabled")[0]  # fmt: skip
    begun = make("HunyuanVideo15SuperResolution", positive=plain[0], negative=plain[1], latent=larger,
                 noise_augmentation=at["noise_augmentation"], **seen)  # fmt: skip
    model = make("ModelSamplingSD3", model=unet(at, "sr_model"), shift=at["sr_shift"])[0]
    split = make("SplitSigmas", sigmas=_schedule(at, model, at["sr_steps"]), step=at["sr_split"])
    seeing = stage(guided(model, begun[0], begun[1], at["sr_cfg"]), at["sampler"], split[0], begun[2])
    blind = guided(model, *plain, at["sr_cfg"])
    return stage(blind, at["sampler"], split[1], seeing, noise=make("DisableNoise")[0])
