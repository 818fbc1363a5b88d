"""Open a clip or picture and yield the frames to look at: one pass, one thread, one frame in memory at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import av
from PIL import Image, ImageOps, ImageSequence

from comfy_headless.errors import MediaError
from comfy_headless.media.animation import durations
from comfy_headless.media.glance import CELL, Glance, glance
from comfy_headless.media.noise import middle
from comfy_headless.media.probe import is_shown, picture_stream, reading
from comfy_headless.media.timeline import SAMPLES, Place, Plan, Timeline, choose, choose_at

# PyAV 18 has no type for it.
_image_of: Callable[[av.VideoFrame], Image.Image] = av.VideoFrame.to_image


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame of a clip.

    Args:
        place: where it stands among the frames that it was encoded with.
        source: as it was decoded.
    """

    place: Place
    source: av.VideoFrame | Image.Image

    def glance(self) -> Glance:
        """Measure the frame."""
        if isinstance(self.source, Image.Image):
            light, colours = self.source.convert("L"), self.source
        else:
            light, colours = _band(self.source.reformat(format="gray")), None
        quarters, cells = self._reduced(CELL // 2), self._reduced(CELL)
        return glance(light, quarters, cells, lambda: middle(colours or self.picture()), self.place)

    def picture(self, width: int | None = None) -> Image.Image:
        """Return the frame as it is shown.

        Args:
            width: pixels; None is the frame's own.
        """
        if isinstance(self.source, Image.Image):
            shown = self.source
        else:
            shown = _image_of(self.source.reformat(format="rgb24"))
            if self.source.rotation:
                shown = shown.rotate(self.source.rotation, expand=True)
        if width is None or width == shown.width:
            return shown
        return shown.resize((width, max(1, round(shown.height * width / shown.width))), Image.Resampling.LANCZOS)

    def _reduced(self, times: int) -> Image.Image:
        width, height = max(1, self.source.width // times), max(1, self.source.height // times)
        if isinstance(self.source, Image.Image):
            return self.source.resize((width, height), Image.Resampling.BOX)
        return _image_of(self.source.reformat(width, height, "rgb24", interpolation="AREA"))


def samples(path: Path, timeline: Timeline | None, *, at: float | None = None) -> Iterator[Sample]:
    """Yield at most 16 frames, spread over the whole clip.

    Args:
        timeline: its frames; None for a picture file.
        at: yield only the frame that is shown so many seconds after the first.

    Raises:
        MediaError: the file cannot be decoded.
    """
    with reading(path):
        if timeline is None:
            yield from _pictures(path, at)
        else:
            yield from _frames(path, timeline, choose(timeline) if at is None else choose_at(timeline, at))


def _pictures(path: Path, at: float | None) -> Iterator[Sample]:
    with Image.open(path) as picture:
        count = int(getattr(picture, "n_frames", 1))
        wanted = {round(index * (count - 1) / (SAMPLES - 1)) for index in range(SAMPLES)}
        if at is not None:
            with path.open("rb") as file:
                ends = list(accumulate(durations(picture, file)))
            wanted = {min(bisect_right(ends, at * 1000), count - 1)}
        for number, shown in enumerate(ImageSequence.Iterator(picture)):
            if number in wanted:
                yield Sample(Place(0, True), ImageOps.exif_transpose(shown).convert("RGB"))


def _frames(path: Path, timeline: Timeline, plan: Plan) -> Iterator[Sample]:
    seen = 0
    with av.open(str(path.absolute())) as container:
        places = {timeline.times[position]: position for position in plan.wanted}
        for number, frame in enumerate(_decoded(container, timeline, plan)):
            position = places.get(frame.pts if timeline.timed and frame.pts is not None else number)
            if position is not None:
                seen += 1
                yield Sample(plan.wanted[position], frame)
    if not seen:
        raise MediaError(f"cannot read {path}: none of its {len(timeline)} frames can be decoded", path=str(path))


def _decoded(container: av.container.InputContainer, timeline: Timeline, plan: Plan) -> Iterator[av.VideoFrame]:
    """Feed the decoder with the packets of the plan only, and let it leave out what nothing else is made from."""
    stream = picture_stream(container)
    assert stream is not None  # there is a timeline
    codec = stream.codec_context
    codec.thread_count = 1  # it runs beside other work, and every thread more holds frames more
    spans, number = list(plan.spans), -1
    for packet in container.demux(stream):
        if not packet.size:
            continue
        shown = is_shown(packet, codec.name)
        number += shown
        if number < spans[0][0]:
            continue
        codec.skip_frame = "NONREF" if timeline.timed and shown and number not in plan.wanted else "DEFAULT"
        yield from codec.decode(packet)
        if number == spans[0][1]:
            yield from codec.decode(None)
            codec.flush_buffers()
            del spans[0]
            if not spans:
                return


def _band(frame: av.VideoFrame) -> Image.Image:
    """Return the only plane of a grey frame."""
    plane = frame.planes[0]
    return Image.frombuffer("L", (frame.width, frame.height), bytes(plane), "raw", "L", plane.line_size, 1)
