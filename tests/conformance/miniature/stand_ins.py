"""Which miniature file stands in for which real model file."""

from __future__ import annotations

import re

# Regex on folder/name -> miniature file without ".safetensors"; the first match wins.
STAND_INS = [
    (r"diffusion_models/.*wan2\.2_ti2v_5B", "diffusion_models/tiny_wan22_5b"),
    (r"diffusion_models/.*wan2\.2_i2v", "diffusion_models/tiny_wan22_i2v_14b"),
    (r"diffusion_models/.*wan2\.[12]_t2v", "diffusion_models/tiny_wan21_t2v"),
    (r"diffusion_models/.*wan2\.1_vace", "diffusion_models/tiny_wan21_vace"),
    (r"diffusion_models/.*wan2\.1_flf2v", "diffusion_models/tiny_wan21_flf2v"),
    (r"diffusion_models/.*(wan2\.1_i2v|wan2.*fun)", "diffusion_models/tiny_wan21_i2v"),
    (r"diffusion_models/.*hunyuanvideo1\.5.*_sr", "diffusion_models/tiny_hunyuan15_sr"),
    (r"diffusion_models/.*hunyuanvideo1\.5", "diffusion_models/tiny_hunyuan15"),
    (r"diffusion_models/hunyuan_video_image_to_video", "diffusion_models/tiny_hunyuan_i2v"),
    (r"diffusion_models/.*hunyuan", "diffusion_models/tiny_hunyuan_t2v"),
    (r"diffusion_models/.*mochi", "diffusion_models/tiny_mochi"),
    (r"diffusion_models/.*cogvideox_?1.5.*native", "diffusion_models/tiny_cog15_t2v"),
    (r"diffusion_models/.*z_image", "diffusion_models/tiny_z_image"),
    (r"diffusion_models/.*qwen_image", "diffusion_models/tiny_qwen_image"),
    (r"diffusion_models/.*flux1?[-_]", "diffusion_models/tiny_flux"),
    (r"checkpoints/.*ltx-?2\b|checkpoints/ltx-2", "checkpoints/tiny_ltx2"),
    (r"checkpoints/.*ltx", "checkpoints/tiny_ltxv09"),
    (r"checkpoints/.*svd", "checkpoints/tiny_svd"),
    (r"checkpoints/.*(sd_?xl|xl_base)", "checkpoints/tiny_sdxl"),
    (r"checkpoints/.*(v1-5|sd1|sd_?15|dreamshaper_8|realistic)", "checkpoints/tiny_sd15"),
    (r"(text_encoders|clip)/.*umt5", "text_encoders/tiny_umt5"),
    (r"(text_encoders|clip)/.*t5xxl", "text_encoders/tiny_t5xxl"),
    (r"(text_encoders|clip)/.*gemma_3_12", "text_encoders/tiny_gemma3_12b"),
    (r"(text_encoders|clip)/.*qwen_?2\.5_vl", "text_encoders/tiny_qwen25vl"),
    (r"(text_encoders|clip)/.*qwen_?3_4b", "text_encoders/tiny_qwen3_4b"),
    (r"(text_encoders|clip)/.*byt5", "text_encoders/tiny_byt5"),
    (r"(text_encoders|clip)/.*clip_l", "text_encoders/tiny_clip_l"),
    (r"(text_encoders|clip)/.*llava", "text_encoders/tiny_llava_llama3"),
    (r"vae/.*wan_?2\.2", "vae/tiny_wan22_vae"),
    (r"vae/.*(wan|qwen_image)", "vae/tiny_wan21_vae"),
    (r"vae/.*hunyuanvideo15", "vae/tiny_hunyuan15_vae"),
    (r"vae/.*hunyuan", "vae/tiny_hunyuan_vae"),
    (r"vae/.*mochi", "vae/tiny_mochi_vae"),
    (r"vae/.*cogvideox", "vae/tiny_cog_vae"),
    (r"vae/(ae\.|.*flux)", "vae/tiny_flux_vae"),
    (r"clip_vision/.*(sigclip|siglip)", "clip_vision/tiny_sigclip"),
    (r"clip_vision/.*llava", "clip_vision/tiny_llava_vision"),
    (r"clip_vision/.*clip_vision_h", "clip_vision/tiny_clip_vision_h"),
    (r"latent_upscale_models/hunyuan.*1080", "latent_upscale_models/tiny_hunyuan15_1080p"),
    (r"latent_upscale_models/hunyuan", "latent_upscale_models/tiny_hunyuan15_720p"),
    (r"latent_upscale_models/ltx.*spatial", "latent_upscale_models/tiny_ltx_spatial_x2"),
    (r"upscale_models/.*x2", "upscale_models/tiny_real_esrgan_x2"),
    (r"upscale_models/.*x4", "upscale_models/tiny_real_esrgan_x4"),
    (r"frame_interpolation/(rife|film)", "frame_interpolation/tiny_rife"),
    (r"loras/.*(wan2\.2_i2v|i2v_.*14B)", "loras/tiny_wan_i2v"),
    (r"loras/.*(wan|lightx2v_T2V|t2v_14B)", "loras/tiny_wan_t2v"),
    (r"loras/.*hunyuanvideo1\.5", "loras/tiny_hunyuan15"),
    (r"loras/.*ltx[-_]?2", "loras/tiny_ltx2"),
    (r"loras/.*qwen", "loras/tiny_qwen_image"),
    (r"loras/.*xl", "loras/tiny_sdxl"),
    (r"loras/.*(sd_?15|sd1)", "loras/tiny_sd15"),
]


def stand_in(folder: str, name: str) -> str | None:
    """The miniature file, as a path below the weights, for a real file name; None if there is none.

    A server reads a file by its extension, so a stand-in has the same: of a `.ckpt` or `.gguf` there is none.
    """
    for pattern, tiny in STAND_INS:
        if re.search(pattern, f"{folder}/{name}", re.IGNORECASE):
            return next((f"{tiny}{end}" for end in (".safetensors", ".pth") if name.endswith(end)), None)
    return None
