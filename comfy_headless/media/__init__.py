"""Media files: drawing, encoding, reading and judging pictures, videos and sound; the home of Pillow, PyAV and ffmpeg.

``probe.probe`` says what a file holds, ``look.look`` what is off with it, ``thumbnail.thumbnail`` shows it.
"""

from importlib.util import find_spec

from comfy_headless.features import require

if find_spec("av") is None or find_spec("PIL") is None:
    require("media", "reading and writing media files")
