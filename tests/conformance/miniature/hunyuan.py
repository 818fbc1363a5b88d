"""Miniature Hunyuan video 1.0 and 1.5, their text and vision encoders, super-resolution."""

import torch
from comfy.ldm.models.autoencoder import AutoencoderKL, AutoencodingEngine
from parts import CLIP, TEXT, clip_text, family, llama, lora, ops, random, save, t5, vision


@family
def clip_l():
    """CLIP L, which Hunyuan and Flux share."""
    save("text_encoders/tiny_clip_l", clip_text(), {"te_model": "CLIP_L", "config": {"CLIPTextModel": CLIP}})


def hunyuan_dit(name, **kw):
    from comfy.ldm.hunyuan_video.model import HunyuanVideo

    sizes = (
        dict(
            in_channels=16,
            out_channels=16,
            vec_in_dim=TEXT,
            context_in_dim=TEXT,
            hidden_size=128,
            mlp_ratio=4.0,
            num_heads=1,
            depth=1,
            depth_single_blocks=2,
            axes_dim=[16, 56, 56],
            theta=256,
            patch_size=[1, 2, 2],
            qkv_bias=True,
            guidance_embed=True,
            byt5=False,
            meanflow=False,
            use_cond_type_embedding=False,
            vision_in_dim=None,
            meanflow_sum=False,
        )
        | kw
    )
    model = HunyuanVideo(operations=ops, dtype=torch.float32, **sizes)
    return save(
        f"diffusion_models/{name}",
        random(model),
        {"unet_config": {"vec_in_dim": TEXT}} if sizes["vec_in_dim"] else None,
    )


@family
def hunyuan():
    """Hunyuan 1.0: both transformers, Llama 3, its vision tower, the VAE."""
    hunyuan_dit("tiny_hunyuan_t2v")
    hunyuan_dit("tiny_hunyuan_i2v", in_channels=33)  # v1 (concat); v2 (replace) has the text model's 16 channels
    llama("text_encoders/tiny_llava_llama3", "Llama2", "LLAMA3_8")
    vision(
        "clip_vision/tiny_llava_vision",
        "clip_vision_config_vitl_336_llava.json",
        hidden_size=64,
        num_attention_heads=2,
        image_size=112,
        classes={"comfy.clip_model.LlavaProjector": {"out_dim": TEXT}},
    )
    small = {"ch": 32, "ch_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    cfg = {
        "double_z": True,
        "z_channels": 16,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "attn_resolutions": [],
        "dropout": 0.0,
        "conv3d": True,
        "time_compress": 4,
        **small,
    }
    save(
        "vae/tiny_hunyuan_vae",
        random(AutoencoderKL(ddconfig=cfg, embed_dim=16)),
        {"classes": {"comfy.sd.AutoencoderKL": {"ddconfig": small}}},
    )


@family
def hunyuan15():
    """Hunyuan 1.5: video and super-resolution transformers, Qwen 2.5 VL, ByT5, SigLIP, VAE, upscalers."""
    from comfy.ldm.hunyuan_video.upsampler import SRModel3DV2, Upsampler

    kw = dict(
        in_channels=65,
        out_channels=32,
        vec_in_dim=None,
        patch_size=[1, 1, 1],
        guidance_embed=False,
        byt5=True,
        use_cond_type_embedding=True,
        vision_in_dim=1152,
        meanflow_sum=True,
    )
    dit = hunyuan_dit("tiny_hunyuan15", **kw)
    hunyuan_dit("tiny_hunyuan15_sr", **{**kw, "in_channels": 98})
    lora("loras/tiny_hunyuan15", dit, r"(double|single)_blocks\.\d+\..*(qkv|proj|linear1)")
    sizes = dict(hidden_size=32, intermediate_size=32, num_heads=2, num_layers=1)
    llama(
        "text_encoders/tiny_qwen25vl",
        "Qwen25_7BVLI",
        "QWEN25_7B",
        {"classes": {"comfy.text_encoders.qwen_vl.Qwen2VLVisionTransformer": sizes}},
    )
    t5(
        "text_encoders/tiny_byt5",
        "byt5_config_small_glyph",
        "BYT5_SMALL_GLYPH",
        num_layers=1,
        d_ff=64,
        num_heads=2,
        d_kv=16,
    )
    vision(
        "clip_vision/tiny_sigclip", "clip_vision_siglip_384.json", image_size=112
    )  # 1152 wide, as the video model demands
    channels = [64, 64, 64, 64, 64]
    cfg = {
        "in_channels": 3,
        "out_channels": 3,
        "num_res_blocks": 2,
        "ffactor_spatial": 16,
        "ffactor_temporal": 4,
        "downsample_match_channel": True,
        "upsample_match_channel": True,
        "z_channels": 32,
        "block_out_channels": channels,
    }
    vae = AutoencodingEngine(
        regularizer_config={"target": "comfy.ldm.models.autoencoder.EmptyRegularizer"},
        encoder_config={"target": "comfy.ldm.hunyuan_video.vae_refiner.Encoder", "params": cfg},
        decoder_config={"target": "comfy.ldm.hunyuan_video.vae_refiner.Decoder", "params": cfg},
    )
    small = {"params": {"block_out_channels": channels}}
    save(
        "vae/tiny_hunyuan15_vae",
        random(vae),
        {"classes": {"comfy.sd.AutoencodingEngine": {"encoder_config": small, "decoder_config": small}}},
    )
    weights = random(Upsampler(z_channels=32, out_channels=32, block_out_channels=(64, 32)))
    save(
        "latent_upscale_models/tiny_hunyuan15_1080p",
        {k.replace("nin_shortcut.conv", "nin_shortcut"): v for k, v in weights.items()},
    )
    save(
        "latent_upscale_models/tiny_hunyuan15_720p",
        random(SRModel3DV2(in_channels=32, out_channels=32, hidden_channels=32, num_blocks=1)),
    )
