"""Miniature models that work on finished frames: upscalers, and one that makes frames between two."""

import parts
import torch
from parts import family, generator, random, save


def real_esrgan(pictures):
    """A Real-ESRGAN of 4 filters and one block; it gets `pictures` channels and makes 4 times their size.

    The real 2x model gets each 2x2 pixels as 12 channels: 4 times half the size.
    """
    filters, growth = 4, 32  # spandrel takes no other growth
    grown = [(filters + i * growth, growth) for i in range(4)] + [(filters + 4 * growth, filters)]
    layers = {"conv_first": (pictures, filters), "conv_last": (filters, 3)}
    layers |= dict.fromkeys(("conv_body", "conv_up1", "conv_up2", "conv_hr"), (filters, filters))
    layers |= {f"body.0.rdb{block}.conv{i + 1}": grown[i] for block in (1, 2, 3) for i in range(5)}
    weights = {}
    for name, (taken, made) in layers.items():
        weights[f"{name}.weight"] = torch.randn(made, taken, 3, 3, generator=generator) * 0.1
        weights[f"{name}.bias"] = torch.zeros(made)
    return weights


@family
def upscalers():
    """Real-ESRGAN in its two forms: 4x as safetensors, 2x as the pickle that its makers publish."""
    save("upscale_models/tiny_real_esrgan_x4", real_esrgan(3))
    torch.save({"params_ema": real_esrgan(12)}, parts.folder / "upscale_models/tiny_real_esrgan_x2.pth")


@family
def frame_interpolation():
    """RIFE. It stands in for FILM too: the loader tells them apart by their weights, and FILM has one size only."""
    from comfy_extras.frame_interpolation_models.ifnet import IFNet

    save("frame_interpolation/tiny_rife", random(IFNet(head_ch=1, channels=(4, 4, 4, 4, 4))))
