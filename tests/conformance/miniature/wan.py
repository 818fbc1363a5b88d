"""Miniature Wan 2.1 (1.3B, image to video, first and last frame, VACE) and 2.2 (14B, 5B), umT5 and CLIP vision H."""

from parts import TEXT, family, lora, ops, random, save, sentencepiece_model, t5, vision


@family
def wan():
    """Six transformers of two layers, both VAEs, umT5, CLIP vision H, one LoRA per task."""
    import comfy.ldm.wan.vae as vae1
    import comfy.ldm.wan.vae2_2 as vae2
    from comfy.ldm.wan.model import VaceWanModel, WanModel

    tokenizer, vocab = sentencepiece_model()
    t5(
        "text_encoders/tiny_umt5",
        "umt5_config_xxl",
        "T5_XXL",
        tokenizer,
        d_model=TEXT,
        d_kv=16,
        num_heads=4,
        d_ff=128,
        num_layers=2,
        vocab_size=vocab,
    )

    def dit(name, kind="t2v", of=WanModel, **kw):
        sizes = dict(dim=128, ffn_dim=128, num_layers=2, num_heads=1, text_dim=TEXT, in_dim=16, out_dim=16) | kw
        model = of(model_type=kind, qk_norm=True, cross_attn_norm=True, operations=ops, **sizes)
        return save(f"diffusion_models/{name}", random(model), {"unet_config": {"text_dim": TEXT}})

    t2v = dit("tiny_wan21_t2v")
    dit("tiny_wan21_i2v", "i2v", in_dim=36)
    dit("tiny_wan21_flf2v", "i2v", in_dim=36, flf_pos_embed_token_number=514)
    i2v = dit("tiny_wan22_i2v_14b", in_dim=36)
    dit("tiny_wan21_vace", "vace", VaceWanModel, vace_layers=2, vace_in_dim=96)
    dit("tiny_wan22_5b", in_dim=48, out_dim=48)
    lora("loras/tiny_wan_t2v", t2v, r"blocks\.\d+\.(self_attn|cross_attn|ffn)")
    lora("loras/tiny_wan_i2v", i2v, r"blocks\.\d+\.(self_attn|cross_attn|ffn)")
    shape = dict(
        dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[], temperal_downsample=[False, True, True], dropout=0.0
    )
    sizes = dict(dim=16)  # 0.30.0 reads it from the weights, older servers do not
    save(
        "vae/tiny_wan21_vae",
        random(vae1.WanVAE(z_dim=16, image_channels=3, conv_out_channels=3, **shape, **sizes)),
        {"classes": {"comfy.ldm.wan.vae.WanVAE": sizes}},
    )
    sizes = dict(dim=16, dec_dim=16)
    save(
        "vae/tiny_wan22_vae",
        random(vae2.WanVAE(z_dim=48, **shape, **sizes)),
        {"classes": {"comfy.ldm.wan.vae2_2.WanVAE": sizes}},
    )
    vision("clip_vision/tiny_clip_vision_h", "clip_vision_config_h.json")
