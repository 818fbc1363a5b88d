"""Which inputs of ComfyUI's own nodes list files, and of which folder: the parts of a schema that differ per machine.

Everything else in a schema is the same on every server of one version. Measured: ComfyUI 0.30.0, its ``/object_info``
before and after one file of its own name was laid into every folder.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping

InputKey = tuple[str, str]
"""A node class and one of its inputs."""

MODEL_INPUTS: Mapping[InputKey, str] = {
    (class_type, name): folder
    for folder, inputs in {
        "audio_encoders": ("AudioEncoderLoader.audio_encoder_name",),
        "background_removal": ("LoadBackgroundRemovalModel.bg_removal_name",),
        "checkpoints": (
            "CheckpointLoader.ckpt_name",
            "CheckpointLoaderSimple.ckpt_name",
            "CreateHookModelAsLora.ckpt_name",
            "CreateHookModelAsLoraModelOnly.ckpt_name",
            "ImageOnlyCheckpointLoader.ckpt_name",
            "LTXAVTextEncoderLoader.ckpt_name",
            "LTXVAudioVAELoader.ckpt_name",
            "unCLIPCheckpointLoader.ckpt_name",
        ),
        "clip_vision": ("CLIPVisionLoader.clip_name",),
        "configs": ("CheckpointLoader.config_name",),
        "controlnet": ("ControlNetLoader.control_net_name", "DiffControlNetLoader.control_net_name"),
        "detection": ("LoadMediaPipeFaceLandmarker.model_name",),
        "diffusers": ("DiffusersLoader.model_path",),
        "diffusion_models": ("UNETLoader.unet_name",),
        "frame_interpolation": ("FrameInterpolationModelLoader.model_name",),
        "geometry_estimation": ("LoadDA3Model.model_name", "LoadMoGeModel.model_name"),
        "gligen": ("GLIGENLoader.gligen_name",),
        "hypernetworks": ("HypernetworkLoader.hypernetwork_name",),
        "latent_upscale_models": ("LatentUpscaleModelLoader.model_name",),
        "loras": (
            "CreateHookLora.lora_name",
            "CreateHookLoraModelOnly.lora_name",
            "LoraLoader.lora_name",
            "LoraLoaderBypass.lora_name",
            "LoraLoaderBypassModelOnly.lora_name",
            "LoraLoaderModelOnly.lora_name",
            "TrainLoraNode.existing_lora",
        ),
        "model_patches": ("ModelPatchLoader.name",),
        "optical_flow": ("OpticalFlowLoader.model_name",),
        "photomaker": ("PhotoMakerLoader.photomaker_model_name",),
        "style_models": ("StyleModelLoader.style_model_name",),
        "text_encoders": (
            "CLIPLoader.clip_name",
            "DualCLIPLoader.clip_name1",
            "DualCLIPLoader.clip_name2",
            "LTXAVTextEncoderLoader.text_encoder",
            "QuadrupleCLIPLoader.clip_name1",
            "QuadrupleCLIPLoader.clip_name2",
            "QuadrupleCLIPLoader.clip_name3",
            "QuadrupleCLIPLoader.clip_name4",
            "TripleCLIPLoader.clip_name1",
            "TripleCLIPLoader.clip_name2",
            "TripleCLIPLoader.clip_name3",
        ),
        "upscale_models": ("UpscaleModelLoader.model_name",),
        "vae": ("VAELoader.vae_name",),
    }.items()
    for class_type, _, name in (entry.partition(".") for entry in inputs)
}
"""Model folder that an input lists, such as ``("UNETLoader", "unet_name") -> "diffusion_models"``."""

INPUT_FILES: Mapping[InputKey, tuple[str, ...]] = {
    ("GeminiInputFiles", "file"): (".txt", ".pdf"),
    ("LoadAudio", "audio"): ("audio", "video"),
    ("LoadImage", "image"): ("image",),
    ("LoadImageMask", "image"): ("image",),
    ("LoadLatent", "latent"): (".latent",),
    ("LoadVideo", "file"): ("video",),
    ("OpenAIInputFiles", "file"): (".txt", ".pdf"),
}
"""Inputs that list the top of the server's input folder, and what they list: content types or suffixes."""

MESH_SUFFIXES = (".fbx", ".glb", ".gltf", ".ksplat", ".obj", ".ply", ".splat", ".spz", ".stl")
MESH_INPUTS: frozenset[InputKey] = frozenset({("Load3D", "model_file"), ("Load3DAdvanced", "model_file")})
"""Inputs that list the meshes below ``3d/`` of the input folder."""

FOLDER_INPUTS: frozenset[InputKey] = frozenset(
    (f"Load{kind}DataSetFromFolder", "folder") for kind in ("Image", "ImageText", "Video", "VideoText")
)
"""Inputs that list the folders at the top of the input folder."""

FILE_INPUTS: frozenset[InputKey] = frozenset({*MODEL_INPUTS, *INPUT_FILES, *MESH_INPUTS, *FOLDER_INPUTS})
"""Every input whose choices are files or folders of one machine."""

_CONSTANT_CHOICES: Mapping[InputKey, str] = {
    ("Load3D", "model_file"): "none",
    ("Load3DAdvanced", "model_file"): "none",
    ("TrainLoraNode", "existing_lora"): "[None]",
    ("VAELoader", "vae_name"): "pixel_space",
}
_UNREGISTERED_TYPES = {"webp": "image", "fbx": "model"}


def constant_choices(key: InputKey) -> list[str]:
    """Return what a file input offers on a server without any file."""
    return [_CONSTANT_CHOICES[key]] if key in _CONSTANT_CHOICES else []


def list_files(key: InputKey, models: Mapping[str, Iterable[str]], inputs: Iterable[str]) -> list[str]:
    """Return the choices of a file input, in the server's order.

    Args:
        key: class and input; one of `FILE_INPUTS`.
        models: file names per model folder.
        inputs: paths below the server's input folder, with ``/``.
    """
    if key in MODEL_INPUTS:
        names = sorted(models.get(MODEL_INPUTS[key], ()))
        return [*names, *constant_choices(key)]
    if key in MESH_INPUTS:
        meshes = (name for name in inputs if name.startswith("3d/") and name.lower().endswith(MESH_SUFFIXES))
        return [*constant_choices(key), *sorted(meshes)]
    if key in FOLDER_INPUTS:
        return sorted({name.split("/", 1)[0] for name in inputs if "/" in name})
    wanted = INPUT_FILES[key]
    return sorted(
        name for name in inputs if "/" not in name and (name.endswith(wanted) or content_type(name) in wanted)
    )


def content_type(name: str) -> str | None:
    """Return ``image``, ``video``, ``audio``, ... as ComfyUI's lists tell a file's kind: by its extension alone."""
    extension = name.rsplit(".", 1)[-1]
    if extension in _UNREGISTERED_TYPES:
        return _UNREGISTERED_TYPES[extension]
    guessed, _ = mimetypes.guess_type(name, strict=False)
    return guessed.split("/", 1)[0] if guessed else None
