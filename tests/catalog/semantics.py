"""What a family's graph must be, said once per family from the preset's own sourced numbers.

A server runs many a wrong graph (measured: it noticed 5 of 15 deliberate mistakes), so the graph is compared with an
expected tree: from the node that saves, along the wires, every class, wire, slot and value.
"""

from dataclasses import dataclass
from typing import Any

PROMPT, NEGATIVE, IMAGE, SEED = "a cat in the rain", "fog", "start.png", 11


@dataclass(frozen=True)
class Wire:
    """An output of an expected node."""

    node: "Node"
    slot: int


@dataclass(frozen=True)
class Node:
    """An expected node: its class and all of its inputs, a value or a Wire each."""

    class_type: str
    inputs: dict[str, Any]

    def __getitem__(self, slot):
        return Wire(self, slot)


def make(class_type, **inputs):
    """An expected node."""
    return Node(class_type, inputs)


def faults(graph, expected):
    """Return what is wrong with ``graph``, a line each; none means it is what the family needs."""
    ends = [key for key, node in graph.items() if node["class_type"] == expected.class_type]
    if len(ends) != 1:
        return [f"{len(ends)} nodes of class {expected.class_type}"]
    met: dict[str, Node] = {}
    found = list(_compare(graph, ends[0], expected, expected.class_type, met))
    return found + [f"node {key} is not used" for key in graph if key not in met]


def _compare(graph, key, expected, where, met):
    if key not in graph:
        yield f"{where}: node {key} is missing"
        return
    if met.setdefault(key, expected) != expected:
        yield f"{where}: node {key} stands for two nodes"
        return
    node = graph[key]
    if node["class_type"] != expected.class_type:
        yield f"{where}: {node['class_type']}, expected {expected.class_type}"
        return
    for name in node["inputs"].keys() ^ expected.inputs.keys():
        yield f"{where}.{name}: {'missing' if name in expected.inputs else 'not expected'}"
    for name in node["inputs"].keys() & expected.inputs.keys():
        value, wanted = node["inputs"][name], expected.inputs[name]
        if not isinstance(wanted, Wire):
            if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):
                yield f"{where}.{name} = {value!r}, expected {wanted!r}"
        elif not isinstance(value, list):
            yield f"{where}.{name} = {value!r}, expected a wire from {wanted.node.class_type}"
        elif value[1] != wanted.slot:
            yield f"{where}.{name}: slot {value[1]}, expected {wanted.slot}"
        else:
            yield from _compare(graph, value[0], wanted.node, f"{where}.{name}", met)


def expected(preset, task, **changed):
    """Return the tree that a preset's graph must be, with ``PROMPT``, ``NEGATIVE``, ``IMAGE`` and ``SEED``.

    Args:
        changed: settings other than the preset's own.
    """
    return FAMILIES[preset.tasks[task].rpartition("_")[0]](preset, task, {**preset.defaults(task), **changed})


def _file(preset, role):
    return next(file.name for file in preset.files if file.role == role)


def _texts(clip):
    return make("CLIPTextEncode", clip=clip[0], text=PROMPT), make("CLIPTextEncode", clip=clip[0], text=NEGATIVE)


def _tiled(values, samples, vae):
    return make(
        "VAEDecodeTiled", samples=samples, vae=vae, tile_size=values["tile_size"], overlap=values["tile_overlap"],
        temporal_size=values["tile_frames"], temporal_overlap=values["tile_frame_overlap"],
    )  # fmt: skip


def _saved(preset, values, images):
    video = make("CreateVideo", images=images[0], fps=values["fps"])
    # SaveVideo's codec is not checked by the server, which then dies at this last node (ComfyUI 0.30.0).
    return make(
        "SaveVideo", video=video[0], filename_prefix=f"comfy_headless/{preset.name}", format="auto", codec="auto"
    )


def _wan22_5b(preset, task, values):
    """Shift on the model's wire to the sampler; its own VAE, for the latent too; the image into the latent."""
    model = make("UNETLoader", unet_name=_file(preset, "model"), weight_dtype="default")
    clip = make("CLIPLoader", clip_name=_file(preset, "text_encoder"), type="wan")
    vae = make("VAELoader", vae_name=_file(preset, "vae"))
    start = {"start_image": make("LoadImage", image=IMAGE)[0]} if task == "image" else {}
    latent = make("Wan22ImageToVideoLatent", vae=vae[0], width=values["width"], height=values["height"],
                  length=values["frames"], batch_size=1, **start)  # fmt: skip
    positive, negative = _texts(clip)
    shifted = make("ModelSamplingSD3", model=model[0], shift=values["shift"])
    sampled = make("KSampler", model=shifted[0], seed=SEED, steps=values["steps"], cfg=values["cfg"],
                   sampler_name=values["sampler"], scheduler=values["scheduler"], positive=positive[0],
                   negative=negative[0], latent_image=latent[0], denoise=1.0)  # fmt: skip
    return _saved(preset, values, _tiled(values, sampled[0], vae[0]))


def _ltxv_distilled(preset, task, values):
    """A fixed list of sigmas, one more than there are steps; one frame rate for conditioning and file."""
    loaded = make("CheckpointLoaderSimple", ckpt_name=_file(preset, "checkpoint"))
    clip = make("CLIPLoader", clip_name=_file(preset, "text_encoder"), type="ltxv")
    positive, negative = (text[0] for text in _texts(clip))
    size = {"width": values["width"], "height": values["height"], "length": values["frames"], "batch_size": 1}
    latent = make("EmptyLTXVLatentVideo", **size)[0]
    if task == "image":
        image = make("LTXVPreprocess", image=make("LoadImage", image=IMAGE)[0],
                     img_compression=values["image_compression"])  # fmt: skip
        begun = make("LTXVImgToVideo", positive=positive, negative=negative, vae=loaded[2], image=image[0],
                     strength=values["image_strength"], **size)  # fmt: skip
        positive, negative, latent = begun[0], begun[1], begun[2]
    conditioned = make("LTXVConditioning", positive=positive, negative=negative, frame_rate=values["fps"])
    assert values["sigmas"].count(",") == values["steps"]
    sampled = make("SamplerCustom", model=loaded[0], add_noise=True, noise_seed=SEED, cfg=values["cfg"],
                   positive=conditioned[0], negative=conditioned[1],
                   sampler=make("KSamplerSelect", sampler_name=values["sampler"])[0],
                   sigmas=make("ManualSigmas", sigmas=values["sigmas"])[0], latent_image=latent)  # fmt: skip
    return _saved(preset, values, _tiled(values, sampled[0], loaded[2]))


FAMILIES = {"wan22_5b": _wan22_5b, "ltxv_distilled": _ltxv_distilled}
