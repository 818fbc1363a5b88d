"""The JSON schemas for editors: what is shipped passes, what the reader refuses does not, and every key has words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft7Validator

from comfy_headless import ValidationError
from comfy_headless.catalog.files import CARDS
from comfy_headless.catalog.models import VideoModel
from comfy_headless.catalog.preset_schema import Kind, preset_schema
from comfy_headless.catalog.presets import VIDEO_PRESETS, PresetLibrary
from comfy_headless.config import presets_folder

KINDS: tuple[Kind, ...] = get_args(Kind)
VALIDATORS = {kind: Draft7Validator(preset_schema(kind)) for kind in KINDS}
SHIPPED = sorted(path for path in presets_folder().rglob("*.toml") if path.name != CARDS)
PRESET = VIDEO_PRESETS["wan_5b"].path


def kind_of(path: Path) -> Kind:
    return path.stem if path.stem in KINDS else "preset"  # type: ignore[return-value]


def problems(kind: Kind, text: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[kind].iter_errors(tomllib.loads(text))]


def keys(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a schema lists, with its own schema."""
    for name, value in schema.get("properties", {}).items():
        yield f"{path}.{name}", value
        yield from keys(value, f"{path}.{name}")
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())]
    for value in (*inner, *schema.get("patternProperties", {}).values()):
        if isinstance(value, dict):
            yield from keys(value, f"{path}.*")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_shipped_passes(path: Path) -> None:
    """Every preset, family and file list that is shipped is as its schema says."""
    assert problems(kind_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_has_words(kind: Kind) -> None:
    """A schema is valid in the draft that editors know, refers to nothing, and explains every key."""
    schema = preset_schema(kind)
    Draft7Validator.check_schema(schema)
    assert "$ref" not in str(schema)
    assert [key for key, value in keys(schema) if not value["description"]] == []
    assert [value["description"] for _, value in keys(schema) if "None" in value["description"]] == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (".needs.min_vram_gb", "GiB with which it runs, weights streamed from RAM."),
        (".needs.min_vram_gb.source", "Key of a line in [sources]."),
        (".settings.width.value", "Pixels."),
        (".task.image.settings.fps.value", "Frames per second; where the model is conditioned on it, both follow."),
        (".setting.*.from", "The setting it is derived from by rule, unless the caller gives a value."),
        (".variants.upscale.value", "Times wider and higher, by an upscaling model."),
        (".files.*.*.size_gb", "In 1e9 bytes; left out where nobody has read it."),
    ],
)
def test_words_of_a_key(key: str, said: str) -> None:
    """The words are those of the docstrings, with the unit."""
    assert dict(keys(preset_schema()))[key]["description"] == said


def test_models_are_named_as_a_file_names_them() -> None:
    """What a file writes is the member's name, not its value."""
    choices = preset_schema()["properties"]["model"]["enum"]
    assert set(VideoModel.__members__) <= set(choices)


SLIPS = {
    "an unknown key": ("tier = ", "teir = "),
    "a tier that there is not": ('tier = "standard"', 'tier = "best"'),
    "a task that there is not": ("image = ", "picture = "),
    "an unknown setting": ("steps = ", "step = "),
    "a size in words": ("width = { value = 1280", 'width = { value = "wide"'),
    "steps that are no whole number": ("steps = { value = 20", "steps = { value = 20.5"),
    "a value without a source": ("height = { value = 704, source", "height = { value = 704, sauce"),
    "an unknown table": ("[needs]", "[need]"),
    "a need that there is not": ("min_ram_gb", "min_ram"),
    "no VRAM": ("min_vram_gb = { value = 8", "min_vram_gb = { value = 0"),
    "a rank between two": ("rank = { value = 550", "rank = { value = 550.5"),
    "an unknown rule": ("[rules.size]", "[rules.sizes]"),
    "no multiple": ("multiple = 32", "multiple = 0"),
    "one side of a size": ("[704, 1280]", "[704]"),
    "a role with a dash": ("vae = ", "the-vae = "),
    "an unknown variant": ("[needs]", '[variants]\nupscal = { value = 2, source = "maker" }\n\n[needs]'),
    "a variant that shrinks": ("[needs]", '[variants]\nupscale = { value = 0.5, source = "maker" }\n\n[needs]'),
    "a name with capitals": ('name = "wan_5b"', 'name = "Wan"'),
    "no name": ('name = "wan_5b"\n', ""),
    "a country in words": ("[needs]", '[licence]\nexcludes = ["Germany"]\n\n[needs]'),
    "a setting that takes what there is not": ("[setting.tile_size]", '[setting.tile_size]\ntype = "whole"'),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_by_both(tmp_path: Path, slip: str) -> None:
    """What the schema refuses the reader refuses, and the other way round."""
    old, new = SLIPS[slip]
    text = PRESET.read_text(encoding="utf-8")
    assert problems("preset", text) == []
    spoiled = text.replace(old, new, 1)
    assert spoiled != text
    assert problems("preset", spoiled) != []
    (tmp_path / "mine.toml").write_text(spoiled.replace('name = "wan_5b"', 'name = "mine"'), encoding="utf-8")
    with pytest.raises(ValidationError):
        PresetLibrary([tmp_path])["mine"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("size_gb = ", "size = "),
        ("[[file]]", "[[files]]"),
        ("size_gb = 2.84", "size_gb = 0"),
        ('folder = "', 'floor = "'),
    ],
)
def test_a_slip_in_a_list_of_files(tmp_path: Path, old: str, new: str) -> None:
    """A list of files is held to its schema in full: it has no family."""
    text = (presets_folder() / "wan" / "files.toml").read_text(encoding="utf-8").replace("wan2", "own2")
    (tmp_path / "files.toml").write_text(text.replace(old, new), encoding="utf-8")
    assert problems("files", text) == []
    assert problems("files", text.replace(old, new)) != []
    with pytest.raises(ValidationError):
        _ = PresetLibrary([tmp_path]).files


def test_a_family_says_what_it_likes() -> None:
    """In a family nothing is required, and a preset with a family needs its name only."""
    assert problems("family", "") == []
    assert problems("preset", 'name = "mine"') == []
    assert problems("family", '[licence]\nname = "MIT"') == []
    assert problems("family", "[licence]\ntitle = 1") != []
