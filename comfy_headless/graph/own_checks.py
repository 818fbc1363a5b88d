"""The checks that ComfyUI's own node classes bring along, as far as they can be told from outside.

A class may name inputs that it checks itself; the server then leaves out its range and list check for those, and for
all of them when the check takes any name. Read in ComfyUI 0.30.0 (``VALIDATE_INPUTS`` in nodes.py, ``validate_inputs``
in comfy_extras and comfy_api_nodes; 15 of 826 classes), and in the node packs whose schemas are shipped. Where such a
check fails over what it is given, the server answers with the Python error, so these do the same to the same values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from comfy_headless.graph.existing import FileExists
from comfy_headless.graph.input_values import Error, make_error
from comfy_headless.graph.live_inputs import LiveInputs
from comfy_headless.graph.schemas import NodeSchema

Answer = bool | str


class OwnCheck(NamedTuple):
    """A node class's own check.

    Args:
        function: gets the named inputs and says True, or what is wrong.
        written_as: what Python calls it in its error for a missing argument.
        arguments: inputs it names.
        required: how many of them have no default.
        takes_all: it gets every input of the node.
        takes_types: it gets the types of the wires instead, and the server leaves these to it.
    """

    function: Callable[[Mapping[str, Any], FileExists], Answer]
    written_as: str
    arguments: tuple[str, ...]
    required: int = 0
    takes_all: bool = False
    takes_types: bool = False

    def covers(self, name: str) -> bool:
        """Return whether the server leaves the value of that input to this check."""
        return self.takes_all or name in self.arguments


def find_own_check(node: NodeSchema) -> OwnCheck | None:
    """Return the check that the class brings along, if it is known and has one."""
    return (OWN_CHECKS if node.core else PACK_CHECKS).get(node.name)


def looks_like_link(value: Any) -> bool:
    """Return whether a value is ``[node_id, slot]`` in the shape that the server follows when it runs."""
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int | float)
    )


def run_own_check(
    check: OwnCheck,
    node: NodeSchema,
    live: LiveInputs,
    values: Mapping[str, Any],
    wires: dict[str, Any],
    exists: FileExists,
) -> list[Error]:
    """Return the errors of the class's own check.

    Args:
        values: the inputs of the node, cast.
        wires: type of the wire in each linked input.

    Raises:
        Exception: what Python raises over the same values on the server: TypeError, AttributeError, KeyError or
            ValueError.
    """
    known = {item.name for item in live.inputs}
    given = {
        name: None if looks_like_link(value) else value
        for name, value in values.items()
        if looks_like_link(value) or name in known or node.name in ACCEPTS_ALL_INPUTS
    }
    arguments = {name: value for name, value in given.items() if check.covers(name)}
    if check.takes_types:
        arguments["input_types"] = wires
    absent = [name for name in check.arguments[: check.required] if name not in arguments]
    if absent:
        raise TypeError(_missing_arguments(check.written_as, absent))
    answer = check.function(arguments, exists)
    if answer is True:
        return []
    suffix = "" if answer is False else f" - {answer}"
    return [
        make_error("custom_validation_failed", "Custom validation failed for node", f"{name}{suffix}", input_name=name)
        for name in arguments
    ]


def _missing_arguments(written_as: str, names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    listed = " and ".join(quoted) if len(quoted) < 3 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    plural = "" if len(quoted) == 1 else "s"
    return f"{written_as}() missing {len(quoted)} required positional argument{plural}: {listed}"


def _check_file(argument: str, kind: str) -> Callable[[Mapping[str, Any], FileExists], Answer]:
    def check(values: Mapping[str, Any], exists: FileExists) -> Answer:
        name = values[argument]
        # The server asks this of the value first, so whatever is no text fails here in Python's words.
        name.endswith("[output]")
        return True if exists(name) else f"Invalid {kind} file: {name}"

    return check


def _check_mesh(values: Mapping[str, Any], exists: FileExists) -> Answer:
    name = values["model_file"]
    return True if not name or name == "none" else _check_file("model_file", "3D model")(values, exists)


def _check_nothing(_values: Mapping[str, Any], _exists: FileExists) -> Answer:
    return True


def _check_camera(values: Mapping[str, Any], _exists: FileExists) -> Answer:
    if any(not math.isclose(values[name], 0.0) for name in _CAMERA_AXES):
        return True
    return "Invalid camera control configs: at least one of the values must be non-zero"


def _check_aspect_ratio(values: Mapping[str, Any], _exists: FileExists) -> Answer:
    text = values["aspect_ratio"]
    parts = text.split(":")
    if len(parts) != 2:
        raise ValueError(f"Aspect ratio must be 'X:Y' (e.g., 16:9), got '{text}'.")
    try:
        across, down = (int(part.strip()) for part in parts)
    except ValueError:
        raise ValueError(f"Aspect ratio must contain integers separated by ':', got '{text}'.") from None
    if across <= 0 or down <= 0:
        raise ValueError(f"Aspect ratio parts must be positive integers, got {across}:{down}.")
    ratio = across / down
    if ratio < 1 / 4:
        raise ValueError(f"Aspect ratio `{ratio:.2g}` must be ≤ {1 / 4:.2g}.")
    if ratio > 4 / 1:
        raise ValueError(f"Aspect ratio `{ratio:.2g}` must be ≤ {4 / 1:.2g}.")
    return True


def _check_task_type(values: Mapping[str, Any], _exists: FileExists) -> Answer:
    if values["input_types"]["original_model_task_id"] in ("MODEL_TASK_ID", "RIG_TASK_ID", "RETARGET_TASK_ID"):
        return True
    return "original_model_task_id must be MODEL_TASK_ID, RIG_TASK_ID or RETARGET_TASK_ID type"


_CAMERA_AXES = ("horizontal_movement", "vertical_movement", "pan", "tilt", "roll", "zoom")
_IMAGE = OwnCheck(_check_file("image", "image"), "LoadImage.VALIDATE_INPUTS", ("image",), 1)


def _mesh_check(owner: str) -> OwnCheck:
    return OwnCheck(_check_mesh, f"{owner}.validate_inputs", ("model_file",), 1, takes_all=True)


def _device_check(owner: str) -> OwnCheck:
    return OwnCheck(_check_nothing, f"{owner}Node.validate_inputs", ("device",))


ACCEPTS_ALL_INPUTS = frozenset({"CustomCombo"})
"""Classes that get every input of the graph, known or not; object_info does not tell."""

OWN_CHECKS: Mapping[str, OwnCheck] = {
    "CustomCombo": OwnCheck(_check_nothing, "CustomComboNode.validate_inputs", ("choice", "index"), 1, takes_all=True),
    "FluxProUltraImageNode": OwnCheck(
        _check_aspect_ratio, "FluxProUltraImageNode.validate_inputs", ("aspect_ratio",), 1
    ),
    "KlingCameraControls": OwnCheck(_check_camera, "KlingCameraControls.validate_inputs", _CAMERA_AXES, 6),
    "Load3D": _mesh_check("Load3D"),
    "Load3DAdvanced": _mesh_check("Load3DAdvanced"),
    "LoadAudio": OwnCheck(_check_file("audio", "audio"), "LoadAudio.validate_inputs", ("audio",), 1),
    "LoadImage": _IMAGE,
    "LoadImageMask": _IMAGE,
    "LoadImageOutput": _IMAGE,
    "LoadLatent": OwnCheck(_check_file("latent", "latent"), "LoadLatent.VALIDATE_INPUTS", ("latent",), 1),
    "LoadVideo": OwnCheck(_check_file("file", "video"), "LoadVideo.validate_inputs", ("file",), 1),
    "SelectCLIPDevice": _device_check("SelectCLIPDevice"),
    "SelectModelDevice": _device_check("SelectModelDevice"),
    "SelectVAEDevice": _device_check("SelectVAEDevice"),
    "TripoConversionNode": OwnCheck(_check_task_type, "TripoConversionNode.validate_inputs", (), takes_types=True),
    "WebcamCapture": _IMAGE,
}


def _path_check(owner: str, argument: str, *, takes_all: bool = False) -> OwnCheck:
    """Return the check of a path on the server's own disk, of which nothing is known but that it must be given."""
    return OwnCheck(_check_nothing, f"{owner}.VALIDATE_INPUTS", (argument,), 1, takes_all)


