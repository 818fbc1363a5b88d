"""Parts that the miniature families share: random weights, files, text encoders, vision encoders, LoRAs.

Importing this module imports ComfyUI, so generate.py puts ComfyUI's source on the path first.
"""

import io
import json
import re
import zlib
from pathlib import Path

import comfy.clip_model
import comfy.ops
import comfy.text_encoders.llama as llama_models
import safetensors.torch
import sentencepiece
import torch
from comfy.text_encoders.t5 import T5

KEY = "comfy_headless_tiny"  # the extra tensor that custom_nodes/tiny_models.py reads
COMFY = Path(comfy.ops.__file__).resolve().parent
TEXT = 64  # hidden size of every miniature text encoder
CLIP = dict(num_hidden_layers=2, intermediate_size=64, hidden_size=TEXT, num_attention_heads=2)
LLAMA = dict(hidden_size=TEXT, intermediate_size=128, num_hidden_layers=4, num_attention_heads=1, num_key_value_heads=1)
TOKENIZER = dict(
    vocab_size=400,
    byte_fallback=True,
    character_coverage=1.0,
    pad_id=0,
    eos_id=1,
    unk_id=2,
    bos_id=-1,
    hard_vocab_limit=False,
    minloglevel=2,
)
ops = comfy.ops.disable_weight_init
generator = torch.Generator()
FAMILIES = {}
folder = Path()  # where files go; generate.py says


def family(function):
    """Register a function that writes the files of one family; its weights depend on its name alone."""

    def write():
        generator.manual_seed(zlib.crc32(function.__name__.encode()))
        function()

    FAMILIES[function.__name__] = write
    return function


def config(name):
    """A configuration file that ComfyUI carries."""
    return json.loads((COMFY / name).read_text(encoding="utf-8"))


def random(model, std=0.05, dtype=torch.float16):
    """A state dict of `model` (a module or a state dict): ones for scales, zeros for biases, small noise elsewhere."""
    state = model if isinstance(model, dict) else model.state_dict()
    return {key: random_tensor(key, value, std).to(dtype_of(value, dtype)) for key, value in state.items()}


def dtype_of(value, dtype):
    return dtype if value.is_floating_point() else value.dtype


def random_tensor(key, value, std):
    if not value.is_floating_point():
        return torch.zeros_like(value)
    vector, scale = value.ndim <= 1, key.endswith(("weight", "gamma", "scale"))
    if (vector and scale) or ("_norm" in key and key.endswith("weight")) or key.endswith("gamma"):
        return torch.ones(value.shape)
    if key.endswith("bias"):
        return torch.zeros(value.shape)
    return torch.randn(value.shape, generator=generator) * (std if vector else min(std, value[0].numel() ** -0.5))


def prefixed(prefix, weights):
    """The same weights under longer names."""
    return {prefix + key: value for key, value in weights.items()}


def mark(sizes):
    """The tensor that tells tiny_models.py with which sizes a file was made."""
    return torch.tensor(list(json.dumps(sizes).encode()), dtype=torch.uint8)


def save(path, weights, sizes=None, metadata=None):
    """Write `<path>.safetensors` below the folder; `sizes` go in as the mark, `metadata` as ComfyUI reads it."""
    if sizes:
        weights = {**weights, KEY: mark(sizes)}
    target = folder / f"{path}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous() for key, value in weights.items()}
    metadata = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()}
    safetensors.torch.save_file(weights, str(target), metadata=metadata or None)
    return weights


def sentencepiece_model(**options):
    """A 400-word tokenizer, and its size: umT5 and Gemma files carry their tokenizer inside."""
    out = io.BytesIO()
    whos, hows = ["a", "cat", "dog", "bird", "fish", "robot"], ["red", "blue", "green", "slow", "fast"]
    words = [f"{who} {how} walking on the street at night" for who in whos for how in hows]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words * 4), model_writer=out, **{**TOKENIZER, **options}
    )
    model = out.getvalue()
    size = sentencepiece.SentencePieceProcessor(model_proto=model).get_piece_size()
    return torch.tensor(list(model), dtype=torch.uint8), size


def t5(path, base, te_model, tokenizer=None, **sizes):
    """A T5 text encoder."""
    weights = random(T5({**config(f"text_encoders/{base}.json"), **sizes}, torch.float32, "cpu", ops))
    if tokenizer is not None:
        weights["spiece_model"] = tokenizer
    save(path, weights, {"te_model": te_model, "config": {"T5": sizes}})


def clip_text(base="sd1_clip_config.json", **sizes):
    """The weights of a CLIP text encoder."""
    return random(comfy.clip_model.CLIPTextModel({**config(base), **CLIP, **sizes}, torch.float32, "cpu", ops))


def llama(path, cls, te_model, extra=None, **sizes):
    """A text encoder of one of ComfyUI's llama-like classes; vision towers are left out of the file."""
    sizes = {**LLAMA, **sizes}
    state = getattr(llama_models, cls)(sizes, torch.float32, "cpu", ops).state_dict()
    weights = random({key: value for key, value in state.items() if not key.startswith("visual.")})
    save(path, weights, {"te_model": te_model, "config": {cls: sizes}, **(extra or {})})


def vision(path, base, layers=2, classes=None, **sizes):
    """A CLIP or SigLIP vision encoder. Two layers: ComfyUI hands out the last but one."""
    cfg = {**config(base), "num_hidden_layers": layers, "intermediate_size": 64, **sizes}
    model = comfy.clip_model.CLIPVisionModelProjection(cfg, torch.float32, "cpu", ops)
    if classes:
        projector = comfy.clip_model.LlavaProjector(cfg["hidden_size"], TEXT, torch.float32, "cpu", ops)
        model.multi_modal_projector = projector
    sizes = {"vision_config": cfg, **({"classes": classes} if classes else {})}
    weights = random(model)
    if path:
        save(path, weights, sizes)
    return weights, sizes


def lora(path, weights, layers, down="lora_down", up="lora_up", prefix="diffusion_model.", dots=True, alpha=True):
    """A rank-1 LoRA on the 2-d weights whose names match the regex `layers`: it really changes the model's output."""
    out = {}
    for key, value in weights.items():
        if value.ndim != 2 or not key.endswith(".weight") or not re.search(layers, key):
            continue
        layer = key.removesuffix(".weight")
        name = prefix + (layer if dots else layer.replace(".", "_"))
        out[f"{name}.{down}.weight"] = (torch.randn(1, value.shape[1], generator=generator) * 0.2).half()
        out[f"{name}.{up}.weight"] = (torch.randn(value.shape[0], 1, generator=generator) * 0.2).half()
        if alpha:
            out[f"{name}.alpha"] = torch.tensor(1.0)
    assert out, f"no layer of {path} matches {layers}"
    save(path, out)
