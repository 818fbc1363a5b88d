"""The codecs that a file can be asked for, and what each quality is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import Kind, Limits, fit, nearest, shown

Quality = str | float
"""``"low"``, ``"medium"``, ``"high"``, ``"lossless"``, or a crf."""


class Codec(NamedTuple):
    """How a codec is asked for.

    Args:
        crf: of each quality it has; the lower, the better and the larger.
        best: the least crf.
        worst: the greatest.
        vhs: the format of VideoHelperSuite that has it.
    """

    crf: Mapping[str, int]
    best: int
    worst: int
    vhs: str


CODECS: Final[Mapping[str, Codec]] = {
    "h264": Codec({"low": 29, "medium": 23, "high": 18, "lossless": 0}, 0, 51, "video/h264-mp4"),
    "h265": Codec({"low": 34, "medium": 28, "high": 23}, 0, 51, "video/h265-mp4"),
    "vp9": Codec({"low": 40, "medium": 32, "high": 24, "lossless": 0}, 0, 63, "video/webm"),
    "av1": Codec({"low": 40, "medium": 32, "high": 24}, 1, 63, "video/av1-webm"),
}
"""By the name that a caller uses.

Medium: the defaults of SaveVideo and SaveWEBM (ComfyUI 0.30.0, nodes_video.py) and of x265. H.264: 18 is hardly told
from the source and 6 halve the size (FFmpeg's guide to H.264 encoding); the others are about as far from their own
medium (judged). Lossless and the least: measured with the encoders of ComfyUI's PyAV on 9 frames of noise: H.264 and
VP9 give every value back at 0; AV1 takes 0 for "not said", and at 1 is not lossless. H.265 has no lossless crf (x265's
manual).
"""

QUALITIES: Final = ("low", "medium", "high", "lossless")


def check_codec(codec: str | None) -> None:
    """Raise ValidationError unless ``codec`` is None, ``"auto"`` or one of `CODECS`."""
    if codec is not None and codec not in ("auto", *CODECS):
        known = ("auto", *CODECS)
        raise ValidationError(
            f"codec={shown(codec)}: unknown codec{nearest(str(codec), known)} There are {_list(known)}"
        )


def crf_of(codec: str, quality: Quality | None) -> int | float:
    """Return the crf that ``quality`` is in that codec; None is medium.

    Raises:
        ValidationError: the codec has no such quality, or the number is out of its range.
    """
    about = CODECS[codec]
    if quality is None:
        return about.crf["medium"]
    if isinstance(quality, str) and quality in QUALITIES:
        if quality not in about.crf:
            able = [name for name, each in CODECS.items() if quality in each.crf]
            raise ValidationError(
                f"quality={quality!r}: {codec} has none; {_list(able)} have, and {codec} has {_list(about.crf)}"
            )
        return about.crf[quality]
    number: int | float = fit(
        quality,
        Limits(Kind.NUMBER, about.best, about.worst),
        f"quality={shown(quality)} for {codec}, a crf or one of {_list(about.crf)}",
    )
    return number


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
