"""How fast a card computes: found by its name in whatever words, else by its memory; a promise that runs keep."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.cards import EFFICIENCY, FIXED_SECONDS, REFERENCE, cards, find_card, read_cards
from comfy_headless.catalog.memory import Clip, pflop
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.errors import ValidationError

CARD = {"name": "RTX 1", "tflops": 10.0, "vram_gb": 8, "source": "here"}
SIZE = {"from": 0, "tflops": 1.0, "source": "here"}
RUN = {"network": "wan22_5b", "width": 64, "height": 64, "frames": 5, "steps": 1, "passes": 1}
RUN |= {"card": "RTX 1", "seconds": 1.0, "source": "here"}
SIZES = [size.least_gb for size in cards().size]
COMPUTED = re.compile(r"computed: (\d+) (SMs|cores|CUs) x (\d+) x ([\d.]+) GHz")


@pytest.mark.parametrize(
    ("name", "vram_gb", "found", "rate"),
    [
        ("cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync", 23.5, "RTX 4090", 165.2),
        ("RTX 4090", None, "RTX 4090", 165.2),
        ("nvidia geforce rtx 4090", None, "RTX 4090", 165.2),
        ("NVIDIA GeForce RTX 4090 D", 23.5, "RTX 4090 D", 147.1),
        ("cuda:0 NVIDIA GeForce RTX 4090 Laptop GPU : native", 15.6, "RTX 4090 Laptop", 79.4),
        ("NVIDIA GeForce RTX 4070", 12, "RTX 4070", 58.3),
        ("NVIDIA GeForce RTX 4070 SUPER", 12, "RTX 4070 SUPER", 71),
        ("NVIDIA GeForce RTX 4070 Ti", 12, "RTX 4070 Ti", 80.2),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 15.6, "RTX 4070 Ti SUPER", 88.2),
        ("NVIDIA GeForce RTX 3080", 12, "RTX 3080", 61.3),
        ("NVIDIA GeForce RTX 3080", 10, "RTX 3080", 59.5),
        ("NVIDIA GeForce RTX 3080", None, "RTX 3080", 59.5),
        ("NVIDIA GeForce RTX 3050 6GB", 6, "RTX 3050", 13.5),
        ("Tesla T4", 14.56, "T4", 65),
        ("Tesla V100-SXM2-16GB", 16, "V100 SXM2", 125),
        ("Tesla V100-PCIE-16GB", 16, "V100", 112),
        ("NVIDIA A10G", 22.3, "A10G", 70),
        ("NVIDIA A10", 22.3, "A10", 125),
        ("NVIDIA RTX A6000", 48, "RTX A6000", 154.8),
        ("NVIDIA RTX 6000 Ada Generation", 48, "RTX 6000 Ada", 364.2),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 95, "RTX PRO 6000 Blackwell Workstation", 503.8),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 95, "RTX PRO 6000 Blackwell Max-Q", 438.9),
        ("NVIDIA A100-SXM4-80GB", 79.2, "A100", 312),
        ("NVIDIA H100 80GB HBM3", 79.2, "H100", 989),
        ("NVIDIA H100 PCIe", 79.2, "H100 PCIe", 756),
        ("NVIDIA GB10", 119, "GB10", 125),
        ("cuda:0 AMD Radeon RX 7900 XTX : native", 24, "Radeon RX 7900 XTX", 122.9),
        ("cuda:0 AMD Radeon RX 7900 XT : native", 20, "Radeon RX 7900 XT", 103.2),
        ("xpu:0 Intel(R) Arc(TM) B580 Graphics", 12, "Arc B580", 116.5),
    ],
)
def test_a_card_is_known_by_its_name(name, vram_gb, found, rate):
    """The longest name in what a server, NVML or a person says is the card; of one name, the memory chooses."""
    card = find_card(name, vram_gb)
    assert card is not None
    assert (card.name, card.tflops) == (found, pytest.approx(rate * EFFICIENCY))


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA GeForce RTX 2080 with Max-Q Design",
        "NVIDIA RTX 2000 Ada Generation Laptop GPU",
        "NVIDIA GeForce GTX 1080 Ti Mobile",
        "NVIDIA GeForce RTX 40900",
        "Radeon RX 7900 XTXX",
        "a card from tomorrow",
        "",
        None,
    ],
)
def test_a_relative_is_another_card(name):
    """A name that no entry has whole is unknown: its memory tells, roughly; without that, nothing does."""
    card = find_card(name, 12)
    assert card is not None
    assert card.rough
    assert card.name == "a card of 12 GiB"
    assert find_card(name, None) is None


@pytest.mark.parametrize("name", ["cpu", "mps", "CPU"])
def test_some_devices_have_no_speed(name):
    """A CPU or a Mac of unknown make is given no time, however much memory it has."""
    assert find_card(name, 64) is None


@pytest.mark.parametrize(
    ("name", "share"),
    [("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 1 / 7), ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", 3 / 7)],
)
def test_a_slice_is_a_part_of_a_card(name, share):
    """A MIG slice computes with its sevenths of the card, and that is rough."""
    card = find_card(name, 5)
    assert card is not None
    assert card.rough
    assert card.tflops == pytest.approx(312 * share * EFFICIENCY)


@pytest.mark.parametrize(
    ("name", "vram_gb", "rate"),
    [
        ("NVIDIA A40-8Q", 8, 149.7 * 8 / 48),
        ("cuda:0 GRID A100-4C : native", 4, 312 * 4 / 40),
        ("GRID T4-16Q", 16, 65),
        ("GRID T4-0B", 0.5, 65 / 32),
    ],
)
def test_a_virtual_card_is_a_part_of_one(name, vram_gb, rate):
    """A virtual GPU computes with its share of the card's memory, and that is rough."""
    card = find_card(name, vram_gb)
    assert card is not None
    assert card.rough
    assert card.tflops == pytest.approx(rate * EFFICIENCY)


