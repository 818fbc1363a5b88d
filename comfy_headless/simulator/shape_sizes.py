"""Nodes that make pictures and latents larger or smaller (ComfyUI 0.30.0, nodes.py, comfy_extras/nodes_*.py)."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from comfy_headless.simulator.measured import Node, Shape

_TIMES = re.compile(r"(?:^|[^a-z0-9])([1-8])x|x([1-8])(?![0-9])", re.IGNORECASE)
"""``4x-UltraSharp``, ``RealESRGAN_x4plus``: how much a model enlarges, as its file is named."""

MODEL_ENLARGES = 4
"""How much a model enlarges whose file name does not tell: most do 4 times."""


def sized(node: Node) -> Shape | None:
    """Return a picture of the width and height asked for; 0 keeps its shape."""
    shape = node.any_shape() or Shape()
    return _fitted(shape, node.whole("width") or 0, node.whole("height") or 0)


def sized_latent(node: Node, *, unit: int = 8, least: int = 64) -> Shape | None:
    """Return a latent resized to so many columns: pixels over ``unit``, whatever a column stands for."""
    shape = node.any_shape() or Shape()
    width, height = node.whole("width") or 0, node.whole("height") or 0
    if not width and not height:
        return shape
    width = max(least, width or round(shape.width * height / shape.height))
    height = max(least, height or round(shape.height * width / shape.width))
    return replace(shape, width=width // unit * shape.cell, height=height // unit * shape.cell)


def scaled(node: Node) -> Shape | None:
    """Return a picture, some times as large."""
    shape = node.any_shape()
    return None if shape is None else _times(shape, node.number("scale_by") or 1.0)


def scaled_latent(node: Node) -> Shape | None:
    """Return a latent, some times as large, in whole columns."""
    shape = node.any_shape()
    if shape is None:
        return None
    by, cell = node.number("scale_by") or 1.0, shape.cell
    return replace(
        shape,
        width=round(shape.width // cell * by) * cell,
        height=round(shape.height // cell * by) * cell,
    )


def enlarged(node: Node) -> Shape | None:
    """Return what an upscaling model makes of pictures."""
    shape = node.shape("image")
    loader = node.source("upscale_model")
    return None if shape is None else _times(shape, _enlarges(loader, MODEL_ENLARGES))


def upsampled(node: Node) -> Shape | None:
    """Return what LTX's upsampler makes of a latent: twice the size, or twice the frames."""
    shape, loader = node.shape("samples"), node.source("upscale_model")
    if shape is None:
        return None
    if "temporal" in _file_name(loader):
        return replace(shape, frames=shape.frames * 2 - 1)
    half = 1.5 if "x1.5" in _file_name(loader) else 2.0
    return _times(shape, half)


def resized(node: Node) -> Shape | None:
    """Return what ResizeImageMaskNode makes of a picture."""
    shape = node.shape("input")
    if shape is None:
        return None
    width, height = shape.width, shape.height
    match node.inputs.get("resize_type"):
        case "scale by multiplier":
            return _times(shape, node.number("resize_type.multiplier") or 1.0)
        case "scale longer dimension":
            return _times(shape, (node.number("resize_type.longer_size") or width) / max(width, height))
        case "scale shorter dimension":
            return _times(shape, (node.number("resize_type.shorter_size") or width) / min(width, height))
        case "scale total pixels":
            total = int((node.number("resize_type.megapixels") or 1.0) * 1024 * 1024)
            return _times(shape, math.sqrt(total / (width * height)))
        case "match size":
            other = node.shape("resize_type.match") or shape
            return replace(shape, width=other.width, height=other.height)
        case "scale to multiple":
            multiple = node.whole("resize_type.multiple") or 1
            across, down = width // multiple * multiple, height // multiple * multiple
            return replace(shape, width=across, height=down) if across and down else shape
        case _:
            return _fitted(shape, node.whole("resize_type.width") or 0, node.whole("resize_type.height") or 0)


def encoded(node: Node) -> Shape | None:
    """Return the latent of a picture, cut to whole columns."""
    shape = node.shape("pixels")
    return None if shape is None else replace(shape, width=shape.width // 8 * 8, height=shape.height // 8 * 8)


def _fitted(shape: Shape, width: int, height: int) -> Shape:
    if not width and not height:
        return shape
    width, height = (
        width or max(1, round(shape.width * height / shape.height)),
        height or max(1, round(shape.height * width / shape.width)),
    )
    return replace(shape, width=width, height=height)


def _times(shape: Shape, factor: float) -> Shape:
    return replace(shape, width=round(shape.width * factor), height=round(shape.height * factor))


def _file_name(loader: Node | None) -> str:
    return "" if loader is None else str(loader.inputs.get("model_name", "")).lower()


def _enlarges(loader: Node | None, otherwise: int) -> int:
    found = _TIMES.search(_file_name(loader))
    return int(found[1] or found[2]) if found else otherwise
