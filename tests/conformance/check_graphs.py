"""Small whole graphs of our own, from which `check_corpus` makes broken ones. Most need no model file."""

from __future__ import annotations

from typing import Any

Graph = dict[str, Any]


def node(class_type: str, title: str | None = None, **inputs: Any) -> dict[str, Any]:
    """Return one node; ``__`` in an input's name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in inputs.items()}
    made: dict[str, Any] = {"class_type": class_type, "inputs": named}
    return made if title is None else {**made, "_meta": {"title": title}}


def empty_image(**changes: Any) -> dict[str, Any]:
    """Return a node that makes a picture out of nothing."""
    return node("EmptyImage", **{"width": 16, "height": 16, "batch_size": 1, "color": 0, **changes})


def save(source: str, slot: int = 0, title: str | None = None) -> dict[str, Any]:
    """Return a node that saves a picture."""
    return node("SaveImage", title, images=[source, slot], filename_prefix="check")


def base_graphs() -> dict[str, Graph]:
    """Return whole graphs by name; every one is accepted by a server that has the files it names."""
    scale = {"upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"}
    return {
        "picture": {"1": empty_image(), "2": node("ImageScale", image=["1", 0], **scale), "3": save("2", title="Save")},
        "two_outputs": {
            "1": empty_image(),
            "2": node("ImageInvert", "Invert", image=["1", 0]),
            "3": save("1"),
            "4": save("2"),
            "5": node("PreviewImage", images=["2", 0]),
        },
        "video": {
            "a": empty_image(batch_size=2),
            "b": node("CreateVideo", images=["a", 0], fps=4.0),
            "c": node(
                "SaveVideo",
                "Save Video",
                video=["b", 0],
                filename_prefix="video/check",
                format="auto",
                codec="h264",
                codec__encoding="re-encode",
                codec__encoding__crf=30,
            ),
        },
        "webm": {
            "10": empty_image(batch_size=2),
            "11": node("SaveWEBM", images=["10", 0], filename_prefix="check", codec="vp9", fps=4.0, crf=32.0),
        },
        "masks": {
            "1": node("SolidMask", value=1.0, width=8, height=8),
            "2": node("MaskToImage", mask=["1", 0]),
            "3": node("InvertMask", mask=["1", 0]),
            "4": node("MaskComposite", destination=["1", 0], source=["3", 0], x=0, y=0, operation="add"),
            "5": node("MaskToImage", mask=["4", 0]),
            "6": node("ImageBlend", image1=["2", 0], image2=["5", 0], blend_factor=0.5, blend_mode="normal"),
            "7": save("6"),
        },
        "autogrow": {
            "1": empty_image(),
            "2": empty_image(color=255),
            "3": node("BatchImagesNode", images__image0=["1", 0], images__image1=["2", 0]),
            "4": save("3"),
        },
        "resize": {
            "1": empty_image(),
            "2": node(
                "ResizeImageMaskNode",
                input=["1", 0],
                resize_type="scale by multiplier",
                resize_type__multiplier=2.0,
                scale_method="area",
            ),
            "3": save("2"),
        },
        "any": {
            "1": node("PrimitiveInt", value=3),
            "2": node("PrimitiveBoolean", value=True),
            "3": node("ComfySwitchNode", switch=["2", 0], on_false=["1", 0], on_true=["1", 0]),
            "4": node("PreviewAny", source=["3", 0]),
        },
        "sampling": sampling(),
        "upload": {"1": node("LoadImage", image="check.png"), "2": save("1")},
        "own_checks": own_checks(),
    }


def row(length: int) -> Graph:
    """Return so many nodes in a row, each fed by the next, under one that saves."""
    links = {str(number): node("ImageInvert", image=[str(number + 1), 0]) for number in range(length - 1)}
    return {"save": save("0"), **links, str(length - 1): empty_image()}


def sampling() -> Graph:
    """Return a text-to-image graph; it names a checkpoint."""
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="check.safetensors"),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node("CLIPTextEncode", text="a lighthouse", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="", clip=["4", 1]),
        "3": node(
            "KSampler",
            "Sample",
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
            seed=1,
            steps=2,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": save("8"),
    }


def own_checks() -> Graph:
    """Return a graph whose classes bring their own checks along. The second half is refused: it would call out."""
    return {
        "1": node("CustomCombo", choice="mine", index=0, option1="mine"),
        "2": node("PreviewAny", source=["1", 0]),
        "3": node(
            "KlingCameraControls",
            camera_control_type="simple",
            horizontal_movement=0.0,
            vertical_movement=0.0,
            pan=0.0,
            tilt=0.0,
            roll=0.0,
            zoom=0.0,
        ),
        "4": node("PreviewAny", source=["3", 0]),
        "5": node("Load3D", model_file="absent.glb", image={}, width=64, height=64),
        "6": node("PreviewAny", source=["5", 2]),
    }
