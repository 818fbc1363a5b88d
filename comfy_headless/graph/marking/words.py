"""What inputs are called, and what a preset calls them: tables, and nothing else.

An input's own name tells most; the classes here are those whose inputs mean something that their name does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from comfy_headless.graph.file_inputs import InputKey

SEEDS: Final = ("seed", "noise_seed")
LENGTHS: Final = ("length", "num_frames", "frames_number", "video_frames")
RATES: Final = ("fps", "frame_rate")


class Word(NamedTuple):
    """What a preset calls an input.

    Args:
        description: for people; empty where every preset has such a setting.
        staged: a second stage of sampling has one of its own.
    """

    name: str
    description: str = ""
    staged: bool = True


BY_NAME: Final[Mapping[str, Word]] = {
    "steps": Word("steps"),
    "cfg": Word("cfg"),
    "sampler_name": Word("sampler"),
    "scheduler": Word("scheduler"),
    "shift": Word("shift"),
    "max_shift": Word("max_shift", "shift of the noise schedule for the greatest sizes"),
    "base_shift": Word("base_shift", "shift of the noise schedule for the smallest sizes"),
    "guidance": Word("guidance", "how strongly the prompt is followed, as the model was trained to be told"),
    "sigmas": Word("sigmas", "the noise levels of the steps"),
    "noise_augmentation": Word("noise_augmentation", "noise added before this stage", staged=False),
}
"""Inputs of sampling, wherever they stand."""

_TILES: Final = (
    ("tile_size", Word("tile_size", "width and height of a tile, in pixels", staged=False)),
    ("overlap", Word("tile_overlap", "pixels that neighbouring tiles share", staged=False)),
    ("temporal_size", Word("tile_frames", "frames decoded at a time", staged=False)),
    ("temporal_overlap", Word("tile_frame_overlap", "frames that neighbouring pieces share", staged=False)),
)
_STRENGTH: Final = Word("image_strength", "how strongly the image holds")
_LORA: Final = Word("lora_strength", "how strongly the LoRA counts", staged=False)
_PRECISION: Final = Word("model_precision", "number format of the model", staged=False)

BY_CLASS: Final[Mapping[InputKey, Word]] = {
    **{("VAEDecodeTiled", name): word for name, word in _TILES},
    ("LTXVScheduler", "stretch"): Word("stretch", "stretch the schedule so that it ends at the terminal value"),
    ("LTXVScheduler", "terminal"): Word("terminal", "the last noise level above zero"),
    ("LTXVPreprocess", "img_compression"): Word("image_compression", "compression of the image, as in a video"),
    ("LTXVImgToVideo", "strength"): _STRENGTH,
    ("LTXVImgToVideoInplace", "strength"): _STRENGTH,
    ("LTXVAddGuide", "strength"): _STRENGTH,
    ("SVD_img2vid_Conditioning", "motion_bucket_id"): Word("motion", "how much moves"),
    ("SVD_img2vid_Conditioning", "augmentation_level"): Word("image_noise", "noise added to the image"),
    ("VideoLinearCFGGuidance", "min_cfg"): Word("min_cfg", "cfg of the first frame, from which it rises"),
    ("TextEncodeHunyuanVideo_ImageToVideo", "image_interleave"): Word(
        "image_interleave", "how much the image counts against the text: higher is less"
    ),
    ("SplitSigmas", "step"): Word("split", "step at which the stage is parted"),
    ("LoraLoader", "strength_model"): _LORA,
    ("LoraLoader", "strength_clip"): Word(
        "lora_text_strength", "how strongly the LoRA changes what the prompt is read as", staged=False
    ),
    ("LoraLoaderModelOnly", "strength_model"): _LORA,
    ("ADE_AnimateDiffLoRALoader", "strength"): Word(
        "motion_lora_strength", "how strongly the motion LoRA counts", staged=False
    ),
    ("ADE_StandardStaticContextOptions", "context_length"): Word("context_length", "frames in one window"),
    ("ADE_StandardStaticContextOptions", "context_overlap"): Word("context_overlap", "frames that windows share"),
    ("ADE_UseEvolvedSampling", "beta_schedule"): Word("beta_schedule", "noise schedule of the motion module"),
    ("CogVideoXModelLoader", "base_precision"): _PRECISION,
    ("CogVideoXVAELoader", "precision"): _PRECISION,
    ("DownloadAndLoadCogVideoModel", "precision"): _PRECISION,
    ("DownloadAndLoadCogVideoModel", "model"): Word("model_repository", "the repository that is loaded", staged=False),
    ("CogVideoSampler", "scheduler"): Word("cog_scheduler", "the pack's own sampler and schedule"),
}
"""Inputs whose class must be known to say what they are."""

ROLES: Final[Mapping[str, str]] = {
    "diffusion_models": "model",
    "checkpoints": "checkpoint",
    "text_encoders": "text_encoder",
    "vae": "vae",
    "clip_vision": "clip_vision",
    "loras": "lora",
    "latent_upscale_models": "upscaler",
    "upscale_models": "upscaler",
    "animatediff_models": "motion_module",
    "animatediff_motion_lora": "motion_lora",
    "frame_interpolation": "interpolator",
    "audio_encoders": "audio_encoder",
    "controlnet": "controlnet",
    "model_patches": "model_patch",
    "style_models": "style_model",
}
"""What a preset calls the file of a model folder."""

SMALL_ENCODERS: Final = ("clip_l", "clip_g", "byt5")
"""Parts of the names of text encoders that stand beside a greater one."""

OUTPUTS: Final[Mapping[str, str]] = {
    "SaveVideo": "video",
    "SaveWEBM": "video",
    "SaveAnimatedWEBP": "video",
    "SaveAnimatedPNG": "video",
    "VHS_VideoCombine": "video",
    "SaveImage": "images",
    "SaveAudio": "audio",
    "SaveAudioMP3": "audio",
    "SaveAudioOpus": "audio",
}
"""What an output node makes."""

DOUBLING: Final = frozenset({"LTXVLatentUpsampler"})
"""Classes that make a latent twice as wide and high (ComfyUI 0.30.0, comfy_extras/nodes_lt_upsampler.py)."""

ORDINALS: Final = ("", "", "second_", "third_", "fourth_", "fifth_", "sixth_")
"""What the name of a later stage, or of a further file, begins with."""
