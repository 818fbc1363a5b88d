"""What a prompt is written for: a preset, a family of models or nothing in particular; how that wants to be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from comfy_headless.ai.tokens import count_bound
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest, shown

if TYPE_CHECKING:
    from comfy_headless.ai.analysis import PromptAnalysis
    from comfy_headless.catalog.models import ImageModel, VideoModel
    from comfy_headless.catalog.preset import Preset
    from comfy_headless.catalog.preset_file import Task
    from comfy_headless.catalog.presets import PresetLibrary
    from comfy_headless.catalog.prompting import Form, PromptPart, TokenizerName

_VIDEO_ORDER: Final[tuple[PromptPart, ...]] = ("motion", "shot", "camera", "light", "mood", "style", "sound")
_IMAGE_ORDER: Final[tuple[PromptPart, ...]] = ("shot", "light", "mood", "style", "quality")


@dataclass(frozen=True, slots=True)
class Target:
    """What a prompt is written for, and how that wants to be asked.

    Args:
        name: of the preset or family; None: none was named.
        makes: videos or images.
        form: paragraph, phrases, or none where it takes no text.
        guidance: how it wants to be asked, a line each, for people and language models.
        languages: ISO 639-1 codes of those that its makers name, the best first; empty: any.
        multilingual: whether its text encoder knows other languages too.
        tokenizer: of its text encoder; None: not known.
        limit: how many tokens it reads; None: as many as there are.
        refuses: whether more than that is an error, and not only more than it was trained with.
        least_words: what a prompt should have; None: nothing is said of it.
        most_words: the same.
        order: what a prompt should say, in this order.
        negative: its usual negative prompt.
        takes_negative: whether a negative prompt has an effect.
        sound: whether its videos have sound.
        images: how many images it begins with; they show light, colours and size already.
        assumed: what nobody says of it, and was assumed, a sentence each.
    """

    name: str | None
    makes: Literal["video", "image"]
    form: Form
    guidance: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    multilingual: bool = False
    tokenizer: TokenizerName | None = None
    limit: int | None = None
    refuses: bool = False
    least_words: int | None = None
    most_words: int | None = None
    order: tuple[PromptPart, ...] = _VIDEO_ORDER
    negative: str = ""
    takes_negative: bool = True
    sound: bool = False
    images: int = 0
    assumed: tuple[str, ...] = ()

    @property
    def takes_text(self) -> bool:
        """Whether words have any effect."""
        return self.form != "none"

    def tokens(self, text: str) -> int | None:
        """Return an upper bound of a text's length in its tokens; None where it takes none, or nobody knows them."""
        return None if self.tokenizer is None or not self.takes_text else count_bound(text, self.tokenizer)

    def reads(self, language: str) -> bool:
        """Return whether a prompt in that language is understood."""
        return not self.languages or self.multilingual or language in self.languages


_IMAGES: Final[Mapping[Task, int]] = {"text": 0, "image": 1, "first_last": 2}
_SPOILED: Final = "low quality, blurry, distorted, watermark"
IMAGE: Final = Target(None, "image", "phrases", order=_IMAGE_ORDER, negative=_SPOILED)
"""Where no model is named: an image, as Stable Diffusion is asked for one."""
FILM: Final = Target(None, "video", "paragraph", negative=_SPOILED)
"""Where no model is named, and the prompt asks for a film."""


