"""Which presets go with a prompt: found when they are asked for, since the catalog, or a server, must be asked.

Presets for images differ in shape alone, so intent, style and aspect choose one. Of those for videos the catalog
recommends one by VRAM, or by what a server has; what the prompt asks for leaves out those that cannot make it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from comfy_headless.catalog.candidates import Candidate, Machine, Wishes
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.catalog.recommend import DEFAULT_VRAM_GB, Recommendation, recommend
from comfy_headless.catalog.selection import fits
from comfy_headless.errors import ValidationError
from comfy_headless.graph.outputs import sound_made
from comfy_headless.graph.values import written

if TYPE_CHECKING:
    from comfy_headless.ai.analysis import PromptAnalysis

_BY_INTENT: Final = {
    "portrait": "portrait",
    "animal": "quality",
    "object": "square",
    "scene": "landscape",
    "action": "cinematic",
    "abstract": "square",
}
_WIDE: Final = 1.9
"""Width to height from which a picture is as wide as on a cinema's screen: DCI Flat is 1.85, Scope 2.39."""


class SuggestedPreset(str):
    """The name of a preset, and why it was suggested.

    Args:
        reason: in a sentence or more.
    """

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, name: str, reason: str = "") -> SuggestedPreset:
        """Return a name that carries its reason."""
        made = super().__new__(cls, name)
        made.reason = reason
        return made

    def __reduce__(self) -> tuple[type[SuggestedPreset], tuple[str, str]]:
        return SuggestedPreset, (str(self), self.reason)


def suggest_image(analysis: PromptAnalysis) -> SuggestedPreset:
    """Return the preset for images whose shape fits a prompt, of the family that the analysis is for, if it is one."""
    name, reason = _shape(analysis)
    family = _family(analysis, "image")
    own = {
        preset.name for preset in IMAGE_PRESETS.values() if preset.family == family and preset.name.endswith(f"_{name}")
    }
    return SuggestedPreset(min(own, default=name), reason)


def _shape(analysis: PromptAnalysis) -> tuple[str, str]:
    if (aspect := analysis.aspect) is not None:
        ratio = _ratio(aspect)
        if ratio == 1:
            return "square", f"{aspect} is asked for"
        if ratio < 1:
            return "portrait", f"{aspect} is asked for, which is upright"
        if ratio >= _WIDE or "cinematic" in analysis.styles:
            return "cinematic", f"{aspect} is asked for{'' if ratio >= _WIDE else ', and it is to look as in a cinema'}"
        return "landscape", f"{aspect} is asked for, which is wider than high"
    if "cinematic" in analysis.styles and analysis.intent != "portrait":
        return "cinematic", "it is to look as in a cinema"
    return _BY_INTENT[analysis.intent], f"the prompt is about {_ABOUT[analysis.intent]}"


_ABOUT: Final = {
    "portrait": "a person",
    "animal": "an animal",
    "object": "a thing",
    "scene": "a place",
    "action": "what happens",
    "abstract": "shapes",
}


def _ratio(aspect: str) -> float:
    width, _, height = aspect.partition(":")
    return float(width) / float(height)


def suggest_video(analysis: PromptAnalysis) -> SuggestedPreset:
    """Return the preset for videos that the catalog recommends for a prompt, and why.

    Raises:
        ValidationError: ``vram_gb`` or ``server`` of the analysis is wrong.
        ComfyUIConnectionError: the server does not answer (ComfyUIOfflineError: nothing is there).
    """
    machine = _machine(analysis)
    asked = {"seconds": analysis.duration, "aspect": analysis.aspect}
    wishes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    family = _family(analysis, "video")
    found, heard = _recommended(machine, wishes, family)
    taken, why = _narrowed(analysis, found, family)
    reasons = [found.reason.removeprefix(f"preset {taken!r}: ")] if taken == found.name else []
    reasons += why
    if heard:
        reasons.append(f"it makes {_in_words(heard)}, as asked for")
        plain = recommend(VIDEO_PRESETS, machine, Wishes())
        if plain.name not in (found.name, taken) and family is None:
            reasons[-1] += f"; {plain.name!r} would be taken otherwise, but was not tested with that"
    if missed := {name: value for name, value in wishes.items() if name not in heard}:
        none = "no preset" if family is None else f"none of {family!r}"
        reasons.append(f"{none} was tested with {_in_words(missed)}")
    return SuggestedPreset(taken, "; ".join(reasons))


