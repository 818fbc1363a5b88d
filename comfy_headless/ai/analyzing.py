"""analyze_prompt: what a prompt asks for, found by rules and word lists; nothing leaves the machine.

Each field has a finder of its own; here they are put together. Word lists are read at first use, by language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from comfy_headless.ai.analysis import PromptAnalysis, Risk, TokenCount
from comfy_headless.ai.intent import find_intent
from comfy_headless.ai.language import Language
from comfy_headless.ai.look import find_look
from comfy_headless.ai.motion import find_motion
from comfy_headless.ai.reading import Found, Reading, Span, read
from comfy_headless.ai.risks import find_risks
from comfy_headless.ai.subject import find_subject
from comfy_headless.ai.subject_roles import find_parts
from comfy_headless.ai.tokens import count_bound
from comfy_headless.ai.video.looking import VideoFields, find_video_fields
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

if TYPE_CHECKING:
    from comfy_headless.ai.target import Target
    from comfy_headless.catalog.models import ImageModel, VideoModel
    from comfy_headless.protocol.executor import Executor

LONGEST: Final = 100_000
"""Characters that a prompt may have; a film of two hours is described in so many."""
_FOUND: Final = ("intent", "styles", "language", "subject", "motion", "lighting", "mood")


def analyze_prompt(
    text: str,
    *,
    model: str | VideoModel | ImageModel | None = None,
    vram_gb: float | None = None,
    server: str | Executor | None = None,
) -> PromptAnalysis:
    """Return what a prompt asks for. Asks nobody: neither a network nor the driver of a graphics card.

    A text without a word is analyzed too, and is at risk of being empty.

    Args:
        model: a preset or a family: tokens are counted as it counts them, and its limits are risks.
        vram_gb: GiB of VRAM that ``suggested_video_preset`` is for; None is 8, or what ``server`` has.
        server: address of a server, or a cloud such as ``RunningHub()``, that it is for; asked when it is read.

    Raises:
        ValidationError: ``text`` is no text or longer than 100,000 characters, there is no such model, or ``vram_gb``
            is none.
    """
    _check(text, vram_gb)
    target = _target(model)
    reading = read(text)
    look, film = find_look(reading), find_video_fields(reading)
    parts = find_parts(reading, film)
    intent, spans = find_intent(reading, parts, film), _film_spans(film)
    motion = find_motion(reading, parts, [*spans, *(span for found in look for span in found.spans)])
    subject = find_subject(reading, parts, moves=motion.spans, film=[*spans, *look.light.spans])
    tokens = _tokens(text, target)
    found = (intent, look.styles, reading.language, subject, motion, look.light, look.mood)
    risks = find_risks(reading, speech=film.sound.value, tokens=tokens, target=target)
    return PromptAnalysis(
        text=text,
        intent=intent.value,
        styles=look.styles.value,
        subject=subject.value,
        motion=motion.value,
        camera=film.camera.value,
        shot=film.shot.value,
        lighting=look.light.value,
        mood=look.mood.value,
        pace=film.pace.value,
        duration=film.duration.value,
        aspect=film.aspect.value,
        language=reading.language.code,
        sound=film.sound.value,
        quoted=reading.quotations,
        tokens=tokens,
        model=None if target is None else target.name,
        risks=(*_emptiness(reading), *risks),
        confidence=_confidence(film, found),
        vram_gb=vram_gb,
        server=server,
    )


def _confidence(film: VideoFields, found: tuple[Found[object] | Language, ...]) -> dict[str, float]:
    named = {**film._asdict(), **dict(zip(_FOUND, found, strict=True))}
    return {name: round(each.confidence, 3) for name, each in named.items()}


def _film_spans(film: VideoFields) -> list[Span]:
    """The words that say how it is filmed, and neither move nor are shown: "a tracking shot"."""
    said: list[Found[object]] = [film.camera, film.shot, film.duration, film.aspect]
    if film.pace.value != "fast":  # "rushes" is both
        said.append(film.pace)
    return [span for found in said for span in found.spans]


def _check(text: object, vram_gb: float | None) -> None:
    if not isinstance(text, str):
        raise ValidationError(f"text={shown(text)}: expected text")
    if len(text) > LONGEST:
        raise ValidationError(
            f"text of {len(text)} characters: a prompt may have {LONGEST}; give the part that is shown"
        )
    if vram_gb is not None:
        from comfy_headless.catalog.vram import check_gb  # with the catalog: 200 ms that only this argument needs

        check_gb("vram_gb", vram_gb)


def _target(model: str | VideoModel | ImageModel | None) -> Target | None:
    if model is None:
        return None
    from comfy_headless.ai.target import target_of  # with the catalog, as above

    return target_of(model)


def _tokens(text: str, target: Target | None) -> TokenCount | None:
    if target is None or target.tokenizer is None or not target.takes_text:
        return None
    return TokenCount(count_bound(text, target.tokenizer), target.limit, target.tokenizer)


def _emptiness(reading: Reading) -> tuple[Risk, ...]:
    if any(map(str.isalnum, reading.prompt)) or any(ord(sign) > 0x2190 for sign in reading.prompt):
        return ()
    return (Risk("empty", "there is no word in it: say what is to be seen"),)
