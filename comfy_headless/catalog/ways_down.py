"""What could be changed about a request so that it takes less memory: candidates, each kind from the best to the worst.

Whether one can be made, runs on the server and helps is for ``lighter`` to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import TOLERANCE, ServerFacts
from comfy_headless.catalog.memory import bits
from comfy_headless.catalog.models import VideoSettings
from comfy_headless.catalog.precisions import rank
from comfy_headless.catalog.preset import AtTask, Preset
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.roles import fill
from comfy_headless.catalog.rules import SizeRule, around
from comfy_headless.catalog.selection import has_ram
from comfy_headless.catalog.vram import estimate_vram
from comfy_headless.errors import ValidationError
from comfy_headless.graph.listed import file_name, find_listed, lists_backslashes
from comfy_headless.graph.transforms.files import as_listed

Changes = Mapping[str, Any]

_TILES: Final = (512, 256, 128)
"""Pixels of a tile's side: the default of VAEDecodeTiled and its halves (judged: smaller ones save little more)."""

_FAR_LESS: Final = 0.75
"""A smaller precision or tested size has at most this share of the bits or pixels (judged: else it hardly helps)."""

_WORST: Final = rank("Q4_0")
"""No precision is worse than this one (judged: with 3 bits a weight other steps lose less)."""

_LIKE: Final = math.log(1.25)
"""How far the shape of a smaller size may be from that which failed, as the logarithm of both (judged)."""

ABOUT: Final = ("image", "last_image", "negative_prompt", "seed", "allow_untested")
"""What a request is about, whatever the preset."""

_OF_FILES: Final = ("files", "precision", "loras")
"""What belongs to the model files of one preset."""

_LICENCES: Final = ("no", "limited", "yes")


class Failed(NamedTuple):
    """A request that ran out of memory, and where it could go from there.

    Args:
        asked: what the caller gave, by name.
        files: the model files that were loaded, by role, as the server lists them.
        facts: what the server has; None if unknown.
    """

    preset: Preset
    task: Task
    asked: Mapping[str, Any]
    files: Mapping[str, str]
    facts: ServerFacts | None
    vram_gb: float | None
    presets: PresetLibrary

    @property
    def view(self) -> AtTask:
        """The preset at its task."""
        return self.preset.at(self.task)

    def compiled(self, changes: Changes = {}) -> CompiledWorkflow:  # noqa: B006 - never changed
        """Return the graph with changes, files named as the server lists them; raises ValidationError."""
        request = merged(self.asked, changes)
        preset = self.presets[request.pop("preset", self.preset.name)]
        if preset.name == self.preset.name:
            request["files"] = {**self.files, **request.get("files", {})}
        compiled = WorkflowCompiler(self.presets).compile(preset, "", **request)
        if self.facts is None:
            return compiled
        return replace(compiled, graph=as_listed(compiled.graph, self.facts.files).graph)


