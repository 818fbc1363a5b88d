"""What the files of a preset put into memory: each kind of weights in GiB, as ComfyUI loads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from comfy_headless.catalog.memory import GIB, bits, weights_gb
from comfy_headless.catalog.networks import Network, Networks
from comfy_headless.catalog.preset_file import ModelFile

_HALF: Final = "bf16"
"""What VAEs, and models that are not quantised, are computed in."""

_KINDS: Final[Mapping[str, str]] = {"text_encoders": "text encoder", "clip_vision": "text encoder", "loras": "loras"}


class Part(NamedTuple):
    """One thing that takes memory.

    Args:
        name: model, text encoder, vae, loras, other, sampling, decoding, encoding.
        gb: GiB.
        what: the files, or how it was computed.
    """

    name: str
    gb: float
    what: str


class Load(NamedTuple):
    """All weights, by kind, and what is not known of them."""

    parts: tuple[Part, ...]
    unknown: tuple[str, ...]

    @property
    def gb(self) -> float:
        """GiB of all together."""
        return sum(part.gb for part in self.parts)


def load(files: Iterable[ModelFile], networks: Networks, sampling: Iterable[Network], precision: str | None) -> Load:
    """Return what files put into memory.

    Args:
        sampling: the networks that sample: of these, those that no file holds are fetched by a node pack.
        precision: of the diffusion models, where a caller asks for another than that of their files.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    held: set[str] = set()
    unknown = []
    for file in files:
        held |= {file.network} if file.network else set()
        for name, size in _weights(file, networks, precision):
            cast = f" as {precision}" if precision is not None and name == "model" else ""
            found.setdefault(name, []).append((size, file.name + cast))
        if file.size_gb is None and file.network is None and file.vae is None:
            unknown.append(f"the size of {file.name} is not known: it is left out")
    for network in {each.name: each for each in sampling if each.name not in held}.values():
        vae = networks.vae_of(network)
        found.setdefault("model", []).append((weights_gb(network.parameters, precision or _HALF), network.name))
        found.setdefault("vae", []).append((weights_gb(vae.parameters, _HALF), vae.name))
    parts = [
        Part(name, sum(gb for gb, _ in items), ", ".join(what for _, what in items)) for name, items in found.items()
    ]
    return Load(tuple(parts), tuple(unknown))


def _weights(file: ModelFile, networks: Networks, precision: str | None) -> list[tuple[str, float]]:
    """Return what a file puts into memory, by kind, in GiB."""
    size = (file.size_gb or 0.0) * 1e9 / GIB * bits(file.precision) / _stored(file.precision)
    if file.network is not None:
        network = networks.network(file.network, file.key)
        model = weights_gb(network.parameters, precision or file.precision)
        if file.vae is None:
            return [("model", model)]
        vae = weights_gb(networks.vae(file.vae, file.key).parameters, _HALF)
        rest = size - weights_gb(network.parameters, file.precision) - vae
        return [("model", model), ("vae", vae), *([("other", rest)] if rest > 0.1 else [])]
    if file.vae is not None:
        return [("vae", weights_gb(networks.vae(file.vae, file.key).parameters, _HALF))]
    return [(_KINDS.get(file.folder, "other"), size)]


def _stored(precision: str) -> float:
    """Return the bits of a weight in its file; memory holds those of fp32 in 16."""
    return 32.0 if precision == "fp32" else bits(precision)
