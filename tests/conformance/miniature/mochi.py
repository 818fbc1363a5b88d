"""Miniature Mochi."""

import torch
from parts import TEXT, family, ops, random, save


@family
def mochi():
    """Mochi and its VAE."""
    import comfy.ldm.genmo.vae.model as genmo
    from comfy.ldm.genmo.joint_model.asymm_models_joint import AsymmDiTJoint

    sizes = dict(depth=2, num_heads=2, hidden_size_x=128, hidden_size_y=64, t5_feat_dim=TEXT, mlp_ratio_x=96.0)
    model = AsymmDiTJoint(
        patch_size=2,
        in_channels=12,
        mlp_ratio_y=4.0,
        learn_sigma=False,
        qk_norm=True,
        qkv_bias=False,
        out_bias=True,
        attn_drop=0.0,
        patch_embed_bias=True,
        posenc_preserve_area=True,
        timestep_mlp_bias=True,
        attend_to_padding=False,
        timestep_scale=1000.0,
        use_t5=True,
        t5_token_length=256,
        rope_theta=10000.0,
        operations=ops,
        dtype=torch.float32,
        **sizes,
    )
    save("diffusion_models/tiny_mochi", random(model), {"unet_config": sizes})
    encoder, decoder, small = genmo.Encoder, genmo.Decoder, dict(base_channels=32)
    genmo.Encoder, genmo.Decoder = (lambda **k: encoder(**{**k, **small})), (lambda **k: decoder(**{**k, **small}))
    vae = genmo.VideoVAE()
    genmo.Encoder, genmo.Decoder = encoder, decoder
    save(
        "vae/tiny_mochi_vae",
        random(vae),
        {"classes": {f"comfy.ldm.genmo.vae.model.{c}": small for c in ("Encoder", "Decoder")}},
    )
