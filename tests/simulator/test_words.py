"""Words and numbers of a graph, found by walking upstream."""

from __future__ import annotations

import pytest

from comfy_headless.simulator.words import prompt_text, seed_of, step_count
from tests.simulator.talk import node, sampler_graph


def test_the_positive_prompt_is_found_and_not_the_negative() -> None:
    """The text that the result was made from is the one on the positive side, also behind other nodes."""
    graph = sampler_graph(text="a hen", seed=9)
    assert prompt_text(graph, "8") == "a hen"
    assert seed_of(graph, "8") == 9
    graph["5"]["inputs"]["positive"] = ["20", 0]
    graph["20"] = node("LTXVConditioning", positive=["2", 0], negative=["3", 0], frame_rate=24.0)
    assert prompt_text(graph, "8") == "a hen"
    graph["2"]["inputs"]["text"] = ["21", 0]
    graph["21"] = node("PrimitiveStringMultiline", value="a cat")
    assert prompt_text(graph, "8") == "a cat"
    assert prompt_text({"1": node("EmptyImage")}, "1") == ""
    assert seed_of({"1": node("EmptyImage")}, "1") == 0


@pytest.mark.parametrize(
    ("sampler", "sigmas", "steps"),
    [
        (node("KSampler", latent_image=["9", 0], steps=7), {}, 7),
        (node("KSamplerAdvanced", latent_image=["9", 0], steps=20, start_at_step=8, end_at_step=10000), {}, 12),
        (node("KSamplerAdvanced", latent_image=["9", 0], steps=20, start_at_step=0, end_at_step=8), {}, 8),
        (node("KSampler", latent_image=["9", 0], steps=["2", 0]), {"2": node("PrimitiveInt", value=5)}, 5),
        (node("KSampler", latent_image=["9", 0], steps=["2", 0]), {"2": node("Math", a=5)}, 1),
        (node("SamplerCustom", latent_image=["9", 0], sigmas=["2", 0]), {"2": node("BasicScheduler", steps=6)}, 6),
        (
            node("SamplerCustom", latent_image=["9", 0], sigmas=["2", 0]),
            {"2": node("ManualSigmas", sigmas="1., 0.5, 0")},
            2,
        ),
        (
            node("SamplerCustomAdvanced", latent_image=["9", 0], sigmas=["2", 1]),
            {"2": node("SplitSigmas", sigmas=["3", 0], step=2), "3": node("LTXVScheduler", steps=8)},
            6,
        ),
        (
            node("SamplerCustomAdvanced", latent_image=["9", 0], sigmas=["2", 0]),
            {"2": node("SplitSigmas", sigmas=["3", 0], step=2), "3": node("LTXVScheduler", steps=8)},
            2,
        ),
        (node("SamplerCustom", latent_image=["9", 0], sigmas=["2", 0]), {}, 1),
        (node("CogVideoSampler", samples=["9", 0], steps=50), {}, 50),
        (node("VAEDecode", samples=["9", 0]), {}, None),
        (node("KSamplerSelect", sampler_name="euler"), {}, None),
    ],
)
def test_steps_are_counted_as_the_real_sampler_takes_them(
    sampler: dict[str, object], sigmas: dict[str, dict[str, object]], steps: int | None
) -> None:
    """Literal steps, a range of them, a scheduler, written sigmas, a split schedule."""
    assert step_count({"1": sampler, **sigmas}, "1") == steps
