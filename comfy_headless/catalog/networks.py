"""The networks that model files hold, as numbers: ``networks.toml``; memory and time are estimated from these."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import pydantic
from pydantic import Field

from comfy_headless.catalog.complaints import complaints
from comfy_headless.catalog.files import NETWORKS, read_toml
from comfy_headless.catalog.preset_file import DottedName, Number
from comfy_headless.catalog.rules import Line, Part
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest

Count = Annotated[int, Field(ge=1)]
P = TypeVar("P", "Vae", "Network")


class Vae(Part):
    """What turns latents into pictures.

    Args:
        name: as files and networks name it.
        parameters: how many numbers it has.
        channels: of a latent.
        spatial: pixels that a cell of a latent is wide and high.
        temporal: frames that a cell is long.
        decode_numbers: held in memory per cell of width x height while decoding, of 2 bytes each.
        decode_over: what this is multiplied by: ``one`` (it decodes in a stream), ``latent`` (the cells in time), or
            ``frames``.
        decode_most: frames that it holds at most.
        decode_short: ``decode_numbers`` of a latent of at most four cells in time.
        encode_numbers: held in memory per pixel of width x height while the first image of a clip is encoded.
        source: where all this was read, in words.
    """

    name: DottedName
    parameters: Count
    channels: Count
    spatial: Count
    temporal: Count
    decode_numbers: Count
    decode_over: Literal["one", "latent", "frames"]
    decode_most: Count | None = None
    decode_short: Count | None = None
    encode_numbers: Count
    source: Line


class Sound(Part):
    """The sound that is sampled together with the pictures.

    Args:
        cells_per_second: of its latent.
        numbers: in each of them.
    """

    cells_per_second: Number
    numbers: Count


class Network(Part):
    """A diffusion model.

    Args:
        name: as files and stages name it.
        vae: whose latents it works on.
        parameters: how many numbers it has; of two experts, each.
        largest_block: numbers of its largest block: what must be on the card at once when weights are streamed.
        memory_factor: ComfyUI's ``memory_usage_factor``.
        patch: cells of a latent in one token: in time, height, width.
        token_parameters: numbers that each token of the video meets; left out where operations are not counted.
        attention_width: numbers of a token inside attention.
        attention_layers: how many layers attend to all tokens.
        text_tokens: tokens of the text among them, where both are attended to together.
        sound: what is sampled with the pictures.
        source: where all this was read, in words.
    """

    name: DottedName
    vae: DottedName
    parameters: Count
    largest_block: Annotated[int, Field(ge=0)] = 0
    memory_factor: Number
    patch: tuple[Count, Count, Count]
    token_parameters: Count | None = None
    attention_width: Count = 1
    attention_layers: Count = 1
    text_tokens: Annotated[int, Field(ge=0)] = 0
    sound: Sound | None = None
    source: Line


class Report(Part):
    """Somebody ran a network on a small card.

    Args:
        network: which one.
        width: pixels.
        height: pixels.
        frames: how many.
        card_gb: GiB of that card, or of what was free on it.
        precision: of the weights, for people: weights that are streamed need no less for being small.
        source: who said so, and where.
    """

    network: DottedName
    width: Count
    height: Count
    frames: Count
    card_gb: Number
    precision: Line | None = None
    source: Line


class Peak(Part):
    """What a card with room showed above idle.

    Args:
        network: which one.
        width: pixels.
        height: pixels.
        frames: how many.
        files: the model files that were loaded, by ``folder/name``.
        cast: whether the diffusion model was cast to fp8 while loading.
        tile: pixels of a tile; left out where the whole was decoded at once.
        peak_gb: GiB.
        source: who measured it, on what.
    """

    network: DottedName
    files: tuple[Line, ...]
    cast: bool = False
    width: Count
    height: Count
    frames: Count
    tile: Count | None = None
    peak_gb: Number
    source: Line


class NetworksToml(Part):
    """What a ``networks.toml`` may hold.

    Args:
        vae: one table for each.
        network: one table for each.
        report: one table for each.
        peak: one table for each.
    """

    vae: tuple[Vae, ...] = ()
    network: tuple[Network, ...] = ()
    report: tuple[Report, ...] = ()
    peak: tuple[Peak, ...] = ()


class Networks:
    """The networks and VAEs that model files may name, and what was reported of them.

    Args:
        folders: each is searched with all folders below it.

    Raises:
        ValidationError: a ``networks.toml`` is wrong, describes something twice, or names what none describes.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.paths: Final = tuple(path for folder in folders for path in sorted(folder.rglob(NETWORKS)))
        tables = [(path, _read(path)) for path in self.paths]
        self.vaes: Final = _named([(path, table.vae) for path, table in tables])
        self.networks: Final = _named([(path, table.network) for path, table in tables])
        self.reports: Final = tuple(report for _, table in tables for report in table.report)
        self.peaks: Final = tuple(peak for _, table in tables for peak in table.peak)
        for path, table in tables:
            for network in table.network:
                _known(network.vae, self.vaes, f"{path}: network {network.name!r}: vae")
            for name in [each.network for each in table.report] + [each.network for each in table.peak]:
                _known(name, self.networks, f"{path}: network")

    def network(self, name: str, where: object) -> Network:
        """Return the network of that name; raises ValidationError, which begins with ``where``."""
        _known(name, self.networks, f"{where}: network")
        return self.networks[name]

    def vae(self, name: str, where: object) -> Vae:
        """Return the VAE of that name; raises ValidationError, which begins with ``where``."""
        _known(name, self.vaes, f"{where}: vae")
        return self.vaes[name]

    def vae_of(self, network: Network) -> Vae:
        """Return the VAE whose latents a network works on."""
        return self.vaes[network.vae]


def _named(tables: list[tuple[Path, tuple[P, ...]]]) -> dict[str, P]:
    found: dict[str, P] = {}
    for path, items in tables:
        for item in items:
            if found.setdefault(item.name, item) is not item:
                raise ValidationError(f"{path}: {item.name!r} is described twice")
    return found


def _known(name: str, there: Iterable[str], where: str) -> None:
    names = list(there)
    if name not in names:
        raise ValidationError(f"{where} = {name!r}: no {NETWORKS} describes it{nearest(name, names)}")


def _read(path: Path) -> NetworksToml:
    try:
        return NetworksToml.model_validate(read_toml(path))
    except pydantic.ValidationError as error:
        raise ValidationError(f"{path}: " + "; ".join(line for _, line in complaints(error, NetworksToml))) from error
