"""Files and numbers of each preset fit each other; and a preset with another file or number is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from tests.catalog.semantics.claims import CLAIMS, facts, untrue

PRESETS = PresetLibrary()
CASES = [pytest.param(name, task, id=f"{name}-{task}") for name, preset in PRESETS.items() for task in preset.tasks]
LIGHTX = "wan2.2_{}_lightx2v_4steps_lora_v1.1_{}_noise.safetensors"

# Preset, task, the claim that is broken, and how: another file for a role, or another value of a setting.
BROKEN: list[tuple[str, Task, str, dict[str, Any]]] = [
    ("wan_fast", "text", "files of Wan", {"text_encoder": "t5xxl_fp16.safetensors"}),
    ("wan_fast", "text", "files of Wan", {"checkpoint": "svd.safetensors"}),
    ("wan_14b", "image", "the VAE of 2.2 with the 5B alone", {"vae": "wan2.2_vae.safetensors"}),
    ("wan_5b", "text", "the VAE of 2.2 with the 5B alone", {"vae": "wan_2.1_vae.safetensors"}),
    ("wan21_14b", "text", "a model for the task", {"model": "wan2.1_i2v_720p_14B_fp16.safetensors"}),
    ("wan_fast", "text", "expert and LoRA for high noise first", {"high_lora": LIGHTX.format("t2v", "low")}),
    ("wan_fast", "image", "expert and LoRA for low noise second", {"low_lora": LIGHTX.format("t2v", "low")}),
    ("wan_quality", "text", "experts that meet where they were trained to", {"handover": 20}),
    ("wan_quality_i2v", "image", "experts that meet where they were trained to", {"shift": 12.0}),
    ("wan_fast", "text", "experts that meet where they were trained to", {"handover": 3}),
    ("wan21_14b_fast", "text", "the LoRA of a 14B with a 14B", {"model": "wan2.1_t2v_1.3B_fp16.safetensors"}),
    ("wan_fast", "text", "no guidance with a distilled LoRA alone", {"cfg": 3.5}),
    ("wan_14b", "text", "no guidance with a distilled LoRA alone", {"cfg": 1.0}),
    ("wan21_14b_i2v_480p", "image", "the height it was trained for", {"height": 720}),
    ("ltx_quick", "text", "files of LTX-Video", {"checkpoint": "ltx-2-19b-dev.gguf", "text_encoder": "umt5_xxl"}),
    ("ltx_quick", "text", "no guidance for a distilled one alone", {"cfg": 3.0}),
    ("ltx_13b", "text", "fixed noise levels for a distilled one", {"checkpoint": "ltxv-13b-0.9.8-distilled"}),
    ("ltx_quick", "text", "one noise level more than steps", {"steps": 4}),
    ("ltx_quality", "text", "noise levels down to 0", {"second_sigmas": "0.9094, 0.725, 0.4219"}),
    ("ltx2_quick", "text", "one noise level more than steps", {"sigmas": "1., 0.725, 0.975, 0.0"}),
    ("ltx2_quick", "text", "noise levels down to 0", {"second_sigmas": "0.4, 0.7, 0.0"}),
    ("ltx_quick", "image", "one frame rate that it was trained at", {"fps": 16.0}),
    ("ltx2_standard", "text", "files of LTX-2", {"text_encoder": "qwen_3_4b.safetensors"}),
    ("ltx2_standard", "text", "all files of one generation", {"upscaler": "ltx-2-spatial-upscaler-x2-1.0"}),
    ("ltx2_quality", "text", "all files of one generation", {"lora": "ltx_2.3_22b_distilled_lora"}),
    ("ltx2_quality", "text", "no LoRA on a distilled one", {"checkpoint": "ltx-2-19b-distilled-fp8"}),
    ("ltx2_quality", "text", "fixed noise levels unless it is guided", {"cfg": 1.0}),
    ("ltx2_quick", "text", "no guidance in the second stage", {"second_cfg": 4.0}),
    ("hunyuan", "text", "files of HunyuanVideo 1.0", {"vae": "hunyuanvideo15_vae_fp16.safetensors"}),
    ("hunyuan_i2v", "image", "a model for the task", {"model": "hunyuan_video_t2v_720p_bf16.safetensors"}),
    ("hunyuan_i2v", "image", "as many tokens of the image as its model had", {"image_interleave": 2}),
    ("hunyuan", "text", "guidance embedded, and no cfg", {"cfg": 6.0}),
    ("hunyuan15_720p", "text", "files of HunyuanVideo 1.5", {"vae": "hunyuan_video_vae_bf16.safetensors"}),
    ("hunyuan15_720p", "image", "a model for the task", {"model": "hunyuanvideo1.5_720p_t2v_fp16.safetensors"}),
    ("hunyuan15_480p", "text", "no guidance for a distilled one alone", {"cfg": 6.0}),
    ("hunyuan15_480p", "text", "few steps with a step distillation alone", {"steps": 6}),
    ("hunyuan15_720p", "text", "the height it was trained for", {"model": "hunyuanvideo1.5_480p_t2v_fp16"}),
    ("hunyuan15_1080p", "text", "a split where the noise falls below the augmentation", {"sr_split": 5}),
    ("hunyuan15_1080p", "image", "a split where the noise falls below the augmentation", {"sr_shift": 7.0}),
    ("hunyuan15_720p", "text", "Tencent's shift", {"shift": 7.0}),
    ("mochi", "text", "files of Mochi", {"vae": "wan_2.1_vae.safetensors"}),
    ("svd_xt", "image", "files of SVD", {"checkpoint": "sd_xl_base_1.0.safetensors"}),
    ("svd_xt", "image", "14 frames, 25 with XT", {"frames": 14}),
    ("svd_xt", "image", "guidance that rises", {"min_cfg": 3.0}),
    ("cogvideo", "text", "files of CogVideoX", {"text_encoder": "umt5_xxl_fp16.safetensors"}),
    ("cogvideo", "image", "a model for the task", {"model_repository": "THUDM/CogVideoX-5b"}),
    ("cogvideo_1.5", "text", "a model for the task", {"model": "CogVideoX_1_5_5b_I2V_bf16.safetensors"}),
    ("cogvideo_2b", "text", "half precision for the 2B alone", {"model_precision": "bf16"}),
    ("animatediff_long", "text", "files of AnimateDiff", {"checkpoint": "sd_xl_base_1.0.safetensors"}),
    ("animatediff_long", "text", "the LoRA of the motion module", {"lora": "AnimateLCM_sd15_t2v_lora.safetensors"}),
    ("animatediff_zoom", "text", "camera LoRAs with version 2", {"motion_module": "v3_sd15_mm.ckpt"}),
    ("animatediff_quick", "text", "as many steps as Lightning was distilled to", {"steps": 8}),
    ("animatediff_long", "text", "windows of 16 frames", {"context_length": 32}),
    ("fast", "text", "files of Z-Image", {"vae": "wan_2.1_vae.safetensors"}),
    ("fast", "text", "no guidance", {"cfg": 4.0}),
    ("sdxl_fast", "text", "files of SDXL", {"checkpoint": "v1-5-pruned-emaonly-fp16.safetensors"}),
    ("sdxl_fast", "text", "guidance", {"cfg": 1.0}),
]


@pytest.mark.parametrize(("name", "task"), CASES)
def test_files_and_numbers_fit_each_other(name: str, task: Task) -> None:
    """Models are for the task, VAEs and LoRAs of the model's generation, distilled ones run without guidance."""
    preset = PRESETS[name]
    assert untrue(preset.family, facts(preset, task)) == []


@pytest.mark.parametrize(("name", "task", "claim", "changes"), BROKEN)
def test_what_does_not_fit_is_noticed(name: str, task: Task, claim: str, changes: dict[str, Any]) -> None:
    """Another generation's file, another task's model, a setting of another kind: the claim about it fails."""
    preset, known = PRESETS[name], facts(PRESETS[name], task)
    settings = {key: value for key, value in changes.items() if not isinstance(value, str) or key in known.own}
    files = {key: value for key, value in changes.items() if key not in settings}
    broken = known._replace(files={**known.files, **files}, own={**known.own, **settings})
    assert claim in untrue(preset.family, broken)


def test_every_claim_can_fail() -> None:
    """Each claim is broken by one of the examples."""
    shown = {(PRESETS[name].family, claim) for name, _, claim, _ in BROKEN}
    assert shown == {(family, claim) for family, claims in CLAIMS.items() for claim in claims}
