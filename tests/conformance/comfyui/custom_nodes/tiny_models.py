"""TEST ONLY: lets ComfyUI load miniature random-weight stand-ins for video models.

ComfyUI reads most diffusion-model sizes from the weights, but hard-codes the sizes of text
encoders, some VAEs, and CLIP vision. A miniature file carries one extra uint8 tensor, KEY,
holding JSON with the sizes it was made with; this module applies them while that one file is
loaded. Files without KEY (every real model) take ComfyUI's own path unchanged. Only sizes are
changed: node graphs, samplers, model code and tokenizer code are ComfyUI's own.
  text encoder: {"te_model": "T5_XXL", "config": {"T5": {"d_model": 64, ...}}}
  vae         : {"classes": {"comfy.ldm.wan.vae2_2.WanVAE": {"dim": 8, ...}}}
  unet        : {"unet_config": {...}, "supported": {"SVD_img2vid": {...}}}  (only where safetensors
                metadata "config", which ComfyUI itself reads for LTXV and Wan, is not enough)
  clip vision : {"vision_config": {...}, "classes": {...}}
  any         : {"attrs": {"module.Class.attribute": value}}  (sizes kept as class attributes)
"""

import contextlib
import importlib
import importlib.util
import inspect
import json
import tempfile
from pathlib import Path

import comfy.clip_model
import comfy.clip_vision
import comfy.model_detection
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models

KEY = "comfy_headless_tiny"
NODE_CLASS_MAPPINGS = {}
_config = {}  # model class name -> its sizes, while a text encoder is loaded
_te_model = {}  # id of a state dict -> name of its TEModel


def pop(sd, prefix=""):
    """Take the mark out of a state dict: the sizes it holds, or nothing."""
    tensor = sd.pop(prefix + KEY, None)
    return {} if tensor is None else json.loads(bytes(tensor.cpu().numpy().tobytes()).decode())


def merge(base, over):
    """One configuration over another, dicts within dicts too."""
    out = dict(base)
    for key, value in over.items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def resized(cls, sizes):
    """A subclass whose constructor gets other sizes, however they are passed."""
    names = list(inspect.signature(cls.__init__).parameters)[1:]

    def init(self, *args, **kwargs):
        over = dict(sizes)
        head = [over.pop(name) if name in over else value for name, value in zip(names, args, strict=False)]
        cls.__init__(self, *head, *args[len(names) :], **merge(kwargs, over))

    return type(cls.__name__, (cls,), {"__init__": init})


@contextlib.contextmanager
def classes(sizes, attributes=None):
    """Put resized classes, and class attributes, in the place of ComfyUI's own for a while."""
    saved = []
    for path, value in (attributes or {}).items():
        module, cls, name = path.rsplit(".", 2)
        owner = getattr(importlib.import_module(module), cls)
        saved.append((owner, name, getattr(owner, name)))
        setattr(owner, name, merge(getattr(owner, name), value) if isinstance(value, dict) else value)
    for path, own in sizes.items():
        module, name = path.rsplit(".", 1)
        owner = importlib.import_module(module)
        saved.append((owner, name, getattr(owner, name)))
        setattr(owner, name, resized(getattr(owner, name), own))
    try:
        yield
    finally:
        for owner, name, value in saved:
            setattr(owner, name, value)


_load_te = comfy.sd.load_text_encoder_state_dicts


def load_text_encoder_state_dicts(state_dicts, *args, **kwargs):
    """Text encoders in files of their own."""
    marks = [pop(sd) for sd in state_dicts]
    sizes, attributes = {}, {}
    for sd, mark in zip(state_dicts, marks, strict=True):
        if mark.get("te_model"):
            _te_model[id(sd)] = mark["te_model"]
        _config.update(mark.get("config", {}))
        sizes.update(mark.get("classes", {}))
        attributes.update(mark.get("attrs", {}))
    try:
        with classes(sizes, attributes):
            return _load_te(state_dicts, *args, **kwargs)
    finally:
        _config.clear()
        _te_model.clear()


_load_checkpoint = comfy.sd.load_state_dict_guess_config