def target_of(
    model: str | VideoModel | ImageModel | None,
    *,
    analysis: PromptAnalysis | None = None,
    images: int | None = None,
    presets: PresetLibrary | None = None,
) -> Target:
    """Return what a prompt is written for.

    Args:
        model: a preset, a family, or a kind of model; of a family, the preset that is recommended first, and with a
            negative prompt if any of them takes one. None: an image, or a film where the prompt asks for one.
        analysis: of the prompt; looked at where no model is named.
        images: how many images it is to begin with; None: as few as the preset takes.
        presets: where names are looked up; None is all that there are.

    Raises:
        ValidationError: no such preset or family, with those that there are.
    """
    if images is not None:
        return replace(target_of(model, analysis=analysis, presets=presets), images=images)
    if model is None:
        return FILM if analysis is not None and asks_for_film(analysis) else IMAGE
    # Presets are read by pydantic, whose import takes longer than all of this room's.
    from comfy_headless.catalog.models import ImageModel, VideoModel
    from comfy_headless.catalog.presets import PRESETS

    library = PRESETS if presets is None else presets
    if not isinstance(model, str):
        raise ValidationError(f"model={shown(model)}: expected the name of a preset or of a family")
    if not isinstance(model, (VideoModel, ImageModel)):
        preset = library.get(model)
        if preset is not None:
            return _target(preset, model)
    members = _shipped(model, library) or [each for each in library.values() if _is_of(each, model)]
    if not members:
        raise _unknown(str(model), library)
    first, *others = sorted(members, key=_rank)
    target = _target(first, str(model))
    usual = next((each for each in (_target(other, str(model)) for other in others) if each.takes_negative), None)
    if target.takes_negative or usual is None:
        return target
    return replace(target, negative=usual.negative, takes_negative=True)


def _shipped(model: str, library: PresetLibrary) -> list[Preset]:
    """Return the presets of a family that is shipped, without a look at all others."""
    from comfy_headless.catalog.files import FILES
    from comfy_headless.catalog.reading import FAMILY
    from comfy_headless.config import presets_folder

    if not model.isidentifier():
        return []
    folders = dict.fromkeys((model, model.replace("_", "")))
    files = [file for folder in folders for file in (presets_folder() / folder).glob("*.toml")]
    found = [library.get(file.stem) for file in files if file.name not in (FAMILY, FILES)]
    return [preset for preset in found if preset is not None and _is_of(preset, model)]


def _is_of(preset: Preset, model: str) -> bool:
    return model in (preset.family, preset.model.value)


def asks_for_film(analysis: PromptAnalysis) -> bool:
    """Return whether a prompt says what only a film has: a moving camera, a length, a pace, sound."""
    return bool(analysis.camera or analysis.duration or analysis.sound or analysis.pace != "normal")


def _rank(preset: Preset) -> tuple[bool, int]:
    return "text" not in preset.tasks, -preset.needs.rank.value


def _target(preset: Preset, name: str) -> Target:
    said = preset.prompt
    takes_text = any("prompt" in preset.template(task).parameters for task in preset.tasks)
    takes_negative = takes_text and preset.value("cfg") != 1
    form: Form = said.form or "paragraph"
    return Target(
        name=name,
        makes=preset.makes,
        form=form if takes_text else "none",
        guidance=said.guidance,
        languages=said.languages,
        multilingual=said.multilingual is not None and said.multilingual.value,
        tokenizer=said.tokenizer.value if said.tokenizer else None,
        limit=said.limit.value if said.limit else None,
        refuses=said.limit is not None and said.limit.over == "error",
        least_words=said.words.least if said.words else None,
        most_words=said.words.most if said.words else None,
        order=said.order or (_VIDEO_ORDER if preset.makes == "video" else _IMAGE_ORDER),
        negative=said.negative.value if said.negative and takes_negative else "",
        takes_negative=takes_negative
        and any("negative_prompt" in preset.template(task).parameters for task in preset.tasks),
        sound="sound" in said.order,
        images=min(_IMAGES[task] for task in preset.tasks),
        assumed=tuple(_assumed(preset)) if takes_text else (),
    )


def _assumed(preset: Preset) -> Iterator[str]:
    """Say what a preset's ``[prompt]`` leaves open."""
    said = preset.prompt
    if said.form is None:
        yield f"{preset.name} does not say which form it wants: a paragraph is assumed"
    if said.tokenizer is None:
        yield f"{preset.name} does not say which tokenizer it has: the length in tokens is not known"


def _unknown(name: str, library: PresetLibrary) -> ValidationError:
    families = sorted({preset.family for preset in library.values()})
    others = sorted({preset.model.value for preset in library.values()}.difference(families))
    near = nearest(name, [*families, *others, *library])
    presets = (
        "comfy-headless presets list shows the presets" if near.endswith("?") else f"presets: {', '.join(library)}"
    )
    return ValidationError(f"no preset or family {name!r}{near} Families: {', '.join(families)}; {presets}")
