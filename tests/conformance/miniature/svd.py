"""Miniature Stable Video Diffusion."""

import torch
from comfy.ldm.models.autoencoder import AutoencodingEngine
from parts import KEY, family, mark, ops, prefixed, random, save, vision


@family
def svd():
    """An SVD checkpoint: U-Net, VAE and image encoder in one file."""
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    channels = 64
    unet = UNetModel(
        image_size=32,
        in_channels=8,
        out_channels=4,
        model_channels=channels,
        num_res_blocks=[2, 2, 2, 2],
        channel_mult=[1, 1, 1, 1],
        transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0],
        transformer_depth_output=[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        transformer_depth_middle=1,
        context_dim=1024,
        adm_in_channels=768,
        num_classes="sequential",
        use_temporal_attention=True,
        use_temporal_resblock=True,
        use_spatial_context=True,
        num_head_channels=64,
        num_heads=-1,
        use_linear_in_transformer=True,
        use_spatial_transformer=True,
        extra_ff_mix_layer=True,
        merge_strategy="learned_with_images",
        disable_temporal_crossattention=False,
        max_ddpm_temb_period=10000,
        video_kernel_size=[3, 1, 1],
        operations=ops,
        dtype=torch.float32,
    )
    small = {"ch": 32, "ch_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    cfg = {
        "double_z": True,
        "z_channels": 4,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "attn_resolutions": [],
        "dropout": 0.0,
        **small,
    }
    vae = AutoencodingEngine(
        regularizer_config={"target": "comfy.ldm.models.autoencoder.DiagonalGaussianRegularizer"},
        encoder_config={"target": "comfy.ldm.modules.diffusionmodules.model.Encoder", "params": cfg},
        decoder_config={
            "target": "comfy.ldm.modules.temporal_ae.VideoDecoder",
            "params": {**cfg, "video_kernel_size": [3, 1, 1], "alpha": 0.0},
        },
    )
    eye, eye_sizes = vision(None, "clip_vision_config_h.json", hidden_size=64, num_attention_heads=4)
    eye_at, small = "conditioner.embedders.0.open_clip.model.visual.", {"params": small}
    save(
        "checkpoints/tiny_svd",
        {
            **prefixed(
                "model.diffusion_model.",
                {**random(unet), KEY: mark({"supported": {"SVD_img2vid": {"model_channels": channels}}})},
            ),
            **prefixed(
                "first_stage_model.",
                {
                    **random(vae),
                    KEY: mark(
                        {"classes": {"comfy.sd.AutoencodingEngine": {"encoder_config": small, "decoder_config": small}}}
                    ),
                },
            ),
            **prefixed(eye_at, {**eye, KEY: mark(eye_sizes)}),
        },
    )