def merged(asked: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Return a request with changes; what is None is not given, or taken back."""
    given = dict(asked)
    settings = given.pop("settings", None)
    own = settings.given() if isinstance(settings, VideoSettings) else {}
    return {name: value for name, value in {**own, **given, **changes}.items() if value is not None}


def described(view: AtTask, files: Mapping[str, str], presets: PresetLibrary) -> dict[str, ModelFile]:
    """Return what is known of the files that were loaded, by role."""
    known = (*view.files.values(), *presets.files.values())
    found = {}
    for role, name in files.items():
        own = file_name(name)
        same = (file for file in known if file.folder == view.files[role].folder and own in (file.name, *file.also))
        found[role] = next(same, view.files[role])
    return found


def smaller_tiles(failed: Failed) -> Iterator[Changes]:
    """Decode in tiles, or in smaller ones where the preset has a setting for them."""
    compiled = failed.compiled()
    size = compiled.settings.get("tile_size")
    if size is not None and "tile_size" in failed.view.declared:
        yield from ({"tile_size": side} for side in _TILES if side < size)
    elif not any(
        node["class_type"] == "VAEDecodeTiled" or node["inputs"].get("enable_vae_tiling")
        for node in compiled.graph.values()
    ):
        yield {"tiled_decode": True}


def smaller_precisions(failed: Failed) -> Iterator[Changes]:
    """Load another file of the same network that the server has, or cast it while loading."""
    loaded = described(failed.view, failed.compiled().files, failed.presets)
    models = {role: file for role, file in loaded.items() if file.network is not None}
    if not models:
        return
    asked = failed.compiled().settings.get("precision")
    now = min(bits(each) for each in (*(file.precision for file in models.values()), *([asked] if asked else [])))
    others = {role: _others(failed, file) for role, file in models.items()}
    shared = set.intersection(*({*found} for found in others.values()))
    smaller = [each for each in shared if bits(each) < now and rank(each) <= _WORST]
    smaller.sort(key=lambda each: (rank(each), each))
    ordered = [each for each in smaller if bits(each) <= now * _FAR_LESS] or smaller[::-1]
    for precision in ordered:
        yield {"precision": precision}
        names = {role: others[role][precision] for role in models}  # such as one that goes by another name there
        yield {"files": {**failed.asked.get("files", {}), **names}, **({"precision": None} if asked else {})}
    if now > bits("fp8"):
        yield from ({"precision": name} for name in ("fp8", "fp8_e4m3fn"))


def _others(failed: Failed, file: ModelFile) -> dict[str, str]:
    """Return the server's files of the same network as it lists them, by precision."""
    if failed.facts is None or file.weights is None:
        return {}
    listed = failed.facts.files.get(file.folder, frozenset())
    any_case = lists_backslashes(failed.facts.files)
    found = {}
    for other in failed.presets.files.values():
        if other.weights == file.weights and other.folder == file.folder and other.precision != file.precision:
            there = [find_listed(name, listed, any_case=any_case) for name in (other.name, *other.also)]
            if each := next((each for each in there if each is not None), None):
                found[other.precision] = each.name
    return found


def fewer_frames(failed: Failed) -> Iterator[Changes]:
    """Make about half as many frames, a second of them at the least."""
    values, rule = failed.compiled().settings, failed.view.rules.frames
    if rule is None or "frames" not in values:
        return
    frames, least = values["frames"], math.ceil(values.get("fps") or 1)
    wanted = max(frames / 2, least)
    tested = [int(each) for each in (rule.tested.values if rule.tested else ()) if least <= each < frames]
    nearest = rule.nearest(wanted)
    counts = sorted(tested, key=lambda each: abs(each - wanted))[:1]
    counts += [each for each in (nearest, nearest + rule.step) if least <= each < frames]
    for count in dict.fromkeys(counts):
        yield from _tried(failed, {"frames": count}, "seconds")


def smaller_sizes(failed: Failed) -> Iterator[Changes]:
    """Take the largest tested size of the same shape that is clearly smaller, else about half the area."""
    values, rule = failed.compiled().settings, failed.view.rules.size
    if not {"width", "height"} <= values.keys():
        return
    width, height = values["width"], values["height"]
    listed = rule.only or (rule.tested.sizes if rule.tested else ())
    like = [
        size
        for size in listed
        if size[0] * size[1] <= width * height * _FAR_LESS
        and abs(math.log(size[0] / size[1] / (width / height))) < _LIKE
    ]
    halves = () if rule.only else _halves(width, height, rule)
    for size in (*sorted(like, key=lambda size: -size[0] * size[1]), *halves):
        yield from _tried(failed, {"width": size[0], "height": size[1]}, "aspect")


def _halves(width: int, height: int, rule: SizeRule) -> list[tuple[int, int]]:
    """Return the legal sizes around half the area, the nearest in shape and area first."""
    sides = [around(side * math.sqrt(0.5), rule.multiple, 0, rule.minimum, rule.maximum) for side in (width, height)]
    sizes = [(wide, high) for wide, high in product(*sides) if wide * high < width * height]

    def distance(size: tuple[int, int]) -> float:
        area = abs(math.log(size[0] * size[1] / (width * height / 2)))
        return abs(math.log(size[0] / size[1] / (width / height))) + area / 4

    return sorted(dict.fromkeys(sizes), key=distance)


def _tried(failed: Failed, changes: dict[str, Any], instead_of: str) -> Iterator[Changes]:
    """Give a change; then the same as an untested value, where the caller did not ask for those anyway."""
    whole = {**changes, **({instead_of: None} if instead_of in failed.asked else {})}
    yield whole
    if not failed.asked.get("allow_untested"):
        yield {**whole, "allow_untested": True}


def lighter_presets(failed: Failed) -> Iterator[Changes]:
    """Take another preset for the same task that the server can run, under a licence that forbids no more.

    Those that the card holds whole come first, then those that need less; of each the highest rank.
    """
    if failed.facts is None:
        return
    found = []
    for other in failed.presets.values():
        fits = other.name != failed.preset.name and failed.task in other.tasks and other.makes == failed.preset.makes
        if fits and _is_as_free(other, failed.preset) and _runs(other, failed.task, failed.presets, failed.facts):
            peak = estimate_vram(other, task=failed.task, presets=failed.presets).peak_gb
            whole = failed.vram_gb is not None and peak * TOLERANCE <= failed.vram_gb
            found.append((not whole, -other.needs.rank.value, other.name))
    for _, _, name in sorted(found):
        yield _switched(failed, name)


def _is_as_free(other: Preset, preset: Preset) -> bool:
    """Return whether the licence of another preset forbids no more than that of ``preset``."""
    commercial = [_LICENCES.index(each.licence.commercial) for each in (other, preset)]
    return commercial[0] >= commercial[1] and set(other.licence.excludes) <= set(preset.licence.excludes)


def _runs(preset: Preset, task: Task, presets: PresetLibrary, facts: ServerFacts) -> bool:
    """Return whether a server has the node classes of a preset, files for its roles, and its RAM, if that is told."""
    view = preset.at(task)
    classes = {node["class_type"] for node in view.template.graph.values()}
    there = has_ram(preset, facts.ram_gb) and classes <= facts.node_classes
    return there and not fill(view, presets.files, facts).missing


def _switched(failed: Failed, name: str) -> Changes:
    """Return the change to another preset, which takes back what that one has no place for."""
    asked = merged(failed.asked, {})
    dropped = {each: None for each in asked if each not in ABOUT}
    kept: set[str] = set()
    for unit in (("width", "height"), *((each,) for each in dropped if each not in ("width", "height"))):
        if not set(unit) <= dropped.keys() or set(unit) & set(_OF_FILES):
            continue
        changes = {"preset": name, **{each: None for each in dropped if each not in (*kept, *unit)}}
        try:
            failed.compiled(changes)
        except ValidationError:
            continue
        kept |= set(unit)
    return {"preset": name, **{each: None for each in dropped if each not in kept}}