def _machine(analysis: PromptAnalysis) -> Machine:
    if analysis.server is not None:
        from comfy_headless.api.recommend import asked_machine

        return asked_machine(analysis.vram_gb, None, analysis.server)
    if analysis.vram_gb is not None:
        return Machine(analysis.vram_gb, "as given")
    return Machine(DEFAULT_VRAM_GB, "assumed")


def _recommended(
    machine: Machine, wishes: Mapping[str, Any], family: str | None
) -> tuple[Recommendation, Mapping[str, Any]]:
    """Return what is recommended, and which wishes it fulfils; what nothing can make is left out, the length first."""
    tries = [wishes, *({name: wishes[name]} for name in ("aspect", "seconds") if name in wishes and len(wishes) > 1)]
    for heard in filter(None, tries):
        try:
            found = recommend(VIDEO_PRESETS, machine, Wishes(settings={**heard, "allow_untested": False}))
        except ValidationError:  # no preset can take these
            continue
        if family is None or any(each.preset.family == family and not each.refuses for each in found.candidates):
            return found, heard
    return recommend(VIDEO_PRESETS, machine, Wishes()), {}


def _narrowed(analysis: PromptAnalysis, found: Recommendation, family: str | None) -> tuple[str, list[str]]:
    """Return the best of those that are of a family, and make sound, where that is asked for and one runs; and why."""
    able = [each for each in found.candidates if not each.refuses]
    taken, why = found.name, []
    if family is not None:
        of_it = [each for each in able if each.preset.family == family]
        if not of_it:
            return taken, [f"no preset of {family!r} makes a video from text alone"]
        able, taken = of_it, _best(of_it, found, analysis.model)
        if taken != found.name:
            how = "the one that was named" if taken == analysis.model else f"the best of {family!r} {_where(found)}"
            why.append(f"{how}{_tight(able, taken)}")
    if analysis.sound:
        loud = [each for each in able if sound_made(each.preset.template("text").graph)]
        there = [each for each in loud if fits(each.preset, found.vram_gb) and each.enough_ram]
        if not any(each.lacks for each in able if each.name == taken):
            there = [each for each in there if not each.lacks]
        if any(each.name == taken for each in loud):
            why.append("it makes the sound that is asked for")
        elif there:
            taken = _best(there, found, analysis.model)
            why.append(f"it makes the sound that is asked for{_tight(there, taken)}")
        else:
            lightest = min(loud, key=lambda each: each.preset.needs.min_vram_gb.value, default=None)
            why.append(f"it makes no sound, which is asked for{_instead(lightest)}")
    return taken, why


def _best(pool: Sequence[Candidate], found: Recommendation, named: str | None) -> str:
    """Return what was named or the catalog has taken, if it is one of these; else what has room, or the lightest."""
    for name in (named, found.name):
        if any(each.name == name for each in pool):
            return str(name)
    room = [each for each in pool if each.recommended]
    there = [each for each in room or pool if not each.lacks] or room or pool
    return (max if room else min)(there, key=lambda each: each.rank).name


def _tight(pool: Sequence[Candidate], name: str) -> str:
    taken = next(each for each in pool if each.name == name)
    least = taken.preset.needs.recommended_from.value
    return "" if taken.recommended else f" (tight: it is meant for {written(least)} GiB of VRAM)"


def _instead(lightest: Candidate | None) -> str:
    if lightest is None:
        return ""
    return f"; {lightest.name!r} does, with {written(lightest.preset.needs.min_vram_gb.value)} GiB of VRAM or more"


def _where(found: Recommendation) -> str:
    return "where nothing tells the VRAM" if found.vram_gb is None else f"on {found.vram_gb:g} GiB of VRAM"


def _family(analysis: PromptAnalysis, makes: str) -> str | None:
    """Return the family that the analysis is for, where it makes that."""
    if analysis.model is None:
        return None
    every = [preset for library in (VIDEO_PRESETS, IMAGE_PRESETS) for preset in library.values()]
    named = [each for each in every if each.name == analysis.model]
    of_it = named or [each for each in every if analysis.model in (each.family, each.model.value)]
    return next((each.family for each in of_it if each.makes == makes), None)


def _in_words(wishes: Mapping[str, Any]) -> str:
    return " and ".join(_words_of(wishes))


def _words_of(wishes: Mapping[str, Any]) -> Iterator[str]:
    if (seconds := wishes.get("seconds")) is not None:
        yield f"{written(seconds)} s"
    if (aspect := wishes.get("aspect")) is not None:
        yield str(aspect)
