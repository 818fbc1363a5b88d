"""Which inputs list files, and of which folder: the parts of a schema that differ per machine.

Everything else in a schema is the same on every server of one version. Measured: ComfyUI 0.30.0, its ``/object_info``
before and after one file of its own name was laid into every folder; the node packs whose schemas are shipped too.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping

from comfy_headless.graph.source import Graph

InputKey = tuple[str, str]
"""A node class and one of its inputs."""

MODEL_INPUTS: Mapping[InputKey, str] = {
    (class_type, name): folder
    for folder, inputs in {
        "animatediff_models": (
            "ADE_AnimateDiffLoaderGen1.model_name",
            "ADE_AnimateDiffLoaderV1Advanced.model_name",
            "ADE_AnimateDiffLoaderWithContext.model_name",
            "ADE_InjectI2VIntoAnimateDiffModel.model_name",
            "ADE_InjectPIAIntoAnimateDiffModel.model_name",
            "ADE_LoadAnimateDiffModel.model_name",
            "ADE_LoadAnimateDiffModelWithCameraCtrl.camera_ctrl",
            "ADE_LoadAnimateDiffModelWithCameraCtrl.model_name",
            "ADE_LoadAnimateLCMI2VModel.model_name",
            "AnimateDiffLoaderV1.model_name",
        ),
        "animatediff_motion_lora": ("ADE_AnimateDiffLoRALoader.name",),
        "audio_encoders": ("AudioEncoderLoader.audio_encoder_name",),
        "background_removal": ("LoadBackgroundRemovalModel.bg_removal_name",),
        "checkpoints": (
            "ADE_RegisterModelAsLoraHook.ckpt_name",
            "ADE_RegisterModelAsLoraHookModelOnly.ckpt_name",
            "CheckpointLoader.ckpt_name",
            "CheckpointLoaderSimple.ckpt_name",
            "CheckpointLoaderSimpleWithNoiseSelect.ckpt_name",
            "CreateHookModelAsLora.ckpt_name",
            "CreateHookModelAsLoraModelOnly.ckpt_name",
            "ImageOnlyCheckpointLoader.ckpt_name",
            "LTXAVTextEncoderLoader.ckpt_name",
            "LTXVAudioVAELoader.ckpt_name",
            "unCLIPCheckpointLoader.ckpt_name",
        ),
        "clip_vision": ("CLIPVisionLoader.clip_name",),
        "cogvideox_loras": ("CogVideoLoraSelect.lora",),
        "configs": ("CheckpointLoader.config_name",),
        "controlnet": ("ControlNetLoader.control_net_name", "DiffControlNetLoader.control_net_name"),
        "detection": ("LoadMediaPipeFaceLandmarker.model_name",),
        "diffusers": ("DiffusersLoader.model_path",),
        "diffusion_models": (
            "CogVideoXModelLoader.model",
            "UNETLoader.unet_name",
            "UnetLoaderGGUF.unet_name",
            "UnetLoaderGGUFAdvanced.unet_name",
        ),
        "frame_interpolation": ("FrameInterpolationModelLoader.model_name",),
        "geometry_estimation": ("LoadDA3Model.model_name", "LoadMoGeModel.model_name"),
        "gligen": ("GLIGENLoader.gligen_name",),
        "hypernetworks": ("HypernetworkLoader.hypernetwork_name",),
        "latent_upscale_models": ("LatentUpscaleModelLoader.model_name",),
        "loras": (
            "ADE_RegisterLoraHook.lora_name",
            "ADE_RegisterLoraHookModelOnly.lora_name",
            "CogVideoLoraSelectComfy.lora",
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
            "CLIPLoaderGGUF.clip_name",
            "DualCLIPLoader.clip_name1",
            "DualCLIPLoader.clip_name2",
            "DualCLIPLoaderGGUF.clip_name1",
            "DualCLIPLoaderGGUF.clip_name2",
            "LTXAVTextEncoderLoader.text_encoder",
            "QuadrupleCLIPLoader.clip_name1",
            "QuadrupleCLIPLoader.clip_name2",
            "QuadrupleCLIPLoader.clip_name3",
            "QuadrupleCLIPLoader.clip_name4",
            *(f"QuadrupleCLIPLoaderGGUF.clip_name{number}" for number in (1, 2, 3, 4)),
            "TripleCLIPLoader.clip_name1",
            "TripleCLIPLoader.clip_name2",
            "TripleCLIPLoader.clip_name3",
            *(f"TripleCLIPLoaderGGUF.clip_name{number}" for number in (1, 2, 3)),
        ),
        "upscale_models": ("UpscaleModelLoader.model_name",),
        "vae": ("CogVideoXVAELoader.model_name", "VAELoader.vae_name"),
    }.items()
    for class_type, _, name in (entry.partition(".") for entry in inputs)
}
"""Model folder that an input lists, such as ``("UNETLoader", "unet_name") -> "diffusion_models"``."""

_GGUF_ONLY = frozenset({("UnetLoaderGGUF", "unet_name"), ("UnetLoaderGGUFAdvanced", "unet_name")})
_GGUF_TOO = frozenset(key for key in MODEL_INPUTS if key[0].endswith("CLIPLoaderGGUF"))
"""Only these list a folder's ``.gguf`` files: no other loader reads them (ComfyUI-GGUF 795e451, nodes.py)."""