@given(st.text(), st.none() | st.floats(allow_nan=True))
def test_no_name_is_too_odd(name, vram_gb):
    """Whatever a server calls its device and says of its memory, the answer is a card with a rate, or none."""
    card = find_card(name, vram_gb)
    assert card is None or card.tflops > 0


@pytest.mark.parametrize("vram_gb", [0, -1, float("nan")])
def test_no_memory_is_no_card(vram_gb):
    """Nothing is estimated for a card without memory."""
    assert find_card(None, vram_gb) is None


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_more_memory_is_no_slower(one, other):
    """Of two unknown cards up to 100 GiB the larger is taken to be at least as fast; above that may be a machine's."""
    smaller, larger = sorted((one, other))
    slow, fast = find_card(None, smaller), find_card(None, larger)
    assert slow is not None
    assert fast is not None
    assert slow.tflops <= fast.tflops


@pytest.mark.parametrize(("nominal", "reported"), [(24, 22.28), (16, 15.6), (16, 14.56), (12, 11.6), (8, 7.6)])
def test_a_card_reports_less_than_its_name(nominal, reported):
    """What a card of that size reports counts as that size."""
    named, told = find_card(None, nominal), find_card(None, reported)
    assert named is not None
    assert told is not None
    assert named.tflops == told.tflops


def test_an_unknown_card_is_promised_little():
    """Hardly a card that is known well is slower than what is taken for an unknown one of its size."""
    assert sorted(SIZES) == SIZES
    for card in cards().card:
        unknown = find_card(None, card.vram_gb)
        assert unknown is not None
        assert card.rough or card.name in SLOWER or card.tflops * EFFICIENCY >= unknown.tflops, card


SLOWER = {"A2", "A16", "A10G", "L20", "H20"}
"""Server cards that are made to be slow: nobody has one unnamed."""


@pytest.mark.parametrize("card", cards().card, ids=lambda card: f"{card.name} {card.vram_gb:g}")
def test_a_computed_rate_is_computed(card):
    """Where a source says how a rate was computed, that is what it comes to; cores do two operations a clock."""
    found = COMPUTED.match(card.source)
    if found:
        units, kind, each, clock = int(found[1]), found[2], int(found[3]), float(found[4])
        assert kind != "cores" or each == 2
        assert card.tflops == pytest.approx(units * each * clock / 1000, abs=0.06)


def test_the_reference_is_what_presets_were_computed_with():
    """The times in presets are for 70 TFLOPS on an RTX 4090."""
    card = find_card(REFERENCE, None)
    assert card is not None
    assert card.tflops == pytest.approx(70, rel=0.01)


def test_most_runs_keep_the_promise():
    """Every timed run in ComfyUI took no longer than is estimated, four of five of all, and none twice as long."""
    ratios = {}
    for run in cards().run:
        network = PRESETS.networks.networks[run.network]
        once = pflop(network, PRESETS.networks.vae_of(network), Clip(run.width, run.height, run.frames))
        card = find_card(run.card, None)
        assert card is not None
        if once is not None:
            ratios[run] = run.seconds / (FIXED_SECONDS + once * run.steps * run.passes * 1000 / card.tflops)
    assert len(ratios) > 20
    assert [run for run, ratio in ratios.items() if ratio > 1 and "Comfy" in run.source] == []
    assert sum(ratio <= 1 for ratio in ratios.values()) >= 0.8 * len(ratios)
    assert max(ratios.values()) < 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"card": [{**CARD, "tflop": 3}], "size": [SIZE]}, "unknown key 'card.0.tflop'; did you mean 'tflops'?"),
        ({"card": [{**CARD, "tflops": 0}], "size": [SIZE]}, "card.0.tflops = 0: expected greater than 0"),
        ({"card": [{"name": "RTX 1", "tflops": 1, "vram_gb": 8}], "size": [SIZE]}, "'card.0.source' is missing"),
        ({"card": [CARD]}, "'size' is missing"),
        ({"card": [CARD, CARD], "size": [SIZE]}, "card 'RTX 1' of 8 GB is described twice"),
        ({"card": [CARD], "size": [SIZE], "run": [{**RUN, "card": "RTX 2"}]}, "a run on 'RTX 2': no card"),
    ],
)
def test_a_mistake_is_named(data, says):
    """An error names the file, the key, and what is expected there."""
    with pytest.raises(ValidationError) as caught:
        read_cards(data, "cards.toml")
    assert str(caught.value).startswith("cards.toml: ")
    assert says in str(caught.value)


def test_cards_of_one_name_may_differ_in_memory():
    """An entry is a name and a size; a run names the card."""
    read = read_cards({"card": [CARD, {**CARD, "vram_gb": 16}], "size": [SIZE], "run": [RUN]}, "cards.toml")
    assert len(read.card) == 2