def _upload_check(owner: str) -> OwnCheck:
    return OwnCheck(_check_file("video", "video"), f"{owner}.VALIDATE_INPUTS", ("video",), 1)


PACK_CHECKS: Mapping[str, OwnCheck] = {
    "ADE_LoadCameraPosesFromPath": _path_check("LoadCameraPosesFromPath", "file_path", takes_all=True),
    "VHS_LoadAudio": _path_check("LoadAudio", "audio_file", takes_all=True),
    "VHS_LoadAudioUpload": _path_check("LoadAudioUpload", "audio", takes_all=True),
    "VHS_LoadImagePath": _path_check("LoadImagePath", "image"),
    "VHS_LoadImages": _path_check("LoadImagesFromDirectoryUpload", "directory", takes_all=True),
    "VHS_LoadImagesPath": _path_check("LoadImagesFromDirectoryPath", "directory", takes_all=True),
    "VHS_LoadVideo": _upload_check("LoadVideoUpload"),
    "VHS_LoadVideoFFmpeg": _upload_check("LoadVideoFFmpegUpload"),
    "VHS_LoadVideoFFmpegPath": _path_check("LoadVideoFFmpegPath", "video"),
    "VHS_LoadVideoPath": _path_check("LoadVideoPath", "video"),
    "VHS_Unbatch": OwnCheck(_check_nothing, "Unbatch.VALIDATE_INPUTS", (), takes_types=True),
}
"""Checks of AnimateDiff-Evolved d8d163c and VideoHelperSuite 4ee72c0."""
