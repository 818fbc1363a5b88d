"""Image models: Z-Image turbo and SDXL."""

from __future__ import annotations

from .asked import PROMPT, Asked, decoded, sampled, texts, unet, vae
from .tree import Node, Wire, make


def _picture(at: Asked, images: Wire) -> Node:
    return make("SaveImage", images=images, filename_prefix=f"comfy_headless/{at.preset.name}")


def z_image(at: Asked) -> Node:
    """The tree of a Z-Image preset: distilled to cfg 1, so what must not be seen is nothing; shift on the model."""
    clip = make("CLIPLoader", clip_name=at.file("text_encoder"), type="lumina2")[0]
    wanted = make("CLIPTextEncode", clip=clip, text=PROMPT)[0]
    nothing = make("ConditioningZeroOut", conditioning=wanted)[0]
    model = make("ModelSamplingAuraFlow", model=unet(at), shift=at["shift"])[0]
    latent = make("EmptySD3LatentImage", **at.size(), batch_size=at["images"])[0]
    return _picture(at, decoded(at, sampled(at, model, wanted, nothing, latent), vae(at)))


def sdxl(at: Asked) -> Node:
    """The tree of an SDXL preset: everything is in the checkpoint."""
    loaded = make("CheckpointLoaderSimple", ckpt_name=at.file("checkpoint"))
    latent = make("EmptyLatentImage", **at.size(), batch_size=at["images"])[0]
    return _picture(at, decoded(at, sampled(at, loaded[0], *texts(loaded[1]), latent), loaded[2]))
