"""What a preset is on a machine with the settings and variants that are asked for: whether it has a place for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from comfy_headless import GenerationRejectedError, ValidationError
from comfy_headless.catalog.candidates import Machine, Wishes
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.catalog.recommend import WITHIN, Recommendation, recommend

IMAGES: Mapping[str, Mapping[str, str]] = {
    "text": {},
    "image": {"image": "a.png"},
    "first_last": {"image": "a.png", "last_image": "b.png"},
}
GGUF = frozenset({"UnetLoaderGGUF", "CLIPLoaderGGUF"})
UPSCALING = frozenset({"UpscaleModelLoader", "ImageUpscaleWithModel"})


def server(name: str, *, instead: Mapping[str, str] | None = None) -> ServerFacts:
    """A server with the nodes and files of one preset from text, and other files in some roles."""
    preset, files = VIDEO_PRESETS[name], dict[str, set[str]]()
    for role, file in preset.at("text").files.items():
        files.setdefault(file.folder, set()).add((instead or {}).get(role, file.name))
    classes = {node["class_type"] for node in preset.template("text").graph.values()} | GGUF
    return ServerFacts(frozenset(classes), {folder: frozenset(names) for folder, names in files.items()})


def chosen(settings: Mapping[str, Any], vram_gb: float = 24, facts: ServerFacts | None = None, **more: Any) -> Any:
    wishes = Wishes(within=WITHIN, settings=settings, **more)
    return recommend(VIDEO_PRESETS, Machine(vram_gb, "test", facts=facts), wishes, must_run=facts is not None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"precision": "fp8"}, {"codec": "vp9"}, {"precision": "Q4_K_M", "codec": "h264"}], ids=str
)
@pytest.mark.parametrize(("vram_gb", "task"), [(8, "text"), (24, "image"), (24, "first_last"), (80, "text")])
def test_what_is_taken_can_be_compiled(settings: Mapping[str, Any], vram_gb: float, task: Task) -> None:
    """A preset that has no place for a variant is passed over; of those that were not, each has one."""
    found: Recommendation = chosen(settings, vram_gb, task=task)
    refused = {each.name for each in found.candidates if each.refuses}
    for each in found.candidates:
        try:
            WorkflowCompiler().compile(each.name, "", **IMAGES[task], **settings)
        except ValidationError:
            assert each.name in refused
        else:
            assert each.name not in refused
    assert found.name not in refused


def test_nothing_has_a_place_for_it() -> None:
    """Where every preset refuses, the reason of the best one is the error."""
    with pytest.raises(ValidationError, match="codec='banana': unknown codec"):
        chosen({"codec": "banana"})


@pytest.mark.parametrize("name", ["task", "card", "vram_gb", "files", "pace", "presets", "self", "preset"])
def test_settings_may_be_called_anything(name: str) -> None:
    """A setting that is called as an argument somewhere inside is one that the preset does not have."""
    with pytest.raises(ValidationError, match=f"has no setting '{name}'"):
        chosen({name: "image"})


def test_a_precision_that_lies_there() -> None:
    """A preset whose only model on the server is in the precision that is asked for is taken, with nothing missing."""
    own = VIDEO_PRESETS["wan_5b"].at("text").files["model"]
    small = next(
        each for each in VIDEO_PRESETS.files.values() if (each.weights, each.precision) == (own.weights, "Q4_K_M")
    )
    found = chosen({"precision": "Q4_K_M"}, facts=server("wan_5b", instead={"model": small.name}))
    assert (found.name, found.missing) == ("wan_5b", ())


def test_what_a_variant_brings_must_be_there() -> None:
    """A file or node that only a variant needs is missing like the preset's own, and no pack is told for ComfyUI's."""
    has = server("wan_1.3b")
    assert chosen({}, facts=has).name == "wan_1.3b"
    for settings, word in (({"precision": "fp8"}, "fp8"), ({"upscale": 2}, "RealESRGAN_x2plus.pth")):
        with pytest.raises(GenerationRejectedError, match="can run no preset yet") as caught:
            chosen(settings, facts=has._replace(node_classes=has.node_classes | UPSCALING))
        (line,) = str(caught.value).splitlines()[1:]
        assert word in line and " into ComfyUI/models/" in line
    quick = server("animatediff_quick")
    (each,) = (each for each in chosen({}, facts=quick).candidates if each.name == "animatediff_quick")
    assert each.lacks == ()
    with pytest.raises(GenerationRejectedError) as caught:
        chosen({"upscale": 2}, 4, facts=quick)
    told = str(caught.value)
    assert "animatediff_quick needs the nodes UpscaleModelLoader, " in told and "node pack" not in told
