"""LTX-Video 0.9.8 and LTX-2.

One frame rate everywhere: in the conditioning, in the sound, in the file. The distilled models run a fixed list of
sigmas, one more than there are steps. In two stages, the first is half as wide and half as high, and its latent is
enlarged twofold for the second.
"""

from __future__ import annotations

from .asked import IMAGE, LAST_IMAGE, SEED, Asked, decoded, guided, image, saved, stage, texts, upsampler
from .tree import Node, Wire, make


def _fixed(at: Asked, name: str) -> Wire:
    """A fixed list of noise levels."""
    return make("ManualSigmas", sigmas=at[name])[0]


def _schedule(at: Asked, latent: Wire) -> Wire:
    """A fixed list for distilled models; for the others a schedule that depends on the latent's size."""
    if at.has("sigmas"):
        return _fixed(at, "sigmas")
    return make("LTXVScheduler", steps=at["steps"], max_shift=at["max_shift"], base_shift=at["base_shift"],
                stretch=at["stretch"], terminal=at["terminal"], latent=latent)[0]  # fmt: skip


def ltxv(at: Asked) -> Node:
    """The tree of a preset of LTX-Video: the VAE is in the checkpoint, the text encoder is not."""
    loaded = make("CheckpointLoaderSimple", ckpt_name=at.file("checkpoint"))
    clip = make("CLIPLoader", clip_name=at.file("text_encoder"), type="ltxv")[0]
    both = texts(clip)
    two = at.has("upscaler")
    size = {**at.size("first_" if two else ""), "length": at["frames"], "batch_size": 1}
    latent = make("EmptyLTXVLatentVideo", **size)[0]
    if at.task == "image":
        begun = make("LTXVImgToVideo", **_named(both), vae=loaded[2], image=_compressed(at, image()),
                     strength=at["image_strength"], **size)  # fmt: skip
        both, latent = (begun[0], begun[1]), begun[2]
    elif at.task == "first_last":
        pictures = [_compressed(at, image(name)) for name in (IMAGE, LAST_IMAGE)]
        both, latent = _held(at, loaded[2], both, latent, pictures)
    conditioned = make("LTXVConditioning", **_named(both), frame_rate=at["fps"])

    def run(schedule: Wire, start: Wire) -> Wire:
        return make("SamplerCustom", model=loaded[0], add_noise=True, noise_seed=SEED, cfg=at["cfg"],
                    positive=conditioned[0], negative=conditioned[1],
                    sampler=make("KSamplerSelect", sampler_name=at["sampler"])[0], sigmas=schedule,
                    latent_image=start)[0]  # fmt: skip

    samples = run(_schedule(at, latent), latent)
    if two:
        samples = make("LTXVLatentUpsampler", samples=samples, upscale_model=upsampler(at), vae=loaded[2])[0]
        if at.task == "image":
            samples = _begun(at, loaded[2], _compressed(at, image()), samples, "second_image_strength")
        samples = run(_fixed(at, "second_sigmas"), samples)
    if at.task == "first_last":
        samples = make("LTXVCropGuides", positive=conditioned[0], negative=conditioned[1], latent=samples)[2]
    return saved(at, decoded(at, samples, loaded[2]))


