"""Miniature image models: SD 1.5, SDXL, Flux, Z-Image, Qwen-Image (an image is the first step of many videos)."""

import torch
from comfy.ldm.models.autoencoder import AutoencoderKL, AutoencodingEngine
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from parts import CLIP, KEY, TEXT, clip_text, family, llama, lora, mark, ops, prefixed, random, save

SMALL = {"ch": 32, "num_res_blocks": 1, "ch_mult": [1, 1, 1, 1]}


def vae(channels):
    return {
        "double_z": True,
        "z_channels": channels,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "attn_resolutions": [],
        "dropout": 0.0,
        **SMALL,
    }


def sd_vae():
    return {
        **random(AutoencoderKL(ddconfig=vae(4), embed_dim=4)),
        KEY: mark({"classes": {"comfy.sd.AutoencoderKL": {"ddconfig": SMALL, "decoder_ddconfig": SMALL}}}),
    }


@family
def sd15():
    """An SD 1.5 checkpoint and a LoRA."""
    channels = 32
    unet = random(
        UNetModel(
            image_size=32,
            in_channels=4,
            out_channels=4,
            model_channels=channels,
            num_res_blocks=[2, 2, 2, 2],
            channel_mult=[1, 2, 4, 4],
            transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0],
            transformer_depth_output=[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
            transformer_depth_middle=1,
            context_dim=TEXT,
            use_linear_in_transformer=False,
            use_spatial_transformer=True,
            num_heads=8,
            num_head_channels=-1,
            operations=ops,
            dtype=torch.float32,
        )
    )
    save(
        "checkpoints/tiny_sd15",
        {
            **prefixed(
                "model.diffusion_model.",
                {**unet, KEY: mark({"supported": {"SD15": {"model_channels": channels, "context_dim": TEXT}}})},
            ),
            **prefixed("first_stage_model.", sd_vae()),
            **prefixed("cond_stage_model.transformer.", clip_text()),
            "cond_stage_model." + KEY: mark({"config": {"CLIPTextModel": CLIP}}),
        },
    )
    lora("loras/tiny_sd15", unet, r"attn[12]\.to_[qkv]", prefix="lora_unet_", dots=False)


def open_clip(weights):
    """The names that SDXL checkpoints use for their second text encoder."""
    out = {}
    for k, v in weights.items():
        name = k.replace("text_model.", "")
        if ".self_attn." in name and "_proj" in name and "out_proj" not in name:
            if ".q_proj." in name:
                layer, end = name.split(".")[2], name.rsplit(".", 1)[1]
                parts = [weights[k.replace("q_proj", p)] for p in ("q_proj", "k_proj", "v_proj")]
                out[f"transformer.resblocks.{layer}.attn.in_proj_{end}"] = torch.cat(parts)
            continue
        for a, b in (
            ("encoder.layers.", "transformer.resblocks."),
            ("self_attn.out_proj", "attn.out_proj"),
            ("layer_norm1", "ln_1"),
            ("layer_norm2", "ln_2"),
            ("mlp.fc1", "mlp.c_fc"),
            ("mlp.fc2", "mlp.c_proj"),
            ("final_layer_norm", "ln_final"),
            ("embeddings.token_embedding", "token_embedding"),
        ):
            name = name.replace(a, b)
        name = {
            "embeddings.position_embedding.weight": "positional_embedding",
            "text_projection.weight": "text_projection",
        }.get(name, name)
        out[name] = v.transpose(0, 1).contiguous() if name == "text_projection" else v
    return out


