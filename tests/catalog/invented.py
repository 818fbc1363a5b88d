"""An invented family in a folder of its own: two experts, a first stage of half size, a setting of its own.

Made of data alone, as a user would: what the catalog tests change is one line of these texts.
"""

import json
from pathlib import Path

PRESET = """
name = "two_stages"
title = "Invented"
description = "Invented for tests."
family = "invented"
model = "WAN"
tier = "draft"

[tasks]
text = "two_stages_text"
image = "two_stages_image"

[settings]
width = { value = 640, source = "paper" }
height = { value = 384, source = "paper" }
frames = { value = 33, source = "paper" }
fps = { value = 16, source = "paper" }
steps = { value = 40, source = "paper" }
cfg = { value = 3.5, source = "paper" }
sampler = { value = "euler", source = "paper" }

[setting.half_width]
type = "integer"
from = "width"
rule = "half"
source = "paper"

[setting.half_height]
type = "integer"
from = "height"
rule = "half"
source = "paper"

[setting.handover]
type = "integer"
from = "steps"
rule = "handover"
share = 0.625
source = "paper"

[setting.motion]
type = "integer"
default = 127
minimum = 1
maximum = 255
source = "paper"

[rules.size]
multiple = 64
source = "paper"

[rules.size.tested]
sizes = [[640, 384], [384, 640]]
source = "paper"

[rules.frames]
step = 4
remainder = 1
source = "paper"

[rules.frames.tested]
maximum = 81
source = "paper"

[files.model]
name = "invented.safetensors"
folder = "diffusion_models"
repository = "somebody/invented"
path = "invented.safetensors"
size_gb = 1.0
precision = "fp16"
source = "An invented paper"

[needs]
min_vram_gb = { value = 8, source = "paper" }
rec_vram_gb = { value = 12, source = "paper" }
min_ram_gb = { value = 16, source = "paper" }
rank = { value = 1, source = "paper" }
recommended_from = { value = 12, source = "paper" }

[licence]
name = "MIT"
commercial = "yes"
source = "paper"

[prompt]
source = "paper"

[sources]
paper = "An invented paper"
"""


def node(class_type, title, **inputs):
    """One node of a graph."""
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


def graph(*, image=False):
    """The template: with ``image`` it starts from one and has a setting for it, and takes no text."""
    nodes = {
        "1": node("UNETLoader", "$model.unet_name", unet_name="x.safetensors", weight_dtype="default"),
        "2": node("EmptyLTXVLatentVideo", "$half_width.width, $half_height.height, $frames.length",
                  width=64, height=64, length=9, batch_size=1),
        "3": node("KSamplerAdvanced", "$seed.noise_seed, $steps.steps, $cfg.cfg, $sampler.sampler_name, "
                  "$handover.end_at_step", model=["1", 0], noise_seed=0, steps=2, cfg=1.0, sampler_name="lcm",
                  scheduler="simple", end_at_step=1, start_at_step=0, latent_image=["2", 0]),
        "4": node("ImageScale", "$width.width, $height.height", image=["3", 0], width=64, height=64, crop="center"),
        "5": node("CreateVideo", "$fps.fps", images=["4", 0], fps=8.0),
        "6": node("SaveVideo", "$output.video", video=["5", 0], filename_prefix="x", format="auto", codec="auto"),
    }  # fmt: skip
    if image:
        nodes["7"] = node("LoadImage", "$~image.image!", image="x.png")
        nodes["8"] = node("SVD_img2vid_Conditioning", "$motion.motion_bucket_id", motion_bucket_id=1)
    else:
        nodes["7"] = node("CLIPTextEncode", "$prompt.text!", text="")
    return nodes


def write(folder, *, name="two_stages", change=(), text=None, image=None):
    """Write the preset below ``folder`` and return its TOML file.

    Args:
        change: pairs of a piece of ``PRESET`` and what stands there instead.
        text: template for the text task; None is ``graph()``.
        image: template for the image task.
    """
    toml = PRESET.replace('name = "two_stages"', f'name = "{name}"')
    for old, new in change:
        assert old in toml, old
        toml = toml.replace(old, new)
    folder = Path(folder)
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    for task, nodes in (("text", text or graph()), ("image", image or graph(image=True))):
        (folder / "templates" / f"two_stages_{task}.json").write_text(json.dumps(nodes), encoding="utf-8")
    path = folder / f"{name}.toml"
    path.write_text(toml, encoding="utf-8")
    return path
