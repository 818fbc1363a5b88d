"""Miniature LTX-Video 0.9 with its T5, and LTX-2 (video and audio in one checkpoint) with its Gemma."""

import comfy.text_encoders.llama as llama_models
import torch
from parts import KEY, TEXT, family, generator, lora, mark, ops, prefixed, random, save, sentencepiece_model, t5


@family
def t5xxl():
    """T5 XXL, which LTX-Video 0.9, CogVideoX and Mochi share."""
    t5(
        "text_encoders/tiny_t5xxl",
        "t5_config_xxl",
        "T5_XXL",
        d_model=TEXT,
        d_kv=16,
        num_heads=4,
        d_ff=128,
        num_layers=2,
        vocab_size=32128,
    )


def ltx_vae():
    """(config, weights) of the video VAE that LTX checkpoints carry."""
    from comfy.ldm.lightricks.vae.causal_video_autoencoder import VideoVAE

    cfg = dict(VideoVAE.get_default_config(None, 0))
    cfg.update(
        encoder_base_channels=8,
        decoder_base_channels=8,
        blocks=[[name, 1] if name == "res_x" else [name, *rest] for name, *rest in cfg["blocks"]],
    )
    weights = random(VideoVAE(0, cfg))
    weights = {k: torch.ones_like(v) if "std-of-means" in k else v for k, v in weights.items()}
    # For servers that do not read base_channels from the config.
    at = "comfy.ldm.lightricks.vae.causal_video_autoencoder."
    return cfg, {
        **weights,
        KEY: mark({"classes": {at + "Encoder": {"base_channels": 8}, at + "Decoder": {"base_channels": 8}}}),
    }


@family
def ltxv():
    """An LTX-Video 0.9 checkpoint with its VAE inside, and the latent upscaler."""
    from comfy.ldm.lightricks.latent_upsampler import LatentUpsampler
    from comfy.ldm.lightricks.model import LTXVModel

    sizes = dict(
        num_layers=2, attention_head_dim=32, num_attention_heads=2, cross_attention_dim=64, caption_channels=TEXT
    )
    vae_cfg, vae = ltx_vae()
    dit = random(LTXVModel(in_channels=128, operations=ops, **sizes))
    save(
        "checkpoints/tiny_ltxv09",
        {**prefixed("model.diffusion_model.", dit), **prefixed("vae.", vae)},
        None,
        {"config": {"transformer": sizes, "vae": vae_cfg}},
    )
    sizes = dict(
        in_channels=128, mid_channels=32, num_blocks_per_stage=1, dims=3, spatial_upsample=True, temporal_upsample=False
    )
    save(
        "latent_upscale_models/tiny_ltx_spatial_x2",
        random(LatentUpsampler.from_config(sizes, operations=ops)),
        None,
        {"config": sizes},
    )


@family
def ltx2():
    """An LTX-2 checkpoint: video and audio transformer, both VAEs, vocoder; a LoRA; Gemma 3."""
    from comfy.ldm.lightricks.av_model import LTXAVModel
    from comfy.ldm.lightricks.vae.audio_vae import AudioVAE

    sizes = dict(
        num_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        cross_attention_dim=64,
        caption_channels=TEXT,
        audio_attention_head_dim=16,
        audio_num_attention_heads=2,
        audio_cross_attention_dim=32,
        connector_attention_head_dim=32,
        connector_num_attention_heads=2,
        connector_num_layers=1,
    )
    dit = random(LTXAVModel(operations=ops, **sizes))
    vae_cfg, vae = ltx_vae()
    spectrum = dict(
        double_z=True,
        mel_bins=64,
        z_channels=8,
        resolution=256,
        downsample_time=False,
        in_channels=2,
        out_ch=2,
        ch=16,
        ch_mult=[1, 2, 4],
        num_res_blocks=1,
        attn_resolutions=[],
        dropout=0.0,
        mid_block_add_attention=False,
        norm_type="pixel",
        causality_axis="height",
    )
    audio_cfg = {
        "model": {"params": {"ddconfig": spectrum, "sampling_rate": 16000}},
        "preprocessing": {"stft": {"filter_length": 1024, "hop_length": 160}},
    }
    vocoder = dict(
        upsample_initial_channel=64,
        stereo=True,
        resblock="1",
        upsample_rates=[6, 5, 2, 2, 2],
        upsample_kernel_sizes=[16, 15, 8, 4, 4],
        output_sample_rate=24000,
    )
    audio = random(AudioVAE({"config": {"audio_vae": audio_cfg, "vocoder": vocoder}}))
    audio = {
        k.replace("autoencoder.", "audio_vae.", 1): torch.ones_like(v) if "std-of-means" in k else v
        for k, v in audio.items()
    }
    projection = {
        "text_embedding_projection.aggregate_embed.weight": torch.randn(TEXT, TEXT * 49, generator=generator).half()
        * 0.02
    }
    save(
        "checkpoints/tiny_ltx2",
        {**prefixed("model.diffusion_model.", dit), **prefixed("vae.", vae), **audio, **projection},
        None,
        {"config": {"transformer": sizes, "vae": vae_cfg, "audio_vae": audio_cfg, "vocoder": vocoder}},
    )
    lora(
        "loras/tiny_ltx2",
        dit,
        r"transformer_blocks\.\d+\.(attn1|attn2|audio_attn1)\.to_(q|k|v)",
        "lora_A",
        "lora_B",
        alpha=False,
    )
    gemma()


def gemma():
    """Gemma 3 keeps its vision tower's sizes in a class attribute."""
    tokenizer, vocab = sentencepiece_model(bos_id=2, unk_id=3)
    cls, small = (
        llama_models.Gemma3_12B_Config,
        dict(num_hidden_layers=1, hidden_size=32, intermediate_size=32, num_attention_heads=2),
    )
    sizes = dict(
        vocab_size=vocab,
        hidden_size=TEXT,
        intermediate_size=64,
        num_hidden_layers=48,
        num_attention_heads=1,
        num_key_value_heads=1,
    )
    saved, cls.vision_config = cls.vision_config, {**cls.vision_config, **small}
    model = llama_models.Gemma3_12B(sizes, torch.float32, "cpu", ops)
    cls.vision_config = saved
    weights = random({k: v for k, v in model.state_dict().items() if k.startswith("model.")})
    save(
        "text_encoders/tiny_gemma3_12b",
        {**weights, "spiece_model": tokenizer},
        {
            "te_model": "GEMMA_3_12B",
            "config": {"Gemma3_12B": sizes, "LTXAVTEModel": {"in": TEXT * 49, "out": TEXT}},
            "attrs": {"comfy.text_encoders.llama.Gemma3_12B_Config.vision_config": small},
        },
    )
