"""The model files that are shipped: what they hold, and that files of one network differ in nothing but precision."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import permutations

import pytest

from comfy_headless.catalog.networks import Networks
from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.config import presets_folder

PRESETS = PresetLibrary()
FILES = PRESETS.files
NETWORKS = Networks([presets_folder()])

WITHOUT_A_NETWORK = {"z_image", "sdxl"}
"""Families of pictures: nobody has counted their networks."""

BITS = {
    "fp32": 32.0,
    **dict.fromkeys(("fp16", "bf16", "16 bit"), 16.0),
    "Q8_0": 8.5,
    **dict.fromkeys(("fp8", "fp8_scaled", "fp8_mixed", "fp8_e4m3fn", "int8"), 8.0),
    "Q6_K": 6.56,
    "Q5_K_M": 5.7,
    "Q5_K_S": 5.5,
    "Q4_K_M": 4.85,
    "Q4_K_S": 4.6,
    **dict.fromkeys(("nvfp4", "fp4_mixed"), 4.5),
    "Q3_K_M": 3.9,
    "Q3_K_S": 3.5,
}
"""Bits of a number; of the K quantisations, as llama.cpp has them on average."""

GROUPS: dict[tuple[str, str], list[ModelFile]] = defaultdict(list)
for each in FILES.values():
    if each.weights is not None:
        GROUPS[each.folder, each.weights].append(each)


def held(role: str) -> list[tuple[str, ModelFile]]:
    """The files of a role by preset, in every task; presets without a counted network are left out."""
    return [
        (name, file)
        for name, preset in PRESETS.items()
        if preset.family not in WITHOUT_A_NETWORK
        for task in preset.tasks
        for each, file in preset.at(task).files.items()
        if each == role or each.endswith(f"_{role}")
    ]


def test_each_model_says_what_network_it_holds() -> None:
    """A model of a preset names its network, a VAE itself, a checkpoint both; all that is named is described."""
    models, checkpoints, vaes = held("model"), held("checkpoint"), held("vae")
    assert models and checkpoints and vaes
    assert [name for name, file in [*models, *checkpoints] if file.network not in NETWORKS.networks] == []
    assert [name for name, file in [*vaes, *checkpoints] if file.vae not in NETWORKS.vaes] == []
    named = {file.network for file in FILES.values()} | {file.vae for file in FILES.values()}
    assert named <= {*NETWORKS.networks, *NETWORKS.vaes, None}


def test_a_checkpoint_has_the_vae_of_its_network() -> None:
    """Both lie in one file, so they were made for each other."""
    both = [file for file in FILES.values() if file.network and file.vae]
    assert both
    assert [file.name for file in both if NETWORKS.networks[str(file.network)].vae != file.vae] == []


@pytest.mark.parametrize("key", GROUPS, ids="/".join)
def test_files_of_one_network_differ_in_precision_alone(key: tuple[str, str]) -> None:
    """One word in ``weights``: one network and VAE, and each precision once."""
    files = GROUPS[key]
    assert len({(file.network, file.vae) for file in files}) == 1
    assert len({file.precision for file in files}) == len(files)


@pytest.mark.parametrize("key", GROUPS, ids="/".join)
def test_more_bits_make_a_larger_file(key: tuple[str, str]) -> None:
    """Sizes of one network go in the order of their bits, as far as these differ by a tenth."""
    sized = [(BITS[file.precision], file.size_gb, file.name) for file in GROUPS[key] if file.size_gb is not None]
    wrong = [
        (more[2], less[2]) for more, less in permutations(sized, 2) if more[0] >= 1.1 * less[0] and more[1] <= less[1]
    ]
    assert wrong == []


def test_a_diffusion_model_is_as_large_as_its_network() -> None:
    """Parameters times bits, and at most a quarter more: norms and the like are kept at higher precision."""
    wrong = {}
    for file in FILES.values():
        if file.folder == "diffusion_models" and file.network and file.size_gb is not None:
            counted = NETWORKS.networks[file.network].parameters * BITS[file.precision] / 8e9
            if not 0.95 <= file.size_gb / counted <= 1.25:
                wrong[file.name] = (file.size_gb, round(counted, 2))
    assert wrong == {}


def test_no_name_stands_twice() -> None:
    """A name that lies on a server is that of one file, in capitals or not."""
    names = [(file.key, name) for file in FILES.values() for name in (file.name, *file.also)]
    written = [f"{key.split('/')[0]}/{name}" for key, name in names]
    assert len(set(written)) == len(written)
    owners = defaultdict(set)
    for (key, _), name in zip(names, written, strict=True):
        owners[name.lower()].add(key)
    assert [name for name, keys in owners.items() if len(keys) > 1] == []


def test_a_quantised_file_says_which_quantisation_it_has() -> None:
    """The precision of a GGUF file is the end of its name, and of its other names; no other file has one such."""
    for file in FILES.values():
        assert file.name.endswith(".gguf") == (re.fullmatch(r"Q\d_\w+", file.precision) is not None), file.name
        if file.name.endswith(".gguf"):
            assert all(re.search(rf"[-_.]{file.precision}\.gguf$", name) for name in (file.name, *file.also)), file.name
            assert file.folder in ("diffusion_models", "text_encoders")
            assert file.weights is not None


def test_a_file_lies_where_its_repository_has_it() -> None:
    """The path in the repository ends in the file's name: a download needs no other."""
    assert [file.name for file in FILES.values() if file.path.rsplit("/", 1)[-1] != file.name] == []