_VIDEOS = (".webm", ".mp4", ".mkv", ".gif", ".mov")

INPUT_FILES: Mapping[InputKey, tuple[str, ...]] = {
    ("ADE_LoadCameraPoses", "pose_filename"): (".txt",),
    ("GeminiInputFiles", "file"): (".txt", ".pdf"),
    ("LoadAudio", "audio"): ("audio", "video"),
    ("LoadImage", "image"): ("image",),
    ("LoadImageMask", "image"): ("image",),
    ("LoadLatent", "latent"): (".latent",),
    ("LoadVideo", "file"): ("video",),
    ("OpenAIInputFiles", "file"): (".txt", ".pdf"),
    ("VHS_LoadAudioUpload", "audio"): (".mp3", ".mp4", ".wav", ".ogg"),
    ("VHS_LoadVideo", "video"): _VIDEOS,
    ("VHS_LoadVideoFFmpeg", "video"): _VIDEOS,
}
"""Inputs that list the top of the server's input folder, and what they list: content types or suffixes."""

MESH_SUFFIXES = (".fbx", ".glb", ".gltf", ".ksplat", ".obj", ".ply", ".splat", ".spz", ".stl")
MESH_INPUTS: frozenset[InputKey] = frozenset({("Load3D", "model_file"), ("Load3DAdvanced", "model_file")})
"""Inputs that list the meshes below ``3d/`` of the input folder."""

FOLDER_INPUTS: frozenset[InputKey] = frozenset(
    {
        *((f"Load{kind}DataSetFromFolder", "folder") for kind in ("Image", "ImageText", "Video", "VideoText")),
        ("VHS_LoadImages", "directory"),
    }
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


def model_files(graph: Graph) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the model files that a graph names: for node id and input the folder and the name."""
    return {
        (node_id, name): (MODEL_INPUTS[node["class_type"], name], value)
        for node_id, node in graph.items()
        for name, value in node["inputs"].items()
        if (node["class_type"], name) in MODEL_INPUTS and isinstance(value, str)
    }


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
        names = sorted(name for name in models.get(MODEL_INPUTS[key], ()) if _reads(key, name))
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


def _reads(key: InputKey, name: str) -> bool:
    return key in _GGUF_TOO or name.lower().endswith(".gguf") == (key in _GGUF_ONLY)


def content_type(name: str) -> str | None:
    """Return ``image``, ``video``, ``audio``, ... as ComfyUI's lists tell a file's kind: by its extension alone."""
    extension = name.rsplit(".", 1)[-1]
    if extension in _UNREGISTERED_TYPES:
        return _UNREGISTERED_TYPES[extension]
    guessed, _ = mimetypes.guess_type(name, strict=False)
    return guessed.split("/", 1)[0] if guessed else None
