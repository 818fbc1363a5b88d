"""Memory and operations of one job: figures that were computed apart, and what must hold for any size."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless import ValidationError
from comfy_headless.catalog import memory
from comfy_headless.catalog.memory import Clip
from comfy_headless.catalog.networks import Networks
from comfy_headless.catalog.presets import PRESETS

NETWORKS = PRESETS.networks

# network, clip, frames a second; GiB reserved for a step of one prompt, GiB to decode in tiles of 256, tokens, PFLOP
# of one pass: computed with ComfyUI 0.30.0's formulas by another program.
FIGURES = [
    ("animatediff_sd15", (512, 512, 16), 8, 1.28, 0.27, None, None),
    ("svd_xt", (1024, 576, 25), 6, 9.0, 0.27, None, None),
    ("ltxv_2b", (768, 512, 97), 24, 0.54, 0.95, 4992, 0.176 / 8),
    ("ltxv_13b", (1216, 704, 121), 30, 2.87, 1.17, 13376, None),
    ("ltx2_19b", (1920, 1088, 121), 25, 6.31, 1.17, 32640, None),
    ("ltx2.3_22b", (1280, 704, 121), 25, 2.73, 1.17, 14080, None),
    ("hunyuan15_8b", (1280, 720, 121), 24, 8.72, 1.76, 111600, 248.6 / 40),
    ("hunyuan_13b", (1280, 720, 129), 24, 16.71, 2.73, 118800, 603.3 / 50),
    ("wan21_1.3b", (832, 480, 81), 16, 1.77, 0.85, 32760, 16.8 / 60),
    ("wan22_5b", (1280, 704, 121), 24, 2.95, 0.98, 27280, 20.5 / 40),
    ("wan22_14b", (1280, 720, 81), 16, 13.61, 0.85, 75600, 519.2 / 80),
    ("mochi_10b", (848, 480, 163), 30, 6.96, 20.51, 44520, 213.3 / 128),
    ("cogvideox_5b", (720, 480, 49), 8, 2.74, None, 17550, 33.0 / 100),
    ("cogvideox1.5_5b", (1360, 768, 81), 16, 13.39, None, 44880, 147.7 / 100),
]


@pytest.mark.parametrize(("name", "size", "fps", "step", "tiled", "tokens", "once"), FIGURES, ids=lambda v: str(v))
def test_figures(
    name: str,
    size: tuple[int, int, int],
    fps: float,
    step: float,
    tiled: float | None,
    tokens: int | None,
    once: float | None,
) -> None:
    """Memory of a step and of decoding, tokens and operations are those of ComfyUI's formulas."""
    network = NETWORKS.networks[name]
    vae, clip = NETWORKS.vae_of(network), Clip(*size, fps)
    assert memory.sampling_gb(network, vae, clip, batch=1) == pytest.approx(step, abs=0.006)
    assert memory.sampling_gb(network, vae, clip, batch=2) == 2 * memory.sampling_gb(network, vae, clip, batch=1)
    if tiled is not None:
        assert memory.decoding_gb(vae, clip, tile=256) == pytest.approx(tiled, abs=0.006)
    if tokens is not None:
        assert memory.tokens(network, vae, clip) == tokens
    if once is not None:
        assert memory.pflop(network, vae, clip) == pytest.approx(once, rel=0.02)


@pytest.mark.parametrize(
    ("name", "size", "whole", "tiled"),
    [
        ("wan22_5b", (1280, 704, 121), 5.54, 1.61),
        ("wan22_14b", (832, 480, 81), 4.46, 2.75),
        ("hunyuan15_8b", (1280, 720, 121), 21.63, 6.15),
        ("ltxv_2b", (768, 512, 97), 0.41, 0.27),
        ("svd_xt", (1024, 576, 25), 1.94, 0.86),
    ],
)
def test_encoding(name: str, size: tuple[int, int, int], whole: float, tiled: float) -> None:
    """Memory for encoding a first image is that of ComfyUI's formula; in tiles it is no more."""
    vae = NETWORKS.vae_of(NETWORKS.networks[name])
    assert memory.encoding_gb(vae, Clip(*size)) == pytest.approx(whole, abs=0.006)
    assert memory.encoding_gb(vae, Clip(*size), tile=512) == pytest.approx(tiled, abs=0.006)


@given(
    st.sampled_from(sorted(NETWORKS.networks)),
    st.integers(4, 60),
    st.integers(4, 60),
    st.integers(1, 40),
    st.sampled_from([256, 512, 768]),
)
def test_more_takes_no_less(name: str, width: int, height: int, frames: int, tile: int) -> None:
    """A larger or longer clip never takes less; tiles never take more than whole pictures."""
    network = NETWORKS.networks[name]
    vae = NETWORKS.vae_of(network)
    small, large = Clip(width * 32, height * 32, frames), Clip(width * 32 + 64, height * 32 + 64, frames + 8)
    assert memory.sampling_gb(network, vae, small, batch=1) <= memory.sampling_gb(network, vae, large, batch=1)
    assert memory.decoding_gb(vae, small) <= memory.decoding_gb(vae, large)
    assert (memory.pflop(network, vae, small) or 0) <= (memory.pflop(network, vae, large) or 0)
    assert memory.decoding_gb(vae, large, tile=tile, tile_frames=16) <= memory.decoding_gb(vae, large, tile=tile)
    assert memory.decoding_gb(vae, large, tile=tile) <= memory.decoding_gb(vae, large)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("fp16", 16),
        ("bf16", 16),
        ("fp32", 16),
        ("fp8_scaled", 8),
        ("Q8_0", 8.5),
        ("Q4_K_M", 4.85),
        ("Q4_0", 4.5),
        ("Q3_K_S", 3.7),
        ("fp4_mixed", 4.5),
        ("16 bit", 16),
    ],
)
def test_bits(precision: str, expected: float) -> None:
    """A weight takes the bits of its precision in memory; one that is not known counts as 16."""
    assert memory.bits(precision) == expected
    assert memory.known_bits(precision) == (None if precision == "16 bit" else expected)


VAE = (
    'name = "v"\nparameters = 1\nchannels = 4\nspatial = 8\ntemporal = 1\n'
    'decode_numbers = 9\ndecode_over = "one"\nencode_numbers = 5'
)
NETWORK = 'name = "n"\nvae = "v"\nparameters = 5\nmemory_factor = 1\npatch = [1, 2, 2]\nsource = "counted"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'[[vae]]\n{VAE}\nsource = "x"\n[[vae]]\n{VAE}\nsource = "x"\n', "'v' is described twice"),
        (f"[[network]]\n{NETWORK}\n", "network 'n': vae = 'v': no networks.toml describes it"),
        (f"[[vae]]\n{VAE}\n", "source"),
        (f'[[vae]]\n{VAE.replace("one", "all")}\nsource = "x"\n', "'latent'"),
        (
            '[[report]]\nnetwork = "n"\nwidth = 8\nheight = 8\nframes = 1\ncard_gb = 8\nsource = "x"\n',
            "'n': no networks",
        ),
        ("[[network]\n", "not a TOML file"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, words: str) -> None:
    """A networks.toml that is wrong is an error that names the file, the key and the value."""
    (tmp_path / "networks.toml").write_text(text)
    with pytest.raises(ValidationError) as caught:
        Networks([tmp_path])
    assert str(tmp_path) in str(caught.value) and words in str(caught.value)