@family
def sdxl():
    """An SDXL checkpoint and a LoRA."""
    text = {**CLIP, "num_hidden_layers": 3}  # SDXL takes the last but one, and ComfyUI wants one more before that
    sizes = dict(
        model_channels=64, transformer_depth=[0, 0, 1, 1, 1, 1], context_dim=2 * TEXT, adm_in_channels=TEXT + 1536
    )
    unet = random(
        UNetModel(
            image_size=32,
            in_channels=4,
            out_channels=4,
            num_res_blocks=[2, 2, 2],
            channel_mult=[1, 2, 4],
            transformer_depth_output=[0, 0, 0, 1, 1, 1, 1, 1, 1],
            transformer_depth_middle=1,
            use_linear_in_transformer=True,
            use_spatial_transformer=True,
            num_classes="sequential",
            num_heads=-1,
            num_head_channels=64,
            operations=ops,
            dtype=torch.float32,
            **sizes,
        )
    )
    save(
        "checkpoints/tiny_sdxl",
        {
            **prefixed("model.diffusion_model.", {**unet, KEY: mark({"supported": {"SDXL": sizes}})}),
            **prefixed("first_stage_model.", sd_vae()),
            **prefixed(
                "conditioner.embedders.0.transformer.",
                {k: v for k, v in clip_text(**text).items() if k.startswith("text_model.")},
            ),
            **prefixed("conditioner.embedders.1.model.", open_clip(clip_text("clip_config_bigg.json", **text))),
            "conditioner.embedders." + KEY: mark({"config": {"CLIPTextModel": text}}),
        },
    )
    lora("loras/tiny_sdxl", unet, r"attn[12]\.to_[qkv]", prefix="lora_unet_", dots=False)


@family
def flux():
    """Flux dev and its VAE."""
    from comfy.ldm.flux.model import Flux

    sizes = dict(vec_in_dim=TEXT, context_in_dim=TEXT, hidden_size=128, num_heads=1)
    dit = random(
        Flux(
            in_channels=16,
            out_channels=16,
            mlp_ratio=4.0,
            depth=1,
            depth_single_blocks=1,
            axes_dim=[16, 56, 56],
            theta=10000,
            patch_size=2,
            qkv_bias=True,
            guidance_embed=True,
            txt_ids_dims=[],
            operations=ops,
            dtype=torch.float32,
            **sizes,
        )
    )
    dit = {k.replace("_norm.weight", "_norm.scale"): v for k, v in dit.items()}  # as the real file names them
    save("diffusion_models/tiny_flux", dit, {"unet_config": sizes})
    engine = AutoencodingEngine(
        regularizer_config={"target": "comfy.ldm.models.autoencoder.DiagonalGaussianRegularizer"},
        encoder_config={"target": "comfy.ldm.modules.diffusionmodules.model.Encoder", "params": vae(16)},
        decoder_config={"target": "comfy.ldm.modules.diffusionmodules.model.Decoder", "params": vae(16)},
    )
    small = {"params": SMALL}
    save(
        "vae/tiny_flux_vae",
        random(engine),
        {"classes": {"comfy.sd.AutoencodingEngine": {"encoder_config": small, "decoder_config": small}}},
    )


@family
def z_image():
    """Z-Image and its Qwen 3."""
    from comfy.ldm.lumina.model import NextDiT

    sizes = dict(
        n_heads=2,
        n_kv_heads=2,
        axes_dims=[32, 48, 48],
        axes_lens=[1536, 512, 512],
        rope_theta=256.0,
        ffn_dim_multiplier=8 / 3,
        z_image_modulation=True,
        time_scale=1000.0,
        pad_tokens_multiple=32,
    )
    dit = NextDiT(
        patch_size=2,
        in_channels=16,
        dim=256,
        cap_feat_dim=TEXT,
        n_layers=2,
        qk_norm=True,
        operations=ops,
        dtype=torch.float32,
        **sizes,
    )
    save("diffusion_models/tiny_z_image", random(dit), {"unet_config": sizes, "supported": {"ZImage": {"dim": 256}}})
    llama("text_encoders/tiny_qwen3_4b", "Qwen3_4B", "QWEN3_4B")


@family
def qwen_image():
    """Qwen-Image and a LoRA; its VAE is that of Wan 2.1, its text encoder that of Hunyuan 1.5."""
    from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

    sizes = dict(num_attention_heads=1, joint_attention_dim=TEXT)
    dit = random(QwenImageTransformer2DModel(num_layers=2, operations=ops, dtype=torch.float32, **sizes))
    save("diffusion_models/tiny_qwen_image", dit, {"unet_config": sizes})
    lora(
        "loras/tiny_qwen_image",
        dit,
        r"transformer_blocks\.\d+\.attn\.to_[qkv]",
        prefix="transformer.",
        down="lora_A",
        up="lora_B",
        alpha=False,
    )
