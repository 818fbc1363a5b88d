"""Nodes that load pictures, videos and sound, and those that put them together."""

from __future__ import annotations

from dataclasses import replace

from comfy_headless.errors import MediaError
from comfy_headless.media.probe import image_size, probe
from comfy_headless.simulator.measured import Node, Shape


def loaded_image(node: Node) -> Shape | None:
    """Return a picture as its file is; an unreadable one is taken for something ordinary."""
    path = node.way.file(node.inputs.get("image"))
    try:
        return Shape(*image_size(path)) if path else Shape()
    except MediaError:
        return Shape()


def loaded_media(node: Node) -> Shape | None:
    """Return a video or sound as its file is; an unreadable one is taken for something ordinary."""
    path = node.way.file(node.inputs.get("file", node.inputs.get("audio")))
    if path is None:
        return Shape()
    try:
        seen = probe(path)
    except MediaError:
        return Shape()
    shape = Shape(seen.width or 512, seen.height or 512, max(1, seen.frames), seen.fps or None)
    if seen.audio is None:
        return shape
    return replace(shape, seconds=seen.audio.duration, rate=seen.audio.rate or shape.rate)


def video(node: Node) -> Shape | None:
    """Return pictures with a rate, and the sound cut to their length."""
    pictures, sound = node.shape("images"), node.shape("audio")
    if pictures is None:
        return None
    fps = node.number("fps") or 30.0
    if sound is None:
        return replace(pictures, fps=fps, seconds=None)
    return replace(pictures, fps=fps, seconds=min(sound.seconds or 0.0, pictures.frames / fps), rate=sound.rate)


def combined(node: Node) -> Shape | None:
    """Return what VideoHelperSuite 1.7.9 makes of pictures: back and forth, repeated, even, its sound as long."""
    pictures, sound = node.shape("images"), node.shape("audio")
    if pictures is None:
        return None
    fps, frames = node.number("frame_rate") or 8.0, pictures.frames
    is_video = str(node.inputs.get("format", "")).startswith("video/")
    if node.inputs.get("pingpong") is True and frames > 2:
        frames = 2 * frames - 2
    if is_video:
        frames *= 1 + (node.whole("loop_count") or 0)
        pictures = replace(pictures, width=_even(pictures.width), height=_even(pictures.height))
    made = replace(pictures, frames=frames, fps=fps, seconds=None)
    if sound is None or not is_video:
        return made
    seconds = frames / fps
    if node.inputs.get("trim_to_audio") is True:
        seconds = min(seconds, sound.seconds or seconds)
    return replace(made, seconds=seconds, rate=sound.rate)


def parts(node: Node) -> Shape | None:
    """Return a video that is taken apart: pictures and sound are on different slots, one shape serves both."""
    return node.shape("video")


def sound(node: Node, *, length: str = "seconds") -> Shape | None:
    """Return a sound of the length asked for."""
    return Shape(seconds=node.number(length) or 1.0, rate=node.whole("sample_rate") or 44100)


def ltx_sound(node: Node) -> Shape | None:
    """Return LTX's empty sound, as long as so many frames."""
    return Shape(seconds=(node.number("frames_number") or 1) / (node.number("frame_rate") or 25))


def decoded_sound(node: Node, *, rate: int = 44100) -> Shape | None:
    """Return the sound of a latent; of one without, a sound as long as its frames."""
    shape = node.shape("samples")
    if shape is not None and shape.seconds is not None:
        return Shape(seconds=shape.seconds, rate=rate)
    return Shape(seconds=shape.frames / (shape.fps or 24.0) if shape else 1.0, rate=rate)


def both(node: Node) -> Shape | None:
    """Return a latent of pictures and sound."""
    picture, sound = node.shape("video_latent"), node.shape("audio_latent")
    if picture is None:
        return sound
    return replace(picture, seconds=sound.seconds if sound else None)


def _even(pixels: int) -> int:
    return pixels + pixels % 2
