"""Mochi and Stable Video Diffusion."""

from __future__ import annotations

from .asked import Asked, decoded, image, sampled, saved, texts, unet, vae
from .tree import Node, make


def mochi(at: Asked) -> Node:
    """The tree of a Mochi preset: the model brings its own shift, so nothing is on its wire."""
    clip = make("CLIPLoader", clip_name=at.file("text_encoder"), type="mochi")[0]
    latent = make("EmptyMochiLatentVideo", **at.size(), length=at["frames"], batch_size=1)[0]
    return saved(at, decoded(at, sampled(at, unet(at), *texts(clip), latent), vae(at)))


def svd(at: Asked) -> Node:
    """The tree of an SVD preset: no text; the model is told the file's frame rate; guidance rises over the frames."""
    loaded = make("ImageOnlyCheckpointLoader", ckpt_name=at.file("checkpoint"))
    begun = make("SVD_img2vid_Conditioning", clip_vision=loaded[1], init_image=image(), vae=loaded[2], **at.size(),
                 video_frames=at["frames"], motion_bucket_id=at["motion"], fps=at["fps"],
                 augmentation_level=at["image_noise"])  # fmt: skip
    model = make("VideoLinearCFGGuidance", model=loaded[0], min_cfg=at["min_cfg"])[0]
    return saved(at, decoded(at, sampled(at, model, begun[0], begun[1], begun[2]), loaded[2]))
