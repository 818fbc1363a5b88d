"""What the page adds to a class's own inputs: more places in ``widgets_values``, some of them sent to the server.

Measured with ComfyUI's frontend 1.47.12 on every class of ComfyUI 0.30.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from comfy_headless.graph.ui.fields import Field, fields_in, has_control

CONTROL: Final = "control_after_generate"
UPLOADS: Final = {"image_upload": "image", "video_upload": "image", "audio_upload": ""}
"""What brings an upload button, and the value that the page saves for it."""


def _unsent(name: str, default: Any = "") -> Field:
    return Field(name, "BUTTON", {"default": default}, sent=False)


def _sent(name: str, default: Any = "") -> Field:
    return Field(name, "BUTTON", {"default": default})


_AFTER: Final[Mapping[tuple[str, str], tuple[Field, ...]]] = {
    ("Load3D", "model_file"): (
        _sent("upload 3d model", "upload3dmodel"),
        _sent("upload extra resources", "uploadExtraResources"),
        _sent("clear", "clear"),
    ),
    ("RecordAudio", "audio"): (_unsent("audio"),),
}
"""Buttons of a class, after one of its inputs."""
_LAST: Final[Mapping[str, tuple[Field, ...]]] = {
    "Preview3D": (_sent("image"),),
    "SaveGLB": (_sent("image"),),
    "WebcamCapture": (_sent("waiting for camera...", "capture"),),
}
"""Values of a class, after all of its inputs."""


def all_fields(class_type: str, sections: object) -> list[Field]:
    """Return the inputs of a class, and what the page adds to them; dynamic ones as they are."""
    own = list(fields_in(sections))
    fields = list(with_added(class_type, own))
    required = sections.get("required") if isinstance(sections, Mapping) else None
    needed = required if isinstance(required, Mapping) else {}
    for field in own:
        found = next((flag for flag in UPLOADS if field.options.get(flag)), None)
        if found is not None and field.type == "COMBO" and field.name in needed:
            fields.append(_unsent("upload", UPLOADS[found]))
            break
    return [*fields, *_LAST.get(class_type, ())]


def with_added(class_type: str, fields: Iterable[Field]) -> Iterator[Field]:
    """Yield fields, each followed by what the page puts behind it."""
    for field in fields:
        yield field
        if not field.widget:
            continue
        if has_control(field):
            flag = field.options.get(CONTROL)
            yield _unsent(flag if isinstance(flag, str) else CONTROL, "randomize")
            if field.type == "COMBO":
                yield _unsent("control_filter_list")
        if field.type == "BOUNDING_BOX":
            box = field.default if isinstance(field.default, Mapping) else {}
            yield from (_unsent(name, box.get(name, 0)) for name in ("x", "y", "width", "height"))
        if field.options.get("remote") and field.type == "COMBO":
            yield _unsent("Auto-refresh after generation", False)
            yield _sent("refresh", "refresh")
        yield from _AFTER.get((class_type, field.name), ())
