"""Miniature CogVideoX 1.0 and 1.5."""

import torch
from parts import TEXT, family, ops, random, save


@family
def cogvideox():
    """Three transformers and their VAE."""
    from comfy.ldm.cogvideo.model import CogVideoXTransformer3DModel
    from comfy.ldm.cogvideo.vae import AutoencoderKLCogVideoX

    def dit(name, channels, **kw):
        save(
            f"diffusion_models/{name}",
            random(
                CogVideoXTransformer3DModel(
                    num_attention_heads=2,
                    in_channels=channels,
                    out_channels=16,
                    time_embed_dim=64,
                    text_embed_dim=TEXT,
                    num_layers=2,
                    use_rotary_positional_embeddings=True,
                    operations=ops,
                    dtype=torch.float32,
                    **kw,
                )
            ),
        )

    dit("tiny_cog_t2v", 16)
    dit("tiny_cog_i2v", 32)
    dit("tiny_cog15_t2v", 16, patch_size_t=2, ofs_embed_dim=None)
    sizes = dict(block_out_channels=[32, 32, 32, 32], layers_per_block=1)
    save(
        "vae/tiny_cog_vae",
        random(AutoencoderKLCogVideoX(latent_channels=16, **sizes)),
        {"classes": {"comfy.ldm.cogvideo.vae.AutoencoderKLCogVideoX": sizes}},
    )