def ltx2(at: Asked) -> Node:
    """The tree of a preset of LTX-2: picture and sound in one latent; everything but Gemma is in the checkpoint."""
    checkpoint = at.file("checkpoint")
    loaded = make("CheckpointLoaderSimple", ckpt_name=checkpoint)
    clip = make("LTXAVTextEncoderLoader", text_encoder=at.file("text_encoder"), ckpt_name=checkpoint,
                device="default")[0]  # fmt: skip
    ear = make("LTXVAudioVAELoader", ckpt_name=checkpoint)[0]
    conditioned = make("LTXVConditioning", **_named(texts(clip)), frame_rate=at["fps"])
    both = (conditioned[0], conditioned[1])
    two = at.has("upscaler")
    latent = make("EmptyLTXVLatentVideo", **at.size("first_" if two else ""), length=at["frames"], batch_size=1)[0]
    silence = make("LTXVEmptyLatentAudio", frames_number=at["frames"], frame_rate=at["fps"], batch_size=1,
                   audio_vae=ear)[0]  # fmt: skip
    if at.task == "image":
        latent = _begun(at, loaded[2], _scaled(at, IMAGE), latent, "image_strength")
    elif at.task == "first_last":
        both, latent = _held(at, loaded[2], both, latent, [_scaled(at, name) for name in (IMAGE, LAST_IMAGE)])
    joined = make("LTXVConcatAVLatent", video_latent=latent, audio_latent=silence)[0]
    # The LoRA of 2.3 is for both stages, that of 2.0 for the second alone (ComfyUI's templates of the two).
    model = _distilled(at, loaded[0]) if "2.3" in checkpoint else loaded[0]
    first = stage(guided(model, *both, at["cfg"]), at["sampler"], _schedule(at, joined), joined)
    parts = make("LTXVSeparateAVLatent", av_latent=first)
    cropped = make("LTXVCropGuides", **_named(both), latent=parts[0])
    if not two:
        return _shown(at, cropped[2], parts[1], loaded[2], ear)
    parts = make("LTXVSeparateAVLatent", av_latent=_second(at, loaded, cropped, parts[1]))
    return _shown(at, parts[0], parts[1], loaded[2], ear)


def _named(both: tuple[Wire, Wire]) -> dict[str, Wire]:
    return {"positive": both[0], "negative": both[1]}


def _compressed(at: Asked, picture: Wire) -> Wire:
    """An image as bad as the frames that the model was trained with; a clean one would stand still."""
    return make("LTXVPreprocess", image=picture, img_compression=at["image_compression"])[0]


def _scaled(at: Asked, name: str) -> Wire:
    """An image in the video's final size, before it is compressed."""
    scaled = make("ImageScale", image=image(name), upscale_method="lanczos", **at.size(), crop="center")
    return _compressed(at, scaled[0])


def _begun(at: Asked, vae: Wire, picture: Wire, latent: Wire, strength: str) -> Wire:
    """A latent whose first frame is the image."""
    return make("LTXVImgToVideoInplace", vae=vae, image=picture, latent=latent, strength=at[strength],
                bypass=False)[0]  # fmt: skip


def _held(
    at: Asked, vae: Wire, both: tuple[Wire, Wire], latent: Wire, pictures: list[Wire]
) -> tuple[tuple[Wire, Wire], Wire]:
    """Guides at the first and the last frame, which are cropped off again afterwards."""
    for frame, strength, picture in zip((0, -1), ("image_strength", "last_image_strength"), pictures, strict=True):
        guide = make("LTXVAddGuide", **_named(both), vae=vae, latent=latent, image=picture, frame_idx=frame,
                     strength=at[strength])  # fmt: skip
        both, latent = (guide[0], guide[1]), guide[2]
    return both, latent


def _distilled(at: Asked, model: Wire) -> Wire:
    if not at.has("lora"):
        return model
    return make("LoraLoaderModelOnly", model=model, lora_name=at.file("lora"), strength_model=at["lora_strength"])[0]


def _second(at: Asked, loaded: Node, cropped: Node, sound: Wire) -> Wire:
    larger = make("LTXVLatentUpsampler", samples=cropped[2], upscale_model=upsampler(at), vae=loaded[2])[0]
    if at.task == "image":
        larger = _begun(at, loaded[2], _scaled(at, IMAGE), larger, "second_image_strength")
    joined = make("LTXVConcatAVLatent", video_latent=larger, audio_latent=sound)[0]
    guider = guided(_distilled(at, loaded[0]), cropped[0], cropped[1], at["second_cfg"])
    return stage(guider, at["second_sampler"], _fixed(at, "second_sigmas"), joined)


def _shown(at: Asked, video: Wire, sound: Wire, vae: Wire, ear: Wire) -> Node:
    heard = make("LTXVAudioVAEDecode", samples=sound, audio_vae=ear)[0]
    return saved(at, decoded(at, video, vae), audio=heard)