def load_state_dict_guess_config(sd, *args, **kwargs):
    """Text encoders inside a checkpoint (SD 1.5, SDXL)."""
    for prefix in ("cond_stage_model.", "conditioner.embedders."):
        _config.update(pop(sd, prefix).get("config", {}))
    try:
        return _load_checkpoint(sd, *args, **kwargs)
    finally:
        _config.clear()


_detect_te = comfy.sd.detect_te_model


def detect_te_model(sd):
    """Which text encoder a state dict holds: ComfyUI tells by sizes, which the miniature ones do not have."""
    name = _te_model.get(id(sd))
    return comfy.sd.TEModel[name] if name else _detect_te(sd)


_sdclip_init = comfy.sd1_clip.SDClipModel.__init__


def sdclip_init(self, *args, textmodel_json_config=None, model_class=comfy.clip_model.CLIPTextModel, **kwargs):
    """The configuration of a text encoder with the sizes of its file."""
    sizes = _config.get(model_class.__name__)
    if sizes:
        own = Path(comfy.sd1_clip.__file__).with_name("sd1_clip_config.json")
        found = own if textmodel_json_config is None else textmodel_json_config  # {} is a configuration
        read = found if isinstance(found, dict) else json.loads(Path(found).read_text(encoding="utf-8"))
        textmodel_json_config = merge(read, sizes)
    _sdclip_init(self, *args, textmodel_json_config=textmodel_json_config, model_class=model_class, **kwargs)


_vae_init = comfy.sd.VAE.__init__


def vae_init(self, sd=None, *args, **kwargs):
    """A VAE with the sizes of its file."""
    with classes(pop(sd).get("classes", {})):
        _vae_init(self, sd, *args, **kwargs)


_detect_unet = comfy.model_detection.detect_unet_config


def detect_unet_config(state_dict, key_prefix, metadata=None):
    """The configuration of a diffusion model with the sizes of its file."""
    mark = pop(state_dict, key_prefix)
    for name, sizes in mark.get("supported", {}).items():
        base = getattr(comfy.supported_models, name)
        tiny = type("Tiny" + name, (base,), {"unet_config": merge(base.unet_config, sizes)})
        if not any(model.__name__ == tiny.__name__ for model in comfy.supported_models.models):
            comfy.supported_models.models.insert(0, tiny)  # before the family's looser entries
    out = _detect_unet(state_dict, key_prefix, metadata=metadata)
    return merge(out, mark.get("unet_config", {})) if out is not None else out


_load_vision = comfy.clip_vision.load_clipvision_from_sd


def load_clipvision_from_sd(sd, prefix="", convert_keys=False):
    """A vision encoder with the configuration of its file."""
    mark = pop(sd, prefix)
    if not mark:
        return _load_vision(sd, prefix, convert_keys)
    with classes(mark.get("classes", {})), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(mark["vision_config"], file)
        file.flush()
        clip = comfy.clip_vision.ClipVisionModel(file.name)  # older servers take a path only
    clip.load_sd({key[len(prefix) :]: value for key, value in sd.items() if key.startswith(prefix)})
    return clip


comfy.sd.load_text_encoder_state_dicts = load_text_encoder_state_dicts
comfy.sd.load_state_dict_guess_config = load_state_dict_guess_config
comfy.sd.detect_te_model = detect_te_model
comfy.sd1_clip.SDClipModel.__init__ = sdclip_init
comfy.sd.VAE.__init__ = vae_init
comfy.model_detection.detect_unet_config = detect_unet_config
comfy.clip_vision.load_clipvision_from_sd = load_clipvision_from_sd

lt = importlib.util.find_spec("comfy.text_encoders.lt") and importlib.import_module("comfy.text_encoders.lt")
if hasattr(lt, "LTXAVTEModel"):  # a server older than LTX-2 has none
    _ltxav_init = lt.LTXAVTEModel.__init__

    def ltxav_init(self, *args, **kwargs):
        """LTX-2's text projection is 188160 x 3840, written as literals."""
        _ltxav_init(self, *args, **kwargs)
        size = _config.get("LTXAVTEModel")
        if size:
            weight, linear = self.text_embedding_projection.weight, self.gemma3_12b.operations.Linear
            self.text_embedding_projection = linear(
                size["in"], size["out"], bias=False, dtype=weight.dtype, device=weight.device
            )

    lt.LTXAVTEModel.__init__ = ltxav_init
